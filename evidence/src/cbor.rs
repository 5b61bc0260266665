//! The subset of CBOR (RFC 8949) that journal entries use: one map with small unsigned keys, whose values are
//! integers, byte strings, text strings and booleans, in the core deterministic encoding of §4.2.1.
//!
//! Deterministic means that every entry has exactly one encoding, so its digest is the entry's digest and two
//! implementations agree on it. The reader therefore refuses everything the writer would not have written: longer
//! integers than needed, indefinite lengths, keys out of order or twice, bytes after the end.

use crate::error::{DecodeError, EncodeError};
use crate::field::{Field, Shape};

const UINT: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const MAP: u8 = 5;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;

/// Largest value that the head's own five bits hold.
const DIRECT_MAX: u64 = 23;

/// Appends the head of a data item: major type and argument in the fewest bytes (RFC 8949 §3, §4.2.1).
fn put_head(out: &mut Vec<u8>, major: u8, value: u64) {
    let major = major << 5;
    let bytes = value.to_be_bytes();
    match value {
        0..=DIRECT_MAX => out.push(major | bytes[7]),
        24..=0xff => out.extend_from_slice(&[major | 24, bytes[7]]),
        0x100..=0xffff => out.extend_from_slice(&[major | 25, bytes[6], bytes[7]]),
        0x1_0000..=0xffff_ffff => {
            out.push(major | 26);
            out.extend_from_slice(&bytes[4..]);
        }
        _ => {
            out.push(major | 27);
            out.extend_from_slice(&bytes);
        }
    }
}

/// Writes one map to the end of a buffer. Allocates nothing while the buffer has room.
pub(crate) struct MapWriter<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    pairs: u8,
    last: Option<u8>,
    fault: Option<EncodeError>,
}

impl<'b> MapWriter<'b> {
    /// Starts a map at the end of `out`.
    pub(crate) fn new(out: &'b mut Vec<u8>) -> Self {
        let start = out.len();
        out.push(0);
        Self { out, start, pairs: 0, last: None, fault: None }
    }

    fn key(&mut self, field: &Field, shape: Shape) {
        debug_assert!(self.last < Some(field.key), "keys are written in ascending order");
        debug_assert!(field.shape == shape, "{} is written as the field table says", field.name);
        self.last = Some(field.key);
        self.pairs += 1;
        put_head(self.out, UINT, u64::from(field.key));
    }

    /// Writes an unsigned integer.
    pub(crate) fn uint(&mut self, field: &Field, value: u64) {
        self.key(field, Shape::Uint);
        put_head(self.out, UINT, value);
    }

    /// Writes an unsigned integer unless it is 0.
    pub(crate) fn uint_unless_zero(&mut self, field: &Field, value: u64) {
        if value != 0 {
            self.uint(field, value);
        }
    }

    /// Writes a signed integer.
    pub(crate) fn int(&mut self, field: &Field, value: i64) {
        self.key(field, Shape::Int);
        if value < 0 {
            put_head(self.out, NEGATIVE, !value.cast_unsigned());
        } else {
            put_head(self.out, UINT, value.cast_unsigned());
        }
    }

    /// Writes a byte string of the field's fixed length.
    pub(crate) fn bytes<const N: usize>(&mut self, field: &Field, value: &[u8; N]) {
        self.key(field, Shape::Bytes(N));
        put_head(self.out, BYTES, N as u64);
        self.out.extend_from_slice(value);
    }

    /// Writes a name unless it is empty.
    pub(crate) fn name(&mut self, field: &Field, value: &str) {
        if value.is_empty() {
            return;
        }
        if value.len() > shuzha_core::ids::ID_BYTES_MAX {
            self.fault = Some(EncodeError::NameTooLong(field.name));
            return;
        }
        self.key(field, Shape::Text);
        put_head(self.out, TEXT, value.len() as u64);
        self.out.extend_from_slice(value.as_bytes());
    }

    /// Writes a boolean.
    pub(crate) fn flag(&mut self, field: &Field, value: bool) {
        self.key(field, Shape::Bool);
        self.out.push(if value { TRUE } else { FALSE });
    }

    /// Writes a boolean, unless it is false.
    pub(crate) fn flag_unless_false(&mut self, field: &Field, value: bool) {
        if value {
            self.flag(field, true);
        }
    }

    /// Completes the map, or takes back what was written.
    pub(crate) fn finish(self) -> Result<(), EncodeError> {
        if let Some(fault) = self.fault {
            self.out.truncate(self.start);
            return Err(fault);
        }
        self.out[self.start] = MAP << 5 | if u64::from(self.pairs) <= DIRECT_MAX { self.pairs } else { 24 };
        if u64::from(self.pairs) > DIRECT_MAX {
            // Only a call with nearly every field: moving its bytes by one costs less than counting beforehand.
            self.out.insert(self.start + 1, self.pairs);
        }
        Ok(())
    }
}

/// Reads one map whose keys are asked for in ascending order.
pub(crate) struct MapReader<'a> {
    rest: &'a [u8],
    pairs: u64,
    /// The key of the next pair, already read.
    next: Option<u64>,
}

impl<'a> MapReader<'a> {
    /// Starts reading a map that fills `bytes` exactly.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Self { rest: bytes, pairs: 0, next: None };
        reader.pairs = reader.head(MAP)?;
        reader.advance()?;
        Ok(reader)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?[0])
    }

    /// Reads the argument of a head whose low five bits are `info`.
    fn argument(&mut self, info: u8) -> Result<u64, DecodeError> {
        let (size, least) = match info {
            0..=23 => return Ok(u64::from(info)),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            _ => return Err(DecodeError::NotCanonical),
        };
        let value = self.take(size)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
        if value < least { Err(DecodeError::NotCanonical) } else { Ok(value) }
    }

    fn head(&mut self, major: u8) -> Result<u64, DecodeError> {
        let first = self.byte()?;
        if first >> 5 != major {
            return Err(DecodeError::WrongType);
        }
        self.argument(first & 31)
    }

    /// Reads the key of the next pair, if there is one.
    fn advance(&mut self) -> Result<(), DecodeError> {
        self.next = match self.pairs.checked_sub(1) {
            None => None,
            Some(left) => {
                self.pairs = left;
                Some(self.head(UINT)?)
            }
        };
        Ok(())
    }

    /// Whether the next pair is `field`'s. A smaller key is unknown here, out of order, or there twice.
    fn at(&self, field: &Field) -> Result<bool, DecodeError> {
        match self.next {
            Some(key) if key < u64::from(field.key) => Err(DecodeError::UnexpectedKey(key)),
            Some(key) => Ok(key == u64::from(field.key)),
            None => Ok(false),
        }
    }

    /// Reads `field` with `read` if it is there.
    fn optional<T>(
        &mut self,
        field: &Field,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if !self.at(field)? {
            return Ok(None);
        }
        let value = read(self)?;
        self.advance()?;
        Ok(Some(value))
    }

    /// An unsigned integer that must be there.
    pub(crate) fn uint(&mut self, field: &Field) -> Result<u64, DecodeError> {
        self.optional(field, |r| r.head(UINT))?.ok_or(DecodeError::Missing(field.name))
    }

    /// An unsigned integer that is 0 when absent, and absent when 0.
    pub(crate) fn uint_or_zero(&mut self, field: &Field) -> Result<u64, DecodeError> {
        match self.optional(field, |r| r.head(UINT))? {
            Some(0) => Err(DecodeError::NotCanonical),
            value => Ok(value.unwrap_or(0)),
        }
    }

    /// The same in 32 bits.
    pub(crate) fn u32_or_zero(&mut self, field: &Field) -> Result<u32, DecodeError> {
        u32::try_from(self.uint_or_zero(field)?).map_err(|_| DecodeError::OutOfRange(field.name))
    }

    /// A signed integer, if it is there.
    pub(crate) fn int(&mut self, field: &Field) -> Result<Option<i64>, DecodeError> {
        self.optional(field, |r| {
            let first = r.byte()?;
            let value = match first >> 5 {
                UINT => i64::try_from(r.argument(first & 31)?),
                NEGATIVE => i64::try_from(r.argument(first & 31)?).map(|value| !value),
                _ => return Err(DecodeError::WrongType),
            };
            value.map_err(|_| DecodeError::OutOfRange(field.name))
        })
    }

    /// A byte string of exactly `N` bytes, if it is there.
    pub(crate) fn bytes<const N: usize>(&mut self, field: &Field) -> Result<Option<[u8; N]>, DecodeError> {
        self.optional(field, |r| {
            if r.head(BYTES)? != N as u64 {
                return Err(DecodeError::OutOfRange(field.name));
            }
            Ok(r.take(N)?.try_into().expect("N bytes were taken"))
        })
    }

    /// A name that is empty when absent, and absent when empty.
    pub(crate) fn name(&mut self, field: &Field) -> Result<&'a str, DecodeError> {
        let text = self.optional(field, |r| {
            let length = r.head(TEXT)?;
            let length = usize::try_from(length).map_err(|_| DecodeError::OutOfRange(field.name))?;
            if length == 0 {
                return Err(DecodeError::NotCanonical);
            }
            if length > shuzha_core::ids::ID_BYTES_MAX {
                return Err(DecodeError::OutOfRange(field.name));
            }
            std::str::from_utf8(r.take(length)?).map_err(|_| DecodeError::NotUtf8(field.name))
        })?;
        Ok(text.unwrap_or(""))
    }

    /// A boolean that must be there.
    pub(crate) fn flag(&mut self, field: &Field) -> Result<bool, DecodeError> {
        self.optional_flag(field)?.ok_or(DecodeError::Missing(field.name))
    }

    /// A boolean that is left out when false.
    pub(crate) fn flag_or_false(&mut self, field: &Field) -> Result<bool, DecodeError> {
        match self.optional_flag(field)? {
            Some(false) => Err(DecodeError::NotCanonical),
            value => Ok(value.is_some()),
        }
    }

    fn optional_flag(&mut self, field: &Field) -> Result<Option<bool>, DecodeError> {
        self.optional(field, |r| match r.byte()? {
            FALSE => Ok(false),
            TRUE => Ok(true),
            _ => Err(DecodeError::WrongType),
        })
    }

    /// Checks that everything was read.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.next {
            Some(key) => Err(DecodeError::UnexpectedKey(key)),
            None if self.rest.is_empty() => Ok(()),
            None => Err(DecodeError::TrailingBytes),
        }
    }
}
