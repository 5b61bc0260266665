//! Keyed commitments: HMAC-SHA256 under an erasable key, truncated to 128 bits.
//!
//! A plain or salted digest of an identity number is enumerable in minutes (`research/evidence.md` §1.3); a keyed
//! one is worth as much as the custody of the key. Erasing the key makes what was committed to unrecoverable and
//! breaks no proof.

mod period;

use ring::hmac;
use shuzha_core::RequestId;

use crate::record::Call;

pub use period::{HalfYear, HalfYearError, PeriodCommitters, PeriodKeys};

/// Bytes before each part that say how long it is.
const LENGTH_BYTES: usize = 8;

/// What is committed to is gathered on the stack up to this many bytes.
const SHORT_BYTES_MAX: usize = 512;

/// Bytes of a commitment.
pub const COMMITMENT_BYTES: usize = 16;

/// A 128-bit commitment.
pub type Commitment = [u8; COMMITMENT_BYTES];

/// Makes commitments under one key.
#[derive(Clone)]
pub struct Committer(hmac::Key);

impl Committer {
    /// A committer under `key`.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The commitment to `parts` in the domain `label`. Each part is length-prefixed, so no two lists collide.
    #[must_use]
    pub fn commit(&self, label: &str, parts: &[&[u8]]) -> Commitment {
        let pieces = || std::iter::once(label.as_bytes()).chain(parts.iter().copied());
        let length = pieces().map(|piece| LENGTH_BYTES + piece.len()).sum::<usize>();
        let tag = if length <= SHORT_BYTES_MAX {
            // Gathered first: each piece that goes into an HMAC by itself costs as much as hashing it.
            let mut text = [0; SHORT_BYTES_MAX];
            let mut rest = &mut text[..length];
            for piece in pieces() {
                let (head, tail) = rest.split_at_mut(LENGTH_BYTES);
                head.copy_from_slice(&(piece.len() as u64).to_be_bytes());
                let (here, next) = tail.split_at_mut(piece.len());
                here.copy_from_slice(piece);
                rest = next;
            }
            hmac::sign(&self.0, &text[..length])
        } else {
            let mut context = hmac::Context::with_key(&self.0);
            for piece in pieces() {
                context.update(&(piece.len() as u64).to_be_bytes());
                context.update(piece);
            }
            context.sign()
        };
        let mut out = [0; 16];
        out.copy_from_slice(&tag.as_ref()[..16]);
        out
    }
}

impl Committer {
    /// The key under which what belongs to `id` is committed to: a request's id, or the tag of its idempotency key. Whoever
    /// is given it can check those commitments, and no others.
    #[must_use]
    pub fn opening(&self, id: &[u8; 16]) -> Opening {
        Opening(self.commit("opening", &[id]))
    }

    /// What opens the commitments to the request and to the answer of `call`.
    #[must_use]
    pub fn openings(&self, call: &Call<'_>) -> (Opening, Opening) {
        let answer = self.opening(call.request.as_bytes());
        (call.idempotency.as_ref().map_or(answer, |key| self.opening(key)), answer)
    }
}

/// A request, as far as it is committed to.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Method.
    pub method: &'a str,
    /// Canonical path.
    pub path: &'a str,
    /// Query without `?`; empty where there is none.
    pub query: &'a str,
    /// SHA-256 of the body.
    pub body_sha256: &'a [u8; 32],
}

/// Opens the commitments of one request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Opening(Commitment);

impl Opening {
    /// The key that was handed out as these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; COMMITMENT_BYTES]) -> Self {
        Self(bytes)
    }

    /// The key's bytes, for the one whose request it is.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; COMMITMENT_BYTES] {
        &self.0
    }

    /// What binds the keys that open the request and the answer: it stands in the call's record, so that whoever alters the
    /// keys in a receipt is found out. It tells nothing about the keys, which are 128 random bits.
    #[must_use]
    pub fn bound(request: &Self, answer: &Self) -> Commitment {
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        for part in [&b"shuzha openings 1"[..], &request.0, &answer.0] {
            context.update(part);
        }
        context.finish().as_ref()[..COMMITMENT_BYTES].try_into().expect("SHA-256 is longer")
    }

    fn committer(&self) -> Committer {
        Committer(hmac::Key::new(hmac::HMAC_SHA256, &self.0))
    }

    /// The commitment to a request without an idempotency key.
    #[must_use]
    pub fn request(&self, request: &Request<'_>) -> Commitment {
        let Request { method, path, query, body_sha256 } = request;
        self.committer()
            .commit("request", &[method.as_bytes(), path.as_bytes(), query.as_bytes(), *body_sha256])
    }

    /// The commitment to a request with an idempotency key. Scenario and consent are part of it: the same body for another
    /// scenario, or under another consent, is another request.
    #[must_use]
    pub fn retried(&self, request: &Request<'_>, scenario: &str, consent: &str) -> Commitment {
        let plain = self.request(request);
        self.committer().commit("try", &[&plain, scenario.as_bytes(), consent.as_bytes()])
    }

    /// The commitment to an answer's body.
    #[must_use]
    pub fn answer(&self, request: &RequestId, body: &[u8]) -> Commitment {
        self.committer().commit("response", &[request.as_bytes(), body])
    }

    /// The commitment to the bytes of a package that were handed over for a request, by their SHA-256.
    #[must_use]
    pub fn delivered(&self, request: &RequestId, sha256: &[u8; 32]) -> Commitment {
        self.committer().commit("delivered", &[request.as_bytes(), sha256])
    }
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opening(key withheld)")
    }
}

impl std::fmt::Debug for Committer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Committer(key withheld)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Committer, LENGTH_BYTES, SHORT_BYTES_MAX};
    use ring::hmac;

    #[test]
    fn long_and_short_texts_are_committed_to_alike() {
        let (key, label) = ([7; 32], "label");
        let border = SHORT_BYTES_MAX - 2 * LENGTH_BYTES - label.len();
        for length in [0, 1, border - 1, border, border + 1, 4 * border] {
            let part = vec![9; length];
            let text =
                [&5_u64.to_be_bytes()[..], label.as_bytes(), &(length as u64).to_be_bytes(), &part].concat();
            let whole = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &text);
            assert_eq!(Committer::new(&key).commit(label, &[&part])[..], whole.as_ref()[..16], "{length}");
        }
    }

    #[test]
    fn domain_part_borders_and_key_all_matter() {
        let one = Committer::new(&[1; 32]);
        let base = one.commit("a", &[b"bc", b"d"]);
        assert_eq!(base, one.commit("a", &[b"bc", b"d"]));
        assert_ne!(base, one.commit("a", &[b"b", b"cd"]));
        assert_ne!(base, one.commit("ab", &[b"c", b"d"]));
        assert_ne!(base, Committer::new(&[2; 32]).commit("a", &[b"bc", b"d"]));
    }
}
