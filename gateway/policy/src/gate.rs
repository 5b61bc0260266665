//! The gate: everything that outlives a call, and the one way through it.

mod consents;
mod keys;
mod upkeep;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use shuzha_core::{Clock, Code, Id, MicroYuan, NanoCharge, Rng, Timestamp};
use shuzha_evidence::{Act, ActKind, Commitment, Entry};
use shuzha_journal::Journal;

use crate::abuse::Abuse;
use crate::bounds::Bounds;
use crate::consent_cache::ConsentCache;
use crate::feed::{self, Feed};
use crate::holds::{BudgetLedger, ConsentLedger, DrawnLedger, GrantLedger, PurseLedger};
use crate::idempotency::Idempotency;
use crate::metrics::Metrics;
use crate::nonce::Nonces;
use crate::packages::Packages;
use crate::releases::{ReleaseKey, ReleaseStore, Releases};
use crate::sandbox::Sandbox;
use crate::shards::lock;
use crate::signature::Decoys;
use crate::snapshot::{Snapshot, Stopped, Suspensions};
use crate::start::Start;
use crate::tally::Tally;
use crate::units::Units;
use crate::{CompileError, Delta, KeyRing};
pub use keys::Keys;
pub(crate) use keys::subject_tag;
pub use upkeep::Weight;

/// How the gate is set.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name under which consents are issued to this gateway (`aud`).
    pub audience: String,
    /// A signature is accepted this long before and after its time.
    pub signature_window: Duration,
    /// Most nonces remembered.
    pub nonces_max: usize,
}

/// What the gate stands on.
pub struct Parts {
    /// Settings.
    pub options: Options,
    /// Keys.
    pub keys: Keys,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// The call journal.
    pub journal: Journal,
    /// Releases of statistics.
    pub releases: Arc<dyn ReleaseStore>,
    /// Where counters are registered.
    pub registry: prometheus::Registry,
}

/// What became of a refund by hand: it was made, or refused for good with a code.
pub type RefundOutcome = Result<(), Code>;

/// The gate.
pub struct Gate {
    pub(crate) options: Options,
    pub(crate) keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) journal: Journal,
    pub(crate) decoys: Decoys,
    pub(crate) nonces: Nonces,
    pub(crate) consents: ConsentLedger,
    withdrawals: Arc<Feed>,
    pub(crate) budgets: BudgetLedger,
    pub(crate) purses: PurseLedger,
    pub(crate) grants: GrantLedger,
    pub(crate) drawn: DrawnLedger,
    pub(crate) packages: Packages,
    pub(crate) idempotency: Idempotency,
    pub(crate) sandbox: Sandbox,
    pub(crate) abuse: Abuse,
    pub(crate) consent_cache: ConsentCache,
    pub(crate) releases: Releases,
    pub(crate) metrics: Metrics,
    pub(crate) bounds: Bounds,
    /// By credential.
    pub(crate) paces: Units<upkeep::Paces>,
    pub(crate) tally: Tally,
    snapshot: ArcSwap<Snapshot>,
    changing: Mutex<Changing>,
    /// Taken for the length of one refund by hand, so that two cannot both find room under the limit.
    pub(crate) refunding: Mutex<()>,
    /// What became of refunds by hand that are in force, by case: nothing is looked for again on their account.
    pub(crate) refunds_settled: Mutex<BTreeMap<Id, RefundOutcome>>,
}

/// Owned by whoever puts a snapshot in force, for as long as that takes: two changes are made one after the other, and
/// neither is lost.
#[derive(Default)]
struct Changing {
    /// Snapshots replaced and perhaps still read by a call. Kept until nobody does, so that a call never pays for taking
    /// one apart.
    replaced: Vec<Arc<Snapshot>>,
}

impl Gate {
    /// A gate that continues where the journal left off, with the default bounds.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn new(parts: Parts, start: Start, snapshot: Snapshot) -> Result<Self, prometheus::Error> {
        Self::bounded(parts, start, snapshot, Bounds::default())
    }

    /// A gate that continues where the journal left off, of whose memory callers may fill `bounds`.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn bounded(
        parts: Parts,
        start: Start,
        snapshot: Snapshot,
        bounds: Bounds,
    ) -> Result<Self, prometheus::Error> {
        let metrics = Metrics::register(&parts.registry)?;
        let withdrawals = Arc::new(Feed::default());
        feed::register(&withdrawals, &parts.clock, &parts.registry)?;
        let sizes = (bounds.nonces_per_unit, parts.options.nonces_max);
        let running = parts.clock.running();
        let nonces = Nonces::new(parts.options.signature_window, sizes, start.nonces, running);
        metrics.installed(&snapshot.short_hash(), snapshot.grant_count());
        let abuse = Abuse::new(start.watched);
        metrics.use_stopped(abuse.stopped());
        let gate = Self {
            abuse,
            consents: ConsentLedger::new(start.consents, start.withdrawn),
            withdrawals,
            budgets: BudgetLedger::new(start.budgets),
            purses: PurseLedger::new(start.purses, start.counts),
            grants: GrantLedger::new(Arc::clone(&parts.clock), start.usage),
            drawn: DrawnLedger::new(start.drawn),
            packages: Packages::new(start.packages),
            idempotency: Idempotency::new(bounds, start.idempotency),
            sandbox: Sandbox::new(Arc::clone(&parts.clock), bounds),
            bounds,
            paces: Units::new(),
            tally: Tally::new(),
            consent_cache: ConsentCache::new(),
            releases: Releases::new(parts.releases),
            decoys: Decoys::new(&*parts.rng),
            options: parts.options,
            keys: parts.keys,
            clock: parts.clock,
            rng: parts.rng,
            journal: parts.journal,
            snapshot: ArcSwap::from_pointee(snapshot),
            changing: Mutex::default(),
            refunding: Mutex::default(),
            refunds_settled: Mutex::default(),
            nonces,
            metrics,
        };
        // Each epoch says for itself what is stopped: whoever reads it need not know what came before.
        let snapshot = gate.snapshot();
        for (stopped, since) in snapshot.suspensions.beyond(&Suspensions::default()) {
            gate.note_stop(ActKind::Suspended, stopped, since);
        }
        gate.note_suspensions(&Snapshot::default(), &snapshot);
        Ok(gate)
    }

    /// The snapshot in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Puts `snapshot` in force for every call that begins from now on, and for the release of those under way.
    /// Counters are not touched.
    pub fn install(&self, snapshot: Snapshot) {
        self.put_in_force(snapshot, &mut lock(&self.changing));
    }

    /// Puts a change in force as [`Gate::install`] does, at the cost of the change, and returns the new snapshot.
    /// `keys` holds those of changed credentials and issuers.
    ///
    /// # Errors
    /// Every fault found; then nothing of the change is in force.
    pub fn apply(&self, delta: Delta, keys: &KeyRing) -> Result<Arc<Snapshot>, Vec<CompileError>> {
        let mut changing = lock(&self.changing);
        let next = self.snapshot().with(delta, keys)?;
        Ok(self.put_in_force(next, &mut changing))
    }

    fn put_in_force(&self, snapshot: Snapshot, changing: &mut Changing) -> Arc<Snapshot> {
        let snapshot = Arc::new(snapshot);
        let before = self.snapshot();
        // An end is written before it is in force and a beginning after: so no answer stands under a suspension.
        for (stopped, _) in before.suspensions.beyond(&snapshot.suspensions) {
            self.note_stop(ActKind::Resumed, stopped, self.clock.now());
        }
        let replaced = self.snapshot.swap(Arc::clone(&snapshot));
        self.lift_stops(&replaced, &snapshot);
        changing.replaced.push(replaced);
        changing.replaced.retain(|replaced| Arc::strong_count(replaced) > 1);
        for (stopped, since) in snapshot.suspensions.beyond(&before.suspensions) {
            self.note_stop(ActKind::Suspended, stopped, since);
        }
        self.note_suspensions(&before, &snapshot);
        let hash = snapshot.short_hash();
        self.metrics.installed(&hash, snapshot.grant_count());
        self.note(&Act {
            at: self.clock.now(),
            kind: ActKind::SnapshotInstalled,
            actor: "gateway",
            object: &hash,
            commitment: None,
            target: "",
        });
        snapshot
    }

    /// Notes that something is stopped, from `since` on but not from earlier than now, or no longer.
    fn note_stop(&self, kind: ActKind, stopped: Stopped<'_>, since: Timestamp) {
        let at = since.max(self.clock.now());
        let Stopped { kind: target, name } = stopped;
        self.note(&Act { at, kind, actor: "gateway", object: name, commitment: None, target });
    }

    /// Notes which suspensions of the register have come into force, each by its own name: what the register claims is
    /// checked against this.
    fn note_suspensions(&self, before: &Snapshot, snapshot: &Snapshot) {
        for name in snapshot.suspensions_beyond(before) {
            let (at, kind, target) = (self.clock.now(), ActKind::SuspensionInForce, "suspension");
            self.note(&Act { at, kind, actor: "gateway", object: name.as_str(), commitment: None, target });
        }
    }

    /// Notes that the machine's clock was set `seconds` away from the node's.
    pub fn note_clock(&self, seconds: u64) {
        let (at, object) = (self.clock.now(), seconds.to_string());
        let kind = ActKind::ClockAstray;
        self.note(&Act { at, kind, actor: "clock", object: &object, commitment: None, target: "" });
    }

    /// Records an act that nobody waits for. What must not be forgotten is written once there is room, where there is none now.
    pub(crate) fn note(&self, act: &Act<'_>) {
        if self.journal.note(&Entry::Act(act.clone())).is_err() {
            self.metrics.unrecorded();
        }
    }

    /// The name of a release in records: which query it is cannot be told from it.
    pub(crate) fn release_commitment(&self, key: &ReleaseKey) -> Commitment {
        self.keys.committer.commit("release", &[key])
    }

    /// The tag of a unit beside the release that it was the first to ask for.
    pub(crate) fn asker(&self, unit: &Id) -> Commitment {
        self.keys.committer.commit("asker", &[unit.as_str().as_bytes()])
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// What the unit was charged so far.
    #[must_use]
    pub fn charged(&self, unit: &Id) -> MicroYuan {
        self.purses.posted(unit)
    }

    /// What calls of the unit under way may still cost it.
    #[must_use]
    pub fn held(&self, unit: &Id) -> MicroYuan {
        self.purses.held(unit)
    }

    /// What the unit owes of its credit: charged, and neither paid nor given back by the books.
    #[must_use]
    pub fn owed(&self, unit: &Id) -> MicroYuan {
        self.purses.owed(unit)
    }

    /// Takes over from the books how much of what the unit was charged, in all, is not owed any more: it was paid, or given
    /// back. Less than nothing where the books bill more than was charged call by call.
    pub fn free_credit(&self, unit: &Id, freed: MicroYuan) {
        self.purses.free(unit, freed);
    }

    /// What was spent of the data set's privacy budget so far, charges held included.
    #[must_use]
    pub fn privacy_spent(&self, data_set: &Id) -> NanoCharge {
        self.budgets.of_data_set(data_set.as_str())
    }
}
