//! The listener: connections bounded in number, by address, in time and size, and closed in order on a drain.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Api;
use crate::connections::{Connections, Place};
use crate::limits::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX, Limits};
use crate::source::{Source, client};

/// How long nothing is accepted after the system refused to: file descriptors come back by themselves.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Api {
    /// Serves on `listener` until `drain` is ready; then lets requests in flight finish, within the limit, and ends.
    pub async fn serve(self, listener: TcpListener, drain: impl Future<Output = ()>) {
        let limits = Arc::new(self.limits.clone());
        let (draining, drained) = watch::channel(false);
        let places = Arc::new(Connections::new(&limits));
        let mut connections = JoinSet::new();
        let mut drain = std::pin::pin!(drain);
        loop {
            tokio::select! {
                () = &mut drain => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        // Where every place is held by a request under way the connection is dropped.
                        let Some(place) = places.enter(from.ip()) else { continue };
                        let (api, limits) = (self.clone(), Arc::clone(&limits));
                        connections.spawn(connection(api, stream, from, limits, place, drained.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no connection could be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        draining.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(limits.drain, all).await.is_err() {
            tracing::warn!("connections were cut off at the end of the drain");
        }
    }
}

/// Serves one connection. What goes wrong on it is its caller's to notice.
async fn connection(
    api: Api,
    stream: TcpStream,
    from: SocketAddr,
    limits: Arc<Limits>,
    place: Place,
    mut drained: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let (trusted, use_of) = (Arc::clone(&limits), place.use_of());
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        let source = Source(client(from.ip(), request.headers(), &trusted.trusted_proxies));
        request.extensions_mut().insert(source);
        request.extensions_mut().insert(use_of.clone());
        TowerToHyperService::new(api.router.clone()).call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEAD_FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let lifetime = tokio::time::sleep(limits.connection);
    let over = async {
        tokio::select! {
            () = lifetime => {}
            _ = drained.wait_for(|drained| *drained) => {}
        }
    };
    tokio::select! {
        ended = &mut serving => return note(ended),
        // Nothing whole is under way on it: there is nobody to wait for.
        () = place.evicted() => return,
        () = over => {}
    }
    serving.as_mut().graceful_shutdown();
    if let Ok(ended) = tokio::time::timeout(limits.drain, serving).await {
        note(ended);
    }
}

fn note(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
