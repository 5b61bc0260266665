//! Every limit of the data plane in one place, with its default and the reason for it.

use std::time::Duration;

use crate::client::TrustedProxies;

/// Most bytes of a request head, request line included.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most fields in a request head.
pub const HEAD_FIELDS_MAX: usize = 100;

/// What one connection, one request and one listener may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at once on a listener; more wait in the kernel's backlog until one closes.
    pub connections_max: usize,
    /// Connections of one address; more are closed at once. An IPv6 address counts by its /64, a trusted proxy does not count.
    pub connections_per_address_max: usize,
    /// TLS handshakes of one address under way.
    pub handshakes_per_address_max: usize,
    /// Requests of one address whose bodies have not arrived (C011).
    pub unfinished_per_address_max: usize,
    /// Requests a second of one address that name no live credential, two seconds' worth at once (C010).
    pub unidentified_requests_per_second: u32,
    /// Reverse proxies that are believed when they tell whose request it is.
    pub trusted_proxies: TrustedProxies,
    /// Requests served on one connection before it is closed in order, so that long-lived callers spread over nodes.
    pub requests_per_connection_max: u32,
    /// Bytes of a request body (C003).
    pub body_bytes_max: usize,
    /// Bytes of a request body where the head names no live credential, or asks for what takes no body (C003).
    pub unidentified_body_bytes_max: usize,
    /// Bytes of all request bodies of the node (C096).
    pub body_bytes_total_max: u64,
    /// Bytes of the request bodies of one address (C011).
    pub body_bytes_per_address_max: u64,
    /// Bytes of the request bodies on one connection (C011).
    pub body_bytes_per_connection_max: u64,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time from the first byte of a request head to its last (C005).
    pub head: Duration,
    /// Time for a whole request body (C005).
    pub body: Duration,
    /// Time a connection may stay open without a request, HTTP/1 and HTTP/2 alike.
    pub idle: Duration,
    /// Time a caller may take no byte of an answer that is being written before the connection is dropped.
    pub write_stall: Duration,
    /// Time spent discarding what a refused caller still sends, so that the answer reaches it before a reset does.
    pub linger: Duration,
    /// Bytes discarded in that time.
    pub linger_bytes_max: usize,
    /// Time for which a drain leaves an HTTP/1 connection open that has nothing in flight: a request that was sent before the
    /// caller could know meets a server that answers it, and says that it was the last.
    pub farewell: Duration,
    /// Time in which a drain lets requests in flight finish.
    pub drain: Duration,
    /// HTTP/2 streams open at once on a connection.
    pub h2_streams_max: u32,
    /// HTTP/2 streams a caller may open and reset before they were accepted, and streams we reset for its protocol
    /// errors, until the connection is closed (rapid reset, CVE-2023-44487).
    pub h2_resets_max: usize,
    /// HTTP/2 flow-control window of a stream and of a connection, in bytes.
    pub h2_window_bytes: u32,
    /// HTTP/2 frames a second that carry nothing, besides what requests and answers need; beyond it the connection ends.
    pub h2_empty_frames_per_second: u32,
    /// How often an HTTP/2 caller is pinged while it has streams open; it has as long again to answer.
    pub h2_ping: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: 1_000,
            handshakes_per_address_max: 100,
            unfinished_per_address_max: 256,
            unidentified_requests_per_second: 200,
            trusted_proxies: TrustedProxies::default(),
            requests_per_connection_max: 10_000,
            body_bytes_max: 1024 * 1024,
            unidentified_body_bytes_max: 64 * 1024,
            body_bytes_total_max: 256 << 20,
            body_bytes_per_address_max: 64 << 20,
            body_bytes_per_connection_max: 16 << 20,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            write_stall: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            linger_bytes_max: 1024 * 1024,
            farewell: Duration::from_millis(200),
            drain: Duration::from_secs(30),
            h2_streams_max: 100,
            h2_resets_max: 100,
            h2_window_bytes: 1024 * 1024,
            h2_empty_frames_per_second: 1_000,
            h2_ping: Duration::from_secs(20),
        }
    }
}
