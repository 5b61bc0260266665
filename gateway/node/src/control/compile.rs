//! From a change of the register to a change of the snapshot: the one way by which a change is judged before it is accepted,
//! put in force afterwards, and brought back when what kept it out is gone.
//!
//! Everything that putting in force can fail on is done here, object by object: references read, keys decoded, key files opened,
//! product services set up. An object that fails is left out, alone, and what it was before goes too: absence is denial.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Result, anyhow};
use serde_json::Value;
use shuzha_control::{Delta, Force, takes_away};
use shuzha_core::Fault;
use shuzha_core::Id;
use shuzha_policy::{CompileError, KeyRing, LeftOut, Mark, Snapshot};
use shuzha_products::case::Declared;
use shuzha_products::{World, WorldError};
use shuzha_proxy::UpstreamOptions;

use super::standing::kind_named;
use crate::node::{key_ring, upstreams};
use crate::store::DataStore;

/// The kind whose objects are product services.
pub(super) const UPSTREAM: &str = "Upstream";
/// The kind whose objects may have secrets.
pub(super) const CREDENTIAL: &str = "Credential";
/// Kinds whose objects name keys.
const KEYED: &[&str] = &[CREDENTIAL, "ConsentIssuer"];
/// The kind whose objects only stop others.
const SUSPENSION: &str = "Suspension";

/// An object that cannot be in force, and the field at fault.
#[derive(Clone, Debug)]
pub(super) struct Flaw {
    pub(super) left_out: LeftOut,
    place: String,
}

impl Flaw {
    pub(super) fn of(kind: &str, name: Id, reason: String) -> Self {
        let left_out = LeftOut { kind: kind.to_owned(), name, reason, dangling: false };
        Self { left_out, place: "spec".to_owned() }
    }

    pub(super) fn is_of(&self, put: &Declared) -> bool {
        self.left_out.kind == put.kind && self.left_out.name == put.name
    }

    /// As it is told to whoever declares `put`.
    pub(super) fn told(&self, put: &[Declared]) -> Fault {
        let reason = self.left_out.reason.clone();
        if let Some(own) = put.iter().find(|put| self.is_of(put)) {
            let in_file = self.place == "spec.publicKey" && own.spec.get("publicKeyFile").is_some();
            let path = if in_file { "spec.publicKeyFile".to_owned() } else { self.place.clone() };
            return Fault::new(path, reason);
        }
        Fault::new("", format!("{} {}: {reason}", self.left_out.object(), self.place))
    }
}

impl From<&CompileError> for Flaw {
    fn from(error: &CompileError) -> Self {
        Self { place: error.place().to_owned(), left_out: error.left_out() }
    }
}

/// A change with everything that it needs; only taking it into a snapshot is left.
pub(super) struct Compiled {
    pub(super) change: shuzha_policy::Delta,
    pub(super) ring: KeyRing,
    pub(super) services: Vec<UpstreamOptions>,
    pub(super) flaws: Vec<Flaw>,
}

/// What changes are compiled with.
pub(super) struct Compiler<'c> {
    pub(super) data: &'c DataStore,
    pub(super) data_dir: &'c Path,
    /// Addresses that stand in for those of product services.
    pub(super) endpoints: &'c HashMap<String, SocketAddr>,
}

impl Compiler<'_> {
    /// Compiles `delta`, with what was read against it in `snapshot` and with the objects in `also`. `trial` is a change that
    /// nobody has accepted yet: it leaves no file behind.
    ///
    /// # Errors
    /// When the register, or the secrets of the node, cannot be read.
    pub(super) fn compile(
        &self,
        snapshot: &Snapshot,
        delta: &Delta,
        also: &[(&'static str, Id)],
        force: &Force<'_>,
        trial: bool,
    ) -> Result<Compiled> {
        let mut changed = with_dependents(snapshot, delta);
        changed.extend(also.iter().filter(|one| !changed.contains(one)).cloned().collect::<Vec<_>>());
        let (world, mut flaws) = closures(&changed, delta, force)?;
        flaws.extend(broken_promises(delta, force)?);
        let mut services = Vec::new();
        if changed.iter().any(|(kind, _)| *kind == UPSTREAM) {
            let (made, failed) = upstreams::options(&world, self.data_dir, self.endpoints, !trial);
            services = made;
            flaws.extend(failed.into_iter().map(|left_out| Flaw { left_out, place: "spec".to_owned() }));
        }
        let keyed = changed.iter().any(|(kind, _)| KEYED.contains(kind));
        let ring = if keyed { key_ring(self.data, &world, self.data_dir)? } else { KeyRing::default() };
        let mut removed = delta.removed.clone();
        for flaw in &flaws {
            if let Some(kind) = kind_named(&flaw.left_out.kind) {
                removed.push((kind, flaw.left_out.name.clone()));
            }
        }
        changed.retain(|one| !removed.contains(one));
        let change = shuzha_policy::Delta { world, changed, removed, mark: snapshot.mark() };
        Ok(Compiled { change, ring, services, flaws })
    }
}

impl Compiled {
    /// The snapshot after it, and every object that is not in force in it.
    pub(super) fn on(self, snapshot: &Snapshot, mark: Option<Mark>) -> (Snapshot, Vec<Flaw>) {
        let Self { change, ring, mut flaws, .. } = self;
        let (next, faults) = snapshot.with_sound(change, &ring);
        flaws.extend(faults.iter().map(Flaw::from));
        (next.marked(mark.or_else(|| snapshot.mark())), flaws)
    }
}

/// What of `delta` takes something away, on a snapshot: it needs neither the register nor a key, and cannot fail. What the
/// change would put in force is taken out, because what it was before may be more than it is meant to be.
pub(super) fn take_away(snapshot: &Snapshot, delta: &Delta, why: &anyhow::Error) -> (Snapshot, Vec<Flaw>) {
    let stops = |put: &&Declared| put.kind == SUSPENSION;
    let changed: Vec<_> = delta.put.iter().filter(stops).map(|put| (put.kind, put.name.clone())).collect();
    let mut removed = delta.removed.clone();
    let mut flaws = Vec::new();
    for put in delta.put.iter().filter(|put| !stops(put)) {
        removed.push((put.kind, put.name.clone()));
        if !takes_away(put) {
            flaws.push(Flaw::of(put.kind, put.name.clone(), format!("{why:#}")));
        }
    }
    let world =
        World::read_objects(&changed, &mut |kind, name| spec_in(delta, kind, name)).unwrap_or_default();
    let change = shuzha_policy::Delta { world, changed, removed, mark: None };
    let (next, faults) = snapshot.with_sound(change, &KeyRing::default());
    flaws.extend(faults.iter().map(Flaw::from));
    (next, flaws)
}

/// What would break a promise to the people behind data: accepted by nobody, and put in force from no register.
fn broken_promises(delta: &Delta, force: &Force<'_>) -> Result<Vec<Flaw>> {
    let mut flaws = Vec::new();
    for put in &delta.put {
        if let Err(broken) = force.keeps(put)? {
            let flaw = Flaw::of(put.kind, put.name.clone(), format!("{}: {}", broken.code, broken.reason));
            flaws.push(Flaw { place: broken.path.to_owned(), ..flaw });
        }
    }
    Ok(flaws)
}

/// What changed, and what was read against it and must be read again.
pub(super) fn with_dependents(snapshot: &Snapshot, delta: &Delta) -> Vec<(&'static str, Id)> {
    let mut changed: Vec<_> = delta.put.iter().map(|held| (held.kind, held.name.clone())).collect();
    for held in &delta.put {
        for dependent in snapshot.dependents(held.kind, &held.name) {
            if !changed.contains(&dependent) && !delta.removed.contains(&dependent) {
                changed.push(dependent);
            }
        }
    }
    changed
}

fn spec_in(delta: &Delta, kind: &str, name: &Id) -> Option<Value> {
    let put = delta.put.iter().find(|held| held.kind == kind && held.name == *name);
    put.map(|held| held.spec.clone())
}

/// The changed objects and what they refer to.
///
/// # Errors
/// Every fault; of the register.
pub(super) fn closure(changed: &[(&'static str, Id)], delta: &Delta, force: &Force<'_>) -> Result<World> {
    read(changed, delta, force)?
        .map_err(|faults| anyhow!("what changed cannot be read: {}", in_words(&faults)))
}

/// The changed objects that can be read, with what they refer to, and those that cannot.
fn closures(changed: &[(&'static str, Id)], delta: &Delta, force: &Force<'_>) -> Result<(World, Vec<Flaw>)> {
    if let Ok(world) = read(changed, delta, force)? {
        return Ok((world, Vec::new()));
    }
    let (mut sound, mut flaws) = (Vec::new(), Vec::new());
    for one in changed {
        match read(std::slice::from_ref(one), delta, force)? {
            Ok(_) => sound.push(one.clone()),
            Err(faults) => flaws.push(unread(one, &faults)),
        }
    }
    // Each reads by itself, and reading one does not change another.
    let world = read(&sound, delta, force)?.unwrap_or_default();
    Ok((world, flaws))
}

/// An object that cannot be read. What it refers to may be to blame.
fn unread((kind, name): &(&'static str, Id), faults: &[Fault]) -> Flaw {
    let own = format!("{kind}/{name} ");
    let is_own = |fault: &Fault| {
        let text = fault.reason.strip_prefix(&own);
        text.is_some_and(|text| {
            !WorldError::tells_dangling(text.rsplit_once(": ").map_or(text, |(_, text)| text))
        })
    };
    let dangling = !faults.iter().any(is_own);
    let place = faults.iter().find_map(|fault| fault.reason.strip_prefix(&own)?.split_once(": "));
    let place = place.map(|(place, _)| place.to_owned()).unwrap_or_default();
    let reason = in_words(faults);
    let left_out = LeftOut { kind: (*kind).to_owned(), name: name.clone(), reason, dangling };
    Flaw { left_out, place }
}

fn read(
    changed: &[(&'static str, Id)],
    delta: &Delta,
    force: &Force<'_>,
) -> Result<Result<World, Vec<Fault>>> {
    let mut failed = None;
    let mut fetch = |kind: &'static str, name: &Id| -> Option<Value> {
        if let Some(spec) = spec_in(delta, kind, name) {
            return Some(spec);
        }
        if delta.removed.iter().any(|removed| *removed == (kind, name.clone())) {
            return None;
        }
        match force.spec(kind, name) {
            Ok(spec) => spec,
            // One object that cannot be read is not there for the others.
            Err(shuzha_control::Error::Unreadable { .. }) => None,
            Err(error) => {
                failed = Some(error);
                None
            }
        }
    };
    let read = World::read_objects(changed, &mut fetch);
    failed.map_or(Ok(read), |error| Err(error.into()))
}

fn in_words(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
