//! Law 5: no personal data at rest. What the journal and its disk hold after a call says nothing about whom it was.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use std::sync::Arc;
use std::time::Duration;

use shuzha_core::{Id, Timestamp};
use shuzha_policy::UpstreamFault;
use shuzha_privacy::subject::{CanonicalId, IdKind};

use crate::calls::{Ask, PERSON};
use crate::gateway::{Periods, Plan, TestGateway, counted, decision, last_call, outcome};
use crate::upstream::{CONSISTENT, Fake, Say};

/// `secret` as it might be written: plain, reversed, in hex, in base64 (at each of the three alignments).
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex: String = shuzha_core::hex::encode(bytes);
    let mut all = vec![
        bytes.to_vec(),
        bytes.iter().rev().copied().collect(),
        secret.chars().rev().collect::<String>().into_bytes(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
        BASE64_STANDARD.encode(bytes).into_bytes(),
    ];
    for skip in 0..3.min(bytes.len()) {
        // Whole groups only, so that what stands around does not change the letters.
        let whole = &bytes[skip..skip + (bytes.len() - skip) / 3 * 3];
        all.push(BASE64_STANDARD_NO_PAD.encode(whole).into_bytes());
        all.push(BASE64_URL_SAFE_NO_PAD.encode(whole).into_bytes());
    }
    all
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    needle.len() >= 4 && haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn the_search_finds_what_it_looks_for() {
    for spelling in spellings(PERSON.0) {
        assert!(holds(&[b"xx", &*spelling, b"yy"].concat(), &spelling));
    }
    let inside = BASE64_STANDARD.encode(format!("a{}z", PERSON.0));
    assert!(spellings(PERSON.0).iter().any(|spelling| holds(inside.as_bytes(), spelling)));
}

#[tokio::test]
async fn no_record_holds_an_identifier_a_name_a_token_or_an_answer() {
    let house = TestGateway::new();
    let consent = house.consent(PERSON.0, "bank", 9);
    let ask = Ask::new("bank-1", "person-check", "verify", "bank-onboarding")
        .with("x-consent", &consent.token)
        .with("idempotency-key", PERSON.0);
    let cases: [(Ask, Say, &str); 6] = [
        (ask.clone(), Say::Json(200, CONSISTENT), "answered"),
        (ask.clone(), Say::Json(200, CONSISTENT), "replayed"),
        (
            Ask { headers: ask.headers[..1].to_vec(), ..ask.clone() },
            Say::Fault(UpstreamFault::Timeout),
            "C802",
        ),
        (
            Ask { headers: ask.headers[..1].to_vec(), ..ask.clone() },
            Say::Json(200, "690113200205284265"),
            "C902",
        ),
        (Ask { headers: Vec::new(), ..ask.clone() }, Say::Json(200, CONSISTENT), "C401"),
        (
            Ask { path: format!("/v1/products/{}/{}", PERSON.0, PERSON.1), ..ask },
            Say::Json(200, CONSISTENT),
            "C201",
        ),
    ];
    for (ask, says, expected) in cases {
        assert_eq!(outcome(&house.call(&ask, &Fake::new([says])).await), expected);
    }
    house.withdraw(&consent).await;
    let records = house.records().await;
    assert_eq!(counted(&records), (3, 6));
    let signature = consent.token.rsplit('.').next().expect("a token has a signature");
    let secrets = [PERSON.0, PERSON.1, &consent.token, &consent.jti, signature, "consistent"];
    for secret in secrets {
        for spelling in spellings(secret) {
            for record in &records {
                let position = record.position;
                assert!(!holds(&record.bytes, &spelling), "record {position} holds what must not be at rest");
            }
        }
    }
}

/// H2: a panic in the middle of a call is the end of that call alone. It is closed like any other, what was dispatched stays
/// spent, nothing about the person is written, and the gate serves on.
#[tokio::test]
async fn h2_a_call_that_panics_is_closed_and_says_nothing() {
    let house = Arc::new(TestGateway::new());
    let consent = house.consent(PERSON.0, "bank", 2);
    let ask =
        Ask::new("bank-1", "person-check", "verify", "bank-onboarding").with("x-consent", &consent.token);
    let call = {
        let (house, ask) = (Arc::clone(&house), ask.clone());
        let mut calls = tokio::task::JoinSet::new();
        calls.spawn(async move { outcome(&house.call(&ask, &Fake::new([Say::Panic])).await) });
        calls.join_next().await.expect("one call")
    };
    assert!(call.expect_err("it panicked").is_panic());
    let records = house.records().await;
    let closed = last_call(&records);
    assert_eq!((decision(&closed), closed.amount.micros()), ("failed", 0), "{closed:?}");
    for secret in [PERSON.0, PERSON.1, &consent.token] {
        for spelling in spellings(secret) {
            assert!(!records.iter().any(|record| holds(&record.bytes, &spelling)), "{secret}");
        }
    }
    for expected in ["answered", "C407"] {
        assert_eq!(
            outcome(&house.call(&ask, &Fake::new([])).await),
            expected,
            "one use of two was dispatched"
        );
    }
}

/// H2: what a half-year's records are about can be found as long as its key is there, and by nobody after; the records
/// themselves stay as they are, and uses of consents are counted on across the turn.
#[tokio::test]
async fn h2_an_erased_period_is_forgotten_and_nothing_breaks() {
    let periods = Periods::default();
    let house = TestGateway::planned(Plan { periods: periods.clone(), ..Plan::default() });
    // Ten minutes before July in China.
    house.clock.set(Timestamp::from_seconds(1_782_834_600));
    let consent = house.consent(PERSON.0, "bank", 2);
    let ask =
        Ask::new("bank-1", "person-check", "verify", "bank-onboarding").with("x-consent", &consent.token);
    let mut tags = Vec::new();
    for expected in ["answered", "answered", "C407"] {
        assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), expected);
        let records = house.records().await;
        tags.push(last_call(&records).subject.expect("a person was concerned"));
        house.clock.advance(Duration::from_secs(900));
    }
    assert_ne!(tags[0], tags[1], "the second call was made in July");
    assert_eq!(tags[1], tags[2]);
    let name = |text: &str| Id::new(text).expect("a name");
    let person = CanonicalId::new(IdKind::Person, PERSON.0).expect("a valid number");
    let keys = house.gate.keys();
    let pseudonym = keys.pseudonymiser.pseudonym(&name("bank"), &name("bank-onboarding"), &person);
    assert_eq!(keys.subject_tags(&pseudonym), [tags[0], tags[1]]);
    let before: Vec<_> = house.records().await.iter().map(|record| record.bytes.clone()).collect();
    periods.erase("2026h1".parse().expect("a half-year"));
    assert_eq!(house.gate.keys().subject_tags(&pseudonym), [tags[1]]);
    let after = house.records().await;
    assert!(after.iter().map(|record| &record.bytes).zip(&before).all(|(after, before)| after == before));
    let state = house.state().await;
    assert!(state.consents.values().any(|consent| consent.uses == 2), "what was used stays used");
    // A clock that goes back to an erased half-year stops the service: no key is made again for it.
    house.clock.set(Timestamp::from_seconds(1_782_834_600));
    // By a credential of its own: the running clock of these tests goes back as well, and the pace of the first with it.
    let ask =
        Ask::new("bank-2", "person-check", "verify", "bank-onboarding").with("x-consent", &consent.token);
    let refused = house.call(&ask, &Fake::new([])).await;
    assert_eq!(outcome(&refused), "C093");
}
