//! Grants: what they rest on, and every verb in every state.

use serde_json::{Value, json};
use shuzha_core::Role;

use crate::case::matrix::{Desk, person, shown};

fn spec() -> Value {
    json!({
        "unit": "bank", "scenario": "bank-credit", "agreement": "bank-2025", "product": "company-profile",
        "operations": ["lookup"], "fields": ["/uscc", "/name"],
        "window": {"from": "2026-01-01", "until": "2028-01-01"}, "rate": {"calls": 10, "perSeconds": 1},
    })
}

fn desk() -> Desk {
    Desk::new("Grant", spec())
}

fn refusal(desk: &Desk) -> (String, Vec<String>) {
    let refused = desk.open(&person(Role::ApplicationUnit)).expect_err("refused");
    let (code, paths) = shown(&refused);
    (code.to_owned(), paths.into_iter().map(str::to_owned).collect())
}

#[test]
fn c5_the_matrix_of_states_and_verbs() {
    desk().matrix(
        Role::ApplicationUnit,
        &[
            ("draft", &[]),
            ("active", &["issue"]),
            ("rejected", &["reject"]),
            ("revoked", &["issue", "revoke"]),
            ("expired", &["issue", "clock"]),
        ],
        include_str!("../testdata/grant.txt"),
    );
}

#[test]
fn c5_a_grant_gives_no_more_than_its_scenario_was_approved_for() {
    let mut desk = desk();
    let need = |product, fields| json!([{"product": product, "operations": ["lookup"], "fields": fields}]);
    desk.change("Scenario", "bank-credit", "needs", need("company-profile", json!(["/uscc", "/name"])));
    assert!(desk.open(&person(Role::ApplicationUnit)).is_ok());
    desk.change("Scenario", "bank-credit", "needs", need("company-profile", json!(["/uscc"])));
    assert_eq!(refusal(&desk), ("C1002".to_owned(), vec!["spec.fields[1]".to_owned()]));
    desk.change("Scenario", "bank-credit", "needs", need("credit-score", json!(["/uscc", "/name"])));
    assert_eq!(refusal(&desk), ("C1002".to_owned(), vec!["spec.product".to_owned()]));
}

#[test]
fn c5_a_grant_rests_on_what_is_in_force_and_lies_within_its_terms() {
    let window = |from, until| json!({"from": from, "until": until});
    for (kind, name, field, value, code, path) in [
        ("Scenario", "bank-credit", "approved", json!(false), "C1309", "spec.scenario"),
        ("Agreement", "bank-2025", "signed", json!(false), "C1309", "spec.agreement"),
        ("Scenario", "bank-credit", "window", window("2024-01-01", "2026-06-01"), "C1309", "spec.scenario"),
        ("Agreement", "bank-2025", "window", window("2026-01-02", "2029-01-01"), "C1308", "spec.window"),
        ("Scenario", "bank-credit", "window", window("2025-01-01", "2027-12-31"), "C1308", "spec.window"),
        ("Agreement", "bank-2025", "scenarios", json!(["bank-research"]), "C1002", "spec.agreement"),
    ] {
        let mut desk = desk();
        let draft = desk.open(&person(Role::ApplicationUnit)).expect("a draft");
        desk.change(kind, name, field, value);
        assert_eq!(refusal(&desk), (code.to_owned(), vec![path.to_owned()]));
        let issued = desk.act(&draft.state, &person(Role::Authority), "issue", &json!({}));
        assert_eq!(issued.expect_err("not any more").code.as_str(), code, "also when it is issued later");
    }
}

#[test]
fn c5_an_issued_grant_is_in_force_until_it_is_revoked() {
    let desk = desk();
    let active = desk.walk(Role::ApplicationUnit, &["issue"]);
    assert_eq!((active.in_force[0].kind, &active.in_force[0].spec), ("Grant", &desk.spec));
    assert_eq!(active.deadlines[0].what, "term");
    assert!(desk.walk(Role::ApplicationUnit, &["issue", "revoke"]).in_force.is_empty());
}
