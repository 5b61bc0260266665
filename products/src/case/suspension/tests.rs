//! Suspensions: who orders them, and every verb in every state.

use std::time::Duration;

use serde_json::{Value, json};
use shuzha_core::{Id, Role};

use crate::World;
use crate::case::matrix::{Desk, NOW, body, person};

fn spec(emergency: bool) -> Value {
    let target = json!({"kind": "Product", "name": "company-profile"});
    json!({"target": target, "emergency": emergency, "rectifyBy": "2026-07-01", "reason": "发现异常批量调用"})
}

fn desk(emergency: bool) -> Desk {
    Desk::new("Suspension", spec(emergency))
}

#[test]
fn c6_the_matrix_of_states_and_verbs() {
    let ordinary = desk(false);
    let emergency = desk(true);
    // Both ways begin differently; each state is reached on one of them.
    let expected = include_str!("../testdata/suspension.txt");
    let states: &[(&Desk, &str, &[&str])] = &[
        (&ordinary, "proposed", &[]),
        (&emergency, "emergency", &[]),
        (&ordinary, "in-force", &["order"]),
        (&ordinary, "rejected", &["reject"]),
        (&emergency, "lifted", &["resume"]),
        (&emergency, "lapsed", &["clock"]),
        (&ordinary, "terminated", &["order", "rectified", "terminate"]),
    ];
    let mut shown = String::new();
    for (desk, name, path) in states {
        let from = match *path {
            ["clock"] => {
                let stopped = desk.walk(Role::Authority, &[]);
                desk.passed(&stopped.state, "confirmation").expect("time acts").expect("it lapses")
            }
            path => desk.walk(Role::Authority, path),
        };
        assert_eq!(from.state_name, *name);
        for verb in ["order", "reject", "confirm", "report", "rectified", "resume", "terminate"] {
            let role = if matches!(verb, "report" | "rectified") { Role::Operator } else { Role::Authority };
            let to = desk.act(&from.state, &person(role), verb, &body("Suspension", verb));
            let to = to.map_or_else(|refused| refused.code.as_str(), |outcome| outcome.state_name);
            shown += &format!("{name} {verb} {to}\n");
        }
    }
    assert_eq!(shown, expected, "the matrix of Suspension:\n{shown}");
}

#[test]
fn i1_one_person_stops_in_an_emergency_and_it_holds_at_once() {
    for role in [Role::Authority, Role::Operator, Role::Sre] {
        let stopped = desk(true).open(&person(role)).expect("an emergency");
        let [declared] = &stopped.in_force[..] else { panic!("one object") };
        assert_eq!(declared.spec["since"], json!("2026-06-01T00:00:00Z"));
        let refused = desk(false).open(&person(role));
        assert_eq!(refused.is_ok(), role == Role::Authority, "an order is the authority's");
    }
}

#[test]
fn i1_what_is_in_force_reads_as_an_object_of_the_world() {
    let mut desk = desk(true);
    desk.spec["target"] = json!({"kind": "Everything"});
    let stopped = desk.open(&person(Role::Sre)).expect("an emergency");
    let name: Id = "stop".parse().expect("a name");
    let world = World::read_closure("Suspension", &name, &stopped.in_force[0].spec, &mut |_, _| None);
    assert_eq!(world.map(|world| world.suspensions["stop"].since), Ok(NOW));
}

#[test]
fn i1_the_report_form_is_kept_whole() {
    let desk = desk(true);
    let stopped = desk.walk(Role::Operator, &[]);
    let mut form = body("Suspension", "report");
    let reported = desk.act(&stopped.state, &person(Role::Operator), "report", &form).expect("a report");
    assert_eq!((reported.state_name, &reported.state["report"]["what"]), ("emergency", &form["what"]));
    form.as_object_mut().expect("a form").remove("measures");
    let refused = desk.act(&stopped.state, &person(Role::Operator), "report", &form).expect_err("a gap");
    assert_eq!(refused.faults[0].path, "measures");
}

#[test]
fn c6_termination_follows_the_term_for_rectification_and_never_hits_everything() {
    let mut desk = desk(false);
    let ordered = desk.walk(Role::Authority, &["order"]);
    assert_eq!(ordered.deadlines[0].what, "rectification");
    let authority = person(Role::Authority);
    let early = desk.act(&ordered.state, &authority, "terminate", &json!({})).expect_err("too early");
    assert_eq!(early.code.as_str(), "C1402");
    assert!(desk.passed(&ordered.state, "rectification").is_none(), "only overdue");
    desk.now = NOW.plus(Duration::from_secs(40 * 86_400));
    let ended = desk.act(&ordered.state, &authority, "terminate", &json!({})).expect("the term has passed");
    assert_eq!((ended.state_name, ended.in_force.len()), ("terminated", 1));
    desk.spec["target"] = json!({"kind": "Everything"});
    assert!(desk.act(&ordered.state, &authority, "terminate", &json!({})).is_err());
    assert!(desk.act(&ordered.state, &authority, "resume", &json!({})).expect("resumed").in_force.is_empty());
}

/// One person stops at once; without a second one it does not last.
#[test]
fn i1_an_emergency_stop_that_nobody_confirms_lapses_at_its_term() {
    for target in [json!({"kind": "Everything"}), json!({"kind": "Product", "name": "company-profile"})] {
        let mut desk = desk(true);
        desk.spec["target"] = target;
        desk.rules.emergency_hours = 5;
        let stopped = desk.open(&person(Role::Sre)).expect("an emergency");
        let due: Vec<_> = stopped.deadlines.iter().map(|deadline| (deadline.what, deadline.due.at)).collect();
        assert_eq!(due, [("confirmation", NOW.plus(Duration::from_secs(5 * 3_600)))]);
        let lapsed = desk.passed(&stopped.state, "confirmation").expect("time acts").expect("it lapses");
        assert_eq!((lapsed.state_name, lapsed.in_force.len(), lapsed.deadlines.len()), ("lapsed", 0, 0));
        let confirmed = desk.act(&stopped.state, &person(Role::Authority), "confirm", &json!({}));
        let confirmed = confirmed.expect("confirmed");
        assert!(desk.passed(&confirmed.state, "confirmation").is_none(), "it lasts");
        assert!(confirmed.deadlines.iter().all(|deadline| deadline.what != "confirmation"));
    }
}

/// A unit is stopped by an operator for the operator's own products.
#[test]
fn an_operators_stop_of_a_unit_names_whose_products_it_reaches() {
    let mut desk = desk(true);
    desk.spec["target"] = json!({"kind": "ApplicationUnit", "name": "bank"});
    let by = |role| desk.open(&person(role)).expect("an emergency").in_force[0].spec["operator"].clone();
    assert_eq!(by(Role::Operator), json!("yunze-data"));
    assert_eq!(by(Role::Sre), Value::Null);
    assert_eq!(by(Role::Authority), Value::Null);
}

#[test]
fn a_report_is_kept_once_and_a_later_one_beside_it() {
    let desk = desk(true);
    let stopped = desk.walk(Role::Operator, &[]);
    let form = body("Suspension", "report");
    let by = person(Role::Operator);
    let first = desk.act(&stopped.state, &by, "report", &form).expect("a report");
    assert_eq!(desk.act(&first.state, &by, "report", &form).expect_err("the same").code.as_str(), "C1007");
    let mut later = form;
    later["measures"] = json!("已换发密钥");
    let second = desk.act(&first.state, &by, "report", &later).expect("another report");
    assert_eq!(second.state["report"], first.state["report"], "the first stands");
    assert_eq!(second.state["supplements"][0]["measures"], later["measures"]);
}
