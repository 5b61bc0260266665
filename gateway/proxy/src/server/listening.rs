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
use tokio::sync::{Semaphore, watch};

use crate::connection::{self, Conn, Protocol, Registry, Ticket};
use crate::edge::Edge;

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
    permits: Arc<Semaphore>,
}

impl<E: Edge> Accepting<E> {
    /// Accepts until told to stop, then takes what the kernel has already queued.
    async fn run(self, listener: Listener, mut stop: watch::Receiver<bool>) {
        loop {
            let accepted = async {
                let permit = Arc::clone(&self.permits).acquire_owned().await.expect("it is never closed");
                listener.accept().await.map(|stream| (stream, permit))
            };
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                accepted = accepted => match accepted {
                    Ok((stream, permit)) => self.serve(stream, permit),
                    Err(fault) => {
                        tracing::warn!(%fault, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        while let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            match tokio::time::timeout(Duration::ZERO, listener.accept()).await {
                Ok(Ok(stream)) => self.serve(stream, permit),
                _ => break,
            }
        }
    }

    /// Serves a connection as a task of its own; it counts as open from here.
    fn serve(&self, mut stream: Accepted, permit: tokio::sync::OwnedSemaphorePermit) {
        let peer = stream.get_socket_digest().and_then(|digest| digest.peer_addr()?.as_inet().copied());
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip().to_canonical());
        if stream.set_nodelay().is_err() {
            return;
        }
        let conn = Arc::new(Conn::new(peer, self.tls.is_some()));
        let ticket = self.connections.enter(&conn);
        let (edge, tls) = (Arc::clone(&self.edge), self.tls.clone());
        tokio::runtime::Handle::current().spawn(async move {
            let _open: (Ticket, _) = (ticket, permit);
            match tls {
                None => connection::serve(Box::new(stream) as Stream, None, conn, edge).await,
                Some(tls) => {
                    let handshake = tokio::time::timeout(edge.limits().handshake, tls.tls_handshake(stream));
                    // A failed handshake says nothing but that somebody knocked.
                    let Ok(Ok(stream)) = handshake.await else { return };
                    let h2 = matches!(stream.selected_alpn_proto(), Some(ALPN::H2));
                    let alpn = if h2 { Protocol::H2 } else { Protocol::H1 };
                    connection::serve(Box::new(stream) as Stream, Some(alpn), conn, edge).await;
                }
            }
        });
    }
}

/// Resolves when no more connections are to be accepted, also when nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|&stop| stop).await);
}
