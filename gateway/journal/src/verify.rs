//! Checking a whole journal without changing it.

use std::collections::BTreeMap;
use std::path::Path;

use shuzha_evidence::Entry;

use crate::disk::{Directory, Disk};
use crate::recovery::{TornTail, Walk, check_one, walk};
use crate::segments::base_of;
use crate::segments::{damaged, segments};
use crate::{JournalError, Position, frame};

/// What a sound journal holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The node that wrote it.
    pub node: String,
    /// The first record that is still there; zero when there is none.
    pub first: Position,
    /// The last record; zero when there is none.
    pub last: Position,
    /// Segments that hold a record.
    pub segments: u64,
    /// Bytes of the segments, without a torn tail.
    pub bytes: u64,
    /// Records by kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// A torn tail that the next start will cut off, or a record that is being written.
    pub torn: Option<TornTail>,
}

/// Reads the whole journal in `dir` and checks framing, sequence, epochs, every entry and every manifest.
///
/// # Errors
/// [`JournalError`] at the first fault.
pub fn verify(dir: &Path) -> Result<Summary, JournalError> {
    verify_on(&Directory::open(dir).map_err(JournalError::io("open", "the directory"))?)
}

/// The same on any [`Disk`].
///
/// # Errors
/// [`JournalError`] at the first fault.
pub fn verify_on(disk: &dyn Disk) -> Result<Summary, JournalError> {
    let mut summary = Summary::default();
    let mut epoch = base_of(disk)?.epoch;
    let mut seen = 0_u64;
    let walked = walk(disk, |position, payload| {
        seen += 1;
        let entry =
            Entry::decode(payload).map_err(|source| JournalError::Entry { seq: position.seq, source })?;
        let new_epoch = position.epoch != epoch;
        epoch = position.epoch;
        if new_epoch != matches!(entry, Entry::Boot(_)) {
            let expected = "a boot entry as the first of its epoch, and nowhere else".to_owned();
            let found = format!("{} as record {position}", entry.kind_name());
            return Err(damaged(&frame::segment_name(position.seq), 0, expected, found));
        }
        if summary.first == Position::default() {
            summary.first = position;
        }
        summary.last = position;
        *summary.kinds.entry(entry.kind_name()).or_default() += 1;
        Ok(())
    });
    // A file without one record in it shows nothing: neither that the journal is whole nor what it was.
    let walked = match walked {
        Ok(Walk { tail: Some((file, 0)), torn: Some(torn), .. }) if seen == 0 => {
            return Err(JournalError::Nothing { file, bytes: torn.bytes });
        }
        Err(JournalError::Nothing { file, bytes }) if seen > 0 => {
            return Err(damaged(
                &file,
                0,
                "a segment's header".into(),
                format!("{bytes} bytes of something else"),
            ));
        }
        walked => walked?,
    };
    for (first, _) in segments(disk)? {
        check_one(disk, first, false)?;
    }
    summary.node = walked.node;
    summary.segments = walked.segments;
    summary.bytes = walked.bytes;
    summary.torn = walked.torn;
    Ok(summary)
}
