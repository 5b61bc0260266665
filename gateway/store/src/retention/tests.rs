//! Three years of records under a simulated clock: what is due goes when two persons say so, everything else stays and checks.

mod destroyed;
mod held;

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
struct Stores {
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

impl Stores {
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
    stores: Stores,
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
        let stores = Stores::new(day(2026, 3, 1));
        let journal = stores.start();
        let mut calls: Vec<RequestId> = (0..40).map(|_| stores.call(&journal, |_| {})).collect();
        stores.act(&journal, 1);
        calls.extend((0..300).map(|_| stores.call(&journal, |_| {})));
        stores.settle(&journal);
        let library = stores.retention(&journal).library();
        let found = library.call(&calls[7]).unwrap().unwrap();
        let opening = Committer::new(&[0; 32]).opening(&[1; 16]);
        let enclosed = Enclosed { entry: found.entry.clone(), request: opening, answer: opening };
        let receipt = library.receipt::<Sha256>(&found, enclosed).unwrap().unwrap();
        // The half-year ends in the middle of a segment, and the next begins in it.
        stores.clock.set(day(2026, 7, 1));
        let later = stores.call(&journal, |_| {});
        stores.act(&journal, 2);
        stores.clock.set(day(2028, 7, 1));
        drop(journal);
        let journal = stores.start();
        stores.settle(&journal);
        let first: Shard = "2026h1".parse().unwrap();
        let past = Self { stores, journal, calls, later, receipt, first };
        past.retention().seal(first, asked(&id("sre"), past.stores.now())).unwrap();
        past
    }

    fn retention(&self) -> Retention {
        self.stores.retention(&self.journal)
    }

    /// Another process takes over, and completes what was decided.
    fn restarted(self) -> Self {
        let Self { stores, journal, calls, later, receipt, first } = self;
        drop(journal);
        let journal = stores.start();
        stores.settle(&journal);
        let past = Self { stores, journal, calls, later, receipt, first };
        past.retention().resume(past.stores.now()).unwrap();
        past.stores.settle(&past.journal);
        past
    }

    /// As it must be when nothing was begun.
    fn untouched(&self) {
        let library = self.retention().library();
        for request in &self.calls {
            assert!(library.call(request).unwrap().is_some());
        }
        assert_eq!(self.stores.uses(), self.calls.len() + 1);
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
                    !self.stores.in_journal(request.as_bytes()) && !self.stores.in_files(request.as_bytes())
                );
            }
        }
        assert_eq!(library.at(3).unwrap(), None);
        assert!(
            library.call(&self.later).unwrap().is_some() && self.stores.in_journal(self.later.as_bytes())
        );
        assert_eq!(self.stores.uses(), 1);
        let year = retention.plan(self.stores.now()).unwrap().remove(0);
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
            std::fs::read_to_string(self.stores.dir.path().join("evidence/2026h1/destroyed")).unwrap();
        assert_eq!(written, document);
    }
}
