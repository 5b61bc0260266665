//! Who may sign consents: registered keys, each with its owner and its one algorithm.

use std::collections::BTreeMap;
use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// Longest key id and issuer name, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// A signature algorithm, pinned to a key when the key is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032, RFC 8037 §3.1).
    EdDsa,
}

impl Algorithm {
    /// The name in a token's header (`alg`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
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
}

impl Issuers {
    /// No issuer.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Registers a public key: for [`Algorithm::EdDsa`] its 32 bytes (RFC 8032 §5.1.5).
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
        let key = match algorithm {
            Algorithm::EdDsa => {
                let bytes = public_key.try_into().map_err(|_| IssuerError::Malformed)?;
                let key = VerifyingKey::from_bytes(bytes).map_err(|_| IssuerError::Malformed)?;
                if key.is_weak() {
                    return Err(IssuerError::Weak);
                }
                PublicKey::EdDsa(key)
            }
        };
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
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            // Strict: refuses low-order points, so that one signature fits one key and message only.
            PublicKey::EdDsa(key) => Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }
}

/// An issuer's signing key. For the consent service and for tests; the gate holds none.
pub struct Signer {
    issuer: String,
    kid: String,
    key: SigningKey,
}

impl Signer {
    /// The issuer's Ed25519 key from its 32-byte seed (RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(issuer: &str, kid: &str, seed: &[u8; 32]) -> Self {
        Self { issuer: issuer.to_owned(), kid: kid.to_owned(), key: SigningKey::from_bytes(seed) }
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

    /// The public key, to register.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        Algorithm::EdDsa
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {}, withheld)", self.issuer, self.kid)
    }
}
