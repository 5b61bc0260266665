//! What can go wrong with a store. Messages hold names of tables and files, never a row.

use std::io;
use std::path::PathBuf;

/// A store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused.
    #[error("the database: {0}")]
    Database(#[from] rusqlite::Error),
    /// A migration was edited, is missing or failed.
    #[error("the database's migrations: {0}")]
    Migration(#[from] Box<refinery::Error>),
    /// The file system refused.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] shuzha_journal::JournalError),
    /// An entry cannot follow those before it: the journal, or this software, is at fault.
    #[error("record {seq} contradicts those before it: {what}")]
    Contradiction {
        /// The record.
        seq: u64,
        /// What is contradicted.
        what: &'static str,
    },
    /// An entry debits or gives back a privacy charge that the ledger cannot follow.
    #[error("record {seq} contradicts those before it: {fault}")]
    Budget {
        /// The record.
        seq: u64,
        /// What is contradicted.
        fault: shuzha_privacy::budget::LedgerFault,
    },
    /// A row that the projection cannot have written.
    #[error("table {0} holds a row that was not written by the projection")]
    BadRow(&'static str),
    /// The database stands at another record than the batch begins after.
    #[error("the projection stands at record {stored}, the batch begins after {expected}")]
    OutOfStep {
        /// Where the database stands.
        stored: u64,
        /// Where the batch begins.
        expected: u64,
    },
    /// The journal ends before the record that the projection has reached.
    #[error("the projection has reached record {reached}, the journal ends at {journal}")]
    JournalEndsEarly {
        /// Where the projection stands.
        reached: u64,
        /// Where the journal ends.
        journal: u64,
    },
    /// Records were given up, and what they added up to is not kept beside the journal, or is not what the log was told.
    #[error(
        "the journal begins with record {first}, and what those before add up to is not kept beside it as the log was told: \
         only a copy of the store has it"
    )]
    NoProjection {
        /// The first record that is there.
        first: u64,
    },
    /// Another process was writing to one of several databases at every try to hold them at one moment.
    #[error("another process has a database locked: they cannot be held at one moment")]
    NeverQuiet,
    /// A database file is not sound in itself.
    #[error("the database file is corrupt: {0}")]
    Corrupt(String),
    /// A number does not fit into the database's integers.
    #[error("a number in {0} is past the database's range")]
    Range(&'static str),
    /// The master key's file may be read by others than its owner.
    #[error("{} may be read by others than its owner; its mode must be 0600", .0.display())]
    KeyExposed(PathBuf),
    /// The master key's file does not hold 32 bytes.
    #[error("{} does not hold a key of 32 bytes", .0.display())]
    KeyMalformed(PathBuf),
    /// A secret does not open: another master key sealed it, or the row was changed.
    #[error("the secret of {0} does not open under this master key")]
    Unsealing(String),
    /// Rows of a database are not those that were sealed.
    #[error("the database was changed by another program; its seal does not agree with: {0}")]
    Edited(String),
    /// A register of software that did not bind what acts leave.
    #[error("this register was written by software whose acts bind nothing: start this software on it once")]
    Unbound,
    /// A seal was asked for without its key.
    #[error("the database was opened without the key of its seal")]
    Unkeyed,
    /// A secret could not be sealed.
    #[error("a secret could not be sealed")]
    Sealing,
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// Whether the database's file itself is at fault: its bytes are not what was written.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Self::Database(error) => {
                matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
            }
            Self::Corrupt(_) | Self::BadRow(_) => true,
            _ => false,
        }
    }

    /// Whether the same call may succeed later without anybody's doing.
    #[must_use]
    pub fn retryable(&self) -> bool {
        let Self::Database(rusqlite::Error::SqliteFailure(failure, _)) = self else { return false };
        matches!(failure.code, rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    }
}
