//! Conditions of a request: versions as entity tags (RFC 9110 §13), and the key of a retry.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue};
use shuzha_core::Code;

use crate::problem::Problem;

/// The header that names a retry.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A version as an entity tag.
pub(crate) fn etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits in quotes are a header value")
}

/// What a writer says of the version it acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// `If-Match` with one tag.
    Version(u64),
    /// `If-None-Match: *`: there must be nothing yet.
    Nothing,
    /// Nothing was said.
    Unsaid,
}

impl Expected {
    /// The version, where one is named.
    pub(crate) const fn version(self) -> Option<u64> {
        match self {
            Self::Version(version) => Some(version),
            Self::Nothing | Self::Unsaid => None,
        }
    }

    /// A refusal as seen by a caller who said this: who asked for nothing to be there yet is not helped by being asked for
    /// a version.
    pub(crate) fn refused(self, problem: Problem) -> Problem {
        match (self, problem.code) {
            (Self::Nothing, Code::C1006) => Code::C1004.into(),
            _ => problem,
        }
    }
}

/// The one value of a header; none where it is absent.
///
/// # Errors
/// C1001 when it is given twice or is not text.
pub(crate) fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::fault(Code::C1001, name, "is given twice"));
    }
    let text = value.to_str().map_err(|_| Problem::fault(Code::C1001, name, "is not visible ASCII"))?;
    Ok(Some(text.trim()))
}

/// Reads the conditions of a change.
///
/// # Errors
/// C1001 for what is no entity tag; C1005 for one that no version of ours has; C1006 for `*` or nothing, which name no
/// version.
pub(crate) fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let (matching, none) = (single(headers, IF_MATCH.as_str())?, single(headers, IF_NONE_MATCH.as_str())?);
    match (matching, none) {
        (None, None) => Ok(Expected::Unsaid),
        (None, Some("*")) => Ok(Expected::Nothing),
        (None, Some(_)) => Err(Problem::fault(Code::C1001, "If-None-Match", "a change takes only `*` here")),
        (Some("*" | ""), None) => Err(Code::C1006.into()),
        (Some(tag), None) => match version(tag) {
            Some(version) => Ok(Expected::Version(version)),
            None if is_tag(tag) => Err(Code::C1005.into()),
            None => Err(Problem::fault(Code::C1001, "If-Match", "must be one entity tag, such as \"7\"")),
        },
        // One says that there is something, the other that there is nothing.
        (Some(_), Some(_)) => Err(Code::C1005.into()),
    }
}

/// Whether a reader says it has this version already.
pub(crate) fn has_already(headers: &HeaderMap, version: u64) -> bool {
    let own = format!("\"{version}\"");
    let mut tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    tags.any(|tags| {
        tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own)
    })
}

/// The version that a tag of ours names.
fn version(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let version: u64 = digits.parse().ok()?;
    // `"07"` and `"+7"` are other tags.
    (version.to_string() == digits).then_some(version)
}

/// Whether the text is one entity tag (RFC 9110 §8.8.3).
fn is_tag(text: &str) -> bool {
    let strong = text.strip_prefix("W/").unwrap_or(text);
    let inner = strong.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.bytes().all(|byte| byte != b'"' && byte > b' '))
}

/// The idempotency key, where one is given.
///
/// # Errors
/// C1001 when it is empty, too long or not visible ASCII.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = single(headers, IDEMPOTENCY_KEY)? else { return Ok(None) };
    if key.is_empty() || key.len() > shuzha_control::Request::KEY_BYTES_MAX {
        let reason = format!("must have 1 to {} bytes", shuzha_control::Request::KEY_BYTES_MAX);
        return Err(Problem::fault(Code::C1001, "Idempotency-Key", reason));
    }
    Ok(Some(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().expect("a name"), HeaderValue::from_static(value))])
    }

    #[test]
    fn only_a_tag_of_ours_names_a_version() {
        assert_eq!(expected(&with("if-match", "\"7\"")), Ok(Expected::Version(7)));
        assert_eq!(expected(&with("if-none-match", "*")), Ok(Expected::Nothing));
        assert_eq!(expected(&HeaderMap::new()), Ok(Expected::Unsaid));
        let code = |value| expected(&with("if-match", value)).expect_err("refused").code;
        for stale in ["\"07\"", "W/\"7\"", "\"abc\"", "\"99999999999999999999999\"", "\"\""] {
            assert_eq!(code(stale), Code::C1005, "{stale}");
        }
        for bad in ["7", "\"7", "\"7\", \"8\""] {
            assert_eq!(code(bad), Code::C1001, "{bad}");
        }
        assert_eq!((code("*"), code("")), (Code::C1006, Code::C1006));
    }

    #[test]
    fn a_reader_may_have_it_already() {
        assert!(has_already(&with("if-none-match", "\"6\", W/\"7\""), 7));
        assert!(has_already(&with("if-none-match", "*"), 7));
        assert!(!has_already(&with("if-none-match", "\"6\""), 7));
    }
}
