//! The simple profile: `X-App-Key`, `X-Timestamp`, `X-Nonce`, `X-Signature`.
//!
//! The signature is base64 of an HMAC over `METHOD\nPATH?QUERY\nhex(digest(body))\nTIMESTAMP\nNONCE`, where digest
//! and HMAC are SHA-256 or SM3 as the credential says, `TIMESTAMP` is Unix time in seconds, and `?QUERY` stands
//! only where there is a query.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shuzha_core::{Code, Refusal, Timestamp};
use sm3::{Digest, Sm3};

use super::{Algorithm, Claim, Proof, VerifyingKey, check_nonce, required, sha256};
use crate::Inbound;

/// The four headers.
pub(super) const HEADERS: [&str; 4] = ["x-app-key", "x-timestamp", "x-nonce", "x-signature"];

/// What the signed text is made of.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    call: &'a Inbound<'a>,
    timestamp: &'a str,
    nonce: &'a str,
    signature: [u8; 32],
}

pub(super) fn read<'a>(call: &'a Inbound<'a>) -> Result<Claim<'a>, Refusal> {
    let key_id = required(call.headers, "x-app-key")?;
    let timestamp = required(call.headers, "x-timestamp")?;
    let nonce = required(call.headers, "x-nonce")?;
    let signature = required(call.headers, "x-signature")?;
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
        proof: Proof::Simple(Parts { call, timestamp, nonce, signature: exact }),
    })
}

impl Parts<'_> {
    /// Whether `key` made the signature. An Ed25519 credential never does: this profile is for shared secrets.
    pub(super) fn check(&self, key: &VerifyingKey, body_sha256: &[u8; 32]) -> bool {
        let digest = match key.algorithm() {
            Algorithm::HmacSm3 => Sm3::digest(&self.call.body).into(),
            Algorithm::HmacSha256 | Algorithm::Ed25519 => *body_sha256,
        };
        let matches = key.verify(&self.text(&digest), &self.signature);
        matches && key.algorithm() != Algorithm::Ed25519
    }

    fn text(&self, digest: &[u8; 32]) -> Vec<u8> {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let call = self.call;
        let mut text = Vec::with_capacity(160 + call.path.len() + call.query.map_or(0, str::len));
        text.extend_from_slice(call.method.as_str().as_bytes());
        text.push(b'\n');
        text.extend_from_slice(call.path.as_bytes());
        if let Some(query) = call.query {
            text.push(b'?');
            text.extend_from_slice(query.as_bytes());
        }
        text.push(b'\n');
        for byte in digest {
            text.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        text.push(b'\n');
        text.extend_from_slice(self.timestamp.as_bytes());
        text.push(b'\n');
        text.extend_from_slice(self.nonce.as_bytes());
        text
    }
}
