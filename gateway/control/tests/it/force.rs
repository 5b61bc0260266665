//! Accepted means in force: what could not take effect is not accepted, and what did not is answered so.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use shuzha_control::{Caller, Error, Outcome, Request, Unfit};
use shuzha_core::Fault;
use shuzha_core::{Code, Role, Timestamp};
use shuzha_store::register::{Act, Batch, CaseState, Change, Content};
use shuzha_testkit_control::{TestControl, authority, code, id, organisation, person};

fn bank(plane: &TestControl, by: &Caller, request: &Request<'_>) -> Result<Outcome, Error> {
    plane.control.put(by, "organisations", &id("bank"), &organisation("unit", 1), request)
}

fn stop() -> Value {
    json!({"target": {"kind": "Everything"}, "emergency": true, "reason": "演练"})
}

#[test]
fn an_act_that_is_not_in_force_is_recorded_and_answered_so() {
    let plane = TestControl::new();
    plane.gate.fails.store(true, Ordering::SeqCst);
    let keyed = Request { key: Some("k"), ..Request::default() };
    let late = bank(&plane, &authority("wang"), &keyed).expect_err("not in force");
    assert_eq!((late.code(), late.code().status(), late.retryable()), (Code::C1018, 503, true));
    assert_eq!(plane.register.revision().expect("answers"), 1, "it is recorded");
    // A retry with its key is told the same until it is in force, and is then answered as the first would have been.
    let left_out = || plane.gate.left_out.lock().expect("answers");
    left_out().push(("Organisation".to_owned(), id("bank")));
    assert_eq!(code(bank(&plane, &authority("wang"), &keyed)), Code::C1018);
    left_out().clear();
    assert!(bank(&plane, &authority("wang"), &keyed).expect("in force").replayed);
    assert_eq!(plane.register.revision().expect("answers"), 1, "done once");
}

#[test]
fn what_could_not_take_effect_is_not_accepted_and_a_stop_always_is() {
    let fault = Fault::new("spec.publicKey", "not an Ed25519 public key");
    for (unfit, expected) in
        [(Unfit::Faults(vec![fault.clone()]), Code::C1002), (Unfit::Unknown, Code::C1019)]
    {
        let plane = TestControl::new();
        *plane.gate.unfit.lock().expect("answers") = Some(unfit);
        for dry_run in [true, false] {
            let request = Request { dry_run, ..Request::default() };
            assert_eq!(code(bank(&plane, &authority("wang"), &request)), expected);
        }
        assert_eq!(plane.register.revision().expect("answers"), 0, "nothing is recorded");
        assert!(plane.gate.seen.lock().expect("answers").is_empty());
        // What only takes something away depends on nothing that could fail.
        plane.put(&authority("wang"), "suspensions", "stop", &stop(), None).expect("in force");
    }
    let plane = TestControl::new();
    *plane.gate.unfit.lock().expect("answers") = Some(Unfit::Faults(vec![fault.clone()]));
    let Err(Error::Refused(refusal)) = bank(&plane, &authority("wang"), &Request::default()) else {
        panic!("refused")
    };
    assert_eq!(refusal.faults, [fault], "with the place");
}

#[test]
fn the_authority_and_the_administrator_clear_away_what_is_not_in_force() {
    for role in [Role::Authority, Role::Sre] {
        let plane = TestControl::new();
        bank(&plane, &authority("wang"), &Request::default()).expect("declared");
        let unit = json!({"organisation": "bank", "securityOfficer": "甲"});
        plane.put(&authority("wang"), "application-units", "u", &unit, None).expect("declared");
        let own = person("wu", "bank", &[Role::ApplicationUnit]);
        let spec = json!({"unit": "u", "algorithm": "hmac-sha256",
            "window": {"from": "2025-01-01", "until": "2031-01-01"}});
        let made = plane.put(&own, "credentials", "c", &spec, None).expect("declared");
        let other = person("boss", "elsewhere", &[role]);
        let request = Request { expected: Some(made.revision), reason: "未生效", ..Request::default() };
        if role == Role::Authority {
            let refused = plane.control.remove(&other, "credentials", &id("c"), &request);
            assert_eq!(code(refused), Code::C1104, "while it is in force it is the unit's");
        }
        plane.gate.left_out.lock().expect("answers").push(("Credential".to_owned(), id("c")));
        assert_eq!(plane.control.get(&other, "credentials", &id("c")).expect("seen").version, made.revision);
        let stranger = person("x", "elsewhere", &[Role::Provider]);
        assert!(plane.control.remove(&stranger, "credentials", &id("c"), &request).is_err());
        plane.control.remove(&other, "credentials", &id("c"), &request).expect("removed");
        let acts = plane.control.audit(&authority("wang"), &Default::default()).expect("answers");
        assert_eq!(
            (acts.items[0].verb.as_str(), acts.items[0].by.as_ref().expect("a person").role),
            ("delete", role)
        );
    }
}

/// A suspension with a deadline, written as it stands in a register.
fn plant(plane: &TestControl, name: &str, state: &str, due: Timestamp) {
    let spec = json!({"target": {"kind": "Everything"}, "emergency": false, "reason": "x",
        "rectifyBy": "2026-03-01T00:00:00+08:00"});
    let to = Content {
        owner: Some(id("bureau")),
        spec: spec.to_string(),
        state: Some(CaseState { name: "in-force".to_owned(), json: state.to_owned(), editable: false }),
        deadlines: vec![("rectification".to_owned(), due, false)],
        ..Content::default()
    };
    let change = Change { kind: "Suspension".to_owned(), name: id(name), expected: None, to: Some(to) };
    let act = Act { at: due, ..plane.act_of("order", "Suspension", name) };
    plane.commit(&Batch { changes: vec![change], ..Batch::of(act) });
}

/// A case that cannot be read holds no later deadline up, and is tried again later, not at once.
#[test]
fn one_deadline_that_fails_stalls_no_other() {
    let plane = TestControl::new();
    let at = |seconds: i64| Timestamp::from_seconds(1_770_000_000 + seconds);
    plant(&plane, "broken", "{", at(10));
    let sound = r#"{"stage":"in-force","since":"2026-02-01T00:00:00+08:00"}"#;
    plant(&plane, "sound", sound, at(20));
    plane.clock.set(at(30));
    assert_eq!(plane.control.tick().expect("goes on"), 2);
    let passed = |name: &str| plane.register.deadlines("Suspension", name).expect("answers")[0].passed;
    assert_eq!((passed("broken"), passed("sound")), (false, true));
    assert_eq!(plane.control.tick().expect("goes on"), 0, "it is not tried again at once");
    plane.clock.advance(Duration::from_secs(2));
    assert_eq!(plane.control.tick().expect("goes on"), 1, "but later");
    assert!(!passed("broken"));
}
