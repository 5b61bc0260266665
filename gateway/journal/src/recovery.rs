//! Walking over all segments, and mending what a power cut left.

use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::frame::Header;
use crate::reader::{Scan, Step};
use crate::segments::{damaged, read_header, segments};
use crate::tail::{Bad, judge};
use crate::{JournalError, Position, manifest};

/// What a power cut left behind the last whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub file: String,
    /// Where the tail begins, in bytes.
    pub offset: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
}

/// What a walk over a journal found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// The last whole record, or the last that was pruned; zero when there is neither.
    pub(crate) last: Position,
    /// The node that wrote the journal; empty when there is no whole segment.
    pub(crate) node: String,
    /// Segments that hold a record.
    pub(crate) segments: u64,
    /// Bytes of those segments, without the torn tail.
    pub(crate) bytes: u64,
    /// What must be cut off.
    pub(crate) torn: Option<TornTail>,
    /// Name of the last segment, and the bytes of it that stay; 0 when it holds no record.
    pub(crate) tail: Option<(String, u64)>,
    /// The first record of the last segment.
    pub(crate) tail_first: Position,
}

/// Walks over every record, calling `visit` for each. Changes nothing.
pub(crate) fn walk(
    disk: &dyn Disk,
    visit: impl FnMut(Position, &[u8]) -> Result<(), JournalError>,
) -> Result<Walk, JournalError> {
    walk_those(disk, |_| true, visit)
}

/// The same for a start: of segments that were closed and have a manifest, the header and the length alone are looked at. The
/// last two are read: the last may hold nothing, and then the last record stands in the one before.
pub(crate) fn walk_open(
    disk: &dyn Disk,
    visit: impl FnMut(Position, &[u8]) -> Result<(), JournalError>,
) -> Result<Walk, JournalError> {
    walk_those(disk, |followed_by| followed_by < 2, visit)
}

/// Walks over the segments that `reads` takes by the number of those that follow, and over those without a sound manifest.
fn walk_those(
    disk: &dyn Disk,
    reads: impl Fn(usize) -> bool,
    mut visit: impl FnMut(Position, &[u8]) -> Result<(), JournalError>,
) -> Result<Walk, JournalError> {
    let mut walk = Walk { last: crate::segments::base_of(disk)?, ..Walk::default() };
    let segments = segments(disk)?;
    for (index, (first_seq, name)) in segments.iter().enumerate() {
        let is_last = index + 1 == segments.len();
        if *first_seq != walk.last.seq + 1 {
            let expected = format!("a segment that begins with record {}", walk.last.seq + 1);
            return Err(damaged(name, 0, expected, format!("record {first_seq}")));
        }
        let file = disk.open(name).map_err(JournalError::io("open", name))?;
        if !reads(segments.len() - index - 1) && believe(&mut walk, disk, &*file, name)? {
            continue;
        }
        walk_segment(&mut walk, &mut visit, file, name, is_last)?;
    }
    Ok(walk)
}

/// Steps over a closed segment by its manifest; `false` where it must be read.
fn believe(walk: &mut Walk, disk: &dyn Disk, file: &dyn DiskFile, name: &str) -> Result<bool, JournalError> {
    let Some(manifest) = manifest::read(disk, walk.last.seq + 1) else { return Ok(false) };
    let length = file.length().map_err(JournalError::io("measure", name))?;
    let Ok(header) = read_header(file, name)? else { return Ok(false) };
    if length != manifest.bytes || header.epoch != manifest.epoch {
        return Ok(false);
    }
    check_header(walk, &header, name)?;
    walk.last = Position { epoch: manifest.epoch, seq: manifest.last_seq };
    walk.segments += 1;
    walk.bytes += length;
    Ok(true)
}

/// Reads the closed segment that begins with record `first_seq` and compares it with its manifest, which is made where there is
/// none and `keep` is set. Does nothing where it is gone, or may be written to.
pub(crate) fn check_one(disk: &dyn Disk, first_seq: u64, keep: bool) -> Result<(), JournalError> {
    let segments = segments(disk)?;
    let closed = &segments[..segments.len().saturating_sub(1)];
    let Some((_, name)) = closed.iter().find(|(first, _)| *first == first_seq) else { return Ok(()) };
    let file = disk.open(name).map_err(JournalError::io("open", name))?;
    let header = read_header(&*file, name)?;
    let header =
        header.map_err(|found| damaged(name, 0, "a segment's header".to_owned(), found.to_owned()))?;
    let first = Position { epoch: header.epoch, seq: first_seq };
    let last = Position { epoch: header.epoch, seq: first_seq - 1 };
    let mut walk = Walk { last, ..Walk::default() };
    walk_segment(&mut walk, &mut |_, _| Ok(()), Arc::clone(&file), name, false)?;
    let agrees = manifest::agrees(disk, &*file, (first, walk.last.seq, walk.bytes), keep);
    if agrees.map_err(JournalError::io("read", name))? {
        return Ok(());
    }
    Err(damaged(name, 0, "the segment that was closed".to_owned(), "another, whole in itself".to_owned()))
}

/// Makes the manifest of the last segment, which is closed now that the next is begun.
pub(crate) fn close_last(disk: &dyn Disk, walk: &Walk) {
    let Some((name, end)) = walk.tail.as_ref().filter(|(_, end)| *end > 0) else { return };
    let made =
        disk.open(name).and_then(|file| manifest::Manifest::of(&*file, walk.tail_first, walk.last.seq, *end));
    if let Err(error) = made.and_then(|manifest| manifest.keep(disk)) {
        tracing::warn!(name, %error, "the last segment has no manifest");
    }
}

fn walk_segment(
    walk: &mut Walk,
    visit: &mut impl FnMut(Position, &[u8]) -> Result<(), JournalError>,
    file: Arc<dyn DiskFile>,
    name: &str,
    is_last: bool,
) -> Result<(), JournalError> {
    let expected = walk.last.seq + 1;
    let length = file.length().map_err(JournalError::io("measure", name))?;
    let end = match read_header(&*file, name)? {
        Err(found) => {
            judge(&*file, name, Bad { offset: 0, seq: expected, found, is_last })?;
            0
        }
        Ok(header) => {
            check_header(walk, &header, name)?;
            walk_records(walk, visit, Scan::new(file, name.to_owned(), header), is_last)?
        }
    };
    let holds_records = walk.last.seq >= expected;
    if holds_records {
        walk.segments += 1;
        walk.bytes += end;
    }
    walk.tail = Some((name.to_owned(), if holds_records { end } else { 0 }));
    walk.tail_first = Position { epoch: walk.last.epoch, seq: expected };
    if length > end {
        walk.torn = Some(TornTail { file: name.to_owned(), offset: end, bytes: length - end });
    }
    Ok(())
}

/// Walks over the records of one segment and says where the last whole one ends.
fn walk_records(
    walk: &mut Walk,
    visit: &mut impl FnMut(Position, &[u8]) -> Result<(), JournalError>,
    mut scan: Scan,
    is_last: bool,
) -> Result<u64, JournalError> {
    let (epoch, first_seq) = (scan.header.epoch, scan.header.first_seq);
    loop {
        let offset = scan.offset();
        let expected = Position { epoch, seq: walk.last.seq + 1 };
        match scan.step()? {
            Step::Record(frame) if frame.position == expected => {
                visit(expected, frame.payload)?;
                walk.last = expected;
            }
            Step::Record(frame) => {
                let found = format!("record {}", frame.position);
                return Err(damaged(&scan.name, offset, format!("record {expected}"), found));
            }
            // Each segment is begun for a record, so an earlier one without any is damage too.
            Step::End if is_last || expected.seq > first_seq => return Ok(offset),
            Step::End => {
                return Err(damaged(&scan.name, offset, format!("record {expected}"), "the end".into()));
            }
            Step::Bad(found) => {
                let found = found.describe();
                judge(&*scan.file, &scan.name, Bad { offset, seq: expected.seq, found, is_last })?;
                return Ok(offset);
            }
        }
    }
}

fn check_header(walk: &mut Walk, header: &Header, name: &str) -> Result<(), JournalError> {
    let wrong = |expected: String, found: String| Err(damaged(name, 0, expected, found));
    if header.first_seq != walk.last.seq + 1 {
        return wrong(format!("first record {}", walk.last.seq + 1), format!("{}", header.first_seq));
    }
    if header.epoch != walk.last.epoch && header.epoch != walk.last.epoch + 1 || header.epoch == 0 {
        return wrong(format!("epoch {} or the next", walk.last.epoch), format!("{}", header.epoch));
    }
    if walk.node.is_empty() {
        walk.node.clone_from(&header.node);
    }
    if walk.node != header.node {
        return wrong(format!("node {}", walk.node), header.node.clone());
    }
    Ok(())
}

/// Cuts the torn tail off and gives back the space that was set aside in the last segment. Returns what was cut.
pub(crate) fn mend(disk: &dyn Disk, walk: &Walk) -> Result<(), JournalError> {
    match &walk.tail {
        None => Ok(()),
        Some((name, 0)) => disk.remove(name).map_err(JournalError::io("remove", name)),
        Some((name, end)) => {
            let file = disk.open(name).map_err(JournalError::io("open", name))?;
            file.truncate(*end).map_err(JournalError::io("cut", name))?;
            file.sync().map_err(JournalError::io("sync", name))
        }
    }
}
