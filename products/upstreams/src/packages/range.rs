//! Ranges of a file (RFC 9110 §14): which bytes a `Range` field asks for.

use std::ops::Range;

/// What a `Range` field means for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The whole file: no range, or one this server ignores.
    Whole,
    /// These bytes; never empty.
    Part(Range<usize>),
    /// The range lies behind the end (RFC 9110 §15.5.17).
    Unsatisfiable,
}

/// What the `Range` field `field` wants of a file of `length` bytes.
///
/// One range of the unit `bytes` is honoured. Another unit, a malformed value and several ranges are ignored,
/// as RFC 9110 §14.2 allows: several ranges would need `multipart/byteranges`, and are a known way to make a
/// server work.
#[must_use]
pub fn wanted(field: &str, length: usize) -> Wanted {
    let Some((unit, ranges)) = field.split_once('=') else { return Wanted::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    let Some((first, last)) = ranges.trim_matches([' ', '\t']).split_once('-') else { return Wanted::Whole };
    match (position(first), position(last)) {
        (Some(Position::At(first)), Some(Position::At(last))) if first > last => Wanted::Whole,
        (Some(Position::At(first)), Some(last)) => {
            if first >= length {
                return Wanted::Unsatisfiable;
            }
            let end = match last {
                Position::At(last) => last.saturating_add(1).min(length),
                Position::Missing => length,
            };
            Wanted::Part(first..end)
        }
        (Some(Position::Missing), Some(Position::At(0))) => Wanted::Unsatisfiable,
        (Some(Position::Missing), Some(Position::At(_))) if length == 0 => Wanted::Unsatisfiable,
        (Some(Position::Missing), Some(Position::At(suffix))) => {
            Wanted::Part(length.saturating_sub(suffix)..length)
        }
        _ => Wanted::Whole,
    }
}

/// One side of a range.
enum Position {
    /// Not given.
    Missing,
    /// A number; one too large for a file of this machine counts as the largest.
    At(usize),
}

fn position(text: &str) -> Option<Position> {
    if text.is_empty() {
        return Some(Position::Missing);
    }
    text.bytes().all(|b| b.is_ascii_digit()).then(|| Position::At(text.parse().unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Field and meaning, for a file of ten bytes.
    const TABLE: &[(&str, Wanted)] = &[
        ("bytes=0-0", Wanted::Part(0..1)),
        ("bytes=0-9", Wanted::Part(0..10)),
        ("bytes=3-5", Wanted::Part(3..6)),
        ("bytes=3-", Wanted::Part(3..10)),
        ("bytes=9-", Wanted::Part(9..10)),
        ("bytes=0-99", Wanted::Part(0..10)),
        ("bytes=0-99999999999999999999999999", Wanted::Part(0..10)),
        ("bytes=0-18446744073709551615", Wanted::Part(0..10)),
        ("bytes=-3", Wanted::Part(7..10)),
        ("bytes=-10", Wanted::Part(0..10)),
        ("bytes=-11", Wanted::Part(0..10)),
        ("bytes=-99999999999999999999999999", Wanted::Part(0..10)),
        ("Bytes=1-2", Wanted::Part(1..3)),
        ("bytes= 1-2 ", Wanted::Part(1..3)),
        ("bytes=10-", Wanted::Unsatisfiable),
        ("bytes=10-20", Wanted::Unsatisfiable),
        ("bytes=99999999999999999999999999-", Wanted::Unsatisfiable),
        ("bytes=-0", Wanted::Unsatisfiable),
        ("bytes=5-4", Wanted::Whole),
        ("bytes=-", Wanted::Whole),
        ("bytes=", Wanted::Whole),
        ("bytes", Wanted::Whole),
        ("", Wanted::Whole),
        ("bytes=a-b", Wanted::Whole),
        ("bytes=+1-2", Wanted::Whole),
        ("bytes=--2", Wanted::Whole),
        ("bytes=1--2", Wanted::Whole),
        ("bytes=0x1-2", Wanted::Whole),
        ("bytes=0-1,3-4", Wanted::Whole),
        ("lines=0-1", Wanted::Whole),
    ];

    #[test]
    fn the_table() {
        for (field, meaning) in TABLE {
            assert_eq!(wanted(field, 10), *meaning, "{field}");
        }
    }

    #[test]
    fn an_empty_file_has_no_part() {
        for field in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(wanted(field, 0), Wanted::Unsatisfiable, "{field}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_in_the_file(field in "bytes=[0-9]{0,21}-[0-9]{0,21}|\\PC*", length in 0_usize..100) {
            if let Wanted::Part(part) = wanted(&field, length) {
                prop_assert!(part.start < part.end && part.end <= length);
            }
        }
    }
}
