//! The simple profile: `X-App-Key`, `X-Timestamp`, `X-Nonce`, `X-Signature`, and `X-Signature-Version: 2`.
//!
//! The signature is base64 of an HMAC over ten lines joined by LF, without one at the end: [`VERSION_LINE`], method,
//! authority in lower case, `PATH?QUERY`, hex(digest(body)), timestamp, nonce, scenario, hex(digest(consent token)),
//! idempotency key. Digest and HMAC are SHA-256 or SM3 as the credential says, the timestamp is Unix time in seconds,
//! `?QUERY` stands only where there is a query, and the line of a header that was not sent is empty.
//!
//! Version 1, without the header of the version, is method, `PATH?QUERY`, digest, timestamp and nonce: what the call is
//! made for, under which consent, and whether it is a retry were anybody's to change. Stage 1 takes it only from
//! credentials that say until when. No text is both: the first line of one is a method, of the other none.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shuzha_core::{Code, Refusal, Timestamp, hex};
use sm3::{Digest, Sm3};

use super::{Algorithm, Claim, Proof, VerifyingKey, check_nonce, required, sha256, single};
use crate::Inbound;

/// The headers, each of which makes a request one of this profile.
pub(super) const HEADERS: [&str; 5] =
    ["x-app-key", "x-timestamp", "x-nonce", "x-signature", "x-signature-version"];

/// First line of version 2: not a method, for it holds a space.
pub(super) const VERSION_LINE: &str = "shuzha signature 2";

/// Bytes of the text apart from path and query: enough that it seldom grows.
const TEXT_BYTES: usize = 384;

/// What the signed text is made of.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    call: &'a Inbound<'a>,
    timestamp: &'a str,
    nonce: &'a str,
    signature: [u8; 32],
    /// None for version 1.
    decides: Option<Decides<'a>>,
}

/// The header fields that decide a call.
#[derive(Debug)]
struct Decides<'a> {
    scenario: Option<&'a str>,
    consent: Option<&'a str>,
    idempotency: Option<&'a str>,
}

pub(super) fn read<'a>(call: &'a Inbound<'a>) -> Result<Claim<'a>, Refusal> {
    let key_id = required(call.headers, "x-app-key")?;
    let timestamp = required(call.headers, "x-timestamp")?;
    let nonce = required(call.headers, "x-nonce")?;
    let signature = required(call.headers, "x-signature")?;
    let decides = match single(call.headers, "x-signature-version")? {
        None | Some("1") => None,
        Some("2") => Some(Decides {
            scenario: single(call.headers, "x-scenario")?,
            consent: single(call.headers, "x-consent")?,
            idempotency: single(call.headers, "idempotency-key")?,
        }),
        Some(_) => return Err(Refusal::at(Code::C102, "x-signature-version")),
    };
    check_nonce(nonce, "x-nonce")?;
    // Digits only: `parse` alone would take a sign, and two spellings of one instant must not both pass.
    if timestamp.len() > 12 || !timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Refusal::at(Code::C102, "x-timestamp"));
    }
    let seconds = timestamp.parse().map_err(|_| Refusal::at(Code::C102, "x-timestamp"))?;
    // One byte more than a tag, because the decoder asks for its rounded-up estimate.
    let mut tag = [0; 33];
    let length = BASE64_STANDARD.decode_slice(signature, &mut tag);
    if length != Ok(32) {
        return Err(Refusal::at(Code::C102, "x-signature"));
    }
    let mut exact = [0; 32];
    exact.copy_from_slice(&tag[..32]);
    Ok(Claim {
        key_id,
        created: Timestamp::from_seconds(seconds),
        expires: None,
        nonce,
        algorithm: None,
        body_sha256: sha256(&call.body),
        proof: Proof::Simple(Parts { call, timestamp, nonce, signature: exact, decides }),
    })
}

impl Parts<'_> {
    /// Whether `key` made the signature. An Ed25519 credential never does: this profile is for shared secrets.
    pub(super) fn check(&self, key: &VerifyingKey, body_sha256: &[u8; 32]) -> bool {
        let digest = match key.algorithm() {
            Algorithm::HmacSm3 => Sm3::digest(&self.call.body).into(),
            Algorithm::HmacSha256 | Algorithm::Ed25519 => *body_sha256,
        };
        let matches = key.verify(&self.text(&digest, key.algorithm()), &self.signature);
        matches && key.algorithm() != Algorithm::Ed25519
    }

    /// Whether it is of version 1, which signs less.
    pub(super) const fn is_first(&self) -> bool {
        self.decides.is_none()
    }

    fn text(&self, digest: &[u8; 32], algorithm: Algorithm) -> Vec<u8> {
        let call = self.call;
        let mut text = Vec::with_capacity(TEXT_BYTES + call.path.len() + call.query.map_or(0, str::len));
        let method = call.method.as_str().as_bytes();
        if self.decides.is_some() {
            for part in [VERSION_LINE.as_bytes(), b"\n", method, b"\n"] {
                text.extend_from_slice(part);
            }
            text.extend(call.authority.bytes().map(|byte| byte.to_ascii_lowercase()));
        } else {
            text.extend_from_slice(method);
        }
        text.push(b'\n');
        let mut line = |parts: &[&[u8]]| {
            parts.iter().for_each(|part| text.extend_from_slice(part));
            text.push(b'\n');
        };
        match call.query {
            Some(query) => line(&[call.path.as_bytes(), b"?", query.as_bytes()]),
            None => line(&[call.path.as_bytes()]),
        }
        line(&[&hex::digits(digest)]);
        line(&[self.timestamp.as_bytes()]);
        line(&[self.nonce.as_bytes()]);
        if let Some(decides) = &self.decides {
            line(&[decides.scenario.unwrap_or_default().as_bytes()]);
            // A token that was sent empty is not one that was not sent.
            match decides.consent {
                Some(token) => line(&[&hex::digits(&digest_of(token.as_bytes(), algorithm))]),
                None => line(&[]),
            }
            line(&[decides.idempotency.unwrap_or_default().as_bytes()]);
        }
        text.truncate(text.len() - 1);
        text
    }
}

/// The digest that goes with `algorithm`.
fn digest_of(bytes: &[u8], algorithm: Algorithm) -> [u8; 32] {
    match algorithm {
        Algorithm::HmacSm3 => Sm3::digest(bytes).into(),
        Algorithm::HmacSha256 | Algorithm::Ed25519 => sha256(bytes),
    }
}
