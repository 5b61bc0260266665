//! What the data plane asks of policy, and of the program around it.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;

use bytes::Bytes;
use http::HeaderMap;
use shuzha_core::{Code, Refusal, RequestId};
use shuzha_policy::{Inbound, Reply, Upstream, Weight};

/// Policy, as the data plane sees it: the one way a request becomes an answer.
///
/// The future of [`Gate::serve`] is dropped when the caller disconnects; whatever it holds must be settled by its own
/// drop guards.
pub trait Gate: Send + Sync + 'static {
    /// Takes one well-framed call through all stages.
    fn serve<U: Upstream>(
        &self,
        call: &Inbound<'_>,
        upstream: &U,
    ) -> impl Future<Output = Reply<U::Stream>> + Send;

    /// What a request may weigh, from its head alone: asked before anything of its body is read.
    fn weigh(&self, path: &str, headers: &HeaderMap, peer: IpAddr) -> Weight {
        let _ = (path, headers, peer);
        Weight { identified: true, takes_body: true, body_bytes_max: None }
    }

    /// Withdraws the consent that `token`, a compact JWS from the person or its agent, names.
    fn withdraw(&self, request: RequestId, token: &str) -> impl Future<Output = Reply<Infallible>> + Send;

    /// The receipt of the call `id`, which is a request's id or the handle that its answer carried, in the SHA-256 or SM3 tree:
    /// for the unit that made that call, and signed `call`.
    fn receipt(
        &self,
        call: &Inbound<'_>,
        id: &str,
        sm3: bool,
    ) -> impl Future<Output = Result<Bytes, Refusal>> + Send;

    /// What everybody may see of the evidence log at `address`; none where there is nothing.
    fn log_file(&self, address: &str) -> impl Future<Output = Result<Option<LogFile>, Refusal>> + Send;

    /// Counts that a request was refused before it was a call: what reached the gate was not yet well-framed, or went
    /// nowhere. Must not block.
    fn refused_at_edge(&self, code: Code);
}

/// A file of the evidence log.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// Content.
    pub bytes: Bytes,
    /// Content type.
    pub kind: &'static str,
    /// Whether it never changes.
    pub immutable: bool,
}

/// What the operations listener asks of the program around the data plane.
pub trait Operator: Send + Sync + 'static {
    /// Why the gateway is not ready, as short reasons without data of requests; empty when it is.
    fn unready(&self) -> Vec<String>;

    /// The state of the gateway for people and scripts; a JSON text.
    fn status(&self) -> String;

    /// What stands in the evidence log at `address`, entries included; none where there is nothing.
    fn log_file(&self, address: &str) -> impl Future<Output = Result<Option<LogFile>, Refusal>> + Send;
}
