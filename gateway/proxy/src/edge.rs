//! What answers a request on a connection: one edge per listener.

mod body;
pub(crate) mod data;
pub(crate) mod operations;
mod route;

use std::future::Future;
use std::sync::Arc;

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use shuzha_core::Lang;

use crate::conn::Conn;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::reply::Body;

/// Answers the requests of one listener.
pub(crate) trait Edge: Send + Sync + 'static {
    /// Answers one request. Dropped when the caller leaves.
    fn answer(
        self: Arc<Self>,
        conn: Arc<Conn>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send + 'static;

    /// The listener's limits.
    fn limits(&self) -> &Limits;

    /// Where the listener counts.
    fn metrics(&self) -> &Metrics;
}

/// The language the caller reads.
fn lang(headers: &HeaderMap) -> Lang {
    headers
        .get(http::header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .map_or(Lang::default(), Lang::from_accept_language)
}
