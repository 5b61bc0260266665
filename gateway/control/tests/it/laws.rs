//! The laws of the control plane, on a real register: one act per change, refusals that change nothing, separation of
//! duties, and acts that reach the journal exactly once whatever fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use shuzha_control::{Attachment, Caller, Control, Error, Outcome, Parts, Query, Request, Rules};
use shuzha_core::clock::ManualClock;
use shuzha_core::{Code, Id, OsRng, Role, Timestamp};
use shuzha_store::Register;
use shuzha_store::register::ActFilter;
use shuzha_testkit_control::{
    GateDouble, KEEP_AND_FAIL, LOSE, PASS, TestControl, authority, code, id, organisation, person,
};

fn open(house: &TestControl, by: &Caller, name: &str, emergency: bool) -> Outcome {
    house.put(by, "suspensions", name, &stop(emergency), None).expect("opened")
}

fn order(
    house: &TestControl,
    by: &Caller,
    name: &str,
    verb: &str,
    expected: Option<u64>,
) -> Result<Outcome, Error> {
    let request = Request { expected, reason: "核查属实", ..Request::default() };
    house.control.act(by, "suspensions", &id(name), verb, &json!({}), &request)
}

fn stop(emergency: bool) -> Value {
    let by = "2026-03-01T00:00:00+08:00";
    json!({"target": {"kind": "Everything"}, "emergency": emergency, "rectifyBy": by, "reason": "数据风险"})
}

#[test]
fn a3_of_sixteen_who_decide_at_once_one_does() {
    let house = TestControl::new();
    let opened = open(&house, &authority("wang"), "stop-1", false);
    let results: Vec<_> = std::thread::scope(|scope| {
        let decide = |at: usize| {
            let house = &house;
            let by = authority(&format!("li-{at}"));
            scope.spawn(move || order(house, &by, "stop-1", "order", Some(opened.revision)))
        };
        let threads: Vec<_> = (0..16).map(decide).collect();
        threads.into_iter().map(|thread| thread.join().expect("answers")).collect()
    });
    let (done, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 15));
    for refused in refused {
        assert_eq!(code(refused), Code::C1005);
    }
    assert_eq!(house.log.kept.lock().expect("answers").len(), 2);
}

#[test]
fn a3_who_applied_does_not_decide_and_who_has_no_role_does_nothing() {
    let house = TestControl::new();
    let wang = authority("wang");
    let opened = open(&house, &wang, "stop-1", false);
    let before = house.dump();
    let version = Some(opened.revision);
    assert_eq!(code(order(&house, &wang, "stop-1", "order", version)), Code::C1105);
    assert_eq!(
        code(order(&house, &person("bank", "bank", &[Role::ApplicationUnit]), "stop-1", "order", version)),
        Code::C1104
    );
    assert_eq!(code(order(&house, &authority("li"), "stop-1", "order", None)), Code::C1006);
    assert_eq!(code(order(&house, &authority("li"), "stop-1", "order", Some(77))), Code::C1005);
    assert_eq!(code(order(&house, &authority("li"), "stop-2", "order", version)), Code::C1003);
    assert_eq!(code(order(&house, &authority("li"), "stop-1", "resume", version)), Code::C1007);
    assert_eq!(code(order(&house, &authority("li"), "stop-1", "dance", version)), Code::C1003);
    let silent = Request { expected: version, ..Request::default() };
    let silent =
        house.control.act(&authority("li"), "suspensions", &id("stop-1"), "order", &json!({}), &silent);
    assert_eq!(code(silent), Code::C1002, "a reason is needed");
    assert_eq!(house.dump(), before, "nothing half-done remains");
    assert!(order(&house, &authority("li"), "stop-1", "order", version).is_ok());
}

#[test]
fn i1_an_emergency_stop_is_in_force_when_it_is_answered() {
    let house = TestControl::new();
    let opened = open(&house, &authority("wang"), "stop-1", true);
    assert_eq!(opened.consequences.added, [("Suspension".to_owned(), id("stop-1"))]);
    let deltas = house.gate.seen.lock().expect("answers");
    assert_eq!((deltas.len(), deltas[0].put.len(), deltas[0].revision), (1, 1, opened.revision));
    assert_eq!(deltas[0].put[0].kind, "Suspension");
    assert!(house.control.force().spec("Suspension", &id("stop-1")).expect("answers").is_some());
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let house = TestControl::new();
    let before = house.dump();
    let request = Request { dry_run: true, key: Some("k"), ..Request::default() };
    let told = house
        .control
        .put(&authority("wang"), "suspensions", &id("s"), &stop(true), &request)
        .expect("answers");
    assert_eq!(told.consequences.added.len(), 1);
    assert_eq!(house.dump(), before);
    assert!(house.gate.seen.lock().expect("answers").is_empty());
}

#[test]
fn a_retry_with_its_key_is_answered_the_same_and_done_once() {
    let house = TestControl::new();
    let put = |spec: &Value| {
        let request = Request { key: Some("k-1"), ..Request::default() };
        house.control.put(&authority("wang"), "organisations", &id("bank"), spec, &request)
    };
    let first = put(&organisation("unit", 1)).expect("answers");
    let again = put(&organisation("unit", 1)).expect("answers");
    assert!(again.replayed && !first.replayed);
    assert_eq!(Outcome { replayed: false, ..again }, first);
    assert_eq!(code(put(&organisation("unit", 2))), Code::C1009);
    assert_eq!(house.register.revision().expect("answers"), 1);
}

#[test]
fn objects_of_others_are_not_there() {
    let house = TestControl::new();
    let bureau = authority("wang");
    let put = |by: &Caller, kind: &str, name: &str, spec: Value| {
        house.control.put(by, kind, &id(name), &spec, &Request::default())
    };
    put(&bureau, "organisations", "bank", organisation("unit", 1)).expect("answers");
    put(&bureau, "application-units", "bank-a", json!({"organisation": "bank", "securityOfficer": "甲"}))
        .expect("answers");
    let bank = person("qian", "bank", &[Role::ApplicationUnit]);
    let other = person("sun", "other", &[Role::ApplicationUnit]);
    let unit = id("bank-a");
    assert!(house.control.get(&bank, "application-units", &unit).is_ok());
    let hidden = house.control.get(&other, "application-units", &unit);
    assert_eq!(hidden.expect_err("not theirs").code(), Code::C1003);
    let changed = Request { expected: Some(2), ..Request::default() };
    let spec = json!({"organisation": "bank", "securityOfficer": "乙"});
    assert_eq!(code(house.control.put(&other, "application-units", &unit, &spec, &changed)), Code::C1003);
    let seen =
        |by| house.control.list(by, "application-units", &Query::default()).expect("answers").items.len();
    assert_eq!((seen(&bank), seen(&other), seen(&bureau)), (1, 0, 1));
    let theirs =
        put(&other, "application-units", "grab", json!({"organisation": "bank", "securityOfficer": "丙"}));
    assert_eq!(code(theirs), Code::C1104, "nobody declares in another's name");
    let removed = house.control.remove(
        &bureau,
        "organisations",
        &id("bank"),
        &Request { expected: Some(1), ..Request::default() },
    );
    assert_eq!(code(removed), Code::C1008);
}

#[test]
fn every_fault_is_told_at_once_and_large_attachments_are_refused() {
    let house = TestControl::new();
    let spec = json!({"kind": "bank", "uscc": "91350100M000100Y44", "extra": 1});
    let refused = house.control.put(&authority("w"), "organisations", &id("a"), &spec, &Request::default());
    let Err(Error::Refused(refusal)) = refused else { panic!("refused") };
    assert_eq!(refusal.code, Code::C1002);
    let mut paths: Vec<_> = refusal.faults.iter().map(|fault| fault.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["spec.extra", "spec.kind", "spec.name", "spec.uscc"]);
    let large = [Attachment { name: "a.pdf".to_owned(), bytes: Attachment::BYTES_MAX + 1, sha256: [0; 32] }];
    let request = Request { attachments: &large, ..Request::default() };
    let refused =
        house.control.put(&authority("w"), "organisations", &id("a"), &organisation("unit", 1), &request);
    assert_eq!(code(refused), Code::C1010);
}

#[test]
fn deadlines_are_dealt_with_after_a_week_away_once() {
    let house = TestControl::new();
    let opened = open(&house, &authority("wang"), "stop-1", false);
    order(&house, &authority("li"), "stop-1", "order", Some(opened.revision)).expect("answers");
    let due = house.control.next_due().expect("answers").expect("rectification has a term");
    assert_eq!(house.control.tick().expect("answers"), 0);
    house.clock.set(due.plus(Duration::from_secs(7 * 86_400)));
    let house = house;
    assert_eq!(house.control.tick().expect("answers"), 1);
    assert_eq!(house.control.tick().expect("answers"), 0);
    let overdue = Query { overdue: true, ..Query::default() };
    assert_eq!(
        house.control.list(&authority("li"), "suspensions", &overdue).expect("answers").items.len(),
        1
    );
    let notices = house.control.notices(&authority("li"), None, 0).expect("answers").items;
    assert_eq!((notices.len(), notices[0].due), (1, due));
    assert_eq!(house.control.next_due().expect("answers"), None);
}

const VERBS: [&str; 6] = ["order", "reject", "confirm", "rectified", "resume", "terminate"];

#[derive(Clone, Debug)]
struct Step {
    person: usize,
    verb: usize,
    stale: bool,
    fault: u8,
    restart: bool,
}

fn step() -> impl Strategy<Value = Step> {
    (0..4_usize, 0..VERBS.len(), prop::bool::weighted(0.1), 0..3_u8, prop::bool::weighted(0.2))
        .prop_map(|(person, verb, stale, fault, restart)| Step { person, verb, stale, fault, restart })
}

/// What the laws say of a register and its journal at any moment at which nothing is under way.
fn check_laws(house: &TestControl) {
    let acts = house.register.acts(&ActFilter { limit: 1_000, ..ActFilter::default() }).expect("answers");
    let revision = house.register.revision().expect("answers");
    assert_eq!(acts.len() as u64, revision, "one act per revision");
    let mut in_register: Vec<_> = acts.iter().rev().map(|recorded| recorded.act.id).collect();
    assert_eq!(*house.log.kept.lock().expect("answers"), in_register, "each act once, in order");
    in_register.dedup();
    assert_eq!(in_register.len(), acts.len());
    let mut duties: BTreeMap<(String, Id), String> = BTreeMap::new();
    for act in acts.into_iter().map(|recorded| recorded.act) {
        let (Some(by), Some(duty)) = (act.by, act.duty) else { continue };
        let held = duties.entry((act.name.to_string(), by.account)).or_insert_with(|| duty.clone());
        assert_eq!(*held, duty, "separation of duties");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a3_the_laws_hold_over_any_sequence_of_persons_verbs_faults_and_crashes(
        steps in proptest::collection::vec(step(), 1..24), emergency in any::<bool>(),
    ) {
        let persons: Vec<_> = (0..4).map(|at| authority(&format!("p-{at}"))).collect();
        let mut house = TestControl::new();
        open(&house, &persons[0], "stop", emergency);
        for step in steps {
            let version = house.register.get("Suspension", "stop").expect("answers").expect("answers").version;
            let before = house.dump();
            house.log.fault.store(step.fault, Ordering::SeqCst);
            let expected = if step.stale { version - 1 } else { version };
            let result = order(&house, &persons[step.person], "stop", VERBS[step.verb], Some(expected));
            house.log.fault.store(PASS, Ordering::SeqCst);
            let after = house.register.get("Suspension", "stop").expect("answers").expect("answers").version;
            match result {
                Ok(outcome) => {
                    prop_assert!(after > version);
                    prop_assert_eq!(outcome.revision, after);
                }
                Err(Error::Unrecorded) => prop_assert!(after > version, "accepted, and waiting for the journal"),
                Err(_) => prop_assert_eq!(house.dump(), before),
            }
            if step.restart {
                house = house.restarted();
            }
            house.control.flush().expect("the journal serves again");
            check_laws(&house);
        }
    }
}

/// The fault-injecting log would not be worth much if a lost act went unnoticed.
#[test]
fn a_kept_but_unconfirmed_act_is_not_written_twice() {
    for fault in [LOSE, KEEP_AND_FAIL] {
        let house = TestControl::new();
        house.log.fault.store(fault, Ordering::SeqCst);
        let refused =
            house.control.put(&authority("w"), "suspensions", &id("s"), &stop(true), &Request::default());
        assert_eq!(code(refused), Code::C090);
        assert!(house.gate.seen.lock().expect("answers").is_empty(), "no effect before the journal");
        let house = if fault == LOSE { house.restarted() } else { house };
        house.control.flush().expect("answers");
        check_laws(&house);
        assert_eq!(house.register.outbox().expect("answers").len(), 0);
    }
}

/// The same with the journal that a node really has, over a restart.
#[test]
fn a3_acts_stand_in_the_journal_once_with_their_digest() {
    use shuzha_control::JournalLog;
    use shuzha_evidence::Entry;
    use shuzha_journal::{Journal, Options};

    let dir = tempfile::tempdir().expect("a directory");
    let register = Register::open(&dir.path().join("control.db")).expect("opens");
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_770_000_000)));
    for round in 0..2 {
        let journal =
            Journal::open(Options::new(dir.path().join("journal"), id("gate-1"), "0.1.0"), clock.clone());
        let journal = journal.expect("opens");
        let control = Control::new(Parts {
            register: register.clone(),
            clock: clock.clone(),
            rng: Arc::new(OsRng),
            log: Arc::new(JournalLog(journal.clone())),
            publish: Arc::new(GateDouble::default()),
            rules: Rules::default(),
        });
        let control = control.expect("starts");
        let name = id(&format!("stop-{round}"));
        control
            .put(&authority("wang"), "suspensions", &name, &stop(true), &Request::default())
            .expect("opened");
        // Ends without a flush: the register does not know where its last act stands.
        drop(control);
        let mut acts = register.acts(&ActFilter { limit: 9, ..ActFilter::default() }).expect("answers");
        acts.reverse();
        let mut met = Vec::new();
        for record in journal.reader(1).expect("opens") {
            let record = record.expect("reads");
            if let Entry::Registered(act) = record.entry().expect("known") {
                met.push((act.id, act.digest));
            }
        }
        let expected: Vec<_> =
            acts.iter().map(|recorded| (recorded.act.id, recorded.digest.expect("it binds"))).collect();
        assert_eq!(met, expected);
        journal.close();
    }
}

#[test]
fn a1_a_unit_does_not_set_its_own_credit_limit() {
    let house = TestControl::new();
    let (authority, bank) = (authority("wang"), person("bank", "bank", &[Role::ApplicationUnit]));
    let put = |by: &Caller, kind: &str, name: &str, spec: &Value, expected| {
        let request = Request { expected, ..Request::default() };
        house.control.put(by, kind, &id(name), spec, &request)
    };
    put(&authority, "Organisation", "bank", &organisation("unit", 1), None).expect("declared");
    let unit = |limit: Option<&str>| {
        let mut spec = json!({"organisation": "bank", "securityOfficer": "林望舒"});
        if let Some(limit) = limit {
            spec["creditLimit"] = json!(limit);
        }
        spec
    };
    let rich = unit(Some("1000000.00"));
    assert_eq!(code(put(&bank, "ApplicationUnit", "unit", &rich, None)), Code::C1104);
    let own = put(&bank, "ApplicationUnit", "unit", &unit(None), None).expect("its own");
    let version = own.object.expect("an object").version;
    let raised = put(&authority, "ApplicationUnit", "unit", &rich, Some(version)).expect("granted");
    let version = Some(raised.object.expect("an object").version);
    let more = unit(Some("2000000.00"));
    assert_eq!(code(put(&bank, "ApplicationUnit", "unit", &more, version)), Code::C1104);
    assert_eq!(code(put(&bank, "ApplicationUnit", "unit", &unit(None), version)), Code::C1104);
    put(&bank, "ApplicationUnit", "unit", &rich, version).expect("unchanged is no change of the limit");
}
