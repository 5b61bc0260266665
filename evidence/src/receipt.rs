//! Receipts (C2SP tlog-proof): one text that shows that an entry is in a log, to anyone with the log's public key.
//!
//! The `extra` line carries the entry itself and the keys that open its commitments. Nothing in it is to be believed
//! before the proof is checked over it; [`Receipt::check`] does both.

use std::fmt;

use base64::Engine as _;

use crate::commit::{COMMITMENT_BYTES, Opening};
use crate::merkle::{self, Digest, Hash, PROOF_HASHES_MAX, WrongProof};
use crate::note::Note;
use crate::policy::{Distrust, Policy};
use crate::record::{Call, ENTRY_BYTES_MAX};
use crate::{BASE64, Malformed, decimal, hash_from_base64};

/// First line of every proof.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// First byte of our extra data.
const EXTRA_VERSION: u8 = 1;

/// Longest receipt that is read, in bytes.
pub const RECEIPT_BYTES_MAX: usize = 128 << 10;

/// A proof that an entry stands in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The entry, and what opens its commitments; none in a proof that others made.
    pub enclosed: Option<Enclosed>,
    /// Extra data that others put into their proof: theirs to read, and written again as it stood.
    pub others: Option<Vec<u8>>,
    /// Where the entry stands: 0 for the first.
    pub index: u64,
    /// Hashes from the leaf's neighbour up.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub note: Note,
}

/// What a receipt carries besides the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosed {
    /// The entry's bytes, as they stand in the journal.
    pub entry: Vec<u8>,
    /// Opens the commitment to the request.
    pub request: Opening,
    /// Opens the commitment to the answer.
    pub answer: Opening,
}

/// Why a receipt shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipt {
    /// The checkpoint is not to be believed.
    #[error(transparent)]
    Checkpoint(#[from] Distrust),
    /// The entry is not in that tree.
    #[error(transparent)]
    Proof(#[from] WrongProof),
}

impl Receipt {
    /// Reads a receipt.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("a receipt");
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(Malformed("the size of a receipt"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| WRONG)?;
        let (proof, note) = text.split_once("\n\n").ok_or(WRONG)?;
        let mut lines = proof.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(WRONG);
        }
        let (enclosed, others) = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => {
                let bytes = line.strip_prefix("extra ").and_then(|text| BASE64.decode(text).ok());
                let bytes = bytes.ok_or(WRONG)?;
                match Enclosed::decode(&bytes)? {
                    None => (None, Some(bytes)),
                    ours => (ours, None),
                }
            }
            None => (None, None),
        };
        let index = lines.next().and_then(|line| decimal(line.strip_prefix("index ")?)).ok_or(WRONG)?;
        let path = lines.map(|line| hash_from_base64(line).ok_or(WRONG)).collect::<Result<Vec<_>, _>>()?;
        if path.len() > PROOF_HASHES_MAX {
            return Err(Malformed("the length of a proof"));
        }
        Ok(Self { enclosed, others, index, path, note: Note::parse(note.as_bytes())? })
    }

    /// Checks that `entry` stands where the receipt says, in a tree that `policy` believes in.
    ///
    /// # Errors
    /// [`BadReceipt`].
    pub fn check<D: Digest>(&self, entry: &[u8], policy: &Policy) -> Result<(), BadReceipt> {
        let tree = policy.open(&self.note)?;
        let leaf = D::leaf(entry);
        Ok(merkle::check_inclusion::<D>(&leaf, self.index, tree.size, &self.path, &tree.root)?)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        let extra = self.enclosed.as_ref().map(Enclosed::encode);
        if let Some(extra) = extra.as_ref().or(self.others.as_ref()) {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", BASE64.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// Whether the keys in a receipt are those that the record binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// They are.
    Bound,
    /// They were altered: what they open, or do not open, says nothing about the record.
    Altered,
    /// The record binds none: software before this one wrote it, or nothing is committed to. Keys that do not open a text
    /// may be as wrong as the text.
    Unbound,
}

impl Enclosed {
    /// Whether these keys are the ones that `call`, the record enclosed, binds.
    #[must_use]
    pub fn keys(&self, call: &Call<'_>) -> Keys {
        match call.openings {
            None => Keys::Unbound,
            Some(bound) if bound == Opening::bound(&self.request, &self.answer) => Keys::Bound,
            Some(_) => Keys::Altered,
        }
    }

    fn encode(&self) -> Vec<u8> {
        [&[EXTRA_VERSION][..], self.request.as_bytes(), self.answer.as_bytes(), &self.entry].concat()
    }

    /// Ours, or none where others put something there that is theirs to read.
    fn decode(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let Some((&EXTRA_VERSION, rest)) = bytes.split_first() else { return Ok(None) };
        let keys = rest.split_first_chunk::<COMMITMENT_BYTES>();
        let keys = keys.and_then(|(request, rest)| Some((request, rest.split_first_chunk()?)));
        let (request, (answer, entry)) = keys.ok_or(Malformed("the extra data of a receipt"))?;
        if entry.is_empty() || entry.len() > ENTRY_BYTES_MAX {
            return Err(Malformed("the entry in a receipt"));
        }
        let (request, answer) = (Opening::from_bytes(*request), Opening::from_bytes(*answer));
        Ok(Some(Self { entry: entry.to_vec(), request, answer }))
    }
}

#[cfg(test)]
mod tests;
