//! Giving up the oldest records once their time is over (`docs/journal.md`, Pruned records).
//!
//! That records are gone is said by the name of an empty file, `EPOCH-SEQUENCE.pruned`, of the last of them. A name is made in one
//! step: a crash leaves the records all there or all gone. What is gone by such a name and still on disk is swept at the next start.

use crate::disk::Disk;
use crate::frame::{self, HEADER_BYTES, Header};
use crate::reader::{Scan, Step};
use crate::segments::{base, base_of, damaged, mark_name, mark_of, read_header, segments};
use crate::{JournalError, Position, manifest, projection};

/// Bytes copied at once.
const COPY_BYTES: usize = 1 << 20;

/// Gives up all records up to and with `through`. Does nothing where they are gone.
///
/// # Errors
/// [`JournalError::InUse`] where one of them stands in the last segment, which may be written to; of the file system, or damage: then
/// they are all there, or all gone.
pub(crate) fn prune(disk: &dyn Disk, through: u64) -> Result<(), JournalError> {
    if through > base_of(disk)?.seq {
        let segments = segments(disk)?;
        let kept = segments.iter().position(|(first, _)| *first > through);
        // None behind it: the record stands in the last segment, or is not written yet.
        let Some(kept) = kept.filter(|kept| *kept > 0) else {
            return Err(JournalError::InUse { seq: through });
        };
        let (_, name) = &segments[kept - 1];
        let whole = segments[kept].0 == through + 1;
        let epoch = if whole { header(disk, name)?.epoch } else { cut(disk, name, through)? };
        let mark = mark_name(Position { epoch, seq: through });
        disk.create(&mark, 0).map_err(JournalError::io("create", &mark))?;
    }
    sweep(disk)
}

fn header(disk: &dyn Disk, name: &str) -> Result<Header, JournalError> {
    let file = disk.open(name).map_err(JournalError::io("open", name))?;
    let read = read_header(&*file, name)?;
    read.map_err(|found| damaged(name, 0, "a segment's header".to_owned(), found.to_owned()))
}

/// Copies what follows `through` in the segment called `name` into a segment of its own, which counts once the mark is made. Answers
/// its epoch.
fn cut(disk: &dyn Disk, name: &str, through: u64) -> Result<u32, JournalError> {
    let header = header(disk, name)?;
    let file = disk.open(name).map_err(JournalError::io("open", name))?;
    let mut scan = Scan::new(file.clone(), name.to_owned(), header.clone());
    let (mut expected, mut from) = (header.first_seq, HEADER_BYTES as u64);
    loop {
        let offset = scan.offset();
        match scan.step()? {
            Step::Record(frame) if frame.position.seq == expected => expected += 1,
            Step::End if expected > through + 1 => break,
            _ => {
                let wanted = format!("record {expected}");
                return Err(damaged(name, offset, wanted, "something else".to_owned()));
            }
        }
        if expected == through + 1 {
            from = scan.offset();
        }
    }
    let until = scan.offset();
    let to = frame::cut_name(through + 1);
    // Of an attempt that came to nothing.
    if disk.list().map_err(JournalError::io("list", "the directory"))?.contains(&to) {
        disk.remove(&to).map_err(JournalError::io("remove", &to))?;
    }
    let (epoch, bytes) = (header.epoch, until - from + HEADER_BYTES as u64);
    let copy = disk.create(&to, bytes).map_err(JournalError::io("create", &to))?;
    let write = |bytes: &[u8], at| copy.write_at(bytes, at).map_err(JournalError::io("write", &to));
    write(&Header { first_seq: through + 1, ..header }.encode(), 0)?;
    let mut buffer = vec![0; COPY_BYTES];
    let (mut read, mut written) = (from, HEADER_BYTES as u64);
    while read < until {
        let count = COPY_BYTES.min(usize::try_from(until - read).unwrap_or(COPY_BYTES));
        let count = file.read_at(&mut buffer[..count], read).map_err(JournalError::io("read", name))?;
        write(&buffer[..count], written)?;
        (read, written) = (read + count as u64, written + count as u64);
    }
    copy.sync().map_err(JournalError::io("sync", &to))?;
    Ok(epoch)
}

/// Removes what is gone by the latest mark, and what was prepared for a mark that was never made.
pub(crate) fn sweep(disk: &dyn Disk) -> Result<(), JournalError> {
    let names = disk.list().map_err(JournalError::io("list", "the directory"))?;
    let base = base(&names);
    let (segments, marks): (Vec<_>, Vec<_>) = names.iter().partition(|name| mark_of(name).is_none());
    let stale = segments.into_iter().filter(|name| match frame::cut_first_seq(name) {
        Some(first) => first != base.seq + 1 || base == Position::default(),
        None => frame::segment_first_seq(name)
            .or_else(|| manifest::first_seq_of(name))
            // What the records before a later place add up to begins where that place is.
            .or_else(|| projection::seq_of(name).map(|seq| seq + 1))
            .is_some_and(|first| first <= base.seq),
    });
    // The marks last: they say why the others may go.
    let old = marks.into_iter().filter(|name| mark_of(name) != Some(base));
    stale.chain(old).try_for_each(|name| disk.remove(name).map_err(JournalError::io("remove", name)))
}
