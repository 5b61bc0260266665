//! A witness (C2SP tlog-witness): remembers the latest tree of each log it knows, and signs a newer one only after it was shown
//! that nothing before it changed.
//!
//! Deciding is a function of the request and of what is remembered; keeping that on disk before an answer leaves is the
//! caller's, under one lock.

use std::fmt;

use crate::checkpoint::Checkpoint;
use crate::merkle::{Digest, Hash, Sha256, Sm3, WrongProof, check_consistency};
use crate::note::{Note, SignError, Signature, Signer};
use crate::policy::{Distrust, Policy};
use crate::{Malformed, decimal, hash_from_base64};

/// Most hashes in a request (tlog-witness).
pub const PROOF_LINES_MAX: usize = 63;

/// Longest request that is read, in bytes.
pub const REQUEST_BYTES_MAX: usize = 64 << 10;

/// What a log sends to a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the tree that the log believes the witness to remember.
    pub old_size: u64,
    /// That the new tree begins with that one.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: Note,
}

impl AddCheckpoint {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("a request to a witness");
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(Malformed("the size of a request to a witness"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| WRONG)?;
        let (head, note) = text.split_once("\n\n").ok_or(WRONG)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| decimal(line.strip_prefix("old ")?)).ok_or(WRONG)?;
        let proof = lines.map(|line| hash_from_base64(line).ok_or(WRONG)).collect::<Result<Vec<_>, _>>()?;
        if proof.len() > PROOF_LINES_MAX {
            return Err(Malformed("the length of a proof"));
        }
        Ok(Self { old_size: old, proof, note: Note::parse(note.as_bytes())? })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use base64::Engine as _;
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(f, "{}", crate::BASE64.encode(hash))?;
        }
        write!(f, "\n{}", self.note)
    }
}

/// Why a witness does not sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declined {
    /// The request is not one: 400.
    Malformed,
    /// The log is not known: 404.
    UnknownLog,
    /// No key of the log signed: 403.
    Forbidden,
    /// The witness remembers another size, this one: 409.
    Conflict(u64),
    /// The new tree was not shown to begin with the one remembered: 422.
    Inconsistent,
    /// The log signed two trees of one size, or one that is empty and not: 422. Both heads together prove it.
    SplitView {
        /// The tree that the witness remembers, as the log signed it.
        known: Note,
        /// The other.
        other: Note,
    },
}

impl Declined {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Forbidden => 403,
            Self::UnknownLog => 404,
            Self::Conflict(_) => 409,
            Self::Inconsistent | Self::SplitView { .. } => 422,
        }
    }
}

/// Decides on `request`. `remembered` gives the latest checkpoint cosigned for an origin; `logs` are the logs to be witnessed.
///
/// # Errors
/// [`Declined`]; otherwise the checkpoint is to be remembered and then signed with [`cosign`].
pub fn decide<E>(
    request: &AddCheckpoint,
    logs: &Policy,
    remembered: impl FnOnce(&str) -> Result<Option<Note>, E>,
) -> Result<Result<Checkpoint, Declined>, E> {
    let new = match logs.open(&request.note) {
        Ok(new) => new,
        Err(Distrust::Malformed(_)) => return Ok(Err(Declined::Malformed)),
        Err(Distrust::UnknownLog) => return Ok(Err(Declined::UnknownLog)),
        Err(_) => return Ok(Err(Declined::Forbidden)),
    };
    let known = remembered(&new.origin)?;
    Ok(if new.origin.ends_with(Sm3::SUFFIX) {
        follows::<Sm3>(request, new, known)
    } else {
        follows::<Sha256>(request, new, known)
    })
}

fn follows<D: Digest>(
    request: &AddCheckpoint,
    new: Checkpoint,
    known: Option<Note>,
) -> Result<Checkpoint, Declined> {
    let old = match &known {
        None => Checkpoint { origin: new.origin.clone(), size: 0, root: D::empty() },
        Some(note) => Checkpoint::parse(note.text()).map_err(|_| Declined::Inconsistent)?,
    };
    // Asked first: whatever size the log believes us to remember, two trees of one size are two views.
    if let Some(known) = known
        && old.size == new.size
        && old.root != new.root
    {
        return Err(Declined::SplitView { known, other: request.note.clone() });
    }
    if request.old_size > new.size {
        return Err(Declined::Malformed);
    }
    if request.old_size != old.size {
        return Err(Declined::Conflict(old.size));
    }
    match check_consistency::<D>(old.size, new.size, &request.proof, &old.root, &new.root) {
        Ok(()) if new.size > 0 || new.root == D::empty() => Ok(new),
        Ok(()) | Err(WrongProof::Sizes | WrongProof::Length | WrongProof::Root) => {
            Err(Declined::Inconsistent)
        }
    }
}

/// The witness's signature under a checkpoint that [`decide`] passed and that is remembered by now.
///
/// # Errors
/// Where the key cannot be used.
pub fn cosign(note: &Note, witness: &dyn Signer) -> Result<Signature, SignError> {
    let mut cosigned = note.clone();
    cosigned.sign(witness)?;
    Ok(cosigned.signatures().last().expect("it has just been signed").clone())
}

#[cfg(test)]
mod tests;
