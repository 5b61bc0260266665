//! Group elements and proofs on the wire: unpadded base64url of their canonical bytes.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use voprf::{Group, Ristretto255};

use super::BlindError;

/// Characters of an element's text form.
pub const ELEMENT_TEXT_BYTES: usize = 43;
/// Characters of a proof's text form.
pub const PROOF_TEXT_BYTES: usize = 86;

/// A group element other than the identity, canonically encoded: a blinded entry, an evaluated one, or a public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Element([u8; 32]);

impl Element {
    /// Reads an element.
    ///
    /// # Errors
    /// [`BlindError::Encoding`] for the identity, and for bytes that encode no element or not canonically
    /// (RFC 9496 §4.3.1, RFC 9497 §2.1).
    pub fn new(bytes: &[u8]) -> Result<Self, BlindError> {
        Ristretto255::deserialize_elem(bytes).map_err(|_| BlindError::Encoding)?;
        bytes.try_into().map(Self).map_err(|_| BlindError::Encoding)
    }

    /// The encoding.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn point(&self) -> Result<<Ristretto255 as Group>::Elem, BlindError> {
        Ristretto255::deserialize_elem(&self.0).map_err(|_| BlindError::Encoding)
    }
}

impl FromStr for Element {
    type Err = BlindError;

    /// Reads the one text form: 43 characters, no stray bits.
    fn from_str(text: &str) -> Result<Self, BlindError> {
        Self::new(&decode(text, ELEMENT_TEXT_BYTES)?)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Element({self})")
    }
}

/// A proof that evaluated elements were made with the key behind a public key (RFC 9497 §2.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof([u8; 64]);

impl Proof {
    /// Reads a proof.
    ///
    /// # Errors
    /// [`BlindError::Encoding`] when it is not two canonical scalars.
    pub fn new(bytes: &[u8]) -> Result<Self, BlindError> {
        let proof = Self(bytes.try_into().map_err(|_| BlindError::Encoding)?);
        proof.parse().map(|_| proof)
    }

    /// The encoding.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 64] {
        self.0
    }

    pub(super) fn parse(&self) -> Result<voprf::Proof<Ristretto255>, BlindError> {
        voprf::Proof::deserialize(&self.0).map_err(|_| BlindError::Encoding)
    }
}

impl FromStr for Proof {
    type Err = BlindError;

    /// Reads the one text form: 86 characters, no stray bits.
    fn from_str(text: &str) -> Result<Self, BlindError> {
        Self::new(&decode(text, PROOF_TEXT_BYTES)?)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proof({self})")
    }
}

fn decode(text: &str, length: usize) -> Result<Vec<u8>, BlindError> {
    if text.len() != length {
        return Err(BlindError::Encoding);
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| BlindError::Encoding)
}
