//! What a changing request is about, in the words of the record: verb, kind, name.

use http::Method;
use shuzha_control::Kind;

/// Longest word that is kept.
const BYTES_MAX: usize = 128;

/// What was to be done to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deed {
    pub(crate) verb: String,
    pub(crate) kind: String,
    /// Empty where the address names no object.
    pub(crate) name: String,
}

impl Deed {
    /// What a request is to do; none where it only reads.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        if matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let mut parts = path.trim_start_matches("/api/v1/").split('/');
        let (first, rest) = (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>().join("/"));
        let (first, verb_of_all) = split(first);
        let (name, verb) = split(&rest);
        let verb = verb.or(verb_of_all).unwrap_or(match *method {
            Method::PUT => "put",
            Method::DELETE => "delete",
            _ => "post",
        });
        let kind = Kind::find(first).map_or(first, |kind| kind.name());
        Some(Self { verb: word(verb), kind: word(kind), name: word(name) })
    }

    /// Whether it takes something away: such acts have places of their own.
    pub(crate) fn stops(&self) -> bool {
        const STOPS: [&str; 4] = ["suspend", "revoke", "withdraw", "terminate"];
        self.kind == "Suspension" || STOPS.contains(&self.verb.as_str())
    }
}

/// What stands before the last colon, and the verb after it.
fn split(text: &str) -> (&str, Option<&str>) {
    text.rsplit_once(':').map_or((text, None), |(name, verb)| (name, Some(verb)))
}

/// Text from an address, cut, and without what could be taken for something else in a log.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    text.chars().take(BYTES_MAX).map(|c| if plain(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_by_verb_kind_and_object() {
        let deed = |method: Method, path: &str| {
            Deed::of(&method, path).map(|deed| (deed.verb, deed.kind, deed.name))
        };
        let told = |verb: &str, kind: &str, name: &str| Some((verb.into(), kind.into(), name.into()));
        assert_eq!(deed(Method::PUT, "/api/v1/organisations/bank"), told("put", "Organisation", "bank"));
        assert_eq!(deed(Method::POST, "/api/v1/suspensions/s-1:lift"), told("lift", "Suspension", "s-1"));
        assert_eq!(deed(Method::POST, "/api/v1/consents:withdraw"), told("withdraw", "consents", ""));
        assert_eq!(deed(Method::POST, "/api/v1/accounts"), told("post", "accounts", ""));
        assert_eq!(deed(Method::DELETE, "/api/v1/me/tokens/t"), told("delete", "me", "tokens/t"));
        assert_eq!(deed(Method::PUT, "/api/v1/x/a%1b%5B\u{202e}"), told("put", "x", "a?1b?5B?"));
        assert_eq!(deed(Method::GET, "/api/v1/organisations"), None);
    }

    #[test]
    fn stops_are_known() {
        let stops = |method: Method, path: &str| Deed::of(&method, path).is_some_and(|deed| deed.stops());
        assert!(stops(Method::PUT, "/api/v1/suspensions/s"));
        assert!(stops(Method::POST, "/api/v1/grants/g:revoke"));
        assert!(!stops(Method::GET, "/api/v1/suspensions"));
        assert!(!stops(Method::PUT, "/api/v1/organisations/s"));
    }
}
