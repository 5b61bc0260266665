//! Manifests and certificates: JSON under a line that says what it is, signed by the log's key as a note (C2SP signed-note).

use ring::digest::SHA256;
use serde_json::Value;
use shuzha_evidence::merkle::{Digest as _, Sha256};
use shuzha_evidence::note::Note;

use super::{HalfYear, Parts, RetentionError};

/// First line of a manifest of a sealing (封存清单).
pub(super) const SEALED: &str = "shuzha manifest of sealing v1";
/// First line of a certificate of destruction (销毁证明).
pub(super) const DESTROYED: &str = "shuzha certificate of destruction v1";

/// The signed text.
pub(super) fn signed(
    parts: &Parts,
    year: &HalfYear,
    title: &str,
    content: &Value,
) -> Result<String, RetentionError> {
    let origin = format!("{}/{}{}", parts.origin, year.shard, Sha256::SUFFIX);
    let text = format!("{title}\n{content}\n");
    let mut note = Note::unsigned(text).map_err(|_| shuzha_evidence::log::LogError::Damaged {
        path: year.shard.to_string(),
        what: "what is to be signed is no text of a note",
    })?;
    let signer = parts.keys.sha256(&origin).map_err(shuzha_evidence::log::LogError::from)?;
    note.sign(&*signer).map_err(shuzha_evidence::log::LogError::from)?;
    Ok(note.to_string())
}

/// SHA-256 of a document, as its leaf has it.
pub(super) fn digest(document: &str) -> [u8; 32] {
    let digest = ring::digest::digest(&SHA256, document.as_bytes());
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}
