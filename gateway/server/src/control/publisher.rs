//! From the register to the gate: a change of what is in force, effective for every call that begins after it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;
use shuzha_control::{Delta, Force, Publish};
use shuzha_core::Id;
use shuzha_policy::{CompileError, Gate, Snapshot};
use shuzha_products::World;
use shuzha_proxy::{Handle, UpstreamOptions};
use shuzha_store::Register;

use super::catch_up::mark_at;
use super::world_in_force;
use crate::config::ControlConfig;
use crate::node::{Prepared, key_ring, upstreams};
use crate::store::DataStore;

/// The kind whose objects are product services.
pub(super) const UPSTREAM: &str = "Upstream";

/// The kind whose objects may have secrets.
const CREDENTIAL: &str = "Credential";

/// Copies the secrets that the register issued to the store of the node, which serves with them when the register is away.
///
/// # Errors
/// Of either.
pub(crate) fn mirror_secrets(register: &Register, data: &DataStore) -> Result<()> {
    let secrets = register.sealed_secrets().context("the secrets that were issued")?;
    data.store.mirror_secrets(&secrets).context("the sealed secrets")
}

/// Puts changes of the register in force.
pub(crate) struct Publisher {
    pub(crate) gate: Arc<Gate>,
    pub(crate) handle: Handle,
    pub(crate) data: Arc<DataStore>,
    pub(crate) data_dir: PathBuf,
    pub(crate) register: Register,
    pub(crate) config: ControlConfig,
    /// Addresses that stand in for those of product services.
    pub(crate) endpoints: HashMap<String, SocketAddr>,
    /// Product services in force, which the data plane is told as a whole; taken for the length of one change.
    pub(crate) services: Mutex<Services>,
    /// Whether a change is not in force here. The next one then is put in force with everything else.
    pub(crate) behind: AtomicBool,
}

/// Product services by name.
pub(crate) type Services = BTreeMap<Id, UpstreamOptions>;

/// The same services by name.
pub(crate) fn by_name(services: &[UpstreamOptions]) -> Services {
    services.iter().map(|service| (service.name.clone(), service.clone())).collect()
}

impl Publish for Publisher {
    /// A change that cannot be put in force by itself is put in force with everything else, what is at fault left out:
    /// a decision that takes something away must not wait for somebody to notice.
    fn publish(&self, delta: &Delta, force: &Force<'_>) {
        if !self.behind.load(Ordering::Relaxed) {
            let Err(error) = self.apply(delta, force) else { return };
            tracing::error!(
                revision = delta.revision,
                error = format!("{error:#}"),
                "a change is put in force with all else"
            );
        }
        if let Err(error) = self.rebuild() {
            self.behind.store(true, Ordering::Relaxed);
            tracing::error!(
                revision = delta.revision,
                error = format!("{error:#}"),
                "a decision is NOT in force on this node"
            );
        }
    }

    fn holds_secret(&self, credential: &Id) -> bool {
        // A store that cannot be asked may hold one: no second secret is made beside it.
        self.data.secret_names().map_or(true, |names| names.iter().any(|(name, _)| name == credential))
    }
}

impl Publisher {
    fn apply(&self, delta: &Delta, force: &Force<'_>) -> Result<()> {
        let mut known = self.services.lock().expect("nothing panics while it holds the services");
        let changed = with_dependents(&self.gate.snapshot(), delta);
        let world = closure(&changed, delta, force)?;
        let mut services = known.clone();
        for (_, name) in delta.removed.iter().filter(|(kind, _)| *kind == UPSTREAM) {
            services.remove(name);
        }
        if changed.iter().any(|(kind, _)| *kind == UPSTREAM) {
            for service in upstreams::options(&world, &self.data_dir, &self.endpoints)? {
                services.insert(service.name.clone(), service);
            }
        }
        let credential = |kind: &str| kind == CREDENTIAL;
        if changed.iter().any(|(kind, _)| credential(kind))
            || delta.removed.iter().any(|(kind, _)| credential(kind))
        {
            mirror_secrets(&self.register, &self.data)?;
        }
        let refunds = changed.iter().any(|(kind, _)| *kind == shuzha_policy::REFUND);
        let ring = key_ring(&self.data, &world, &self.data_dir)?;
        // Services first: a product must not be in force before its service is known, nor a service go before it.
        if services.len() >= known.len() {
            self.replace(&services)?;
        }
        let mark = mark_at(&self.register, delta.revision)?;
        let change = shuzha_policy::Delta { world, changed, removed: delta.removed.clone(), mark };
        let snapshot = self.gate.apply(change, &ring).map_err(|faults| in_words(&faults))?;
        if services.len() < known.len() {
            self.replace(&services)?;
        }
        *known = services;
        self.handle.publish(snapshot.products());
        if refunds {
            self.gate.make_refunds();
        }
        Ok(())
    }

    fn replace(&self, services: &Services) -> Result<()> {
        let list: Vec<_> = services.values().cloned().collect();
        self.handle.upstreams().replace(&list).context("the product services")
    }

    /// Reads everything in force anew and puts it in force; answers the snapshot's digest.
    ///
    /// # Errors
    /// When the register cannot be read, or what it holds not be put in force.
    pub(crate) fn rebuild(&self) -> Result<String> {
        let mut known = self.services.lock().expect("nothing panics while it holds the services");
        // Before it is read: what is accepted meanwhile is put on top of what is read, and may be in it already.
        let mark = mark_at(&self.register, self.register.revision()?)?;
        mirror_secrets(&self.register, &self.data)?;
        let world = world_in_force(&self.register, &self.config)?;
        let prepared = Prepared::new(&self.data, world, &self.data_dir, &self.endpoints)?.marked(mark);
        *known = by_name(&prepared.upstreams);
        let digest = prepared.install(&self.gate, &self.handle)?;
        self.behind.store(false, Ordering::Relaxed);
        Ok(digest)
    }
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

/// The changed objects and what they refer to.
pub(super) fn closure(changed: &[(&'static str, Id)], delta: &Delta, force: &Force<'_>) -> Result<World> {
    let mut failed = None;
    let mut fetch = |kind: &'static str, name: &Id| -> Option<Value> {
        if let Some(held) = delta.put.iter().find(|held| held.kind == kind && held.name == *name) {
            return Some(held.spec.clone());
        }
        force.spec(kind, name).unwrap_or_else(|error| {
            failed = Some(error);
            None
        })
    };
    let read = World::read_objects(changed, &mut fetch);
    if let Some(error) = failed {
        return Err(error.into());
    }
    read.map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect();
        anyhow!("what changed cannot be read: {}", lines.join("; "))
    })
}

pub(super) fn in_words(faults: &[CompileError]) -> anyhow::Error {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    anyhow!("the change cannot be put in force: {}", lines.join("; "))
}
