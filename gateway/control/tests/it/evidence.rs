//! From calls back and from data forward, on a real journal, a real log and a real register, for whom it is to see.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shuzha_control::Caller;
use shuzha_control::evidence::{Evidence, Parts, Products, Trace};
use shuzha_core::{Clock as _, Code, MicroYuan, OsRng, PurposeClass, RequestId, Role};
use shuzha_evidence::log::SeedKeys;
use shuzha_evidence::{Call, Decision, Entry, Outcome, Terms};
use shuzha_journal::disk::memory::MemoryDisk;
use shuzha_journal::{Journal, Options};
use shuzha_store::Traces;
use shuzha_store::tiles;
use shuzha_store::traces::{Of, Options as TracerOptions, Query, TracerHandle};

use crate::house::{code, id, person};
use crate::town::{Town, by, grant};

/// The town with an evidence log over a journal.
pub(crate) struct Archive {
    pub(crate) town: Town,
    journal: Journal,
    evidence: Evidence,
    tracer: TracerHandle,
    dir: tempfile::TempDir,
}

fn auditor() -> Caller {
    person("yan", "audit", &[Role::Auditor])
}

impl Archive {
    fn new() -> Self {
        let town = Town::authorised();
        let clock = town.house.clock.clone();
        let dir = tempfile::tempdir().expect("a folder");
        let options = Options::new("/", id("gate-1"), "1");
        let journal = Journal::open_on(Arc::new(MemoryDisk::new()), options, clock).expect("opens");
        let traces = Traces::in_memory().expect("opens");
        let control = Arc::clone(&town.house.control);
        let catalogue = Arc::new(Products(Arc::clone(&control)));
        let tracer = TracerOptions::default().build(traces.clone(), journal.clone(), catalogue);
        let tracer = tracer.expect("in step").handle();
        let library = tiles::Library::new(Arc::new(tiles::Directory::new(dir.path())));
        let evidence = Evidence::new(Parts { control, traces, library });
        Self { town, journal, evidence, tracer, dir }
    }

    /// A call as the gate records it.
    fn call(&self, change: impl FnOnce(&mut Call<'static>)) -> RequestId {
        let clock = &*self.town.house.clock;
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
        let boot = shuzha_evidence::Boot { at: self.town.house.clock.now(), node: "gate-1", version: "1" };
        self.journal.append_durable(&Entry::Boot(boot)).expect("serves").wait().expect("durable");
        let follower = tiles::Options {
            folder: self.dir.path().to_owned(),
            origin: "log.example/gate-1".to_owned(),
            keys: Arc::new(SeedKeys::new("log.example/gate-1", [1; 32], [1; 32], []).expect("a name")),
            interval: Duration::from_millis(1),
            clock: self.town.house.clock.clone(),
        };
        let follower = follower.build(self.journal.clone()).expect("own log");
        follower.handle().drain();
        follower.run();
        self.tracer.catch_up().expect("reads");
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
    acts.map(|act| (act.by.as_ref().map_or("", |(who, ..)| who.as_str()), act.verb.as_str())).collect()
}

#[test]
fn h4_a_call_leads_back_to_its_data_and_those_who_decided() {
    let archive = Archive::new();
    let town = &archive.town;
    let day = Duration::from_hours(24);
    town.open("sun", "Grant", "bank-company", &grant("2026-02-01", "2027-01-01"));
    town.done("wang", "Grant", "bank-company", "issue");
    town.house.clock.advance(day);
    let request = archive.call(|_| {});
    // What is done later is no part of why this call was served.
    town.house.clock.advance(day);
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
    // Nobody else, and nobody what is not there.
    for who in ["sun", "li", "zheng", "subject"] {
        assert_eq!(code(evidence.trace(&by(who), &own)), Code::C1104, "{who}");
    }
    let unknown = RequestId::generate(&*archive.town.house.clock, &OsRng);
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
