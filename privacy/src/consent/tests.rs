//! Tokens that verify, and the table of those that must not.

mod algorithms;
mod bytes;
mod derived;
mod mismatches;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// When the good token is presented, in seconds since 1970.
const NOW: i64 = 1_700_000_500;
const GATE: &str = "gate-1";

fn signer() -> Signer {
    Signer::from_seed("consent-service", "key-2026", &[7; 32])
}

fn issuers() -> Issuers {
    let mut issuers = Issuers::new();
    let other = Signer::from_seed("other-service", "other-2026", &[8; 32]);
    for signer in [signer(), other] {
        issuers.register(signer.kid(), signer.issuer(), Algorithm::EdDsa, &signer.public_key()).unwrap();
    }
    issuers
}

fn payload() -> Value {
    json!({
        "iss": "consent-service", "jti": "AAAAAAAAAAAAAAAAAAAAAA", "iat": 1_700_000_000, "nbf": 1_700_000_000,
        "exp": 1_700_003_600, "sub": "p1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "sub_alg": "hmac-sha256",
        "sub_kid": "2026q4", "aud": GATE,
        "authorization_details": [{
            "type": "data-product", "au": "bank-a", "scenario": "credit", "products": ["credit-score"],
            "fields": ["/score", "/items/*/kind"], "purpose": "loan", "actions": ["query"]
        }],
        "use": {"max": 1},
        "legal": {
            "basis": "separate_consent", "sensitive": true, "notice": "n@1",
            "notice_hash": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        }
    })
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": TYPE.name, "kid": "key-2026"})
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// Signs any bytes with the good key: a table row must not fail for its signature only.
fn sign(header: &Value, payload: &[u8]) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(signer().sign(input.as_bytes()));
    format!("{input}.{signature}")
}

fn good() -> String {
    sign(&header(), payload().to_string().as_bytes())
}

/// Applies `set POINTER JSON` or `del POINTER`.
fn change(document: &mut Value, change: &str) {
    let (verb, rest) = change.split_once(' ').unwrap();
    let (pointer, value) =
        rest.split_once(' ').map_or((rest, None), |(pointer, value)| (pointer, Some(value)));
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let object = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match (verb, value) {
        ("set", Some(value)) => object.insert(key.to_owned(), serde_json::from_str(value).unwrap()),
        ("del", None) => Some(object.remove(key).expect("there to be removed")),
        _ => panic!("not a change: {change}"),
    };
}

fn refused_at_issue(payload: &Value) -> Code {
    // What the type cannot hold cannot be issued.
    claims::read::<Claims>(payload.to_string().as_bytes())
        .and_then(|claims| issue(&claims, &signer()))
        .expect_err("must be refused at issue")
}

#[test]
fn the_table_of_refusals() {
    let mut rows = 0;
    for row in include_str!("vectors.txt").lines().filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let (what, code) = row.rsplit_once(" => ").or_else(|| row.rsplit_once("=> ")).expect(row);
        let code: Code = code.parse().expect(row);
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        let (mut header, mut payload, mut now) = (header(), payload(), NOW);
        let good = good();
        let token = match verb {
            "set" | "del" => {
                change(&mut payload, what);
                assert_eq!(refused_at_issue(&payload), code, "issue: {row}");
                sign(&header, payload.to_string().as_bytes())
            }
            "use" => {
                change(&mut payload, rest);
                sign(&header, payload.to_string().as_bytes())
            }
            "header" => {
                change(&mut header, rest);
                sign(&header, payload.to_string().as_bytes())
            }
            "payload" => sign(&header, rest.as_bytes()),
            "now" => {
                now = rest.parse().unwrap();
                good
            }
            "token" => {
                let parts: Vec<&str> = good.split('.').collect();
                rest.replace("{h}", parts[0]).replace("{p}", parts[1]).replace("{s}", parts[2])
            }
            _ => panic!("{row}"),
        };
        assert_eq!(verify(&token, &issuers(), GATE, at(now)), Err(code), "{row}");
        rows += 1;
    }
    assert!(rows >= 100, "the table was cut to {rows} rows");
}

#[test]
fn a_good_token_verifies_and_reads() {
    let consent = verify(&good(), &issuers(), GATE, at(NOW)).unwrap();
    assert_eq!((&*consent.unit, &*consent.scenario, consent.uses_max), ("bank-a", "credit", 1));
    assert_eq!(consent.fields, ["/score", "/items/*/kind"]);
    assert_eq!((consent.not_before, consent.expires), (at(1_700_000_000), at(1_700_003_600)));
    let claims: Claims = serde_json::from_value(payload()).unwrap();
    let issued = issue(&claims, &signer()).unwrap();
    assert_eq!(verify(&issued, &issuers(), GATE, at(NOW)), Ok(consent));
}

#[test]
fn lifetimes_reach_to_their_bound() {
    for (uses, lifetime) in [(1, LIFETIME_SINGLE_MAX), (2, LIFETIME_MAX), (USES_MAX, LIFETIME_MAX)] {
        let mut claims: Claims = serde_json::from_value(payload()).unwrap();
        claims.r#use = Some(Use { max: Some(uses) });
        claims.exp = Some(claims.iat + lifetime);
        let token = issue(&claims, &signer()).unwrap();
        assert!(verify(&token, &issuers(), GATE, at(NOW)).is_ok());
        claims.exp = claims.exp.map(|exp| exp + 1);
        assert_eq!(issue(&claims, &signer()), Err(Code::C409));
    }
}

#[test]
fn a_consent_covers_exactly_what_it_says() {
    let consent = verify(&good(), &issuers(), GATE, at(NOW)).unwrap();
    let asked = Asked {
        unit: "bank-a",
        scenario: "credit",
        product: "credit-score",
        action: "query",
        purpose: "loan",
    };
    assert_eq!(consent.covers(&asked), Ok(()));
    for other in [
        Asked { unit: "bank-b", ..asked },
        Asked { scenario: "insurance", ..asked },
        Asked { product: "credit-score-2", ..asked },
        Asked { product: "credit", ..asked },
        Asked { action: "export", ..asked },
        Asked { purpose: "marketing", ..asked },
    ] {
        assert_eq!(consent.covers(&other), Err(Code::C405), "{other:?}");
    }
    let zero = consent.subject;
    let one = "p1:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    assert_eq!(consent.check_subject(&zero), Ok(()));
    assert_eq!(consent.check_subject(&one), Err(Code::C406));
    assert_eq!(consent.check_time(at(1_700_003_600)), Err(Code::C404));
    assert_eq!(consent.check_subject_named_by("hmac-sha256", "2026q4"), Ok(()));
    for (algorithm, key_id) in
        [("hmac-sm3", "2026q4"), ("hmac-sha256", "nope"), ("blinded-element", "2026q4")]
    {
        assert_eq!(
            consent.check_subject_named_by(algorithm, key_id),
            Err(Code::C406),
            "{algorithm} {key_id}"
        );
    }
    assert_eq!(consent.check_subject_is_element(), Err(Code::C406));
}

/// Public reports F14: the clock of an issuer may be as far ahead as a signer's, at the beginning alone.
#[test]
fn a_consent_begins_by_the_clock_of_its_issuer_and_ends_by_ours() {
    let minute = Duration::from_secs(60);
    let (begins, ends) = (1_700_000_000, 1_700_003_600);
    let verified =
        |now: i64, ahead_max| verify_within(&good(), &issuers(), GATE, at(now), ahead_max).map(|_| ());
    for (now, ahead_max, expected) in [
        (begins, Duration::ZERO, Ok(())),
        (begins - 1, Duration::ZERO, Err(Code::C404)),
        (begins - 60, minute, Ok(())),
        (begins - 61, minute, Err(Code::C404)),
        (ends - 1, minute, Ok(())),
        (ends, minute, Err(Code::C404)),
    ] {
        assert_eq!(verified(now, ahead_max), expected, "{now} {ahead_max:?}");
    }
    let consent = verify(&good(), &issuers(), GATE, at(NOW)).unwrap();
    assert_eq!(consent.check_time_within(at(begins - 60), minute), Ok(()), "one that is kept, too");
    assert_eq!(consent.check_time_within(at(begins - 61), minute), Err(Code::C404));
}

#[test]
fn keys_are_registered_once_and_never_weak() {
    let mut issuers = issuers();
    let register =
        |issuers: &mut Issuers, kid: &str, key: &[u8]| issuers.register(kid, "x", Algorithm::EdDsa, key);
    let key = signer().public_key();
    assert_eq!(register(&mut issuers, "key-2026", &key), Err(IssuerError::Duplicate));
    assert_eq!(register(&mut issuers, "new", &key[..31]), Err(IssuerError::Malformed));
    assert_eq!(register(&mut issuers, "", &key), Err(IssuerError::Name));
    // The neutral element (y = 1): every signature with R = sB would verify under it.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(register(&mut issuers, "new", &neutral), Err(IssuerError::Weak));
    assert_eq!(verify(&good(), &Issuers::new(), GATE, at(NOW)), Err(Code::C403));
}

#[test]
fn withdrawals_are_the_issuers_own_and_no_other_token() {
    let consent = verify(&good(), &issuers(), GATE, at(NOW)).unwrap();
    let token = issue_withdrawal(&consent.jti, Some("changed my mind"), at(NOW), &signer()).unwrap();
    let withdrawal = verify_withdrawal(&token, &issuers()).unwrap();
    assert!(withdrawal.withdraws(&consent));
    assert_eq!(withdrawal.withdrawn, at(NOW));
    let other = Signer::from_seed("other-service", "other-2026", &[8; 32]);
    let theirs = issue_withdrawal(&consent.jti, None, at(NOW), &other).unwrap();
    assert!(!verify_withdrawal(&theirs, &issuers()).unwrap().withdraws(&consent));
    assert_eq!(verify_withdrawal(&good(), &issuers()), Err(Code::C402));
    assert_eq!(verify(&token, &issuers(), GATE, at(NOW)), Err(Code::C402));
    let stranger = Signer::from_seed("consent-service", "key-2026", &[9; 32]);
    let forged = issue_withdrawal(&consent.jti, None, at(NOW), &stranger).unwrap();
    assert_eq!(verify_withdrawal(&forged, &issuers()), Err(Code::C403));
    assert_eq!(issue_withdrawal("*", None, at(NOW), &signer()), Err(Code::C402));
    assert_eq!(issue_withdrawal(&consent.jti, Some(&"x".repeat(257)), at(NOW), &signer()), Err(Code::C402));
}

#[test]
fn a_token_over_the_limit_is_not_read() {
    let long = format!("{}{}", good(), "A".repeat(TOKEN_BYTES_MAX));
    assert_eq!(verify(&long, &issuers(), GATE, at(NOW)), Err(Code::C402));
}

#[test]
fn no_secret_is_shown() {
    assert_eq!(format!("{:?}", signer()), "Signer(consent-service, key-2026, withheld)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// R16: no change of a single byte goes through.
    #[test]
    fn any_changed_byte_is_refused(place in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let good = good();
        let mut bytes = good.clone().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let token = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(verify(&token, &issuers(), GATE, at(NOW)).is_ok(), token == good);
    }

    #[test]
    fn no_text_panics(text in ".{0,300}") {
        prop_assert!(verify(&text, &issuers(), GATE, at(NOW)).is_err());
        prop_assert!(verify_withdrawal(&text, &issuers()).is_err());
    }

    /// Whatever the numbers, a consent that is issued has a lifetime and uses within the bounds.
    #[test]
    fn what_is_issued_is_bounded(iat in any::<i64>(), nbf in any::<i64>(), exp in any::<i64>(), uses in any::<u32>()) {
        let mut claims: Claims = serde_json::from_value(payload()).unwrap();
        let near = |n: i64| NOW.wrapping_add(n % (2 * LIFETIME_MAX));
        (claims.iat, claims.nbf, claims.exp) = (near(iat), near(nbf), Some(near(exp)));
        claims.r#use = Some(Use { max: Some(uses % (2 * USES_MAX)) });
        if let Ok(consent) =
            issue(&claims, &signer()).and_then(|token| verify(&token, &issuers(), GATE, at(NOW)))
        {
            prop_assert!(consent.expires.micros_since(consent.not_before) <= LIFETIME_MAX * 1_000_000);
            prop_assert!((1..=USES_MAX).contains(&consent.uses_max));
        }
    }
}
