//! One call of the gateway and the answer to it, as a product sees them.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A signed call, whole.
#[derive(Debug)]
pub struct Call<'a> {
    /// Method.
    pub method: &'a Method,
    /// Path, without query.
    pub path: &'a str,
    /// Header fields.
    pub headers: &'a HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Call<'_> {
    /// Answers a `POST` whose body is a JSON text of type `T`; anything else is refused.
    pub fn post<T: DeserializeOwned>(&self, answer: impl FnOnce(&T) -> Answer) -> Answer {
        if self.method != Method::POST {
            return Answer::method_not_allowed("POST");
        }
        match serde_json::from_slice(&self.body) {
            Ok(asked) => answer(&asked),
            // The parser's message can quote the body; only the position leaves.
            Err(error) => Answer::invalid(&format!("line {} column {}", error.line(), error.column())),
        }
    }
}

/// An answer, whole. Bodies are shared, not copied.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

/// The body of every answer that is not the product's own.
#[derive(Serialize)]
struct Refusal<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

impl Answer {
    /// An answer without a body.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// `body` as JSON. Nothing between here and the gateway may keep it.
    ///
    /// # Panics
    /// When `body` cannot be written as JSON: maps with keys that are not text, which no caller here has.
    #[must_use]
    pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Self {
        let text = serde_json::to_vec(body).expect("answers are plain structures with text keys");
        let mut answer = Self { status, headers: HeaderMap::new(), body: Bytes::from(text) };
        answer.set(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        answer.set(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }

    /// A refusal: `{"code": …}`.
    #[must_use]
    pub fn refused(status: StatusCode, code: &str) -> Self {
        Self::json(status, &Refusal { code, detail: None })
    }

    /// 422: the body is JSON or nearly so, and not what the operation asks for. `detail` names the place,
    /// never a value.
    #[must_use]
    pub fn invalid(detail: &str) -> Self {
        Self::json(StatusCode::UNPROCESSABLE_ENTITY, &Refusal { code: "invalid", detail: Some(detail) })
    }

    /// 404: no such operation.
    #[must_use]
    pub fn not_found() -> Self {
        Self::refused(StatusCode::NOT_FOUND, "not_found")
    }

    /// 405: the operation takes the methods `allowed` (RFC 9110 §15.5.6).
    #[must_use]
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        let mut answer = Self::refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
        answer.set(ALLOW, HeaderValue::from_static(allowed));
        answer
    }

    /// Sets one header field.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }
}
