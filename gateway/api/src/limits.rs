//! Every limit of the control API in one place, with its default and the reason for it.

use std::time::Duration;

use shuzha_products::credential::Cidr;

/// Most bytes of a request head.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most fields in a request head.
pub const HEAD_FIELDS_MAX: usize = 100;
/// Bytes of a body beyond the limit that are read and thrown away, so that the refusal reaches the caller before a reset
/// does.
pub(crate) const DISCARD_BYTES_MAX: usize = 32 << 20;

/// When to come again where everything that may run at once is running.
pub(crate) const RETRY: Duration = Duration::from_secs(1);

/// What connections and requests may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at once. A further one takes the place of the oldest that has no whole request under way, of
    /// whoever holds most.
    pub connections_max: usize,
    /// Connections of one address open at once; a further one takes the place of that address's oldest without a whole
    /// request. Trusted proxies are not bound by it: they stand for many.
    pub connections_per_address_max: usize,
    /// Requests of one address whose bodies are still arriving; a further one takes the place of the oldest (C094).
    pub unfinished_per_address_max: usize,
    /// Bytes of all bodies that are still arriving (C094).
    pub unfinished_bytes_max: usize,
    /// The same beside it, for persons who are signed on.
    pub reserved_bytes: usize,
    /// Requests being answered at once; more are told to come again (C092). Each may hold a thread and its body. A
    /// request counts once it has arrived whole.
    pub requests_max: usize,
    /// Places beside those, for requests of persons who are signed on.
    pub reserved_signed_on: usize,
    /// Places beside both, for signed-on persons who stop, suspend, revoke or withdraw something.
    pub reserved_stops: usize,
    /// Most reserved places that one account holds at once.
    pub reserved_per_account_max: usize,
    /// Proxies in front: what they say in `Forwarded` or `X-Forwarded-For` is where a request comes from.
    pub trusted_proxies: Vec<Cidr>,
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
            connections_per_address_max: 100,
            unfinished_per_address_max: 16,
            unfinished_bytes_max: 32 << 20,
            reserved_bytes: 8 << 20,
            requests_max: 64,
            reserved_signed_on: 16,
            reserved_stops: 4,
            reserved_per_account_max: 4,
            trusted_proxies: Vec::new(),
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
