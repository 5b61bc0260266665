//! Whom to believe: the log's keys, and how many of which witnesses.

use crate::Malformed;
use crate::checkpoint::Checkpoint;
use crate::log::Shard;
use crate::note::{Note, Unverified, Verifier};

/// Whom to believe about one log. Knows public keys only.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Keys of the log, each by the name of the log or of what stands above it: the key of `example/gate` is good for
    /// `example/gate/2026h2`, under that name.
    pub log: Vec<Verifier>,
    /// Keys of witnesses.
    pub witnesses: Vec<Verifier>,
    /// How many of the witnesses must have signed.
    pub quorum: usize,
    /// Keys of the log that were handed over, and up to where they count.
    pub retired: Vec<Retired>,
}

/// A key that signs no more.
#[derive(Clone, Debug)]
pub struct Retired {
    /// The key.
    pub key: Verifier,
    /// The last half-year in which it signed.
    pub shard: Shard,
    /// The most leaves that it signed there.
    pub size: u64,
}

impl Retired {
    /// Whether it may have signed this.
    fn covers(&self, key: &Verifier, checkpoint: &Checkpoint) -> bool {
        let below = checkpoint.origin.strip_prefix(key.name()).and_then(|rest| rest.strip_prefix('/'));
        let shard = below.and_then(|rest| rest.split('/').next()?.parse::<Shard>().ok());
        // What is of no half-year cannot be said to be older.
        shard.is_some_and(|shard| (shard, checkpoint.size) <= (self.shard, self.size) || shard < self.shard)
    }
}

/// Why a checkpoint is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It is not a signed checkpoint.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// None of the log's keys is for this origin.
    #[error("no key is known for this log")]
    UnknownLog,
    /// The log's signature is missing or wrong.
    #[error("the log's signature: {0}")]
    Log(Unverified),
    /// A key signed it that had been handed over by then.
    #[error("the key that signed this was handed over before")]
    Retired,
    /// A witness that is trusted is named, but did not sign this.
    #[error("a witness's signature is wrong")]
    Witness,
    /// Too few witnesses signed.
    #[error("{signed} of the {quorum} witnesses needed have signed")]
    Quorum {
        /// Who did.
        signed: usize,
        /// Who must.
        quorum: usize,
    },
}

impl Distrust {
    /// Whether it shows something against the log. That a key is not at hand, or that witnesses are too few, does not.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        !matches!(self, Self::UnknownLog | Self::Quorum { .. })
    }
}

impl Policy {
    /// Reads `note` and gives the checkpoint in it, if it is to be believed.
    ///
    /// # Errors
    /// [`Distrust`].
    pub fn open(&self, note: &Note) -> Result<Checkpoint, Distrust> {
        let checkpoint = Checkpoint::parse(note.text())?;
        let mut signed = Err(Distrust::UnknownLog);
        for key in self.log.iter().filter(|key| speaks_for(key.name(), &checkpoint.origin)) {
            match note.verified_by(&key.renamed(&checkpoint.origin)?) {
                Ok(()) if self.is_retired(key, &checkpoint) => return Err(Distrust::Retired),
                Ok(()) => signed = Ok(()),
                Err(Unverified::NoSignature) if signed.is_ok() => {}
                Err(wrong) => {
                    signed = Err(Distrust::Log(wrong));
                    if wrong == Unverified::WrongSignature {
                        break;
                    }
                }
            }
        }
        signed?;
        let cosigned = self.witnesses_of(note)?;
        if cosigned < self.quorum {
            return Err(Distrust::Quorum { signed: cosigned, quorum: self.quorum });
        }
        Ok(checkpoint)
    }

    fn is_retired(&self, key: &Verifier, checkpoint: &Checkpoint) -> bool {
        let mut of = self.retired.iter().filter(|retired| retired.key.is_same_key(key));
        of.any(|retired| !retired.covers(key, checkpoint))
    }

    /// How many of the trusted witnesses signed, each key counted once.
    fn witnesses_of(&self, note: &Note) -> Result<usize, Distrust> {
        let mut counted: Vec<&Verifier> = Vec::new();
        for witness in &self.witnesses {
            match note.verified_by(witness) {
                Ok(()) if counted.iter().any(|other| other.is_same_key(witness)) => {}
                Ok(()) => counted.push(witness),
                Err(Unverified::NoSignature) => {}
                Err(Unverified::WrongSignature) => return Err(Distrust::Witness),
            }
        }
        Ok(counted.len())
    }
}

/// Whether a key of `name` is good for the log `origin`.
fn speaks_for(name: &str, origin: &str) -> bool {
    origin.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
