//! The log of a real journal in a real folder.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use shuzha_core::calendar::Day;
use shuzha_core::clock::ManualClock;
use shuzha_core::{Clock, Code, Id, IdRng, RequestId, SystemClock, Timestamp};
use shuzha_evidence::log::{LogReader, SeedKeys, Shard};
use shuzha_evidence::merkle::{Digest, Sha256, Sm3};
use shuzha_evidence::policy::Policy;
use shuzha_evidence::receipt::Enclosed;
use shuzha_evidence::{Boot, Call, Committer, Decision, Entry};
use shuzha_journal::Journal;

mod refusals;

use super::lookup::{Lookup, find};
use super::*;
use crate::reduce::tests::call;

const ORIGIN: &str = "log.example/gate-1";

struct Bench {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn new() -> Self {
        let at = Day::new(2026, 6, 30).expect("a day").start();
        Self { dir: tempfile::tempdir().expect("a folder"), clock: Arc::new(ManualClock::at(at)) }
    }

    fn journal(&self) -> Journal {
        self.journal_in("journal")
    }

    fn journal_in(&self, name: &str) -> Journal {
        let node = Id::new("gate-1").expect("a name");
        let options = shuzha_journal::Options::new(self.dir.path().join(name), node, "test");
        Journal::open(options, Arc::clone(&self.clock) as Arc<dyn Clock>).expect("a journal")
    }

    fn options(&self, seed: u8) -> Options {
        Options {
            folder: self.dir.path().join("evidence"),
            origin: ORIGIN.to_owned(),
            keys: Arc::new(keys(seed)),
            interval: Duration::from_millis(1),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
        }
    }

    /// Follows `journal` until it is drained.
    fn follow(&self, journal: &Journal) -> Library {
        let follower = self.options(1).build(journal.clone()).expect("own log");
        let (handle, library) = (follower.handle(), follower.library());
        handle.drain();
        follower.run();
        assert_eq!((handle.reached(), handle.fault()), (journal.durable_seq(), None));
        library
    }

    /// Appends a call that began now, and gives its id.
    fn call(&self, journal: &Journal) -> RequestId {
        let request = RequestId::generate(&*self.clock, &IdRng);
        let durable = journal.append_durable(&call_of(request, self.clock.now())).expect("taken");
        durable.wait().expect("written");
        request
    }
}

/// The record of a call that began at `received`.
fn call_of(request: RequestId, received: Timestamp) -> Entry<'static> {
    Entry::Call(Box::new(Call { request, received, ..call(1, Decision::Answered) }))
}

fn keys(seed: u8) -> SeedKeys {
    SeedKeys::new(ORIGIN, [seed; 32], [seed; 32], []).expect("a name")
}

fn enclosed(found: &Found) -> Enclosed {
    let opening = Committer::new(&[0; 32]).opening(&[1; 16]);
    Enclosed { entry: found.entry.clone(), request: opening, answer: opening }
}

fn checks<D: Digest>(library: &Library, found: &Found) -> bool {
    use shuzha_evidence::log::LogKeys as _;
    let receipt = library.receipt::<D>(found, enclosed(found)).expect("readable").expect("published");
    let policy = Policy { log: keys(1).known().to_vec(), ..Policy::default() };
    receipt.check::<D>(&found.entry, &policy).is_ok()
}

/// E1: every record is a leaf, every call is found by its id and by its place, and proved in both trees; through restarts of
/// journal and log.
#[test]
fn e1_every_record_is_a_leaf_with_a_receipt() {
    let bench = Bench::new();
    let mut requests = Vec::new();
    for round in 0..4_u32 {
        let journal = bench.journal();
        for number in 0..=round * 100 {
            requests.push((bench.call(&journal), journal.durable_seq()));
            bench.clock.advance(Duration::from_millis((number % 3).into()));
        }
        let library = bench.follow(&journal);
        for (request, seq) in requests.iter().step_by(7).chain(requests.last()) {
            let found = library.call(request).expect("readable").expect("published");
            assert_eq!(library.at(*seq).expect("readable"), Some(found.clone()));
            assert!(checks::<Sha256>(&library, &found) && checks::<Sm3>(&library, &found), "{seq}");
        }
        let unknown = RequestId::generate(&*bench.clock, &IdRng);
        assert_eq!(library.call(&unknown).expect("readable"), None);
        assert_eq!(library.at(journal.durable_seq() + 1).expect("readable"), None);
        assert_eq!(library.at(0).expect("readable"), None);
    }
}

#[test]
fn half_years_are_closed_whole_and_a_clock_going_back_opens_none() {
    let bench = Bench::new();
    let journal = bench.journal();
    let before: Vec<_> = (0..300).map(|_| bench.call(&journal)).collect();
    bench.clock.set(Day::new(2026, 7, 1).expect("a day").start());
    let first = bench.call(&journal);
    bench.clock.set(Day::new(2026, 6, 30).expect("a day").start());
    let back = bench.call(&journal);
    let library = bench.follow(&journal);
    let names: Vec<_> = library::shards(library_root(&bench).as_path()).expect("listed");
    assert_eq!(names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2026h1", "2026h2"]);
    let found = |request| library.call(request).expect("readable").expect("published");
    assert_eq!((found(&first).shard.to_string(), found(&first).index), ("2026h2".into(), 0));
    assert_eq!((found(&back).shard.to_string(), found(&back).index), ("2026h2".into(), 1));
    assert_eq!((found(&before[299]).shard.to_string(), found(&before[299]).index), ("2026h1".into(), 300));
    // 301 records (a boot and 300 calls) stand in the first half-year.
    assert_eq!(library.at(302).expect("readable"), Some(found(&first)));
    assert!(checks::<Sha256>(&library, &found(&first)) && checks::<Sm3>(&library, &found(&before[0])));
    drop(library);
    // And on from there.
    let again = bench.call(&journal);
    let library = bench.follow(&journal);
    assert_eq!(library.call(&again).expect("readable").expect("published").index, 2);
}

fn library_root(bench: &Bench) -> std::path::PathBuf {
    bench.dir.path().join("evidence")
}

/// Longer than anything here takes on a busy machine; the end of it fails the test.
const PATIENCE: Duration = Duration::from_secs(120);

fn wait_for(mut done: impl FnMut() -> bool) {
    let until = SystemClock.now().plus(PATIENCE);
    while !done() {
        assert!(SystemClock.now() < until, "it did not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// E3: a change is under a checkpoint within a second, at the interval that is the default.
#[test]
fn e3_a_change_is_published_within_a_second() {
    let bench = Bench::new();
    let journal = bench.journal();
    let options = Options { interval: CHECKPOINT_INTERVAL, ..bench.options(1) };
    let follower = options.build(journal.clone()).expect("new");
    let (handle, library) = (follower.handle(), follower.library());
    let thread = std::thread::spawn(move || follower.run());
    // Each change follows a checkpoint at once and has the whole interval before it. A machine that is busy with other
    // things delays some of them; a follower that takes longer delays all.
    let mut took = Vec::new();
    let first = bench.call(&journal);
    wait_for(|| library.call(&first).expect("readable").is_some());
    while took.iter().min().is_none_or(|fastest| *fastest >= 1_000_000) && took.len() < 32 {
        let request = bench.call(&journal);
        let at = SystemClock.now();
        wait_for(|| library.call(&request).expect("readable").is_some());
        took.push(SystemClock.now().micros_since(at));
    }
    assert!(took.iter().any(|took| *took < 1_000_000), "none of them within a second: {took:?} µs");
    handle.drain();
    thread.join().expect("it ends");
}

/// E3: while nothing happens the checkpoint is signed again after ten minutes, the same tree; a checkpoint that was damaged is whole again then.
#[test]
fn e3_an_idle_log_is_signed_again_within_ten_minutes() {
    let bench = Bench::new();
    let journal = bench.journal();
    let follower = bench.options(1).build(journal.clone()).expect("new");
    let handle = follower.handle();
    let thread = std::thread::spawn(move || follower.run());
    bench.call(&journal);
    wait_for(|| handle.reached() == journal.durable_seq());
    let path = library_root(&bench).join("2026h1/checkpoint");
    let good = std::fs::read(&path).expect("there");
    for _ in 0..2 {
        std::fs::write(&path, "gone").expect("written");
        bench.clock.advance(IDLE_INTERVAL - Duration::from_secs(1));
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(std::fs::read(&path).expect("there"), b"gone", "not before");
        bench.clock.advance(Duration::from_secs(1));
        wait_for(|| std::fs::read(&path).is_ok_and(|now| now == good));
    }
    // A clock that goes back keeps nobody waiting until it has caught up.
    std::fs::write(&path, "gone").expect("written");
    bench.clock.set(Day::new(2026, 6, 29).expect("a day").start());
    wait_for(|| std::fs::read(&path).is_ok_and(|now| now == good));
    handle.drain();
    thread.join().expect("it ends");
}

#[test]
fn what_is_served_is_what_is_published_and_no_more() {
    let bench = Bench::new();
    let journal = bench.journal();
    (0..299).for_each(|_| {
        bench.call(&journal);
    });
    let library = bench.follow(&journal);
    let served = |address: &str, with_entries| {
        let file = library.file(address, with_entries).expect("readable");
        file.map(|file| (file.bytes.len(), file.kind, file.immutable))
    };
    let bytes = |length| Some((length, "application/octet-stream", true));
    assert_eq!(served("2026h1/tile/0/000", false), bytes(256 * 32));
    assert_eq!(served("2026h1/tile/0/001.p/44", false), bytes(44 * 32));
    assert_eq!(served("2026h1/tile/0/000.p/9", false), bytes(9 * 32), "cut from the full one");
    assert_eq!(served("2026h1/sm3/tile/1/000.p/1", false), bytes(32));
    assert!(
        served("2026h1/checkpoint", false)
            .is_some_and(|(_, kind, immutable)| { kind == "text/plain; charset=utf-8" && !immutable })
    );
    assert!(served("2026h1/tile/entries/000", true).is_some());
    assert_eq!(served("2026h1/sm3/tile/entries/000", true), served("2026h1/tile/entries/000", true));
    for address in ["2026h1/tile/entries/000", "2026h1/sm3/tile/entries/000", "2026h1/tile/entries/001.p/44"]
    {
        assert_eq!(served(address, false), None, "{address} holds who calls what");
    }
    for address in [
        "",
        "2026h1",
        "2026h1/",
        "2026h1/LOCK",
        "LOCK",
        "../journal/LOCK",
        "2026h1/../LOCK",
        "2026h1/lookup",
        "2027h1/checkpoint",
        "2026h1/tile/0/001",
        "2026h1/tile/0/001.p/45",
        "2026h1/tile/0/002",
        "2026h1/tile/0/../0/000",
        "2026h1/sm3/sm3/checkpoint",
        "2026h1/tile/2/000.p/1",
        "2026h1//checkpoint",
        "/2026h1/checkpoint",
    ] {
        assert_eq!(served(address, true), None, "{address}");
    }
}

#[test]
fn files_are_whole_and_nothing_unfinished_is_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let files = Directory::new(dir.path());
    assert_eq!(files.read("a/b/c").expect("readable"), None);
    for content in [&b"one"[..], b"", b"three"] {
        files.write("a/b/c", content).expect("written");
        files.sync().expect("synced");
        files.replace("a/d", content).expect("written");
        assert_eq!(files.read("a/b/c").expect("readable").as_deref(), Some(content));
        assert_eq!(files.read("a/d").expect("readable").as_deref(), Some(content));
    }
    files.remove_folder("a/b").expect("removed");
    files.remove_folder("a/b").expect("nothing to remove");
    files.sync().expect("what is gone need not last");
    assert_eq!(files.read("a/b/c").expect("readable"), None);
    let left: Vec<_> = std::fs::read_dir(dir.path().join("a")).expect("there").collect();
    assert_eq!(left.len(), 1, "{left:?}");
    std::fs::write(dir.path().join("large"), vec![0; 20 << 20]).expect("written");
    assert!(files.read("large").is_err(), "more than any file of a log");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Calls that end in any order up to an hour after they began are found, whatever stands between them; and again after
    /// a restart that lost any part of the file.
    #[test]
    fn requests_are_found_where_they_stand(
        steps in prop::collection::vec((0_u64..40_000, 0_u64..3_600_000, prop::bool::weighted(0.8)), 1..900),
        cut in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let shard: Shard = "2026h1".parse().expect("a half-year");
        let files = Arc::new(Directory::new(dir.path()));
        let reader = LogReader::new(files as Arc<dyn Source>, "2026h1");
        let (mut ends, mut now) = (Vec::new(), 1_800_000_000_000_u64);
        for (step, took, is_call) in steps {
            now += step;
            let began = Timestamp::from_micros(i64::try_from((now - took) * 1_000).expect("small"));
            ends.push(is_call.then(|| RequestId::generate(&ManualClock::at(began), &IdRng)));
        }
        let mut lookup = Lookup::open(dir.path(), shard, &reader, 0).expect("new");
        for request in &ends {
            lookup.push(*request).expect("written");
        }
        lookup.sync().expect("written");
        let place = |request: &RequestId| {
            find(dir.path(), shard, request, |index| {
                let at = usize::try_from(index).expect("small");
                Ok((ends.get(at) == Some(&Some(*request))).then_some(at))
            }).expect("readable")
        };
        for (index, request) in ends.iter().enumerate().filter_map(|(index, request)| Some((index, request.as_ref()?))) {
            prop_assert_eq!(place(request), Some(index));
        }
        let at = ManualClock::at(Timestamp::from_micros(i64::try_from(now * 1_000).expect("small")));
        prop_assert_eq!(place(&RequestId::generate(&at, &IdRng)), None);
        // The file is shorter than the log: it is made again from the entries.
        let keys = keys(1);
        let mut writer = shuzha_evidence::log::LogWriter::open(
            Arc::new(Directory::new(dir.path())), ORIGIN, shard, &keys,
        ).expect("new");
        for request in &ends {
            let mut entry = Vec::new();
            let boot = Entry::Boot(Boot { at: Timestamp::from_micros(0), node: "n", version: "v" });
            request.map_or(boot, |request| call_of(request, Timestamp::from_micros(0))).encode_into(&mut entry).expect("short");
            writer.append(&entry).expect("written");
        }
        writer.publish().expect("written");
        let path = dir.path().join("2026h1/lookup");
        let whole = std::fs::read(&path).expect("there");
        std::fs::write(&path, &whole[..cut.index(whole.len())]).expect("cut");
        let lookup = Lookup::open(dir.path(), shard, &reader, ends.len() as u64).expect("made again");
        lookup.sync().expect("written");
        prop_assert_eq!(std::fs::read(&path).expect("there"), whole);
    }
}
