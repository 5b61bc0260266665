//! Keys held in memory, from seeds that the caller has read.

use zeroize::Zeroizing;

use super::LogKeys;
use crate::Malformed;
use crate::note::{Ed25519Signer, SignError, Signer, Sm2Signer, Verifier};

/// The keys of a log from their private halves.
pub struct SeedKeys {
    ed25519: Zeroizing<[u8; 32]>,
    sm2: Zeroizing<[u8; 32]>,
    known: Vec<Verifier>,
}

impl SeedKeys {
    /// The keys of the log `name` from an Ed25519 seed and an SM2 private number. Signatures by `former` keys are accepted too.
    ///
    /// # Errors
    /// [`Malformed`] where the name may not name a key, or the number is none.
    pub fn new(
        name: &str,
        ed25519: [u8; 32],
        sm2: [u8; 32],
        former: impl IntoIterator<Item = Verifier>,
    ) -> Result<Self, Malformed> {
        let mut known = vec![
            Ed25519Signer::new(name, &ed25519)?.verifier().clone(),
            Sm2Signer::new(name, &sm2)?.verifier().clone(),
        ];
        known.extend(former);
        Ok(Self { ed25519: Zeroizing::new(ed25519), sm2: Zeroizing::new(sm2), known })
    }
}

fn unusable(name: &str) -> impl FnOnce(Malformed) -> SignError {
    move |reason| SignError { name: name.to_owned(), reason: reason.to_string() }
}

impl LogKeys for SeedKeys {
    fn sha256(&self, origin: &str) -> Result<Box<dyn Signer>, SignError> {
        Ok(Box::new(Ed25519Signer::new(origin, &self.ed25519).map_err(unusable(origin))?))
    }

    fn sm3(&self, origin: &str) -> Result<Box<dyn Signer>, SignError> {
        Ok(Box::new(Sm2Signer::new(origin, &self.sm2).map_err(unusable(origin))?))
    }

    fn known(&self) -> &[Verifier] {
        &self.known
    }
}
