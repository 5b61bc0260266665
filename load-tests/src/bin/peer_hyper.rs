//! A bare pass-through proxy on hyper, to compare the gateway with: `peer-hyper LISTEN UPSTREAM`.
//!
//! It does no more than a proxy must: hop-by-hop headers dropped, bodies read whole, upstream connections pooled.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Pool = Client<HttpConnector, Full<Bytes>>;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let listen: SocketAddr = args.next().context("usage: peer-hyper LISTEN UPSTREAM")?.parse()?;
    let upstream: SocketAddr = args.next().context("usage: peer-hyper LISTEN UPSTREAM")?.parse()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(listen, upstream))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a peer ends with its process; nothing waits for its connections"
)]
async fn serve(listen: SocketAddr, upstream: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(listen).await?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let pool: Pool = Client::builder(TokioExecutor::new()).build(connector);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pool = pool.clone();
        tokio::task::spawn(async move {
            let service = service_fn(move |request| pass(pool.clone(), upstream, request));
            // A connection that fails is the generator's to count.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn pass(pool: Pool, upstream: SocketAddr, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = Uri::builder().scheme("http").authority(upstream.to_string()).path_and_query(path).build()?;
    head.headers.remove(CONNECTION);
    head.headers.remove(TRANSFER_ENCODING);
    let (mut head, body) = pool.request(Request::from_parts(head, Full::new(body))).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    head.headers.remove(CONNECTION);
    Ok(Response::from_parts(head, Full::new(body)))
}
