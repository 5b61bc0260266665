//! Every verb in every situation: the next state, or the code it is refused with.

use std::fmt::Write;

use super::*;

const EXPECTED: &str = include_str!("matrix.txt");
/// Inside the renewal window of what was certified on 2025-10-22 for three years.
const NOW: &str = "2028-10-01";

fn commands() -> Vec<(&'static str, Command)> {
    let change = Command::Change { content: new_content("2030-01-01"), of: Changed::Data, since: day(NOW) };
    vec![
        ("submit", Command::Submit(None)),
        ("withdraw", Command::Withdraw),
        ("accept", Command::Accept),
        ("return", Command::Return(vec!["材料".to_owned()])),
        ("refuse", Command::Refuse),
        ("review", Command::Review { passed: true }),
        ("approve", Command::Approve),
        ("reject", Command::Reject { ground: "duplicate" }),
        ("object", Command::Object { proof: "0".repeat(64), against: None }),
        ("resolve-objection", Command::Resolve { number: 1, outcome: ObjectionOutcome::Uphold }),
        ("change", change),
        ("correct", Command::Correct(new_content("2030-01-01"))),
        ("renew", Command::Renew),
        ("cancel", Command::Cancel { ground: "waived" }),
        ("suspend", Command::Suspend),
        ("resume", Command::Resume),
        ("revoke", Command::Revoke { ground: "fraud" }),
        ("(publicity over)", Command::Certify),
        ("(expiry)", Command::Expire),
    ]
}

fn command(name: &str) -> Command {
    let found = commands().into_iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("{name}")).1
}

/// Every situation, each reached by acts of its own.
fn situations() -> Vec<(&'static str, Desk)> {
    let run = |mut desk: Desk, at: &str, verbs: &[&str]| {
        for verb in verbs {
            desk.run(at, command(verb)).unwrap_or_else(|code| panic!("{verb}: {code}"));
        }
        desk
    };
    let first = |verbs: &[&str]| run(Desk::new("gansu", "2030-01-01"), "2028-09-28", verbs);
    let after = |verbs: &[&str]| run(certified("2030-01-01"), "2028-09-28", verbs);
    let approved: &[&str] = &["submit", "accept", "review", "approve"];
    let mut expired = certified("2026-06-01");
    expired.run("2026-06-01", Command::Expire).expect("expired");
    vec![
        ("draft", first(&[])),
        ("submitted", first(&["submit"])),
        ("returned", first(&["submit", "return"])),
        ("submitted, notice given", first(&["submit", "return", "submit"])),
        ("accepted", first(&["submit", "accept"])),
        ("in-review", first(&approved[..3])),
        ("publicity", first(approved)),
        ("objected in publicity", first(&[approved, &["object"]].concat())),
        ("certified", after(&[])),
        ("changing, submitted", after(&["change"])),
        ("changing, returned", after(&["change", "return"])),
        ("changing, in-review", after(&["change", "accept", "review"])),
        ("changing, publicity", after(&["change", "accept", "review", "approve"])),
        ("correcting, in-review", after(&["correct", "accept", "review"])),
        ("renewing, in-review", after(&["renew", "accept", "review"])),
        ("cancelling, in-review", after(&["cancel", "accept", "review"])),
        ("suspended", after(&["suspend"])),
        ("objected", after(&["object"])),
        ("withdrawn", first(&["submit", "withdraw"])),
        ("refused", first(&["submit", "refuse"])),
        ("rejected", first(&["submit", "accept", "review", "reject"])),
        ("cancelled", after(&["cancel", "accept", "review", "approve"])),
        ("expired", expired),
        ("revoked", after(&["revoke"])),
    ]
}

/// The console offers what the machine would take, and nothing else.
#[test]
fn b2_a_verb_is_offered_exactly_where_it_is_taken() {
    for (situation, desk) in situations() {
        for verb in VERBS {
            let tried = |command: Command| {
                let mut desk =
                    Desk { case: desk.case.clone(), rules: desk.rules.clone(), state: desk.state.clone() };
                desk.run(NOW, command).is_ok()
            };
            let (actor, at) = (actor(), day(NOW));
            let trial = desk.case.trial(verb.name, &desk.state, &act(&desk.rules, &actor, at));
            let offered = tried(trial.unwrap_or_else(|| command(verb.name)));
            // The same finding or objection a second time is none; another one is.
            let other = match verb.name {
                "review" => tried(Command::Review { passed: false }),
                "object" => tried(Command::Object { proof: "1".repeat(64), against: None }),
                _ => false,
            };
            assert_eq!(offered, tried(command(verb.name)) || other, "{situation}: {}", verb.name);
        }
    }
}

#[test]
fn b2_every_verb_in_every_state_does_what_the_matrix_says() {
    let mut found = String::new();
    let mut names = Vec::new();
    for (situation, desk) in situations() {
        names.push(desk.state.name());
        writeln!(found, "{situation}").expect("a string takes text");
        for (verb, command) in commands() {
            let mut desk =
                Desk { case: desk.case.clone(), rules: desk.rules.clone(), state: desk.state.clone() };
            let next = match desk.run(NOW, command) {
                Ok(next) => desk.state.step().map_or(next.to_owned(), |step| format!("{next} ({step:?})")),
                Err(code) => code.to_string(),
            };
            writeln!(found, "  {verb} → {next}").expect("a string takes text");
        }
    }
    assert!(Registration::STATES.iter().all(|state| names.contains(state)), "{names:?}");
    assert!(names.iter().all(|name| Registration::STATES.contains(name)), "{names:?}");
    let verbs: Vec<_> = commands().into_iter().map(|(verb, _)| verb).collect();
    assert!(VERBS.iter().all(|verb| verbs.contains(&verb.name)));
    assert!(found == EXPECTED, "the machine differs from tests/matrix.txt; it does now:\n{found}");
}
