//! Telling a torn tail from damage (`docs/journal.md`, Torn or damaged).

use crate::JournalError;
use crate::disk::DiskFile;
use crate::disk::memory::SECTOR_BYTES;
use crate::frame::{self, FRAME_BYTES_MAX};
use crate::segments::damaged;

/// Longest tail that a power cut can leave: what may be written and not yet synced, twice over. A longer one is damage, and is
/// known as such before any of it is read: a sparse file says that it holds whatever its maker likes.
const TAIL_BYTES_MAX: u64 = 64 << 20;

/// A place where a record, or a segment's header, should stand and does not.
#[derive(Clone, Copy)]
pub(crate) struct Bad {
    /// Where in the segment.
    pub(crate) offset: u64,
    /// Sequence of the record that should stand there.
    pub(crate) seq: u64,
    /// What stands there.
    pub(crate) found: &'static str,
    /// Whether no segment follows.
    pub(crate) is_last: bool,
}

/// Returns when what stands from `bad` on is a torn tail.
///
/// # Errors
/// [`JournalError::Damaged`] when it is not.
pub(crate) fn judge(file: &dyn DiskFile, name: &str, bad: Bad) -> Result<(), JournalError> {
    let expected =
        if bad.offset == 0 { "a segment's header".to_owned() } else { format!("record {}", bad.seq) };
    let damage = |found: String| Err(damaged(name, bad.offset, expected, found));
    if !bad.is_last {
        return damage(format!("{} in a segment that another follows", bad.found));
    }
    let length = file.length().map_err(JournalError::io("measure", name))?;
    let tail = length.saturating_sub(bad.offset);
    let nothing = || Err(JournalError::Nothing { file: name.to_owned(), bytes: length });
    if tail > TAIL_BYTES_MAX {
        if bad.offset == 0 {
            return nothing();
        }
        return damage(format!(
            "{}, and {tail} bytes from there on: more than can be unwritten at once",
            bad.found
        ));
    }
    let mut rest = vec![0; usize::try_from(tail).expect("a tail fits into memory")];
    let read = file.read_at(&mut rest, bad.offset).map_err(JournalError::io("read", name))?;
    rest.truncate(read);

    let mut first_valid = None;
    let mut at = 1;
    while at < rest.len() {
        match frame::parse(&rest[at..]) {
            Ok(frame) if frame.position.seq >= bad.seq => {
                let durable_by_then = frame.position.seq.saturating_sub(1 + u64::from(frame.behind));
                if durable_by_then >= bad.seq {
                    return damage(format!(
                        "{}, though record {} proves it was durable",
                        bad.found, frame.position
                    ));
                }
                first_valid.get_or_insert(at);
                at += frame.len();
            }
            _ => at += 1,
        }
    }
    match first_valid {
        Some(valid) if !has_unwritten_sector(&rest[..valid], bad.offset) => {
            damage(format!("{}, and whole records after it", bad.found))
        }
        // Where every sector was written, the first record is whole or the file ends within it.
        None if rest.len() > FRAME_BYTES_MAX && !lacks_a_sector(&rest, bad.offset) => {
            if bad.offset == 0 {
                return nothing();
            }
            damage(format!("{}, and {read} bytes that no interrupted append leaves", bad.found))
        }
        _ => Ok(()),
    }
}

/// As [`has_unwritten_sector`], where `rest` goes on to the end of the file, which may end within a sector.
fn lacks_a_sector(rest: &[u8], offset: u64) -> bool {
    let end = offset + rest.len() as u64;
    let last = usize::try_from(end % SECTOR_BYTES as u64).expect("less than a sector").min(rest.len());
    let zero = rest[rest.len() - last..].iter().all(|&byte| byte == 0);
    (last > 0 && zero) || has_unwritten_sector(rest, offset)
}

/// Whether some sector of `region`, which begins at `offset` of its file and may begin within a sector, is all zeros.
fn has_unwritten_sector(region: &[u8], offset: u64) -> bool {
    let into = usize::try_from(offset % SECTOR_BYTES as u64).expect("less than a sector");
    let (first, rest) = region.split_at((SECTOR_BYTES - into).min(region.len()));
    let zero = |sector: &[u8]| sector.iter().all(|&byte| byte == 0);
    (first.len() + into == SECTOR_BYTES && zero(first)) || rest.chunks_exact(SECTOR_BYTES).any(zero)
}
