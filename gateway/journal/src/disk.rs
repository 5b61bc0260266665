//! What the journal asks of a file system. [`Directory`] is the real one; [`memory::MemoryDisk`] stands in for it in
//! tests and simulations, and can lose what was not synced, fail at any step and run full.

pub mod memory;
mod os;

use std::io;
use std::sync::Arc;

pub use os::Directory;

/// A directory of files that only grow.
pub trait Disk: Send + Sync + 'static {
    /// The names in the directory, in any order.
    ///
    /// # Errors
    /// Of the file system.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates an empty file that must not exist, with space set aside for `reserve` bytes; durable on return.
    ///
    /// # Errors
    /// Of the file system; `StorageFull` leaves no file behind.
    fn create(&self, name: &str, reserve: u64) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and cutting.
    ///
    /// # Errors
    /// Of the file system.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Removes a file; durable on return.
    ///
    /// # Errors
    /// Of the file system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Bytes that may still be written.
    ///
    /// # Errors
    /// Of the file system.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// One file of a [`Disk`].
pub trait DiskFile: Send + Sync {
    /// Length in bytes.
    ///
    /// # Errors
    /// Of the file system.
    fn length(&self) -> io::Result<u64>;

    /// Reads from `offset` until `into` is full or the file ends; says how many bytes were read.
    ///
    /// # Errors
    /// Of the file system.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`, which is the file's end. After an error a part may have been written.
    ///
    /// # Errors
    /// Of the file system.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes what was written durable (`fdatasync`).
    ///
    /// # Errors
    /// Of the file system. What was written may or may not be durable then.
    fn sync(&self) -> io::Result<()>;

    /// Cuts the file to `length` bytes and gives back what was set aside beyond. Durable after [`DiskFile::sync`].
    ///
    /// # Errors
    /// Of the file system.
    fn truncate(&self, length: u64) -> io::Result<()>;
}
