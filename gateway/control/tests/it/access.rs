//! The access table, walked and done: every person × kind × way of touching it, against what is written down here anew.

use serde_json::{Value, json};
use shuzha_control::{Error, Outcome, Query, Request};
use shuzha_core::{Code, Role};
use shuzha_testkit_control::{TestWorld, by, code, example, grant, id};

/// One of every role, and where the relation decides one on each side: `sun` operates for the bank, `rival` does not; `wu` is
/// of the bank, `he` of another unit; `zhao` provides the data, `jiang` other data.
pub(crate) const WALKERS: [&str; 15] = [
    "wang", "li", "zhou", "zheng", "tang", "auditor", "root", "subject", "zhao", "jiang", "sun", "rival",
    "wu", "he", "zhang",
];

/// Roles that supervise, decide on or audit the whole.
const ALL: &str = "wang li auditor";

/// Declared objects: who sees it, who writes and removes it.
const DECLARED: [(&str, &str, &str, &str); 14] = [
    ("Organisation", "yunze-bank", "*", "wang"),
    ("ApplicationUnit", "bank", "ALL sun tang wu zhang", "wang sun wu zhang"),
    ("Credential", "bank-1", "ALL root sun wu zhang", "root sun wu zhang"),
    ("ConsentIssuer", "yunze-consent", "*", "wang"),
    ("PersonSpace", "census-sample", "*", "wang"),
    ("DataSet", "enterprises", "*", "wang zhao"),
    ("Upstream", "register", "ALL sun tang", "sun"),
    ("Product", "company-check", "*", "sun"),
    ("Listing", "company-check-listing", "*", "wang sun"),
    ("PriceAct", "operator-2025", "*", "wang zheng sun"),
    ("Ceiling", "company-check-2025", "*", "zheng"),
    ("Price", "company-check-2025", "*", "sun"),
    ("PermittedRevenue", "yunze-2026", "*", "zheng"),
    ("TaxRate", "services-2025", "*", "tang"),
];

pub(crate) fn among(list: &str, who: &str) -> bool {
    list == "*" || list.replace("ALL", ALL).split(' ').any(|one| one == who)
}

/// The town with one object of every declared kind, and an operator of another company.
pub(crate) fn full() -> TestWorld {
    let town = TestWorld::authorised();
    let rival = shuzha_testkit_control::organisation("operator", 7_001);
    town.put("wang", "Organisation", "rival-data", &rival).expect("declared");
    for (who, kind, name) in [
        ("wang", "PersonSpace", "census-sample"),
        ("wang", "ConsentIssuer", "yunze-consent"),
        ("tang", "TaxRate", "services-2025"),
    ] {
        town.put(who, kind, name, &example(kind, name)).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
    let window = json!({"from": "2026-01-01", "until": "2027-01-01"});
    let exchange = shuzha_testkit_control::organisation("exchange", 7_002);
    town.put("wang", "Organisation", "exchange", &exchange).expect("declared");
    let listing =
        json!({"product": "company-check", "exchange": "exchange", "number": "L-1", "window": window});
    town.put("sun", "Listing", "company-check-listing", &listing).expect("declared");
    let revenue =
        json!({"act": "ceilings-2025", "operator": "yunze-data", "amount": "1000.00", "window": window});
    town.put("zheng", "PermittedRevenue", "yunze-2026", &revenue).expect("declared");
    town
}

fn spec(town: &TestWorld, kind: &str, name: &str) -> Value {
    let object = town.plane.register.get(kind, name).expect("answers").expect("there");
    serde_json::from_str(&object.spec).expect("JSON")
}

/// Whether it was permitted: done, or refused for another reason than whose it is.
pub(crate) fn permitted(result: &Result<Outcome, Error>) -> bool {
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
            let seen = town.plane.control.get(&caller, kind, &id(name));
            assert_eq!(seen.is_ok(), among(sees, who), "{who} gets {kind}/{name}");
            let page = town.plane.control.list(&caller, kind, &Query { limit: 200, ..Query::default() });
            let listed = page.expect("answers").items.iter().any(|object| object.name == id(name));
            assert_eq!(listed, among(sees, who), "{who} lists {kind}/{name}");
            let told = town.plane.control.history(&caller, kind, &id(name), None, 0);
            assert_eq!(told.is_ok(), among(sees, who), "{who} reads the history of {kind}/{name}");
            let before = town.plane.dump();
            let written = town.put(who, kind, name, &spec(&town, kind, name));
            assert_eq!(written.is_ok(), among(writes, who), "{who} puts {kind}/{name}: {written:?}");
            assert!(
                written.is_ok() || town.plane.dump() == before,
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
fn a6_nobody_declares_what_is_another_companys() {
    let town = full();
    let mut credential = example("Credential", "bank-1");
    credential["unit"] = json!("bank");
    let mut product = example("Product", "company-check");
    product["operator"] = json!("yunze-data");
    for (who, kind, spec) in [
        ("rival", "Credential", credential.clone()),
        ("he", "Credential", credential.clone()),
        ("rival", "Organisation", shuzha_testkit_control::organisation("operator", 7_009)),
        ("sun", "Organisation", shuzha_testkit_control::organisation("unit", 7_010)),
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
        let before = town.plane.dump();
        assert_eq!(code(town.put(who, kind, "grabbed", &spec)), Code::C1104, "{who} {kind}");
        assert_eq!(town.plane.dump(), before);
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
    let shop = shuzha_testkit_control::organisation("unit", 7_020);
    town.put("wang", "Organisation", "shop", &shop).expect("declared");
    let theirs = json!({"organisation": "shop", "securityOfficer": "甲"});
    town.put("rival", "ApplicationUnit", "shop", &theirs).expect("its own customer");
    town.put("rival", "ApplicationUnit", "shop", &theirs).expect("again");
    assert_eq!(code(town.plane.control.get(&by("sun"), "ApplicationUnit", &id("shop"))), Code::C1003);
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
    assert!(town.plane.control.get(&by("rival"), "ApplicationUnit", &id("bank-2")).is_ok());
    assert!(town.plane.control.get(&by("sun"), "ApplicationUnit", &id("bank-2")).is_err());
}

fn with_cases() -> TestWorld {
    let town = full();
    town.open("wu", "Grant", "bank-grant", &grant("2026-02-01", "2027-01-01"));
    town
}

/// Finance settles with the units that its organisation serves, an expert judges what is laid before experts, and pricing
/// needs what is public: none of them sees the whole. Finance of the authority does.
#[test]
fn a3_finance_pricing_and_experts_see_by_relation() {
    let town = with_cases();
    let person = |organisation: &str, role| shuzha_testkit_control::person("newcomer", organisation, &[role]);
    let (ours, theirs) = (person("yunze-data", Role::Finance), person("rival-data", Role::Finance));
    let (above, expert) = (person("data-bureau", Role::Finance), person("academy", Role::Expert));
    let pricing = person("ndrc", Role::Pricing);
    for (kind, name, seen_by) in [
        ("ApplicationUnit", "bank", [true, false, true, false, false]),
        ("Agreement", "bank-2026", [true, false, true, false, false]),
        ("Grant", "bank-grant", [true, false, true, false, false]),
        ("Scenario", "onboarding", [true, false, true, true, false]),
        ("EmergencyPlan", "bank-plan", [false, false, true, false, false]),
        ("Credential", "bank-1", [false, false, true, false, false]),
        ("Upstream", "register", [true, false, true, false, false]),
        ("Ceiling", "company-check-2025", [true; 5]),
        ("Price", "company-check-2025", [true; 5]),
    ] {
        for (caller, sees) in [&ours, &theirs, &above, &expert, &pricing].into_iter().zip(seen_by) {
            let got = town.plane.control.get(caller, kind, &id(name));
            let who = format!("{}'s {:?}", caller.organisation, caller.roles);
            assert_eq!(got.is_ok(), sees, "{who} gets {kind}/{name}");
            let page = town.plane.control.list(caller, kind, &Query { limit: 200, ..Query::default() });
            let listed = page.expect("answers").items.iter().any(|object| object.name == id(name));
            assert_eq!(listed, sees, "{who} lists {kind}/{name}");
        }
    }
}

/// What is opened for whom.
#[test]
fn a3_cases_are_opened_for_ones_own_units_and_products_only() {
    let town = with_cases();
    crate::ways::counted(&town);
    let refund = json!({"unit": "bank", "dataSet": "census", "request": "019a2b3c-4d5e-7f00-8a1b-2c3d4e5f6071", "cause": "x"});
    let import = json!({"unit": "bank", "scenario": "onboarding", "title": "社会数据", "source": "自有", "lawfulBasis": "合同",
        "purpose": "比对", "personal": false, "measures": ["隔离"], "window": {"from": "2026-01-01", "until": "2028-01-01"}});
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
        ("rival", "Registration", &crate::ways::registration(), Code::C1313),
        ("jiang", "Registration", &crate::ways::registration(), Code::C1313),
        ("rival", "SocialImport", &import, Code::C1313),
        ("he", "SocialImport", &import, Code::C1313),
        ("rival", "PrivacyRefund", &refund, Code::C1313),
        ("he", "PrivacyRefund", &refund, Code::C1313),
        ("rival", "ExitReview", &json!({"product": "company-check", "evidence": "x"}), Code::C1313),
        ("wang", "Scenario", &scenario, Code::C1104),
    ] {
        assert_eq!(code(town.put(who, kind, "grabbed", spec)), wanted, "{who} {kind}");
    }
    town.put("sun", "EmergencyPlan", "second-plan", &plan).expect("for a unit that it serves");
    town.put("wu", "SocialImport", "import", &import).expect("for its own unit");
    town.put("wu", "PrivacyRefund", "refund", &refund).expect("for its own unit");
    town.put("sun", "Registration", "product", &crate::ways::registration()).expect("of its own product");
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
        let page = town.plane.control.history(&by(who), "Product", &id("company-check"), None, 0);
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
        let done = town.plane.control.revoke(
            &by(who),
            &id("bank-1"),
            &Request { reason: "失窃", ..Request::default() },
        );
        match wanted {
            Some(wanted) => assert_eq!(code(done), wanted, "{who}"),
            None => {
                done.unwrap_or_else(|error| panic!("{who}: {error:?}"));
                let held = town.plane.control.force().spec("Credential", &id("bank-1")).expect("answers");
                assert_eq!(held.expect("in force as revoked")["revoked"], true);
            }
        }
    }
}
