//! From policy's reply to an HTTP response: the only place that writes answer headers.

mod body;
mod problem;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use shuzha_core::{Code, Lang, Refusal, RequestId};
use shuzha_policy::{Payload, RateLimits, Reply};

use crate::gate::LogFile;
use crate::peers::WAIT;
pub(crate) use body::{Body, Package};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_RECEIPT: HeaderName = HeaderName::from_static("x-receipt");
const X_FEE: HeaderName = HeaderName::from_static("x-fee");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_SANDBOX: HeaderName = HeaderName::from_static("x-sandbox");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Fields an answer usually has, with room for the date that hyper adds.
const FIELDS_USUAL: usize = 12;

/// A stream that a package can be written from.
pub(crate) trait PackageStream: Send + 'static {
    /// Hands the stream to a response body.
    fn into_body(self, length: Option<u64>, delivery: shuzha_policy::call::Delivery) -> Body;
}

impl PackageStream for std::convert::Infallible {
    fn into_body(self, _: Option<u64>, _: shuzha_policy::call::Delivery) -> Body {
        match self {}
    }
}

/// The response for `reply`.
pub(crate) fn respond<S: PackageStream>(reply: Reply<S>, lang: Lang) -> Response<Body> {
    let Reply { request, status, receipt, fee, limit, replayed, sandbox, payload } = reply;
    let mut fields = HeaderMap::with_capacity(FIELDS_USUAL);
    common(&mut fields, request);
    if let Some(value) = receipt.and_then(|receipt| HeaderValue::try_from(receipt).ok()) {
        fields.insert(X_RECEIPT, value);
    }
    if let Some(value) = fee.and_then(|fee| HeaderValue::try_from(fee.to_string()).ok()) {
        fields.insert(X_FEE, value);
    }
    rate_limits(&mut fields, &limit);
    if sandbox {
        fields.insert(X_SANDBOX, HeaderValue::from_static("true"));
    }
    if replayed {
        fields.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    let body = match payload {
        Payload::Answer(bytes) => {
            fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Body::whole(bytes)
        }
        Payload::Refused(refusal) => return refused(fields, request, &refusal, lang),
        Payload::Stream { length, content_range, etag, stream, delivery } => {
            fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            if let Some(range) = content_range {
                fields.insert(header::CONTENT_RANGE, range);
            }
            if let Some(etag) = etag {
                fields.insert(header::ETAG, etag);
            }
            stream.into_body(length, delivery)
        }
    };
    finish(fields, StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body)
}

/// The response for a request that never became a call.
pub(crate) fn refuse(
    request: RequestId,
    code: Code,
    lang: Lang,
    allow: Option<&'static str>,
) -> Response<Body> {
    let refusal = match code {
        Code::C010 | Code::C011 | Code::C096 => Refusal::retry(code, WAIT),
        code => code.into(),
    };
    let mut response = decline(request, &refusal, lang);
    if let Some(methods) = allow {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    }
    response
}

/// The response for something that was asked of the gate and is no call.
pub(crate) fn decline(request: RequestId, refusal: &Refusal, lang: Lang) -> Response<Body> {
    let mut fields = HeaderMap::with_capacity(FIELDS_USUAL);
    common(&mut fields, request);
    refused(fields, request, refusal, lang)
}

/// A file of the evidence log. What never changes may be kept by whoever fetched it.
pub(crate) fn log_file(file: LogFile) -> Response<Body> {
    let mut response = page(StatusCode::OK, file.kind, file.bytes);
    if file.immutable {
        let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, kept);
    }
    response
}

/// A response of our own pages and probes.
pub(crate) fn page(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    let mut fields = HeaderMap::with_capacity(FIELDS_USUAL);
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    finish(fields, status, Body::whole(body))
}

fn refused(mut fields: HeaderMap, request: RequestId, refusal: &Refusal, lang: Lang) -> Response<Body> {
    fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    fields.insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(match lang {
            Lang::Zh => "zh",
            Lang::En => "en",
        }),
    );
    let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110 §11.6.1 wants a challenge with every 401; the scheme is RFC 9421's.
        fields.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Signature realm=\"shuzha\""));
    }
    if let Some(after) = refusal.retry_after {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        fields.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if let Some(bytes) = refusal.package_bytes {
        // RFC 9110 §15.5.17: with the size, the next range can be chosen within it.
        let range = HeaderValue::try_from(format!("bytes */{bytes}")).expect("digits and ASCII punctuation");
        fields.insert(header::CONTENT_RANGE, range);
    }
    finish(fields, status, Body::whole(problem::render(request, refusal, lang)))
}

fn common(fields: &mut HeaderMap, request: RequestId) {
    let mut text = IdText::default();
    write!(text, "{request}").expect("a request id is 36 characters");
    fields.insert(X_REQUEST_ID, HeaderValue::from_bytes(&text.bytes).expect("a request id is ASCII"));
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn finish(fields: HeaderMap, status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    response
}

/// `RateLimit-Policy` and `RateLimit` as structured fields (draft-ietf-httpapi-ratelimit-headers-09 §2, §3): one item for
/// the rate and one for the quota, as far as there are such. A quota that never starts anew has no times.
fn rate_limits(fields: &mut HeaderMap, limits: &RateLimits) {
    let whole = |time: std::time::Duration| time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let (mut policy, mut state) = (String::new(), String::new());
    for (name, limit) in [("default", limits.rate), ("quota", limits.quota)] {
        let Some(limit) = limit else { continue };
        let comma = if policy.is_empty() { "" } else { ", " };
        let written = "writing to a string cannot fail";
        write!(policy, "{comma}\"{name}\";q={}", limit.quota).expect(written);
        write!(state, "{comma}\"{name}\";r={}", limit.remaining).expect(written);
        if !limit.window.is_zero() {
            write!(policy, ";w={}", whole(limit.window)).expect(written);
            write!(state, ";t={}", whole(limit.reset)).expect(written);
        }
    }
    if policy.is_empty() {
        return;
    }
    for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
        fields.insert(name, HeaderValue::try_from(text).expect("digits and ASCII punctuation"));
    }
}

/// A request id's text without a heap allocation.
struct IdText {
    bytes: [u8; 36],
    filled: usize,
}

impl Default for IdText {
    fn default() -> Self {
        Self { bytes: [b'0'; 36], filled: 0 }
    }
}

impl std::fmt::Write for IdText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.filled + text.len();
        self.bytes.get_mut(self.filled..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.filled = end;
        Ok(())
    }
}
