//! A ZIP archive (APPNOTE 6.3) written to something that cannot go back: sizes follow their entry.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::super::error::Fault;

/// Little compression for much speed: XML of sheets shrinks to a tenth already.
const LEVEL: Compression = Compression::new(3);

/// The time of every entry: midnight of 1980-01-01, where DOS dates begin.
const DOS_TIME: [u8; 4] = [0, 0, 0x21, 0];

/// Sizes and checksum follow the entry (bit 3), names are UTF-8 (bit 11).
const FLAGS: [u8; 2] = [0x08, 0x08];

const VERSION: [u8; 2] = [20, 0];
const DEFLATED: [u8; 2] = [8, 0];

/// Where entries are written one after the other.
pub(super) struct Zip<W: Write> {
    /// `None` only while an entry is being begun or ended.
    out: Option<Out<W>>,
    entries: Vec<Entry>,
}

enum Out<W: Write> {
    Between(Counted<W>),
    Inside(DeflateEncoder<Counted<W>>, Crc),
}

struct Entry {
    name: String,
    offset: u64,
    crc: u32,
    packed: u64,
    plain: u64,
}

const HELD: &str =
    "the archive is given back by every step that succeeds, and not used after one that failed";

impl<W: Write> Zip<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out: Some(Out::Between(Counted { out, written: 0 })), entries: Vec::new() }
    }

    /// Begins an entry; none is open.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), Fault> {
        let Some(Out::Between(mut out)) = self.out.take() else { panic!("{HELD}") };
        let entry = Entry { name: name.to_owned(), offset: out.written, crc: 0, packed: 0, plain: 0 };
        let mut head = b"PK\x03\x04".to_vec();
        head.extend([VERSION, FLAGS, DEFLATED].concat());
        head.extend(DOS_TIME);
        head.extend([0; 12]);
        head.extend(narrow16(name.len())?.to_le_bytes());
        head.extend([0; 2]);
        head.extend(name.as_bytes());
        out.write_all(&head)?;
        self.entries.push(entry);
        self.out = Some(Out::Inside(DeflateEncoder::new(out, LEVEL), Crc::new()));
        Ok(())
    }

    /// Writes into the open entry.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Some(Out::Inside(out, crc)) = &mut self.out else { panic!("{HELD}") };
        crc.update(bytes);
        out.write_all(bytes)?;
        Ok(())
    }

    /// Ends the open entry.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        let Some(Out::Inside(mut out, crc)) = self.out.take() else { panic!("{HELD}") };
        out.try_finish()?;
        let entry = self.entries.last_mut().expect("an entry was begun");
        (entry.crc, entry.packed, entry.plain) = (crc.sum(), out.total_out(), out.total_in());
        let mut out = out.finish()?;
        let mut tail = b"PK\x07\x08".to_vec();
        tail.extend(entry.sizes()?);
        out.write_all(&tail)?;
        self.out = Some(Out::Between(out));
        Ok(())
    }

    /// Writes the directory; no entry is open.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        let Some(Out::Between(out)) = &mut self.out else { panic!("{HELD}") };
        let start = out.written;
        let mut directory = Vec::new();
        for entry in &self.entries {
            directory.extend(b"PK\x01\x02");
            directory.extend([VERSION, VERSION, FLAGS, DEFLATED].concat());
            directory.extend(DOS_TIME);
            directory.extend(entry.sizes()?);
            directory.extend(narrow16(entry.name.len())?.to_le_bytes());
            directory.extend([0; 12]);
            directory.extend(narrow32(entry.offset)?.to_le_bytes());
            directory.extend(entry.name.as_bytes());
        }
        let count = narrow16(self.entries.len())?.to_le_bytes();
        let size = narrow32(directory.len() as u64)?.to_le_bytes();
        directory.extend(b"PK\x05\x06\0\0\0\0");
        directory.extend([count, count].concat());
        directory.extend(size);
        directory.extend(narrow32(start)?.to_le_bytes());
        directory.extend([0; 2]);
        out.write_all(&directory)?;
        out.flush()?;
        Ok(())
    }
}

impl Entry {
    fn sizes(&self) -> Result<[u8; 12], Fault> {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.crc.to_le_bytes());
        bytes[4..8].copy_from_slice(&narrow32(self.packed)?.to_le_bytes());
        bytes[8..].copy_from_slice(&narrow32(self.plain)?.to_le_bytes());
        Ok(bytes)
    }
}

/// A size as the 32-bit form has it; past that the archive is full.
fn narrow32(size: u64) -> Result<u32, Fault> {
    u32::try_from(size).map_err(|_| Fault::Full)
}

fn narrow16(size: usize) -> Result<u16, Fault> {
    u16::try_from(size).map_err(|_| Fault::Full)
}

/// Counts what it passes on.
struct Counted<W> {
    out: W,
    written: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
