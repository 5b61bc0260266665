//! Scenarios: whose word they need, and every verb in every state.

use serde_json::{Value, json};
use shuzha_core::Role;

use crate::case::matrix::{Desk, of, person, shown};

fn spec() -> Value {
    let fields = json!(["/uscc", "/name", "/status"]);
    json!({
        "unit": "bank", "title": "小微企业贷款", "purpose": "industry", "mode": "scenario", "necessity": "仅需登记状态",
        "needs": [{"product": "company-profile", "operations": ["lookup"], "fields": fields}],
        "window": {"from": "2026-01-01", "until": "2028-01-01"},
        "measures": ["专网接入"], "securityOfficer": "数据安全部", "emergencyPlan": "bank-plan",
        "volume": {"callsPerDay": 20_000, "subjectsPerDay": 5_000},
    })
}

/// The data set behind the product came to its provider by sharing from the police.
fn desk() -> Desk {
    let mut desk = Desk::new("Scenario", spec());
    desk.change("DataSet", "enterprises", "sharedFrom", json!("police"));
    desk
}

const APPROVED: &[&str] = &["submit", "agree", "agree@police", "opine", "approve"];

#[test]
fn c3_the_matrix_of_states_and_verbs() {
    let review = &["submit"][..];
    let path = |more: &[&'static str]| [APPROVED, more].concat();
    let (active, suspended) = (path(&["activate"]), path(&["suspend"]));
    let (terminated, archived) =
        (path(&["terminate"]), path(&["terminate", "hand-over", "destroy", "archive"]));
    desk().matrix(
        Role::ApplicationUnit,
        &[
            ("draft", &[]),
            ("provider-review", review),
            ("expert-review", &["submit", "agree", "agree@police"]),
            ("decision", &["submit", "agree", "agree@police", "opine"]),
            ("returned", &["submit", "return"]),
            ("rejected", &["submit", "reject"]),
            ("approved", APPROVED),
            ("active", &active),
            ("suspended", &suspended),
            ("terminated", &terminated),
            ("archived", &archived),
        ],
        include_str!("../testdata/scenario.txt"),
    );
}

#[test]
fn c2_an_application_names_everything_and_all_faults_show_at_once() {
    let mut desk = desk();
    desk.spec = json!({"unit": "insurer", "mode": "field", "emergencyPlan": "bank-plan", "measures": [],
        "needs": [{"product": "company-profile", "operations": ["lookup", "erase"], "fields": ["/name", "/home"]}]});
    let refused = desk.open(&person(Role::ApplicationUnit)).expect_err("faults");
    let (code, paths) = shown(&refused);
    assert_eq!(code, "C1002");
    assert_eq!(
        paths,
        [
            "spec.title",
            "spec.purpose",
            "spec.field",
            "spec.necessity",
            "spec.measures",
            "spec.securityOfficer",
            "spec.emergencyPlan",
            "spec.window",
            "spec.needs[0].operations[1]",
            "spec.needs[0].fields[1]",
        ]
    );
}

/// Issue 14, section 4: limits of volume come from what was applied for. What was applied for before goes on, and is not applied for anew
/// without.
#[test]
fn i3_an_application_says_how_much_it_needs() {
    let mut without = desk();
    without.spec.as_object_mut().expect("a spec").remove("volume");
    let refused = without.open(&person(Role::ApplicationUnit)).expect_err("no volume");
    assert_eq!(shown(&refused), ("C1002", vec!["spec.volume"]));
    // Opened by an earlier version: what is under way is decided, and what is returned is not submitted again without.
    let draft = desk().walk(Role::ApplicationUnit, &[]);
    let refused = without.act(&draft.state, &person(Role::ApplicationUnit), "submit", &json!({}));
    assert_eq!(shown(&refused.expect_err("no volume")), ("C1002", vec!["spec.volume"]));
    let agreed = desk().walk(Role::ApplicationUnit, &["submit", "agree", "agree@police", "opine"]);
    let approved =
        without.act(&agreed.state, &person(Role::Authority), "approve", &json!({})).expect("it goes on");
    assert_eq!((approved.state_name, approved.in_force[0].spec.get("volume")), ("approved", None));
}

#[test]
fn c1_only_the_jurisdictions_modes_are_taken() {
    let mut desk = desk().under("qingtian");
    assert!(desk.open(&person(Role::ApplicationUnit)).is_ok());
    desk.spec["mode"] = json!("whole");
    let refused = desk.open(&person(Role::ApplicationUnit)).expect_err("not in Qingtian");
    assert_eq!(shown(&refused), ("C1302", vec!["spec.mode"]));
    assert!(desk.under("gansu").open(&person(Role::ApplicationUnit)).is_ok());
}

#[test]
fn c2_a_unit_applies_for_itself_only() {
    let refused = desk().open(&of(Role::ApplicationUnit, "tinghai-insurance")).expect_err("another's unit");
    assert_eq!(refused.code.as_str(), "C1313");
    assert!(desk().open(&person(Role::Operator)).is_ok());
}

#[test]
fn c8_shared_data_needs_its_sources_consent_too() {
    let desk = desk();
    let one = desk.walk(Role::ApplicationUnit, &["submit", "agree"]);
    assert_eq!(one.state_name, "provider-review");
    let early = desk.act(&one.state, &person(Role::Authority), "approve", &json!({})).expect_err("too early");
    assert_eq!(early.code.as_str(), "C1303");
    let other = of(Role::Provider, "credit-centre");
    let stranger = desk.act(&one.state, &other, "agree", &json!({})).expect_err("not asked");
    assert_eq!(stranger.code.as_str(), "C1304");
    let both = desk.walk(Role::ApplicationUnit, &["submit", "agree", "agree@police"]);
    assert_eq!(both.state_name, "expert-review");
    let parties: Vec<_> = both.parties.iter().map(|one| one.as_str()).collect();
    assert_eq!(parties, ["market-regulator", "police", "yunze-bank"]);
}

#[test]
fn c3_a_returned_application_is_reviewed_anew() {
    let desk = desk();
    let again = desk.walk(Role::ApplicationUnit, &["submit", "agree", "return", "submit"]);
    assert_eq!((again.state_name, again.state["agreed"].clone()), ("provider-review", json!({})));
}

#[test]
fn c5_what_is_approved_is_what_the_gateway_is_told() {
    let desk = desk();
    let approved = desk.walk(Role::ApplicationUnit, APPROVED);
    let [declared] = &approved.in_force[..] else { panic!("one object") };
    assert_eq!((declared.kind, &declared.spec["approved"]), ("Scenario", &json!(true)));
    assert_eq!(declared.spec["needs"], desk.spec["needs"]);
    let before = desk.walk(Role::ApplicationUnit, &["submit", "agree"]);
    assert!(before.in_force.is_empty());
}

#[test]
fn c6_a_suspended_scenario_is_not_approved_until_it_resumes_as_it_was() {
    let desk = desk();
    let path = [APPROVED, &["activate", "suspend"]].concat();
    let suspended = desk.walk(Role::ApplicationUnit, &path);
    assert_eq!(suspended.in_force[0].spec["approved"], json!(false));
    let due: Vec<_> = suspended.deadlines.iter().map(|one| one.what).collect();
    assert_eq!(due, ["term", "rectification"]);
    let resumed = desk.walk(Role::ApplicationUnit, &[&path[..], &["resume"]].concat());
    assert_eq!((resumed.state_name, &resumed.in_force[0].spec["approved"]), ("active", &json!(true)));
    let approved = desk.walk(Role::ApplicationUnit, APPROVED);
    let past = json!({"rectifyBy": "2026-05-31"});
    let refused = desk.act(&approved.state, &person(Role::Authority), "suspend", &past).expect_err("past");
    assert_eq!(refused.code.as_str(), "C1312");
}

#[test]
fn c7_nothing_is_archived_before_hand_over_and_destruction() {
    let desk = desk();
    for more in [&["terminate"][..], &["terminate", "hand-over"], &["terminate", "destroy"]] {
        let open = desk.walk(Role::ApplicationUnit, &[APPROVED, more].concat());
        let refused = desk.act(&open.state, &person(Role::Authority), "archive", &json!({}));
        assert_eq!(refused.expect_err("incomplete").code.as_str(), "C1311", "{more:?}");
    }
    let ended = desk.walk(Role::ApplicationUnit, &[APPROVED, &["clock"]].concat());
    assert_eq!(ended.state_name, "terminated");
}

#[test]
fn c4_it_is_activated_by_an_agreement_in_force_with_the_same_unit() {
    let desk = desk();
    let approved = desk.walk(Role::ApplicationUnit, APPROVED);
    for agreement in ["insurer-2025", "startup-draft"] {
        let body = json!({ "agreement": agreement });
        let refused = desk.act(&approved.state, &person(Role::Authority), "activate", &body);
        assert_eq!(refused.expect_err("not this one").code.as_str(), "C1309", "{agreement}");
    }
}

/// REQUIREMENTS F6 (Yantai 20, Gansu-O 29): whoever uses for nothing knows under what conditions; the authority says them
/// when it approves.
#[test]
fn f6_free_use_is_approved_under_conditions_on_record() {
    let before = &APPROVED[..APPROVED.len() - 1];
    let conditions = json!({"freeUse": ["仅用于城市治理", "不得提供给第三方"]});
    let (mut desk, authority) = (desk(), person(Role::Authority));
    let decided = desk.walk(Role::ApplicationUnit, before);
    let refused = desk.act(&decided.state, &authority, "approve", &conditions).expect_err("an industry pays");
    assert_eq!(shown(&refused), ("C1002", vec!["freeUse"]));
    desk.spec["purpose"] = json!("public-governance");
    let decided = desk.walk(Role::ApplicationUnit, before);
    let approved = desk.act(&decided.state, &authority, "approve", &conditions).expect("approved");
    assert_eq!(approved.in_force[0].spec["freeUse"], conditions["freeUse"]);
    assert_eq!(approved.state["free_use"], conditions["freeUse"]);
}
