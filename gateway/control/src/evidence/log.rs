//! The evidence log for those who supervise: checkpoints, and proofs between them and of single records (REQUIREMENTS H1). Checkpoints and
//! hashes are public besides; see `docs/evidence.md`.

use shuzha_core::{Code, RequestId};
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::log::{LogError, Shard};
use shuzha_evidence::merkle::{Hash, Sha256, Sm3};
use shuzha_evidence::receipt::Receipt;

use super::retention::READERS;
use super::{Evidence, fault};
use crate::finance::may_read;
use crate::{Caller, Error};

/// One of the two trees over the same records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// SHA-256, signed with Ed25519.
    Sha256,
    /// SM3, signed with SM2.
    Sm3,
}

/// How a record is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafOf {
    /// By its place in the half-year's log.
    Index(u64),
    /// By its sequence in the journal.
    Sequence(u64),
    /// By the call's request.
    Request(RequestId),
}

/// The latest checkpoints of a half-year, as signed notes; none before the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// Of the SHA-256 tree.
    pub sha256: Option<String>,
    /// Of the SM3 tree.
    pub sm3: Option<String>,
    /// Of the SHA-256 tree, with the signatures of witnesses.
    pub cosigned: Option<String>,
}

impl Evidence {
    /// The latest checkpoints of a half-year.
    ///
    /// # Errors
    /// C1104, C1106 without a role that sees them; C1003 where there is no such half-year; C1703.
    pub fn checkpoints(&self, caller: &Caller, shard: Shard) -> Result<Checkpoints, Error> {
        self.there(caller, shard)?;
        let log = self.library.log(shard);
        let read = || -> Result<Checkpoints, LogError> {
            let text = |note: Option<shuzha_evidence::note::Note>| note.map(|note| note.to_string());
            Ok(Checkpoints {
                sha256: text(log.checkpoint::<Sha256>()?),
                sm3: text(log.checkpoint::<Sm3>()?),
                cosigned: text(log.cosigned::<Sha256>()?),
            })
        };
        read().map_err(|error| fault(&error))
    }

    /// The proof that a record is a leaf under the latest checkpoint (C2SP tlog-proof), without the record.
    ///
    /// # Errors
    /// As [`Evidence::checkpoints`]; C1003 where there is no such record in the half-year.
    pub fn inclusion(
        &self,
        caller: &Caller,
        shard: Shard,
        leaf: LeafOf,
        tree: Tree,
    ) -> Result<Receipt, Error> {
        let (first_seq, size) = self.there(caller, shard)?;
        let index = match leaf {
            LeafOf::Index(index) => Some(index),
            LeafOf::Sequence(seq) => seq.checked_sub(first_seq),
            LeafOf::Request(request) => {
                let found = self.library.call(&request).map_err(|error| fault(&error))?;
                found.filter(|found| found.shard == shard).map(|found| found.index)
            }
        };
        let index = index.filter(|index| *index < size).ok_or(Code::C1003)?;
        let log = self.library.log(shard);
        let receipt = match tree {
            Tree::Sha256 => log.receipt::<Sha256>(index, None),
            Tree::Sm3 => log.receipt::<Sm3>(index, None),
        };
        receipt.map_err(|error| fault(&error))?.ok_or_else(|| Code::C1003.into())
    }

    /// The proof that the tree of `from` leaves is the beginning of the tree of `to`.
    ///
    /// # Errors
    /// As [`Evidence::checkpoints`]; C1003 where the log has no trees of these sizes.
    pub fn consistency(
        &self,
        caller: &Caller,
        shard: Shard,
        (from, to): (u64, Option<u64>),
        tree: Tree,
    ) -> Result<(u64, Vec<Hash>), Error> {
        let (_, size) = self.there(caller, shard)?;
        let to = to.unwrap_or(size);
        if from > to || to > size {
            return Err(Code::C1003.into());
        }
        let log = self.library.log(shard);
        let proof = match tree {
            Tree::Sha256 => log.consistency::<Sha256>(from, to),
            Tree::Sm3 => log.consistency::<Sm3>(from, to),
        };
        Ok((to, proof.map_err(|error| fault(&error))?))
    }

    /// Sequence of the half-year's first record, and its leaves under both checkpoints.
    fn there(&self, caller: &Caller, shard: Shard) -> Result<(u64, u64), Error> {
        may_read(caller, &READERS)?;
        let years = self.library.half_years().map_err(|error| fault(&error))?;
        let (_, first_seq, size) = years.into_iter().find(|(one, ..)| *one == shard).ok_or(Code::C1003)?;
        // The SM3 tree is published first; the smaller of the two is what both have.
        let log = self.library.log(shard);
        let published = log.checkpoint::<Sm3>().map_err(|error| fault(&error))?;
        let sm3 = published.and_then(|note| Checkpoint::parse(note.text()).ok()).map_or(0, |tree| tree.size);
        Ok((first_seq, size.min(sm3)))
    }
}
