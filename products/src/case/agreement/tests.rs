//! Agreements: terms, modes, and every verb in every state.

use serde_json::{Value, json};
use shuzha_core::Role;

use crate::case::matrix::{Desk, of, person, shown};

fn spec(from: &str, until: &str) -> Value {
    json!({
        "unit": "bank", "scenarios": ["bank-credit"], "window": {"from": from, "until": until},
        "parties": ["data-bureau", "yunze-data", "yunze-bank"],
        "split": [{"party": "data-bureau", "parts": 3_333}, {"party": "yunze-data", "parts": 6_667}],
        "securityOfficer": "数据安全部", "scope": "企业登记信息",
    })
}

fn desk() -> Desk {
    Desk::new("Agreement", spec("2026-01-01", "2028-01-01"))
}

const SIGNED: &[&str] = &["submit", "sign", "sign@yunze-data", "sign@yunze-bank"];

#[test]
fn c4_the_matrix_of_states_and_verbs() {
    let path = |more: &[&'static str]| [SIGNED, more].concat();
    desk().matrix(
        Role::ApplicationUnit,
        &[
            ("draft", &[]),
            ("signing", &["submit"]),
            ("returned", &["submit", "return"]),
            ("in-force", SIGNED),
            ("suspended", &path(&["suspend"])),
            ("terminated", &path(&["terminate"])),
            ("expired", &path(&["clock"])),
            ("archived", &path(&["terminate", "hand-over", "destroy", "archive"])),
        ],
        include_str!("../testdata/agreement.txt"),
    );
}

#[test]
fn c4_four_years_are_too_long_in_heilongjiang_and_not_in_gansu() {
    let four = || Desk::new("Agreement", spec("2026-01-01", "2030-01-01"));
    for (pack, taken) in
        [("heilongjiang", false), ("qingtian", false), ("gansu", true), ("yantai", true), ("qingdao", true)]
    {
        let opened = four().under(pack).open(&person(Role::ApplicationUnit));
        let shown = opened.as_ref().map(|one| one.state_name).map_err(shown);
        assert_eq!(shown, if taken { Ok("draft") } else { Err(("C1301", vec!["spec.window"])) }, "{pack}");
    }
    // To the day: a term ends where the next would begin.
    for (until, taken) in [("2029-01-01", true), ("2029-01-02", false)] {
        let desk = Desk::new("Agreement", spec("2026-01-01", until)).under("heilongjiang");
        assert_eq!(desk.open(&person(Role::ApplicationUnit)).is_ok(), taken, "{until}");
    }
}

#[test]
fn c4_qingtian_takes_a_renewal_in_the_last_six_months_only() {
    let mut desk = desk().under("qingtian");
    desk.spec["renews"] = json!("bank-2025");
    for (end, taken) in [("2026-12-02", false), ("2026-12-01", true), ("2026-06-02", true)] {
        desk.change("Agreement", "bank-2025", "window", json!({"from": "2024-01-01", "until": end}));
        let opened = desk.open(&person(Role::ApplicationUnit));
        let shown = opened.as_ref().map(|one| one.state_name).map_err(shown);
        assert_eq!(shown, if taken { Ok("draft") } else { Err(("C1310", vec!["spec.renews"])) }, "{end}");
    }
}

#[test]
fn g2_a_split_sums_to_the_whole_and_names_parties_once() {
    for (split, path) in [
        (
            json!([{"party": "data-bureau", "parts": 3_333}, {"party": "yunze-data", "parts": 6_666}]),
            "spec.split",
        ),
        (json!([{"party": "police", "parts": 10_000}]), "spec.split[0].party"),
        (
            json!([{"party": "data-bureau", "parts": 5_000}, {"party": "data-bureau", "parts": 5_000}]),
            "spec.split[1]",
        ),
        (json!([{"party": "data-bureau", "parts": 10_001}]), "spec.split[0].parts"),
    ] {
        let mut desk = desk();
        desk.spec["split"] = split;
        let refused = desk.open(&person(Role::ApplicationUnit)).expect_err("a wrong split");
        assert_eq!(shown(&refused), ("C1002", vec![path]));
    }
}

#[test]
fn c4_it_is_in_force_when_every_party_has_signed_and_ends_with_its_term() {
    let desk = desk();
    let two = desk.walk(Role::ApplicationUnit, &["submit", "sign", "sign@yunze-data"]);
    assert_eq!((two.state_name, two.in_force.len()), ("signing", 0));
    let stranger = of(Role::Provider, "police");
    let refused = desk.act(&two.state, &stranger, "sign", &json!({})).expect_err("no party");
    assert_eq!(refused.code.as_str(), "C1304");
    let signed = desk.walk(Role::ApplicationUnit, SIGNED);
    let spec = &signed.in_force[0].spec;
    assert_eq!((&spec["signed"], &spec["scenarios"]), (&json!(true), &json!(["bank-credit"])));
    assert_eq!(signed.deadlines[0].what, "term");
    let expired = desk.walk(Role::ApplicationUnit, &[SIGNED, &["clock"]].concat());
    assert_eq!((expired.state_name, &expired.in_force[0].spec["signed"]), ("expired", &json!(false)));
}

#[test]
fn g2_contribution_may_be_counted_in_fields_once_for_each_product_and_party() {
    let opened = |fields: Value| {
        let mut spec = spec("2026-01-01", "2028-01-01");
        spec["contributedFields"] = fields;
        let opened = Desk::new("Agreement", spec).open(&person(Role::ApplicationUnit));
        opened
            .as_ref()
            .map(|_| ())
            .map_err(|refused| shown(refused).1.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let one =
        |party: &str, fields: u32| json!({"product": "company-profile", "party": party, "fields": fields});
    opened(json!([one("data-bureau", 3), one("yunze-data", 1)])).expect("as signed");
    for wrong in [
        json!([one("data-bureau", 3), one("data-bureau", 1)]),
        json!([one("data-bureau", 0)]),
        json!([one("nobody", 1)]),
        json!([{"product": "nothing", "party": "data-bureau", "fields": 1}]),
        json!([]),
    ] {
        assert!(opened(wrong.clone()).is_err(), "{wrong}");
    }
}

/// Yantai 20, REQUIREMENTS C17: who shares by contribution is a party and signs, in its own role.
#[test]
fn c17_a_provider_that_shares_by_contribution_is_a_party_and_signs() {
    let mut desk = desk();
    desk.spec["split"] =
        json!([{"party": "data-bureau", "parts": 3_000}, {"party": "yunze-data", "parts": 5_000}]);
    desk.spec["byContribution"] = json!(2_000);
    let needs = json!([{"product": "company-profile", "operations": ["lookup"]}]);
    desk.change("Scenario", "bank-credit", "needs", needs);
    let refused = desk.open(&person(Role::ApplicationUnit)).expect_err("the provider does not sign");
    assert_eq!(shown(&refused), ("C1002", vec!["spec.parties"]));
    desk.spec["parties"] = json!(["data-bureau", "yunze-data", "yunze-bank", "market-regulator"]);
    let signing = desk.walk(Role::ApplicationUnit, SIGNED);
    assert_eq!(signing.state_name, "signing", "not without the provider");
    let provider = of(Role::Provider, "market-regulator");
    let signed = desk.act(&signing.state, &provider, "sign", &json!({})).expect("signs");
    assert_eq!((signed.state_name, signed.in_force.len()), ("in-force", 1));
    // 补签: one whose data came in later signs what is in force, once, and in its own role.
    let later = of(Role::Provider, "police");
    let joined = desk.act(&signed.state, &later, "sign", &json!({})).expect("joins");
    assert_eq!((joined.state_name, &joined.in_force), ("in-force", &signed.in_force));
    let code =
        |state, actor: &_| desk.act(state, actor, "sign", &json!({})).expect_err("refused").code.as_str();
    assert_eq!(code(&joined.state, &later), "C1007", "signed is signed");
    assert_eq!(code(&signed.state, &provider), "C1007");
    assert_eq!(code(&signed.state, &of(Role::Operator, "rival-data")), "C1007", "no provider");
    // It may have a fixed part as well, and fields say who contributed where they are counted.
    desk.spec["split"] =
        json!([{"party": "market-regulator", "parts": 3_000}, {"party": "yunze-data", "parts": 5_000}]);
    desk.open(&person(Role::ApplicationUnit)).expect("a provider is a party like others");
    desk.spec["contributedFields"] = json!([{"product": "company-profile", "party": "police", "fields": 3}]);
    let refused = desk.open(&person(Role::ApplicationUnit)).expect_err("another party is counted");
    assert_eq!(shown(&refused), ("C1002", vec!["spec.parties"]));
}
