//! A gate with its clock, journal, store and disk, that can be killed and opened again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use prometheus::Registry;
use shuzha_core::clock::{GuardedClock, ManualClock};
use shuzha_core::{Clock, Id, OsRng, Timestamp};
use shuzha_evidence::commit::{HalfYear, PeriodCommitters, PeriodKeys};
use shuzha_evidence::{Call, Committer, Decision, Entry};
use shuzha_journal::disk::Disk;
use shuzha_journal::disk::memory::MemoryDisk;
use shuzha_journal::{Journal, JournalError, Options as JournalOptions, RawRecord};
use shuzha_policy::{Bounds, Gate, Keys, Options, Parts, Payload, ReleaseStore, Reply, Snapshot, Start};
use shuzha_privacy::subject::{HmacSha256Prf, Pseudonymiser};
use shuzha_privacy::watermark::Watermarks;
use shuzha_store::{Changes, State, Store};

use crate::calls::{self, Ask};
use crate::consents::{self, Consent};
use crate::upstream::Fake;
use crate::world;

/// Monday, 2 March 2026, noon in Shanghai.
pub const NOON: Timestamp = Timestamp::from_seconds(1_772_424_000);
/// Key of the watermarks.
pub const WATERMARK_KEY: [u8; 32] = [3; 32];
/// Key of the commitments.
pub const COMMIT_KEY: [u8; 32] = [9; 32];

/// How a gateway differs from the usual one.
pub struct Plan {
    /// Nonces that are remembered.
    pub nonces_max: usize,
    /// Records that may wait for the journal.
    pub queue_records_max: usize,
    /// Objects besides the usual ones.
    pub more_world: String,
    /// Where releases are kept; in memory where none is given.
    pub releases: Option<Arc<dyn ReleaseStore>>,
    /// Keys of half-years.
    pub periods: Periods,
    /// What it keeps in memory at most.
    pub bounds: Bounds,
    /// Whether the node guards its clock, as the real one does; a test that moves time by hand needs it to follow.
    pub guarded: bool,
    /// The world in force from the start, instead of the usual one.
    pub snapshot: Option<Snapshot>,
}

/// Keys of half-years that are made of the half-year's name, and forgotten on request.
#[derive(Clone, Default)]
pub struct Periods(Arc<Mutex<BTreeMap<HalfYear, bool>>>);

impl Periods {
    /// Erases the key of a half-year.
    pub fn erase(&self, period: HalfYear) {
        self.0.lock().expect("no holder panics").insert(period, false);
    }

    fn key(period: HalfYear) -> [u8; 32] {
        ring::digest::digest(&ring::digest::SHA256, period.to_string().as_bytes())
            .as_ref()
            .try_into()
            .expect("32 bytes")
    }
}

impl PeriodKeys for Periods {
    fn current(&self, period: HalfYear) -> Option<[u8; 32]> {
        let kept = *self.0.lock().expect("no holder panics").entry(period).or_insert(true);
        kept.then(|| Self::key(period))
    }

    fn kept(&self) -> Vec<[u8; 32]> {
        let known = self.0.lock().expect("no holder panics");
        known.iter().filter(|(_, kept)| **kept).map(|(period, _)| Self::key(*period)).collect()
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            nonces_max: 1 << 20,
            queue_records_max: 4_096,
            more_world: String::new(),
            releases: None,
            periods: Periods::default(),
            bounds: Bounds::default(),
            guarded: false,
            snapshot: None,
        }
    }
}

/// Everything of one gateway node but its HTTP.
pub struct TestGateway {
    /// The time.
    pub clock: Arc<ManualClock>,
    /// The node's clock over that one, where it guards it.
    pub guard: Option<Arc<GuardedClock<Arc<ManualClock>>>>,
    /// What the journal is on.
    pub disk: MemoryDisk,
    /// The policy engine.
    pub gate: Arc<Gate>,
    store: Store,
}

impl Default for TestGateway {
    fn default() -> Self {
        Self::planned(Plan::default())
    }
}

impl TestGateway {
    /// A new one at noon.
    pub fn new() -> Self {
        Self::planned(Plan::default())
    }

    /// A new one as `plan` says.
    pub fn planned(plan: Plan) -> Self {
        Self::planned_at(NOON, plan)
    }

    /// A new one at `at`, as `plan` says.
    pub fn planned_at(at: Timestamp, plan: Plan) -> Self {
        let store = Store::in_memory().expect("a database in memory");
        let clock = Arc::new(ManualClock::at(at));
        Self::open(MemoryDisk::new(), clock, store, plan, |_| {}).expect("an empty journal opens")
    }

    /// `forget` damages what the journal adds up to before the gate learns it: for tests of the tests.
    fn open(
        disk: MemoryDisk,
        clock: Arc<ManualClock>,
        store: Store,
        plan: Plan,
        forget: impl Fn(&mut State),
    ) -> Result<Self, JournalError> {
        let mut options = JournalOptions::new("", Id::new("test").expect("a name"), "test");
        options.free_bytes_min = 0;
        options.queue_records_max = plan.queue_records_max;
        let on: Arc<dyn Disk> = Arc::new(disk.clone());
        let guard = plan.guarded.then(|| Arc::new(GuardedClock::over(Arc::clone(&clock))));
        let nodes: Arc<dyn Clock> = match &guard {
            Some(guard) => Arc::<GuardedClock<_>>::clone(guard),
            None => Arc::<ManualClock>::clone(&clock),
        };
        let journal = Journal::open_on(on, options, Arc::clone(&nodes))?;
        let mut state = replayed(&journal);
        forget(&mut state);
        let start = Start::from_state(&state);
        let prf = HmacSha256Prf::new("local-1", &calls::PSEUDONYM_KEY);
        let parts = Parts {
            options: Options {
                audience: "shuzha".to_owned(),
                signature_window: std::time::Duration::from_secs(300),
                nonces_max: plan.nonces_max,
            },
            keys: Keys {
                committer: Committer::new(&COMMIT_KEY),
                periods: PeriodCommitters::new(plan.periods),
                pseudonymiser: Pseudonymiser::new(Arc::new(prf)),
                watermarks: Watermarks::new(&WATERMARK_KEY),
            },
            clock: nodes,
            rng: Arc::new(OsRng),
            journal,
            releases: plan.releases.unwrap_or_else(|| Arc::new(store.clone())),
            registry: Registry::new(),
        };
        let snapshot = plan.snapshot.unwrap_or_else(|| world::snapshot(&plan.more_world));
        let gate = Gate::bounded(parts, start, snapshot, plan.bounds).expect("metrics register");
        Ok(Self { clock, guard, disk, gate: Arc::new(gate), store })
    }

    /// The node after its process was killed now and started again.
    pub fn killed(self) -> Self {
        let disk = self.disk.killed();
        self.again_on(disk)
    }

    /// The node after a power cut that lost all that was not synced.
    pub fn without_power(self) -> Self {
        let disk = self.disk.cut_power(|| 0);
        self.again_on(disk)
    }

    /// The node started again on what its disk became.
    pub fn again_on(self, disk: MemoryDisk) -> Self {
        self.planned_on(disk, Plan::default())
    }

    /// The node killed and started again with `snapshot` in force.
    pub fn planned_again(self, snapshot: Snapshot) -> Self {
        let disk = self.disk.killed();
        self.planned_on(disk, Plan { snapshot: Some(snapshot), ..Plan::default() })
    }

    /// The same, with another plan.
    pub fn planned_on(self, disk: MemoryDisk, plan: Plan) -> Self {
        Self::open(disk, self.clock, self.store, plan, |_| {}).expect("the journal opens")
    }

    /// The same, with a node that forgets; or why its journal does not open, as after a disk that lied.
    pub fn forgetful_on(
        self,
        disk: MemoryDisk,
        plan: Plan,
        forget: impl Fn(&mut State),
    ) -> Result<Self, JournalError> {
        Self::open(disk, self.clock, self.store, plan, forget)
    }

    /// The time by the node's clock.
    pub fn now(&self) -> Timestamp {
        self.guard.as_ref().map_or_else(|| self.clock.now(), |guard| guard.now())
    }

    /// The present second.
    pub fn clock_seconds(&self) -> i64 {
        self.clock.now().seconds()
    }

    /// Takes one call through the gate.
    pub async fn call(&self, ask: &Ask, upstream: &Fake) -> Reply<()> {
        let sent = ask.send(self.clock.now());
        self.gate.serve(&sent.inbound(), upstream).await
    }

    /// A person's consent, given now.
    pub fn consent(&self, person: &str, unit: &str, uses: u32) -> Consent {
        let (scenario, purpose) = match unit {
            "charity" => ("charity-aid", "public-welfare"),
            "insurer" => ("insurer-claims", "industry"),
            "startup" => ("startup-kyc", "industry"),
            "probe" => ("probe-kyc", "industry"),
            _ => ("bank-onboarding", "industry"),
        };
        consents::consent(person, unit, scenario, purpose, uses, self.clock.now())
    }

    /// The person withdraws; durable when this returns.
    pub async fn withdraw(&self, consent: &Consent) {
        let statement = consents::withdrawal(consent, self.clock.now());
        let id = shuzha_core::RequestId::from_bytes([0xaa; 16]);
        self.gate.withdraw(id, &statement).await.expect("the withdrawal is recorded");
    }

    /// Waits until all that was appended is durable, and gives the records.
    pub async fn records(&self) -> Vec<RawRecord> {
        let journal = self.gate.journal();
        let durable = journal.append_durable(&resumed(self)).expect("the journal serves");
        durable.await.expect("durable");
        read(journal)
    }

    /// What the journal adds up to.
    pub async fn state(&self) -> State {
        self.records().await;
        replayed(self.gate.journal())
    }
}

/// A record that means nothing.
pub fn resumed(gateway: &TestGateway) -> Entry<'static> {
    Entry::Act(shuzha_evidence::Act {
        at: gateway.clock.now(),
        kind: shuzha_evidence::ActKind::Resumed,
        actor: "test",
        object: "",
        commitment: None,
        target: "",
    })
}

/// The durable records.
pub fn read(journal: &Journal) -> Vec<RawRecord> {
    let reader = journal.reader(1).expect("readable");
    reader.map(|record| record.expect("an intact record")).collect()
}

/// What the durable records add up to.
pub fn replayed(journal: &Journal) -> State {
    let mut state = State::default();
    state
        .replay(journal.reader(1).expect("readable"), &mut Changes::default())
        .expect("the journal is consistent");
    state
}

/// The last closing record among `records`.
pub fn last_call(records: &[RawRecord]) -> Call<'_> {
    let calls = records.iter().rev().filter_map(|record| match record.entry() {
        Ok(Entry::Call(call)) => Some(*call),
        _ => None,
    });
    calls.into_iter().next().expect("a call was recorded")
}

/// How many intents and how many closing records there are.
pub fn counted(records: &[RawRecord]) -> (usize, usize) {
    let count = |wanted: fn(&Entry<'_>) -> bool| {
        records.iter().filter(|record| record.entry().is_ok_and(|entry| wanted(&entry))).count()
    };
    (count(|entry| matches!(entry, Entry::Intent(_))), count(|entry| matches!(entry, Entry::Call(_))))
}

/// The code of a refusal, or what kind of answer it is.
pub fn outcome<S>(reply: &Reply<S>) -> String {
    match &reply.payload {
        Payload::Refused(refusal) => refusal.code.to_string(),
        Payload::Answer(_) if reply.replayed => "replayed".to_owned(),
        Payload::Answer(_) => "answered".to_owned(),
        Payload::Stream { .. } => "opened".to_owned(),
    }
}

/// The body of an answer; empty where there is none.
pub fn body<S>(reply: &Reply<S>) -> &[u8] {
    match &reply.payload {
        Payload::Answer(bytes) => bytes,
        _ => b"",
    }
}

/// The decision as the table of holds names it.
pub fn decision(call: &Call<'_>) -> &'static str {
    match call.decision {
        Decision::Answered => "answered",
        Decision::Refused => "refused",
        Decision::Failed => "failed",
        Decision::Replayed => "replayed",
        Decision::Planned => "planned",
    }
}
