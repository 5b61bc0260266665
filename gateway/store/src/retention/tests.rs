//! Three years of records under a simulated clock: what is due goes when two persons say so, everything else stays and checks.

use std::time::Duration;

use shuzha_core::calendar::Day;
use shuzha_core::clock::ManualClock;
use shuzha_core::{Clock, IdRng, PurposeClass, RequestId};
use shuzha_evidence::log::SeedKeys;
use shuzha_evidence::merkle::{Sha256, Sm3};
use shuzha_evidence::note::Note;
use shuzha_evidence::receipt::{Enclosed, Receipt};
use shuzha_evidence::verify::{check_pruned, check_range, head};
use shuzha_evidence::{Act, ActKind, Call, Committer, Decision as Outcome, Registered, Terms};
use shuzha_journal::disk::Disk as _;
use shuzha_journal::disk::memory::MemoryDisk;

use super::*;
use crate::traces::{Catalogue, Made, Of, Query};
use crate::{ledger, projector, tiles, traces};

const ORIGIN: &str = "log.example/gate-1";
const MONTHS: u16 = 24;

struct Nothing;

impl Catalogue for Nothing {
    fn made(&self, _: &str) -> Result<Option<Made>, StoreError> {
        Ok(None)
    }
}

/// A node's data, without its processes.
struct House {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    disk: MemoryDisk,
    traces: Traces,
    books: Books,
    store: Store,
    register: Register,
    ends: Ends,
}

/// Authorisations: from when, until when.
#[derive(Clone, Default)]
struct Ends(Vec<(Timestamp, Timestamp)>);

impl Authorisations for Ends {
    fn last_end(&self, from: Timestamp, until: Timestamp) -> Result<Option<AuthorisationEnd>, StoreError> {
        let alive = self.0.iter().filter(|(began, ended)| *began < until && *ended >= from);
        let last = alive.max_by_key(|(_, ended)| *ended);
        Ok(last.map(|(_, at)| AuthorisationEnd { of: "Agreement/bank-2026".to_owned(), at: *at }))
    }
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn day(year: i32, month: u8, of: u8) -> Timestamp {
    Day::new(year, month, of).unwrap().start()
}

fn keys() -> SeedKeys {
    SeedKeys::new(ORIGIN, [1; 32], [1; 32], []).unwrap()
}

fn policy() -> Policy {
    Policy { log: keys().known().to_vec(), ..Policy::default() }
}

impl House {
    fn new(from: Timestamp) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            clock: Arc::new(ManualClock::at(from)),
            disk: MemoryDisk::new(),
            traces: Traces::open(&dir.path().join("traces.db")).unwrap(),
            books: Books::open(&dir.path().join("finance.db")).unwrap(),
            store: Store::in_memory().unwrap(),
            register: Register::in_memory().unwrap(),
            ends: Ends::default(),
            dir,
        }
    }

    /// A process takes over.
    fn start(&self) -> Journal {
        let options = shuzha_journal::Options {
            segment_bytes: 4_096,
            free_bytes_min: 0,
            ..shuzha_journal::Options::new("", id("gate-1"), "1")
        };
        Journal::open_on(Arc::new(self.disk.clone()), options, self.clock.clone()).unwrap()
    }

    /// Everything durable is read by all who follow.
    fn settle(&self, journal: &Journal) {
        let follower = tiles::Options {
            folder: self.dir.path().join("evidence"),
            origin: ORIGIN.to_owned(),
            keys: Arc::new(keys()),
            interval: Duration::from_millis(1),
            clock: self.clock.clone(),
        };
        let follower = follower.build(journal.clone()).unwrap();
        let handle = follower.handle();
        handle.drain();
        follower.run();
        assert_eq!((handle.fault(), handle.reached()), (None, journal.durable_seq()));
        let projector = projector::Options::default().build(self.store.clone(), journal.clone()).unwrap();
        projector.watch().drain();
        projector.run().unwrap();
        let meter = ledger::MeterOptions::default().build(self.books.clone(), journal.clone()).unwrap();
        meter.handle().catch_up().unwrap();
        let tracer = traces::Options::default();
        let tracer = tracer.build(self.traces.clone(), journal.clone(), Arc::new(Nothing)).unwrap();
        tracer.handle().catch_up().unwrap();
    }

    fn retention(&self, journal: &Journal) -> Retention {
        Retention::new(Parts {
            decisions: Decisions::open(&self.dir.path().join("retention.db")).unwrap(),
            journal: journal.clone(),
            files: Arc::new(Directory::new(&self.dir.path().join("evidence"))),
            traces: self.traces.clone(),
            books: self.books.clone(),
            store: self.store.clone(),
            register: self.register.clone(),
            authorisations: Arc::new(self.ends.clone()),
            origin: ORIGIN.to_owned(),
            keys: Arc::new(keys()),
            term: Term {
                months: MONTHS,
                after_authorisation: Some(MONTHS),
                article: "Heilongjiang 29".to_owned(),
            },
        })
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A call that was refused, so that it is in log and index and in no month of the books.
    fn call(&self, journal: &Journal, change: impl FnOnce(&mut Call<'static>)) -> RequestId {
        self.clock.advance(Duration::from_millis(1));
        let request = RequestId::generate(&*self.clock, &IdRng);
        let terms = Terms { unit: "bank", product: "company-check", version: 1, ..Terms::default() };
        let mut call = Call { terms, code: Some(Code::C501), ..Call::of(request, self.now()) };
        change(&mut call);
        journal.append_durable(&Entry::Call(Box::new(call))).unwrap().wait().unwrap();
        request
    }

    fn act(&self, journal: &Journal, number: u8) {
        let act = Registered {
            revision: 0,
            id: RequestId::from_bytes([number; 16]),
            at: self.now(),
            actor: "wang",
            object: "bank-company",
            verb: "issue",
            kind: "Grant",
            organisation: "bureau",
            role: "authority",
            digest: [number; 32],
            state: "issued",
        };
        journal.append(&Entry::Registered(act)).unwrap();
        let suspended = Act {
            at: self.now(),
            kind: ActKind::Suspended,
            actor: "li",
            object: "company-check",
            commitment: None,
            target: "product",
        };
        journal.append_durable(&Entry::Act(suspended)).unwrap().wait().unwrap();
    }

    fn uses(&self) -> usize {
        let query = Query {
            of: Of::Unit("bank"),
            from: None,
            until: None,
            provider: None,
            units: None,
            after: None,
            limit: 1_000,
        };
        self.traces.uses(&query).unwrap().uses.len()
    }

    /// Whether `text` stands anywhere in the journal's files.
    fn in_journal(&self, text: &[u8]) -> bool {
        let holds = |name: &String| {
            let mut held = Vec::new();
            self.disk.tamper(name, |bytes| held.clone_from(bytes));
            held.windows(text.len()).any(|window| window == text)
        };
        self.disk.list().unwrap().iter().any(holds)
    }

    fn in_files(&self, text: &[u8]) -> bool {
        fn walk(folder: &std::path::Path, text: &[u8]) -> bool {
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
                if path.is_dir() {
                    return walk(&path, text);
                }
                std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text)
            })
        }
        walk(self.dir.path(), text)
    }
}

fn asked<'a>(by: &'a Id, at: Timestamp) -> Asked<'a> {
    Asked { by, at, reason: "到期" }
}

fn holds(retention: &Retention, shard: &str, now: Timestamp) -> Vec<Hold> {
    let shard: Shard = shard.parse().unwrap();
    retention.plan(now).unwrap().into_iter().find(|year| year.shard == shard).unwrap().holds
}

fn held<T: std::fmt::Debug>(outcome: Result<T, RetentionError>) -> Vec<Hold> {
    match outcome {
        Err(RetentionError::Held(holds)) => holds,
        other => panic!("{other:?}"),
    }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, RetentionError>) -> Code {
    match outcome {
        Err(RetentionError::Refused(code)) => code,
        other => panic!("{other:?}"),
    }
}

/// What is destroyed of `2026h1` in most of these tests, and what stays.
struct Past {
    house: House,
    journal: Journal,
    /// Calls of the first half-year and of the next.
    calls: Vec<RequestId>,
    later: RequestId,
    receipt: Receipt,
    first: Shard,
}

impl Past {
    /// A half-year with calls and acts, sealed; it is 2028-07-01, and its time is over.
    fn new() -> Self {
        let house = House::new(day(2026, 3, 1));
        let journal = house.start();
        let mut calls: Vec<RequestId> = (0..40).map(|_| house.call(&journal, |_| {})).collect();
        house.act(&journal, 1);
        calls.extend((0..300).map(|_| house.call(&journal, |_| {})));
        house.settle(&journal);
        let library = house.retention(&journal).library();
        let found = library.call(&calls[7]).unwrap().unwrap();
        let opening = Committer::new(&[0; 32]).opening(&[1; 16]);
        let enclosed = Enclosed { entry: found.entry.clone(), request: opening, answer: opening };
        let receipt = library.receipt::<Sha256>(&found, enclosed).unwrap().unwrap();
        // The half-year ends in the middle of a segment, and the next begins in it.
        house.clock.set(day(2026, 7, 1));
        let later = house.call(&journal, |_| {});
        house.act(&journal, 2);
        house.clock.set(day(2028, 7, 1));
        drop(journal);
        let journal = house.start();
        house.settle(&journal);
        let first: Shard = "2026h1".parse().unwrap();
        let past = Self { house, journal, calls, later, receipt, first };
        past.retention().seal(first, asked(&id("sre"), past.house.now())).unwrap();
        past
    }

    fn retention(&self) -> Retention {
        self.house.retention(&self.journal)
    }

    /// Another process takes over, and completes what was decided.
    fn restarted(self) -> Self {
        let Self { house, journal, calls, later, receipt, first } = self;
        drop(journal);
        let journal = house.start();
        house.settle(&journal);
        let past = Self { house, journal, calls, later, receipt, first };
        past.retention().resume(past.house.now()).unwrap();
        past.house.settle(&past.journal);
        past
    }

    /// As it must be when nothing was begun.
    fn untouched(&self) {
        let library = self.retention().library();
        for request in &self.calls {
            assert!(library.call(request).unwrap().is_some());
        }
        assert_eq!(self.house.uses(), self.calls.len() + 1);
        assert_eq!(self.journal.first_seq().unwrap(), 1);
        let reader = self.retention().reader(self.first);
        let tree = head::<Sha256>(&reader, &policy()).unwrap();
        check_range::<Sha256>(&reader, &tree, 0..tree.size, THREADS).unwrap();
    }

    /// As it must be when all of it was done.
    fn gone(&self) {
        let retention = self.retention();
        let (library, reader) = (retention.library(), retention.reader(self.first));
        for (at, request) in self.calls.iter().enumerate() {
            assert_eq!(library.call(request).unwrap(), None);
            // Request ids are random: nothing else has these bytes.
            if at % 50 == 0 {
                assert!(
                    !self.house.in_journal(request.as_bytes()) && !self.house.in_files(request.as_bytes())
                );
            }
        }
        assert_eq!(library.at(3).unwrap(), None);
        assert!(library.call(&self.later).unwrap().is_some() && self.house.in_journal(self.later.as_bytes()));
        assert_eq!(self.house.uses(), 1);
        let year = retention.plan(self.house.now()).unwrap().remove(0);
        assert_eq!((year.shard, self.journal.first_seq().unwrap()), (self.first, year.last_seq() + 1));
        // An old receipt still checks, and so does all that is left, in both trees.
        let entry = &self.receipt.enclosed.as_ref().unwrap().entry;
        self.receipt.check::<Sha256>(entry, &policy()).unwrap();
        let kept = reader.kept().unwrap();
        let left = || kept.iter().map(Vec::as_slice);
        let checked = check_pruned::<Sha256>(&reader, &head::<Sha256>(&reader, &policy()).unwrap(), left());
        // A start, an act on the register, a suspension.
        assert_eq!(checked.unwrap().entries, 3);
        check_pruned::<Sm3>(&reader, &head::<Sm3>(&reader, &policy()).unwrap(), left()).unwrap();
        // A check of every entry says that they are not there, and not that they are bad.
        let tree = head::<Sha256>(&reader, &policy()).unwrap();
        let missing = check_range::<Sha256>(&reader, &tree, 0..tree.size, THREADS).unwrap_err();
        assert!(matches!(missing, Finding::Missing(_)) && !missing.is_bad(), "{missing}");
        // One leaf, with the digest of the certificate that the two persons stand in.
        let decided = year.destroyed.unwrap();
        let document = decided.decision.as_ref().unwrap().document.clone();
        let first = self.journal.first_seq().unwrap();
        let leaves = self.journal.reader(first).unwrap().filter(|record| {
            let record = record.as_ref().unwrap();
            matches!(record.entry().unwrap(), Entry::Retention(leaf) if leaf.act == RetentionAct::Destroyed
                && leaf.document == document::digest(&document) && leaf.confirmed_by == "feng" && leaf.actor == "wang"
                && leaf.root == tree.root && leaf.last_seq == year.first_seq + year.size - 1)
        });
        assert_eq!(leaves.count(), 1);
        assert!(decided.finished.is_some());
        let note = Note::parse(document.as_bytes()).unwrap();
        let key = keys().known()[0].renamed(&format!("{ORIGIN}/2026h1")).unwrap();
        assert_eq!(note.verified_by(&key), Ok(()));
        let written =
            std::fs::read_to_string(self.house.dir.path().join("evidence/2026h1/destroyed")).unwrap();
        assert_eq!(written, document);
    }
}

#[test]
fn h3_two_persons_destroy_what_is_due_and_everything_else_checks() {
    let past = Past::new();
    let (retention, now) = (past.retention(), past.house.now());
    let (wang, feng) = (id("wang"), id("feng"));
    past.untouched();
    assert_eq!(refused(retention.confirm(past.first, asked(&feng, now))), Code::C1735, "nobody asked");
    assert_eq!(refused(retention.withdraw(past.first, now)), Code::C1735);
    assert_eq!(refused(retention.ask("2030h1".parse().unwrap(), asked(&wang, now))), Code::C1003);
    retention.ask(past.first, asked(&wang, now)).unwrap();
    retention.ask(past.first, asked(&feng, now)).unwrap();
    assert_eq!(refused(retention.confirm(past.first, asked(&wang, now))), Code::C1734, "who asked first");
    retention.withdraw(past.first, now).unwrap();
    assert_eq!(refused(retention.confirm(past.first, asked(&feng, now))), Code::C1735);
    retention.ask(past.first, asked(&wang, now)).unwrap();
    past.house.settle(&past.journal);
    past.untouched();
    let done = retention.confirm(past.first, asked(&feng, now)).unwrap();
    assert!(done.is_gone() && done.holds.is_empty());
    past.gone();
    for again in
        [retention.ask(past.first, asked(&wang, now)), retention.confirm(past.first, asked(&feng, now))]
    {
        assert_eq!(refused(again), Code::C1735);
    }
    assert_eq!(refused(retention.withdraw(past.first, now)), Code::C1735);
    past.restarted().gone();
}

/// Killed behind any step, and behind every file operation of the longest: not begun, or completed at the next start.
#[test]
fn h3_killed_anywhere_it_is_not_begun_or_completed_at_the_next_start() {
    use Step::{Certified, Checked, Decided, Index, Journal, Kept, Log, Recorded};
    for step in [Decided, Recorded, Kept, Certified, Log, Index, Journal, Checked] {
        let past = Past::new();
        let (wang, feng, now) = (id("wang"), id("feng"), past.house.now());
        past.retention().ask(past.first, asked(&wang, now)).unwrap();
        past.house.settle(&past.journal);
        let killed = past.retention().confirm_watched(past.first, asked(&feng, now), &mut |at| {
            if at == step { Err(RetentionError::Unrecorded) } else { Ok(()) }
        });
        assert!(matches!(killed, Err(RetentionError::Unrecorded)), "{step:?}: {killed:?}");
        let waits = past.retention().plan(now).unwrap()[0].destroyed.clone().unwrap();
        assert!(waits.decision.is_some() && waits.finished.is_none(), "{step:?}");
        past.restarted().gone();
    }
    // Asked for and not decided, it is not begun.
    let past = Past::new();
    past.retention().ask(past.first, asked(&id("wang"), past.house.now())).unwrap();
    let past = past.restarted();
    past.untouched();
    assert!(
        past.retention().plan(past.house.now()).unwrap()[0].destroyed.as_ref().unwrap().decision.is_none()
    );
}

#[test]
fn h3_three_years_keep_every_call_for_two_and_the_life_cycle_for_good() {
    let house = House::new(day(2026, 1, 15));
    let (sre, wang, feng) = (id("sre"), id("wang"), id("feng"));
    let (mut calls, mut acts) = (Vec::new(), 0);
    for month in 0..39_u16 {
        let now = Day::new(2026 + i32::from(month / 12), u8::try_from(month % 12 + 1).unwrap(), 15)
            .unwrap()
            .start();
        house.clock.set(now);
        let journal = house.start();
        let retention = house.retention(&journal);
        retention.resume(now).unwrap();
        calls.push((house.now(), house.call(&journal, |_| {})));
        house.act(&journal, u8::try_from(month).unwrap());
        acts += 3;
        house.settle(&journal);
        for year in retention.plan(now).unwrap() {
            let (due, over) = (now >= year.free_from, !year.holds.contains(&Hold::Open));
            assert_eq!(year.free_from, year.shard.months_after(24));
            assert_eq!(year.holds.contains(&Hold::Until(year.free_from)), !due && !year.is_gone());
            if over && year.sealed.is_none() {
                assert!(retention.seal(year.shard, asked(&sre, now)).unwrap().sealed.is_some());
            }
            if !year.is_gone() {
                // A day of a clock that is wrong does not help either: every hold is looked at again.
                let outcome = retention.ask(year.shard, asked(&wang, now));
                assert_eq!(outcome.is_ok(), over && due, "{} at {month}: {outcome:?}", year.shard);
                if outcome.is_ok() {
                    house.settle(&journal);
                    retention.confirm(year.shard, asked(&feng, now)).unwrap();
                }
            }
        }
        house.settle(&journal);
        let library = house.retention(&journal).library();
        for (at, request) in &calls {
            let found = library.call(request).unwrap();
            let young = Shard::of(*at).months_after(24) > now;
            assert_eq!(found.is_some(), young, "a call of {at:?} at {month}");
        }
        // Every act of the life-cycle is there, in a file of its own or in the log.
        let mut seen = 0;
        for year in retention.plan(now).unwrap() {
            let reader = retention.reader(year.shard);
            if year.is_gone() {
                for file in reader.kept().unwrap() {
                    seen += shuzha_evidence::verify::kept_entries(&file).count();
                }
            } else {
                shuzha_evidence::verify::for_each_entry(&reader, year.size, 0..year.size, |_, entry| {
                    let entry = Entry::decode(entry).unwrap();
                    seen += usize::from(!matches!(entry, Entry::Call(_) | Entry::Retention(_)));
                })
                .unwrap();
            }
        }
        assert!(seen >= acts, "{seen} of {acts} at {month}");
    }
    let plan = house.retention(&house.start()).plan(house.now()).unwrap();
    let gone: Vec<String> =
        plan.iter().filter(|year| year.is_gone()).map(|year| year.shard.to_string()).collect();
    assert_eq!((gone, plan.len()), (vec!["2026h1".to_owned(), "2026h2".to_owned()], 7));
}

#[test]
fn h3_what_still_needs_a_half_year_holds_it() {
    let past = Past::new();
    let (wang, feng, now) = (id("wang"), id("feng"), past.house.now());
    let second: Shard = "2026h2".parse().unwrap();
    let retention = past.retention();
    // The later one waits for the earlier, is not sealed, and is not due; the latest is still open.
    let waits = holds(&retention, "2026h2", now);
    for hold in [Hold::Until(second.months_after(24)), Hold::Unsealed, Hold::Earlier(past.first)] {
        assert!(waits.contains(&hold), "{hold:?} in {waits:?}");
    }
    assert_eq!(held(retention.seal("2028h2".parse().unwrap(), asked(&wang, now))), [Hold::Open]);
    // Asked for while nothing held it, and held when it is to be confirmed.
    retention.ask(past.first, asked(&wang, now)).unwrap();
    past.house.settle(&past.journal);
    let late = past.house.call(&past.journal, |call| {
        let long_ago = day(2026, 6, 30);
        let terms = Terms {
            unit: "bank",
            product: "company-check",
            version: 1,
            operation: "verify",
            scenario: "s",
            agreement: "a",
            price: "p",
            grant: "g",
            purpose: Some(PurposeClass::Industry),
            ..Terms::default()
        };
        (call.received, call.terms, call.decision, call.code) = (long_ago, terms, Outcome::Answered, None);
        (call.quantity, call.outcome) = (1, shuzha_evidence::Outcome::Uncharged);
        call.basis = 3;
    });
    let meter =
        ledger::MeterOptions::default().build(past.house.books.clone(), past.journal.clone()).unwrap();
    meter.handle().catch_up().unwrap();
    let june: Month = "2026-06".parse().unwrap();
    assert_eq!(held(retention.confirm(past.first, asked(&feng, now))), [Hold::OpenPeriod(june)], "{late}");
    past.untouched();
    // A follower that has not read it, and a segment that is still written to.
    let behind = House::new(day(2026, 3, 1));
    let journal = behind.start();
    behind.call(&journal, |_| {});
    behind.clock.set(day(2028, 7, 1));
    behind.call(&journal, |_| {});
    let follower = tiles::Options {
        folder: behind.dir.path().join("evidence"),
        origin: ORIGIN.to_owned(),
        keys: Arc::new(keys()),
        interval: Duration::from_millis(1),
        clock: behind.clock.clone(),
    };
    let follower = follower.build(journal.clone()).unwrap();
    follower.handle().drain();
    follower.run();
    let waits = holds(&behind.retention(&journal), "2026h1", behind.now());
    let unread = ["projection", "books", "traces"].map(Hold::Unread);
    assert_eq!(waits, [&[Hold::Unsealed], &unread[..], &[Hold::InUse]].concat());
    assert!(journal.prune(1).is_err(), "the journal itself refuses too");
    // An act that the register has accepted and does not know to be in the journal.
    let act = crate::register::Act {
        id: RequestId::from_bytes([9; 16]),
        salt: [0; 16],
        at: behind.now(),
        by: None,
        duty: None,
        verb: "expire".to_owned(),
        kind: "Grant".to_owned(),
        name: id("bank-company"),
        state: None,
        reason: String::new(),
        attachments: "[]".to_owned(),
    };
    let (changes, effects, journalled) = (Vec::new(), Vec::new(), Vec::new());
    let batch = crate::register::Batch { act, changes, effects, passed: None, answer: None, journalled };
    behind.register.commit(&batch).unwrap();
    assert!(holds(&behind.retention(&journal), "2026h1", behind.now()).contains(&Hold::Outbox));
}

/// Logic: `shuzha.db` was the only account of what pruned months had spent. Before, they went as soon as two persons had said so.
#[test]
fn no_record_goes_before_what_it_spent_is_under_a_signed_checkpoint() {
    let past = Past::new();
    let (wang, feng, now) = (id("wang"), id("feng"), past.house.now());
    past.retention().ask(past.first, asked(&wang, now)).unwrap();
    assert_eq!(held(past.retention().confirm(past.first, asked(&feng, now))), [Hold::Unbound]);
    past.untouched();
    past.house.settle(&past.journal);
    // What is kept must be what the log was told.
    let places = past.journal.projections().unwrap();
    let name = format!("{:020}.projection", places[0]);
    let middle = past.journal.projection(places[0]).unwrap().unwrap().len() / 2;
    past.house.disk.tamper(&name, |bytes| bytes[middle] ^= 1);
    assert_eq!(held(past.retention().confirm(past.first, asked(&feng, now))), [Hold::Unbound]);
    // Asked for again, it is bound again.
    past.retention().ask(past.first, asked(&wang, now)).unwrap();
    past.house.settle(&past.journal);
    past.retention().confirm(past.first, asked(&feng, now)).unwrap();
    past.gone();
    // And a lost store comes back from there, to the row.
    let bytes = crate::projection_before(&past.journal).unwrap().expect("records are gone");
    let store = Store::in_memory().unwrap();
    let mut state = store.put_projection(&bytes).unwrap();
    let mut changes = crate::Changes::default();
    let rest = past.journal.reader(state.reached.seq + 1).unwrap();
    state.replay(rest, &mut changes).unwrap();
    store.project(&state, &mut changes).unwrap();
    past.house.settle(&past.journal);
    assert_eq!(store.load_state().unwrap(), past.house.store.load_state().unwrap());
}

#[test]
fn h3_what_does_not_check_is_neither_sealed_nor_destroyed() {
    let past = Past::new();
    let (wang, feng, now) = (id("wang"), id("feng"), past.house.now());
    let folder = past.house.dir.path().join("evidence/2026h1");
    // Sealed files are read-only, and their manifest is signed.
    let sealed = std::fs::metadata(folder.join("tile/0/000")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&sealed.permissions()) & 0o777, 0o400);
    let manifest = Note::parse(&std::fs::read(folder.join("sealed")).unwrap()).unwrap();
    let key = keys().known()[0].renamed(&format!("{ORIGIN}/2026h1")).unwrap();
    assert_eq!(manifest.verified_by(&key), Ok(()));
    assert!(manifest.text().contains("\"entries\":343") && manifest.text().contains("\"sm3/checkpoint\""));
    let tamper = |path: &str| {
        let path = folder.join(path);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    };
    // In many places, so that it meets what is kept, wherever that stands.
    let tamper_widely = |path: &str| {
        let path = folder.join(path);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.iter_mut().skip(10).step_by(997).for_each(|byte| *byte ^= 1);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    };
    past.retention().ask(past.first, asked(&wang, now)).unwrap();
    past.house.settle(&past.journal);
    tamper("tile/0/000");
    let outcome = past.retention().confirm(past.first, asked(&feng, now));
    assert!(matches!(&outcome, Err(RetentionError::Finding(finding)) if finding.is_bad()), "{outcome:?}");
    let waits = past.retention().plan(now).unwrap()[0].destroyed.clone().unwrap();
    assert_eq!(waits.decision, None, "nothing was decided");
    tamper("tile/0/000");
    // The entries do not have their hashes: what would be kept of them is found out before anything goes.
    tamper_widely("tile/entries/000");
    let outcome = past.retention().confirm(past.first, asked(&feng, now));
    assert!(matches!(&outcome, Err(RetentionError::Finding(finding)) if finding.is_bad()), "{outcome:?}");
    tamper_widely("tile/entries/000");
    past.untouched();
    past.restarted().gone();
    // A half-year that was changed is not sealed.
    let house = House::new(day(2026, 3, 1));
    let journal = house.start();
    house.call(&journal, |_| {});
    house.clock.set(day(2026, 7, 1));
    house.call(&journal, |_| {});
    house.settle(&journal);
    let entries = house.dir.path().join("evidence/2026h1/tile/entries/000.p/2");
    let mut bytes = std::fs::read(&entries).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&entries, bytes).unwrap();
    let outcome = house.retention(&journal).seal("2026h1".parse().unwrap(), asked(&wang, house.now()));
    assert!(matches!(&outcome, Err(RetentionError::Finding(finding)) if finding.is_bad()), "{outcome:?}");
}

/// Heilongjiang 29, Qingtian 二(六): logs are kept so long after the end of the agreement; before, from the half-year alone, so that
/// they could go while the authorisation that they belong to was in force.
#[test]
fn h8_calls_are_kept_from_the_end_of_the_authorisation_they_were_made_under() {
    let mut past = Past::new();
    let now = past.house.now();
    let until = |past: &Past| {
        let year = past.retention().plan(now).unwrap().remove(0);
        (year.free_from, year.holds.into_iter().find(|hold| matches!(hold, Hold::Authorisation(..))))
    };
    assert_eq!(until(&past), (day(2028, 7, 1), None), "nobody was authorised");
    // Over before the half-year began, or begun behind it: none of its calls belongs to it.
    past.house.ends.0 = vec![(day(2020, 1, 1), day(2025, 12, 31)), (day(2026, 7, 1), day(2035, 1, 1))];
    assert_eq!(until(&past), (day(2028, 7, 1), None));
    // In force in it, and in force still: two years after its term, counted in whole months as half-years are.
    past.house.ends.0.push((day(2026, 6, 30), day(2030, 3, 10)));
    let kept = day(2032, 4, 1);
    assert_eq!(until(&past), (kept, Some(Hold::Authorisation("Agreement/bank-2026".to_owned(), kept))));
    let why = held(past.retention().ask(past.first, asked(&id("wang"), now)));
    assert!(why.iter().any(|hold| hold.to_string().contains("Agreement/bank-2026")), "{why:?}");
    // It ended early.
    past.house.ends.0[2].1 = day(2026, 6, 30);
    assert_eq!(until(&past), (day(2028, 7, 1), None), "the half-year's own term is the same");
}
