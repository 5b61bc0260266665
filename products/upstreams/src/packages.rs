//! The package store (数据包): one derived table, served whole or in parts.
//!
//! `GET` and `HEAD /v1/packages/enterprises.csv`, with a strong `ETag` (the SHA-256 of the content), single
//! byte ranges, `If-Range`, `If-Match` and `If-None-Match` (RFC 9110 §8.8.3, §13, §14). A download that broke
//! off goes on where it stopped. Parts share the one buffer; nothing is copied per call.

mod conditions;
mod content;
pub mod range;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    RANGE,
};
use http::{HeaderValue, Method, StatusCode};
use ring::digest;
use shuzha_core::hex;

use crate::service::{Answer, Call, Product};
use range::Wanted;

/// Where the package is.
pub const PATH: &str = "/v1/packages/enterprises.csv";

/// The package store as a service.
#[derive(Clone, Debug)]
pub struct Packages {
    content: Bytes,
    etag: HeaderValue,
    media: Media,
}

/// What a package is, for whoever keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Media {
    /// `Content-Type`.
    pub(crate) kind: &'static str,
    /// `Content-Disposition`.
    pub(crate) disposition: &'static str,
}

/// Of the table of enterprises.
const CSV: Media = Media {
    kind: "text/csv; charset=utf-8; header=present",
    disposition: "attachment; filename=\"enterprises.csv\"",
};

impl Packages {
    /// A store that holds the package derived from the register of enterprises.
    #[must_use]
    pub fn enterprises() -> Self {
        Self::holding(Bytes::from(content::csv()))
    }

    /// A store that holds `content`.
    #[must_use]
    pub fn holding(content: Bytes) -> Self {
        Self::of(content, CSV)
    }

    /// A package of another sort.
    pub(crate) fn of(content: Bytes, media: Media) -> Self {
        let tag = format!("\"{}\"", hex::encode(digest::digest(&digest::SHA256, &content).as_ref()));
        Self { content, etag: HeaderValue::try_from(tag).expect("hexadecimal in quotes"), media }
    }

    /// The whole package.
    #[must_use]
    pub fn content(&self) -> &Bytes {
        &self.content
    }

    /// Its entity tag, in quotes.
    ///
    /// # Panics
    /// Never: the tag is hexadecimal in quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        self.etag.to_str().expect("hexadecimal in quotes")
    }

    /// The answer to a `GET`; a `HEAD` gets the same head.
    pub(crate) fn get(&self, call: &Call<'_>) -> Answer {
        let length = self.content.len();
        if let Some(status) = conditions::failed(call.headers, self.etag()) {
            let mut answer = Answer::empty(status);
            answer.set(ETAG, self.etag.clone());
            return answer;
        }
        match self.wanted(call) {
            Wanted::Whole => self.part(StatusCode::OK, 0..length),
            Wanted::Part(part) => {
                let field = format!("bytes {}-{}/{length}", part.start, part.end - 1);
                let mut answer = self.part(StatusCode::PARTIAL_CONTENT, part);
                answer.set(CONTENT_RANGE, HeaderValue::try_from(field).expect("digits"));
                answer
            }
            Wanted::Unsatisfiable => {
                let mut answer = Answer::empty(StatusCode::RANGE_NOT_SATISFIABLE);
                let field = format!("bytes */{length}");
                answer.set(CONTENT_RANGE, HeaderValue::try_from(field).expect("digits"));
                answer.set(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
                answer.set(ETAG, self.etag.clone());
                answer
            }
        }
    }

    /// What the call wants: `Range` counts for `GET` only (§14.2), once, and if `If-Range` allows it.
    fn wanted(&self, call: &Call<'_>) -> Wanted {
        let mut fields = call.headers.get_all(RANGE).iter();
        match (fields.next(), fields.next()) {
            (Some(field), None)
                if call.method == Method::GET && conditions::range_counts(call.headers, self.etag()) =>
            {
                field.to_str().map_or(Wanted::Whole, |field| range::wanted(field, self.content.len()))
            }
            _ => Wanted::Whole,
        }
    }

    fn part(&self, status: StatusCode, part: std::ops::Range<usize>) -> Answer {
        let mut answer = Answer::empty(status);
        answer.body = self.content.slice(part);
        answer.set(CONTENT_LENGTH, HeaderValue::from(answer.body.len()));
        answer.set(CONTENT_TYPE, HeaderValue::from_static(self.media.kind));
        answer.set(CONTENT_DISPOSITION, HeaderValue::from_static(self.media.disposition));
        answer.set(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer.set(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        answer.set(ETAG, self.etag.clone());
        answer
    }
}

impl Product for Packages {
    fn name(&self) -> &'static str {
        "packages"
    }

    fn contract(&self) -> &'static str {
        "GET /v1/packages/enterprises.csv 1\n"
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        match (call.path, call.method) {
            (PATH, &Method::GET | &Method::HEAD) => self.get(call),
            (PATH, _) => Answer::method_not_allowed("GET, HEAD"),
            _ => Answer::not_found(),
        }
    }
}
