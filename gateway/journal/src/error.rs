//! What can go wrong with a journal.

use std::io;
use std::path::PathBuf;

/// A journal could not be opened, read or verified.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Another process, or another part of this one, writes this journal.
    #[error("the journal in {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The file system refused.
    #[error("{action} {file}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file of the journal.
        file: String,
        /// What the file system said.
        source: io::Error,
    },
    /// The clock and the last record are too far apart for either to be believed. Nothing has been changed on disk.
    #[error(
        "the clock shows {now} s, and the last record is of {last} s (seconds since 1970-01-01T00:00:00Z)"
    )]
    Clock {
        /// What the clock shows, in seconds since 1970.
        now: i64,
        /// When the last record was written.
        last: i64,
    },
    /// The files are not what was written. Nothing has been changed on disk.
    #[error("{file} is damaged at offset {offset}: expected {expected}, found {found}")]
    Damaged {
        /// The segment.
        file: String,
        /// Where in it, in bytes.
        offset: u64,
        /// What must stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A file is as long as a segment and holds nothing that can be read: no header, and no record.
    #[error("{file} holds nothing that can be read: no header of a segment, and no record in {bytes} bytes")]
    Nothing {
        /// The file.
        file: String,
        /// How long it is.
        bytes: u64,
    },
    /// A record is intact but is not an entry this software knows.
    #[error("record {seq} is not a known entry: {source}")]
    Entry {
        /// Sequence of the record.
        seq: u64,
        /// Why not.
        source: shuzha_evidence::DecodeError,
    },
    /// The record was pruned: its time was over.
    #[error("record {seq} was pruned; the journal begins with record {first}")]
    Pruned {
        /// The record.
        seq: u64,
        /// The first that is still there.
        first: u64,
    },
    /// The record stands in the segment that is being written: the next one is begun when that is full, or at a start.
    #[error("record {seq} stands in the segment that is being written")]
    InUse {
        /// The record.
        seq: u64,
    },
    /// The journal belongs to another node.
    #[error("the journal belongs to node {found}, not to {expected}")]
    WrongNode {
        /// The node that is starting.
        expected: String,
        /// The node that wrote the journal.
        found: String,
    },
    /// An option lies outside what the journal can do.
    #[error("option {option} must be {range}")]
    Option {
        /// Which option.
        option: &'static str,
        /// What it may be.
        range: &'static str,
    },
}

impl JournalError {
    /// An error of the file system on `file`.
    pub(crate) fn io(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, file: file.to_owned(), source }
    }
}

/// An entry was not accepted, or will not become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// As many records wait for the disk as are permitted. Trying again makes sense.
    #[error("the journal's queue is full")]
    Busy,
    /// The file system is full. Serving resumes by itself once there is space.
    #[error("the journal's file system is full")]
    Full,
    /// The disk failed. Only a restart, with its recovery, can help.
    #[error("the journal has failed")]
    Failed,
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
    /// The entry exceeds its limits: a fault in this software.
    #[error("the entry is too large")]
    TooLarge,
}
