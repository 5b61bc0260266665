//! One product service: its instances, which of them are healthy, and the links to them.
//!
//! Where its instances are is looked up when it is called or checked, each service by itself: a name that nobody resolves
//! makes this service away, and nothing else.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
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
use shuzha_policy::{DomainDigest, UpstreamFault};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::UpstreamOptions;
use super::link::Link;
use super::pool::Pool;
use super::resolve::{Endpoint, Resolve};
use crate::egress::Egress;
use crate::error::ProxyError;
use crate::metrics::Metrics;

/// Checks in a row that must fail before an instance is left out; one good check brings it back.
const FAILURES_TO_LEAVE_OUT: usize = 2;
/// Longest answer to a health check that is read.
const HEALTH_BYTES_MAX: usize = 4 * 1024;
/// Longest wait for the addresses of one name.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Least time between two look-ups that calls wait for.
const RESOLVE_PAUSE: Duration = Duration::from_secs(1);
/// Most instances that the names of one service may lead to.
const INSTANCES_MAX: usize = 256;

/// An instance of a product service.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) address: SocketAddr,
    /// `Host` of requests to it.
    pub(super) host: HeaderValue,
    pub(super) pool: Arc<Pool>,
    /// Whether a service that answers from synthetic data proved to be here.
    synthetic: AtomicBool,
    /// Digests of the domains that the service here said it keeps; none before it said anything.
    domains: ArcSwapOption<Vec<String>>,
    /// Whether it was asked last and gave no good description.
    silent: AtomicBool,
}

impl Instance {
    /// Notes what proved to be here.
    pub(super) fn proved(&self, synthetic: bool, domains: Vec<String>) {
        self.synthetic.store(synthetic, Relaxed);
        self.domains.store(Some(Arc::new(domains)));
        self.silent.store(false, Relaxed);
    }

    /// Notes that what is here did not prove to be the declared service; whether that is new. It is asked again before anything
    /// is sent to it.
    pub(super) fn unproved(&self) -> bool {
        self.domains.store(None);
        !self.silent.swap(true, Relaxed)
    }

    /// Whether what is here was asked last and gave no good description.
    pub(super) fn is_silent(&self) -> bool {
        self.silent.load(Relaxed)
    }

    /// Whether the service here keeps the domain; none before it said anything.
    pub(super) fn keeps(&self, domain: DomainDigest) -> Option<bool> {
        let (said, digest) = (self.domains.load_full()?, domain.to_string());
        Some(said.contains(&digest))
    }

    /// Whether a service that answers from synthetic data proved to be here.
    pub(super) fn is_synthetic(&self) -> bool {
        self.synthetic.load(Relaxed)
    }
}

/// Where a service was found to be.
struct Placed {
    instances: HashMap<SocketAddr, Arc<Instance>>,
    /// None without instances.
    balancer: Option<LoadBalancer<RoundRobin>>,
    /// Addresses that it has and that may not be connected to.
    refused: BTreeSet<SocketAddr>,
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
    pub(super) not_allowed: IntCounter,
    pub(super) unproved: IntCounter,
    pub(super) other_domain: IntCounter,
}

/// A product service.
pub(super) struct Target {
    pub(super) options: UpstreamOptions,
    pub(super) key: hmac::Key,
    pub(super) outcomes: Outcomes,
    health: Option<Uri>,
    placed: ArcSwap<Placed>,
    /// When its names were looked up last; held while they are, so that one look-up serves all who wait.
    looked_up: Mutex<Option<Instant>>,
}

impl Target {
    /// The product service that `options` declare; links to instances that `old` already had are taken over. Names are not
    /// looked up yet.
    pub(super) fn build(
        options: &UpstreamOptions,
        old: Option<&Self>,
        metrics: &Metrics,
        egress: &Arc<Egress>,
    ) -> Result<Self, ProxyError> {
        let bad =
            |reason: &str| ProxyError::Upstream { name: options.name.to_string(), reason: reason.to_owned() };
        if options.endpoints.is_empty() {
            return Err(bad("names no endpoint"));
        }
        let health = options.health_path.as_deref().map(Uri::try_from).transpose();
        let health = health.map_err(|_| bad("health_path is not a path"))?;
        let outcome = |outcome| metrics.upstream(&options.name, outcome);
        let same = old.filter(|old| old.options.endpoints == options.endpoints);
        let target = Self {
            options: options.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &options.key),
            outcomes: Outcomes {
                answered: outcome("answered"),
                unreachable: outcome("unreachable"),
                none_healthy: outcome("none_healthy"),
                timeout: outcome("timeout"),
                closed: outcome("closed"),
                too_large: outcome("too_large"),
                not_allowed: outcome("not_allowed"),
                unproved: outcome("unproved"),
                other_domain: outcome("other_domain"),
            },
            health,
            placed: ArcSwap::from_pointee(Placed {
                instances: HashMap::new(),
                balancer: None,
                refused: BTreeSet::new(),
            }),
            looked_up: Mutex::new(None),
        };
        let known = options.endpoints.iter().filter_map(|endpoint| match endpoint {
            Endpoint::Address(address) => Some(*address),
            Endpoint::Name { .. } => None,
        });
        // What names led to before holds until they are looked up again.
        let before = same.map(|same| same.placed.load_full());
        let before = before.iter().flat_map(|placed| placed.instances.keys().copied());
        target.place(known.chain(before).collect(), old, egress)?;
        Ok(target)
    }

    /// Puts the service at `addresses`, as far as they may be connected to. Links of a key that is the same are kept.
    fn place(
        &self,
        addresses: BTreeSet<SocketAddr>,
        old: Option<&Self>,
        egress: &Arc<Egress>,
    ) -> Result<(), ProxyError> {
        let (permitted, refused): (BTreeSet<_>, BTreeSet<_>) =
            addresses.into_iter().take(INSTANCES_MAX).partition(|address| egress.permits(*address));
        let (own, before) = (self.placed.load(), old.map(|old| (old, old.placed.load())));
        if !permitted.is_empty() && own.instances.keys().copied().collect::<BTreeSet<_>>() == permitted {
            return Ok(());
        }
        if own.refused != refused && !refused.is_empty() {
            tracing::error!(upstream = %self.options.name, addresses = ?refused, "outside what the configuration allows");
        }
        let kept = |address: &SocketAddr| {
            let of_old = before.as_ref().filter(|(old, _)| old.may_share_links(self));
            own.instances
                .get(address)
                .or_else(|| of_old.and_then(|(_, placed)| placed.instances.get(address)))
        };
        let instance = |&address: &SocketAddr| {
            let instance = kept(&address).cloned().unwrap_or_else(|| {
                let host = HeaderValue::try_from(address.to_string()).expect("an address is ASCII");
                let (pool, synthetic) = (Arc::default(), AtomicBool::new(false));
                Arc::new(Instance {
                    address,
                    host,
                    pool,
                    synthetic,
                    domains: ArcSwapOption::empty(),
                    silent: AtomicBool::new(false),
                })
            });
            (address, instance)
        };
        let instances: HashMap<_, _> = permitted.iter().map(instance).collect();
        let balancer = if permitted.is_empty() {
            None
        } else {
            let mut balancer = LoadBalancer::try_from_iter(&permitted)?;
            let (within, egress) = (self.options.connect_timeout, Arc::clone(egress));
            balancer.set_health_check(Box::new(Probe { path: self.health.clone(), within, egress }));
            Some(balancer)
        };
        self.placed.store(Arc::new(Placed { instances, balancer, refused }));
        Ok(())
    }

    /// Whether a link that was made for this declaration can serve the other: what it proved to be is the same.
    fn may_share_links(&self, other: &Self) -> bool {
        let (one, other) = (&self.options, &other.options);
        let declared = |of: &UpstreamOptions| (of.prove, of.synthetic, of.described.clone());
        one.key == other.key && declared(one) == declared(other)
    }

    /// Looks up where its names lead now. Answers at once where it has no names, or, for a caller, where it is placed.
    pub(super) async fn look_up(&self, resolver: &dyn Resolve, egress: &Arc<Egress>, anew: bool) {
        if self.options.endpoints.iter().all(|endpoint| matches!(endpoint, Endpoint::Address(_))) {
            return;
        }
        if !anew && self.is_placed() {
            return;
        }
        let mut looked_up = self.looked_up.lock().await;
        let lately = looked_up.is_some_and(|at| at.elapsed() < RESOLVE_PAUSE);
        if !anew && (self.is_placed() || lately) {
            return;
        }
        let mut addresses = BTreeSet::new();
        for endpoint in &self.options.endpoints {
            let (host, port) = match endpoint {
                Endpoint::Address(address) => {
                    addresses.insert(*address);
                    continue;
                }
                Endpoint::Name { host, port } => (host, *port),
            };
            match tokio::time::timeout(RESOLVE_TIMEOUT, resolver.resolve(host, port)).await {
                Ok(Ok(found)) => addresses.extend(found),
                // Where it was stays good while nobody can be asked: each connection is judged again.
                Ok(Err(_)) | Err(_) => {
                    tracing::warn!(upstream = %self.options.name, endpoint = %endpoint, "has no address");
                    addresses.extend(self.placed.load().instances.keys());
                }
            }
        }
        *looked_up = Some(Instant::now());
        if let Err(error) = self.place(addresses, None, egress) {
            tracing::error!(upstream = %self.options.name, %error, "its instances cannot be used");
        }
    }

    fn is_placed(&self) -> bool {
        let placed = self.placed.load();
        !placed.instances.is_empty() || !placed.refused.is_empty()
    }

    /// The next healthy instance in turn.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn select(&self) -> Result<Arc<Instance>, UpstreamFault> {
        let placed = self.placed.load();
        let Some(balancer) = &placed.balancer else {
            let refused = !placed.refused.is_empty();
            return Err(if refused { UpstreamFault::NotAllowed } else { UpstreamFault::NoneHealthy });
        };
        let backend = balancer.select(b"", placed.instances.len() + 1).ok_or(UpstreamFault::NoneHealthy)?;
        let instance = backend.as_inet().and_then(|address| placed.instances.get(address));
        instance.cloned().ok_or(UpstreamFault::NoneHealthy)
    }

    /// Whether a service that answers from synthetic data proved to be at `address`.
    pub(super) fn proved_synthetic_at(&self, address: SocketAddr) -> bool {
        self.placed.load().instances.get(&address).is_some_and(|instance| instance.is_synthetic())
    }

    /// Whether no instance is known to keep another domain.
    pub(super) fn keeps(&self, domain: DomainDigest) -> bool {
        self.placed.load().instances.values().all(|instance| instance.keeps(domain) != Some(false))
    }

    /// Whether an instance keeps another domain, or was asked and said nothing.
    pub(super) fn denies(&self, domain: DomainDigest) -> bool {
        let denies = |instance: &Instance| instance.is_silent() || instance.keeps(domain) == Some(false);
        self.placed.load().instances.values().any(|instance| denies(instance))
    }

    /// The instances as they are placed now.
    pub(super) fn instances(&self) -> Vec<Arc<Instance>> {
        self.placed.load().instances.values().cloned().collect()
    }

    /// Checks every instance once; how many are healthy, and how many are not.
    pub(super) async fn check(&self) -> (usize, usize) {
        let placed = self.placed.load_full();
        let Some(balancer) = &placed.balancer else { return (0, placed.refused.len()) };
        balancer.backends().run_health_check(true).await;
        let all = balancer.backends().get_backend();
        let healthy = all.iter().filter(|backend| balancer.backends().ready(backend)).count();
        (healthy, all.len() - healthy)
    }
}

/// Is an instance there: it takes a connection, and if it has a health page, answers 200 on it.
struct Probe {
    path: Option<Uri>,
    within: Duration,
    egress: Arc<Egress>,
}

#[async_trait]
impl HealthCheck for Probe {
    async fn check(&self, target: &Backend) -> pingora_core::Result<()> {
        let failed = |why| Error::explain(ErrorType::ConnectError, why);
        let address = *target.as_inet().ok_or_else(|| failed("not an internet address"))?;
        if !self.egress.permits(address) {
            return Err(failed("outside what the configuration allows"));
        }
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
