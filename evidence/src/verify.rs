//! Checking a log, or a copy of one, with public keys and nothing else.
//!
//! What is found wrong is named by the index of the first entry that is known to be affected. A tree is checked from the
//! entries up: each entry against its hash, each tile against the hash above it, the top against the signed checkpoint.

mod order;
mod pruned;
mod range;

use std::fmt;

use crate::log::{LogError, LogReader};
use crate::merkle::{Digest, Hash, WrongProof, check_consistency};
use crate::policy::{Distrust, Policy};
pub use order::{Breach, IN_FORCE_WITHIN, Suspensions, Unkept};
pub use pruned::{KEPT_BYTES_MAX, check_pruned, kept_entries, kept_path, push_kept};
pub use range::{Checked, check_range, for_each_entry};

/// What is wrong with a log.
#[derive(Debug)]
pub enum Finding {
    /// Its checkpoint is not to be believed.
    Checkpoint(Distrust),
    /// Entries from `first` on, up to and without `end`, are not what was logged.
    Entries {
        /// The first entry that is known to be affected.
        first: u64,
        /// Behind the last that may be.
        end: u64,
        /// How it shows.
        what: What,
    },
    /// Something that is needed is not there: nothing is shown either way.
    Missing(String),
    /// The files cannot be read.
    Unreadable(LogError),
}

/// How it shows that entries are not what was logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The entry does not have the hash that stands in the tree.
    Entry,
    /// The hash of the entry in the tree was changed; the entry fits the tree above.
    Leaf,
    /// A bundle ends before this entry, or goes on behind it.
    Bundle,
    /// A hash in the tree does not follow from those below.
    Node,
    /// The tree, whole in itself, does not lead to the signed root.
    Root,
    /// A checkpoint that was kept states more entries than there are.
    Cut,
    /// A checkpoint that was kept states another tree over the entries up to here.
    Rewritten,
}

impl Finding {
    /// Whether the log is shown to be bad, rather than not all there.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        match self {
            Self::Checkpoint(why) => why.is_bad(),
            // What is there and is not what it must be was changed; what is not there, or the system does not give, was not seen.
            Self::Entries { .. } | Self::Unreadable(LogError::Damaged { .. }) => true,
            Self::Missing(_) | Self::Unreadable(_) => false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint(why) => write!(f, "检查点不可信 the checkpoint is not to be believed: {why}"),
            Self::Entries { first, end, what } => {
                write!(f, "第一条不符的记录 first bad entry: {first}")?;
                if end - first > 1 {
                    write!(f, "（至 up to {}）", end - 1)?;
                }
                write!(f, ": {what}")
            }
            Self::Missing(file) => write!(f, "缺少文件 missing: {file}"),
            Self::Unreadable(error) => write!(f, "无法读取 cannot be read: {error}"),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entry => "记录与树中的散列不符 the entry does not have the hash in the tree",
            Self::Leaf => "树中的散列被改动 the hash in the tree was changed",
            Self::Bundle => "记录包的条数不符 the bundle has another number of entries",
            Self::Node => "树中的上层散列不符 a hash in the tree does not follow from those below",
            Self::Root => "整棵树与签名的根不符 the whole tree does not lead to the signed root",
            Self::Cut => "日志被截短 the log was cut: a checkpoint that was kept states more",
            Self::Rewritten => {
                "历史被改写 the history was rewritten: a checkpoint that was kept states another"
            }
        })
    }
}

impl From<LogError> for Finding {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Damaged { path, what: "missing" } => Self::Missing(path),
            error => Self::Unreadable(error),
        }
    }
}

/// A tree that a checkpoint states: its size and root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The log.
    pub origin: String,
    /// Leaves.
    pub size: u64,
    /// Root.
    pub root: Hash,
}

/// The tree that the log in `reader` states now, under keys that `policy` trusts.
///
/// # Errors
/// [`Finding`].
pub fn head<D: Digest>(reader: &LogReader, policy: &Policy) -> Result<Head, Finding> {
    let note = reader.checkpoint::<D>()?.ok_or_else(|| Finding::Missing("checkpoint".to_owned()))?;
    let tree = policy.open(&note).map_err(Finding::Checkpoint)?;
    Ok(Head { origin: tree.origin, size: tree.size, root: tree.root })
}

/// Checks that the tree of `now` begins with that of `kept`, by hashes of the log in `reader`.
///
/// # Errors
/// [`Finding`]: cut, rewritten, or not all there.
pub fn check_begins_with<D: Digest>(reader: &LogReader, now: &Head, kept: &Head) -> Result<(), Finding> {
    if kept.origin != now.origin {
        return Err(Finding::Checkpoint(Distrust::UnknownLog));
    }
    if kept.size > now.size {
        return Err(Finding::Entries { first: now.size, end: kept.size, what: What::Cut });
    }
    let proof = reader.consistency::<D>(kept.size, now.size)?;
    match check_consistency::<D>(kept.size, now.size, &proof, &kept.root, &now.root) {
        Ok(()) => Ok(()),
        Err(WrongProof::Root | WrongProof::Length | WrongProof::Sizes) => {
            Err(Finding::Entries { first: 0, end: kept.size, what: What::Rewritten })
        }
    }
}

#[cfg(test)]
mod tests;
