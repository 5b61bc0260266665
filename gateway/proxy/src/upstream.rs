//! The way to the product services: pooled HTTP/1.1 over Pingora's balancing and health checks.
//!
//! A request to a product service is made afresh: nothing of the caller's request but what policy passes on gets into it.
//! Redirects are not followed, compressed answers are refused (their size says nothing), and a request is sent again only
//! when no byte of it was sent before.

mod health;
mod link;
mod pool;
mod request;
mod sign;
mod stream;
mod target;
mod timed;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use shuzha_core::{Clock, Id};
use shuzha_policy::{Dispatch, Fetched, Opened, UpstreamFault};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::ProxyError;
use crate::metrics::Metrics;
pub(crate) use health::Health;
use link::{Link, ReadFault, SendFault};
pub use stream::{PackageBody, StreamFault};
use target::{Instance, Target};
pub(crate) use timed::Timed;

/// How many times a request may be tried; only the last try may have sent anything.
const TRIES_MAX: usize = 2;

/// A product service as declared.
#[derive(Clone)]
pub struct UpstreamOptions {
    /// Its name, which products refer to.
    pub name: Id,
    /// Addresses of its instances.
    pub endpoints: Vec<SocketAddr>,
    /// Time to open a connection.
    pub connect_timeout: Duration,
    /// Longest pause between two pieces of a streamed answer.
    pub stall_timeout: Duration,
    /// Key of the gateway's signature on requests to it.
    pub key: Vec<u8>,
    /// A page that answers 200 when an instance is healthy; without one, taking a connection is enough.
    pub health_path: Option<String>,
}

impl std::fmt::Debug for UpstreamOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, endpoints, .. } = self;
        f.debug_struct("UpstreamOptions")
            .field("name", name)
            .field("endpoints", endpoints)
            .finish_non_exhaustive()
    }
}

type Targets = HashMap<Id, Arc<Target>>;

/// The product services that can be reached now.
pub struct Upstreams {
    targets: ArcSwap<Targets>,
    clock: Box<dyn Clock>,
    metrics: Arc<Metrics>,
    replaced: Notify,
}

impl Upstreams {
    pub(crate) fn new(
        options: &[UpstreamOptions],
        clock: impl Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ProxyError> {
        let upstreams =
            Self { targets: ArcSwap::default(), clock: Box::new(clock), metrics, replaced: Notify::new() };
        upstreams.set(options)?;
        Ok(upstreams)
    }

    /// Replaces the set of product services. Calls in flight end where they are; links to instances that stay are kept.
    ///
    /// # Errors
    /// [`ProxyError::Upstream`] for a declaration that cannot be used; nothing is replaced then.
    pub fn replace(&self, options: &[UpstreamOptions]) -> Result<(), ProxyError> {
        self.set(options)?;
        self.replaced.notify_one();
        Ok(())
    }

    fn set(&self, options: &[UpstreamOptions]) -> Result<(), ProxyError> {
        let old = self.targets.load();
        let mut new = Targets::with_capacity(options.len());
        for declared in options {
            let before = old.get(&declared.name).map(|target| &**target);
            let target = Target::build(declared, before, &self.metrics)?;
            if new.insert(declared.name.clone(), Arc::new(target)).is_some() {
                let reason = "is declared twice".to_owned();
                return Err(ProxyError::Upstream { name: declared.name.to_string(), reason });
            }
        }
        self.targets.store(Arc::new(new));
        Ok(())
    }

    /// Checks the health of every instance once, now.
    pub async fn check_health(&self) {
        let targets = self.targets.load_full();
        for target in targets.values() {
            let (healthy, unhealthy) = target.check().await;
            self.metrics.health(&target.options.name, healthy, unhealthy);
        }
    }

    fn target(&self, name: &Id) -> Result<Arc<Target>, UpstreamFault> {
        self.targets.load().get(name).cloned().ok_or(UpstreamFault::NoneHealthy)
    }

    async fn fetch(&self, dispatch: Dispatch<'_>) -> Result<Fetched, UpstreamFault> {
        let target = self.target(dispatch.upstream)?;
        let (by, bytes_max) = (link::due(dispatch.timeout), dispatch.answer_bytes_max);
        let fetching = async {
            let (mut link, instance, response) = self.send(&target, dispatch, by).await?;
            let (parts, body) = response.into_parts();
            if unreadable(&parts.headers)? {
                return Ok(Fetched { status: StatusCode::BAD_GATEWAY.as_u16(), body: Bytes::new() });
            }
            let body = link.read(body, bytes_max).await.map_err(|fault| match fault {
                ReadFault::TooLarge => UpstreamFault::TooLarge,
                ReadFault::Broken => UpstreamFault::Closed,
                ReadFault::Late => UpstreamFault::Timeout,
            })?;
            instance.pool.give(link);
            Ok(Fetched { status: parts.status.as_u16(), body })
        };
        let ended = fetching.await;
        count(&target, ended.as_ref().err());
        ended
    }

    async fn open(&self, dispatch: Dispatch<'_>) -> Result<Opened<PackageBody>, UpstreamFault> {
        let target = self.target(dispatch.upstream)?;
        let by = link::due(dispatch.timeout);
        let opening = async {
            let (link, instance, response) = self.send(&target, dispatch, by).await?;
            let (mut parts, body) = response.into_parts();
            // A compressed package cannot be resumed by ranges of what it holds.
            if unreadable(&parts.headers)? {
                return Err(UpstreamFault::Closed);
            }
            let length = parts.headers.get(header::CONTENT_LENGTH);
            let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
            let pool = Arc::clone(&instance.pool);
            Ok(Opened {
                status: parts.status.as_u16(),
                length,
                content_range: parts.headers.remove(header::CONTENT_RANGE),
                etag: parts.headers.remove(header::ETAG),
                stream: PackageBody::new(body, link, pool, target.options.stall_timeout),
            })
        };
        let ended = opening.await;
        count(&target, ended.as_ref().err());
        ended
    }

    /// Sends a request and waits for the head of its answer until `by`; again only when nothing of it was sent.
    async fn send<'t>(
        &self,
        target: &'t Target,
        dispatch: Dispatch<'_>,
        by: Instant,
    ) -> Result<(Link, &'t Instance, Response<Incoming>), UpstreamFault> {
        let mut request =
            request::request(&target.key, self.clock.now(), dispatch).ok_or(UpstreamFault::Unreachable)?;
        let mut fault = UpstreamFault::NoneHealthy;
        let mut tried = None;
        for _ in 0..TRIES_MAX {
            let Some(instance) = target.select() else { break };
            request.headers_mut().insert(header::HOST, instance.host.clone());
            let link = match instance.pool.take().await {
                Some(link) => Some(link),
                // An instance that refused a moment ago is not asked again.
                None if tried == Some(instance.address) => break,
                None => {
                    Link::connect(instance.address, link::due(target.options.connect_timeout).min(by)).await
                }
            };
            tried = Some(instance.address);
            let Some(mut link) = link else {
                fault = UpstreamFault::Unreachable;
                if Instant::now() >= by {
                    return Err(UpstreamFault::Timeout);
                }
                continue;
            };
            match link.send(request, by).await {
                Ok(response) => return Ok((link, instance, response)),
                Err(SendFault::Broken) => return Err(UpstreamFault::Closed),
                Err(SendFault::Late) => return Err(UpstreamFault::Timeout),
                Err(SendFault::Unsent(unsent)) => {
                    request = *unsent;
                    fault = UpstreamFault::Closed;
                    tried = None;
                }
            }
        }
        Err(fault)
    }
}

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstreams").field("names", &self.targets.load().keys()).finish_non_exhaustive()
    }
}

/// Whether an answer is compressed.
///
/// # Errors
/// [`UpstreamFault::Closed`] for two framings at once (RFC 9112 §6.3): where the answer ends is anyone's guess.
fn unreadable(headers: &HeaderMap) -> Result<bool, UpstreamFault> {
    if headers.contains_key(header::TRANSFER_ENCODING) && headers.contains_key(header::CONTENT_LENGTH) {
        return Err(UpstreamFault::Closed);
    }
    Ok(headers.get_all(header::CONTENT_ENCODING).iter().any(|value| value != "identity"))
}

fn count(target: &Target, fault: Option<&UpstreamFault>) {
    let outcomes = &target.outcomes;
    match fault {
        None => &outcomes.answered,
        Some(UpstreamFault::Unreachable) => &outcomes.unreachable,
        Some(UpstreamFault::NoneHealthy) => &outcomes.none_healthy,
        Some(UpstreamFault::Timeout) => &outcomes.timeout,
        Some(UpstreamFault::Closed) => &outcomes.closed,
        Some(UpstreamFault::TooLarge) => &outcomes.too_large,
    }
    .inc();
}
