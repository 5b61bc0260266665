//! Names of things, and request ids.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Clock, Rng};

/// Longest name in bytes. Nine names and everything else must fit the journal's longest record.
pub const ID_BYTES_MAX: usize = 28;

/// The name of an object: lower-case ASCII letters, digits, `-`, `_`, `.`; at most [`ID_BYTES_MAX`] bytes;
/// starts with a letter or digit. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty.
    #[error("a name must not be empty")]
    Empty,
    /// Too long.
    #[error("a name has at most {ID_BYTES_MAX} bytes")]
    TooLong,
    /// A character that no name may hold.
    #[error("a name holds only a-z, 0-9, '-', '_' and '.', and starts with a letter or digit")]
    Character,
}

impl Id {
    /// Reads a name.
    ///
    /// # Errors
    /// [`IdError`] says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, IdError> {
        Self::check(text).map(|()| Self(text.into()))
    }

    /// Whether `text` is a well-formed name, without keeping it.
    ///
    /// # Errors
    /// [`IdError`] says what is wrong with it.
    pub fn check(text: &str) -> Result<(), IdError> {
        let Some(first) = text.bytes().next() else { return Err(IdError::Empty) };
        if text.len() > ID_BYTES_MAX {
            return Err(IdError::TooLong);
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !plain(first) || !text.bytes().all(|b| plain(b) || matches!(b, b'-' | b'_' | b'.')) {
            return Err(IdError::Character);
        }
        Ok(())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl std::borrow::Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Names one request: a UUID version 7 (RFC 9562 §5.7), so ids sort by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId([u8; 16]);

impl RequestId {
    /// A new id from the clock's milliseconds and 74 random bits.
    pub fn generate(clock: &(impl Clock + ?Sized), rng: &(impl Rng + ?Sized)) -> Self {
        let mut bytes = [0; 16];
        rng.fill(&mut bytes[6..]);
        let millis = clock.now().micros().div_euclid(1_000);
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Self(bytes)
    }

    /// The id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 36];
        let mut at = 0;
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text[at] = b'-';
                at += 1;
            }
            const HEX: &[u8; 16] = b"0123456789abcdef";
            text[at] = HEX[usize::from(byte >> 4)];
            text[at + 1] = HEX[usize::from(byte & 15)];
            at += 2;
        }
        f.write_str(std::str::from_utf8(&text).expect("hex and dashes are ASCII"))
    }
}

/// The text is not a UUID in its usual form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a request id")]
pub struct RequestIdError;

impl FromStr for RequestId {
    type Err = RequestIdError;

    fn from_str(text: &str) -> Result<Self, RequestIdError> {
        let raw = text.as_bytes();
        if raw.len() != 36 || [8, 13, 18, 23].iter().any(|&at| raw[at] != b'-') {
            return Err(RequestIdError);
        }
        let mut digits = raw.iter().filter(|&&b| b != b'-');
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            let mut nibble = || {
                let digit = digits.next().ok_or(RequestIdError)?;
                match digit {
                    b'0'..=b'9' => Ok(digit - b'0'),
                    b'a'..=b'f' => Ok(digit - b'a' + 10),
                    _ => Err(RequestIdError),
                }
            };
            *byte = nibble()? << 4 | nibble()?;
        }
        if digits.next().is_some() {
            return Err(RequestIdError);
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::{OsRng, Timestamp};

    #[test]
    fn names_are_checked() {
        assert!(Id::new("credit-score.v1").is_ok());
        assert_eq!(Id::new(""), Err(IdError::Empty));
        assert_eq!(Id::new("-a"), Err(IdError::Character));
        assert_eq!(Id::new("Bank"), Err(IdError::Character));
        assert_eq!(Id::new("a/b"), Err(IdError::Character));
        assert_eq!(Id::new(&"a".repeat(ID_BYTES_MAX + 1)), Err(IdError::TooLong));
    }

    #[test]
    fn request_ids_carry_their_millisecond_and_read_back() {
        let clock = ManualClock::at(Timestamp::from_micros(1_700_000_000_123_456));
        let id = RequestId::generate(&clock, &OsRng);
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(&text[14..15], "7");
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&id.as_bytes()[..6]);
        assert_eq!(i64::from_be_bytes(millis), 1_700_000_000_123);
        assert_ne!(RequestId::generate(&clock, &OsRng), id);
    }

    #[test]
    fn malformed_request_ids_are_refused() {
        for text in
            ["", "0190", "0190a5b4-7c00-7000-8000-00000000000G", "0190a5b4-7c00-7000-8000-0000000000-0"]
        {
            assert!(text.parse::<RequestId>().is_err(), "{text}");
        }
    }
}
