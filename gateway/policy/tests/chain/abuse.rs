//! Abnormal use through the whole chain: noticed, slowed down, stopped, remembered, and ended by the usual way.

use std::time::Duration;

use shuzha_evidence::{ActKind, Entry};
use shuzha_policy::{Payload, Reply};
use shuzha_privacy::subject::{CanonicalId, HmacSha256Prf, IdKind, Pseudonymiser};

use crate::calls::{Ask, COMPANY, PSEUDONYM_KEY};
use crate::gateway::{Plan, TestGateway, outcome};
use crate::upstream::{Fake, MISS, MISSES_NOTICED, Say};
use crate::world;

/// Another company of good form.
const OTHER: &str = "91350100M000100Y43";

fn company() -> Ask {
    Ask::new("bank-1", "company-check", "verify", "bank-onboarding")
}

async fn miss(house: &TestGateway) -> String {
    outcome(&house.call(&company(), &Fake::new([Say::Json(200, MISS)])).await)
}

/// Guesses until the scenario is slow.
async fn guess(house: &TestGateway) {
    for _ in 0..MISSES_NOTICED {
        assert_eq!(miss(house).await, "answered");
    }
}

fn retry_after(reply: &Reply<()>) -> Option<Duration> {
    match &reply.payload {
        Payload::Refused(refusal) => refusal.retry_after,
        _ => None,
    }
}

/// The acts of the journal about abnormal use: what, which signal, of what.
pub(crate) async fn acts(house: &TestGateway) -> Vec<(ActKind, String, String)> {
    let records = house.records().await;
    let act = |record: &shuzha_journal::RawRecord| match record.entry().expect("an entry") {
        Entry::Act(act) if act.kind != ActKind::Resumed => {
            Some((act.kind, act.actor.to_owned(), act.object.to_owned()))
        }
        _ => None,
    };
    let of_use = |kind: ActKind| {
        matches!(kind, ActKind::UseAlarmed | ActKind::UseSlowed | ActKind::UseStopped | ActKind::UseResumed)
    };
    records.iter().filter_map(act).filter(|(kind, ..)| of_use(*kind)).collect()
}

#[tokio::test]
async fn e7_guessing_is_slowed_then_stopped_and_survives_a_restart() {
    let house = TestGateway::new();
    guess(&house).await;
    let slow = house.call(&company(), &Fake::new([])).await;
    assert_eq!((outcome(&slow).as_str(), slow.status), ("C504", 429));
    assert_eq!(retry_after(&slow), Some(Duration::from_secs(5)));
    // Other scenarios of the unit go on.
    let other = Ask::new("bank-1", "credit-score", "score", "bank-credit");
    assert_eq!(outcome(&house.call(&other, &Fake::new([])).await), "answered");
    let house = house.killed();
    assert_eq!(miss(&house).await, "answered", "slow after the restart too: one call, then a wait");
    assert_eq!(miss(&house).await, "C504");
    let mut calls = 1;
    while calls < MISSES_NOTICED {
        house.clock.advance(Duration::from_secs(5));
        assert_eq!(miss(&house).await, "answered");
        calls += 1;
    }
    house.clock.advance(Duration::from_secs(5));
    assert_eq!(miss(&house).await, "C208", "stopped");
    let stopped = house.gate.stopped_scenarios();
    assert_eq!(stopped.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["bank-onboarding"]);
    let expected = [(ActKind::UseSlowed, "abuse-misses"), (ActKind::UseStopped, "abuse-misses")];
    let found = acts(&house).await;
    let found: Vec<_> = found.iter().map(|(kind, actor, object)| (*kind, &**actor, &**object)).collect();
    assert_eq!(found, expected.map(|(kind, actor)| (kind, actor, "bank-onboarding")));
    let house = house.without_power();
    assert_eq!(miss(&house).await, "C208", "and stays so");

    // Whoever is responsible takes it over by a suspension, and ends it by lifting that.
    house.gate.install(world::snapshot(""));
    assert_eq!(miss(&house).await, "C208", "a reload ends no stop");
    house.gate.install(world::snapshot(&world::suspension("Scenario", "bank-onboarding")));
    house.gate.install(world::snapshot(""));
    assert_eq!(miss(&house).await, "answered");
    assert_eq!(acts(&house).await.last().expect("an act").0, ActKind::UseResumed);
    let house = house.killed();
    assert_eq!(miss(&house).await, "answered", "and is forgotten");
}

/// A call that was under way when its scenario was stopped does not leave.
#[tokio::test]
async fn e7_a_stop_holds_back_what_is_under_way() {
    let house = TestGateway::new();
    guess(&house).await;
    let waiting = Fake::new([Say::Wait(MISS)]);
    house.clock.advance(Duration::from_secs(5));
    let ask = company();
    let (reply, ()) = tokio::join!(house.call(&ask, &waiting), async {
        waiting.arrived().await;
        for _ in 0..MISSES_NOTICED {
            house.clock.advance(Duration::from_secs(5));
            assert_eq!(miss(&house).await, "answered");
        }
        waiting.go();
    });
    assert_eq!(outcome(&reply), "C903");
}

/// The tag of `company` as a canary of `product`.
fn canary(product: &str, company: &str) -> String {
    let subject = CanonicalId::new(IdKind::Organisation, company).expect("of good form");
    let prf = HmacSha256Prf::new("local-1", &PSEUDONYM_KEY);
    let product = shuzha_core::Id::new(product).expect("a name");
    Pseudonymiser::new(prf).canary(&product, &subject).to_string()
}

/// A world in which company-check has the canary `tag`.
fn with_canary(tag: &str) -> shuzha_policy::Snapshot {
    let subject = "subject: {kind: organisation, pointer: /uscc}";
    let declared = format!("{subject}\n      canaries: [\"{tag}\"]");
    world::changed("products-verification", subject, &declared)
}

#[tokio::test]
async fn e7_a_canary_alarms_at_once_and_again_stops() {
    let house = TestGateway::new();
    house.gate.install(with_canary(&canary("company-check", OTHER)));
    let body = |uscc: &str| format!(r#"{{"uscc":"{uscc}","name":"某某"}}"#);
    for _ in 0..3 {
        let plain = company().body(&body(COMPANY.0));
        assert_eq!(outcome(&house.call(&plain, &Fake::new([])).await), "answered");
    }
    assert_eq!(acts(&house).await, []);
    let probe = company().body(&body(OTHER));
    assert_eq!(outcome(&house.call(&probe, &Fake::new([])).await), "C504", "this very call is slow already");
    assert_eq!(outcome(&house.call(&probe, &Fake::new([])).await), "C504");
    assert_eq!(outcome(&house.call(&probe, &Fake::new([])).await), "C208");
    let found = acts(&house).await;
    let kinds: Vec<_> = found.iter().map(|(kind, actor, _)| (*kind, &**actor)).collect();
    assert_eq!(kinds, [(ActKind::UseSlowed, "abuse-canary"), (ActKind::UseStopped, "abuse-canary")]);
    // The same company is no canary of another product: tags do not carry over.
    assert_ne!(canary("company-check", OTHER), canary("company-profile", OTHER));
}

/// Issue 14, section 4: canaries on a blinded list. A hit is known to whoever asked alone; what they do with it is seen, whatever product they
/// ask, and until the list goes.
#[tokio::test]
async fn e8_an_entry_of_a_blinded_list_that_is_nobody_alarms_wherever_it_is_asked_about() {
    let house = TestGateway::new();
    let list = "elementsPerEpoch: 1000\n";
    let declared = format!("{list}      canaries: [\"{}\"]\n", canary("toy-match", OTHER));
    house.gate.install(world::with(&[(list, &declared)]));
    let profile = |uscc: &str| {
        Ask::new("bank-1", "company-profile", "lookup", "bank-credit")
            .body(&format!(r#"{{"uscc":"{uscc}"}}"#))
    };
    assert_eq!(outcome(&house.call(&profile(COMPANY.0), &Fake::new([])).await), "answered");
    let noticed =
        |acts: &[(ActKind, String, String)]| acts.iter().any(|(_, signal, _)| signal == "abuse-canary");
    assert!(!noticed(&acts(&house).await));
    assert_eq!(outcome(&house.call(&profile(OTHER), &Fake::new([])).await), "C504");
    assert!(noticed(&acts(&house).await));
    let house = TestGateway::new();
    assert_eq!(
        outcome(&house.call(&profile(OTHER), &Fake::new([])).await),
        "answered",
        "another list, no canary"
    );
}

#[tokio::test]
async fn e7_a_model_asked_along_a_grid_is_slowed() {
    let house = TestGateway::new();
    let ask = Ask::new("bank-1", "credit-score", "score", "bank-credit");
    let body: serde_json::Value = serde_json::from_slice(&ask.body).expect("JSON");
    let mut ends = Vec::new();
    for age in 20..40 {
        let mut body = body.clone();
        body["age"] = age.into();
        ends.push(outcome(&house.call(&ask.clone().body(&body.to_string()), &Fake::new([])).await));
    }
    let slow = ends.iter().position(|end| end == "C504");
    assert_eq!(slow, Some(7), "{ends:?}");
    assert_eq!(acts(&house).await[0].1, "abuse-probing");
    // The same input again and again gives nothing away.
    let house = TestGateway::new();
    for _ in 0..30 {
        assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered");
    }
}

#[tokio::test]
async fn i3_repeated_refusals_and_drifting_answers_are_alarmed() {
    let house = TestGateway::new();
    let nowhere = Ask::new("bank-1", "nowhere", "verify", "bank-onboarding");
    for _ in 0..61 {
        assert_eq!(outcome(&house.call(&nowhere, &Fake::new([])).await), "C201");
    }
    // The usual answer of the lookup holds a leaf that no contract lists: an alarm once an hour.
    let lookup = Ask::new("bank-1", "company-profile", "lookup", "bank-credit");
    for _ in 0..3 {
        assert_eq!(outcome(&house.call(&lookup, &Fake::new([])).await), "answered");
    }
    let alarmed = |actor: &str, object: &str| (ActKind::UseAlarmed, actor.to_owned(), object.to_owned());
    let expected = [alarmed("abuse-refusals", "bank"), alarmed("abuse-drift", "company-profile")];
    assert_eq!(acts(&house).await, expected);
    house.clock.advance(Duration::from_hours(1));
    assert_eq!(outcome(&house.call(&lookup, &Fake::new([])).await), "answered");
    assert_eq!(acts(&house).await.len(), 3);
}

/// Independent clients A8: 376 acts in 45 seconds, each kept for good.
#[tokio::test]
async fn i3_alarms_about_one_unit_are_one_act_an_hour_and_the_next_says_how_many_they_were() {
    let house = TestGateway::new();
    let nowhere = Ask::new("bank-1", "nowhere", "verify", "bank-onboarding");
    let refuse = async |times: usize| {
        for _ in 0..times {
            assert_eq!(outcome(&house.call(&nowhere, &Fake::new([])).await), "C201");
        }
    };
    refuse(61 * 10).await;
    assert_eq!(acts(&house).await.len(), 1, "ten alarms, one act");
    house.clock.advance(Duration::from_hours(1));
    refuse(61).await;
    let records = house.records().await;
    let alarms: Vec<_> = records
        .iter()
        .filter_map(|record| match record.entry().expect("an entry") {
            Entry::Act(act) if act.kind == ActKind::UseAlarmed => Some(act.target.to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(alarms, ["", "folded:9"]);
}

/// A hit in the sandbox tells nothing of real people, so nothing there is watched.
#[tokio::test]
async fn e7_trials_are_not_watched() {
    let house = TestGateway::planned(Plan::default());
    let trial = Ask::new("bank-sandbox", "company-profile", "lookup", "bank-credit");
    for _ in 0..20 {
        house.call(&trial, &Fake::new([])).await;
    }
    assert_eq!(acts(&house).await, []);
}
