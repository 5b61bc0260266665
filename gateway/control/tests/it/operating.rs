//! The operator's own authorisation: who writes an operating agreement, what is accepted only within one, when another may be
//! applied for, and that an operator is stopped by the authority.

use serde_json::{Value, json};
use shuzha_control::{Request, Rules};
use shuzha_core::{Clock as _, Code};
use shuzha_products::jurisdiction::{Jurisdiction, calendar, pack};
use shuzha_testkit_control::{TestWorld, by, code, example, grant, id, operating_agreement};

fn under(town: &TestWorld, jurisdiction: Jurisdiction) {
    let rules = Rules { jurisdiction, calendar: calendar().clone() };
    town.plane.control.set_rules(rules).expect("taken");
}

fn gansu() -> Jurisdiction {
    pack("gansu").expect("known")
}

/// A price of a product that has none yet, under its ceiling.
fn price(from: &str) -> Value {
    let mut price = example("Price", "person-check-2025");
    price["window"] = json!({"from": from, "until": "2026-12-01"});
    price
}

fn with_ceiling() -> TestWorld {
    let town = TestWorld::authorised();
    town.put("zheng", "Ceiling", "person-check-2025", &example("Ceiling", "person-check-2025"))
        .expect("declared");
    town
}

#[test]
fn c14_only_the_authorising_side_opens_and_decides_an_operating_agreement() {
    let town = TestWorld::new();
    under(&town, gansu());
    let spec = operating_agreement("2026-01-01", "2029-01-01");
    for who in ["sun", "zhao", "wu", "tang", "li", "root", "zheng"] {
        let refused = code(town.put(who, "OperatingAgreement", "own", &spec));
        assert!(matches!(refused, Code::C1104 | Code::C1106), "{who}: {refused}");
    }
    town.open("wang", "OperatingAgreement", "own", &spec);
    town.done("wang", "OperatingAgreement", "own", "submit");
    for verb in ["approve", "terminate", "file", "amend", "archive"] {
        let refused = code(town.act("sun", "OperatingAgreement", "own", verb, &json!({})));
        assert!(matches!(refused, Code::C1104 | Code::C1106), "{verb}: {refused}");
    }
    // Whoever drafted it does not decide on it.
    assert_eq!(code(town.act("wang", "OperatingAgreement", "own", "approve", &json!({}))), Code::C1105);
}

#[test]
fn c14_registration_price_and_grant_stand_under_an_operating_agreement() {
    let town = with_ceiling();
    under(&town, gansu());
    let registration = crate::ways::registration();
    let wanted = |name: &str| {
        [
            ("sun", "Registration", name.to_owned(), registration.clone()),
            ("sun", "Price", name.to_owned(), price("2026-06-01")),
            ("wu", "Grant", name.to_owned(), grant("2026-02-01", "2027-01-01")),
        ]
    };
    for (who, kind, name, spec) in wanted("without") {
        assert_eq!(code(town.put(who, kind, &name, &spec)), Code::C1314, "{kind}");
    }
    town.operating("yunze-2026");
    for (who, kind, name, spec) in wanted("within") {
        town.put(who, kind, &name, &spec).unwrap_or_else(|error| panic!("{kind}: {error:?}"));
    }
    // What was applied for in time is not given once the agreement has ended.
    town.act("feng", "OperatingAgreement", "yunze-2026", "terminate", &json!({})).expect("ended");
    assert_eq!(code(town.act("sun", "Grant", "within", "issue", &json!({}))), Code::C1314);
    assert_eq!(code(town.act("sun", "Registration", "within", "submit", &json!({}))), Code::C1314);
}

#[test]
fn c14_what_was_operated_before_goes_on_for_a_time_of_transition_until_there_is_an_agreement() {
    let town = with_ceiling();
    let mut rules = gansu();
    rules.operating.binds_from = Some(town.plane.clock.now().plus(std::time::Duration::from_secs(86_400)));
    under(&town, rules);
    assert_eq!(
        code(town.put("sun", "Price", "after", &price("2026-06-01"))),
        Code::C1314,
        "it begins afterwards"
    );
    town.put("sun", "Price", "before", &price("2026-02-01"))
        .expect("it begins within the time of transition");
}

#[test]
fn c20_another_application_counts_by_party_and_not_by_what_it_calls_itself() {
    let town = TestWorld::authorised();
    let mut rules = gansu();
    rules.reapplication_months = Some(6);
    rules.agreement_years_max = None;
    under(&town, rules);
    town.operating("first");
    let again = operating_agreement("2028-12-01", "2030-01-01");
    assert_eq!(code(town.put("wang", "OperatingAgreement", "second", &again)), Code::C1310);
    let mut renews = again.clone();
    renews["renews"] = "first".into();
    assert_eq!(code(town.put("wang", "OperatingAgreement", "second", &renews)), Code::C1310);
    // An amendment is no other application, and prolongs nothing.
    let mut amends = operating_agreement("2026-01-01", "2029-01-02");
    amends["amends"] = "first".into();
    assert_eq!(code(town.put("wang", "OperatingAgreement", "amended", &amends)), Code::C1002);
    amends["window"] = json!({"from": "2026-01-01", "until": "2029-01-01"});
    town.open("wang", "OperatingAgreement", "amended", &amends);
    // A unit's agreement about the same scenario, whatever it names.
    let spec = town.plane.register.get("Agreement", "bank-2026").expect("answers").expect("there").spec;
    let service: Value = serde_json::from_str(&spec).expect("JSON");
    assert_eq!(code(town.put("wu", "Agreement", "again", &service)), Code::C1310);
    // In the last six months of 2028-01-01 and 2029-01-01.
    town.plane.clock.advance(std::time::Duration::from_secs(900 * 86_400));
    town.open("wang", "OperatingAgreement", "second", &again);
}

#[test]
fn c18_an_operator_is_stopped_by_the_authority_alone_and_reports_on_it() {
    let town = TestWorld::authorised();
    under(&town, gansu());
    town.operating("yunze-2026");
    town.open("wu", "Grant", "bank-company", &grant("2026-02-01", "2027-01-01"));
    town.done("sun", "Grant", "bank-company", "issue");
    for (kind, name) in [("Organisation", "yunze-data"), ("OperatingAgreement", "yunze-2026")] {
        let stop =
            json!({"target": {"kind": kind, "name": name}, "emergency": true, "reason": "重大数据安全事件"});
        for who in ["sun", "rival", "root"] {
            let refused = code(town.put(who, "Suspension", "stop", &stop));
            assert_eq!(refused, Code::C1406, "{who} {kind}");
        }
        let case = format!("stop-{}", kind.to_lowercase());
        town.open("wang", "Suspension", &case, &stop);
        town.done("feng", "Suspension", &case, "confirm");
        town.done("sun", "Suspension", &case, "rectified");
        let seen = town.plane.control.get(
            &by("wu"),
            shuzha_control::Kind::find("Suspension").expect("known").name(),
            &id(&case),
        );
        assert!(seen.is_ok(), "whoever calls products of the operator sees why they stopped: {seen:?}");
        assert!(town.plane.control.get(&by("he"), "Suspension", &id(&case)).is_err(), "nobody else does");
    }
    let wrong =
        json!({"target": {"kind": "Organisation", "name": "yunze-bank"}, "emergency": true, "reason": "x"});
    assert_eq!(code(town.put("wang", "Suspension", "wrong", &wrong)), Code::C1002, "no operator");
}

#[test]
fn c14_an_amendment_takes_the_place_of_what_it_amends() {
    let town = TestWorld::authorised();
    under(&town, gansu());
    town.operating("first");
    let mut amends = operating_agreement("2026-01-01", "2029-01-01");
    amends["amends"] = "first".into();
    town.open("wang", "OperatingAgreement", "second", &amends);
    let body = json!({"agreement": "second"});
    let early = code(town.act("feng", "OperatingAgreement", "first", "amend", &body));
    assert!(matches!(early, Code::C1002 | Code::C1309), "it is not signed yet: {early}");
    town.done("wang", "OperatingAgreement", "second", "submit");
    town.done("feng", "OperatingAgreement", "second", "approve");
    for who in ["wang", "sun"] {
        town.done(who, "OperatingAgreement", "second", "sign");
    }
    let request = Request {
        expected: town.plane.version("OperatingAgreement", "first"),
        reason: "变更",
        ..Request::default()
    };
    for who in ["sun", "tang", "wu"] {
        let done =
            town.plane.control.act(&by(who), "OperatingAgreement", &id("first"), "amend", &body, &request);
        assert!(matches!(code(done), Code::C1104 | Code::C1106), "{who}");
    }
    town.act("feng", "OperatingAgreement", "first", "amend", &body).expect("amended");
    assert_eq!(town.state("OperatingAgreement", "first"), "amended");
}
