//! What decides a call is signed by the unit: a middle box that changes, adds or takes away any of it is refused, and has
//! spent nothing of the unit's.

use std::time::Duration;

use http::HeaderValue;
use shuzha_core::Clock;

use crate::calls::{Ask, PERSON, Sent};
use crate::gateway::{TestGateway, outcome};
use crate::upstream::Fake;

/// A credential of each algorithm and profile of the bank.
const CREDENTIALS: [&str; 3] = ["bank-1", "bank-2", "bank-ed25519"];
/// The fields that decide, each with another value that would be well-formed.
const DECIDING: [(&str, &str); 3] =
    [("x-scenario", "bank-credit"), ("x-consent", "aaaa.bbbb.cccc"), ("idempotency-key", "another-key")];

type Change = Box<dyn Fn(&mut Sent)>;

/// Everything a middle box can do to what decides, by name.
fn changes() -> Vec<(String, Change)> {
    let mut all: Vec<(String, Change)> = Vec::new();
    for (name, other) in DECIDING {
        let change = move |sent: &mut Sent| {
            sent.headers.insert(name, HeaderValue::from_static(other));
        };
        all.push((format!("{name} changed"), Box::new(change)));
        all.push((format!("{name} removed"), Box::new(move |sent| drop(sent.headers.remove(name)))));
    }
    all.push(("host changed".to_owned(), Box::new(|sent| "staging.test".clone_into(&mut sent.authority))));
    all.push(("query added".to_owned(), Box::new(|sent| sent.ask.query = Some("a=1".to_owned()))));
    all
}

fn full(credential: &str, token: &str) -> Ask {
    Ask::new(credential, "person-check", "verify", "bank-onboarding")
        .with("x-consent", token)
        .with("idempotency-key", "key-1")
}

/// Security 11.
#[tokio::test]
async fn a_middle_box_changes_nothing_that_decides() {
    for credential in CREDENTIALS {
        for (what, change) in changes() {
            let house = TestGateway::new();
            let consent = house.consent(PERSON.0, "bank", 1);
            let ask = full(credential, &consent.token);
            let mut sent = ask.send(house.clock.now());
            change(&mut sent);
            let reply = house.gate.serve(&sent.inbound(), &Fake::new([])).await;
            assert_eq!(reply.status, 401, "{credential}: {what}: {}", outcome(&reply));
            // The use of the consent, the idempotency key and the nonce are still the unit's.
            let untouched = house.call(&ask, &Fake::new([])).await;
            assert_eq!(outcome(&untouched), "answered", "{credential}: after {what}");
        }
    }
}

/// A field that was not sent cannot be added: not the purpose, not a consent, not a key that would then be used up.
#[tokio::test]
async fn a_middle_box_adds_nothing_that_decides() {
    for credential in CREDENTIALS {
        for (name, value) in DECIDING {
            let house = TestGateway::new();
            let mut ask = Ask::new(credential, "company-check", "verify", "bank-onboarding");
            if name == "x-scenario" {
                ask.scenario = None;
            }
            let mut sent = ask.send(house.clock.now());
            sent.headers.insert(name, HeaderValue::from_static(value));
            let reply = house.gate.serve(&sent.inbound(), &Fake::new([])).await;
            let expected = if credential == "bank-ed25519" { "C115" } else { "C103" };
            assert_eq!((reply.status, &*outcome(&reply)), (401, expected), "{credential}: {name} added");
            let own = Ask::new(credential, "company-check", "verify", "bank-onboarding").with(name, value);
            if name == "idempotency-key" {
                assert_eq!(outcome(&house.call(&own, &Fake::new([])).await), "answered", "the key is unused");
            }
        }
    }
}

/// Taking the header of the version away does not make a signature one of version 1, nor the other way round.
#[tokio::test]
async fn a_signature_of_one_version_is_none_of_the_other() {
    let house = TestGateway::new();
    for (first_version, header) in [(false, None), (false, Some("1")), (true, Some("2"))] {
        let ask = Ask {
            first_version,
            ..Ask::new("bank-old-client", "company-check", "verify", "bank-onboarding")
        };
        let mut sent = ask.send(house.clock.now());
        sent.headers.remove("x-signature-version");
        if let Some(header) = header {
            sent.headers.insert("x-signature-version", HeaderValue::from_static(header));
        }
        let reply = house.gate.serve(&sent.inbound(), &Fake::new([])).await;
        assert_eq!(outcome(&reply), "C103", "{first_version} {header:?}");
    }
    for unknown in ["", "0", "3", "02", "2 "] {
        let mut sent =
            Ask::new("bank-1", "company-check", "verify", "bank-onboarding").send(house.clock.now());
        sent.headers.insert("x-signature-version", HeaderValue::from_static(unknown));
        let reply = house.gate.serve(&sent.inbound(), &Fake::new([])).await;
        assert_eq!(outcome(&reply), "C102", "{unknown:?}");
    }
}

/// Version 1 is taken only from a credential that says until when, and until then.
#[tokio::test]
async fn version_1_is_taken_where_a_credential_says_so_until_its_date() {
    let house = TestGateway::new();
    let first = |credential: &str| Ask {
        first_version: true,
        ..Ask::new(credential, "company-check", "verify", "bank-onboarding")
    };
    for credential in ["bank-1", "bank-2"] {
        assert_eq!(outcome(&house.call(&first(credential), &Fake::new([])).await), "C114", "{credential}");
    }
    let old = first("bank-old-client");
    assert_eq!(outcome(&house.call(&old, &Fake::new([])).await), "answered");
    let second = Ask::new("bank-old-client", "company-check", "verify", "bank-onboarding");
    assert_eq!(outcome(&house.call(&second, &Fake::new([])).await), "answered", "and version 2 as well");
    house.clock.advance(Duration::from_secs(10 * 60 - 1));
    assert_eq!(outcome(&house.call(&old, &Fake::new([])).await), "answered", "to the last second");
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(outcome(&house.call(&old, &Fake::new([])).await), "C114");
    assert_eq!(outcome(&house.call(&second, &Fake::new([])).await), "answered");
}
