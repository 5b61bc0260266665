//! The demo journal's disk: the real one, and a switch that makes it look full.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shuzha_journal::disk::{Directory, Disk, DiskFile};

/// A directory that can be made to look full, to show that nothing is served unrecorded.
pub(crate) struct DemoDisk {
    directory: Directory,
    full: AtomicBool,
}

impl DemoDisk {
    pub(super) fn new(directory: Directory) -> Self {
        Self { directory, full: AtomicBool::new(false) }
    }

    /// Makes the disk look full, or as it is.
    pub(super) fn look_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }
}

impl Disk for DemoDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.directory.list()
    }

    fn create(&self, name: &str, reserve: u64) -> io::Result<Arc<dyn DiskFile>> {
        self.directory.create(name, reserve)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.directory.open(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.directory.remove(name)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        if self.full.load(Ordering::SeqCst) { Ok(0) } else { self.directory.free_bytes() }
    }
}
