//! Who may sign consents: registered keys, each with its owner and its one algorithm.

use std::collections::BTreeMap;
use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use p256::ecdsa;
use sm2::dsa as sm2dsa;
use sm2dsa::signature::Verifier as _;

/// The identity that SM2 signatures are made under where nothing else is agreed (GB/T 32918.2-2016 §5.5, GM/T 0009).
const SM2_IDENTITY: &str = "1234567812345678";
/// Longest key id and issuer name, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// A signature algorithm, pinned to a key when the key is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032, RFC 8037 §3.1).
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4).
    Es256,
    /// SM2 with SM3 (GB/T 32918.2-2016). No name is registered with JOSE; this one is ours.
    Sm2Sm3,
}

impl Algorithm {
    /// The name in a token's header (`alg`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Sm2Sm3 => "SM2-SM3",
        }
    }
}

/// Why a key was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// The bytes are not a public key of the algorithm.
    #[error("not a public key of this algorithm")]
    Malformed,
    /// The key is of low order: signatures under it can be made by anyone.
    #[error("a weak key")]
    Weak,
    /// The id is taken: keys are never replaced under one id.
    #[error("the key id is already registered")]
    Duplicate,
    /// The key id or issuer's name is empty, too long, or not printable ASCII.
    #[error("the key id or issuer's name is not printable ASCII of 1 to {NAME_BYTES_MAX} bytes")]
    Name,
}

/// The registered keys. May be empty: then no consent verifies.
#[derive(Clone, Debug, Default)]
pub struct Issuers(BTreeMap<String, Registered>);

/// A registered key.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) issuer: String,
    key: PublicKey,
}

#[derive(Clone, Debug)]
enum PublicKey {
    EdDsa(VerifyingKey),
    Es256(ecdsa::VerifyingKey),
    Sm2Sm3(Box<sm2dsa::VerifyingKey>),
}

impl PublicKey {
    fn read(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, IssuerError> {
        match algorithm {
            Algorithm::EdDsa => {
                let bytes = bytes.try_into().map_err(|_| IssuerError::Malformed)?;
                let key = VerifyingKey::from_bytes(bytes).map_err(|_| IssuerError::Malformed)?;
                if key.is_weak() { Err(IssuerError::Weak) } else { Ok(Self::EdDsa(key)) }
            }
            Algorithm::Es256 => ecdsa::VerifyingKey::from_sec1_bytes(bytes)
                .map(Self::Es256)
                .map_err(|_| IssuerError::Malformed),
            Algorithm::Sm2Sm3 => sm2dsa::VerifyingKey::from_sec1_bytes(SM2_IDENTITY, bytes)
                .map(|key| Self::Sm2Sm3(Box::new(key)))
                .map_err(|_| IssuerError::Malformed),
        }
    }
}

impl Issuers {
    /// No issuer.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Registers a public key: for [`Algorithm::EdDsa`] its 32 bytes (RFC 8032 §5.1.5), otherwise the curve's point as
    /// SEC 1 §2.3.3 has it, in 65 or 33 bytes.
    ///
    /// # Errors
    /// [`IssuerError`]; nothing is registered then.
    pub fn register(
        &mut self,
        kid: &str,
        issuer: &str,
        algorithm: Algorithm,
        public_key: &[u8],
    ) -> Result<(), IssuerError> {
        let printable = |name: &str| {
            (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic())
        };
        if !printable(kid) || !printable(issuer) {
            return Err(IssuerError::Name);
        }
        let key = PublicKey::read(algorithm, public_key)?;
        if self.0.contains_key(kid) {
            return Err(IssuerError::Duplicate);
        }
        self.0.insert(kid.to_owned(), Registered { issuer: issuer.to_owned(), key });
        Ok(())
    }

    /// Whether no key is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(&self, kid: &str) -> Option<&Registered> {
        self.0.get(kid)
    }
}

impl Registered {
    pub(super) const fn algorithm(&self) -> Algorithm {
        match self.key {
            PublicKey::EdDsa(_) => Algorithm::EdDsa,
            PublicKey::Es256(_) => Algorithm::Es256,
            PublicKey::Sm2Sm3(_) => Algorithm::Sm2Sm3,
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            // Strict: refuses low-order points, so that one signature fits one key and message only.
            PublicKey::EdDsa(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            PublicKey::Es256(key) => ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            PublicKey::Sm2Sm3(key) => sm2dsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }
}

/// An issuer's signing key. For the consent service and for tests; the gate holds none.
pub struct Signer {
    issuer: String,
    kid: String,
    key: SecretKey,
}

enum SecretKey {
    EdDsa(SigningKey),
    Es256(ecdsa::SigningKey),
    Sm2Sm3(Box<sm2dsa::SigningKey>),
}

impl Signer {
    /// The issuer's key: an Ed25519 seed (RFC 8032 §5.1.5), or the curve's secret number in 32 bytes, high first.
    ///
    /// # Errors
    /// [`IssuerError::Malformed`] for a number that is zero or not below the curve's order.
    pub fn new(
        issuer: &str,
        kid: &str,
        algorithm: Algorithm,
        secret: &[u8; 32],
    ) -> Result<Self, IssuerError> {
        let key = match algorithm {
            Algorithm::EdDsa => SecretKey::EdDsa(SigningKey::from_bytes(secret)),
            Algorithm::Es256 => {
                SecretKey::Es256(ecdsa::SigningKey::from_slice(secret).map_err(|_| IssuerError::Malformed)?)
            }
            Algorithm::Sm2Sm3 => SecretKey::Sm2Sm3(Box::new(
                sm2dsa::SigningKey::from_slice(SM2_IDENTITY, secret).map_err(|_| IssuerError::Malformed)?,
            )),
        };
        Ok(Self { issuer: issuer.to_owned(), kid: kid.to_owned(), key })
    }

    /// The issuer's Ed25519 key from its 32-byte seed (RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(issuer: &str, kid: &str, seed: &[u8; 32]) -> Self {
        Self::new(issuer, kid, Algorithm::EdDsa, seed).expect("every 32 bytes are an Ed25519 seed")
    }

    /// Name of the issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Id of the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key, as [`Issuers::register`] takes it.
    #[must_use]
    pub fn public_key(&self) -> Vec<u8> {
        match &self.key {
            SecretKey::EdDsa(key) => key.verifying_key().to_bytes().to_vec(),
            SecretKey::Es256(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            SecretKey::Sm2Sm3(key) => key.verifying_key().to_sec1_bytes().into_vec(),
        }
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self.key {
            SecretKey::EdDsa(_) => Algorithm::EdDsa,
            SecretKey::Es256(_) => Algorithm::Es256,
            SecretKey::Sm2Sm3(_) => Algorithm::Sm2Sm3,
        }
    }

    /// Signs; the curves' per-message numbers are derived from key and message (RFC 6979), so no bad source of
    /// randomness can betray the key.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        match &self.key {
            SecretKey::EdDsa(key) => key.sign(message).to_bytes(),
            SecretKey::Es256(key) => {
                let signature: ecdsa::Signature = key.sign(message);
                signature.to_bytes().into()
            }
            SecretKey::Sm2Sm3(key) => {
                let signature: sm2dsa::Signature = key.sign(message);
                signature.to_bytes().into()
            }
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {}, withheld)", self.issuer, self.kid)
    }
}
