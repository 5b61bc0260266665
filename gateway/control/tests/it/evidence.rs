//! From calls back and from data forward, on a real journal, a real log and a real register, for whom it is to see.

mod half_years;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shuzha_control::evidence::{Evidence, LeafOf, Parts, Products, Trace, Tree};
use shuzha_control::{Caller, JournalLog};
use shuzha_core::{Clock as _, Code, MicroYuan, OsRng, PurposeClass, RequestId, Role};
use shuzha_evidence::log::{LogKeys as _, SeedKeys};
use shuzha_evidence::merkle::{Digest as _, Frontier, Sha256, Sm3, check_consistency};
use shuzha_evidence::policy::Policy;
use shuzha_evidence::{Call, Decision, Entry, Outcome, Terms};
use shuzha_journal::disk::memory::MemoryDisk;
use shuzha_journal::{Journal, Options};
use shuzha_store::ledger::MeterOptions;
use shuzha_store::retention::Authorisations as _;
use shuzha_store::traces::{Of, Options as TracerOptions, Query, TracerHandle};
use shuzha_store::{Books, Retention, Store, Traces, projector, retention, tiles};
use shuzha_testkit_control::{TestWorld, by, code, grant, id, person};

/// The town with an evidence log over a journal.
pub(crate) struct Archive {
    pub(crate) town: TestWorld,
    journal: Journal,
    evidence: Evidence,
    tracer: TracerHandle,
    disk: MemoryDisk,
    stores: (Traces, Store, Books),
    dir: tempfile::TempDir,
}

fn auditor() -> Caller {
    person("yan", "audit", &[Role::Auditor])
}

impl Archive {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let stores = (
            Traces::in_memory().expect("opens"),
            Store::in_memory().expect("opens"),
            Books::open(&dir.path().join("finance.db")).expect("opens"),
        );
        Self::on(TestWorld::authorised(), MemoryDisk::new(), stores, dir)
    }

    fn on(town: TestWorld, disk: MemoryDisk, stores: (Traces, Store, Books), dir: tempfile::TempDir) -> Self {
        let clock = town.plane.clock.clone();
        let options = Options::new("/", id("gate-1"), "1");
        let journal = Journal::open_on(Arc::new(disk.clone()), options, clock.clone()).expect("opens");
        let (traces, store, books) = stores.clone();
        let control = Arc::clone(&town.plane.control);
        let catalogue = Arc::new(Products(Arc::clone(&control)));
        let tracer = TracerOptions::default().build(traces.clone(), journal.clone(), catalogue);
        let tracer = tracer.expect("in step").handle();
        let keys = SeedKeys::new("log.example/gate-1", [1; 32], [1; 32], []).expect("a name");
        let retention = Retention::new(retention::Parts {
            decisions: retention::Decisions::open(&dir.path().join("retention.db")).expect("opens"),
            journal: journal.clone(),
            files: Arc::new(tiles::Directory::new(&dir.path().join("evidence"))),
            traces: traces.clone(),
            books,
            store,
            register: town.plane.register.clone(),
            authorisations: control.clone(),
            origin: "log.example/gate-1".to_owned(),
            keys: Arc::new(keys),
            term: retention::Term {
                months: 24,
                after_authorisation: None,
                article: "Heilongjiang 29".to_owned(),
            },
        });
        let log = Arc::new(JournalLog(journal.clone()));
        let evidence = Evidence::new(Parts { control, traces, retention, log, clock, rng: Arc::new(OsRng) });
        Self { town, journal, evidence, tracer, disk, stores, dir }
    }

    /// The process ends and another one takes over.
    fn restarted(self) -> Self {
        let Self { town, journal, evidence, tracer, disk, stores, dir } = self;
        drop((journal, evidence, tracer));
        Self::on(town, disk, stores, dir)
    }

    /// A call as the gate records it.
    fn call(&self, change: impl FnOnce(&mut Call<'static>)) -> RequestId {
        let clock = &*self.town.plane.clock;
        clock.advance(Duration::from_millis(1));
        let terms = Terms {
            unit: "bank",
            credential: "bank-1",
            product: "company-check",
            version: 1,
            operation: "verify",
            scenario: "onboarding",
            agreement: "bank-2026",
            purpose: Some(PurposeClass::Industry),
            price: "company-check-2025",
            grant: "bank-company",
            ..Terms::default()
        };
        let mut call = Call {
            terms,
            consent: Some([9; 16]),
            quantity: 1,
            amount: MicroYuan::from_micros(300_000),
            decision: Decision::Answered,
            outcome: Outcome::Charged,
            request_commitment: Some([4; 16]),
            ..Call::of(RequestId::generate(clock, &OsRng), clock.now())
        };
        change(&mut call);
        let request = call.request;
        self.journal.append(&Entry::Call(Box::new(call))).expect("serves");
        request
    }

    /// Everything recorded is in log and index.
    fn settled(&self) {
        let act = shuzha_evidence::Act {
            at: self.town.plane.clock.now(),
            kind: shuzha_evidence::ActKind::SnapshotInstalled,
            actor: "gate",
            object: "",
            commitment: None,
            target: "",
        };
        self.journal.append_durable(&Entry::Act(act)).expect("serves").wait().expect("durable");
        let follower = tiles::Options {
            folder: self.dir.path().join("evidence"),
            origin: "log.example/gate-1".to_owned(),
            keys: Arc::new(SeedKeys::new("log.example/gate-1", [1; 32], [1; 32], []).expect("a name")),
            interval: Duration::from_millis(1),
            clock: self.town.plane.clock.clone(),
        };
        let follower = follower.build(self.journal.clone()).expect("own log");
        follower.handle().drain();
        follower.run();
        self.tracer.catch_up().expect("reads");
        let (_, store, books) = &self.stores;
        let projector = projector::Options::default().build(store.clone(), self.journal.clone());
        let projector = projector.expect("in step");
        projector.watch().drain();
        projector.run().expect("projects");
        let meter = MeterOptions::default().build(books.clone(), self.journal.clone()).expect("in step");
        meter.handle().catch_up().expect("gathers");
    }

    fn uses(&self, caller: &Caller, of: Of<'_>) -> Vec<RequestId> {
        let query =
            Query { of, from: None, until: None, provider: None, units: None, after: None, limit: 50 };
        let page = self.evidence.uses(caller, &query).expect("may see");
        page.uses.into_iter().map(|one| one.request).collect()
    }
}

fn step<'t>(trace: &'t Trace, kind: &str) -> &'t shuzha_control::evidence::Step {
    trace.steps.iter().find(|step| step.kind == kind).unwrap_or_else(|| panic!("{kind} is in the trace"))
}

/// Account and verb of every act that is told of an object.
fn acts<'t>(trace: &'t Trace, kind: &str) -> Vec<(&'t str, &'t str)> {
    let acts = step(trace, kind).acts.iter();
    let who = |act: &'t shuzha_control::HistoryEntry| {
        act.by.as_ref().and_then(|by| by.account.as_ref()).map_or("", |who| who.as_str())
    };
    acts.map(|act| (who(act), act.verb.as_str())).collect()
}

#[test]
fn h4_a_call_leads_back_to_its_data_and_those_who_decided() {
    let archive = Archive::new();
    let town = &archive.town;
    let day = Duration::from_hours(24);
    town.open("sun", "Grant", "bank-company", &grant("2026-02-01", "2027-01-01"));
    town.done("wang", "Grant", "bank-company", "issue");
    town.plane.clock.advance(day);
    let request = archive.call(|_| {});
    // What is done later is no part of why this call was served.
    town.plane.clock.advance(day);
    town.done("feng", "Grant", "bank-company", "revoke");
    archive.settled();
    let trace = archive.evidence.trace(&auditor(), &request).expect("the auditor sees it");
    assert_eq!(acts(&trace, "Grant"), [("sun", "open"), ("wang", "issue")]);
    assert_eq!(step(&trace, "Grant").changed_since, Some(true));
    let scenario =
        [("wu", "open"), ("wu", "submit"), ("zhao", "agree"), ("zhou", "opine"), ("wang", "approve")];
    assert_eq!(acts(&trace, "Scenario"), scenario);
    assert_eq!(acts(&trace, "Agreement")[2..], [("wu", "sign"), ("sun", "sign"), ("wang", "sign")]);
    let fact = |kind: &str, key: &str| {
        let facts = &step(&trace, kind).facts;
        facts.iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone())
    };
    assert_eq!(fact("DataSet", "provider"), Some(json!("market-regulator")));
    assert_eq!(fact("Product", "operator"), Some(json!("yunze-data")));
    assert_eq!(fact("PriceAct", "issuer"), Some(json!("yunze-data")));
    assert_eq!(acts(&trace, "PriceAct"), [("sun", "put")]);
    let sets: Vec<_> = trace.edition.iter().flat_map(|edition| edition.data_sets.clone()).collect();
    assert_eq!(sets, [("enterprises".to_owned(), "market-regulator".to_owned())]);
    assert_eq!((trace.call().request, trace.call().consent), (request, Some([9; 16])));
    assert!(trace.whole && trace.leaf.0 == "2026h1");
}

#[test]
fn h4_everyone_sees_what_concerns_them_and_nothing_else() {
    let archive = Archive::new();
    let own = archive.call(|_| {});
    let other = archive.call(|call| call.terms.unit = "insurer");
    let persons = archive.call(|call| call.terms.product = "person-check");
    let trial = archive.call(|call| call.sandbox = true);
    let refused = archive.call(|call| {
        (call.decision, call.code, call.terms.product) = (Decision::Refused, Some(Code::C101), "");
    });
    archive.settled();
    let evidence = &archive.evidence;
    // The auditor and the authority see all, the sandbox's trials and refusals too; trials are no uses of data.
    for caller in [auditor(), by("wang")] {
        for request in [own, other, persons, trial, refused] {
            assert!(evidence.trace(&caller, &request).expect("sees it").whole);
        }
        assert_eq!(archive.uses(&caller, Of::DataSet("enterprises")), [own, other]);
        assert_eq!(archive.uses(&caller, Of::Unit("bank")), [own, persons]);
        assert_eq!(archive.uses(&caller, Of::Grant("bank-company")), [own, other, persons]);
    }
    // A unit sees its own.
    let unit = by("wu");
    assert!(evidence.trace(&unit, &own).expect("its own").whole);
    assert_eq!(code(evidence.trace(&unit, &other)), Code::C1730);
    assert_eq!(archive.uses(&unit, Of::DataSet("enterprises")), [own]);
    assert_eq!(archive.uses(&unit, Of::Unit("insurer")), []);
    assert_eq!(archive.uses(&by("he"), Of::DataSet("enterprises")), []);
    // A provider sees what was done with its data, and not for how much.
    let provider = by("zhao");
    let trace = evidence.trace(&provider, &other).expect("its data were used");
    assert!(!trace.whole && trace.steps.iter().all(|step| !matches!(step.kind, "Price" | "PriceAct")));
    for request in [persons, trial, refused] {
        assert_eq!(code(evidence.trace(&provider, &request)), Code::C1730, "its data were not used");
    }
    assert_eq!(archive.uses(&provider, Of::Unit("bank")), [own]);
    assert_eq!(archive.uses(&provider, Of::DataSet("population")), []);
    // Who shares what a product earned sees its uses and no more: finance of all, an operator of its own products.
    let finance = || person("ding", "treasury", &[Role::Finance]);
    for who in [finance(), by("sun")] {
        assert_eq!(archive.uses(&who, Of::Product("company-check")), [own, other]);
        assert_eq!(code(evidence.trace(&who, &own)), Code::C1104);
    }
    assert_eq!(archive.uses(&finance(), Of::DataSet("enterprises")), [own, other]);
    let rival = person("rival", "rival-data", &[Role::Operator]);
    let product = Query {
        of: Of::Product("company-check"),
        from: None,
        until: None,
        provider: None,
        units: None,
        after: None,
        limit: 50,
    };
    assert_eq!(code(evidence.uses(&rival, &product)), Code::C1104, "another operator's product");
    let data = Query { of: Of::DataSet("enterprises"), ..product };
    assert_eq!(code(evidence.uses(&by("sun"), &data)), Code::C1104, "data are not the operator's");
    let by_unit = |who: Caller, unit: &str| {
        let units = [id(unit)];
        let of = Of::Product("company-check");
        let query = Query {
            of,
            from: None,
            until: None,
            provider: None,
            units: Some(&units),
            after: None,
            limit: 50,
        };
        let page = evidence.uses(&who, &query).expect("may see");
        page.uses.into_iter().map(|one| one.request).collect::<Vec<_>>()
    };
    assert_eq!(by_unit(finance(), "bank"), [own]);
    assert_eq!(by_unit(finance(), "insurer"), [other]);
    assert_eq!(by_unit(by("wu"), "bank"), [own]);
    assert_eq!(by_unit(by("wu"), "insurer"), [], "another unit's");
    assert_eq!(by_unit(by("zhao"), "insurer"), [other], "its data were used");
    // Nobody else, and nobody what is not there.
    for who in ["sun", "li", "zheng", "subject"] {
        assert_eq!(code(evidence.trace(&by(who), &own)), Code::C1104, "{who}");
    }
    let unknown = RequestId::generate(&*archive.town.plane.clock, &OsRng);
    assert_eq!(code(evidence.trace(&auditor(), &unknown)), Code::C1730);
    let wide = Query {
        of: Of::Product("company-check"),
        from: None,
        until: None,
        provider: None,
        units: None,
        after: None,
        limit: 1,
    };
    let page = evidence.uses(&provider, &wide).expect("sees it");
    assert!(page.next.is_some() && page.uses[0].price.is_empty());
}

#[test]
fn h1_supervisors_get_proofs_of_single_records_and_between_checkpoints() {
    let archive = Archive::new();
    let request = archive.call(|_| {});
    archive.settled();
    for _ in 0..20 {
        archive.call(|_| {});
    }
    archive.settled();
    let evidence = &archive.evidence;
    let shard = "2026h1".parse().expect("a half-year");
    let keys = SeedKeys::new("log.example/gate-1", [1; 32], [1; 32], []).expect("a name");
    let policy = Policy { log: keys.known().to_vec(), ..Policy::default() };
    let trace = evidence.trace(&auditor(), &request).expect("the auditor sees it");
    let bytes = trace.record();
    let index = trace.leaf.1;
    for leaf in [LeafOf::Index(index), LeafOf::Sequence(index + 1), LeafOf::Request(request)] {
        let proof = evidence.inclusion(&auditor(), shard, leaf, Tree::Sha256).expect("proves");
        assert_eq!(proof.index, index);
        proof.check::<Sha256>(bytes, &policy).expect("checks");
        let proof = evidence.inclusion(&auditor(), shard, leaf, Tree::Sm3).expect("proves");
        proof.check::<Sm3>(bytes, &policy).expect("checks");
    }
    let size = evidence.half_year(&auditor(), shard).expect("there").size;
    for missing in [LeafOf::Index(size), LeafOf::Sequence(0), LeafOf::Sequence(size + 1)] {
        assert_eq!(code(evidence.inclusion(&auditor(), shard, missing, Tree::Sha256)), Code::C1003);
    }
    let root = |size: u64| {
        let mut frontier = Frontier::default();
        for record in archive.journal.reader(1).expect("reads").take(usize::try_from(size).expect("small")) {
            frontier.push::<Sha256>(Sha256::leaf(&record.expect("whole").bytes));
        }
        frontier.root::<Sha256>()
    };
    for from in 0..=size {
        let (to, proof) =
            evidence.consistency(&auditor(), shard, (from, None), Tree::Sha256).expect("proves");
        check_consistency::<Sha256>(from, to, &proof, &root(from), &root(to)).expect("checks");
    }
    assert_eq!(code(evidence.consistency(&auditor(), shard, (3, Some(2)), Tree::Sha256)), Code::C1003);
    assert_eq!(code(evidence.consistency(&auditor(), shard, (0, Some(size + 1)), Tree::Sm3)), Code::C1003);
    let checkpoints = evidence.checkpoints(&auditor(), shard).expect("reads");
    assert!(checkpoints.sha256.is_some_and(|note| note.starts_with("log.example/gate-1/2026h1\n")));
    assert!(checkpoints.sm3.is_some() && checkpoints.cosigned.is_none());
    assert_eq!(code(evidence.checkpoints(&by("wu"), shard)), Code::C1104);
    assert_eq!(code(evidence.checkpoints(&auditor(), "2020h1".parse().expect("one"))), Code::C1003);
}

/// In force until the end of its term; ended early, until that.
#[test]
fn h8_an_authorisation_ends_when_it_was_ended_and_never_before_it_was_in_force() {
    let town = TestWorld::authorised();
    let day = |year, month| shuzha_core::calendar::Day::new(year, month, 1).expect("a day").start();
    let end = |from, until| town.plane.control.last_end(from, until).expect("reads");
    let found = end(day(2026, 1), day(2026, 7)).expect("one is in force");
    assert_eq!(found.of, "Agreement/bank-2026");
    let term = found.at;
    assert!(term > town.plane.clock.now(), "the end of its term");
    assert_eq!(end(term.plus(std::time::Duration::from_secs(1)), day(2199, 1)), None);
    let ended = town.plane.clock.now();
    town.act("wang", "Agreement", "bank-2026", "terminate", &serde_json::json!({})).expect("ended");
    town.plane.clock.advance(std::time::Duration::from_secs(86_400));
    for (who, verb) in [("wu", "hand-over"), ("wu", "destroy")] {
        let digest = serde_json::json!({"digest": "ab".repeat(32)});
        town.act(who, "Agreement", "bank-2026", verb, &digest).expect(verb);
    }
    town.act("wang", "Agreement", "bank-2026", "archive", &serde_json::json!({})).expect("archived");
    let found = end(day(2026, 1), day(2026, 7)).expect("it was in force");
    assert_eq!((found.at, found.of.as_str()), (ended, "Agreement/bank-2026"), "not when it was archived");
}
