//! One request, taken whole, and what is answered to it. Everything below the routes is plain blocking code that turns an
//! [`Ask`] into a [`Reply`] on a thread of its own.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use shuzha_control::{Caller, Page};
use shuzha_core::json::{self, JsonLimits, Numbers};
use shuzha_core::{Code, Id};

use crate::conditions;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::shared::Shared;

/// What a body may have: its bytes are bounded before, so that these bound memory and stack alone.
const LIMITS: JsonLimits = JsonLimits { depth: 100, values: 1 << 20, numbers: Numbers::Whole };

/// A request.
pub(crate) struct Ask {
    pub(crate) shared: Arc<Shared>,
    pub(crate) method: Method,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) source: IpAddr,
    /// Who asks, once that is known; for the access log and the record of refused acts.
    pub(crate) asker: OnceLock<Caller>,
}

impl Ask {
    /// A part of the path, by the name that its route gives it.
    pub(crate) fn part(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A part of the path that names something that exists.
    ///
    /// # Errors
    /// C1003 for what cannot be a name.
    pub(crate) fn id(&self, part: &str) -> Result<Id, Problem> {
        Id::new(self.part(part)).map_err(|_| Code::C1003.into())
    }

    /// The query.
    pub(crate) fn parameters(&self) -> Parameters {
        Parameters::of(self.query.as_deref())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// C1011 when it is not said to be JSON in UTF-8; C1001 when it is not.
    pub(crate) fn json(&self) -> Result<Value, Problem> {
        let kind = conditions::single(&self.headers, CONTENT_TYPE.as_str())?;
        if !kind.is_some_and(is_json) || self.headers.contains_key(CONTENT_ENCODING) {
            return Err(Problem::fault(
                Code::C1011,
                "Content-Type",
                "must be application/json, not compressed",
            ));
        }
        json::read(&self.body, LIMITS)
            .map_err(|error| Problem::fault(Code::C1001, "", format!("not JSON: {error}")))
    }

    /// The body as JSON, or an empty object where there is none.
    ///
    /// # Errors
    /// As [`Ask::json`].
    pub(crate) fn json_or_empty(&self) -> Result<Value, Problem> {
        if self.body.is_empty() { Ok(Value::Object(serde_json::Map::new())) } else { self.json() }
    }
}

/// Whether a media type is JSON in UTF-8.
fn is_json(value: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(|parameter| parameter.is_empty() || parameter.eq_ignore_ascii_case("charset=utf-8"))
}

/// Whether a caller takes JSON answers. Problem documents count as JSON; a caller that names no type takes all.
pub(crate) fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    ranges.peek().is_none()
        || ranges.any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|parameter| {
                parameter.starts_with("q=0") && !parameter.contains(|c: char| matches!(c, '1'..='9'))
            });
            matches!(kind.as_str(), "*/*" | "application/*" | "application/json") && !refused
        })
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Body>,
}

impl Reply {
    /// 200 with JSON.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::with(StatusCode::OK, body)
    }

    /// 200 with a page of what `shown` makes of each.
    pub(crate) fn page<T, N: ToString, S: Serialize>(page: &Page<T, N>, shown: impl Fn(&T) -> S) -> Self {
        let items = page.items.iter().map(shown).collect();
        Self::ok(&shuzha_schema::Page { items, next: page.next.as_ref().map(N::to_string) })
    }

    /// A status with JSON.
    pub(crate) fn with(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("answers have names for keys and no number that is none");
        Self::text(status, "application/json", body.into())
    }

    /// A status with something of the given media type.
    pub(crate) fn text(status: StatusCode, kind: &'static str, body: Bytes) -> Self {
        Self {
            status,
            headers: vec![(CONTENT_TYPE, HeaderValue::from_static(kind))],
            body: Some(body.into()),
        }
    }

    /// 200 with a body that is written while it is read; its media type is for the caller to say.
    pub(crate) const fn streamed(body: Body) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: Some(body) }
    }

    /// A status alone.
    pub(crate) const fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: None }
    }

    /// The same with a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same as a redirect to where the browser goes on; the headers stay, the body goes.
    #[cfg(feature = "oidc")]
    pub(crate) fn moved(mut self, to: HeaderValue) -> Self {
        (self.status, self.body) = (StatusCode::SEE_OTHER, None);
        self.headers.retain(|(name, _)| *name != CONTENT_TYPE);
        self.header(LOCATION, to)
    }

    /// The same with a version.
    pub(crate) fn version(self, version: u64) -> Self {
        self.header(ETAG, conditions::etag(version))
    }

    /// The same with the address of what was made; `path` is of names and plurals, which need no encoding.
    pub(crate) fn location(self, path: &str) -> Self {
        self.header(LOCATION, HeaderValue::from_str(path).expect("names are visible ASCII"))
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => (self.status, body).into_response(),
            None => self.status.into_response(),
        };
        // In place of the content type that axum put there.
        response.headers_mut().remove(CONTENT_TYPE);
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_json() {
        for (value, json) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json; charset=gbk", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            assert_eq!(is_json(value), json, "{value}");
        }
        for (value, accepted) in [
            ("*/*", true),
            ("text/html, application/json;q=0.1", true),
            ("application/json;q=0", false),
            ("application/json;q=0.000", false),
            ("text/html", false),
            ("", true),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]);
            assert_eq!(accepts_json(&headers), accepted, "{value}");
        }
    }
}
