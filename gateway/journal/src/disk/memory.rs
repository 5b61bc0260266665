//! A file system in memory whose power can be cut, for tests and simulations.
//!
//! It keeps, for each file, what was written and what was last synced. [`MemoryDisk::cut_power`] leaves of the difference
//! an arbitrary choice of sectors, as a machine's cache does; what never arrived reads as zeros.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::{Disk, DiskFile};

/// Unit in which a disk writes, in bytes.
pub const SECTOR_BYTES: usize = 512;

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// Nothing happened.
    Before,
    /// Half of it happened.
    Half,
    /// All of it happened; only the report is an error.
    After,
}

#[derive(Clone, Default)]
struct Content {
    written: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Content>,
    capacity: Option<u64>,
    /// Operations (writes, syncs) left until one fails.
    fail_in: Option<(u64, DiskFault)>,
    syncs: u64,
    held: bool,
    writes_held: bool,
    /// Writes that wait because they are held.
    writes_waiting: u32,
    lies: bool,
}

impl State {
    fn used(&self) -> u64 {
        self.files.values().map(|content| content.written.len() as u64).sum()
    }

    /// Counts one operation; says how it fails, if it does.
    fn fault(&mut self) -> Option<DiskFault> {
        let (left, fault) = self.fail_in.as_mut()?;
        match left.checked_sub(1) {
            Some(rest) => {
                *left = rest;
                None
            }
            None => {
                let fault = *fault;
                self.fail_in = None;
                Some(fault)
            }
        }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

/// A directory in memory. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Shared>);

impl MemoryDisk {
    /// An empty directory without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Limits all files together to `bytes`, or lifts the limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.0.lock().capacity = bytes;
    }

    /// Lets the operation after the next `operations` writes and syncs fail.
    pub fn fail_after(&self, operations: u64, fault: DiskFault) {
        self.0.lock().fail_in = Some((operations, fault));
    }

    /// Holds every sync until [`MemoryDisk::release_syncs`].
    pub fn hold_syncs(&self) {
        self.0.lock().held = true;
    }

    /// Lets held syncs go on.
    pub fn release_syncs(&self) {
        self.0.lock().held = false;
        self.0.changed.notify_all();
    }

    /// Holds every write until [`MemoryDisk::release_writes`].
    pub fn hold_writes(&self) {
        self.0.lock().writes_held = true;
    }

    /// Lets held writes go on.
    pub fn release_writes(&self) {
        self.0.lock().writes_held = false;
        self.0.changed.notify_all();
    }

    /// Whether a write is held now.
    #[must_use]
    pub fn holds_a_write(&self) -> bool {
        self.0.lock().writes_waiting > 0
    }

    /// Lets every later sync report success without having done anything, as a disk with a broken cache does: a test of
    /// the tests.
    pub fn dangerous_lie_about_syncs(&self) {
        self.0.lock().lies = true;
    }

    /// How many syncs have been completed.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.0.lock().syncs
    }

    /// The directory after the power was cut now: of what was not synced, `choose` says for each sector whether it had
    /// arrived (odd) or not (even), and how much of the growth the file's length shows.
    #[must_use]
    pub fn cut_power(&self, mut choose: impl FnMut() -> u64) -> Self {
        let after = Self::new();
        let mut files = self.0.lock().files.clone();
        for content in files.values_mut() {
            let (old, new) = (content.synced.len(), content.written.len());
            let grown = new.saturating_sub(old);
            let length = old + usize::try_from(choose() % (grown as u64 + 1)).expect("at most the growth");
            let mut kept = content.synced.clone();
            kept.resize(length, 0);
            let mut at = old;
            while at < length {
                let end = ((at / SECTOR_BYTES + 1) * SECTOR_BYTES).min(length);
                if choose() % 2 == 1 {
                    kept[at..end].copy_from_slice(&content.written[at..end]);
                }
                at = end;
            }
            *content = Content { written: kept.clone(), synced: kept };
        }
        after.0.lock().files = files;
        after
    }

    /// The directory as another process finds it after this one was killed now.
    #[must_use]
    pub fn killed(&self) -> Self {
        let after = Self::new();
        after.0.lock().files = self.0.lock().files.clone();
        after
    }

    /// Changes the bytes of a file behind the journal's back.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.0.lock();
        let content = state.files.get_mut(name).expect("the file exists");
        change(&mut content.written);
        content.synced = content.written.clone();
    }

    /// Length of a file in bytes.
    ///
    /// # Panics
    /// When there is no such file.
    #[must_use]
    pub fn length(&self, name: &str) -> usize {
        self.0.lock().files[name].written.len()
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().files.keys().cloned().collect())
    }

    fn create(&self, name: &str, _reserve: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock();
        if state.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(name.to_owned(), Content::default());
        Ok(Arc::new(MemoryFile { name: name.to_owned(), disk: self.clone() }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        if !self.0.lock().files.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Arc::new(MemoryFile { name: name.to_owned(), disk: self.clone() }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.lock().files.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.0.lock();
        Ok(state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
    }
}

struct MemoryFile {
    name: String,
    disk: MemoryDisk,
}

impl MemoryFile {
    fn with<T>(&self, act: impl FnOnce(&mut Content) -> T) -> io::Result<T> {
        let mut state = self.disk.0.lock();
        state.files.get_mut(&self.name).map(act).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl DiskFile for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        self.with(|content| content.written.len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|content| {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(content.written.len());
            let count = into.len().min(content.written.len() - from);
            into[..count].copy_from_slice(&content.written[from..from + count]);
            count
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (fault, room) = {
            let mut state = self.disk.0.lock();
            if state.writes_held {
                state.writes_waiting += 1;
                let held = |state: &mut State| state.writes_held;
                state = self.disk.0.changed.wait_while(state, held).expect("no holder of this lock panics");
                state.writes_waiting -= 1;
            }
            (state.fault(), state.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(state.used())))
        };
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let (kept, error) = match fault {
            Some(DiskFault::Before) => (0, Some(io::Error::other("injected"))),
            Some(DiskFault::Half) => (bytes.len() / 2, Some(io::Error::other("injected"))),
            Some(DiskFault::After) => (bytes.len(), Some(io::Error::other("injected"))),
            None if bytes.len() > room => (room, Some(io::ErrorKind::StorageFull.into())),
            None => (bytes.len(), None),
        };
        self.with(|content| {
            let from = usize::try_from(offset).expect("a file in memory is small");
            content.written.resize(content.written.len().max(from + kept), 0);
            content.written[from..from + kept].copy_from_slice(&bytes[..kept]);
        })?;
        error.map_or(Ok(()), Err)
    }

    fn sync(&self) -> io::Result<()> {
        // What a sync covers is what was written when it began.
        let (fault, covered) = {
            let mut state = self.disk.0.lock();
            let covered = state.files.get(&self.name).map(|content| content.written.clone());
            (state.fault(), covered.ok_or(io::ErrorKind::NotFound)?)
        };
        let state = self.disk.0.lock();
        let state = self.disk.0.changed.wait_while(state, |state| state.held);
        let lies = state.expect("no holder of this lock panics").lies;
        if !lies && !matches!(fault, Some(DiskFault::Before)) {
            let half = matches!(fault, Some(DiskFault::Half));
            self.with(|content| {
                // A disk takes a sector whole or not at all, in a sync that fails too.
                let middle = covered.len().midpoint(content.synced.len()) / SECTOR_BYTES * SECTOR_BYTES;
                let until = if half { middle.max(content.synced.len()) } else { covered.len() };
                content.synced = covered[..until.min(covered.len())].to_vec();
            })?;
        }
        self.disk.0.lock().syncs += 1;
        fault.map_or(Ok(()), |_| Err(io::Error::other("injected")))
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).expect("a file in memory is small");
        self.with(|content| {
            content.written.resize(length, 0);
            content.synced.truncate(length);
        })
    }
}
