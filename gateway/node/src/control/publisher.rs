//! From the register to the gate: a change of what is in force, effective for every call that begins after it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use shuzha_control::{Control, Delta, Force, NotInForce, Publish, Unfit, takes_away};
use shuzha_core::Id;
use shuzha_policy::{Gate, LeftOut, Mark, REFUND, Snapshot};
use shuzha_products::case::Declared;
use shuzha_proxy::{Handle, ProxyError, UpstreamOptions};
use shuzha_store::Register;

use super::catch_up::mark_at;
use super::compile::{CREDENTIAL, Compiler, Flaw, UPSTREAM, take_away};
use super::standing::Standing;
use super::world_in_force;
use crate::config::ControlConfig;
use crate::node::Prepared;
use crate::node::upstreams::announce;
use crate::store::DataStore;
use crate::worker::Waker;

/// Shortest and longest time between two tries of what is not in force.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(300);

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
    /// Taken for the length of one change, and never while everything is read anew.
    pub(crate) turn: Mutex<Turn>,
    /// Held while everything is read anew: one reading at a time.
    pub(crate) rebuilding: Mutex<()>,
    /// What should be in force and is not.
    pub(crate) standing: Arc<Standing>,
    /// Wakes whoever tries again what is not in force.
    pub(crate) mending: Waker,
    /// Wakes whoever makes refunds.
    pub(crate) refunding: Waker,
}

/// What whoever puts a change in force owns for its length.
#[derive(Default)]
pub(crate) struct Turn {
    /// Product services in force, which the data plane is told as a whole.
    services: Services,
    /// Changes put in force since everything is being read anew; none while it is not.
    since: Option<Vec<Delta>>,
    /// The last object that was tried again, and how long to wait for the next.
    tried: Option<(&'static str, Id)>,
    pause: Duration,
}

impl Turn {
    pub(crate) fn new(services: Services) -> Self {
        Self { services, ..Self::default() }
    }
}

/// Product services by name.
pub(crate) type Services = BTreeMap<Id, UpstreamOptions>;

/// The same services by name.
pub(crate) fn by_name(services: &[UpstreamOptions]) -> Services {
    services.iter().map(|service| (service.name.clone(), service.clone())).collect()
}

/// What a change makes of a snapshot and of the product services.
struct Next {
    snapshot: Snapshot,
    services: Services,
    flaws: Vec<Flaw>,
}

impl Publish for Publisher {
    fn check(&self, delta: &Delta, force: &Force<'_>) -> Result<(), Unfit> {
        let snapshot = self.gate.snapshot();
        let compiled = self.compiler().compile(&snapshot, delta, &[], force, true).map_err(|error| {
            tracing::error!(
                error = format!("{error:#}"),
                "whether a change could be in force cannot be told"
            );
            Unfit::Unknown
        })?;
        let (_, flaws) = compiled.on(&snapshot, None);
        // What is left out already is not this change's doing.
        let new = flaws.iter().filter(|flaw| {
            let LeftOut { kind, name, .. } = &flaw.left_out;
            delta.put.iter().any(|put| flaw.is_of(put)) || !self.standing.is_left_out(kind, name)
        });
        let faults: Vec<_> = new.map(|flaw| flaw.told(&delta.put)).collect();
        if faults.is_empty() { Ok(()) } else { Err(Unfit::Faults(faults)) }
    }

    fn publish(&self, delta: &Delta, force: &Force<'_>) -> Result<(), NotInForce> {
        let mut turn = self.turn();
        let also = self.standing.waiting_for(&delta.put);
        let next = self.next(&self.gate.snapshot(), &turn.services, delta, &also, force);
        let mut flaws = next.flaws;
        flaws.extend(self.install(&mut turn, next.snapshot, next.services));
        if let Some(since) = &mut turn.since {
            since.push(delta.clone());
        }
        turn.pause = RETRY_MIN;
        let late = delta.put.iter().any(|put| !takes_away(put) && flaws.iter().any(|flaw| flaw.is_of(put)));
        let tried = delta.put.iter().map(|put| (put.kind, put.name.clone()));
        let tried: Vec<_> = tried.chain(delta.removed.iter().cloned()).chain(also).collect();
        if !flaws.is_empty() {
            self.mending.wake();
        }
        self.standing.settle(&tried, left_out(flaws));
        drop(turn);
        if delta.put.iter().any(|put| put.kind == REFUND) {
            self.refunding.wake();
        }
        if late { Err(NotInForce) } else { Ok(()) }
    }

    fn is_left_out(&self, kind: &str, name: &Id) -> bool {
        self.standing.is_left_out(kind, name)
    }

    fn holds_secret(&self, credential: &Id) -> bool {
        // A store that cannot be asked may hold one: no second secret is made beside it.
        self.data.secret_names().map_or(true, |names| names.iter().any(|(name, _)| name == credential))
    }
}

impl Publisher {
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compiler(&self) -> Compiler<'_> {
        Compiler { data: &self.data, data_dir: &self.data_dir, endpoints: &self.endpoints }
    }

    /// What `delta` makes of `before`. Where it cannot be compiled at all, only what takes something away counts.
    fn next(
        &self,
        before: &Snapshot,
        services: &Services,
        delta: &Delta,
        also: &[(&'static str, Id)],
        force: &Force<'_>,
    ) -> Next {
        let mut services = services.clone();
        let names = delta.put.iter().map(|put| (put.kind, &put.name));
        let removed = delta.removed.iter().map(|(kind, name)| (*kind, name));
        for (_, name) in names.chain(removed).filter(|(kind, _)| *kind == UPSTREAM) {
            services.remove(name);
        }
        let compiled = self.mirrored(delta).and_then(|()| {
            let mark = self.mark(delta)?;
            Ok((self.compiler().compile(before, delta, also, force, false)?, mark))
        });
        let (snapshot, flaws) = match compiled {
            Ok((mut compiled, mark)) => {
                let made = std::mem::take(&mut compiled.services);
                services.extend(made.into_iter().map(|service| (service.name.clone(), service)));
                compiled.on(before, mark)
            }
            Err(error) => take_away(before, delta, &error),
        };
        Next { snapshot, services, flaws }
    }

    /// Brings the secrets of changed credentials to the store of the node.
    fn mirrored(&self, delta: &Delta) -> Result<()> {
        let changed = delta.put.iter().map(|put| put.kind).chain(delta.removed.iter().map(|(kind, _)| *kind));
        if changed.into_iter().any(|kind| kind == CREDENTIAL) {
            mirror_secrets(&self.register, &self.data)?;
        }
        Ok(())
    }

    /// How far the snapshot follows with `delta`; none where it brings nothing new.
    fn mark(&self, delta: &Delta) -> Result<Option<Mark>> {
        if delta.revision == 0 { Ok(None) } else { mark_at(&self.register, delta.revision) }
    }

    /// Puts a snapshot and its product services in force; answers the services that the data plane does not take.
    fn install(&self, turn: &mut Turn, snapshot: Snapshot, mut services: Services) -> Vec<Flaw> {
        // Services first: a product must not be in force before its service is known, nor a service go before it.
        let grows = services.len() >= turn.services.len();
        let mut flaws = if grows { self.replace(&mut services) } else { Vec::new() };
        self.gate.install(snapshot);
        if !grows {
            flaws.extend(self.replace(&mut services));
        }
        turn.services = services;
        announce(&self.handle, &self.gate.snapshot());
        flaws
    }

    /// Tells the data plane its product services, those without that it does not take.
    fn replace(&self, services: &mut Services) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        loop {
            let list: Vec<_> = services.values().cloned().collect();
            let Err(error) = self.handle.upstreams().replace(&list) else { return flaws };
            let reason = error.to_string();
            let named = match error {
                ProxyError::Upstream { name, .. } => {
                    services.keys().find(|one| one.as_str() == name).cloned()
                }
                _ => services.keys().next().cloned(),
            };
            let Some(name) = named else {
                tracing::error!(reason, "the data plane does not take the product services");
                return flaws;
            };
            services.remove(&name);
            flaws.push(Flaw::of(UPSTREAM, name, reason));
        }
    }

    /// Reads everything in force anew and puts it in force; answers the snapshot's digest. Changes are put in force meanwhile
    /// and wait for nothing here.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub(crate) fn rebuild(&self) -> Result<String> {
        let _one = self.rebuilding.lock().unwrap_or_else(PoisonError::into_inner);
        self.turn().since = Some(Vec::new());
        let read = self.read();
        let mut turn = self.turn();
        let since = turn.since.take().unwrap_or_default();
        let (Prepared { mut snapshot, upstreams }, left) = read?;
        let mut services = by_name(&upstreams);
        self.standing.replace(left);
        for delta in &since {
            let next = self.next(&snapshot, &services, delta, &[], &Force::new(&self.register));
            (snapshot, services) = (next.snapshot, next.services);
            let tried: Vec<_> = delta.put.iter().map(|put| (put.kind, put.name.clone())).collect();
            self.standing.settle(tried.iter().chain(&delta.removed), left_out(next.flaws));
        }
        let digest = snapshot.short_hash();
        let flaws = self.install(&mut turn, snapshot, services);
        self.standing.settle([], left_out(flaws));
        drop(turn);
        self.mending.wake();
        self.refunding.wake();
        Ok(digest)
    }

    fn read(&self) -> Result<(Prepared, Vec<LeftOut>)> {
        // Before it is read: what is accepted meanwhile is put on top of what is read, and may be in it already.
        let mark = mark_at(&self.register, self.register.revision()?)?;
        mirror_secrets(&self.register, &self.data)?;
        let (world, mut left) = world_in_force(&self.register, &self.config)?;
        let (prepared, failed) = Prepared::sound(&self.data, world, &self.data_dir, &self.endpoints)?;
        left.extend(failed);
        Ok((prepared.marked(mark), left))
    }

    /// Tries again to put in force what is left out and at fault itself; answers when to try next.
    pub(crate) fn mend(&self) -> Duration {
        let mut turn = self.turn();
        let mut tried = self.standing.at_fault(turn.tried.as_ref());
        if tried.is_empty() {
            tried = self.standing.at_fault(None);
        }
        turn.tried = tried.last().cloned();
        if tried.is_empty() {
            return RETRY_MAX;
        }
        let force = Force::new(&self.register);
        let mut delta = Delta { revision: 0, put: Vec::new(), removed: Vec::new() };
        for (kind, name) in &tried {
            match force.spec(kind, name) {
                Ok(Some(spec)) => delta.put.push(Declared { kind, name: name.clone(), spec }),
                Ok(None) => delta.removed.push((kind, name.clone())),
                Err(error) => tracing::warn!(kind, %name, %error, "still cannot be read"),
            }
        }
        let also = self.standing.waiting_for(&delta.put);
        let next = self.next(&self.gate.snapshot(), &turn.services, &delta, &also, &force);
        let failed = |put: &Declared| next.flaws.iter().any(|flaw| flaw.is_of(put));
        let mended: Vec<_> =
            delta.put.iter().filter(|put| !failed(put)).map(|put| (put.kind, put.name.clone())).collect();
        if mended.is_empty() && delta.removed.is_empty() {
            turn.pause = (turn.pause * 2).clamp(RETRY_MIN, RETRY_MAX);
            return turn.pause;
        }
        let flaws = self.install(&mut turn, next.snapshot, next.services);
        let tried: Vec<_> = mended.into_iter().chain(delta.removed).chain(also).collect();
        self.standing.settle(&tried, left_out(next.flaws.into_iter().chain(flaws)));
        turn.pause = RETRY_MIN;
        RETRY_MIN
    }

    /// Makes the refunds that were decided, and writes down on their cases what became of them; answers when to look again.
    pub(crate) fn make_refunds(&self, control: &Control) -> Duration {
        let mut left = self.gate.make_refunds(&|| self.refunding.is_stopping());
        for (case, outcome) in self.gate.refunds_settled() {
            if let Err(error) = control.report_effect(REFUND, &case, outcome.err()) {
                tracing::error!(%case, %error, "what became of a refund cannot be written down and is tried again");
                left = true;
            }
        }
        if left { RETRY_MIN } else { RETRY_MAX }
    }
}

fn left_out(flaws: impl IntoIterator<Item = Flaw>) -> Vec<LeftOut> {
    flaws.into_iter().map(|flaw| flaw.left_out).collect()
}
