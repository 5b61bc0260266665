//! The HTTP shell that all product services share: `Options` → [`Service::bind`] → [`Service::run`].
//!
//! HTTP/1.1 on one listener, every queue and wait bounded by a constant below. The only route without the
//! gateway's signature is `GET /healthz`. The connections belong to [`Service::run`], which ends when all of
//! them have.

pub(crate) mod call;
mod exchange;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use shuzha_core::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::Error;
use crate::description::Description;
use crate::signature::GatewayKey;

pub use call::{Answer, Call};

/// Most bytes of a request's body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of a request's head.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Most header fields of a request.
pub const HEADERS_MAX: usize = 64;
/// Most connections at once; the next one waits in the listener's queue.
pub const CONNECTIONS_MAX: usize = 1024;
/// A request's head must be complete, and an idle connection used again, within this time.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// A request's body must be complete within this time.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls under way when the service is asked to end have this long to be answered.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to rest when the system has no descriptor for a new connection.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// One product service: what it is called and how it answers.
///
/// `answer` is called for signed calls only. It computes from memory and does not wait, so it is not
/// asynchronous.
pub trait Product: Send + Sync + 'static {
    /// The service's name, as in the command line.
    fn name(&self) -> &'static str;

    /// The contract it answers by, as text: its digest is in the service's description of itself.
    fn contract(&self) -> &'static str {
        self.name()
    }

    /// Digests of the domains that a statistics engine keeps; of none for others.
    fn domains(&self) -> Vec<String> {
        Vec::new()
    }

    /// Answers one call of the gateway.
    fn answer(&self, call: &Call<'_>) -> Answer;
}

/// Where a service listens and whom it answers.
#[derive(Clone, Debug)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The key shared with the gateway.
    pub key: GatewayKey,
    /// Whether it says that it answers from synthetic data, as a service behind a sandbox must.
    pub synthetic: bool,
}

/// A product service that holds its listener and waits to be run.
pub struct Service {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What every connection needs.
struct Shared {
    product: Box<dyn Product>,
    key: GatewayKey,
    description: Description,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name())
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Takes the address. Connections wait in the listener's queue until [`run`](Self::run).
    ///
    /// # Errors
    /// [`Error::Listen`] when the address is taken or not ours.
    pub async fn bind(
        options: Options,
        product: Box<dyn Product>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let description = Description::new(product.contract(), options.synthetic).keeping(product.domains());
        let shared = Shared { product, key: options.key, description, clock };
        Ok(Self { listener, address, shared: Arc::new(shared) })
    }

    /// The address that was taken, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it says of itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.shared.description
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.shared.product.name()
    }

    /// Serves until `drain` turns true (or its sender is gone), then answers the calls under way, for at most
    /// [`DRAIN_TIMEOUT`], and returns.
    pub async fn run(self, mut drain: watch::Receiver<bool>) {
        let name = self.name();
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        tracing::info!(service = name, listen = %self.address, "serving");
        loop {
            tokio::select! {
                () = ending(&mut drain) => break,
                Some(_) = connections.join_next() => {}
                (stream, place) = accept(&self.listener, &places) => {
                    let (shared, drain) = (self.shared.clone(), drain.clone());
                    connections.spawn(async move {
                        serve(stream, shared, drain).await;
                        drop(place);
                    });
                }
            }
        }
        drop(self.listener);
        let rest = async { while connections.join_next().await.is_some() {} };
        let whole = tokio::time::timeout(DRAIN_TIMEOUT, rest).await.is_ok();
        tracing::info!(service = name, whole, "ended");
    }
}

/// Returns when the service is asked to end, or nobody is left who could ask.
async fn ending(drain: &mut watch::Receiver<bool>) {
    let _ = drain.wait_for(|&ending| ending).await;
}

/// The next connection, with the place it takes among [`CONNECTIONS_MAX`].
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, tokio::sync::OwnedSemaphorePermit) {
    let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, _peer)) => return (stream, place),
            // Out of descriptors or a connection reset in the queue: neither is a reason to end.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

/// Serves one connection until it closes; at the drain, until its present call is answered.
async fn serve(stream: TcpStream, shared: Arc<Shared>, mut drain: watch::Receiver<bool>) {
    // Answers are written whole, so waiting for more to send only adds delay. A socket that refuses still
    // works.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(exchange::run(&shared, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending(&mut drain) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Broken framing and closed peers are the other side's affair; hyper has answered what can be answered.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
