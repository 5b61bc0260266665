//! Which segments there are, what stands at their heads, and which records are gone by a mark.

use crate::disk::{Disk, DiskFile};
use crate::frame::{self, HEADER_BYTES, Header};
use crate::{JournalError, Position};

/// The file's name that says that this record was the last that is gone.
pub(crate) fn mark_name(last: Position) -> String {
    format!("{:010}-{:020}.pruned", last.epoch, last.seq)
}

/// The last record that is gone by the file called `name`; none where that is no such file.
pub(crate) fn mark_of(name: &str) -> Option<Position> {
    let (epoch, seq) = name.strip_suffix(".pruned")?.split_once('-')?;
    let last = Position { epoch: epoch.parse().ok()?, seq: seq.parse().ok()? };
    (mark_name(last) == name).then_some(last)
}

/// The name that says which record was the last that is gone; none where all are there.
pub(crate) fn mark(names: &[String]) -> Option<String> {
    let base = base(names);
    (base != Position::default()).then(|| mark_name(base))
}

/// The last record that is gone; zero where all are there.
pub(crate) fn base(names: &[String]) -> Position {
    names.iter().filter_map(|name| mark_of(name)).max_by_key(|last| last.seq).unwrap_or_default()
}

/// The same of a disk.
pub(crate) fn base_of(disk: &dyn Disk) -> Result<Position, JournalError> {
    Ok(base(&disk.list().map_err(JournalError::io("list", "the directory"))?))
}

/// The names of the segments, by ascending first sequence; without those that are gone by a mark.
pub(crate) fn segments(disk: &dyn Disk) -> Result<Vec<(u64, String)>, JournalError> {
    let names = disk.list().map_err(JournalError::io("list", "the directory"))?;
    let base = base(&names).seq;
    let first = |name: &str| match frame::cut_first_seq(name) {
        Some(first) => (base > 0 && first == base + 1).then_some(first),
        None => frame::segment_first_seq(name).filter(|first| *first > base),
    };
    let named = names.into_iter().filter_map(|name| Some((first(&name)?, name)));
    let mut segments: Vec<_> = named.collect();
    segments.sort();
    Ok(segments)
}

/// Reads a segment's header; the inner error says what is wrong with it.
pub(crate) fn read_header(
    file: &dyn DiskFile,
    name: &str,
) -> Result<Result<Header, &'static str>, JournalError> {
    let mut bytes = [0; HEADER_BYTES];
    let read = file.read_at(&mut bytes, 0).map_err(JournalError::io("read", name))?;
    Ok(Header::decode(&bytes[..read]))
}

/// Says what should stand in a file at a place, and what does.
pub(crate) fn damaged(file: &str, offset: u64, expected: String, found: String) -> JournalError {
    JournalError::Damaged { file: file.to_owned(), offset, expected, found }
}
