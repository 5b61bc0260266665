//! The control API by the types of its documents.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shuzha_schema::Page;
use shuzha_schema::account::SignedIn;
use shuzha_schema::object::{API_VERSION, Change, Named, Object, Words, Write};

use crate::error::ClientError;
use crate::http::HttpClient;
use crate::message::{HttpAnswer, HttpRequest};
use crate::refusal::ControlRefusal;

/// Objects of one page of a list: the most that the API gives.
const PAGE: &str = "200";
/// What stands in an address as it is (RFC 3986 §2.3).
const AS_IT_IS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A control plane, and who calls.
#[derive(Debug)]
pub struct ControlClient {
    client: HttpClient,
    base: String,
    headers: Vec<(String, String)>,
}

/// What it answered.
#[derive(Debug)]
pub struct ControlAnswer<T> {
    /// The document.
    pub body: T,
    /// The answer it came in; its body is empty.
    pub http: HttpAnswer,
}

impl<T> ControlAnswer<T> {
    /// The version of the object that it is about, where it says one.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.http.header("etag")?.trim_matches('"').parse().ok()
    }
}

/// Which version a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Any.
    Any,
    /// There is none yet.
    New,
    /// This one.
    Version(u64),
}

impl ControlClient {
    /// The control plane at `base`, called by nobody in particular.
    ///
    /// # Errors
    /// Where `base` is no address.
    pub fn new(base: &str) -> Result<Self, ClientError> {
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { client: HttpClient::new(&base)?, base, headers: Vec::new() })
    }

    /// The same with further headers on every request.
    #[must_use]
    pub fn with(mut self, headers: &[(&str, &str)]) -> Self {
        self.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }

    /// The same, called by whoever has this API token.
    #[must_use]
    pub fn by_token(self, token: &str) -> Self {
        self.with(&[("Authorization", &format!("Bearer {token}"))])
    }

    /// The same by the session that a sign-on began; none where the answer has none.
    #[must_use]
    pub fn by_session(self, begun: &HttpAnswer, signed_in: &SignedIn) -> Option<Self> {
        let cookie = begun.header("set-cookie").and_then(|cookie| cookie.split(';').next())?;
        Some(self.with(&[("Cookie", cookie), ("X-CSRF-Token", &signed_in.csrf)]))
    }

    /// One request. `body` is left out where it is `()`; an answer without a body reads as null.
    ///
    /// # Errors
    /// [`ClientError::Refused`], or where there is no answer that can be read.
    pub fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &impl Serialize,
        expect: Expect,
    ) -> Result<ControlAnswer<T>, ClientError> {
        let body = match serde_json::to_vec(body).map_err(ClientError::Unreadable)? {
            none if none == b"null" => Vec::new(),
            body => body,
        };
        let mut headers = self.headers.clone();
        match expect {
            Expect::Any => {}
            Expect::New => headers.push(("If-None-Match".to_owned(), "*".to_owned())),
            Expect::Version(version) => headers.push(("If-Match".to_owned(), format!("\"{version}\""))),
        }
        let request =
            HttpRequest { method: method.to_owned(), path: path.to_owned(), body, headers, nonce: None };
        let mut http = self.client.send(None, &request).map_err(|error| self.at(error))?;
        if !http.is_success() {
            return Err(self.refused(&http));
        }
        let body = std::mem::take(&mut http.body);
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        let body = serde_json::from_slice(body).map_err(|error| self.at(ClientError::Unreadable(error)))?;
        Ok(ControlAnswer { body, http })
    }

    /// Reads a document.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        Ok(self.call("GET", path, &(), Expect::Any)?.body)
    }

    /// Sends a document and reads another.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        Ok(self.call("POST", path, body, Expect::Any)?.body)
    }

    /// Reads a file, as it comes.
    ///
    /// # Errors
    /// As [`Self::call`]; or of `take`.
    pub fn fetch<E: From<ClientError>>(
        &self,
        path: &str,
        take: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<HttpAnswer, E> {
        let request = HttpRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers: self.headers.clone(),
            ..HttpRequest::default()
        };
        let http = self.client.fetch(&request, take)?;
        if http.is_success() { Ok(http) } else { Err(self.refused(&http).into()) }
    }

    /// Calls `take` with the items of a list, page by page, until it answers `false`.
    ///
    /// # Errors
    /// As [`Self::call`]; or of `take`.
    pub fn each<T: DeserializeOwned, E: From<ClientError>>(
        &self,
        path: &str,
        filters: &[(&str, &str)],
        mut take: impl FnMut(T) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut cursor: Option<String> = None;
        loop {
            let mut parameters = vec![("limit", PAGE)];
            parameters.extend(filters);
            parameters.extend(cursor.iter().map(|cursor| ("cursor", cursor.as_str())));
            let page: Page<T> = self.get(&with_query(path, &parameters))?;
            for item in page.items {
                if !take(item)? {
                    return Ok(());
                }
            }
            if page.next.is_none() || page.next == cursor {
                return Ok(());
            }
            cursor = page.next;
        }
    }

    /// The object at `path`; none where there is none, or none that the caller may see.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn object(&self, path: &str) -> Result<Option<Object>, ClientError> {
        match self.get(path) {
            Err(ClientError::Refused(refusal)) if refusal.code() == "C1003" => Ok(None),
            found => found.map(Some),
        }
    }

    /// Writes an object of `kind` to `path`, or tries to.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn put(
        &self,
        (kind, path, name): (&str, &str, &str),
        spec: &serde_json::Value,
        reason: Option<&str>,
        (expect, dry_run): (Expect, bool),
    ) -> Result<ControlAnswer<Change>, ClientError> {
        let body = Write {
            api_version: API_VERSION.to_owned(),
            kind: kind.to_owned(),
            metadata: Named { name: shuzha_schema::Name::of(name) },
            spec: spec.clone(),
            words: Words::of(reason),
        };
        let path = if dry_run { with_query(path, &[("dry_run", "true")]) } else { path.to_owned() };
        self.call("PUT", &path, &body, expect)
    }

    fn at(&self, error: ClientError) -> ClientError {
        ClientError::At(self.base.clone(), Box::new(error))
    }

    fn refused(&self, http: &HttpAnswer) -> ClientError {
        let after = http.header("retry-after");
        Box::new(ControlRefusal::new(&self.base, http.status, http.json(), after)).into()
    }
}

/// Text as part of an address.
#[must_use]
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, AS_IT_IS).to_string()
}

/// A path with its query.
#[must_use]
pub fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("{path}{}{}", if pairs.is_empty() { "" } else { "?" }, pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded() {
        assert_eq!(encoded("bank-a.1"), "bank-a.1");
        assert_eq!(encoded("a/b?c=核"), "a%2Fb%3Fc%3D%E6%A0%B8");
        assert_eq!(with_query("/x", &[]), "/x");
        assert_eq!(with_query("/x", &[("from", "a+b"), ("n", "1")]), "/x?from=a%2Bb&n=1");
    }
}
