//! The operations listener: is it alive, is it ready, what does it count, how is it doing.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use prometheus::{Encoder, Registry, TextEncoder};
use serde_json::json;

use super::Edge;
use crate::conn::Conn;
use crate::connection::Registry as Connections;
use crate::gate::Operator;
use crate::guard::head::REFUSED_METHOD;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::peers::Peers;
use crate::reply::{self, Body};

const JSON: &str = "application/json";

/// The operations listener's edge.
pub(crate) struct OperationsEdge<O> {
    pub(crate) operator: Arc<O>,
    pub(crate) registry: Registry,
    pub(crate) connections: Arc<Connections>,
    /// What callers of the data listener hold, and how many connections they may have.
    pub(crate) callers: (Arc<Peers>, usize),
    pub(crate) limits: Limits,
    pub(crate) metrics: Arc<Metrics>,
}

impl<O: Operator> Edge for OperationsEdge<O> {
    async fn answer(self: Arc<Self>, conn: Arc<Conn>, request: Request<Incoming>) -> Response<Body> {
        let (_serving, _) = conn.begin(&self.limits);
        if request.method().as_str() == REFUSED_METHOD
            && let Some(code) = conn.refused()
        {
            let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
            return reply::page(status, JSON, json!({ "code": code.as_str() }).to_string().into());
        }
        if request.method() != Method::GET {
            return reply::page(StatusCode::METHOD_NOT_ALLOWED, JSON, "{}".into());
        }
        match request.uri().path() {
            "/livez" => reply::page(StatusCode::OK, JSON, json!({ "alive": true }).to_string().into()),
            // The second is where monitors of transparency logs ask.
            "/readyz" | "/health" => self.ready(),
            "/status" => reply::page(StatusCode::OK, JSON, self.operator.status().into()),
            "/metrics" => self.scrape(),
            path => match path.strip_prefix("/log/") {
                Some(address) => self.log_file(address).await,
                None => reply::page(StatusCode::NOT_FOUND, JSON, "{}".into()),
            },
        }
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

impl<O: Operator> OperationsEdge<O> {
    fn ready(&self) -> Response<Body> {
        let mut reasons = self.operator.unready();
        if self.connections.is_draining() {
            reasons.push("draining".to_owned());
        }
        let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let body = json!({ "ready": reasons.is_empty(), "reasons": reasons });
        reply::page(status, JSON, body.to_string().into())
    }

    async fn log_file(&self, address: &str) -> Response<Body> {
        match self.operator.log_file(address).await {
            Ok(Some(file)) => reply::log_file(file),
            Ok(None) => reply::page(StatusCode::NOT_FOUND, JSON, "{}".into()),
            Err(refusal) => {
                let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::NOT_FOUND);
                reply::page(status, JSON, json!({ "code": refusal.code.as_str() }).to_string().into())
            }
        }
    }

    fn scrape(&self) -> Response<Body> {
        let (peers, connections_max) = &self.callers;
        let (bytes, bytes_max) = peers.bytes();
        self.metrics.bounds(&[
            ("body_bytes", bytes, bytes_max),
            ("connections", self.connections.len() as u64, *connections_max as u64),
        ]);
        self.metrics.bounds(&peers.fullest());
        let mut text = Vec::new();
        let encoder = TextEncoder::new();
        match encoder.encode(&self.registry.gather(), &mut text) {
            Ok(()) => reply::page(StatusCode::OK, prometheus::TEXT_FORMAT, text.into()),
            Err(fault) => {
                tracing::error!(%fault, "metrics cannot be encoded");
                reply::page(StatusCode::INTERNAL_SERVER_ERROR, JSON, "{}".into())
            }
        }
    }
}
