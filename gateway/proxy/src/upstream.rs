//! The way to the product services: pooled HTTP/1.1 over Pingora's balancing and health checks.
//!
//! A request to a product service is made afresh: nothing of the caller's request but what policy passes on gets into it.
//! Redirects are not followed, compressed answers are refused (their size says nothing), and a request is sent again only
//! when no byte of it was sent before. What it says of its answer's length and place is checked before anyone relies on it.

mod engines;
mod health;
mod link;
mod pool;
mod proof;
mod request;
mod resolve;
mod sign;
mod stream;
mod target;
mod timed;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use shuzha_core::{Clock, Id};
use shuzha_policy::{Dispatch, Fetched, Opened, UpstreamFault};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::egress::Egress;
use crate::error::ProxyError;
use crate::metrics::Metrics;
pub(crate) use health::Health;
use link::{Link, ReadFault, SendFault};
pub use proof::Described;
pub use resolve::{Endpoint, Resolve, SystemResolver};
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
    /// Where its instances are.
    pub endpoints: Vec<Endpoint>,
    /// Time to open a connection.
    pub connect_timeout: Duration,
    /// Longest pause between two pieces of a streamed answer.
    pub stall_timeout: Duration,
    /// Key of the gateway's signature on requests to it.
    pub key: Vec<u8>,
    /// Whether it is declared to answer from synthetic data.
    pub synthetic: bool,
    /// Whether it must prove what it is before it is called, see [`Described`].
    pub prove: bool,
    /// What it must say of itself, where that was declared.
    pub described: Option<Described>,
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
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    egress: Arc<Egress>,
    resolver: Arc<dyn Resolve>,
    prove: Prove,
    /// Services behind reports: each is asked which domains it keeps whenever its health is checked.
    engines: ArcSwap<BTreeSet<Id>>,
    replaced: Notify,
}

/// How product services are reached.
pub(crate) struct Ways {
    pub(crate) egress: Arc<Egress>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) prove: Prove,
}

/// Which product services prove what they are before they are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prove {
    /// Those of which it was declared, and synthetic ones.
    Declared,
    /// These, and all others before a call that touches data of persons.
    Persons,
    /// Every one.
    All,
}

impl Upstreams {
    pub(crate) fn new(
        options: &[UpstreamOptions],
        clock: impl Clock,
        metrics: Arc<Metrics>,
        Ways { egress, resolver, prove }: Ways,
    ) -> Result<Self, ProxyError> {
        let (targets, engines, clock) = (ArcSwap::default(), ArcSwap::default(), Arc::new(clock));
        let replaced = Notify::new();
        let upstreams = Self { targets, clock, metrics, egress, resolver, prove, engines, replaced };
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
            let asked =
                UpstreamOptions { prove: declared.prove || self.prove == Prove::All, ..declared.clone() };
            let target = Target::build(&asked, before, &self.metrics, &self.egress)?;
            if new.insert(declared.name.clone(), Arc::new(target)).is_some() {
                let reason = "is declared twice".to_owned();
                return Err(ProxyError::Upstream { name: declared.name.to_string(), reason });
            }
        }
        self.targets.store(Arc::new(new));
        Ok(())
    }

    /// Notes that this process listens at one more address: no product service is there.
    pub fn listens_at(&self, address: SocketAddr) {
        self.egress.listens_at(address);
    }

    /// Allows these addresses beside the rules of egress, see [`Egress::lists`].
    pub fn lists(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        self.egress.lists(addresses);
    }

    /// Looks up where every product service is and checks the health of every instance once, now; one behind a report is asked
    /// which domains it keeps too. All at once: one whose name nobody answers for holds up no other.
    pub async fn check_health(&self) {
        let (targets, engines) = (self.targets.load_full(), self.engines.load_full());
        let mut checks = JoinSet::new();
        for target in targets.values().cloned() {
            let (resolver, egress) = (Arc::clone(&self.resolver), Arc::clone(&self.egress));
            let clock = engines.contains(&target.options.name).then(|| Arc::clone(&self.clock));
            checks.spawn(async move {
                target.look_up(&*resolver, &egress, true).await;
                let (healthy, unhealthy) = target.check().await;
                if let Some(clock) = clock {
                    engines::inquire(&target, &egress, &*clock).await;
                }
                (target, healthy, unhealthy)
            });
        }
        while let Some(checked) = checks.join_next().await {
            let (target, healthy, unhealthy) = checked.expect("a check does not panic");
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
            let length = body.size_hint().exact();
            // Without either, an end and a break look the same: a part would be passed on as the whole.
            let chunked = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
            if length.is_none() && !parts.headers.get(header::TRANSFER_ENCODING).is_some_and(chunked) {
                return Err(UpstreamFault::Closed);
            }
            if parts.headers.get_all(header::CONTENT_RANGE).iter().count() > 1 {
                return Err(UpstreamFault::Closed);
            }
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
    async fn send(
        &self,
        target: &Target,
        dispatch: Dispatch<'_>,
        by: Instant,
    ) -> Result<(Link, Arc<Instance>, Response<Incoming>), UpstreamFault> {
        let domain = dispatch.domain;
        let persons = dispatch.persons && self.prove == Prove::Persons;
        let proves = target.options.prove || persons || domain.is_some();
        let mut request =
            request::request(&target.key, self.clock.now(), dispatch).ok_or(UpstreamFault::Unreachable)?;
        let placing = target.look_up(&*self.resolver, &self.egress, false);
        tokio::time::timeout_at(by, placing).await.map_err(|_| UpstreamFault::NoneHealthy)?;
        let mut fault = UpstreamFault::NoneHealthy;
        let mut tried = None;
        for _ in 0..TRIES_MAX {
            let instance = match target.select() {
                Ok(instance) => instance,
                Err(why) if tried.is_none() => return Err(why),
                Err(_) => break,
            };
            self.may_connect(target, instance.address)?;
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
            let demanded = if proves {
                proof::demand(&mut link, &instance, target, domain, &*self.clock, by).await
            } else {
                Ok(())
            };
            match demanded {
                Ok(()) => {}
                // The connection broke off before the call was sent on it: another may hold.
                Err(UpstreamFault::Unreachable) => {
                    (fault, tried) = (UpstreamFault::Unreachable, None);
                    continue;
                }
                Err(why) => return Err(why),
            }
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

    /// Judges an address where it is about to be connected to, whatever was found when its name was looked up.
    ///
    /// # Errors
    /// [`UpstreamFault::NotAllowed`] outside of what the configuration allows; [`UpstreamFault::Unproved`] where `target`
    /// is declared as real and a synthetic service proved to be at the address: no instance stands for both.
    fn may_connect(&self, target: &Target, address: SocketAddr) -> Result<(), UpstreamFault> {
        if !self.egress.permits(address) {
            return Err(UpstreamFault::NotAllowed);
        }
        let targets = self.targets.load();
        let mut synthetic = targets.values().filter(|other| other.options.synthetic);
        if !target.options.synthetic && synthetic.any(|other| other.proved_synthetic_at(address)) {
            tracing::error!(upstream = %target.options.name, instance = %address, "a synthetic service is there");
            return Err(UpstreamFault::Unproved);
        }
        Ok(())
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
/// [`UpstreamFault::Closed`] for two framings at once (RFC 9112 §6.3), or a length that is not one number: where the
/// answer ends is anyone's guess.
fn unreadable(headers: &HeaderMap) -> Result<bool, UpstreamFault> {
    let lengths = headers.get_all(header::CONTENT_LENGTH);
    let digits = |value: &http::HeaderValue| value.as_bytes().iter().all(u8::is_ascii_digit);
    let framings = lengths.iter().count() + headers.get_all(header::TRANSFER_ENCODING).iter().count();
    if framings > 1 || !lengths.iter().all(digits) {
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
        Some(UpstreamFault::NotAllowed) => &outcomes.not_allowed,
        Some(UpstreamFault::Unproved) => &outcomes.unproved,
        Some(UpstreamFault::OtherDomain) => &outcomes.other_domain,
    }
    .inc();
}
