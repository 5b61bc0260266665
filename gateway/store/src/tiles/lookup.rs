//! Where a request's entry stands, in two bytes a leaf.
//!
//! Request ids begin with their millisecond and entries follow each other nearly in that order: a call is recorded when it
//! ends, not when it began. So a block of 256 leaves keeps the latest millisecond up to its end, which only grows and is
//! searched by halves, and of each leaf's request id a fingerprint, which is scanned from there. A fingerprint that fits is a
//! candidate; the entry itself decides.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use shuzha_core::RequestId;
use shuzha_core::files::{self, Links};
use shuzha_evidence::Entry;
use shuzha_evidence::log::{LogError, LogReader, Shard};
use shuzha_evidence::tile::TILE_HASHES;

/// Name of the file in a half-year's folder.
pub(crate) const NAME: &str = "lookup";

/// Bytes of a block: a millisecond, and two bytes a leaf.
const BLOCK_BYTES: usize = 8 + 2 * TILE_HASHES;

/// How long after its beginning a call is looked for, in milliseconds. No call takes an hour.
const CALL_MILLIS_MAX: u64 = 3_600_000;

/// Blocks read at once while scanning.
const SCAN_BLOCKS: usize = 128;

/// Stands for a leaf that is no call.
const NONE: u16 = 0;

/// The millisecond that a request id begins with.
fn millis(request: &RequestId) -> u64 {
    let bytes = request.as_bytes();
    bytes[..6].iter().fold(0, |millis, byte| millis << 8 | u64::from(*byte))
}

/// Bytes of the id's random end; never [`NONE`].
fn fingerprint(request: &RequestId) -> u16 {
    let bytes = request.as_bytes();
    u16::from_le_bytes([bytes[14], bytes[15]]).max(NONE + 1)
}

/// The request whose call `entry` records.
pub(super) fn request_of(entry: &[u8]) -> Option<RequestId> {
    match Entry::decode(entry) {
        Ok(Entry::Call(call)) => Some(call.request),
        _ => None,
    }
}

/// Writes the blocks of one half-year.
pub(super) struct Lookup {
    file: File,
    path: String,
    /// Full blocks in the file.
    blocks: u64,
    latest: u64,
    leaves: Vec<u16>,
}

impl Lookup {
    /// Opens the file of `shard` for a log of `size` leaves. What is missing of it is made again from the entries.
    pub(super) fn open(root: &Path, shard: Shard, reader: &LogReader, size: u64) -> Result<Self, LogError> {
        let path = format!("{shard}/{NAME}");
        let at = root.join(shard.to_string());
        let open = || {
            std::fs::create_dir_all(&at)?;
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(at.join(NAME))
        };
        let file = open().map_err(LogError::io("open", &path))?;
        let held = file.metadata().map_err(LogError::io("inspect", &path))?.len() / BLOCK_BYTES as u64;
        let blocks = held.min(size / TILE_HASHES as u64);
        let latest = match blocks.checked_sub(1) {
            None => 0,
            Some(last) => read_latest(&file, last).map_err(LogError::io("read", &path))?,
        };
        let mut lookup = Self { file, path, blocks, latest, leaves: Vec::with_capacity(TILE_HASHES) };
        for index in blocks * TILE_HASHES as u64..size {
            lookup.push(request_of(&reader.entry(index, size)?))?;
        }
        Ok(lookup)
    }

    /// Takes the next leaf.
    pub(super) fn push(&mut self, request: Option<RequestId>) -> Result<(), LogError> {
        self.latest = self.latest.max(request.as_ref().map_or(0, millis));
        self.leaves.push(request.as_ref().map_or(NONE, fingerprint));
        if self.leaves.len() == TILE_HASHES {
            self.write()?;
            self.blocks += 1;
            self.leaves.clear();
        }
        Ok(())
    }

    /// Makes every leaf so far findable, and that durable.
    pub(super) fn sync(&self) -> Result<(), LogError> {
        self.write()?;
        self.file.sync_data().map_err(LogError::io("sync", &self.path))
    }

    fn write(&self) -> Result<(), LogError> {
        let mut block = vec![0; BLOCK_BYTES];
        block[..8].copy_from_slice(&self.latest.to_le_bytes());
        for (to, leaf) in block[8..].chunks_exact_mut(2).zip(&self.leaves) {
            to.copy_from_slice(&leaf.to_le_bytes());
        }
        let offset = self.blocks * BLOCK_BYTES as u64;
        self.file.write_all_at(&block, offset).map_err(LogError::io("write", &self.path))
    }
}

fn read_latest(file: &File, block: u64) -> io::Result<u64> {
    let mut latest = [0; 8];
    file.read_exact_at(&mut latest, block * BLOCK_BYTES as u64)?;
    Ok(u64::from_le_bytes(latest))
}

/// The leaves of `shard` that may be the call of `request`, in order, offered to `accept` until it takes one.
pub(super) fn find<T>(
    root: &Path,
    shard: Shard,
    request: &RequestId,
    mut accept: impl FnMut(u64) -> Result<Option<T>, LogError>,
) -> Result<Option<T>, LogError> {
    let path = format!("{shard}/{NAME}");
    let file = match files::open(&root.join(&path), Links::Refuse) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LogError::io("open", &path)(error)),
    };
    let blocks = file.metadata().map_err(LogError::io("inspect", &path))?.len() / BLOCK_BYTES as u64;
    let (millis, wanted) = (millis(request), fingerprint(request));
    let (mut from, mut to) = (0, blocks);
    while from < to {
        let middle = from + (to - from) / 2;
        let latest = read_latest(&file, middle).map_err(LogError::io("read", &path))?;
        if latest < millis { from = middle + 1 } else { to = middle }
    }
    let mut buffer = vec![0; SCAN_BLOCKS * BLOCK_BYTES];
    while from < blocks {
        let count = SCAN_BLOCKS.min(usize::try_from(blocks - from).unwrap_or(SCAN_BLOCKS));
        let read = &mut buffer[..count * BLOCK_BYTES];
        file.read_exact_at(read, from * BLOCK_BYTES as u64).map_err(LogError::io("read", &path))?;
        for block in read.chunks_exact(BLOCK_BYTES) {
            let (latest, leaves) = block.split_at(8);
            for (offset, leaf) in (0_u64..).zip(leaves.chunks_exact(2)) {
                if leaf == wanted.to_le_bytes()
                    && let Some(found) = accept(from * TILE_HASHES as u64 + offset)?
                {
                    return Ok(Some(found));
                }
            }
            let latest = u64::from_le_bytes(latest.try_into().expect("eight bytes"));
            if latest > millis.saturating_add(CALL_MILLIS_MAX) {
                return Ok(None);
            }
            from += 1;
        }
    }
    Ok(None)
}
