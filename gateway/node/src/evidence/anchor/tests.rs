//! Anchors that go away and come back, under a clock that is moved.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use shuzha_core::SystemClock;
use shuzha_core::clock::ManualClock;
use shuzha_evidence::log::{LogKeys as _, SeedKeys};
use shuzha_evidence::policy::Policy;
use shuzha_evidence::{Act, ActKind};
use shuzha_store::tiles::{FollowerHandle, Options};

use super::*;

const ORIGIN: &str = "log.example/gate-1";

/// Somebody who is there or not, and what they saw.
#[derive(Clone, Default)]
struct Somebody {
    away: Arc<AtomicBool>,
    saw: Arc<Mutex<Vec<Note>>>,
}

impl Outside for Somebody {
    fn show(&self, note: &Note) -> Result<Vec<u8>> {
        if self.away.load(Ordering::Relaxed) {
            anyhow::bail!("nobody is there");
        }
        self.saw.lock().expect("whole").push(note.clone());
        Ok(format!("seen {}", self.saw.lock().expect("whole").len()).into_bytes())
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    journal: Journal,
    follower: FollowerHandle,
    library: Library,
    rounds: Rounds,
    somebody: Vec<Somebody>,
    config: AnchoringConfig,
}

fn name(number: usize) -> Id {
    Id::new(&format!("a-{number}")).expect("a name")
}

impl Bench {
    fn new(begin: Timestamp, count: usize, fail_closed_after: Option<Duration>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::at(begin));
        let node = Id::new("gate-1").expect("a name");
        let options = shuzha_journal::Options::new(dir.path().join("journal"), node, "test");
        let journal = Journal::open(options, Arc::clone(&clock) as _).expect("opens");
        let log = Options {
            folder: dir.path().join("evidence"),
            origin: ORIGIN.to_owned(),
            keys: Arc::new(keys()),
            interval: Duration::from_millis(1),
            clock: Arc::clone(&clock) as _,
        };
        let log = log.build(journal.clone()).expect("a log");
        let (follower, library) = (log.handle(), log.library());
        std::thread::spawn(move || log.run());
        let interval = Duration::from_secs(3_600);
        let config = AnchoringConfig { anchors: Vec::new(), interval, authorities: None, fail_closed_after };
        let somebody = Vec::new();
        let rounds =
            Rounds::new(&config, Vec::new(), library.clone(), journal.clone(), Arc::clone(&clock) as _);
        let rounds = rounds.expect("readable");
        let mut bench = Self { _dir: dir, clock, journal, follower, library, rounds, somebody, config };
        bench.somebody = (0..count).map(|_| Somebody::default()).collect();
        bench.published();
        bench.restart();
        bench
    }

    /// The thread as it would be after a restart of the process.
    fn restart(&mut self) {
        let targets = self.somebody.iter().enumerate();
        let targets = targets
            .map(|(number, one)| (name(number), Kind::Http, Box::new(one.clone()) as Box<dyn Outside>));
        let clock = Arc::clone(&self.clock) as _;
        let rounds =
            Rounds::new(&self.config, targets.collect(), self.library.clone(), self.journal.clone(), clock);
        self.rounds = rounds.expect("readable");
    }

    /// Waits until everything durable is under a checkpoint.
    fn published(&self) {
        let until = SystemClock.now().plus(Duration::from_secs(120));
        while self.follower.reached() < self.journal.durable_seq() {
            assert!(SystemClock.now() < until, "not published");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn happens(&self) {
        let act = Act {
            at: self.clock.now(),
            kind: ActKind::SnapshotInstalled,
            actor: "a",
            object: "o",
            commitment: None,
            target: "",
        };
        self.journal.append_durable(&Entry::Act(act)).expect("serves").wait().expect("durable");
        self.published();
    }

    fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.rounds.tick();
        self.published();
    }

    fn away(&self, away: bool) {
        self.somebody.iter().for_each(|one| one.away.store(away, Ordering::Relaxed));
    }

    fn seen(&self, number: usize) -> usize {
        self.somebody[number].saw.lock().expect("whole").len()
    }

    fn watch(&self) -> &Watch {
        &self.rounds.watch
    }
}

fn keys() -> SeedKeys {
    SeedKeys::new(ORIGIN, [1; 32], [1; 32], []).expect("a name")
}

const HALF_MINUTE: Duration = Duration::from_secs(30);

fn begin() -> Timestamp {
    shuzha_core::calendar::Day::new(2026, 11, 1).expect("a day").start()
}

#[test]
fn h5_each_anchoring_is_kept_and_is_a_leaf_and_none_follows_for_its_own_sake() {
    let mut bench = Bench::new(begin(), 2, None);
    bench.pass(Duration::from_secs(1));
    assert_eq!((bench.seen(0), bench.seen(1)), (1, 1));
    // Two records of anchoring stand in the log now: nothing to anchor.
    for _ in 0..5 {
        bench.pass(Duration::from_secs(3_601));
    }
    assert_eq!((bench.seen(0), bench.seen(1)), (1, 1));
    bench.happens();
    bench.pass(Duration::from_secs(1));
    assert_eq!((bench.seen(0), bench.seen(1)), (2, 2));
    bench.happens();
    bench.pass(Duration::from_secs(1_800));
    assert_eq!(bench.seen(0), 2, "not before its interval is over");
    bench.pass(Duration::from_secs(1_800));
    assert_eq!(bench.seen(0), 3);
    let (shard, log) = bench.library.logs().expect("readable").remove(0);
    let kept = bench.library.anchors(shard).expect("readable");
    assert_eq!(kept.len(), 6);
    let note = log.checkpoint::<Sha256>().expect("readable").expect("published");
    let size = size_of(&note).expect("a checkpoint");
    let mut leaves = Vec::new();
    for index in 0..size {
        if let Ok(Entry::Anchored(one)) = Entry::decode(&log.entry(index, size).expect("there")) {
            leaves.push((one.anchor.to_owned(), one.size, one.checkpoint, one.token));
        }
    }
    let policy = Policy { log: keys().known().to_vec(), ..Policy::default() };
    for (_, anchor) in &kept {
        let tree = policy.open(&anchor.note).expect("signed");
        let leaf = (anchor.name.to_string(), tree.size, stamped(&anchor.note), anchor.token_digest());
        assert!(leaves.contains(&leaf), "{leaf:?}");
    }
    assert_eq!(leaves.len(), kept.len());
    // A restart knows who has seen what.
    bench.restart();
    bench.pass(Duration::from_secs(1));
    assert_eq!((bench.seen(0), bench.seen(1)), (3, 3));
}

/// E12: all anchors are cut for four hours and longer. The log goes on, the alarm comes with the next attempt, and what was missed is anchored within half a minute.
#[test]
fn e12_all_anchors_are_away_for_hours_and_come_back() {
    let mut bench = Bench::new(begin(), 2, None);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.watch().failing(), 0);
    bench.away(true);
    bench.happens();
    bench.pass(Duration::from_secs(3_600));
    assert_eq!(bench.watch().failing(), 2, "the alarm");
    for _ in 0..5 * 120 {
        bench.pass(HALF_MINUTE);
    }
    bench.happens();
    assert!(!bench.watch().closed(bench.clock.now()), "serving goes on: nothing says otherwise");
    assert!(bench.watch().uncovered(bench.clock.now()) >= Duration::from_secs(5 * 3_600));
    assert_eq!(bench.seen(0), 1);
    bench.away(false);
    bench.pass(HALF_MINUTE);
    assert_eq!((bench.watch().failing(), bench.seen(0), bench.seen(1)), (0, 2, 2));
    assert_eq!(bench.watch().uncovered(bench.clock.now()), Duration::ZERO);
    let last = bench.somebody[0].saw.lock().expect("whole").last().and_then(size_of);
    assert!(last >= Some(4), "a boot, two acts, two anchorings: everything is under it {last:?}");
}

/// E12: `fail_closed_after` stops serving exactly then, over a restart too, and one anchor is enough to go on.
#[test]
fn e12_c1717_serving_stops_exactly_then_and_goes_on_with_one_anchor() {
    let limit = Duration::from_secs(4 * 3_600);
    let mut bench = Bench::new(begin(), 2, Some(limit));
    bench.pass(Duration::from_secs(1));
    let covered = bench.clock.now();
    bench.away(true);
    bench.happens();
    bench.pass(Duration::from_secs(3_600));
    bench.restart();
    bench.pass(HALF_MINUTE);
    let short = Duration::from_micros(1);
    assert!(!bench.watch().closed(covered.plus(limit - short)));
    assert!(bench.watch().closed(covered.plus(limit)));
    bench.clock.set(covered.plus(limit));
    bench.rounds.tick();
    assert!(bench.watch().closed(bench.clock.now()));
    // A clock that goes back opens nothing that was closed for good reason, and nothing stays shut because of it.
    assert!(!bench.watch().closed(begin()));
    bench.somebody[1].away.store(false, Ordering::Relaxed);
    bench.pass(HALF_MINUTE);
    assert!(!bench.watch().closed(bench.clock.now()), "one has seen it");
    assert_eq!((bench.watch().failing(), bench.seen(0), bench.seen(1)), (1, 1, 2));
    // While nothing happens nothing waits, however long.
    bench.pass(Duration::from_secs(86_400));
    assert!(!bench.watch().closed(bench.clock.now()));
}

/// A node that has never been anchored has waited since its first entry: a restart does not begin anew.
#[test]
fn e12_a_restart_does_not_begin_the_limit_anew() {
    let limit = Duration::from_secs(3 * 3_600);
    let mut bench = Bench::new(begin(), 1, Some(limit));
    bench.away(true);
    bench.clock.advance(limit);
    bench.restart();
    bench.rounds.tick();
    assert!(bench.watch().closed(bench.clock.now()));
}

/// A half-year that ended while nobody was there is anchored too, whole.
#[test]
fn e12_a_half_year_that_closed_meanwhile_is_anchored_whole() {
    let last = shuzha_core::calendar::Day::new(2026, 12, 31).expect("a day").start();
    let mut bench = Bench::new(last, 1, None);
    bench.away(true);
    bench.happens();
    bench.pass(Duration::from_secs(1));
    bench.clock.advance(Duration::from_secs(86_400));
    bench.happens();
    bench.away(false);
    bench.pass(HALF_MINUTE);
    let saw = bench.somebody[0].saw.lock().expect("whole").clone();
    let origins: Vec<_> = saw.iter().map(|note| note.text().lines().next().unwrap_or_default()).collect();
    assert_eq!(origins, [format!("{ORIGIN}/2026h2"), format!("{ORIGIN}/2027h1")]);
    assert_eq!(size_of(&saw[0]), Some(2), "a boot and an act: all of the old half-year");
}
