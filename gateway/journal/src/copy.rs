//! Copying a journal up to a record, beside whoever writes it: for backups.

use std::path::Path;

use crate::disk::{Directory, Disk};
use crate::frame::HEADER_BYTES;
use crate::reader::{Scan, Step};
use crate::segments::{damaged, read_header, segments};
use crate::{JournalError, manifest, projection};

/// Bytes copied at once.
const COPY_BYTES: usize = 1 << 20;

/// Copies the journal in `from` into the folder `into`, which is made, up to and with record `through`; everything is durable on
/// return. The copy is a journal like any other, whose last segment ends there.
///
/// # Errors
/// [`JournalError`]: of the file system, damage, or a record that is not there. A segment that was given up meanwhile is an error of
/// the file system: try again.
pub fn copy(from: &Path, into: &Path, through: u64) -> Result<(), JournalError> {
    let source = Directory::open(from).map_err(JournalError::io("open", "the directory"))?;
    let target = Directory::create(into).map_err(JournalError::io("create", "the copy"))?;
    let names = source.list().map_err(JournalError::io("list", "the directory"))?;
    let base = crate::segments::base(&names);
    let all = segments(&source)?;
    for (at, (first, name)) in all.iter().enumerate() {
        if *first > through {
            break;
        }
        let whole = all.get(at + 1).is_some_and(|(next, _)| *next <= through + 1);
        let file = source.open(name).map_err(JournalError::io("open", name))?;
        let bytes = if whole {
            file.length().map_err(JournalError::io("read", name))?
        } else {
            end_of(&source, name, through)?
        };
        bytes_of(&source, &target, name, bytes)?;
        let closed = manifest::name(*first);
        if whole && names.contains(&closed) {
            bytes_of(&source, &target, &closed, u64::MAX)?;
        }
    }
    for name in &names {
        // What is kept of places behind the copy's end has no record there.
        if projection::seq_of(name).is_some_and(|seq| seq <= through && seq >= base.seq) {
            bytes_of(&source, &target, name, u64::MAX)?;
        }
    }
    if let Some(mark) = crate::segments::mark(&names) {
        target.create(&mark, 0).map_err(JournalError::io("create", &mark))?;
    }
    Ok(())
}

/// Where record `through` ends in the segment called `name`.
fn end_of(disk: &dyn Disk, name: &str, through: u64) -> Result<u64, JournalError> {
    let file = disk.open(name).map_err(JournalError::io("open", name))?;
    let header = read_header(&*file, name)?;
    let header =
        header.map_err(|found| damaged(name, 0, "a segment's header".to_owned(), found.to_owned()))?;
    let mut expected = header.first_seq;
    let mut scan = Scan::new(file, name.to_owned(), header);
    while expected <= through {
        let offset = scan.offset();
        match scan.step()? {
            Step::Record(frame) if frame.position.seq == expected => expected += 1,
            _ => {
                let wanted = format!("record {expected}");
                return Err(damaged(name, offset, wanted, "something else".to_owned()));
            }
        }
    }
    Ok(scan.offset().max(HEADER_BYTES as u64))
}

/// Copies the file called `name`, or its first `bytes`.
fn bytes_of(from: &dyn Disk, into: &dyn Disk, name: &str, bytes: u64) -> Result<(), JournalError> {
    let file = from.open(name).map_err(JournalError::io("open", name))?;
    let bytes = bytes.min(file.length().map_err(JournalError::io("read", name))?);
    let copy = into.create(name, bytes).map_err(JournalError::io("create", name))?;
    let (mut buffer, mut at) = (vec![0; COPY_BYTES], 0);
    while at < bytes {
        let most = COPY_BYTES.min(usize::try_from(bytes - at).unwrap_or(COPY_BYTES));
        let read = file.read_at(&mut buffer[..most], at).map_err(JournalError::io("read", name))?;
        if read == 0 {
            return Err(JournalError::io("read", name)(std::io::ErrorKind::UnexpectedEof.into()));
        }
        copy.write_at(&buffer[..read], at).map_err(JournalError::io("write", name))?;
        at += read as u64;
    }
    copy.truncate(bytes).and_then(|()| copy.sync()).map_err(JournalError::io("sync", name))
}
