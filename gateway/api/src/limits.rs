//! Every limit of the control API in one place, with its default and the reason for it.

use std::time::Duration;

/// Most bytes of a request head.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most fields in a request head.
pub const HEAD_FIELDS_MAX: usize = 100;
/// Bytes of a body beyond the limit that are read and thrown away, so that the refusal reaches the caller before a reset
/// does.
pub(crate) const DISCARD_BYTES_MAX: usize = 32 << 20;

/// What connections and requests may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at once; more wait in the kernel's backlog.
    pub connections_max: usize,
    /// Requests being answered at once; more are told to come again (C092). Each may hold a thread and its body.
    pub requests_max: usize,
    /// Exports being written at once; more are told to come again (C092). Each holds a thread and a view of the books.
    pub exports_max: usize,
    /// Bytes of a request body (C003).
    pub body_bytes_max: usize,
    /// Time from the first byte of a request head to its last, and for an idle connection.
    pub head: Duration,
    /// Time for a whole request body (C005).
    pub body: Duration,
    /// How long a connection lives before it is closed in order: a caller that takes no bytes of its answer holds it no
    /// longer.
    pub connection: Duration,
    /// Time in which a drain lets requests in flight finish.
    pub drain: Duration,
    /// Bytes of the objects on one page; a page ends early beyond it, with its cursor.
    pub page_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1_000,
            requests_max: 64,
            exports_max: 4,
            body_bytes_max: 1 << 20,
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            connection: Duration::from_secs(10 * 60),
            drain: Duration::from_secs(30),
            page_bytes_max: 8 << 20,
        }
    }
}
