//! Imports of social data: their window, and every verb in every state.

use serde_json::{Value, json};
use shuzha_core::Role;

use crate::case::matrix::{Desk, body, person, shown};

fn spec(until: &str) -> Value {
    json!({"unit": "bank", "scenario": "bank-credit", "title": "合作企业名单", "source": "本行自有", "lawfulBasis": "合同",
        "purpose": "融合评估", "personal": false, "measures": ["加密传输"],
        "window": {"from": "2026-01-01", "until": until}})
}

#[test]
fn k3_the_matrix_of_states_and_verbs() {
    Desk::new("SocialImport", spec("2027-01-01")).matrix(
        Role::ApplicationUnit,
        &[
            ("draft", &[]),
            ("submitted", &["submit"]),
            ("returned", &["submit", "return"]),
            ("rejected", &["submit", "reject"]),
            ("approved", &["submit", "approve"]),
            ("imported", &["submit", "approve", "import"]),
            ("removed", &["submit", "approve", "import", "remove"]),
        ],
        include_str!("../testdata/social-import.txt"),
    );
}

#[test]
fn k3_data_comes_in_within_the_window_only_and_its_removal_is_due() {
    let desk = Desk::new("SocialImport", spec("2026-06-01"));
    let approved = desk.walk(Role::ApplicationUnit, &["submit", "approve"]);
    let late = desk.act(&approved.state, &person(Role::Operator), "import", &body("SocialImport", "import"));
    assert_eq!(late.expect_err("over").code.as_str(), "C1405");
    let imported = Desk::new("SocialImport", spec("2027-01-01"))
        .walk(Role::ApplicationUnit, &["submit", "approve", "import"]);
    assert_eq!(imported.deadlines[0].what, "removal");
}

#[test]
fn k3_it_is_for_a_scenario_of_the_same_unit() {
    let mut desk = Desk::new("SocialImport", spec("2027-01-01"));
    desk.spec["scenario"] = json!("insurer-claims");
    let refused = desk.open(&person(Role::ApplicationUnit)).expect_err("another's scenario");
    assert_eq!(shown(&refused), ("C1002", vec!["spec.scenario"]));
}
