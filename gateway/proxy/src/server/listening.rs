//! One listener as a Pingora service: it accepts, finishes TLS, and serves each connection as a task.
//!
//! Pingora's own accept loop was left aside for four reasons: it gives a handshake 60 s, logs each failed one with the
//! caller's address, does not count a connection before its handshake is done (so a drain could miss it), and buffers
//! 64 KiB per connection.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::listeners::tls::Acceptor;
use pingora_core::protocols::l4::listener::Listener;
use pingora_core::protocols::l4::stream::Stream as Accepted;
use pingora_core::protocols::{ALPN, GetSocketDigest, Ssl, Stream};
use pingora_core::server::{ListenFds, ShutdownWatch};
use pingora_core::services::{ServiceReadyNotifier, ServiceWithDependents};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::client::{self, Told};
use crate::conn::{Conn, Protocol};
use crate::connection::{self, Registry, Ticket};
use crate::edge::Edge;
use crate::peers::{Held, Peers};

/// Pause after a failed accept, most often for want of file descriptors: until a connection closes, every further accept
/// fails at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener.
pub(super) struct Listening<E> {
    pub(super) name: &'static str,
    pub(super) edge: Arc<E>,
    pub(super) sockets: Vec<TcpListener>,
    pub(super) tls: Option<Arc<Acceptor>>,
    /// True once no more connections are to be accepted; dropped when the accept loops have ended.
    pub(super) stop: Option<watch::Receiver<bool>>,
    pub(super) connections: Arc<Registry>,
    /// What each address holds of the listener.
    pub(super) peers: Arc<Peers>,
    pub(super) threads: usize,
}

#[async_trait]
impl<E: Edge> ServiceWithDependents for Listening<E> {
    async fn start_service(
        &mut self,
        _fds: Option<ListenFds>,
        _shutdown: ShutdownWatch,
        _listeners_per_fd: usize,
        ready: ServiceReadyNotifier,
    ) {
        let Some(stop) = self.stop.take() else { return };
        let permits = Arc::new(Semaphore::new(self.edge.limits().connections_max));
        let mut loops = tokio::task::JoinSet::new();
        for socket in self.sockets.drain(..) {
            let listener = match tokio::net::TcpListener::from_std(socket) {
                Ok(listener) => Listener::Tcp(listener),
                Err(fault) => {
                    tracing::error!(%fault, listener = self.name, "a socket cannot be listened on");
                    continue;
                }
            };
            let accepting = Accepting {
                edge: Arc::clone(&self.edge),
                tls: self.tls.clone(),
                connections: Arc::clone(&self.connections),
                peers: Arc::clone(&self.peers),
                permits: Arc::clone(&permits),
            };
            loops.spawn(accepting.run(listener, stop.clone()));
        }
        drop(stop);
        ready.notify_ready();
        while loops.join_next().await.is_some() {}
    }

    fn name(&self) -> &str {
        self.name
    }

    fn threads(&self) -> Option<usize> {
        Some(self.threads)
    }

    fn listen_addresses(&self) -> Option<Vec<String>> {
        Some(Vec::new())
    }
}

struct Accepting<E> {
    edge: Arc<E>,
    tls: Option<Arc<Acceptor>>,
    connections: Arc<Registry>,
    peers: Arc<Peers>,
    permits: Arc<Semaphore>,
}

/// What a connection is served with: its place in the registry, of the listener's places and of its address's.
type Places = (Ticket, Option<OwnedSemaphorePermit>, Option<Held>);

/// A connection that was accepted and has no place yet.
struct Knock {
    stream: Accepted,
    conn: Arc<Conn>,
    of_address: Option<Held>,
}

impl<E: Edge> Accepting<E> {
    /// Accepts until told to stop, then takes what the kernel has already queued.
    async fn run(self, listener: Listener, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                accepted = listener.accept() => match accepted {
                    Ok(stream) => {
                        // Whoever has as many as it may makes nobody else go.
                        let Some(knock) = self.knock(stream) else { continue };
                        let permit = self.place(&mut stop).await;
                        self.serve(knock, permit);
                    }
                    Err(fault) => {
                        tracing::warn!(%fault, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        while let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            match tokio::time::timeout(Duration::ZERO, listener.accept()).await {
                Ok(Ok(stream)) => {
                    if let Some(knock) = self.knock(stream) {
                        self.serve(knock, Some(permit));
                    }
                }
                _ => break,
            }
        }
    }

    /// A place for one connection more. Where all are taken, the connection that has been idle for longest makes room; while
    /// none is idle, whoever comes waits. None when the listener stops meanwhile: the one at hand is served, and no other.
    async fn place(&self, stop: &mut watch::Receiver<bool>) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        let making_room = async {
            self.connections.make_room().await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            () = stopped(stop) => None,
            permit = Arc::clone(&self.permits).acquire_owned() => Some(permit.expect("it is never closed")),
            () = making_room => None,
        }
    }

    /// Who comes with `stream`; none where its address has as many connections as it may.
    fn knock(&self, mut stream: Accepted) -> Option<Knock> {
        let peer = stream.get_socket_digest().and_then(|digest| digest.peer_addr()?.as_inet().copied());
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip().to_canonical());
        stream.set_nodelay().ok()?;
        let trusted = self.edge.limits().trusted_proxies.contains(peer);
        let account = self.peers.of(peer);
        let of_address = if trusted { None } else { self.peers.connect(&account) };
        if !trusted && of_address.is_none() {
            self.edge.metrics().turned_away();
            return None;
        }
        let conn = Arc::new(Conn::new(peer, self.tls.is_some(), trusted, account));
        Some(Knock { stream, conn, of_address })
    }

    /// Serves a connection as a task of its own; it counts as open from here.
    fn serve(&self, knock: Knock, permit: Option<OwnedSemaphorePermit>) {
        let Knock { stream, conn, of_address } = knock;
        let ticket = self.connections.enter(&conn);
        let places = (ticket, permit, of_address);
        let opening = Opening {
            edge: Arc::clone(&self.edge),
            tls: self.tls.clone(),
            connections: Arc::clone(&self.connections),
            peers: Arc::clone(&self.peers),
        };
        if conn.trusted && self.edge.limits().trusted_proxies.told == Told::ProxyProtocol {
            tokio::runtime::Handle::current().spawn(opening.passed_on(stream, conn, places));
        } else {
            tokio::runtime::Handle::current().spawn(opening.open(stream, conn, places));
        }
    }
}

/// What a connection needs until HTTP is spoken on it.
struct Opening<E> {
    edge: Arc<E>,
    tls: Option<Arc<Acceptor>>,
    connections: Arc<Registry>,
    peers: Arc<Peers>,
}

impl<E: Edge> Opening<E> {
    /// Of a trusted proxy that tells the caller's address first: from then on the connection is that caller's.
    async fn passed_on(self, mut stream: Accepted, conn: Arc<Conn>, places: Places) {
        let told = tokio::time::timeout(self.edge.limits().handshake, client::read_proxy_header(&mut stream));
        let told = tokio::select! {
            () = conn.cut_off() => return,
            told = told => told,
        };
        match told {
            Ok(Ok(Some(peer))) => {
                let account = self.peers.of(peer);
                let Some(of_address) = self.peers.connect(&account) else {
                    return self.edge.metrics().turned_away();
                };
                let caller = Arc::new(Conn::new(peer, conn.secure, false, account));
                let ticket = self.connections.enter(&caller);
                let (of_proxy, permit, _) = places;
                drop(of_proxy);
                let places = (ticket, permit, Some(of_address));
                self.open(stream, caller, places).await;
            }
            // The proxy speaks for itself: a health check.
            Ok(Ok(None)) => self.open(stream, conn, places).await,
            Ok(Err(fault)) => {
                tracing::debug!(%fault, "a trusted proxy sent no PROXY header");
            }
            Err(_late) => {}
        }
    }

    /// Finishes TLS, where there is any, and serves.
    async fn open(self, stream: Accepted, conn: Arc<Conn>, places: Places) {
        let Self { edge, tls, peers, .. } = self;
        let _places = places;
        let Some(tls) = tls else {
            return connection::serve(Box::new(stream) as Stream, None, conn, edge).await;
        };
        let stream = {
            let under_way = peers.handshake(&conn.account);
            if under_way.is_none() && !conn.trusted {
                return edge.metrics().turned_away();
            }
            let handshake = tokio::time::timeout(edge.limits().handshake, tls.tls_handshake(stream));
            let done = tokio::select! {
                () = conn.cut_off() => return,
                done = handshake => done,
            };
            // A failed handshake says nothing but that somebody knocked.
            let Ok(Ok(stream)) = done else { return };
            stream
        };
        let h2 = matches!(stream.selected_alpn_proto(), Some(ALPN::H2));
        let alpn = if h2 { Protocol::H2 } else { Protocol::H1 };
        connection::serve(Box::new(stream) as Stream, Some(alpn), conn, edge).await;
    }
}

/// Resolves when no more connections are to be accepted, also when nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|&stop| stop).await);
}
