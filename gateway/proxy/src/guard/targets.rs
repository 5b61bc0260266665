//! The header blocks of an HTTP/2 connection, read for one thing: whether a `:path` holds a `#`.
//!
//! A fragment is never sent (RFC 9113 §8.3.1 has a path and a query, nothing else). The parser that builds the request drops
//! it without a word, so what came and what is routed, signed over and metered would be two targets. Only here, beside the
//! socket, is it still to be seen: frames are followed (RFC 9113 §4.1), header blocks gathered, and their field lines read
//! (RFC 7541) as far as names, lengths and the value of `:path` go. Nothing is decided about anything else: what is malformed is
//! hyper's to refuse, and ends the watch.

mod huffman;

use std::collections::VecDeque;

/// Bytes before the first frame: the connection preface (RFC 9113 §3.4).
const PREFACE_BYTES: usize = 24;
/// Bytes of a frame's head.
const FRAME_HEAD_BYTES: usize = 9;
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
/// Longest header block that is gathered; hyper refuses shorter ones already.
const BLOCK_BYTES_MAX: usize = 128 << 10;
/// Most bytes of the dynamic table: what a server permits that has said nothing else (RFC 7541 §4.2, RFC 9113 §6.5.2).
const TABLE_BYTES_MAX: usize = 4_096;
/// What an entry of the table counts for beside its name and value (RFC 7541 §4.1).
const ENTRY_BYTES: usize = 32;
/// Entries of the static table; 4 and 5 are `:path` (RFC 7541 Appendix A).
const STATIC_ENTRIES: usize = 61;
const STATIC_PATHS: std::ops::RangeInclusive<usize> = 4..=5;

/// What was seen so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing amiss.
    Sound,
    /// A path with a fragment, or a block that cannot be read.
    Amiss,
}

/// Follows the frames that a caller sends.
pub(super) struct Targets {
    /// Bytes of the preface still to come.
    preface: usize,
    head: [u8; FRAME_HEAD_BYTES],
    have: usize,
    /// Bytes of the present frame's payload still to come.
    left: usize,
    /// Where a frame with field lines begins in `block`; `None` in any other frame.
    fragment: Option<usize>,
    /// The header block gathered so far.
    block: Vec<u8>,
    table: Table,
    seen: Seen,
}

impl Targets {
    pub(super) fn new() -> Self {
        Self {
            preface: PREFACE_BYTES,
            head: [0; FRAME_HEAD_BYTES],
            have: 0,
            left: 0,
            fragment: None,
            block: Vec::new(),
            table: Table { entries: VecDeque::new(), bytes: 0, bytes_max: TABLE_BYTES_MAX },
            seen: Seen::Sound,
        }
    }

    /// Reads on; what it says once amiss it says for good.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Seen {
        while !bytes.is_empty() && self.seen == Seen::Sound {
            if self.preface > 0 {
                let taken = self.preface.min(bytes.len());
                self.preface -= taken;
                bytes = &bytes[taken..];
            } else if self.have < FRAME_HEAD_BYTES {
                let taken = (FRAME_HEAD_BYTES - self.have).min(bytes.len());
                self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
                self.have += taken;
                bytes = &bytes[taken..];
                if self.have == FRAME_HEAD_BYTES {
                    self.begin();
                }
            } else {
                let taken = self.left.min(bytes.len());
                if self.fragment.is_some() {
                    self.block.extend_from_slice(&bytes[..taken]);
                }
                self.left -= taken;
                bytes = &bytes[taken..];
                if self.left == 0 {
                    self.end();
                }
            }
        }
        self.seen
    }

    /// The head of a frame is there.
    fn begin(&mut self) {
        self.left =
            usize::from(self.head[0]) << 16 | usize::from(self.head[1]) << 8 | usize::from(self.head[2]);
        self.fragment = match self.head[3] {
            HEADERS => {
                self.block.clear();
                Some(0)
            }
            CONTINUATION => Some(self.block.len()),
            _ => None,
        };
        if self.fragment.is_some() && self.block.len() + self.left > BLOCK_BYTES_MAX {
            self.seen = Seen::Amiss;
        } else if self.left == 0 {
            self.end();
        }
    }

    /// A frame is whole.
    fn end(&mut self) {
        self.have = 0;
        let Some(start) = self.fragment.take() else { return };
        let flags = self.head[4];
        if self.head[3] == HEADERS {
            let payload = &self.block[start..];
            let padding = if flags & PADDED != 0 {
                payload.first().copied().map_or(usize::MAX, usize::from)
            } else {
                0
            };
            let before = usize::from(flags & PADDED != 0) + if flags & PRIORITY != 0 { 5 } else { 0 };
            let Some(kept) = payload.len().checked_sub(before).and_then(|rest| rest.checked_sub(padding))
            else {
                self.seen = Seen::Amiss;
                return;
            };
            self.block.copy_within(start + before..start + before + kept, start);
            self.block.truncate(start + kept);
        }
        if flags & END_HEADERS != 0 {
            self.seen = self.table.read(&self.block).unwrap_or(Seen::Amiss);
            self.block.clear();
        }
    }
}

/// One entry of the dynamic table: all that is asked of it later.
struct Entry {
    is_path: bool,
    name_bytes: usize,
    bytes: usize,
}

/// The decoder's state (RFC 7541 §2.3.2), newest entry first.
struct Table {
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
}

impl Table {
    /// Reads one block; `None` where it is malformed.
    fn read(&mut self, block: &[u8]) -> Option<Seen> {
        let mut rest = block;
        let mut seen = Seen::Sound;
        while let Some(&first) = rest.first() {
            if first & 0x80 != 0 {
                // Indexed: its value was looked at when it came.
                self.is_path(integer(&mut rest, 7)?)?;
                continue;
            }
            if first & 0xe0 == 0x20 {
                let size = integer(&mut rest, 5)?;
                if size > TABLE_BYTES_MAX {
                    return None;
                }
                self.bytes_max = size;
                self.evict(0);
                continue;
            }
            let indexed = first & 0xc0 == 0x40;
            let name = integer(&mut rest, if indexed { 6 } else { 4 })?;
            let (is_path, name_bytes) = if name == 0 {
                let text = string(&mut rest)?;
                (text == b":path", text.len())
            } else {
                (self.is_path(name)?, self.name_bytes(name))
            };
            let value = string(&mut rest)?;
            if is_path && value.contains(&b'#') {
                seen = Seen::Amiss;
            }
            if indexed {
                self.insert(is_path, name_bytes, value.len());
            }
        }
        Some(seen)
    }

    /// Whether the entry at `index` is named `:path`; `None` where there is none.
    fn is_path(&self, index: usize) -> Option<bool> {
        match index.checked_sub(STATIC_ENTRIES + 1) {
            Some(at) => self.entries.get(at).map(|entry| entry.is_path),
            None if index == 0 => None,
            None => Some(STATIC_PATHS.contains(&index)),
        }
    }
}

impl Table {
    /// Length of the name of the entry at `index`, which is there.
    fn name_bytes(&self, index: usize) -> usize {
        match index.checked_sub(STATIC_ENTRIES + 1) {
            Some(at) => self.entries[at].name_bytes,
            None => usize::from(STATIC_NAME_BYTES[index - 1]),
        }
    }

    fn insert(&mut self, is_path: bool, name_bytes: usize, value_bytes: usize) {
        let bytes = name_bytes + value_bytes + ENTRY_BYTES;
        self.evict(bytes);
        if bytes <= self.bytes_max {
            self.entries.push_front(Entry { is_path, name_bytes, bytes });
            self.bytes += bytes;
        }
    }

    /// Makes room for so many bytes (RFC 7541 §4.4).
    fn evict(&mut self, wanted: usize) {
        while self.bytes + wanted > self.bytes_max {
            let Some(oldest) = self.entries.pop_back() else { return };
            self.bytes -= oldest.bytes;
        }
    }
}

/// Lengths of the names of the static table (RFC 7541 Appendix A).
const STATIC_NAME_BYTES: [u8; STATIC_ENTRIES] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13,
    12, 6, 4, 4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3,
    16,
];

/// An integer with a prefix of so many bits (RFC 7541 §5.1).
fn integer(rest: &mut &[u8], prefix: u32) -> Option<usize> {
    let (&first, mut after) = rest.split_first()?;
    let most = (1_usize << prefix) - 1;
    let mut value = usize::from(first) & most;
    if value == most {
        for shift in [0, 7, 14, 21] {
            let (&next, further) = after.split_first()?;
            after = further;
            value += usize::from(next & 0x7f) << shift;
            if next & 0x80 == 0 {
                *rest = after;
                return Some(value);
            }
        }
        return None;
    }
    *rest = after;
    Some(value)
}

/// A string literal (RFC 7541 §5.2).
fn string(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let coded = *rest.first()? & 0x80 != 0;
    let length = integer(rest, 7)?;
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    if coded { huffman::decode(text) } else { Some(text.to_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.extend_from_slice(payload);
        frame
    }

    /// `:path` as a literal with the given first byte, plain.
    fn path(first: u8, value: &str) -> Vec<u8> {
        let length = u8::try_from(value.len()).expect("short");
        [&[first, length], value.as_bytes()].concat()
    }

    /// Reads the frames in pieces of every size.
    fn seen(frames: &[Vec<u8>]) -> Seen {
        let all = [PREFACE, &frames.concat()].concat();
        let mut found = Vec::new();
        for size in [1, 2, 7, 64, 4_096] {
            let mut reader = Targets::new();
            found.push(all.chunks(size).map(|piece| reader.read(piece)).last().expect("some"));
        }
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "the same however it is cut: {found:?}");
        found[0]
    }

    #[test]
    fn a_fragment_is_seen_in_every_representation_of_a_path() {
        let settings = frame(0x4, 0, &[]);
        // Indexed, not indexed, never indexed, by a name of its own; and Huffman-coded.
        let named = [&[0x00, 5][..], b":path", &[4], b"/a#b"].concat();
        for block in [path(0x44, "/a#b"), path(0x04, "/a#b"), path(0x14, "/#"), named, huffman_path()] {
            assert_eq!(
                seen(&[settings.clone(), frame(HEADERS, END_HEADERS, &block)]),
                Seen::Amiss,
                "{block:x?}"
            );
        }
        for block in
            [path(0x44, "/a?b=c"), path(0x04, "/a"), [&[0x00, 1][..], b"x", &[1], b"#"].concat(), vec![0x84]]
        {
            assert_eq!(
                seen(&[settings.clone(), frame(HEADERS, END_HEADERS, &block)]),
                Seen::Sound,
                "{block:x?}"
            );
        }
    }

    /// `/#` in Huffman code: 011000, 111111111010, padded with ones.
    fn huffman_path() -> Vec<u8> {
        vec![0x44, 0x83, 0b0110_0011, 0b1111_1110, 0b1011_1111]
    }

    #[test]
    fn padding_priority_and_continuations_hide_nothing() {
        let block = path(0x44, "/a#b");
        let padded = [&[3][..], &block, &[0; 3]].concat();
        let weighed = [&[0, 0, 0, 0, 16][..], &block].concat();
        let both = [&[2, 0, 0, 0, 0, 16][..], &block, &[0; 2]].concat();
        assert_eq!(seen(&[frame(HEADERS, END_HEADERS | PADDED, &padded)]), Seen::Amiss);
        assert_eq!(seen(&[frame(HEADERS, END_HEADERS | PRIORITY, &weighed)]), Seen::Amiss);
        assert_eq!(seen(&[frame(HEADERS, END_HEADERS | PADDED | PRIORITY, &both)]), Seen::Amiss);
        for cut in 0..block.len() {
            let frames = [frame(HEADERS, 0, &block[..cut]), frame(CONTINUATION, END_HEADERS, &block[cut..])];
            assert_eq!(seen(&frames), Seen::Amiss, "cut at {cut}");
        }
        // The same bytes as data are none of a header.
        assert_eq!(
            seen(&[frame(HEADERS, END_HEADERS, &path(0x44, "/a")), frame(0x0, 0, &block)]),
            Seen::Sound
        );
    }

    /// A name that was put into the dynamic table is still `:path` when it is referred to.
    #[test]
    fn a_path_named_by_the_dynamic_table_is_a_path() {
        let first = [&[0x40, 5][..], b":path", &[2], b"/a"].concat();
        let other = [&[0x40, 1][..], b"x", &[1], b"y"].concat();
        // Six bits hold an index up to 62; 63 is the prefix and a zero.
        let by_name = |index: u8| match index {
            62 => path(0x40 | 62, "/#"),
            _ => [&[0x7f, index - 63][..], &[2], b"/#"].concat(),
        };
        let send = |blocks: &[Vec<u8>]| {
            seen(&blocks.iter().map(|block| frame(HEADERS, END_HEADERS, block)).collect::<Vec<_>>())
        };
        assert_eq!(send(&[first.clone(), by_name(62)]), Seen::Amiss);
        assert_eq!(send(&[first.clone(), other.clone(), by_name(63)]), Seen::Amiss);
        assert_eq!(send(&[first.clone(), other, by_name(62)]), Seen::Sound, "that is the other");
        // Emptied by an update of its size, the table holds it no more: the block is malformed.
        let emptied = [&[0x20][..], &by_name(62)].concat();
        assert_eq!(send(&[first.clone(), emptied]), Seen::Amiss);
        // Evicted by what came after: 4,096 bytes hold so many.
        let large = [&[0x40, 1][..], b"x", &[0x7f, 0xd3, 0x1e], &[b'y'; 4_050]].concat();
        assert_eq!(send(&[first.clone(), large, by_name(62)]), Seen::Sound);
        let small = [&[0x40, 1][..], b"x", &[0x7f, 0x00], &[b'y'; 127]].concat();
        assert_eq!(send(&[first, small, by_name(63)]), Seen::Amiss);
    }

    #[test]
    fn what_cannot_be_read_is_amiss() {
        for block in
            [&[0x80][..], &[0xbf, 0xff], &[0x44, 9, b'/'], &[0x3f, 0xff, 0xff, 0xff, 0xff, 0xff], &[0xff]]
        {
            assert_eq!(seen(&[frame(HEADERS, END_HEADERS, block)]), Seen::Amiss, "{block:x?}");
        }
    }
}
