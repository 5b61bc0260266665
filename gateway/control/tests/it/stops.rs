//! Suspensions: whom a stop reaches, that one person's word does not last, and what the stopped are told. Credentials that
//! somebody else declared, until the unit has its word.

mod credentials;

use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use shuzha_control::{Error, Outcome, Query, Request, Rules};
use shuzha_core::Code;
use shuzha_testkit_control::{TestControl, TestWorld, by, code, example, grant, id};

const HOUR: Duration = Duration::from_secs(3_600);

fn stop(kind: &str, name: &str) -> Value {
    let target = if name.is_empty() { json!({"kind": kind}) } else { json!({"kind": kind, "name": name}) };
    json!({"target": target, "emergency": true, "reason": "发现异常批量调用"})
}

fn in_force(house: &TestControl, name: &str) -> Option<Value> {
    house.control.force().spec("Suspension", &id(name)).expect("answers")
}

/// The bank's unit is called with a product of the town's operator, and another operator is there as well.
fn town() -> TestWorld {
    let town = TestWorld::authorised();
    town.put("wang", "Organisation", "rival-data", &shuzha_testkit_control::organisation("operator", 7_001))
        .expect("declared");
    town.open("wu", "Grant", "bank-grant", &grant("2026-02-01", "2027-01-01"));
    town.done("sun", "Grant", "bank-grant", "issue");
    town
}

#[test]
fn i1_an_operators_stop_reaches_its_own_products_and_units_only() {
    let town = town();
    for (who, kind, name, wanted) in [
        ("rival", "Product", "company-check", Some(Code::C1406)),
        ("rival", "ApplicationUnit", "bank", Some(Code::C1406)),
        ("rival", "Scenario", "onboarding", Some(Code::C1406)),
        ("rival", "Everything", "", Some(Code::C1406)),
        ("sun", "Everything", "", Some(Code::C1406)),
        ("root", "Everything", "", Some(Code::C1406)),
        ("li", "Everything", "", Some(Code::C1104)),
        ("sun", "DataSet", "enterprises", Some(Code::C1406)),
        ("wu", "ApplicationUnit", "bank", Some(Code::C1104)),
        ("sun", "Product", "company-check", None),
        ("sun", "ApplicationUnit", "bank", None),
        ("sun", "Scenario", "onboarding", None),
        ("root", "DataSet", "enterprises", None),
        ("root", "Product", "company-check", None),
        ("wang", "Everything", "", None),
    ] {
        let case = format!("stop-{who}-{}", kind.to_lowercase());
        let before = town.plane.dump();
        match (town.put(who, "Suspension", &case, &stop(kind, name)), wanted) {
            (done, Some(wanted)) => {
                assert_eq!(code(done), wanted, "{who} {kind}");
                assert_eq!(town.plane.dump(), before);
            }
            (done, None) => {
                done.unwrap_or_else(|error| panic!("{who} {kind}: {error:?}"));
                let held = in_force(&town.plane, &case).expect("at once");
                let limited = who == "sun" && kind != "Product";
                let wanted = if limited { json!("yunze-data") } else { Value::Null };
                assert_eq!(held["operator"], wanted, "whose products it reaches");
            }
        }
    }
}

/// A scenario that needs a suspended product goes on with its others, and what leads to what is stopped loses nothing by it.
#[test]
fn i1_only_grants_that_stop_are_told_to_lose_access() {
    let town = town();
    town.put("sun", "Product", "company-again", &example("Product", "company-check")).expect("declared");
    let window = json!({"from": "2026-01-01", "until": "2028-01-01"});
    let scenario = json!({"unit": "bank", "title": "企业续约核验", "purpose": "industry", "mode": "scenario",
        "necessity": "仅核验", "needs": [{"product": "company-check", "operations": ["verify"]},
            {"product": "company-again", "operations": ["verify"]}],
        "window": window, "measures": ["专线接入"], "securityOfficer": "林望舒", "emergencyPlan": "bank-plan",
        "volume": {"callsPerDay": 20_000, "subjectsPerDay": 5_000}});
    town.open("wu", "Scenario", "renewal", &scenario);
    town.done("wu", "Scenario", "renewal", "submit");
    town.done("zhao", "Scenario", "renewal", "agree");
    town.act("zhou", "Scenario", "renewal", "opine", &json!({"favourable": true})).expect("opined");
    town.done("wang", "Scenario", "renewal", "approve");
    let agreement = json!({"unit": "bank", "scenarios": ["renewal"], "window": window,
        "parties": ["data-bureau", "yunze-data", "yunze-bank"],
        "split": [{"party": "data-bureau", "parts": 3_000}, {"party": "yunze-data", "parts": 7_000}],
        "securityOfficer": "林望舒", "scope": "企业身份核验"});
    town.open("wu", "Agreement", "bank-more", &agreement);
    town.done("wu", "Agreement", "bank-more", "submit");
    for who in ["wu", "sun", "wang"] {
        town.done(who, "Agreement", "bank-more", "sign");
    }
    for (name, product) in [("again-grant", "company-again"), ("renewal-grant", "company-check")] {
        let mut grant = grant("2026-02-01", "2027-01-01");
        (grant["scenario"], grant["agreement"]) = (json!("renewal"), json!("bank-more"));
        grant["product"] = json!(product);
        town.open("wu", "Grant", name, &grant);
        town.done("sun", "Grant", name, "issue");
    }
    let jurisdiction = shuzha_products::jurisdiction::pack("gansu").expect("known");
    let calendar = shuzha_products::jurisdiction::calendar().clone();
    town.plane.control.set_rules(Rules { jurisdiction, calendar }).expect("taken");
    town.operating("yunze-2026");
    let all = ["again-grant", "bank-grant", "renewal-grant"];
    let lost = |who: &str, case: &str, kind: &str, name: &str| {
        let done = town.put(who, "Suspension", case, &stop(kind, name));
        let done = done.unwrap_or_else(|error| panic!("{who} {kind}/{name}: {error:?}"));
        let mut losing: Vec<_> =
            done.consequences.losing.iter().map(|(grant, _)| grant.to_string()).collect();
        losing.sort();
        assert!(!done.consequences.losing_more);
        losing
    };
    for (case, who, kind, name, wanted) in [
        ("s1", "wang", "Product", "company-check", &["bank-grant", "renewal-grant"][..]),
        ("s2", "wang", "Product", "company-again", &["again-grant"]),
        ("s3", "wang", "Product", "person-check", &[]),
        ("s4", "wang", "Scenario", "onboarding", &["bank-grant"]),
        ("s5", "sun", "Scenario", "renewal", &["again-grant", "renewal-grant"]),
        ("s6", "wang", "ApplicationUnit", "bank", &all),
        ("s7", "sun", "ApplicationUnit", "bank", &all),
        ("s8", "wang", "DataSet", "enterprises", &all),
        ("s9", "wang", "DataSet", "population", &[]),
        ("s10", "wang", "Organisation", "yunze-data", &all),
        ("s11", "wang", "Organisation", "rival-data", &[]),
        ("s12", "wang", "OperatingAgreement", "yunze-2026", &all),
        ("s13", "wang", "Everything", "", &all),
    ] {
        assert_eq!(lost(who, case, kind, name), wanted, "{kind}/{name}");
    }
}

#[test]
fn i1_everything_needs_a_second_person_within_the_term_and_lapses_without() {
    let mut rules = Rules::default();
    rules.jurisdiction.emergency_hours = 6;
    let town = TestWorld::under(rules);
    town.open("wang", "Suspension", "stop-1", &stop("Everything", ""));
    assert!(in_force(&town.plane, "stop-1").is_some(), "at once, by one person");
    assert_eq!(
        code(town.act("wang", "Suspension", "stop-1", "confirm", &json!({}))),
        Code::C1105,
        "not by the same"
    );
    let due = town.plane.control.next_due().expect("answers").expect("a term");
    town.plane.clock.set(due.minus(Duration::from_secs(1)));
    assert_eq!(town.plane.control.tick().expect("answers"), 0);
    assert!(in_force(&town.plane, "stop-1").is_some(), "to the end of the term");
    town.plane.clock.set(due);
    assert_eq!(town.plane.control.tick().expect("answers"), 1);
    assert_eq!(town.state("Suspension", "stop-1"), "lapsed");
    assert!(in_force(&town.plane, "stop-1").is_none());
    assert_eq!(
        town.plane.gate.seen.lock().expect("answers").last().expect("told").removed,
        [("Suspension", id("stop-1"))]
    );
    // An act of time's own, and told.
    let history =
        town.plane.control.history(&by("wang"), "Suspension", &id("stop-1"), None, 0).expect("seen");
    assert!(history.items[0].by.is_none() && history.items[0].state.as_deref() == Some("lapsed"));
    let notices = town.plane.control.notices(&by("feng"), None, 0).expect("answers").items;
    assert_eq!(notices.iter().map(|notice| notice.what.as_str()).collect::<Vec<_>>(), ["lapsed"]);
    assert_eq!(
        code(town.act("feng", "Suspension", "stop-1", "confirm", &json!({}))),
        Code::C1007,
        "too late"
    );
    // Confirmed in time by another person, it lasts.
    town.open("wang", "Suspension", "stop-2", &stop("Everything", ""));
    town.done("feng", "Suspension", "stop-2", "confirm");
    town.plane.clock.set(due.plus(HOUR * 1_000));
    town.plane.control.tick().expect("answers");
    assert!(in_force(&town.plane, "stop-2").is_some());
}

/// An administrator or an operator stops at once; without the authority's word it ends.
#[test]
fn i1_every_unconfirmed_emergency_stop_ends_at_its_term() {
    let town = town();
    for (who, case, target) in [
        ("sun", "stop-a", stop("Product", "company-check")),
        ("sun", "stop-b", stop("ApplicationUnit", "bank")),
        ("root", "stop-c", stop("DataSet", "enterprises")),
    ] {
        town.open(who, "Suspension", case, &target);
    }
    town.done("wang", "Suspension", "stop-a", "confirm");
    town.plane.clock.set(town.plane.control.next_due().expect("answers").expect("a term").plus(HOUR * 24));
    town.plane.control.tick().expect("answers");
    let states = ["stop-a", "stop-b", "stop-c"].map(|case| town.state("Suspension", case));
    assert_eq!(states, ["in-force", "lapsed", "lapsed"]);
}

/// A stop of before such stops had a term gets one from the next start on.
#[test]
fn an_emergency_stop_of_an_older_version_gets_a_term_at_the_next_start() {
    let town = town();
    town.open("wang", "Suspension", "old", &stop("Everything", ""));
    town.plane.register.redate("Suspension", &id("old"), &[]).expect("as an older version left it");
    town.plane.clock.set(shuzha_core::Timestamp::from_seconds(1_775_000_000));
    let rules = town.plane.control.rules();
    town.plane.control.set_rules((*rules).clone()).expect("as at a start");
    let deadlines = town.plane.register.deadlines("Suspension", "old").expect("answers");
    let wanted = shuzha_core::Timestamp::from_seconds(1_775_000_000).plus(HOUR * 24);
    assert_eq!(
        deadlines.iter().map(|one| (one.what.as_str(), one.at)).collect::<Vec<_>>(),
        [("confirmation", wanted)]
    );
    town.plane.clock.set(wanted);
    town.plane.control.tick().expect("answers");
    assert_eq!(town.state("Suspension", "old"), "lapsed");
}

/// The stopped see what reaches them: reason, since when, until when; and whoever is not reached sees nothing.
#[test]
fn i1_a_suspended_unit_is_told_and_another_one_is_not() {
    let town = town();
    for (case, target) in [
        ("by-unit", stop("ApplicationUnit", "bank")),
        ("by-scenario", stop("Scenario", "onboarding")),
        ("by-product", stop("Product", "company-check")),
        ("by-data", stop("DataSet", "enterprises")),
    ] {
        town.open("root", "Suspension", case, &target);
    }
    let listed = |who: &str| -> Vec<String> {
        let page = town.plane.control.list(&by(who), "Suspension", &Query::default()).expect("answers");
        page.items.iter().map(|object| object.name.to_string()).collect()
    };
    assert_eq!(listed("wu"), ["by-data", "by-product", "by-scenario", "by-unit"]);
    assert!(listed("he").is_empty(), "another unit is not reached");
    let seen = town.plane.control.get(&by("wu"), "Suspension", &id("by-product")).expect("told");
    assert_eq!(seen.spec["reason"], "发现异常批量调用");
    let (state, details) = seen.state.expect("a case");
    assert!(state == "emergency" && details["since"].is_string(), "{details}");
    assert_eq!(seen.deadlines[0].what, "confirmation");
    let told = |who: &str| -> Vec<(String, String)> {
        let page = town.plane.control.notices(&by(who), None, 0).expect("answers");
        page.items.into_iter().map(|notice| (notice.what, notice.name.to_string())).collect()
    };
    assert_eq!(told("wu").len(), 4);
    assert_eq!(told("wu")[0], ("suspended".to_owned(), "by-data".to_owned()));
    assert!(told("he").is_empty());
    town.done("wang", "Suspension", "by-unit", "resume");
    assert_eq!(told("wu")[0], ("lifted".to_owned(), "by-unit".to_owned()));
    // Everything reaches everybody.
    town.open("wang", "Suspension", "all", &stop("Everything", ""));
    assert_eq!(listed("he"), ["all"]);
}

/// A stop waits for the one change that is being made: not for the rest of a pass of the scheduler, nor for a pool of callers.
#[test]
fn i1_a_stop_waits_for_one_change_however_many_wait() {
    let town = town();
    for (name, kind, target) in [
        ("lapses-1", "Product", "company-check"),
        ("lapses-2", "ApplicationUnit", "bank"),
        ("lapses-3", "Scenario", "onboarding"),
    ] {
        town.open("sun", "Suspension", name, &stop(kind, target));
    }
    let due = town.plane.control.next_due().expect("answers").expect("a term");
    town.plane.clock.set(due);
    let before = town.plane.register.revision().expect("answers");
    let ((reached, is_reached), (word, says)) = (mpsc::channel(), mpsc::channel());
    *town.plane.log.holds.lock().expect("answers") = Some((reached, says));
    let (town, control) = (&town, &town.plane.control);
    let stopped = std::thread::scope(|scope| {
        let pass = scope.spawn(|| control.tick());
        is_reached.recv().expect("the first deadline is under way");
        let callers: Vec<_> = (0..8_u32)
            .map(|number| {
                let body = shuzha_testkit_control::organisation("unit", 8_000 + number);
                scope.spawn(move || {
                    town.put("wang", "Organisation", &format!("waits-{number}"), &body).map(drop)
                })
            })
            .collect();
        while control.waiting() < 8 {
            std::thread::yield_now();
        }
        let stops = scope.spawn(|| town.put("wang", "Suspension", "stop-now", &stop("Everything", "")));
        while control.waiting() < 9 {
            std::thread::yield_now();
        }
        word.send(()).expect("it waits");
        assert_eq!(pass.join().expect("no panic").expect("passed"), 3);
        for caller in callers {
            caller.join().expect("no panic").expect("declared");
        }
        stops.join().expect("no panic").expect("stopped").revision
    });
    assert_eq!(stopped, before + 2, "right behind the one deadline that was under way");
}
