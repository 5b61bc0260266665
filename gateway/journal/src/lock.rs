//! The lock by which one process at a time writes a journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::JournalError;
use crate::monotonic::monotonic;

/// Name of the file that the writing process holds locked.
const LOCK: &str = "LOCK";

/// How often a held lock is tried again. A lock of a file gives no event to wait for with a limit.
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// Takes the lock of the journal in `dir`, waiting up to `timeout` for whoever has it.
///
/// # Errors
/// [`JournalError::Locked`], or of the file system.
pub(crate) fn take_lock(dir: &Path, timeout: Duration) -> Result<File, JournalError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(JournalError::io("open", LOCK))?;
    let until = monotonic() + timeout;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(JournalError::io("lock", LOCK)(error)),
            Err(TryLockError::WouldBlock) if monotonic() >= until => {
                return Err(JournalError::Locked(dir.to_owned()));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_RETRY),
        }
    }
}
