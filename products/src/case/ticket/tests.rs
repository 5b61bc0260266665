//! Tickets: who answers them, and every verb in every state.

use serde_json::{Value, json};
use shuzha_core::Role;

use crate::case::matrix::{Desk, body, of, person, shown};

fn spec() -> Value {
    json!({"product": "company-profile", "dataSet": "enterprises", "title": "状态有误", "description": "已注销仍显示存续"})
}

#[test]
fn k2_the_matrix_of_states_and_verbs() {
    Desk::new("Ticket", spec()).matrix(
        Role::ApplicationUnit,
        &[
            ("open", &[]),
            ("answered", &["answer"]),
            ("objected", &["answer", "object"]),
            ("closed", &["answer", "close"]),
        ],
        include_str!("../testdata/ticket.txt"),
    );
}

#[test]
fn k2_the_provider_of_the_data_answers_and_nobody_else() {
    let desk = Desk::new("Ticket", spec());
    let open = desk.open(&person(Role::ApplicationUnit)).expect("a ticket");
    let answer = body("Ticket", "answer");
    let refused =
        desk.act(&open.state, &of(Role::Provider, "police"), "answer", &answer).expect_err("not its");
    assert_eq!(refused.code.as_str(), "C1304");
    let answered = desk.act(&open.state, &person(Role::Provider), "answer", &answer).expect("an answer");
    assert_eq!(answered.state["answers"][0]["verdict"], json!("corrected"));
}

#[test]
fn k2_a_quarrel_ends_with_the_authority() {
    let desk = Desk::new("Ticket", spec());
    let mut path = vec!["answer"];
    for _ in 1..20 {
        path.extend(["object", "answer"]);
    }
    let last = desk.walk(Role::ApplicationUnit, &path);
    let refused = desk.act(&last.state, &person(Role::ApplicationUnit), "object", &json!({}));
    assert_eq!(refused.expect_err("enough").code.as_str(), "C1007");
    let ruled = desk.walk(Role::ApplicationUnit, &["answer", "object", "rule"]);
    assert_eq!(ruled.state_name, "closed");
}

#[test]
fn k2_the_data_is_the_products() {
    let mut desk = Desk::new("Ticket", spec());
    desk.spec["dataSet"] = json!("population");
    let refused = desk.open(&person(Role::ApplicationUnit)).expect_err("other data");
    assert_eq!(shown(&refused), ("C1002", vec!["spec.dataSet"]));
}
