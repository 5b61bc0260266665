//! Where a log's private keys are kept.

use zeroize::Zeroizing;

use super::LogKeys;
use crate::Malformed;
use crate::note::{Algorithm, Ed25519Signer, SignError, Signer, Sm2Signer, Verifier};

/// Keeps one private key, and signs with it under whatever name a tree has. A key in memory is one ([`SeedKey`]); a command of the
/// operator's, a PKCS#11 token or an SDF device (GM/T 0018) behind it are others: what they must do is to sign a text.
pub trait KeyProvider: Send + Sync {
    /// What signs under `name`.
    ///
    /// # Errors
    /// Where the key cannot be used, or the name may not name one.
    fn signer(&self, name: &str) -> Result<Box<dyn Signer>, SignError>;
}

/// A private key in memory; erased when it is dropped.
pub struct SeedKey {
    algorithm: Algorithm,
    private: Zeroizing<[u8; 32]>,
}

impl SeedKey {
    /// An Ed25519 seed, or an SM2 private number, big-endian.
    #[must_use]
    pub fn new(algorithm: Algorithm, private: [u8; 32]) -> Self {
        Self { algorithm, private: Zeroizing::new(private) }
    }

    fn named(&self, name: &str) -> Result<Box<dyn Signer>, Malformed> {
        Ok(match self.algorithm {
            Algorithm::Sm2 => Box::new(Sm2Signer::new(name, &self.private)?),
            Algorithm::Ed25519 | Algorithm::Cosignature => Box::new(Ed25519Signer::new(name, &self.private)?),
        })
    }
}

impl KeyProvider for SeedKey {
    fn signer(&self, name: &str) -> Result<Box<dyn Signer>, SignError> {
        self.named(name).map_err(|reason| SignError { name: name.to_owned(), reason: reason.to_string() })
    }
}

/// The keys of a log where both are in memory.
pub type SeedKeys = ProvidedKeys;

/// The keys of a log, each with its provider.
pub struct ProvidedKeys {
    sha256: Box<dyn KeyProvider>,
    sm3: Box<dyn KeyProvider>,
    known: Vec<Verifier>,
}

impl ProvidedKeys {
    /// The keys of the log `name`: of its SHA-256 tree, which must be Ed25519, and of its SM3 tree, which must be SM2. Signatures by
    /// `former` keys are accepted too.
    ///
    /// # Errors
    /// Where a key cannot be used, or is of the other kind.
    pub fn of(
        name: &str,
        sha256: Box<dyn KeyProvider>,
        sm3: Box<dyn KeyProvider>,
        former: impl IntoIterator<Item = Verifier>,
    ) -> Result<Self, SignError> {
        let mut known = Vec::new();
        for (key, algorithm) in [(&sha256, Algorithm::Ed25519), (&sm3, Algorithm::Sm2)] {
            let verifier = key.signer(name)?.verifier().clone();
            if verifier.algorithm() != algorithm {
                let reason = format!("it is not of the kind {algorithm:?}");
                return Err(SignError { name: name.to_owned(), reason });
            }
            known.push(verifier);
        }
        known.extend(former);
        Ok(Self { sha256, sm3, known })
    }

    /// The same, of an Ed25519 seed and an SM2 private number in memory.
    ///
    /// # Errors
    /// As [`ProvidedKeys::of`].
    pub fn new(
        name: &str,
        ed25519: [u8; 32],
        sm2: [u8; 32],
        former: impl IntoIterator<Item = Verifier>,
    ) -> Result<Self, SignError> {
        let key = |algorithm, private| Box::new(SeedKey::new(algorithm, private));
        Self::of(name, key(Algorithm::Ed25519, ed25519), key(Algorithm::Sm2, sm2), former)
    }

    /// The keys that sign now, the SHA-256 tree's first.
    #[must_use]
    pub fn present(&self) -> &[Verifier] {
        &self.known[..2]
    }
}

impl LogKeys for ProvidedKeys {
    fn sha256(&self, origin: &str) -> Result<Box<dyn Signer>, SignError> {
        self.sha256.signer(origin)
    }

    fn sm3(&self, origin: &str) -> Result<Box<dyn Signer>, SignError> {
        self.sm3.signer(origin)
    }

    fn known(&self) -> &[Verifier] {
        &self.known
    }
}
