//! Who signed a request: the two signature profiles of DESIGN §7, parsed at the edge into one [`Claim`].
//!
//! The standard profile is HTTP Message Signatures (RFC 9421) with `Content-Digest` (RFC 9530); the simple profile
//! is five headers that one line of shell can make. Both name a key, an instant and a nonce, and cover method, target,
//! body, and the header fields that decide a call ([`DECIDING`]); version 1 of the simple profile covers less, and says
//! so ([`Claim::is_first_version`]). Nothing is decided here: stage 1 looks the key up and asks [`Claim::proven_by`].

mod headers;
mod rfc9421;
mod secret;
mod simple;

use http::HeaderMap;
use shuzha_core::{Code, Refusal, Timestamp};

pub(crate) use headers::single;
pub(crate) use secret::Decoys;
pub use secret::{Algorithm, KeyError, SECRET_BYTES_MIN, VerifyingKey};

use crate::Inbound;

/// The header fields that decide a call: its purpose, the person's consent, whether it is a retry.
pub(crate) const DECIDING: [&str; 3] = ["x-scenario", "x-consent", "idempotency-key"];

/// Longest nonce in bytes.
pub(crate) const NONCE_BYTES_MAX: usize = 64;
/// Bytes of an Ed25519 signature (RFC 8032 §5.1.6).
const ED25519_BYTES: usize = 64;
/// Shortest nonce in bytes: 8 characters are the least that does not repeat by accident.
pub(crate) const NONCE_BYTES_MIN: usize = 8;

/// What a request says about its signer. Not yet believed.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    /// Name of the credential.
    pub key_id: &'a str,
    /// When it was signed.
    pub created: Timestamp,
    /// When the signature ends, if it says so (RFC 9421 `expires`).
    pub expires: Option<Timestamp>,
    /// The nonce.
    pub nonce: &'a str,
    /// The algorithm it names; the simple profile leaves it to the credential.
    pub algorithm: Option<Algorithm>,
    /// SHA-256 of the body.
    pub body_sha256: [u8; 32],
    proof: Proof<'a>,
}

/// The signature and how the signed text is made.
#[derive(Debug)]
enum Proof<'a> {
    Simple(simple::Parts<'a>),
    Rfc9421 { base: Vec<u8>, signature: Vec<u8> },
}

impl<'a> Claim<'a> {
    /// Reads the one signature of `call`.
    ///
    /// # Errors
    /// C101 when there is none, C102 when it is malformed or both profiles are used, C108 when `Content-Digest`
    /// does not match the body, C009 when a single-valued header repeats.
    pub(crate) fn read(call: &'a Inbound<'a>) -> Result<Self, Refusal> {
        let standard = call.headers.contains_key("signature-input") || call.headers.contains_key("signature");
        let simple = simple::HEADERS.iter().any(|name| call.headers.contains_key(*name));
        match (standard, simple) {
            (false, false) => Err(Code::C101.into()),
            (true, true) => Err(Refusal::at(Code::C102, "Signature")),
            (true, false) => rfc9421::read(call),
            (false, true) => simple::read(call),
        }
    }

    /// Whether it is of the version of the simple profile that does not cover what decides a call.
    #[must_use]
    pub(crate) const fn is_first_version(&self) -> bool {
        matches!(&self.proof, Proof::Simple(parts) if parts.is_first())
    }

    /// Whether `key` made this signature; without a key, nobody did. Whatever is refused takes the work that the claim
    /// itself calls for, one check for each algorithm that could have made such a signature: neither a name that is
    /// unknown nor the algorithm of one that is known can be told by the time.
    #[must_use]
    pub(crate) fn proven_by(&self, key: Option<&VerifyingKey>, decoys: &Decoys) -> bool {
        let possible = self.possible();
        // The named algorithm, or the signature's length, never selects the check: a key of another does not make it.
        let own = key.filter(|key| possible.contains(&key.algorithm()));
        if own.is_some_and(|key| self.check(key)) {
            return true;
        }
        for algorithm in possible {
            if own.is_none_or(|key| key.algorithm() != *algorithm) {
                let _ = self.check(decoys.key(*algorithm));
            }
        }
        false
    }

    /// The algorithms that could have made the signature, as the claim alone tells.
    fn possible(&self) -> &'static [Algorithm] {
        match (self.algorithm, &self.proof) {
            (Some(Algorithm::HmacSha256), _) => &[Algorithm::HmacSha256],
            (Some(Algorithm::HmacSm3), _) => &[Algorithm::HmacSm3],
            (Some(Algorithm::Ed25519), _) => &[Algorithm::Ed25519],
            (None, Proof::Rfc9421 { signature, .. }) if signature.len() == ED25519_BYTES => {
                &[Algorithm::Ed25519]
            }
            (None, _) => &[Algorithm::HmacSha256, Algorithm::HmacSm3],
        }
    }

    fn check(&self, key: &VerifyingKey) -> bool {
        match &self.proof {
            Proof::Simple(parts) => parts.check(key, &self.body_sha256),
            Proof::Rfc9421 { base, signature } => key.verify(base, signature),
        }
    }
}

/// The credential that a request names, from its head alone. Nothing is proven by it.
pub(crate) fn key_id(headers: &HeaderMap) -> Option<&str> {
    let simple = single(headers, "x-app-key").ok().flatten();
    simple.or_else(|| rfc9421::key_id(single(headers, "signature-input").ok().flatten()?))
}

/// Checks the form of a nonce: printable ASCII without quotes and backslash, of bounded length.
fn check_nonce(nonce: &str, place: &str) -> Result<(), Refusal> {
    let well_formed = (NONCE_BYTES_MIN..=NONCE_BYTES_MAX).contains(&nonce.len())
        && nonce.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
    if well_formed { Ok(()) } else { Err(Refusal::at(Code::C102, place)) }
}

/// SHA-256 of `body`.
pub(crate) fn sha256(body: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, body).as_ref());
    out
}

/// The value of a header that must be there once.
fn required<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Refusal> {
    single(headers, name)?.ok_or_else(|| Refusal::at(Code::C102, name))
}

#[cfg(test)]
mod tests;
