//! How a journal is kept.

use std::path::PathBuf;
use std::time::Duration;

use shuzha_core::Id;

use crate::JournalError;
use crate::frame::{FRAME_BYTES_MAX, HEADER_BYTES};

/// Default size at which a segment is closed, in bytes.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// Default of the most records that may wait for the disk.
pub const QUEUE_RECORDS_MAX: usize = 65_536;

/// Default of the most records that are gathered before they are written.
pub const BATCH_RECORDS_MAX: usize = 4_096;

/// Default of the space that must stay free, in bytes: room to write what is queued, and to recover.
pub const FREE_BYTES_MIN: u64 = 256 << 20;

/// Most bytes that may wait to be written.
pub(crate) const QUEUE_BYTES_MAX: usize = 32 << 20;

/// After a write, the next waits this long, so that a busy journal wakes its writer a thousand times a second at most
/// and not once a record. After a pause, a record is written at once. A killed process can lose what is younger than this.
pub(crate) const GATHER: Duration = Duration::from_millis(1);

/// A record that nobody waits for is synced at latest this long after it was written.
pub(crate) const SYNC_DELAY_MAX: Duration = Duration::from_millis(2);

/// How often a full file system is looked at again.
pub(crate) const FULL_RECHECK: Duration = Duration::from_millis(50);

/// How a journal is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory; created if it is missing.
    pub dir: PathBuf,
    /// The node. A journal written by another node is refused.
    pub node: Id,
    /// Version of the software, for the `boot` entry; at most 28 bytes are kept.
    pub version: &'static str,
    /// Size at which a segment is closed, in bytes.
    pub segment_bytes: u64,
    /// Most records that may be appended and not yet durable.
    pub queue_records_max: usize,
    /// Gathering ends early at this many records.
    pub batch_records_max: usize,
    /// Entries are refused while the file system has less free, in bytes.
    pub free_bytes_min: u64,
    /// How far behind, and how far ahead of the last record the clock may be when the journal is opened; none where it may be
    /// anything.
    pub clock_within: Option<(Duration, Duration)>,
}

impl Options {
    /// The defaults for `node` in `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, node: Id, version: &'static str) -> Self {
        Self {
            dir: dir.into(),
            node,
            version,
            segment_bytes: SEGMENT_BYTES,
            queue_records_max: QUEUE_RECORDS_MAX,
            batch_records_max: BATCH_RECORDS_MAX,
            free_bytes_min: FREE_BYTES_MIN,
            clock_within: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), JournalError> {
        let refuse = |option, range| Err(JournalError::Option { option, range });
        if self.segment_bytes < (HEADER_BYTES + FRAME_BYTES_MAX) as u64 {
            return refuse("segment_bytes", "at least 1024");
        }
        if u32::try_from(self.queue_records_max).is_err() || self.queue_records_max == 0 {
            return refuse("queue_records_max", "1 to 4294967295");
        }
        if self.batch_records_max == 0 {
            return refuse("batch_records_max", "at least 1");
        }
        Ok(())
    }
}
