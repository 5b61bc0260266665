//! Keys that verify signatures: HMAC secrets and Ed25519 public keys.

use std::fmt;

use ed25519_dalek::Signature;
use hmac::{Hmac, KeyInit, Mac};
use ring::hmac as sha_hmac;
use sm3::Sm3;

/// Shortest HMAC secret in bytes (RFC 2104 §3 advises the length of the digest).
pub const SECRET_BYTES_MIN: usize = 32;

/// A signature algorithm, named as RFC 9421 §6.2 names it; `hmac-sm3` follows its pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SM3 (GB/T 32905).
    HmacSm3,
    /// Ed25519 (RFC 8032).
    Ed25519,
}

impl Algorithm {
    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "hmac-sha256" => Some(Self::HmacSha256),
            "hmac-sm3" => Some(Self::HmacSm3),
            "ed25519" => Some(Self::Ed25519),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSm3 => "hmac-sm3",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// A key that verifies. Prepared once, when the snapshot is compiled.
#[derive(Clone)]
pub enum VerifyingKey {
    /// HMAC-SHA256.
    Sha256(sha_hmac::Key),
    /// HMAC-SM3.
    Sm3(Box<Hmac<Sm3>>),
    /// Ed25519 public key.
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
}

/// The bytes are no key of the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An HMAC secret shorter than [`SECRET_BYTES_MIN`].
    #[error("an HMAC secret has at least {SECRET_BYTES_MIN} bytes")]
    TooShort,
    /// Not a point of the curve, or a weak one.
    #[error("not an Ed25519 public key")]
    NotEd25519,
}

impl VerifyingKey {
    /// The key of `algorithm` in `bytes`: an HMAC secret, or the 32 bytes of an Ed25519 public key.
    ///
    /// # Errors
    /// [`KeyError`] when the bytes are no such key.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        match algorithm {
            Algorithm::Ed25519 => {
                let raw = bytes.try_into().map_err(|_| KeyError::NotEd25519)?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(raw).map_err(|_| KeyError::NotEd25519)?;
                if key.is_weak() { Err(KeyError::NotEd25519) } else { Ok(Self::Ed25519(Box::new(key))) }
            }
            _ if bytes.len() < SECRET_BYTES_MIN => Err(KeyError::TooShort),
            Algorithm::HmacSha256 => Ok(Self::Sha256(sha_hmac::Key::new(sha_hmac::HMAC_SHA256, bytes))),
            Algorithm::HmacSm3 => {
                let mac = Hmac::<Sm3>::new_from_slice(bytes).map_err(|_| KeyError::TooShort)?;
                Ok(Self::Sm3(Box::new(mac)))
            }
        }
    }

    /// The algorithm this key is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::HmacSha256,
            Self::Sm3(_) => Algorithm::HmacSm3,
            Self::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// Whether `signature` is this key's over `text`. Constant-time where a secret is involved.
    #[must_use]
    pub fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        #[cfg(test)]
        super::tests::count(self.algorithm());
        match self {
            Self::Sha256(key) => sha_hmac::verify(key, text, signature).is_ok(),
            Self::Sm3(mac) => Mac::chain_update((**mac).clone(), text).verify_slice(signature).is_ok(),
            Self::Ed25519(key) => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(text, &signature).is_ok()),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}, withheld)", self.algorithm().name())
    }
}

/// Keys nobody holds, so that an unknown credential costs the work of a known one.
#[derive(Debug)]
pub(crate) struct Decoys([VerifyingKey; 3]);

impl Decoys {
    /// Fresh random keys.
    pub(crate) fn new(rng: &dyn shuzha_core::Rng) -> Self {
        let key = |algorithm| {
            let mut seed = [0; 32];
            rng.fill(&mut seed);
            let seed = match algorithm {
                Algorithm::Ed25519 => ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes(),
                Algorithm::HmacSha256 | Algorithm::HmacSm3 => seed,
            };
            VerifyingKey::new(algorithm, &seed).expect("a random key of the right length is a key")
        };
        Self([key(Algorithm::HmacSha256), key(Algorithm::HmacSm3), key(Algorithm::Ed25519)])
    }

    /// The decoy of `algorithm`.
    pub(crate) fn key(&self, algorithm: Algorithm) -> &VerifyingKey {
        &self.0[algorithm as usize]
    }
}
