//! A bare pass-through proxy on Pingora's `ProxyHttp`, to compare the gateway with: `peer-pingora LISTEN UPSTREAM`.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use pingora_core::server::Server;
use pingora_core::server::configuration::ServerConf;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct PassThrough {
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for PassThrough {
    type CTX = ();
    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> pingora_core::Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let listen = args.next().context("usage: peer-pingora LISTEN UPSTREAM")?;
    let upstream: SocketAddr = args.next().context("usage: peer-pingora LISTEN UPSTREAM")?.parse()?;
    let conf = ServerConf {
        threads: 1,
        upstream_keepalive_pool_size: 256,
        // Asked to stop, it has nothing left to do.
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(0),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&Arc::clone(&server.configuration), PassThrough { upstream });
    service.add_tcp(&listen);
    server.add_service(service);
    server.run_forever()
}
