//! The evidence log on files: one folder per half-year, with two trees over the same entries.
//!
//! ```text
//! 2026h2/checkpoint            the SHA-256 tree, signed with Ed25519
//! 2026h2/tile/0/000            its tiles, as C2SP tlog-tiles lays them out
//! 2026h2/tile/entries/000      the entries, once, for both trees
//! 2026h2/sm3/checkpoint        the SM3 tree, signed with SM2
//! 2026h2/sm3/tile/0/000
//! ```
//!
//! A log is a projection of the journal: what is appended here is durable there. Tiles are therefore made durable together,
//! once per checkpoint and before it. After a crash the log goes on behind its last checkpoint, and what lies beyond is
//! written again, the same.

mod keys;
mod reader;
mod shard;
mod writer;

use std::io;
use std::path::PathBuf;

use shuzha_core::Code;

use crate::note::{SignError, Signer, Verifier};
pub use keys::{KeyProvider, ProvidedKeys, SeedKey, SeedKeys};
pub use reader::LogReader;
pub use shard::Shard;
pub use writer::LogWriter;

/// Name of a tree's checkpoint in its folder.
pub const CHECKPOINT: &str = "checkpoint";

/// Name of the latest checkpoint that witnesses have signed, beside it.
pub const COSIGNED: &str = "cosigned";

/// Name of the certificate in the folder of a half-year whose calls were destroyed.
pub const DESTROYED: &str = "destroyed";

/// Where files are read from, by address, with `/` between folders. Addresses are made here, never taken from outside as they are.
pub trait Source: Send + Sync {
    /// The whole file; none where there is none.
    ///
    /// # Errors
    /// Of the file system.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;
}

/// Files that a log is written to.
pub trait Files: Source {
    /// Puts a file there, whole, in place of one that may be there. Durable after [`Files::sync`].
    ///
    /// # Errors
    /// Of the file system.
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes all files durable that were written before.
    ///
    /// # Errors
    /// Of the file system. What was written since the last success is then not to be relied upon.
    fn sync(&self) -> io::Result<()>;

    /// As [`Files::write`], durable on return.
    ///
    /// # Errors
    /// Of the file system.
    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Removes a folder of partial tiles; nothing where there is none.
    ///
    /// # Errors
    /// Of the file system.
    fn remove_folder(&self, path: &str) -> io::Result<()>;
}

/// The keys of a log: who signs for an origin now, and whose signatures are accepted under what is there already.
pub trait LogKeys: Send + Sync {
    /// What signs the checkpoints of the SHA-256 tree `origin`.
    ///
    /// # Errors
    /// Where the key cannot be used.
    fn sha256(&self, origin: &str) -> Result<Box<dyn Signer>, SignError>;

    /// What signs the checkpoints of the SM3 tree `origin`.
    ///
    /// # Errors
    /// Where the key cannot be used.
    fn sm3(&self, origin: &str) -> Result<Box<dyn Signer>, SignError>;

    /// Public keys of the log, present and former, under a name that every origin begins with.
    fn known(&self) -> &[Verifier];
}

/// Why a log cannot go on. Each has its code, and is a fault of files or keys, never of an entry.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused.
    #[error("{}: {action} {path}: {source}", self.code())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file of the log.
        path: String,
        /// What the file system said.
        source: io::Error,
    },
    /// Another process, or another part of this one, writes this log.
    #[error("{}: the evidence log in {} is in use by another process", self.code(), .0.display())]
    Locked(PathBuf),
    /// The folder holds the log of another origin, or one that another key signed.
    #[error("{}: the checkpoint in {path} is that of {found}, not of {expected} under a known key", self.code())]
    Foreign {
        /// The checkpoint.
        path: String,
        /// Whose log is to be written.
        expected: String,
        /// Whose it is.
        found: String,
    },
    /// A file is not what was written.
    #[error("{}: {path} is damaged: {what}", self.code())]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The journal does not hold what the log has: one of the two was replaced, or restored from an older copy.
    #[error("{}: the journal does not hold what the log has at leaf {index} of {shard}", self.code())]
    Disagrees {
        /// The half-year.
        shard: String,
        /// The first leaf that is known to differ, or not to be there.
        index: u64,
    },
    /// The journal could not be read.
    #[error("{}: the journal: {reason}", self.code())]
    Journal {
        /// What it said.
        reason: String,
    },
    /// The key could not sign.
    #[error("{}: {source}", self.code())]
    Sign {
        /// What it said.
        #[from]
        source: SignError,
    },
}

impl LogError {
    /// The code, whose page says what to do.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Locked(_) => Code::C1711,
            Self::Foreign { .. } => Code::C1712,
            Self::Damaged { .. } => Code::C1713,
            Self::Disagrees { .. } | Self::Journal { .. } => Code::C1714,
            Self::Io { .. } => Code::C1715,
            Self::Sign { .. } => Code::C1716,
        }
    }

    /// An error of the file system on `path`.
    pub fn io(action: &'static str, path: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

#[cfg(test)]
pub(crate) mod tests;
