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
        (&ordinary, "terminated", &["order", "rectified", "terminate"]),
    ];
    let mut shown = String::new();
    for (desk, name, path) in states {
        let from = desk.walk(Role::Authority, path);
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
