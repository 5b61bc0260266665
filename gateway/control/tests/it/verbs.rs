//! The verbs of cases, walked and done: at every step of every way of a case, who may do the next one by the access table, and
//! who sees the case. What the table should say is written down here anew.

use shuzha_control::Query;
use shuzha_core::Code;
use shuzha_products::case::KINDS;
use shuzha_testkit_control::{by, code, id};

use crate::access::{WALKERS, among, permitted};
use crate::ways::{TIME, Way, pass, ways};

/// Everybody but the registrar, who decides on objections.
const ANYBODY: &str = "wang zhou zheng tang auditor root subject zhao jiang sun rival wu he zhang";

/// Kind, verbs, who may. Others are refused by role or relation.
const VERBS: [(&str, &str, &str); 41] = [
    ("Scenario", "submit", "wu zhang"),
    ("Scenario", "agree decline", "zhao"),
    ("Scenario", "opine", "zhou"),
    ("Scenario", "approve reject return suspend resume terminate archive", "wang"),
    ("Scenario", "activate", "wang sun"),
    ("Scenario", "hand-over destroy", "sun wu zhang"),
    ("Agreement", "submit", "wu zhang"),
    ("Agreement", "sign return", "wang sun wu zhang zhao"),
    ("Agreement", "suspend resume terminate archive", "wang"),
    ("Agreement", "hand-over destroy", "sun wu zhang"),
    ("OperatingAgreement", "submit approve amend terminate archive", "wang"),
    ("OperatingAgreement", "file", "wang"),
    ("OperatingAgreement", "sign return", "wang sun zhao tang"),
    ("OperatingAgreement", "hand-over destroy", "sun"),
    ("Grant", "issue reject revoke", "wang sun"),
    ("EmergencyPlan", "submit", "wu zhang"),
    ("EmergencyPlan", "file return retire", "wang"),
    ("EmergencyPlan", "drill", "wang sun wu zhang"),
    ("ExitReview", "submit", "sun"),
    ("ExitReview", "opine", "wang zhou zhao sun"),
    ("ExitReview", "pass fail", "wang"),
    ("Ticket", "answer", "zhao"),
    ("Ticket", "object close", "wu zhang"),
    ("Ticket", "rule", "wang"),
    ("Suspension", "order reject confirm resume terminate", "wang"),
    ("Suspension", "report", "root OPENER wu zhang"),
    ("Suspension", "rectified", "OPENER wu zhang"),
    ("Registration", "submit withdraw change renew cancel", "sun"),
    ("Registration", "accept return refuse review approve reject resolve-objection revoke", "li"),
    ("Registration", "suspend resume", "wang li"),
    ("Registration", "object", ANYBODY),
    ("Registration", "correct", "wang auditor zhao sun tang"),
    ("PrivacyRefund", "submit", "wu zhang"),
    ("PrivacyRefund", "approve reject", "wang"),
    ("PrivacyRaise", "submit", "jiang"),
    ("PrivacyRaise", "agree", "zhao jiang"),
    ("PrivacyRaise", "approve reject", "wang"),
    ("SocialImport", "submit", "wu zhang"),
    ("SocialImport", "approve reject return", "wang"),
    ("SocialImport", "import", "sun"),
    ("SocialImport", "remove", "sun"),
];

/// Kind, who sees a case of it beside whoever supervises the whole.
const SEES: [(&str, &str); 12] = [
    ("Scenario", "zhou zhao sun tang wu zhang"),
    ("Agreement", "zhou zhao sun tang wu zhang"),
    ("OperatingAgreement", "zhao sun tang wu zhang"),
    ("Grant", "zhou zhao sun tang wu zhang"),
    ("EmergencyPlan", "sun wu zhang"),
    ("ExitReview", "zhou zhao sun tang"),
    ("Ticket", "zhao sun tang wu zhang"),
    ("Suspension", "root OPENER wu zhang"),
    ("Registration", "zhao sun tang"),
    ("PrivacyRefund", "zhou sun tang wu zhang"),
    ("PrivacyRaise", "zhou zhao jiang"),
    ("SocialImport", "zhao sun tang wu zhang"),
];

fn may(way: &Way, verb: &str) -> String {
    let mut rows =
        VERBS.iter().filter(|(kind, verbs, _)| *kind == way.kind && verbs.split(' ').any(|one| one == verb));
    let (.., who) = rows.next().unwrap_or_else(|| panic!("{} {verb} has no row", way.kind));
    assert!(rows.next().is_none(), "{} {verb} has one row", way.kind);
    // An operator reports on its own stop; whoever orders one does not report to themselves.
    who.replace("OPENER", if way.opener == "sun" { "sun" } else { "" })
}

fn sees(way: &Way) -> String {
    let (_, who) = SEES.iter().find(|(kind, _)| *kind == way.kind).expect("a row");
    // Whose case it is, sees it: colleagues too.
    let colleague = match way.opener {
        "wang" => "zhou",
        "sun" => "tang",
        _ => "",
    };
    format!("wang li auditor {} {colleague}", who.replace("OPENER", way.opener))
}

#[test]
fn a3_every_verb_of_a_case_is_done_by_whom_the_table_names_and_by_nobody_else() {
    // Activation takes a scenario and an agreement that is in force, an amendment the agreement that it amends.
    let mut met = vec![("Scenario", "activate"), ("OperatingAgreement", "amend")];
    for (at, way) in ways().into_iter().enumerate() {
        let name = format!("way-{at}");
        let town = way.begin(&name);
        let seen = sees(&way);
        for (who, verb, body) in &way.steps {
            if *who == TIME {
                pass(&town, body);
                continue;
            }
            let (who_may, before) = (may(&way, verb), town.plane.dump());
            for walker in WALKERS {
                let case = format!("{walker} {verb} {}/{name}", way.kind);
                let tried = way.take(&town, (walker, verb, body), &name, true);
                assert_eq!(permitted(&tried), among(&who_may, walker), "{case}: {tried:?}");
                let object = town.plane.control.get(&by(walker), way.kind, &id(&name));
                assert_eq!(object.is_ok(), among(&seen, walker), "{case}: sees it");
                if !among(&who_may, walker) {
                    let done = way.take(&town, (walker, verb, body), &name, false);
                    assert!(!permitted(&done), "{case}: {done:?}");
                }
            }
            assert_eq!(town.plane.dump(), before, "neither refusals nor trials change anything");
            let done = way.take(&town, (who, verb, body), &name, false);
            done.unwrap_or_else(|error| panic!("{who} {verb} {}/{name}: {error:?}", way.kind));
            met.push((way.kind, verb));
        }
        let listed = |walker: &str| {
            let page =
                town.plane.control.list(&by(walker), way.kind, &Query { limit: 200, ..Query::default() });
            page.expect("answers").items.iter().any(|object| object.name == id(&name))
        };
        for walker in WALKERS {
            assert_eq!(listed(walker), among(&seen, walker), "{walker} lists {}/{name}", way.kind);
        }
    }
    for case in KINDS {
        for verb in case.verbs {
            assert!(met.contains(&(case.kind, verb.name)), "{} {} was not done", case.kind, verb.name);
        }
    }
}

#[test]
fn a3_a_scenario_is_activated_by_whom_the_table_names_and_by_nobody_else() {
    let town = shuzha_testkit_control::TestWorld::authorised();
    let body = serde_json::json!({"agreement": "bank-2026"});
    for walker in WALKERS {
        let done = town.act(walker, "Scenario", "onboarding", "activate", &body);
        assert_eq!(permitted(&done), among("wang sun", walker), "{walker}: {done:?}");
        if walker == "sun" {
            assert_eq!(code(done), Code::C1007, "done already");
        }
    }
    assert_eq!(town.state("Scenario", "onboarding"), "active");
}
