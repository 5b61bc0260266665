//! One product service: its instances, which of them are healthy, and the links to them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use http_body_util::Full;
use pingora_core::{Error, ErrorType};
use pingora_load_balancing::health_check::HealthCheck;
use pingora_load_balancing::selection::RoundRobin;
use pingora_load_balancing::{Backend, LoadBalancer};
use prometheus::IntCounter;
use ring::hmac;

use super::UpstreamOptions;
use super::link::Link;
use super::pool::Pool;
use crate::error::ProxyError;
use crate::metrics::Metrics;

/// Checks in a row that must fail before an instance is left out; one good check brings it back.
const FAILURES_TO_LEAVE_OUT: usize = 2;
/// Longest answer to a health check that is read.
const HEALTH_BYTES_MAX: usize = 4 * 1024;

/// An instance of a product service.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) address: SocketAddr,
    /// `Host` of requests to it.
    pub(super) host: HeaderValue,
    pub(super) pool: Arc<Pool>,
}

/// How requests to an upstream ended.
#[derive(Debug)]
pub(super) struct Outcomes {
    pub(super) answered: IntCounter,
    pub(super) unreachable: IntCounter,
    pub(super) none_healthy: IntCounter,
    pub(super) timeout: IntCounter,
    pub(super) closed: IntCounter,
    pub(super) too_large: IntCounter,
}

/// A product service.
pub(super) struct Target {
    pub(super) options: UpstreamOptions,
    pub(super) key: hmac::Key,
    pub(super) instances: HashMap<SocketAddr, Instance>,
    pub(super) outcomes: Outcomes,
    balancer: LoadBalancer<RoundRobin>,
}

impl Target {
    /// The product service that `options` declare; links to instances that `old` already had are taken over.
    pub(super) fn build(
        options: &UpstreamOptions,
        old: Option<&Self>,
        metrics: &Metrics,
    ) -> Result<Self, ProxyError> {
        let bad =
            |reason: &str| ProxyError::Upstream { name: options.name.to_string(), reason: reason.to_owned() };
        if options.endpoints.is_empty() {
            return Err(bad("names no endpoint"));
        }
        let path = options.health_path.as_deref().map(Uri::try_from).transpose();
        let path = path.map_err(|_| bad("health_path is not a path"))?;
        let mut balancer = LoadBalancer::try_from_iter(&options.endpoints)?;
        balancer.set_health_check(Box::new(Probe { path, within: options.connect_timeout }));
        let instance = |&address: &SocketAddr| {
            let kept = old.and_then(|old| old.instances.get(&address));
            let pool = kept.map_or_else(Arc::default, |kept| Arc::clone(&kept.pool));
            let host = HeaderValue::try_from(address.to_string()).expect("an address is ASCII");
            (address, Instance { address, host, pool })
        };
        let outcome = |outcome| metrics.upstream(&options.name, outcome);
        Ok(Self {
            options: options.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &options.key),
            instances: options.endpoints.iter().map(instance).collect(),
            outcomes: Outcomes {
                answered: outcome("answered"),
                unreachable: outcome("unreachable"),
                none_healthy: outcome("none_healthy"),
                timeout: outcome("timeout"),
                closed: outcome("closed"),
                too_large: outcome("too_large"),
            },
            balancer,
        })
    }

    /// The next healthy instance in turn.
    pub(super) fn select(&self) -> Option<&Instance> {
        let backend = self.balancer.select(b"", self.instances.len() + 1)?;
        self.instances.get(backend.as_inet()?)
    }

    /// Checks every instance once; how many are healthy, and how many are not.
    pub(super) async fn check(&self) -> (usize, usize) {
        self.balancer.backends().run_health_check(true).await;
        let all = self.balancer.backends().get_backend();
        let healthy = all.iter().filter(|backend| self.balancer.backends().ready(backend)).count();
        (healthy, all.len() - healthy)
    }
}

/// Is an instance there: it takes a connection, and if it has a health page, answers 200 on it.
struct Probe {
    path: Option<Uri>,
    within: Duration,
}

#[async_trait]
impl HealthCheck for Probe {
    async fn check(&self, target: &Backend) -> pingora_core::Result<()> {
        let failed = |why| Error::explain(ErrorType::ConnectError, why);
        let address = *target.as_inet().ok_or_else(|| failed("not an internet address"))?;
        let by = super::link::due(self.within);
        let asking = async {
            let mut link = Link::connect(address, by).await?;
            let Some(path) = &self.path else { return Some(()) };
            let mut request = Request::new(Full::new(Bytes::new()));
            *request.uri_mut() = path.clone();
            let host = HeaderValue::try_from(address.to_string()).expect("an address is ASCII");
            request.headers_mut().insert(header::HOST, host);
            let response = link.send(request, by).await.ok()?;
            let healthy = response.status() == http::StatusCode::OK;
            link.read(response.into_body(), HEALTH_BYTES_MAX).await.ok()?;
            healthy.then_some(())
        };
        asking.await.ok_or_else(|| failed("no healthy answer"))
    }

    fn health_threshold(&self, success: bool) -> usize {
        if success { 1 } else { FAILURES_TO_LEAVE_OUT }
    }
}
