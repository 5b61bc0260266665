//! The bytes of segment headers and frames (`docs/journal.md`, Files).

use shuzha_core::ids::ID_BYTES_MAX;
use shuzha_evidence::record::ENTRY_BYTES_MAX;

use crate::Position;

/// First bytes of every segment.
const MAGIC: &[u8; 8] = b"SHUZHAJ1";

/// Version of the framing.
const VERSION: u32 = 1;

/// Bytes of a segment's header.
pub(crate) const HEADER_BYTES: usize = 64;

/// Bytes of a frame before its payload.
pub(crate) const FRAME_HEAD_BYTES: usize = 24;

/// Bytes of the largest frame.
pub(crate) const FRAME_BYTES_MAX: usize = FRAME_HEAD_BYTES + ENTRY_BYTES_MAX;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) epoch: u32,
    pub(crate) first_seq: u64,
    pub(crate) node: String,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        out[16..24].copy_from_slice(&self.first_seq.to_le_bytes());
        out[24] = u8::try_from(self.node.len()).expect("an Id is short");
        out[25..25 + self.node.len()].copy_from_slice(self.node.as_bytes());
        let crc = crc32c::crc32c(&out[..60]);
        out[60..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header, or says what is wrong with it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let bytes: &[u8; HEADER_BYTES] = bytes.try_into().map_err(|_| "a short header")?;
        if bytes[..8] != *MAGIC {
            return Err("other magic bytes");
        }
        if u32_at(bytes, 60) != crc32c::crc32c(&bytes[..60]) {
            return Err("a wrong CRC of the header");
        }
        if u32_at(bytes, 8) != VERSION {
            return Err("another version of the framing");
        }
        let length = usize::from(bytes[24]);
        let node = bytes[25..25 + ID_BYTES_MAX].get(..length).ok_or("a node's name that is too long")?;
        let node = std::str::from_utf8(node).map_err(|_| "a node's name that is not UTF-8")?;
        Ok(Self { epoch: u32_at(bytes, 12), first_seq: u64_at(bytes, 16), node: node.to_owned() })
    }
}

/// One frame within a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) position: Position,
    /// How many records before this one were not known durable when it was appended.
    pub(crate) behind: u32,
    pub(crate) payload: &'a [u8],
}

impl Frame<'_> {
    /// Length in bytes.
    pub(crate) fn len(&self) -> usize {
        FRAME_HEAD_BYTES + self.payload.len()
    }
}

/// Why no frame stands at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFrame {
    /// The buffer ends before the frame does.
    Short,
    /// The length is 0 or too large.
    Length,
    /// The CRC is wrong.
    Crc,
}

impl NoFrame {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Short => "a frame cut short",
            Self::Length => "an impossible length",
            Self::Crc => "a wrong CRC",
        }
    }
}

/// Reads the frame at the start of `bytes`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Frame<'_>, NoFrame> {
    let head = bytes.get(..FRAME_HEAD_BYTES).ok_or(NoFrame::Short)?;
    let length = u32_at(head, 0) as usize;
    if length == 0 || length > ENTRY_BYTES_MAX {
        return Err(NoFrame::Length);
    }
    let checked = bytes.get(8..FRAME_HEAD_BYTES + length).ok_or(NoFrame::Short)?;
    if u32_at(head, 4) != crc32c::crc32c(checked) {
        return Err(NoFrame::Crc);
    }
    let position = Position { epoch: u32_at(head, 16), seq: u64_at(head, 8) };
    Ok(Frame {
        position,
        behind: u32_at(head, 20),
        payload: &bytes[FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length],
    })
}

/// The length of the frame at the start of `bytes`, which this process has made.
pub(crate) fn length(bytes: &[u8]) -> Result<usize, NoFrame> {
    let head = bytes.get(..FRAME_HEAD_BYTES).ok_or(NoFrame::Short)?;
    Ok(FRAME_HEAD_BYTES + u32_at(head, 0) as usize)
}

/// The entries of the whole frames that fill `bytes`, which this process has made.
pub(crate) fn payloads(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (frame, rest) = bytes.split_at_checked(length(bytes).ok()?)?;
        bytes = rest;
        Some(&frame[FRAME_HEAD_BYTES..])
    })
}

/// Completes the frame that fills `out`, whose payload stands behind [`FRAME_HEAD_BYTES`] left free.
pub(crate) fn seal(out: &mut [u8], position: Position, behind: u32) {
    let length = u32::try_from(out.len() - FRAME_HEAD_BYTES).expect("an entry is short");
    out[..4].copy_from_slice(&length.to_le_bytes());
    out[8..16].copy_from_slice(&position.seq.to_le_bytes());
    out[16..20].copy_from_slice(&position.epoch.to_le_bytes());
    out[20..24].copy_from_slice(&behind.to_le_bytes());
    let crc = crc32c::crc32c(&out[8..]);
    out[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// The name of the segment whose first record has sequence `first_seq`.
pub(crate) fn segment_name(first_seq: u64) -> String {
    format!("{first_seq:020}.journal")
}

/// The name of what is left of a segment whose records before `first_seq` were pruned.
pub(crate) fn cut_name(first_seq: u64) -> String {
    format!("{first_seq:020}.cut")
}

/// The first sequence of what is left of a segment, or `None` when the name is no such file's.
pub(crate) fn cut_first_seq(name: &str) -> Option<u64> {
    first_seq(name.strip_suffix(".cut")?)
}

/// The first sequence of the segment called `name`, or `None` when the name is not a segment's.
pub(crate) fn segment_first_seq(name: &str) -> Option<u64> {
    first_seq(name.strip_suffix(".journal")?)
}

fn first_seq(digits: &str) -> Option<u64> {
    let plain = digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}
