//! What signs notes. Where the private key is kept is the signer's own affair: a file, a command, a device.

use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey as Ed25519Key};
use shuzha_core::Clock;
use sm2::dsa::SigningKey as Sm2Key;

use super::key::{SM2_IDENTITY, cosigned};
use super::{Algorithm, Verifier};
use crate::Malformed;

/// A signer could not sign. Says nothing of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing key {name} could not be used: {reason}")]
pub struct SignError {
    /// Name of the key.
    pub name: String,
    /// What happened.
    pub reason: String,
}

/// Makes the signatures of one key.
pub trait Signer: Send + Sync {
    /// The public half.
    fn verifier(&self) -> &Verifier;

    /// The signature over `text`, as it stands in a note behind the key's id.
    ///
    /// # Errors
    /// Where the key cannot be used now.
    fn sign(&self, text: &str) -> Result<Vec<u8>, SignError>;
}

/// Signs with Ed25519.
pub struct Ed25519Signer {
    key: Ed25519Key,
    verifier: Verifier,
}

impl Ed25519Signer {
    /// The key of `name` with this seed.
    ///
    /// # Errors
    /// [`Malformed`] where the name may not name a key.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, Malformed> {
        let key = Ed25519Key::from_bytes(seed);
        let verifier = Verifier::new(name, Algorithm::Ed25519, key.verifying_key().as_bytes())?;
        Ok(Self { key, verifier })
    }
}

impl Signer for Ed25519Signer {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn sign(&self, text: &str) -> Result<Vec<u8>, SignError> {
        Ok(self.key.sign(text.as_bytes()).to_bytes().to_vec())
    }
}

/// Signs with SM2. The one-time number is derived from key and text (RFC 6979), so no weak generator can betray the key.
pub struct Sm2Signer {
    key: Sm2Key,
    verifier: Verifier,
}

impl Sm2Signer {
    /// The key of `name` with this private number, big-endian.
    ///
    /// # Errors
    /// [`Malformed`] where the number is no private key (zero, or too large), or the name may not name one.
    pub fn new(name: &str, private: &[u8; 32]) -> Result<Self, Malformed> {
        use sm2::elliptic_curve::sec1::ToSec1Point as _;
        let key = Sm2Key::from_slice(SM2_IDENTITY, private).map_err(|_| Malformed("a private key"))?;
        let point = key.verifying_key().to_sec1_point(false);
        let verifier = Verifier::new(name, Algorithm::Sm2, point.as_bytes())?;
        Ok(Self { key, verifier })
    }
}

impl Signer for Sm2Signer {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn sign(&self, text: &str) -> Result<Vec<u8>, SignError> {
        use sm2::dsa::signature::Signer as _;
        match self.key.try_sign(text.as_bytes()) {
            Ok(signature) => Ok(signature.to_bytes().to_vec()),
            Err(_) => Err(SignError {
                name: self.verifier.name().to_owned(),
                reason: "the curve gave no signature for this text".to_owned(),
            }),
        }
    }
}

/// Cosigns with Ed25519: says that at this time the witness had seen nothing that contradicts the text.
pub struct CosignatureSigner {
    key: Ed25519Key,
    verifier: Verifier,
    clock: Arc<dyn Clock>,
}

impl CosignatureSigner {
    /// The key of the witness `name` with this seed.
    ///
    /// # Errors
    /// [`Malformed`] where the name may not name a key.
    pub fn new(name: &str, seed: &[u8; 32], clock: Arc<dyn Clock>) -> Result<Self, Malformed> {
        let key = Ed25519Key::from_bytes(seed);
        let verifier = Verifier::new(name, Algorithm::Cosignature, key.verifying_key().as_bytes())?;
        Ok(Self { key, verifier, clock })
    }
}

impl Signer for CosignatureSigner {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn sign(&self, text: &str) -> Result<Vec<u8>, SignError> {
        let time = u64::try_from(self.clock.now().seconds()).map_err(|_| SignError {
            name: self.verifier.name().to_owned(),
            reason: "the clock stands before 1970".to_owned(),
        })?;
        let signature = self.key.sign(cosigned(time, text).as_bytes());
        Ok([&time.to_be_bytes()[..], &signature.to_bytes()].concat())
    }
}
