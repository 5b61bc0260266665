//! What the records up to a place add up to, kept beside them, so that the records may be given up (`docs/journal.md`, Pruned
//! records): `SEQUENCE.projection`.
//!
//! The bytes are the business of whoever projects the journal, and so is knowing them again: a record behind that place has
//! their digest. A file that was torn by a crash does not have it, and is written anew.

use std::path::Path;

use crate::JournalError;
use crate::disk::{Directory, Disk};

fn name(seq: u64) -> String {
    format!("{seq:020}.projection")
}

/// The place that the file called `name` is of; none where it is no such file.
pub(crate) fn seq_of(file: &str) -> Option<u64> {
    let seq = file.strip_suffix(".projection")?.parse().ok()?;
    (name(seq) == file).then_some(seq)
}

/// Keeps `bytes` for the place `seq`, durable on return, in the place of what was kept for it.
///
/// # Errors
/// Of the file system.
pub(crate) fn keep(disk: &dyn Disk, seq: u64, bytes: &[u8]) -> Result<(), JournalError> {
    let name = name(seq);
    if disk.list().map_err(JournalError::io("list", "the directory"))?.contains(&name) {
        disk.remove(&name).map_err(JournalError::io("remove", &name))?;
    }
    let file = disk.create(&name, bytes.len() as u64).map_err(JournalError::io("create", &name))?;
    let written = file.write_at(bytes, 0).and_then(|()| file.truncate(bytes.len() as u64));
    written.and_then(|()| file.sync()).map_err(JournalError::io("write", &name))
}

/// What is kept for the place `seq`; none where nothing is.
///
/// # Errors
/// Of the file system.
pub(crate) fn read(disk: &dyn Disk, seq: u64) -> Result<Option<Vec<u8>>, JournalError> {
    let name = name(seq);
    if !disk.list().map_err(JournalError::io("list", "the directory"))?.contains(&name) {
        return Ok(None);
    }
    let file = disk.open(&name).map_err(JournalError::io("open", &name))?;
    let length = file.length().map_err(JournalError::io("read", &name))?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    let read = file.read_at(&mut bytes, 0).map_err(JournalError::io("read", &name))?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// The places for which something is kept, in order.
///
/// # Errors
/// Of the file system.
pub(crate) fn places(disk: &dyn Disk) -> Result<Vec<u64>, JournalError> {
    let names = disk.list().map_err(JournalError::io("list", "the directory"))?;
    let mut places: Vec<u64> = names.iter().filter_map(|name| seq_of(name)).collect();
    places.sort_unstable();
    Ok(places)
}

/// The places for which something is kept in the journal in `dir`, in order.
///
/// # Errors
/// Of the file system.
pub fn projections(dir: &Path) -> Result<Vec<u64>, JournalError> {
    places(&opened(dir)?)
}

/// What is kept in the journal in `dir` of what its records up to `seq` add up to; none where nothing is.
///
/// # Errors
/// Of the file system.
pub fn projection(dir: &Path, seq: u64) -> Result<Option<Vec<u8>>, JournalError> {
    read(&opened(dir)?, seq)
}

fn opened(dir: &Path) -> Result<Directory, JournalError> {
    Directory::open(dir).map_err(JournalError::io("open", "the directory"))
}
