//! What comes in, what goes to the product service, what goes out: the edge types between this crate and whoever
//! speaks HTTP.

pub use shuzha_privacy::dp::DomainDigest;
pub use shuzha_privacy::watermark::MarkFault;

pub use crate::delivery::{Delivered, Delivery};
use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use shuzha_core::{Id, MicroYuan, Refusal, RequestId, Timestamp};

/// One request, whole and well-framed, before any policy.
#[derive(Debug)]
pub struct Inbound<'a> {
    /// The request's id.
    pub request: RequestId,
    /// When its head had arrived.
    pub received: Timestamp,
    /// Method.
    pub method: &'a Method,
    /// The path, canonical: the bytes that are routed, authorised, metered and forwarded.
    pub path: &'a str,
    /// The query, without `?`.
    pub query: Option<&'a str>,
    /// `http` or `https`, as the caller sees it.
    pub scheme: &'a str,
    /// Host and port, as the caller sees it.
    pub authority: &'a str,
    /// Header fields.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Address of the caller.
    pub peer: IpAddr,
}

/// One request to a product service.
#[derive(Debug)]
pub struct Dispatch<'a> {
    /// The request's id, passed on.
    pub request: RequestId,
    /// Which product service.
    pub upstream: &'a Id,
    /// Method.
    pub method: Method,
    /// Path at the product service.
    pub path: &'a str,
    /// Body.
    pub body: Bytes,
    /// SHA-256 of the body.
    pub body_sha256: [u8; 32],
    /// The application unit, passed on.
    pub unit: &'a str,
    /// The scenario, passed on.
    pub scenario: &'a str,
    /// The permitted fields, comma-separated leaf pointers, passed on.
    pub fields: &'a str,
    /// `Range` of a package, passed on.
    pub range: Option<&'a HeaderValue>,
    /// The answer must be complete within this time.
    pub timeout: Duration,
    /// Most bytes of an answer that is read whole.
    pub answer_bytes_max: usize,
    /// Whether data of persons are touched: then whoever answers proves what it is, where the configuration asks that.
    pub persons: bool,
    /// The domain of a statistical query: whoever answers must have said that it keeps this one, or nothing is sent.
    pub domain: Option<DomainDigest>,
}

/// Why a product service gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamFault {
    /// No connection: nothing was sent.
    Unreachable,
    /// No healthy instance: nothing was sent.
    NoneHealthy,
    /// No address that may be connected to: nothing was sent.
    NotAllowed,
    /// What answers there did not prove to be the declared service: the call was not sent.
    Unproved,
    /// The statistics service keeps another domain than was declared: the query was not sent.
    OtherDomain,
    /// The answer was not complete in time.
    Timeout,
    /// The connection closed or broke mid-way.
    Closed,
    /// The answer is larger than allowed.
    TooLarge,
}

/// A product service's answer, read whole.
#[derive(Debug)]
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Bytes,
}

/// A product service's answer, opened for streaming.
#[derive(Debug)]
pub struct Opened<S> {
    /// HTTP status: 200, 206 or 416 are understood.
    pub status: u16,
    /// `Content-Length`, if stated.
    pub length: Option<u64>,
    /// `Content-Range`, if stated.
    pub content_range: Option<HeaderValue>,
    /// `ETag`, if stated.
    pub etag: Option<HeaderValue>,
    /// The body.
    pub stream: S,
}

/// The way to the product services.
pub trait Upstream: Send + Sync {
    /// A streamed body.
    type Stream: Send;

    /// Whether the product service may keep the domain of this digest: false once an instance of it said that it keeps others. What
    /// is not known, [`Dispatch::domain`] makes sure of on the connection that the query takes.
    fn keeps(&self, upstream: &Id, domain: DomainDigest) -> bool;

    /// Sends `dispatch` and reads the whole answer (answer lane). Retries only when nothing was sent.
    fn fetch(&self, dispatch: Dispatch<'_>) -> impl Future<Output = Result<Fetched, UpstreamFault>> + Send;

    /// Sends `dispatch` and hands back the answer's head and stream (package lane).
    fn open(
        &self,
        dispatch: Dispatch<'_>,
    ) -> impl Future<Output = Result<Opened<Self::Stream>, UpstreamFault>> + Send;
}

/// The state of one limit of the caller, for the `RateLimit` fields of
/// draft-ietf-httpapi-ratelimit-headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls permitted per window.
    pub quota: u64,
    /// Length of the window; zero where it never starts anew.
    pub window: Duration,
    /// Calls left.
    pub remaining: u64,
    /// When the window starts anew.
    pub reset: Duration,
}

/// The limits of the caller's grant, as far as it has them and stage 5 was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Calls at once, and how fast they come back.
    pub rate: Option<RateLimit>,
    /// Answers per day, per month, or in the grant's term.
    pub quota: Option<RateLimit>,
}

/// What the caller gets.
#[derive(Debug)]
pub struct Reply<S> {
    /// `X-Request-Id`.
    pub request: RequestId,
    /// HTTP status.
    pub status: u16,
    /// `X-Receipt`: journal position `epoch.sequence`, durable. None where nothing durable was written.
    pub receipt: Option<String>,
    /// `X-Fee`.
    pub fee: Option<MicroYuan>,
    /// `RateLimit`, `RateLimit-Policy`.
    pub limit: RateLimits,
    /// Whether the answer repeats an earlier one (`Idempotency-Replayed: true`).
    pub replayed: bool,
    /// Whether it was a trial on synthetic data (`X-Sandbox: true`).
    pub sandbox: bool,
    /// The body.
    pub payload: Payload<S>,
}

/// The body of a reply.
#[derive(Debug)]
pub enum Payload<S> {
    /// A JSON answer.
    Answer(Bytes),
    /// A refusal, rendered as RFC 9457 problem details by whoever speaks HTTP.
    Refused(Refusal),
    /// A package.
    Stream {
        /// `Content-Length`.
        length: Option<u64>,
        /// `Content-Range`.
        content_range: Option<HeaderValue>,
        /// `ETag`.
        etag: Option<HeaderValue>,
        /// The bytes.
        stream: S,
        /// Makes of every chunk what leaves, and is told when it did; records the delivery when dropped.
        delivery: Delivery,
    },
}
