//! The data plane as a server: options, building, running, stopping.
//!
//! Pingora's [`Server`](pingora_core::server::Server) owns the runtimes and the services: the data listener, the
//! operations listener and the health checks. Nothing process-wide is touched: no daemon, no pid file, no signal, so
//! a program can run several servers on threads of its own and obeys signals itself (`gateway/node/src/signals.rs`).

mod handover;
mod listening;
mod sockets;
mod stop;
mod tls;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use pingora_core::server::configuration::ServerConf;
use pingora_core::server::{RunArgs, Server};
use pingora_core::services::background::background_service;
use prometheus::Registry as Metered;
use shuzha_core::{Clock, Id};
use tokio::sync::watch;

use crate::connection::Registry;
use crate::edge::data::DataEdge;
use crate::edge::operations::OperationsEdge;
use crate::egress::Egress;
use crate::error::ProxyError;
use crate::gate::{Gate, Operator};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::pages::Pages;
use crate::peers::Peers;
use crate::upstream::{Health, Prove, Resolve, UpstreamOptions, Upstreams, Ways};
use listening::Listening;
pub use sockets::{Addresses, Sockets};
use stop::{Order, Stopping};
pub use tls::{CertificateState, RENEW_DAYS, TlsOptions};
use tls::{Renew, Renewal};

/// What a server is built from.
pub struct Options<G, O, C> {
    /// Policy.
    pub gate: Arc<G>,
    /// The program around, for the operations listener.
    pub operator: Arc<O>,
    /// Where the time comes from.
    pub clock: C,
    /// Listening sockets, bound or taken over.
    pub sockets: Sockets,
    /// TLS on the data listener; plain TCP without.
    pub tls: Option<TlsOptions>,
    /// Limits of the data listener.
    pub limits: Limits,
    /// The product services.
    pub upstreams: Vec<UpstreamOptions>,
    /// What may be connected to for them; the server's own listeners are added.
    pub egress: Arc<Egress>,
    /// Who finds the addresses of names.
    pub resolver: Arc<dyn Resolve>,
    /// Which product services prove what they are before they are called.
    pub prove: Prove,
    /// Where metrics are registered; `/metrics` shows all of it.
    pub metrics: Metered,
    /// Refusal codes and the Markdown that explains each.
    pub error_pages: &'static [(&'static str, &'static str)],
    /// Threads that serve the data listener, at least one.
    pub threads: usize,
    /// Whether idle threads take over tasks of busy ones. With more than one thread they always do; one thread can be
    /// spared the bookkeeping.
    pub work_stealing: bool,
    /// The Unix socket at which a new process waits for our sockets, see [`Sockets::take_over`].
    pub upgrade_socket: Option<PathBuf>,
    /// Run when no connection is open any more and all tasks have ended; closes the journal.
    pub on_drained: Option<Box<dyn FnOnce() + Send>>,
}

impl<G: Gate, O: Operator, C: Clock + Clone> Options<G, O, C> {
    /// Builds the server. Callers can connect from here on; they are accepted once it runs.
    ///
    /// # Errors
    /// [`ProxyError`] says which file, upstream or metric cannot be used.
    pub fn build(self) -> Result<Proxy, ProxyError> {
        let addresses = self.sockets.addresses()?;
        let kept = self.sockets.try_clone()?;
        let metrics = Arc::new(Metrics::register(&self.metrics)?);
        addresses.data.iter().chain(&addresses.operations).for_each(|own| self.egress.listens_at(*own));
        let ways = Ways { egress: self.egress, resolver: self.resolver, prove: self.prove };
        let upstreams = Upstreams::new(&self.upstreams, self.clock.clone(), Arc::clone(&metrics), ways)?;
        let upstreams = Arc::new(upstreams);
        let (certificates, tls) = tls::open(self.tls.as_ref(), self.clock.clone(), &self.metrics)?;
        let connections = Arc::new(Registry::default());
        let peers = Arc::new(Peers::new(&self.limits));
        let (stop_data, data_stops) = watch::channel(false);
        let (stop_operations, operations_stop) = watch::channel(false);
        let data = Listening {
            name: "data",
            edge: Arc::new(DataEdge {
                gate: self.gate,
                clock: self.clock,
                upstreams: Arc::clone(&upstreams),
                pages: Pages::render(self.error_pages),
                limits: self.limits.clone(),
                metrics: Arc::clone(&metrics),
                peers: Arc::clone(&peers),
            }),
            peers: Arc::clone(&peers),
            sockets: self.sockets.data,
            tls,
            stop: Some(data_stops),
            connections: Arc::clone(&connections),
            threads: self.threads.max(1),
        };
        let limits = Limits { connections_max: OPERATIONS_CONNECTIONS_MAX, ..Limits::default() };
        let operations = Listening {
            name: "operations",
            peers: Arc::new(Peers::new(&limits)),
            edge: Arc::new(OperationsEdge {
                operator: self.operator,
                registry: self.metrics,
                connections: Arc::clone(&connections),
                callers: (peers, self.limits.connections_max),
                limits,
                metrics: Arc::clone(&metrics),
            }),
            sockets: self.sockets.operations.into_iter().collect(),
            tls: None,
            stop: Some(operations_stop),
            connections: Arc::default(),
            threads: 1,
        };
        let mut server =
            Server::new_with_opt_and_conf(None, configuration(self.work_stealing || self.threads > 1));
        server.add_service(data);
        server.add_service(operations);
        server.add_service(background_service("health", Health(Arc::clone(&upstreams))));
        server.add_service(background_service("certificates", Renewal(certificates.clone())));
        let (orders, watched) = watch::channel(None);
        let stopping = Stopping {
            orders: watched,
            stop_data,
            stop_operations,
            connections: Arc::clone(&connections),
            sockets: Mutex::new(Some(kept)),
            upgrade_socket: self.upgrade_socket,
            drain: self.limits.drain,
        };
        let shared = Shared {
            orders,
            addresses,
            connections,
            upstreams,
            metrics,
            certificates,
            upgrades: AtomicU32::new(0),
        };
        Ok(Proxy { server, stopping, handle: Handle(Arc::new(shared)), on_drained: self.on_drained })
    }
}

/// Connections on the operations listener.
const OPERATIONS_CONNECTIONS_MAX: usize = 64;

/// Pingora's configuration: no waiting of its own, see [`stop`]; everything process-wide stays off by default.
fn configuration(work_stealing: bool) -> ServerConf {
    ServerConf {
        work_stealing,
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    }
}

/// A server that has been built.
pub struct Proxy {
    server: Server,
    stopping: Stopping,
    handle: Handle,
    on_drained: Option<Box<dyn FnOnce() + Send>>,
}

impl Proxy {
    /// The way to ask and stop the server.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until stopped. Blocks its thread, which must not be one of an asynchronous runtime.
    pub fn run(self) {
        self.server.run(RunArgs { shutdown_signal: Box::new(self.stopping) });
        if let Some(drained) = self.on_drained {
            drained();
        }
    }
}

/// The way to ask and stop a running server; cheap to clone.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

struct Shared {
    orders: watch::Sender<Option<Order>>,
    addresses: Addresses,
    connections: Arc<Registry>,
    upstreams: Arc<Upstreams>,
    metrics: Arc<Metrics>,
    certificates: Option<Arc<dyn Renew>>,
    upgrades: AtomicU32,
}

impl Handle {
    /// Where the server listens; ports are real ones.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.0.addresses
    }

    /// Stops accepting, lets what is in flight finish, then ends the server.
    pub fn drain(&self) {
        self.0.orders.send_replace(Some(Order::Drain));
    }

    /// Ends the server at once; also while it drains.
    pub fn stop(&self) {
        self.0.orders.send_replace(Some(Order::Fast));
    }

    /// Passes the sockets to a new process that waits for them, then drains. Goes on serving when nobody takes them.
    pub fn upgrade(&self) {
        let number = self.0.upgrades.fetch_add(1, Ordering::Relaxed);
        self.0.orders.send_replace(Some(Order::Upgrade(number)));
    }

    /// Reads the TLS files again and takes them into use for handshakes from now on; none where the data listener has no
    /// TLS.
    ///
    /// # Errors
    /// [`ProxyError::Tls`] when they cannot be used; then the pair before stays in use.
    pub fn reload_certificate(&self) -> Result<Option<CertificateState>, ProxyError> {
        self.0.certificates.as_ref().map(|pair| pair.renew()).transpose()
    }

    /// Connections of callers open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.connections.len()
    }

    /// The product services, to replace them while running.
    #[must_use]
    pub fn upstreams(&self) -> &Upstreams {
        &self.0.upstreams
    }

    /// Names the products whose ids may be label values of metrics.
    pub fn publish<'a>(&self, products: impl IntoIterator<Item = &'a Id>) {
        self.0.metrics.publish(products);
    }
}
