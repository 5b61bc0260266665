//! The call journal (DESIGN §3): append-only segment files with a gapless sequence, group commit, recovery and replay.
//!
//! [`Journal`] is the handle of the process that writes: [`Journal::append`] queues an entry, and
//! [`Journal::append_durable`] gives a future that resolves once the entry is on disk. [`read()`] and [`verify()`] work on
//! the files of any node. The format, and how a torn tail is told from damage, are in `docs/journal.md`.
//!
//! **Invariant:** an error of the disk is never retried. After a failed `fdatasync` the kernel may have dropped the dirty
//! pages, and a second one would report success over lost data.

mod copy;
mod desk;
pub mod disk;
mod durable;
mod error;
mod frame;
mod journal;
mod lock;
mod manifest;
mod metrics;
mod monotonic;
pub mod options;
mod projection;
mod prune;
mod queue;
mod reader;
mod recovery;
mod room;
mod salts;
mod segments;
mod tail;
mod verify;
mod writer;

pub use copy::copy;
pub use durable::Durable;
pub use error::{JournalError, Unavailable};
pub use journal::{Health, Journal};
pub use options::Options;
pub use projection::{projection, projections};
pub use reader::{RawRecord, Reader, first_seq, last_seq, node_of, read, read_on};
pub use recovery::TornTail;
pub use verify::{Summary, verify, verify_on};

/// Where a record stands in a node's journal. Prints as `epoch.sequence`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// One more at each start of the process; the first is 1.
    pub epoch: u32,
    /// 1 for the node's first record, then one more each time, for its whole life.
    pub seq: u64,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests;
