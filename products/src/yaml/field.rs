//! Reading one place as one type.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use shuzha_core::{Id, Timestamp};

use super::time::{parse_duration, parse_instant, parse_size};
use super::{Place, Value};
use crate::Window;

/// Longest text of one field in bytes, schemas aside.
const TEXT_BYTES_MAX: usize = 512;
/// Longest name of a file in bytes.
const FILE_BYTES_MAX: usize = 200;

impl<'n> Place<'n> {
    /// Text, neither empty nor longer than a field may be.
    pub(crate) fn text(&self) -> Option<&'n str> {
        self.text_within(TEXT_BYTES_MAX)
    }

    /// Text of at most `bytes_max` bytes: an abstract, a description.
    pub(crate) fn text_within(&self, bytes_max: usize) -> Option<&'n str> {
        let Value::Text(text) = self.value() else {
            return match self.value() {
                Value::Integer(_) | Value::Real(_) | Value::Boolean(_) => {
                    self.expected("text (put it in quotes)")
                }
                _ => self.expected("text"),
            };
        };
        if text.trim().is_empty() {
            return self.fail("must not be empty");
        }
        if text.len() > bytes_max {
            return self.fail(format!("at most {bytes_max} bytes"));
        }
        if text.chars().any(char::is_control) {
            return self.fail("holds a control character");
        }
        Some(text)
    }

    /// Text read as `T`.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&self) -> Option<T> {
        self.text()?.parse().map_or_else(|error| self.fail(format!("{error}")), Some)
    }

    /// A name.
    pub(crate) fn id(&self) -> Option<Id> {
        self.parsed()
    }

    /// The name of a file in the node's data folder: relative and plain, so that whoever declares an object cannot
    /// reach any other.
    pub(crate) fn file(&self) -> Option<&'n str> {
        let text = self.text()?;
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        if text.len() <= FILE_BYTES_MAX && text.split('/').all(plain) {
            return Some(text);
        }
        self.fail("expected a file in the data folder, such as keys/gateway.key")
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.value() {
            Value::Boolean(value) => Some(*value),
            _ => self.expected("true or false"),
        }
    }

    /// A whole number in `range`.
    pub(crate) fn count<T: TryFrom<i64> + PartialOrd + Display>(
        &self,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let Value::Integer(value) = self.value() else { return self.expected("a whole number") };
        match T::try_from(*value) {
            Ok(count) if range.contains(&count) => Some(count),
            _ => self.fail(format!("must be {} to {}", range.start(), range.end())),
        }
    }

    /// One of a closed list of words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let permitted: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            return self.fail(format!("must be one of: {}", permitted.join(", ")));
        }
        found
    }

    /// A local date (its first instant) or an instant, in Asia/Shanghai.
    pub(crate) fn instant(&self) -> Option<Timestamp> {
        parse_instant(self.text()?).map_or_else(|reason| self.fail(reason), Some)
    }

    /// `{from, until}`, half open, not empty.
    pub(crate) fn window(&self) -> Option<Window> {
        let section = self.section(&[&["from", "until"]])?;
        let from = section.required("from").and_then(|place| place.instant());
        let until = section.required("until").and_then(|place| place.instant());
        let (from, until) = (from?, until?);
        Window::new(from, until).or_else(|| self.fail("`until` must lie after `from`"))
    }

    /// A duration with its unit (`250ms`, `2s`, `5m`), more than nothing and at most `longest`.
    pub(crate) fn duration(&self, longest: Duration) -> Option<Duration> {
        match parse_duration(self.text()?) {
            Ok(duration) if !duration.is_zero() && duration <= longest => Some(duration),
            Ok(_) => self.fail(format!("must be more than 0 and at most {longest:?}")),
            Err(reason) => self.fail(reason),
        }
    }

    /// A size with its unit (`64KiB`, `1MiB`), more than nothing and at most `largest` bytes.
    pub(crate) fn size(&self, largest: usize) -> Option<usize> {
        match parse_size(self.text()?) {
            Ok(size) if size > 0 && size <= largest => Some(size),
            Ok(_) => self.fail(format!("must be more than 0 and at most {largest} bytes")),
            Err(reason) => self.fail(reason),
        }
    }

    /// Whatever is here, as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        self.value().to_json()
    }
}
