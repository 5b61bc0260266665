//! Ranges of a package (RFC 9110 §14): whether what the product service opened is what was asked for.
//!
//! A service's word on which bytes these are is compared with the request and with the length of the body before
//! anything is charged: a part that passes for the whole, or for another part, would be sold as what it is not.

use http::HeaderValue;
use shuzha_core::{Code, Refusal};

use crate::Opened;

/// What a `Range` field asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// From this byte, to that one where it is given.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
    /// Several ranges, another unit or no range at all: a service may ignore it, and answers no part to it.
    Ignored,
}

/// What a `Content-Range` field states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stated {
    /// `bytes FIRST-LAST/TOTAL`.
    Part { first: u64, last: u64, total: u64 },
    /// `bytes */TOTAL`.
    Outside { total: u64 },
}

/// Checks what a product service opened against the `Range` it was sent.
///
/// # Errors
/// C904 where the range lies outside the package, with its size; C804 where status, `Content-Range`, length and request
/// do not agree, and for any other status.
pub(crate) fn check<S>(opened: Opened<S>, range: Option<&HeaderValue>) -> Result<Opened<S>, Refusal> {
    let stated = match &opened.content_range {
        Some(field) => Some(stated(field.as_bytes()).ok_or(Code::C804)?),
        None => None,
    };
    match (opened.status, range.map(|field| asked(field.as_bytes())), stated) {
        (200, _, None) => Ok(opened),
        (206, Some(asked), Some(Stated::Part { first, last, total })) if asked.is(first, last, total) => {
            let length = last - first + 1;
            if opened.length.is_some_and(|stated| stated != length) {
                return Err(Code::C804.into());
            }
            // Without a stated length the body is held to the range's.
            Ok(Opened { length: Some(length), ..opened })
        }
        (416, Some(asked), Some(Stated::Outside { total })) if asked.may_be_outside(total) => {
            Err(Refusal::outside(Code::C904, total))
        }
        _ => Err(Code::C804.into()),
    }
}

/// The bytes of a package of `total` that are asked for, first and last; none where it is all of it.
///
/// # Errors
/// C904 where none of them is in the package.
pub(crate) fn part(range: Option<&HeaderValue>, total: u64) -> Result<Option<(u64, u64)>, Refusal> {
    let outside = || Err(Refusal::outside(Code::C904, total));
    match range.map_or(Asked::Ignored, |field| asked(field.as_bytes())) {
        Asked::Ignored => Ok(None),
        asked if asked.may_be_outside(total) => outside(),
        Asked::From(first, last) => Ok(Some((first, last.map_or(total - 1, |last| last.min(total - 1))))),
        Asked::Last(count) => Ok(Some((total - count.min(total), total - 1))),
    }
}

impl Asked {
    /// Whether these bytes of so many are what was asked for. A part may end early (RFC 9110 §15.3.7), never late.
    fn is(self, first: u64, last: u64, total: u64) -> bool {
        match self {
            Self::From(from, to) => first == from && to.is_none_or(|to| last <= to),
            Self::Last(count) => first == total.saturating_sub(count) && last == total - 1,
            Self::Ignored => false,
        }
    }

    /// Whether nothing of what was asked for may lie within so many bytes.
    const fn may_be_outside(self, total: u64) -> bool {
        match self {
            Self::From(first, _) => first >= total,
            Self::Last(count) => count == 0 || total == 0,
            Self::Ignored => true,
        }
    }
}

fn asked(field: &[u8]) -> Asked {
    let read = || {
        let (unit, range) = std::str::from_utf8(field).ok()?.split_once('=')?;
        let (first, last) = range.trim_matches([' ', '\t']).split_once('-')?;
        let bytes = unit.trim().eq_ignore_ascii_case("bytes");
        match (bytes, first, last) {
            (false, ..) | (_, "", "") => None,
            (_, "", count) => Some(Asked::Last(capped(count)?)),
            (_, first, "") => Some(Asked::From(capped(first)?, None)),
            (_, first, last) => {
                let (first, last) = (capped(first)?, capped(last)?);
                (first <= last).then_some(Asked::From(first, Some(last)))
            }
        }
    };
    read().unwrap_or(Asked::Ignored)
}

fn stated(field: &[u8]) -> Option<Stated> {
    let (range, total) = std::str::from_utf8(field).ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let total = exact(total)?;
    if range == "*" {
        return Some(Stated::Outside { total });
    }
    let (first, last) = range.split_once('-')?;
    let (first, last) = (exact(first)?, exact(last)?);
    (first <= last && last < total).then_some(Stated::Part { first, last, total })
}

/// Digits, and nothing else.
fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

/// A number of a service: one that does not fit is no number of bytes.
fn exact(text: &str) -> Option<u64> {
    digits(text)?.parse().ok()
}

/// A number of a request: one beyond every package counts as the largest.
fn capped(text: &str) -> Option<u64> {
    Some(digits(text)?.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Range asked, status, `Content-Range`, `Content-Length` → the length that is passed on, or the code.
    type Row = (Option<&'static str>, u16, Option<&'static str>, Option<u64>, Result<Option<u64>, Code>);

    #[rustfmt::skip]
    const TABLE: &[Row] = &[
        (None, 200, None, Some(100), Ok(Some(100))),
        (None, 200, None, None, Ok(None)),
        (Some("bytes=0-9"), 200, None, Some(100), Ok(Some(100))),
        (Some("bytes=0-9"), 206, Some("bytes 0-9/100"), Some(10), Ok(Some(10))),
        (Some("bytes=0-9"), 206, Some("bytes 0-4/100"), Some(5), Ok(Some(5))),
        (Some("bytes=90-"), 206, Some("bytes 90-99/100"), None, Ok(Some(10))),
        (Some("bytes=-10"), 206, Some("bytes 90-99/100"), Some(10), Ok(Some(10))),
        (Some("bytes=-999"), 206, Some("bytes 0-99/100"), Some(100), Ok(Some(100))),
        (Some("bytes=0-99999999999999999999"), 206, Some("bytes 0-99/100"), Some(100), Ok(Some(100))),
        // A part that nobody asked for, or another than was asked for.
        (None, 206, Some("bytes 0-9/100"), Some(10), Err(Code::C804)),
        (Some("bytes=0-9"), 206, Some("bytes 1-9/100"), Some(9), Err(Code::C804)),
        (Some("bytes=0-9"), 206, Some("bytes 0-10/100"), Some(11), Err(Code::C804)),
        (Some("bytes=-10"), 206, Some("bytes 0-9/100"), Some(10), Err(Code::C804)),
        (Some("bytes=-10"), 206, Some("bytes 90-98/100"), Some(9), Err(Code::C804)),
        (Some("bytes=0-1,3-4"), 206, Some("bytes 0-1/100"), Some(2), Err(Code::C804)),
        (Some("items=0-1"), 206, Some("bytes 0-1/100"), Some(2), Err(Code::C804)),
        // A length that is not the range's.
        (Some("bytes=0-99"), 206, Some("bytes 0-99/100"), Some(10), Err(Code::C804)),
        (Some("bytes=0-9"), 206, Some("bytes 0-9/100"), Some(100), Err(Code::C804)),
        // A range that is none.
        (Some("bytes=0-9"), 206, None, Some(10), Err(Code::C804)),
        (Some("bytes=0-9"), 206, Some("bytes 0-9/*"), Some(10), Err(Code::C804)),
        (Some("bytes=0-9"), 206, Some("bytes 9-0/100"), Some(10), Err(Code::C804)),
        (Some("bytes=0-9"), 206, Some("bytes 0-9/9"), Some(10), Err(Code::C804)),
        (Some("bytes=0-9"), 206, Some("bytes +0-9/100"), Some(10), Err(Code::C804)),
        (Some("bytes=0-9"), 206, Some("bytes=0-9/100"), Some(10), Err(Code::C804)),
        (None, 200, Some("bytes 99999999999999999999-0/5"), Some(100), Err(Code::C804)),
        (Some("bytes=0-99"), 200, Some("bytes 0-99/100"), Some(100), Err(Code::C804)),
        (Some("bytes=0-18446744073709551615"), 206, Some("bytes 0-18446744073709551615/18446744073709551616"), None, Err(Code::C804)),
        // Outside.
        (Some("bytes=100-"), 416, Some("bytes */100"), Some(0), Err(Code::C904)),
        (Some("bytes=-0"), 416, Some("bytes */100"), Some(0), Err(Code::C904)),
        (Some("bytes=0-9"), 416, Some("bytes */100"), Some(0), Err(Code::C804)),
        (Some("bytes=100-"), 416, None, Some(0), Err(Code::C804)),
        (Some("bytes=100-"), 416, Some("bytes 0-9/100"), Some(0), Err(Code::C804)),
        (None, 416, Some("bytes */100"), Some(0), Err(Code::C804)),
        (None, 204, None, None, Err(Code::C804)),
        (None, 302, None, None, Err(Code::C804)),
        (None, 500, None, None, Err(Code::C804)),
    ];

    #[test]
    fn e9_a_part_is_what_was_asked_for_or_it_is_refused() {
        for (range, status, content_range, length, expected) in TABLE {
            let field = |text: &&'static str| HeaderValue::from_static(text);
            let content_range = content_range.as_ref().map(field);
            let opened = Opened { status: *status, length: *length, content_range, etag: None, stream: () };
            let got = check(opened, range.as_ref().map(field).as_ref());
            let told = got.map(|opened| opened.length).map_err(|refusal| refusal.code);
            assert_eq!(&told, expected, "{range:?} {status} {length:?}");
        }
    }

    #[test]
    fn a_range_outside_the_package_is_told_its_size() {
        let content_range = Some(HeaderValue::from_static("bytes */7"));
        let opened = Opened { status: 416, length: Some(0), content_range, etag: None, stream: () };
        let refusal = check(opened, Some(&HeaderValue::from_static("bytes=7-"))).expect_err("outside");
        assert_eq!(refusal.package_bytes, Some(7));
    }
}
