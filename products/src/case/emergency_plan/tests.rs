//! Emergency plans: drills, and every verb in every state.

use serde_json::{Value, json};
use shuzha_core::Role;

use crate::case::matrix::{Desk, body, person, shown};

fn spec() -> Value {
    json!({"unit": "bank", "title": "预案", "officer": "数据安全部", "contact": "值班室",
        "events": ["数据泄露"], "steps": ["停止处理", "报告主管部门"]})
}

#[test]
fn i2_the_matrix_of_states_and_verbs() {
    Desk::new("EmergencyPlan", spec()).matrix(
        Role::ApplicationUnit,
        &[
            ("draft", &[]),
            ("submitted", &["submit"]),
            ("returned", &["submit", "return"]),
            ("filed", &["submit", "file"]),
            ("retired", &["submit", "file", "retire"]),
        ],
        include_str!("../testdata/emergency-plan.txt"),
    );
}

#[test]
fn i2_drills_are_recorded_and_do_not_lie_ahead() {
    let desk = Desk::new("EmergencyPlan", spec());
    let first = desk.walk(Role::ApplicationUnit, &["submit", "file", "drill"]);
    let mut other = body("EmergencyPlan", "drill");
    let by = person(Role::ApplicationUnit);
    let again = desk.act(&first.state, &by, "drill", &other).expect_err("the same drill is entered once");
    assert_eq!(again.code.as_str(), "C1007");
    other["held"] = json!("2026-05-02");
    let drilled = desk.act(&first.state, &by, "drill", &other).expect("another drill");
    assert_eq!(drilled.state["drills"].as_array().map(Vec::len), Some(2));
    assert_eq!(drilled.in_force[0].spec, json!({"unit": "bank", "title": "预案"}));
    let mut ahead = body("EmergencyPlan", "drill");
    ahead["held"] = json!("2026-06-02");
    let refused = desk.act(&drilled.state, &person(Role::Authority), "drill", &ahead).expect_err("ahead");
    assert_eq!(shown(&refused), ("C1002", vec!["held"]));
}
