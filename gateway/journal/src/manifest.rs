//! What a segment was when it was closed, in a small file beside it (`docs/journal.md`, Closed segments): a start believes it
//! and reads only the last segments; the others are compared with it afterwards.
//!
//! It is never needed. Where it is missing, torn or of another segment, the segment itself is read.

use std::io;

use ring::digest::{Context, SHA256};

use crate::Position;
use crate::disk::{Disk, DiskFile};

/// First bytes of every manifest.
const MAGIC: &[u8; 8] = b"SHUZHAM1";
/// Bytes of a manifest.
const BYTES: usize = 72;
/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;

/// A closed segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Epoch of every record in it.
    pub(crate) epoch: u32,
    /// Sequence of the first record.
    pub(crate) first_seq: u64,
    /// Sequence of the last record.
    pub(crate) last_seq: u64,
    /// Length of the file.
    pub(crate) bytes: u64,
    /// SHA-256 of the file.
    pub(crate) sha256: [u8; 32],
}

/// The digest of a segment that is being written.
#[derive(Clone)]
pub(crate) struct Running(Context);

impl Running {
    pub(crate) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }
}

/// The name of the manifest of the segment whose first record has sequence `first_seq`.
pub(crate) fn name(first_seq: u64) -> String {
    format!("{first_seq:020}.closed")
}

/// The first sequence of the segment that the file called `name` is the manifest of; none where it is no manifest.
pub(crate) fn first_seq_of(file: &str) -> Option<u64> {
    let first = file.strip_suffix(".closed")?.parse().ok()?;
    (name(first) == file).then_some(first)
}

impl Manifest {
    /// The manifest of what stands in `file`, whose records from `first` to `last_seq` end at `bytes`.
    pub(crate) fn of(file: &dyn DiskFile, first: Position, last_seq: u64, bytes: u64) -> io::Result<Self> {
        let (mut running, mut at) = (Running::new(), 0);
        let mut buffer = vec![0; READ_BYTES];
        while at < bytes {
            let most = READ_BYTES.min(usize::try_from(bytes - at).unwrap_or(READ_BYTES));
            let read = file.read_at(&mut buffer[..most], at)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            running.update(&buffer[..read]);
            at += read as u64;
        }
        Ok(Self { epoch: first.epoch, first_seq: first.seq, last_seq, bytes, sha256: running.finish() })
    }

    fn encode(&self) -> [u8; BYTES] {
        let mut out = [0; BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&self.epoch.to_le_bytes());
        out[12..20].copy_from_slice(&self.first_seq.to_le_bytes());
        out[20..28].copy_from_slice(&self.last_seq.to_le_bytes());
        out[28..36].copy_from_slice(&self.bytes.to_le_bytes());
        out[36..68].copy_from_slice(&self.sha256);
        let crc = crc32c::crc32c(&out[..68]);
        out[68..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, crc) = bytes.split_at_checked(BYTES - 4)?;
        let (magic, body) = body.split_at(8);
        if magic != MAGIC || crc != crc32c::crc32c(&bytes[..BYTES - 4]).to_le_bytes() {
            return None;
        }
        let long = |at: usize| body.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
        Some(Self {
            epoch: u32::from_le_bytes(body[..4].try_into().ok()?),
            first_seq: long(4)?,
            last_seq: long(12)?,
            bytes: long(20)?,
            sha256: body[28..].try_into().ok()?,
        })
    }

    /// Keeps it, in the place of any other of the same segment.
    ///
    /// # Errors
    /// Of the file system; there is none then, and the segment is read at the next start.
    pub(crate) fn keep(&self, disk: &dyn Disk) -> io::Result<()> {
        let name = name(self.first_seq);
        if read(disk, self.first_seq).as_ref() == Some(self) {
            return Ok(());
        }
        // Of an attempt that came to nothing.
        let _ = disk.remove(&name);
        let written = disk.create(&name, BYTES as u64).and_then(|file| {
            file.write_at(&self.encode(), 0)?;
            // A disk sets space aside in blocks.
            file.truncate(BYTES as u64)?;
            file.sync()
        });
        written.inspect_err(|error| {
            tracing::warn!(name, %error, "a closed segment has no manifest: the next start reads all of it");
            let _ = disk.remove(&name);
        })
    }
}

/// The manifest of the segment whose first record has sequence `first_seq`; none where there is no sound one.
pub(crate) fn read(disk: &dyn Disk, first_seq: u64) -> Option<Manifest> {
    let file = disk.open(&name(first_seq)).ok()?;
    let mut bytes = [0; BYTES + 1];
    let read = file.read_at(&mut bytes, 0).ok().filter(|read| *read == BYTES)?;
    let whole = |found: &Manifest| found.first_seq == first_seq && found.last_seq >= first_seq;
    Manifest::decode(&bytes[..read]).filter(whole)
}

/// Whether a closed segment, which was read record by record and is sound, is the one of its manifest; makes one where `keep` is
/// set and there is none.
///
/// # Errors
/// Of the file system.
pub(crate) fn agrees(
    disk: &dyn Disk,
    file: &dyn DiskFile,
    (first, last_seq, bytes): (Position, u64, u64),
    keep: bool,
) -> io::Result<bool> {
    let known = read(disk, first.seq);
    if known.is_none() && !keep {
        return Ok(true);
    }
    let found = Manifest::of(file, first, last_seq, bytes)?;
    Ok(match known {
        Some(known) => known == found,
        None => {
            // Tried again at the next start.
            let _ = found.keep(disk);
            true
        }
    })
}
