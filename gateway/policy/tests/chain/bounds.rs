//! One caller cannot shut the others out: each unit's tables are its own, what is over a credential's pace is noted nowhere, and
//! whoever is nobody's unit leaves counts and no records.

use std::collections::BTreeMap;
use std::time::Duration;

use shuzha_core::{Clock as _, Code};
use shuzha_evidence::{Decision, Entry};
use shuzha_policy::{Bounds, Payload, Reply};

use crate::calls::{Ask, Sign};
use crate::gateway::{Plan, TestGateway, counted, outcome};
use crate::upstream::Fake;

fn bounded(change: impl FnOnce(&mut Bounds)) -> TestGateway {
    let mut bounds = Bounds::default();
    change(&mut bounds);
    TestGateway::planned(Plan { bounds, ..Plan::default() })
}

fn bank() -> Ask {
    Ask::new("bank-1", "company-check", "verify", "bank-onboarding")
}

/// A call of another unit. It is refused for want of a grant, which is asked after the nonce was noted.
fn charity() -> Ask {
    Ask::new("charity-1", "company-check", "verify", "charity-aid")
}

fn retry_after(reply: &Reply<()>) -> Option<Duration> {
    match &reply.payload {
        Payload::Refused(refusal) => refusal.retry_after,
        _ => None,
    }
}

/// Refusals that the journal counts, by code.
async fn counts(house: &TestGateway) -> BTreeMap<Code, u64> {
    let mut counts = BTreeMap::new();
    for record in house.records().await {
        if let Entry::RefusalCount(one) = record.entry().expect("an entry") {
            *counts.entry(one.code).or_default() += one.count;
        }
    }
    counts
}

#[tokio::test]
async fn a_unit_at_its_bound_of_idempotency_keys_is_told_so_and_goes_on_without() {
    let house = bounded(|bounds| bounds.idempotency_keys_per_unit = 3);
    let fake = Fake::new([]);
    for n in 0..3 {
        let keyed = bank().with("idempotency-key", &format!("key-{n}"));
        assert_eq!(outcome(&house.call(&keyed, &fake).await), "answered");
    }
    let refused = house.call(&bank().with("idempotency-key", "key-3"), &fake).await;
    assert_eq!((outcome(&refused).as_str(), refused.status), ("C097", 429));
    assert_eq!(retry_after(&refused), Some(Duration::from_hours(24)));
    let known = house.call(&bank().with("idempotency-key", "key-1"), &fake).await;
    assert_eq!(outcome(&known), "replayed", "what was answered stays answered");
    assert_eq!(outcome(&house.call(&bank(), &fake).await), "answered", "without a key it goes on");
    let trial = Ask::new("bank-sandbox", "company-check", "verify", "bank-onboarding");
    let trial = trial.with("idempotency-key", "key-9");
    assert_ne!(outcome(&house.call(&trial, &fake).await), "C097", "keys of the sandbox are apart");
    house.clock.advance(Duration::from_hours(25));
    let later = house.call(&bank().with("idempotency-key", "key-4"), &fake).await;
    assert_eq!(outcome(&later), "answered", "a day later the oldest have made room");
}

#[tokio::test]
async fn a_unit_at_its_bound_of_nonces_is_refused_alone() {
    let house = bounded(|bounds| bounds.nonces_per_unit = 5);
    let fake = Fake::new([]);
    for _ in 0..5 {
        assert_eq!(outcome(&house.call(&bank(), &fake).await), "answered");
    }
    let refused = house.call(&bank(), &fake).await;
    assert_eq!((outcome(&refused).as_str(), refused.status), ("C111", 429));
    assert!(retry_after(&refused).is_some());
    assert_eq!(outcome(&house.call(&charity(), &fake).await), "answered", "another unit goes on");
    house.clock.advance(Duration::from_secs(2_400));
    assert_eq!(outcome(&house.call(&bank(), &fake).await), "answered");
}

/// The pace is asked before the nonce is noted: the same request passes once its time has come.
#[tokio::test]
async fn a_credential_over_its_pace_notes_nothing() {
    let house = bounded(|bounds| bounds.signed_requests_per_second = 5);
    let fake = Fake::new([]);
    for _ in 0..10 {
        assert_eq!(outcome(&house.call(&bank(), &fake).await), "answered");
    }
    let again = Ask { nonce: Some("sent-too-early".to_owned()), ..bank() };
    let refused = house.call(&again, &fake).await;
    assert_eq!((outcome(&refused).as_str(), refused.status), ("C110", 429));
    assert_eq!(retry_after(&refused), Some(Duration::from_millis(200)));
    assert_eq!(
        outcome(&house.call(&charity(), &fake).await),
        "answered",
        "another credential has its own pace"
    );
    house.clock.advance(Duration::from_millis(200));
    assert_eq!(outcome(&house.call(&again, &fake).await), "answered");
    house.gate.stop_counting();
    assert_eq!(counts(&house).await, BTreeMap::from([(Code::C110, 1)]), "and it has no record of its own");
}

/// Security 7, logic H9: each was a record for good, 82,000 a second from one host.
#[tokio::test]
async fn refusals_of_strangers_are_counted_by_code_and_minute() {
    let house = TestGateway::new();
    let fake = Fake::new([]);
    let unsigned = Ask { sign: Sign::None, ..bank() };
    let forged = Ask { sign: Sign::Wrong, ..bank() };
    let unknown = Ask::new("stranger", "company-check", "verify", "bank-onboarding");
    for _ in 0..300 {
        assert_eq!(outcome(&house.call(&unsigned, &fake).await), "C101");
        assert_eq!(outcome(&house.call(&forged, &fake).await), "C103");
        assert_eq!(outcome(&house.call(&unknown, &fake).await), "C103");
        house.gate.refused_at_edge(Code::C006);
    }
    assert_eq!(counted(&house.records().await), (0, 0), "none has a record of its own");
    assert!(counts(&house).await.is_empty(), "the minute is not over");
    house.clock.advance(Duration::from_mins(1));
    house.gate.keep_up();
    let expected = BTreeMap::from([(Code::C006, 300), (Code::C101, 300), (Code::C103, 600)]);
    assert_eq!(counts(&house).await, expected);
    let records = house.records().await;
    let entries = records.iter().filter(|record| matches!(record.entry(), Ok(Entry::RefusalCount(_))));
    assert_eq!(entries.count(), 3, "one for each code");
    assert_eq!(outcome(&house.call(&unsigned, &fake).await), "C101");
    house.gate.stop_counting();
    assert_eq!(counts(&house).await[&Code::C101], 301, "what is counted is written when the gate stops");
    // Whatever reads journals goes on over them.
    assert_eq!(house.state().await.reached.seq, house.gate.journal().durable_seq());
}

/// A signed request that is sent again and again needs no key: it does not fill the journal either.
#[tokio::test]
async fn replays_of_one_request_are_recorded_up_to_a_pace_and_counted_beyond() {
    let house = TestGateway::new();
    let fake = Fake::new([]);
    let once = Ask { nonce: Some("only-once-1".to_owned()), ..bank() };
    assert_eq!(outcome(&house.call(&once, &fake).await), "answered");
    for _ in 0..500 {
        assert_eq!(outcome(&house.call(&once, &fake).await), "C105");
    }
    house.gate.stop_counting();
    let records = house.records().await;
    let recorded = records.iter().filter(|record| match record.entry() {
        Ok(Entry::Call(call)) => call.decision == Decision::Refused,
        _ => false,
    });
    let recorded = recorded.count() as u64;
    assert!((1..=20).contains(&recorded), "{recorded}");
    assert_eq!(counts(&house).await, BTreeMap::from([(Code::C105, 500 - recorded)]), "none is lost");
}

#[tokio::test]
async fn a_head_alone_tells_what_a_request_may_weigh() {
    let house = TestGateway::new();
    let weigh = |ask: &Ask| {
        let sent = ask.send(house.clock.now());
        let inbound = sent.inbound();
        let weight = house.gate.weigh(inbound.path, inbound.headers, inbound.peer);
        (weight.identified, weight.takes_body)
    };
    assert_eq!(weigh(&bank()), (true, true));
    let standard = Ask::new("bank-ed25519", "company-check", "verify", "bank-onboarding");
    assert_eq!(weigh(&standard), (true, true), "a credential of the standard profile");
    assert_eq!(weigh(&Ask { sign: Sign::Wrong, ..bank() }), (true, true), "nothing is proven by it");
    assert_eq!(weigh(&Ask { sign: Sign::None, ..bank() }), (false, true));
    assert_eq!(weigh(&Ask::new("stranger", "company-check", "verify", "x")), (false, true));
    assert!(weigh(&Ask::new("bank-1", "enterprise-list", "download", "x")).0);
    assert_eq!(weigh(&Ask::new("bank-1", "nowhere", "verify", "x")), (true, false));
}

/// What an operation declares of the body it takes is known before a byte of it is read, and holds for what reaches the gate.
#[tokio::test]
async fn an_operation_takes_bodies_of_the_size_it_declares() {
    let house = TestGateway::new();
    let weigh = |product: &str, operation: &str| {
        let sent = Ask::new("bank-1", product, operation, "x").send(house.clock.now());
        let inbound = sent.inbound();
        house.gate.weigh(inbound.path, inbound.headers, inbound.peer).body_bytes_max
    };
    assert_eq!(weigh("ward-report-b", "query"), Some(2 << 10));
    assert_eq!(weigh("ward-report-b", "query:plan"), Some(2 << 10), "to plan is to ask the same");
    assert_eq!(weigh("ward-report-a", "query"), None, "whatever the node takes");
    assert_eq!(weigh("nowhere", "query"), None);
}

/// As long as `docs/guide-caller.md` says, and no longer.
#[tokio::test]
async fn an_idempotency_key_has_at_most_the_documented_length() {
    let house = TestGateway::new();
    let fake = Fake::new([]);
    for (length, expected) in [(1, "answered"), (128, "answered"), (129, "C009"), (0, "C009")] {
        let ask = bank().with("idempotency-key", &"k".repeat(length));
        assert_eq!(outcome(&house.call(&ask, &fake).await), expected, "{length}");
    }
}
