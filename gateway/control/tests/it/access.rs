//! The access table, walked and done: every person × kind × way of touching it, against what is written down here anew.

use serde_json::{Value, json};
use shuzha_control::{Error, Outcome, Query, Request};
use shuzha_core::Code;

use crate::house::{code, id};
use crate::town::{Town, by, example, grant};

/// One of every role, and where the relation decides one on each side: `sun` operates for the bank, `rival` does not; `wu` is
/// of the bank, `he` of another unit; `zhao` provides the data, `jiang` other data.
const WALKERS: [&str; 15] = [
    "wang", "li", "zhou", "zheng", "tang", "auditor", "root", "subject", "zhao", "jiang", "sun", "rival",
    "wu", "he", "zhang",
];

/// Roles that supervise or decide on the whole.
const ALL: &str = "wang li zhou zheng tang auditor";

/// Declared objects: who sees it, who writes and removes it.
const DECLARED: [(&str, &str, &str, &str); 14] = [
    ("Organisation", "yunze-bank", "*", "wang"),
    ("ApplicationUnit", "bank", "ALL sun wu zhang", "wang sun wu zhang"),
    ("Credential", "bank-1", "ALL root sun wu zhang", "root sun wu zhang"),
    ("ConsentIssuer", "yunze-consent", "*", "wang"),
    ("PersonSpace", "census-sample", "*", "wang"),
    ("DataSet", "enterprises", "*", "wang zhao"),
    ("Upstream", "register", "ALL sun", "sun"),
    ("Product", "company-check", "*", "sun"),
    ("Listing", "company-check-listing", "*", "wang sun"),
    ("PriceAct", "operator-2025", "*", "wang zheng sun"),
    ("Ceiling", "company-check-2025", "*", "zheng"),
    ("Price", "company-check-2025", "*", "sun"),
    ("PermittedRevenue", "yunze-2026", "*", "zheng"),
    ("TaxRate", "services-2025", "*", "tang"),
];

fn among(list: &str, who: &str) -> bool {
    list == "*" || list.replace("ALL", ALL).split(' ').any(|one| one == who)
}

/// The town with one object of every declared kind, and an operator of another company.
fn full() -> Town {
    let town = Town::authorised();
    let rival = crate::house::organisation("operator", 7_001);
    town.put("wang", "Organisation", "rival-data", &rival).expect("declared");
    for (who, kind, name) in [
        ("wang", "PersonSpace", "census-sample"),
        ("wang", "ConsentIssuer", "yunze-consent"),
        ("tang", "TaxRate", "services-2025"),
    ] {
        town.put(who, kind, name, &example(kind, name)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    let window = json!({"from": "2026-01-01", "until": "2027-01-01"});
    let exchange = crate::house::organisation("exchange", 7_002);
    town.put("wang", "Organisation", "exchange", &exchange).expect("declared");
    let listing =
        json!({"product": "company-check", "exchange": "exchange", "number": "L-1", "window": window});
    town.put("sun", "Listing", "company-check-listing", &listing).expect("declared");
    let revenue =
        json!({"act": "ceilings-2025", "operator": "yunze-data", "amount": "1000.00", "window": window});
    town.put("zheng", "PermittedRevenue", "yunze-2026", &revenue).expect("declared");
    town
}

fn spec(town: &Town, kind: &str, name: &str) -> Value {
    let object = town.house.register.get(kind, name).expect("answers").expect("there");
    serde_json::from_str(&object.spec).expect("JSON")
}

/// Whether it was permitted: done, or refused for another reason than whose it is.
fn permitted(result: &Result<Outcome, Error>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => !matches!(error.code(), Code::C1003 | Code::C1104 | Code::C1106),
    }
}

#[test]
fn a3_every_role_reads_and_writes_declared_objects_by_the_table_and_no_further() {
    let mut town = full();
    for (kind, name, sees, writes) in DECLARED {
        for who in WALKERS {
            let caller = by(who);
            let seen = town.house.control.get(&caller, kind, &id(name));
            assert_eq!(seen.is_ok(), among(sees, who), "{who} gets {kind}/{name}");
            let page = town.house.control.list(&caller, kind, &Query { limit: 200, ..Query::default() });
            let listed = page.expect("answers").items.iter().any(|object| object.name == id(name));
            assert_eq!(listed, among(sees, who), "{who} lists {kind}/{name}");
            let told = town.house.control.history(&caller, kind, &id(name), None, 0);
            assert_eq!(told.is_ok(), among(sees, who), "{who} reads the history of {kind}/{name}");
            let before = town.house.dump();
            let written = town.put(who, kind, name, &spec(&town, kind, name));
            assert_eq!(written.is_ok(), among(writes, who), "{who} puts {kind}/{name}: {written:?}");
            assert!(
                written.is_ok() || town.house.dump() == before,
                "{who} {kind}: a refusal changes nothing"
            );
            let removed = town.remove(who, kind, name);
            assert_eq!(permitted(&removed), among(writes, who), "{who} removes {kind}/{name}: {removed:?}");
            assert!(!among(writes, who) || among(sees, who), "whoever may write {kind} sees it");
            if written.is_ok() || removed.is_ok() {
                town = full();
            }
        }
    }
}

/// New objects in another's name.
#[test]
fn a3_nobody_declares_what_is_another_companys() {
    let town = full();
    let mut credential = example("Credential", "bank-1");
    credential["unit"] = json!("bank");
    let mut product = example("Product", "company-check");
    product["operator"] = json!("yunze-data");
    for (who, kind, spec) in [
        ("rival", "Credential", credential.clone()),
        ("he", "Credential", credential.clone()),
        ("rival", "Organisation", crate::house::organisation("operator", 7_009)),
        ("sun", "Organisation", crate::house::organisation("unit", 7_010)),
        ("rival", "Product", product),
        ("rival", "PriceAct", example("PriceAct", "operator-2025")),
        ("sun", "PriceAct", example("PriceAct", "ceilings-2025")),
        ("rival", "Price", example("Price", "company-check-2025")),
        ("rival", "Listing", spec(&town, "Listing", "company-check-listing")),
        ("sun", "DataSet", example("DataSet", "enterprises")),
        ("sun", "ConsentIssuer", example("ConsentIssuer", "yunze-consent")),
        ("sun", "Ceiling", example("Ceiling", "company-check-2025")),
        ("wang", "Credential", credential),
    ] {
        let before = town.house.dump();
        assert_eq!(code(town.put(who, kind, "grabbed", &spec)), Code::C1104, "{who} {kind}");
        assert_eq!(town.house.dump(), before);
    }
}

/// An operator raises the limit of the unit that it declared, and writes its own file again without effect.
#[test]
fn a1_an_operator_sees_and_changes_the_unit_it_serves_and_no_other() {
    let town = full();
    let mut unit = spec(&town, "ApplicationUnit", "bank");
    unit["creditLimit"] = json!("777.00");
    town.put("sun", "ApplicationUnit", "bank", &unit).expect("raised");
    assert_eq!(
        code(town.put("wu", "ApplicationUnit", "bank", &{
            let mut more = unit.clone();
            more["creditLimit"] = json!("999.00");
            more
        })),
        Code::C1104,
        "not by itself"
    );
    let mut moved = unit.clone();
    moved["organisation"] = json!("market-regulator");
    assert_eq!(code(town.put("sun", "ApplicationUnit", "bank", &moved)), Code::C1104, "nor moved to others");
    // A unit that another operator declared.
    let shop = crate::house::organisation("unit", 7_020);
    town.put("wang", "Organisation", "shop", &shop).expect("declared");
    let theirs = json!({"organisation": "shop", "securityOfficer": "甲"});
    town.put("rival", "ApplicationUnit", "shop", &theirs).expect("its own customer");
    town.put("rival", "ApplicationUnit", "shop", &theirs).expect("again");
    assert_eq!(code(town.house.control.get(&by("sun"), "ApplicationUnit", &id("shop"))), Code::C1003);
    assert_eq!(code(town.put("sun", "ApplicationUnit", "shop", &theirs)), Code::C1003);
    assert_eq!(code(town.put("rival", "ApplicationUnit", "bank", &unit)), Code::C1003);
    // What it declared is out of its hands once the unit is under somebody else's agreement alone.
    town.put(
        "rival",
        "ApplicationUnit",
        "bank-2",
        &json!({"organisation": "yunze-bank", "securityOfficer": "乙"}),
    )
    .expect("declared");
    assert!(town.house.control.get(&by("rival"), "ApplicationUnit", &id("bank-2")).is_ok());
    assert!(town.house.control.get(&by("sun"), "ApplicationUnit", &id("bank-2")).is_err());
}

/// Cases: kind, name, verb, who may. Others are refused by role or relation, whatever state the case is in.
const VERBS: [(&str, &str, &str, &str); 31] = [
    ("Scenario", "onboarding", "submit", "wu zhang"),
    ("Scenario", "onboarding", "agree", "zhao"),
    ("Scenario", "onboarding", "opine", "zhou"),
    ("Scenario", "onboarding", "approve", "wang"),
    ("Scenario", "onboarding", "activate", "wang sun"),
    ("Scenario", "onboarding", "suspend", "wang"),
    ("Scenario", "onboarding", "hand-over", "sun wu zhang"),
    ("Scenario", "onboarding", "destroy", "sun wu zhang"),
    ("Agreement", "bank-2026", "submit", "wu zhang"),
    ("Agreement", "bank-2026", "sign", "wang sun wu zhang zhao"),
    ("Agreement", "bank-2026", "suspend", "wang"),
    ("Agreement", "bank-2026", "terminate", "wang"),
    ("Agreement", "bank-2026", "hand-over", "sun wu zhang"),
    ("Agreement", "bank-2026", "destroy", "sun wu zhang"),
    ("Grant", "bank-grant", "issue", "wang sun"),
    ("Grant", "bank-grant", "reject", "wang sun"),
    ("Grant", "bank-grant", "revoke", "wang sun"),
    ("EmergencyPlan", "bank-plan", "file", "wang"),
    ("EmergencyPlan", "bank-plan", "drill", "wang sun wu zhang"),
    ("EmergencyPlan", "bank-plan", "retire", "wang"),
    ("ExitReview", "company-check", "submit", "sun"),
    ("ExitReview", "company-check", "opine", "wang zhou zhao sun"),
    ("ExitReview", "company-check", "pass", "wang"),
    ("Ticket", "wrong-name", "answer", "zhao"),
    ("Ticket", "wrong-name", "object", "wu zhang"),
    ("Ticket", "wrong-name", "close", "wu zhang"),
    ("Ticket", "wrong-name", "rule", "wang"),
    ("Suspension", "stop-unit", "confirm", "wang"),
    ("Suspension", "stop-unit", "resume", "wang"),
    ("Suspension", "stop-unit", "report", "root sun wu zhang"),
    ("Suspension", "stop-unit", "rectified", "sun wu zhang"),
];

fn with_cases() -> Town {
    let town = full();
    town.open("wu", "Grant", "bank-grant", &grant("2026-02-01", "2027-01-01"));
    town.open(
        "sun",
        "ExitReview",
        "company-check",
        &json!({"product": "company-check", "evidence": "测试报告"}),
    );
    let ticket = json!({"product": "company-check", "dataSet": "enterprises", "title": "名称有误", "description": "变更未更新"});
    town.open("wu", "Ticket", "wrong-name", &ticket);
    let stop = json!({"target": {"kind": "ApplicationUnit", "name": "bank"}, "emergency": true, "reason": "异常批量调用"});
    town.open("sun", "Suspension", "stop-unit", &stop);
    town
}

fn body(kind: &str, verb: &str) -> Value {
    let findings = json!({"noRawData": true, "notReversible": true, "noJoiningRisk": true});
    match (kind, verb) {
        ("ExitReview", "opine" | "pass") => findings,
        (_, "opine") => json!({"favourable": true}),
        (_, "activate") => json!({"agreement": "bank-2026"}),
        (_, "suspend") => json!({"rectifyBy": "2026-12-01"}),
        (_, "hand-over" | "destroy") => json!({"digest": "ab".repeat(32)}),
        (_, "drill") => json!({"held": "2026-01-05", "result": "达到预期", "digest": "ab".repeat(32)}),
        (_, "report") => {
            json!({"occurred": "2026-01-31T23:50:00Z", "what": "异常批量调用", "affected": "核验产品",
            "measures": "已紧急关闭", "contact": "值班室"})
        }
        (_, "answer") => json!({"verdict": "corrected"}),
        _ => json!({}),
    }
}

#[test]
fn a3_every_verb_of_a_case_is_done_by_whom_the_table_names_and_by_nobody_else() {
    let mut town = with_cases();
    for (kind, name, verb, who_may) in VERBS {
        for who in WALKERS {
            let before = town.house.dump();
            let done = town.act(who, kind, name, verb, &body(kind, verb));
            assert_eq!(permitted(&done), among(who_may, who), "{who} {verb} {kind}/{name}: {done:?}");
            match done {
                Ok(_) => town = with_cases(),
                Err(_) => assert_eq!(town.house.dump(), before, "{who} {verb} {kind}"),
            }
        }
    }
}

/// What is opened for whom.
#[test]
fn a3_cases_are_opened_for_ones_own_units_and_products_only() {
    let town = with_cases();
    let scenario = spec(&town, "Scenario", "onboarding");
    let plan = spec(&town, "EmergencyPlan", "bank-plan");
    let mut agreement = spec(&town, "Agreement", "bank-2026");
    agreement["parties"] = json!(["data-bureau", "yunze-bank"]);
    agreement["split"] = json!([{"party": "data-bureau", "parts": 10_000}]);
    for (who, kind, spec, wanted) in [
        ("rival", "Scenario", &scenario, Code::C1313),
        ("rival", "EmergencyPlan", &plan, Code::C1313),
        ("rival", "Grant", &grant("2026-02-01", "2027-01-01"), Code::C1313),
        ("rival", "Agreement", &agreement, Code::C1313),
        ("he", "Scenario", &scenario, Code::C1313),
        ("rival", "ExitReview", &json!({"product": "company-check", "evidence": "x"}), Code::C1313),
        ("wang", "Scenario", &scenario, Code::C1104),
    ] {
        assert_eq!(code(town.put(who, kind, "grabbed", spec)), wanted, "{who} {kind}");
    }
    town.put("sun", "EmergencyPlan", "second-plan", &plan).expect("for a unit that it serves");
}

/// Names of persons are for their own organisation and for those who supervise.
#[test]
fn a3_the_history_of_public_kinds_does_not_name_persons_to_everybody() {
    let town = full();
    for (who, named) in [
        ("wang", true),
        ("auditor", true),
        ("li", true),
        ("sun", true),
        ("tang", true),
        ("wu", false),
        ("he", false),
        ("rival", false),
        ("zhao", false),
        ("subject", false),
        ("root", false),
        ("zheng", false),
    ] {
        let page = town.house.control.history(&by(who), "Product", &id("company-check"), None, 0);
        let entries = page.expect("public").items;
        for by in entries.iter().filter_map(|entry| entry.by.as_ref()) {
            assert_eq!(by.organisation, id("yunze-data"), "the organisation is told");
            assert_eq!(by.account.is_some(), named, "{who}");
        }
        assert!(!entries.is_empty());
    }
}

/// Whom the credential of a unit obeys.
#[test]
fn a4_a_stolen_credential_is_revoked_by_its_unit_its_operator_the_authority_or_an_administrator() {
    for (who, wanted) in [
        ("wu", None),
        ("sun", None),
        ("wang", None),
        ("root", None),
        ("rival", Some(Code::C1003)),
        ("he", Some(Code::C1003)),
        ("li", Some(Code::C1104)),
        ("auditor", Some(Code::C1104)),
    ] {
        let town = full();
        let done = town.house.control.revoke(
            &by(who),
            &id("bank-1"),
            &Request { reason: "失窃", ..Request::default() },
        );
        match wanted {
            Some(wanted) => assert_eq!(code(done), wanted, "{who}"),
            None => {
                done.unwrap_or_else(|error| panic!("{who}: {error:?}"));
                let held = town.house.control.force().spec("Credential", &id("bank-1")).expect("answers");
                assert_eq!(held.expect("in force as revoked")["revoked"], true);
            }
        }
    }
}
