//! The listener: connections bounded in number, time and size, and closed in order on a drain.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::Api;
use crate::limits::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX, Limits};
use crate::routes::Source;

/// How long nothing is accepted after the system refused to: file descriptors come back by themselves.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Api {
    /// Serves on `listener` until `drain` is ready; then lets requests in flight finish, within the limit, and ends.
    pub async fn serve(self, listener: TcpListener, drain: impl Future<Output = ()>) {
        let limits = self.limits.clone();
        let (draining, drained) = watch::channel(false);
        let places = Arc::new(Semaphore::new(limits.connections_max));
        let mut connections = JoinSet::new();
        let mut drain = std::pin::pin!(drain);
        loop {
            let accept = async {
                let place = Arc::clone(&places).acquire_owned().await.expect("the semaphore is never closed");
                (place, listener.accept().await)
            };
            tokio::select! {
                () = &mut drain => break,
                Some(_) = connections.join_next() => {}
                (place, accepted) = accept => match accepted {
                    Ok((stream, from)) => {
                        let connection = connection(self.clone(), stream, from, limits.clone(), drained.clone());
                        connections.spawn(async move {
                            connection.await;
                            drop(place);
                        });
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
    limits: Limits,
    mut drained: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Source(from.ip().to_canonical()));
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
