//! Reading records in order, from a journal at rest or one that is being written.

use std::path::Path;
use std::sync::Arc;

use shuzha_evidence::Entry;

use crate::disk::{Directory, Disk, DiskFile};
use crate::frame::{self, FRAME_BYTES_MAX, FRAME_HEAD_BYTES, Frame, HEADER_BYTES, Header, NoFrame};
use crate::segments::{base_of, damaged, read_header, segments};
use crate::tail::{Bad, judge};
use crate::{JournalError, Position};

/// Bytes read from a segment at once.
const READ_BYTES: usize = 256 << 10;

/// One record as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// Where it stands.
    pub position: Position,
    /// The encoded entry.
    pub bytes: Box<[u8]>,
}

impl RawRecord {
    /// The entry.
    ///
    /// # Errors
    /// [`JournalError::Entry`] when it is not one that this software knows.
    pub fn entry(&self) -> Result<Entry<'_>, JournalError> {
        Entry::decode(&self.bytes).map_err(|source| JournalError::Entry { seq: self.position.seq, source })
    }
}

/// What a [`Scan`] meets.
pub(crate) enum Step<'a> {
    Record(Frame<'a>),
    /// The file ends here.
    End,
    Bad(NoFrame),
}

/// Steps through the frames of one segment.
pub(crate) struct Scan {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) name: String,
    pub(crate) header: Header,
    buffer: Vec<u8>,
    at: usize,
    offset: u64,
}

impl Scan {
    pub(crate) fn new(file: Arc<dyn DiskFile>, name: String, header: Header) -> Self {
        Self { file, name, header, buffer: Vec::new(), at: 0, offset: HEADER_BYTES as u64 }
    }

    /// Where the next frame begins in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Forgets what was read ahead.
    fn forget(&mut self) {
        self.buffer.clear();
        self.at = 0;
    }

    fn fill(&mut self) -> Result<(), JournalError> {
        if self.buffer.len() - self.at >= FRAME_BYTES_MAX {
            return Ok(());
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + READ_BYTES, 0);
        let read = self.file.read_at(&mut self.buffer[held..], self.offset + held as u64);
        let read = read.map_err(JournalError::io("read", &self.name))?;
        self.buffer.truncate(held + read);
        Ok(())
    }

    /// The next frame, whose sequence is not checked. After anything but a record, the next call tries the same place.
    pub(crate) fn step(&mut self) -> Result<Step<'_>, JournalError> {
        self.fill()?;
        if self.at == self.buffer.len() {
            return Ok(Step::End);
        }
        let (position, behind, length) = match frame::parse(&self.buffer[self.at..]) {
            Ok(frame) => (frame.position, frame.behind, frame.len()),
            Err(reason) => {
                self.forget();
                return Ok(Step::Bad(reason));
            }
        };
        let payload = self.at + FRAME_HEAD_BYTES..self.at + length;
        self.at += length;
        self.offset += length as u64;
        Ok(Step::Record(Frame { position, behind, payload: &self.buffer[payload] }))
    }
}

/// Gives the sequence up to which records may be read.
type Bound = Box<dyn Fn() -> u64 + Send>;

/// Iterates over records by ascending sequence. At the end of a live journal it gives `None`, and goes on when asked
/// again later.
pub struct Reader {
    disk: Arc<dyn Disk>,
    scan: Option<Scan>,
    /// Sequence of the next record to hand out.
    next_seq: u64,
    /// Sequence of the next record in the segment.
    expected: u64,
    bound: Option<Bound>,
    /// The bound when the scan's buffer was filled. Records beyond it are read anew later: they may yet be taken back.
    known: u64,
}

/// Reads the journal in `dir` from sequence `from_seq` on (0 and 1 both mean the first). Beside a live journal this also
/// sees records that are written and not yet durable; `Journal::reader` does not.
///
/// # Errors
/// Of the file system.
pub fn read(dir: &Path, from_seq: u64) -> Result<Reader, JournalError> {
    let disk = Directory::open(dir).map_err(JournalError::io("open", "the directory"))?;
    read_on(Arc::new(disk), from_seq)
}

/// Sequence of the first record that the journal in `dir` still holds; 1 unless records were pruned.
///
/// # Errors
/// Of the file system.
pub fn first_seq(dir: &Path) -> Result<u64, JournalError> {
    let disk = Directory::open(dir).map_err(JournalError::io("open", "the directory"))?;
    Ok(base_of(&disk)?.seq + 1)
}

/// The node that the journal in `dir` belongs to, by its last whole segment; none where there is none.
///
/// # Errors
/// [`JournalError`] of the file system.
pub fn node_of(dir: &Path) -> Result<Option<String>, JournalError> {
    let disk = Directory::open(dir).map_err(JournalError::io("open", "the directory"))?;
    for (_, name) in segments(&disk)?.iter().rev() {
        let file = disk.open(name).map_err(JournalError::io("open", name))?;
        if let Ok(header) = read_header(&*file, name)? {
            return Ok(Some(header.node));
        }
    }
    Ok(None)
}

/// Sequence of the last record in the journal in `dir`; 0 where there is none. Only the last segment is read.
///
/// # Errors
/// [`JournalError`] at a fault of that segment.
pub fn last_seq(dir: &Path) -> Result<u64, JournalError> {
    let disk = Directory::open(dir).map_err(JournalError::io("open", "the directory"))?;
    let before = base_of(&disk)?.seq;
    let Some((first, _)) = segments(&disk)?.pop() else { return Ok(before) };
    let mut last = first - 1;
    for record in read_on(Arc::new(disk), first)? {
        last = record?.position.seq;
    }
    Ok(last)
}

/// The same on any [`Disk`].
///
/// # Errors
/// Of the file system.
pub fn read_on(disk: Arc<dyn Disk>, from_seq: u64) -> Result<Reader, JournalError> {
    Reader::open(disk, from_seq, None)
}

impl Reader {
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        from_seq: u64,
        bound: Option<Bound>,
    ) -> Result<Self, JournalError> {
        segments(&*disk)?;
        Ok(Self { disk, scan: None, next_seq: from_seq.max(1), expected: 0, bound, known: 0 })
    }

    /// Opens the segment in which the next record stands, if it exists.
    fn enter(&mut self) -> Result<bool, JournalError> {
        let segments = segments(&*self.disk)?;
        let Some((first_seq, name)) = segments.iter().rev().find(|(first, _)| *first <= self.next_seq) else {
            return match segments.first() {
                None => Ok(false),
                Some((first, _)) if self.next_seq <= base_of(&*self.disk)?.seq => {
                    Err(JournalError::Pruned { seq: self.next_seq, first: *first })
                }
                Some((first, name)) => {
                    let expected = format!("a segment that begins at or before record {}", self.next_seq);
                    Err(damaged(name, 0, expected, format!("record {first}")))
                }
            };
        };
        if self.scan.as_ref().is_some_and(|scan| scan.header.first_seq == *first_seq) {
            return Ok(false);
        }
        let is_last = segments.last().is_some_and(|(last, _)| last == first_seq);
        let file = self.disk.open(name).map_err(JournalError::io("open", name))?;
        match read_header(&*file, name)? {
            Ok(header) if header.first_seq == *first_seq => {
                self.expected = *first_seq;
                self.scan = Some(Scan::new(file, name.clone(), header));
                Ok(true)
            }
            Ok(header) => {
                Err(damaged(name, 0, format!("first record {first_seq}"), header.first_seq.to_string()))
            }
            Err(found) => {
                judge(&*file, name, Bad { offset: 0, seq: *first_seq, found, is_last }).map(|()| false)
            }
        }
    }

    fn bound(&self) -> u64 {
        self.bound.as_ref().map_or(u64::MAX, |bound| bound())
    }

    fn advance(&mut self) -> Result<Option<RawRecord>, JournalError> {
        if self.bound() < self.next_seq || (self.scan.is_none() && !self.enter()?) {
            return Ok(None);
        }
        let mut at_end = false;
        loop {
            if self.known < self.next_seq {
                self.known = self.bound();
                if let Some(scan) = &mut self.scan {
                    scan.forget();
                }
            }
            let scan = self.scan.as_mut().expect("entered above");
            let offset = scan.offset();
            let expected = Position { epoch: scan.header.epoch, seq: self.expected };
            let bad = match scan.step()? {
                Step::Record(frame) if frame.position == expected => {
                    self.expected += 1;
                    if expected.seq < self.next_seq {
                        continue;
                    }
                    self.next_seq += 1;
                    return Ok(Some(RawRecord { position: expected, bytes: frame.payload.into() }));
                }
                Step::Record(frame) => {
                    let found = format!("record {}", frame.position);
                    return Err(damaged(&scan.name, offset, format!("record {expected}"), found));
                }
                Step::End => None,
                Step::Bad(reason) => Some(reason),
            };
            // A record that begins the next segment may have been written after this one's end was seen: look again.
            let follows = segments(&*self.disk)?.iter().any(|(first, _)| *first > scan.header.first_seq);
            if follows && !at_end {
                at_end = true;
                continue;
            }
            if let Some(reason) = bad {
                let bad = Bad { offset, seq: self.expected, found: reason.describe(), is_last: !follows };
                return judge(&*scan.file, &scan.name, bad).map(|()| None);
            }
            if !follows || !self.enter_next()? {
                return Ok(None);
            }
            at_end = false;
        }
    }

    /// Goes on to the segment that begins with the expected record.
    fn enter_next(&mut self) -> Result<bool, JournalError> {
        let expected = self.expected;
        let name = frame::segment_name(expected);
        if !segments(&*self.disk)?.iter().any(|(first, _)| *first == expected) {
            return Err(damaged(
                &name,
                0,
                format!("a segment that begins with record {expected}"),
                "none".into(),
            ));
        }
        self.enter()
    }
}

impl Iterator for Reader {
    type Item = Result<RawRecord, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
