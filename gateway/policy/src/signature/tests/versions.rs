//! Version 2 of the simple profile and the standard one as `docs/guide-caller.md` works them out, and the work that a refusal
//! takes.

use super::*;

/// The page for whoever writes a client.
const GUIDE: &str = include_str!("../../../../../docs/guide-caller.md");

/// The block of the page after the comment `<!-- vector: NAME -->`.
fn vector(name: &str) -> &'static str {
    let (_, rest) = GUIDE.split_once(&format!("<!-- vector: {name} -->\n")).expect(name);
    let (_, rest) = rest.split_once("```text\n").expect(name);
    rest.split_once("\n```").expect(name).0
}

const CONSENT: &str = "eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJleGFtcGxlIn0.c2lnbmF0dXJl";

/// The request of the page's examples.
fn example(headers: &[(&str, &str)]) -> Sample {
    let sent =
        [("x-scenario", "bank-onboarding"), ("x-consent", CONSENT), ("idempotency-key", "order-2026-0001")];
    Sample::new(&[&sent, headers].concat())
}

fn signed_twice(signature: &str) -> Sample {
    example(&[
        ("x-signature-version", "2"),
        ("x-app-key", "bank-1"),
        ("x-timestamp", "1800000000"),
        ("x-nonce", "0123456789abcdef"),
        ("x-signature", signature),
    ])
}

#[test]
fn the_worked_example_of_version_2_is_what_is_checked() {
    let text = vector("simple-v2-text");
    assert_eq!(hmac_sha256(text), vector("simple-v2-signature"));
    let sample = signed_twice(vector("simple-v2-signature"));
    let call = sample.inbound();
    let claim = Claim::read(&call).expect("well-formed");
    assert!(proven(&claim, &key(Algorithm::HmacSha256)));
    assert!(!claim.is_first_version());
}

#[test]
fn the_worked_example_of_the_standard_profile_is_what_is_checked() {
    let base = vector("rfc9421-base");
    assert_eq!(hmac_sha256(base), vector("rfc9421-signature"));
    let (_, params) = base.rsplit_once("\"@signature-params\": ").expect("the last line");
    let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(sha256(BODY)));
    let sample = example(&[
        ("content-digest", &digest),
        ("signature-input", &format!("sig1={params}")),
        ("signature", &format!("sig1=:{}:", vector("rfc9421-signature"))),
    ]);
    let call = sample.inbound();
    assert!(proven(&Claim::read(&call).expect("well-formed"), &key(Algorithm::HmacSha256)));
}

/// `@authority`, `@path` and `@query` say together what `@target-uri` says.
#[test]
fn the_target_may_be_covered_in_parts_and_never_in_half() {
    let covered = |list: &str, query: Option<&'static str>| {
        let params = format!("({list});created=1800000000;keyid=\"bank-1\";nonce=\"0123456789abcdef\"");
        let mut sample = standard_sample(&params, |_| BASE64_STANDARD.encode([0; 32]));
        sample.query = query;
        let call = sample.inbound();
        Claim::read(&call).map(|_| ()).map_err(|refusal| refusal.code)
    };
    let rest = "\"@method\" \"content-digest\"";
    assert_eq!(covered(&format!("{rest} \"@target-uri\""), Some("a=1")), Ok(()));
    assert_eq!(covered(&format!("{rest} \"@authority\" \"@path\""), None), Ok(()));
    assert_eq!(covered(&format!("{rest} \"@authority\" \"@path\" \"@query\""), Some("a=1")), Ok(()));
    for (list, query) in [
        ("\"@authority\" \"@path\"", Some("a=1")),
        ("\"@authority\"", None),
        ("\"@path\"", None),
        ("\"@path\" \"@query\"", Some("a=1")),
    ] {
        assert_eq!(covered(&format!("{rest} {list}"), query), Err(Code::C102), "{list}");
    }
}

/// Whichever of them is sent must be covered, and the refusal says which is not.
#[test]
fn the_standard_profile_covers_whatever_decides() {
    for name in DECIDING {
        let mut sample = standard_sample(PARAMS, hmac_sha256);
        sample.headers.insert(name, HeaderValue::from_static("x"));
        let refusal = Claim::read(&sample.inbound()).map(|_| ()).expect_err(name);
        assert_eq!((refusal.code, refusal.at.as_deref()), (Code::C115, Some(name)));
        let params = PARAMS.replace("\"content-digest\"", &format!("\"content-digest\" \"{name}\""));
        let mut sample = standard_sample(&params, hmac_sha256);
        sample.headers.insert(name, HeaderValue::from_static("x"));
        assert!(Claim::read(&sample.inbound()).is_ok(), "{name}");
    }
}

/// Security 19: whoever does not hold the key learns nothing from the work that a refusal takes, be the name unknown, its
/// key not deposited here, or of any algorithm.
#[test]
fn a_refusal_takes_the_work_that_the_claim_calls_for_and_no_other() {
    let signer = ed25519_dalek::SigningKey::from_bytes(&[9; 32]);
    let ed25519 = VerifyingKey::new(Algorithm::Ed25519, signer.verifying_key().as_bytes()).expect("a key");
    let keys = [None, Some(key(Algorithm::HmacSha256)), Some(key(Algorithm::HmacSm3)), Some(ed25519)];
    let tag = |length: usize| BASE64_STANDARD.encode(vec![1; length]);
    let named = |algorithm: &str, length: usize| {
        standard_sample(&format!("{PARAMS};alg=\"{algorithm}\""), |_| tag(length))
    };
    let claims: [(Sample, &[&str]); 8] = [
        (simple_sample(&tag(32)), &["hmac-sha256", "hmac-sm3"]),
        (signed_twice(&tag(32)), &["hmac-sha256", "hmac-sm3"]),
        (standard_sample(PARAMS, |_| tag(32)), &["hmac-sha256", "hmac-sm3"]),
        (standard_sample(PARAMS, |_| tag(64)), &["ed25519"]),
        (named("ed25519", 64), &["ed25519"]),
        (named("ed25519", 32), &["ed25519"]),
        (named("hmac-sha256", 32), &["hmac-sha256"]),
        (named("hmac-sm3", 32), &["hmac-sm3"]),
    ];
    for (at, (sample, expected)) in claims.iter().enumerate() {
        let call = sample.inbound();
        let claim = Claim::read(&call).expect("well-formed");
        for key in &keys {
            work();
            assert!(!claim.proven_by(key.as_ref(), &decoys()));
            assert_eq!(work(), *expected, "claim {at}, {key:?}");
        }
    }
}

/// A right signature pays for no decoy.
#[test]
fn a_right_signature_is_checked_once() {
    let sample = signed_twice(vector("simple-v2-signature"));
    let call = sample.inbound();
    work();
    assert!(proven(&Claim::read(&call).expect("well-formed"), &key(Algorithm::HmacSha256)));
    assert_eq!(work(), ["hmac-sha256"]);
}
