//! Both profiles against texts signed here by hand, and a table of requests that must be refused.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use ed25519_dalek::Signer as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use shuzha_core::{RequestId, hex};

use super::*;

mod versions;

const SECRET: [u8; 32] = [7; 32];

std::thread_local! {
    static WORK: std::cell::RefCell<Vec<Algorithm>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Counts a check of a signature.
pub(super) fn count(algorithm: Algorithm) {
    WORK.with_borrow_mut(|work| work.push(algorithm));
}

/// The checks that were made since last asked, in a fixed order.
fn work() -> Vec<&'static str> {
    let mut work = WORK.with_borrow_mut(std::mem::take).into_iter().map(Algorithm::name).collect::<Vec<_>>();
    work.sort_unstable();
    work
}

fn decoys() -> Decoys {
    Decoys::new(&shuzha_core::OsRng)
}

fn proven(claim: &Claim<'_>, key: &VerifyingKey) -> bool {
    claim.proven_by(Some(key), &decoys())
}
const BODY: &[u8] = br#"{"uscc":"91350100M000100Y43"}"#;

struct Sample {
    headers: HeaderMap,
    method: Method,
    path: &'static str,
    query: Option<&'static str>,
    body: Bytes,
}

impl Sample {
    fn new(headers: &[(&str, &str)]) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header name");
            map.append(name, HeaderValue::from_str(value).expect("a header value"));
        }
        let path = "/v1/products/company-check/verify";
        Self { headers: map, method: Method::POST, path, query: None, body: Bytes::from_static(BODY) }
    }

    fn inbound(&self) -> Inbound<'_> {
        Inbound {
            request: RequestId::default(),
            received: Timestamp::default(),
            method: &self.method,
            path: self.path,
            query: self.query,
            scheme: "https",
            authority: "gate.example:8443",
            headers: &self.headers,
            body: self.body.clone(),
            peer: std::net::IpAddr::from([127, 0, 0, 1]),
        }
    }
}

fn hmac_sha256(text: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &SECRET);
    BASE64_STANDARD.encode(ring::hmac::sign(&key, text.as_bytes()))
}

fn key(algorithm: Algorithm) -> VerifyingKey {
    VerifyingKey::new(algorithm, &SECRET).expect("a key")
}

fn simple_sample(signature: &str) -> Sample {
    Sample::new(&[
        ("x-app-key", "bank-1"),
        ("x-timestamp", "1800000000"),
        ("x-nonce", "0123456789abcdef"),
        ("x-signature", signature),
    ])
}

#[test]
fn a2_the_simple_profile_covers_method_path_query_body_time_and_nonce() {
    let digest = hex::encode(&sha256(BODY));
    let text = format!("POST\n/v1/products/company-check/verify\n{digest}\n1800000000\n0123456789abcdef");
    let good = simple_sample(&hmac_sha256(&text));
    let call = good.inbound();
    let claim = Claim::read(&call).expect("well-formed");
    assert_eq!((claim.key_id, claim.nonce), ("bank-1", "0123456789abcdef"));
    assert_eq!(claim.created, Timestamp::from_seconds(1_800_000_000));
    assert!(proven(&claim, &key(Algorithm::HmacSha256)));
    assert!(!proven(&claim, &VerifyingKey::new(Algorithm::HmacSha256, &[8; 32]).expect("a key")));
    let changes: [fn(&mut Sample); 6] = [
        |s| s.method = Method::PUT,
        |s| s.path = "/v1/products/company-check/verifz",
        |s| s.query = Some("a=1"),
        |s| s.body = Bytes::from_static(b"{}"),
        |s| drop(s.headers.insert("x-timestamp", HeaderValue::from_static("1800000001"))),
        |s| drop(s.headers.insert("x-nonce", HeaderValue::from_static("0123456789abcdeg"))),
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut changed = simple_sample(&hmac_sha256(&text));
        change(&mut changed);
        let call = changed.inbound();
        let claim = Claim::read(&call).expect("still well-formed");
        assert!(!proven(&claim, &key(Algorithm::HmacSha256)), "change {at}");
    }
}

#[test]
fn a2_the_simple_profile_with_sm3_digests_with_sm3_too() {
    use hmac::{Hmac, KeyInit, Mac};
    use sm3::{Digest, Sm3};
    let digest = hex::encode(&Sm3::digest(BODY));
    let text = format!("POST\n/v1/products/company-check/verify\n{digest}\n1800000000\n0123456789abcdef");
    let mac = Hmac::<Sm3>::new_from_slice(&SECRET).expect("a key").chain_update(text.as_bytes());
    let sample = simple_sample(&BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    let call = sample.inbound();
    let claim = Claim::read(&call).expect("well-formed");
    assert!(proven(&claim, &key(Algorithm::HmacSm3)));
    assert!(!proven(&claim, &key(Algorithm::HmacSha256)));
}

/// A request signed as RFC 9421 says, with `sign` over the signature base.
fn standard_sample(params: &str, sign: impl Fn(&str) -> String) -> Sample {
    let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(sha256(BODY)));
    let base = format!(
        "\"@method\": POST\n\"@target-uri\": https://gate.example:8443/v1/products/company-check/verify\n\
         \"content-digest\": {digest}\n\"@signature-params\": {params}"
    );
    Sample::new(&[
        ("content-digest", &digest),
        ("signature-input", &format!("sig1={params}")),
        ("signature", &format!("sig1=:{}:", sign(&base))),
    ])
}

const PARAMS: &str = r#"("@method" "@target-uri" "content-digest");created=1800000000;keyid="bank-1";nonce="0123456789abcdef""#;

#[test]
fn a2_the_standard_profile_verifies_hmac_and_ed25519() {
    let sample = standard_sample(PARAMS, hmac_sha256);
    let call = sample.inbound();
    assert!(proven(&Claim::read(&call).expect("well-formed"), &key(Algorithm::HmacSha256)));

    let signer = ed25519_dalek::SigningKey::from_bytes(&SECRET);
    let named = format!("{PARAMS};alg=\"ed25519\"");
    let sample =
        standard_sample(&named, |base| BASE64_STANDARD.encode(signer.sign(base.as_bytes()).to_bytes()));
    let call = sample.inbound();
    let claim = Claim::read(&call).expect("well-formed");
    let public = VerifyingKey::new(Algorithm::Ed25519, signer.verifying_key().as_bytes()).expect("a key");
    assert!(proven(&claim, &public));
    // The named algorithm never selects the check (CVE-2026-39999): an HMAC key that is the public key's bytes
    // must not verify what an Ed25519 key was named for.
    let confused = VerifyingKey::new(Algorithm::HmacSha256, signer.verifying_key().as_bytes()).expect("key");
    assert!(!proven(&claim, &confused));
}

#[test]
fn a_body_that_is_not_the_digested_one_is_refused() {
    let mut sample = standard_sample(PARAMS, hmac_sha256);
    sample.body = Bytes::from_static(b"{}");
    assert_eq!(Claim::read(&sample.inbound()).expect_err("changed").code, Code::C108);
}

#[test]
fn malformed_signatures_have_their_codes() {
    let tag = BASE64_STANDARD.encode([0; 32]);
    let simple = |name: &'static str, value: &'static str| {
        let mut sample = simple_sample(&tag);
        sample.headers.insert(name, HeaderValue::from_static(value));
        sample
    };
    let input = |params: &str| standard_sample(params, |_| tag.clone());
    let repeated = {
        let mut sample = simple_sample(&tag);
        sample.headers.append("x-nonce", HeaderValue::from_static("0123456789abcdef"));
        sample
    };
    let both = {
        let mut sample = input(PARAMS);
        sample.headers.insert("x-app-key", HeaderValue::from_static("bank-1"));
        sample
    };
    let rows: Vec<(Sample, Code)> = vec![
        (Sample::new(&[]), Code::C101),
        (Sample::new(&[("x-app-key", "bank-1")]), Code::C102),
        (Sample::new(&[("signature", "sig1=:AA==:")]), Code::C102),
        (both, Code::C102),
        (repeated, Code::C009),
        (simple("x-timestamp", "+1800000000"), Code::C102),
        (simple("x-timestamp", "1800000000.5"), Code::C102),
        (simple("x-timestamp", ""), Code::C102),
        (simple("x-timestamp", "99999999999999999999"), Code::C102),
        (simple("x-nonce", "short"), Code::C102),
        (simple("x-nonce", "has space in it"), Code::C102),
        (simple("x-signature", "not base64!"), Code::C102),
        (simple("x-signature", "AAAA"), Code::C102),
        (input(r#"("@method" "@target-uri" "content-digest")"#), Code::C102),
        (input(r#"("@method" "content-digest");created=1;keyid="k";nonce="0123456789"#), Code::C102),
        (input(r#"("@method" "@target-uri");created=1;keyid="k";nonce="0123456789""#), Code::C102),
        (input(&format!("{PARAMS};alg=\"none\"")), Code::C102),
        (input(&format!("{PARAMS};colour=\"red\"")), Code::C102),
        (input(&format!("{PARAMS};created=1800000000")), Code::C102),
        (input(&PARAMS.replace("created=1800000000", "created=\"1800000000\"")), Code::C102),
        (input(&PARAMS.replace("created=1800000000", "created=-1")), Code::C102),
        (input(&PARAMS.replace("\"@method\"", "\"@method\" \"@method\"")), Code::C102),
        (input(&PARAMS.replace("\"@method\"", "\"@method\";req")), Code::C102),
        (input(&PARAMS.replace("\"@method\"", "\"@method\" \"@status\"")), Code::C102),
        (input(&PARAMS.replace("\"@method\"", "\"@method\" \"x-absent\"")), Code::C102),
    ];
    for (at, (sample, code)) in rows.iter().enumerate() {
        let call = sample.inbound();
        assert_eq!(Claim::read(&call).map(|_| ()).map_err(|r| r.code), Err(*code), "row {at}");
    }
}

proptest::proptest! {
    /// Whatever stands in the headers, reading them never panics.
    #[test]
    fn reading_never_panics(input in "\\PC{0,200}", value in "\\PC{0,80}") {
        let mut sample = simple_sample("");
        for (name, text) in [("signature-input", &input), ("signature", &value), ("x-nonce", &value)] {
            if let Ok(text) = HeaderValue::from_str(text) {
                sample.headers.insert(name, text.clone());
            }
        }
        let call = sample.inbound();
        let _ = Claim::read(&call);
    }
}
