//! Signed notes (C2SP signed-note): a text, and signatures by named keys under it.
//!
//! Reading one says nothing about who signed: [`Note::verified_by`] does.

mod key;
mod signer;

use std::fmt;

use base64::Engine as _;

use crate::{BASE64, Malformed};
pub use key::{Algorithm, Verifier};
pub use signer::{CosignatureSigner, Ed25519Signer, SignError, Signer, Sm2Signer};

/// Longest note that is read, in bytes.
pub const NOTE_BYTES_MAX: usize = 64 << 10;

/// Most signatures that are read.
pub const SIGNATURES_MAX: usize = 64;

/// What a line of a signature begins with.
const DASH: &str = "— ";

/// Bytes of a key's id before a signature.
const KEY_ID_BYTES: usize = 4;

/// A text with signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature as it stands under a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub key_id: u32,
    /// What the key made, in the form of its algorithm.
    pub bytes: Vec<u8>,
}

/// Why a note is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// No key that is asked for signed it.
    #[error("no known key has signed this")]
    NoSignature,
    /// A key that is asked for is named, but did not sign this.
    #[error("the signature of a known key is wrong")]
    WrongSignature,
}

/// Whether `name` may name a key: no space and no plus.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

impl Note {
    /// A note without signatures.
    ///
    /// # Errors
    /// [`Malformed`] where `text` is not lines of printable characters.
    pub fn unsigned(text: impl Into<String>) -> Result<Self, Malformed> {
        let text = text.into();
        let plain = text.len() <= NOTE_BYTES_MAX && text.ends_with('\n');
        if !plain || text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(Malformed("the text of a note"));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("a signed note");
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(Malformed("the size of a note"));
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| WRONG)?;
        let (text, signatures) = whole.rsplit_once("\n\n").ok_or(WRONG)?;
        let mut note = Self::unsigned(format!("{text}\n"))?;
        note.signatures = Signature::parse_lines(signatures)?;
        if note.signatures.is_empty() {
            return Err(WRONG);
        }
        Ok(note)
    }

    /// What is signed, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, of whomever.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Signs, in place of a signature by the same key that may be there.
    ///
    /// # Errors
    /// Of the signer.
    pub fn sign(&mut self, signer: &dyn Signer) -> Result<(), SignError> {
        let verifier = signer.verifier();
        let bytes = signer.sign(&self.text)?;
        let signature = Signature { name: verifier.name().to_owned(), key_id: verifier.key_id(), bytes };
        self.signatures.retain(|other| !verifier.made(other));
        self.signatures.push(signature);
        Ok(())
    }

    /// Adds a signature that was made elsewhere.
    pub fn add(&mut self, signature: Signature) {
        if !self.signatures.contains(&signature) && self.signatures.len() < SIGNATURES_MAX {
            self.signatures.push(signature);
        }
    }

    /// Whether `verifier` signed this.
    ///
    /// # Errors
    /// [`Unverified`]: it did not, or what stands under its name is wrong.
    pub fn verified_by(&self, verifier: &Verifier) -> Result<(), Unverified> {
        let mut found = Err(Unverified::NoSignature);
        for signature in self.signatures.iter().filter(|signature| verifier.made(signature)) {
            if !verifier.verify(&self.text, &signature.bytes) {
                return Err(Unverified::WrongSignature);
            }
            found = Ok(());
        }
        found
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}

impl Signature {
    /// Reads lines of signatures, each of which ends in a newline.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse_lines(lines: &str) -> Result<Vec<Self>, Malformed> {
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let lines = lines.strip_suffix('\n').ok_or(Malformed("a signature of a note"))?;
        if lines.split('\n').count() > SIGNATURES_MAX {
            return Err(Malformed("the number of signatures of a note"));
        }
        lines.split('\n').map(Self::parse_line).collect()
    }

    fn parse_line(line: &str) -> Result<Self, Malformed> {
        let parts = line.strip_prefix(DASH).and_then(|line| line.split_once(' '));
        let signature = parts.filter(|(name, _)| is_name(name)).and_then(|(name, base64)| {
            let bytes = BASE64.decode(base64).ok()?;
            let (key_id, bytes) = bytes.split_first_chunk::<KEY_ID_BYTES>()?;
            let key_id = u32::from_be_bytes(*key_id);
            (!bytes.is_empty()).then(|| Self { name: name.to_owned(), key_id, bytes: bytes.to_vec() })
        });
        signature.ok_or(Malformed("a signature of a note"))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id.to_be_bytes(), self.bytes.as_slice()].concat();
        writeln!(f, "{DASH}{} {}", self.name, BASE64.encode(bytes))
    }
}

#[cfg(test)]
pub(crate) mod tests;
