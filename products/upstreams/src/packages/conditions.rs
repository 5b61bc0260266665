//! Preconditions of a request for a file (RFC 9110 §13), for a file that has a strong entity tag and no date.

use http::header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE};
use http::{HeaderMap, StatusCode};

/// The status that the preconditions demand in place of the file, if any, in the order of RFC 9110 §13.2.2.
pub(super) fn failed(headers: &HeaderMap, etag: &str) -> Option<StatusCode> {
    if headers.contains_key(IF_MATCH) && !listed(headers, IF_MATCH.as_str(), etag, false) {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    listed(headers, IF_NONE_MATCH.as_str(), etag, true).then_some(StatusCode::NOT_MODIFIED)
}

/// Whether a `Range` field counts: there is no `If-Range`, or it holds the file's tag (§13.1.5). The
/// comparison is strong, and a date never matches, because the file has none.
pub(super) fn range_counts(headers: &HeaderMap, etag: &str) -> bool {
    headers.get(IF_RANGE).is_none_or(|tag| tag.as_bytes() == etag.as_bytes())
}

/// Whether the list of tags in `field` is `*` or holds `etag`. `weakly` also accepts the tag marked as weak
/// (§8.8.3.2).
fn listed(headers: &HeaderMap, field: &str, etag: &str, weakly: bool) -> bool {
    headers
        .get_all(field)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag == etag || (weakly && tag.strip_prefix("W/") == Some(etag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), http::HeaderValue::from_static(value))])
    }

    #[test]
    fn the_table() {
        let (match_failed, not_modified) =
            (Some(StatusCode::PRECONDITION_FAILED), Some(StatusCode::NOT_MODIFIED));
        for (name, value, expected) in [
            ("if-match", "\"abc\"", None),
            ("if-match", "\"x\", \"abc\"", None),
            ("if-match", "*", None),
            ("if-match", "\"x\"", match_failed),
            ("if-match", "W/\"abc\"", match_failed),
            ("if-none-match", "\"abc\"", not_modified),
            ("if-none-match", "W/\"abc\"", not_modified),
            ("if-none-match", "\"x\",\"abc\"", not_modified),
            ("if-none-match", "*", not_modified),
            ("if-none-match", "\"x\"", None),
            ("if-none-match", "abc", None),
        ] {
            assert_eq!(failed(&headers(name, value), TAG), expected, "{name}: {value}");
        }
        assert_eq!(failed(&HeaderMap::new(), TAG), None);
    }

    #[test]
    fn if_range_compares_strongly() {
        assert!(range_counts(&HeaderMap::new(), TAG));
        assert!(range_counts(&headers("if-range", "\"abc\""), TAG));
        assert!(!range_counts(&headers("if-range", "W/\"abc\""), TAG));
        assert!(!range_counts(&headers("if-range", "\"x\""), TAG));
        assert!(!range_counts(&headers("if-range", "Wed, 01 Jan 2025 00:00:00 GMT"), TAG));
    }
}
