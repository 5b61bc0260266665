//! Every verb of every case, done twice by the same person with the same words: the second time it is refused, or changes
//! nothing of the state, its times included.

use std::time::Duration;

use serde_json::json;
use shuzha_control::Rules;
use shuzha_products::case::KINDS;
use shuzha_products::jurisdiction::{calendar, pack};
use shuzha_testkit_control::TestWorld;

use crate::ways::{TIME, pass, ways};

fn state(town: &TestWorld, kind: &str, name: &str) -> String {
    let object = town.plane.register.get(kind, name).expect("answers").expect("there");
    object.state.expect("a case").json
}

fn activated_twice() {
    let town = TestWorld::authorised();
    let body = json!({"agreement": "bank-2026"});
    town.act("sun", "Scenario", "onboarding", "activate", &body).expect("once");
    let kept = town.plane.dump();
    let again = town.act("sun", "Scenario", "onboarding", "activate", &body);
    assert_eq!(shuzha_testkit_control::code(again), shuzha_core::Code::C1007);
    assert_eq!(town.plane.dump(), kept);
}

fn amended_twice() {
    let town = TestWorld::authorised();
    let rules = Rules { jurisdiction: pack("gansu").expect("known"), calendar: calendar().clone() };
    town.plane.control.set_rules(rules).expect("taken");
    town.operating("yunze-2026");
    let mut other = shuzha_testkit_control::operating_agreement("2026-01-01", "2029-01-01");
    other["amends"] = "yunze-2026".into();
    town.open("wang", "OperatingAgreement", "yunze-2026-b", &other);
    for (who, verb) in [("wang", "submit"), ("feng", "approve"), ("wang", "sign"), ("sun", "sign")] {
        town.done(who, "OperatingAgreement", "yunze-2026-b", verb);
    }
    let body = json!({"agreement": "yunze-2026-b"});
    town.act("feng", "OperatingAgreement", "yunze-2026", "amend", &body).expect("once");
    let kept = town.plane.dump();
    let again = town.act("feng", "OperatingAgreement", "yunze-2026", "amend", &body);
    assert_eq!(shuzha_testkit_control::code(again), shuzha_core::Code::C1007);
    assert_eq!(town.plane.dump(), kept);
}

#[test]
fn every_verb_done_twice_is_refused_or_changes_nothing() {
    // Activation names an agreement about the scenario itself, and an amendment another agreement, which takes two cases.
    let mut met: Vec<(&str, &str)> = vec![("Scenario", "activate"), ("OperatingAgreement", "amend")];
    activated_twice();
    amended_twice();
    for (at, way) in ways().into_iter().enumerate() {
        let name = format!("twice-{at}");
        let town = way.begin(&name);
        for (who, verb, body) in &way.steps {
            if *who == TIME {
                pass(&town, body);
                continue;
            }
            let done = way.take(&town, (who, verb, body), &name, false);
            done.unwrap_or_else(|error| panic!("{who} {verb} {}/{name}: {error:?}", way.kind));
            met.push((way.kind, verb));
            let (before, kept) = (state(&town, way.kind, &name), town.plane.dump());
            town.plane.clock.advance(Duration::from_secs(7));
            let again = way.take(&town, (who, verb, body), &name, false);
            assert_eq!(state(&town, way.kind, &name), before, "{who} {verb} {} twice", way.kind);
            assert!(again.is_ok() || town.plane.dump() == kept, "a refusal changes nothing");
        }
    }
    for case in KINDS {
        for verb in case.verbs {
            assert!(met.contains(&(case.kind, verb.name)), "{} {} was not tried", case.kind, verb.name);
        }
    }
}

#[test]
fn an_agreement_is_signed_once_by_each_party_and_the_time_stays() {
    let town = TestWorld::authorised();
    let spec = town.plane.register.get("Agreement", "bank-2026").expect("answers").expect("there").spec;
    town.open("wu", "Agreement", "second", &serde_json::from_str(&spec).expect("JSON"));
    town.done("wu", "Agreement", "second", "submit");
    town.done("wu", "Agreement", "second", "sign");
    let (before, kept) = (state(&town, "Agreement", "second"), town.plane.dump());
    town.plane.clock.advance(Duration::from_secs(60));
    for who in ["wu", "zhang"] {
        let again = town.act(who, "Agreement", "second", "sign", &json!({}));
        assert_eq!(shuzha_testkit_control::code(again), shuzha_core::Code::C1007, "{who}");
    }
    assert_eq!(state(&town, "Agreement", "second"), before);
    assert_eq!(town.plane.dump(), kept);
}
