//! A start from the kept world and what the register changed since: a million grants are not read again because ten were
//! revoked.
//!
//! The kept world says up to which act of which history it follows. When that act is in the register, what later acts
//! touched is put on top, by the same way as any change; when anything does not fit — another register, a later
//! revision, an object that can no longer be read, a count that differs — nothing of it is used, and the whole register
//! is read instead.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use shuzha_control::{Delta, Force, Kind};
use shuzha_core::Id;
use shuzha_policy::kept::Kept;
use shuzha_policy::{CompileError, KeyRing, Mark, Snapshot};
use shuzha_products::case::Declared;
use shuzha_products::{World, world};
use shuzha_store::Register;
use shuzha_store::register::{ActFilter, Recorded, is_object};

use super::compile::{UPSTREAM, closure, with_dependents};
use super::publisher::Services;
use crate::config::ControlConfig;

/// Most acts since the world was kept; after more, reading everything is no slower.
const ACTS_MAX: u64 = 10_000;
/// Acts read at once.
const PAGE: usize = 1_000;
/// The kind that the configuration declares.
const JURISDICTION: &str = "Jurisdiction";

/// A world brought up to date.
pub(crate) struct CaughtUp {
    pub(crate) snapshot: Snapshot,
    pub(crate) services: Services,
    /// Acts since it was kept.
    pub(crate) acts: u64,
}

/// How far the register is; none before its first act.
///
/// # Errors
/// When the register cannot be read.
pub(crate) fn mark_at(register: &Register, revision: u64) -> Result<Option<Mark>> {
    let filter = ActFilter { before: Some(revision + 1), limit: 1, ..ActFilter::default() };
    let last = register.acts(&filter)?.pop().filter(|last| last.revision == revision);
    Ok(last.map(|last| Mark { revision, act: *last.act.id.as_bytes() }))
}

/// The kept world, with what `register` changed since. `keys` answers the keys of the objects of a world,
/// `services` its product services.
///
/// # Errors
/// Why the whole register must be read.
pub(crate) fn catch_up(
    register: &Register,
    config: &ControlConfig,
    kept: Kept,
    keys: impl Fn(&World) -> Result<KeyRing>,
    services: impl Fn(&World) -> Result<Services>,
) -> Result<CaughtUp> {
    let mark = kept.mark().context("the kept world does not say how far it follows a register")?;
    let latest = register.revision()?;
    ensure!(
        mark.revision <= latest,
        "the kept world is of revision {}, the register of {latest}",
        mark.revision
    );
    let acts = latest - mark.revision;
    ensure!(acts <= ACTS_MAX, "{acts} acts since the world was kept are more than {ACTS_MAX}");
    ensure!(
        mark_at(register, mark.revision)? == Some(mark),
        "the kept world is of another register, or of another history of this one"
    );
    ensure!(kept.left_out().is_empty(), "{} can no longer be read", kept.left_out().join(", "));
    let digest = *kept.digest();
    let delta = changes(register, config, mark.revision, latest, kept.world())?;
    let (ring, mut all_services) = (keys(kept.world())?, services(kept.world())?);
    let snapshot = kept.compile(&ring).map_err(|faults| in_words(&faults))?;
    ensure!(*snapshot.digest() == digest, "the kept world does not come back as it was");
    let force = Force::new(register);
    let changed = with_dependents(&snapshot, &delta);
    let world = closure(&changed, &delta, &force)?;
    let ring = keys(&world)?;
    all_services.extend(services(&world)?);
    for (_, name) in delta.removed.iter().filter(|(kind, _)| *kind == UPSTREAM) {
        all_services.remove(name);
    }
    let change =
        shuzha_policy::Delta { world, changed, removed: delta.removed, mark: mark_at(register, latest)? };
    let snapshot = snapshot.with(change, &ring).map_err(|faults| in_words(&faults))?;
    counted(register, &snapshot)?;
    Ok(CaughtUp { snapshot, services: all_services, acts })
}

/// What acts after `from`, up to `latest`, and the configuration have changed of what is in force.
fn changes(
    register: &Register,
    config: &ControlConfig,
    from: u64,
    latest: u64,
    kept: &World,
) -> Result<Delta> {
    let force = Force::new(register);
    let mut delta = Delta { revision: latest, put: Vec::new(), removed: Vec::new() };
    for (kind, name) in touched(register, from)? {
        match force.spec(kind, &name)? {
            Some(spec) => delta.put.push(Declared { kind, name, spec }),
            None => delta.removed.push((kind, name)),
        }
    }
    // A world that an earlier version kept does not say whose its services are, and their keys depend on it.
    for (kind, name) in kept.specs.keys().filter(|(kind, _)| *kind == UPSTREAM) {
        let known = kept.upstreams.get(name).is_some_and(|upstream| upstream.operator.is_some());
        let owned = force.spec(kind, name)?.is_some_and(|now| now.get("operator").is_some());
        ensure!(known || !owned, "the kept world does not say whose {kind}/{name} is");
    }
    let rules = kept.specs.iter().filter(|((kind, _), _)| *kind == JURISDICTION);
    let rules: Vec<_> = rules.map(|((_, name), spec)| (name.clone(), spec)).collect();
    let configured = config.pack_of(register)?.map(|(name, spec)| Id::new(name).map(|name| (name, spec)));
    let configured = configured.transpose()?;
    for (name, _) in rules.iter().filter(|(name, _)| configured.as_ref().is_none_or(|(now, _)| now != name)) {
        delta.removed.push((JURISDICTION, name.clone()));
    }
    if let Some((name, spec)) = configured {
        delta.put.push(Declared { kind: JURISDICTION, name, spec });
    }
    Ok(delta)
}

/// Kinds of acts of software that did not bind what acts leave, that changed nothing in force.
const CHANGES_NOTHING: [&str; 2] = [shuzha_control::accounts::KIND, shuzha_control::consents::HOLDER_KIND];

/// Kind and name of everything in force that acts after revision `from` may have changed. A case puts objects of its own
/// name in force, of whatever kind.
fn touched(register: &Register, from: u64) -> Result<BTreeSet<(&'static str, Id)>> {
    let mut touched = BTreeSet::new();
    for (kind, name) in register.touched_after(from)? {
        if !is_object(&kind) {
            continue;
        }
        let name = Id::new(&name).with_context(|| format!("the name {name}"))?;
        match Kind::find(&kind) {
            Some(Kind::Declared(kind, _)) => drop(touched.insert((kind.name, name))),
            Some(Kind::Case(_)) => {
                let held = world::KINDS.iter().filter(|kind| !kind.declared);
                touched.extend(held.map(|kind| (kind.name, name.clone())));
            }
            None => bail!("an act on {kind}/{name}, which is no kind of this software"),
        }
    }
    let mut before = None;
    loop {
        let filter = ActFilter { before, limit: PAGE, ..ActFilter::default() };
        let page = register.acts(&filter)?;
        let oldest = page.last().map(|recorded| recorded.revision);
        // What an act binds is what it touched: see below.
        let unbound = |recorded: &Recorded| recorded.revision > from && recorded.digest.is_none();
        for Recorded { act, .. } in page.into_iter().filter(unbound) {
            match Kind::find(&act.kind) {
                Some(Kind::Declared(kind, _)) => drop(touched.insert((kind.name, act.name))),
                Some(Kind::Case(_)) => {
                    let held = world::KINDS.iter().filter(|kind| !kind.declared);
                    touched.extend(held.map(|kind| (kind.name, act.name.clone())));
                }
                None if CHANGES_NOTHING.contains(&&*act.kind) => {}
                None => bail!("an act on {}/{}, which is no kind of this software", act.kind, act.name),
            }
        }
        match oldest {
            Some(oldest) if oldest > from => before = Some(oldest),
            _ => return Ok(touched),
        }
    }
}

fn in_words(faults: &[CompileError]) -> anyhow::Error {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    anyhow!("it cannot be put in force as it is: {}", lines.join("; "))
}

/// Compares how much there is of each kind with what the register says should be.
fn counted(register: &Register, snapshot: &Snapshot) -> Result<()> {
    let found = snapshot.counts();
    let held = register.held_counts()?;
    for kind in world::KINDS.iter().filter(|kind| kind.name != JURISDICTION) {
        let wanted = if kind.declared {
            register.count(kind.name)?
        } else {
            held.iter().find(|(held, _)| held == kind.name).map_or(0, |(_, count)| *count)
        };
        let found = found.get(kind.name).copied().unwrap_or_default();
        ensure!(found == wanted, "{found} of {} in place of {wanted}", kind.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
