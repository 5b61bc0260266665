//! How a product service knows that a request is the gateway's.
//!
//! `X-Gateway-Signature` is base64 of HMAC-SHA256 under the upstream's key over
//! `shuzha-gateway-v1\nMETHOD\nPATH\nREQUEST_ID\nUNIT\nSCENARIO\nFIELDS\nTIMESTAMP\nhex(sha256(body))`,
//! the timestamp in whole seconds since 1970 as `X-Gateway-Timestamp` says it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use ring::hmac;
use shuzha_core::hex;

/// Base64 of 32 bytes.
const SIGNATURE_CHARS: usize = 44;

/// The signed text without path and fields.
const TEXT_BYTES_USUAL: usize = 256;

/// What is signed, already as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) request: &'a [u8],
    pub(super) unit: &'a str,
    pub(super) scenario: &'a str,
    pub(super) fields: &'a str,
    pub(super) timestamp: &'a [u8],
    pub(super) body_sha256: &'a [u8],
}

/// The header value for `signed` under `key`.
pub(super) fn sign(key: &hmac::Key, signed: &Signed<'_>) -> HeaderValue {
    let parts: [&[u8]; 8] = [
        b"shuzha-gateway-v1",
        signed.method.as_bytes(),
        signed.path.as_bytes(),
        signed.request,
        signed.unit.as_bytes(),
        signed.scenario.as_bytes(),
        signed.fields.as_bytes(),
        signed.timestamp,
    ];
    let mut text = Vec::with_capacity(TEXT_BYTES_USUAL + signed.path.len() + signed.fields.len());
    for part in parts {
        text.extend_from_slice(part);
        text.push(b'\n');
    }
    text.extend_from_slice(&hex::digits(signed.body_sha256));
    let mut signature = [0_u8; SIGNATURE_CHARS];
    STANDARD
        .encode_slice(hmac::sign(key, &text).as_ref(), &mut signature)
        .expect("32 bytes are 44 characters");
    HeaderValue::from_bytes(&signature).expect("base64 is ASCII")
}

/// What a service signs of its own description, see [`super::proof`].
pub(super) fn description(request: &str, body: &[u8]) -> Vec<u8> {
    let mut text = format!("shuzha-service-v1\n{request}\n").into_bytes();
    text.extend_from_slice(&hex::digits(&sha256(body)));
    text
}

/// SHA-256 of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole text at once must give the same signature as the pieces, and the digest of the empty body is the
    /// well-known one (FIPS 180-4).
    #[test]
    fn pieces_make_the_documented_text() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a key of this test");
        let empty = ring::digest::digest(&ring::digest::SHA256, b"");
        let signed = Signed {
            method: "POST",
            path: "/score",
            request: b"0190a5b4-7c00-7000-8000-000000000001",
            unit: "bank-a",
            scenario: "credit",
            fields: "/score,/grade",
            timestamp: b"1700000000",
            body_sha256: empty.as_ref(),
        };
        let text = "shuzha-gateway-v1\nPOST\n/score\n0190a5b4-7c00-7000-8000-000000000001\nbank-a\ncredit\n\
                    /score,/grade\n1700000000\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let whole = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
        assert_eq!(sign(&key, &signed).to_str().expect("ASCII"), whole);
    }
}
