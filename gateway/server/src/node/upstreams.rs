//! The product services of a world as the data plane wants them: addresses resolved, keys loaded.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use shuzha_core::Id;
use shuzha_policy::LeftOut;
use shuzha_products::World;
use shuzha_products::upstream::Upstream;
use shuzha_proxy::UpstreamOptions;

use crate::secret_file;

/// Time to open a connection to a product service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest pause between two pieces of a package.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Options for every product service in `world` that can be used, and what is wrong with each other one. A key file that is
/// missing is made where `make` says so: its copy goes to the service.
pub(crate) fn options(
    world: &World,
    data_dir: &Path,
    instead: &HashMap<String, SocketAddr>,
    make: bool,
) -> (Vec<UpstreamOptions>, Vec<LeftOut>) {
    let (mut options, mut left_out) = (Vec::new(), Vec::new());
    for (name, upstream) in &world.upstreams {
        match one(name, upstream, data_dir, instead, make) {
            Ok(made) => options.push(made),
            Err(error) => left_out.push(LeftOut {
                kind: "Upstream".to_owned(),
                name: name.clone(),
                reason: format!("{error:#}"),
                dangling: false,
            }),
        }
    }
    (options, left_out)
}

fn one(
    name: &Id,
    upstream: &Upstream,
    data_dir: &Path,
    instead: &HashMap<String, SocketAddr>,
    make: bool,
) -> Result<UpstreamOptions> {
    let endpoints = match instead.get(name.as_str()) {
        Some(address) => vec![*address],
        None => resolve(name, upstream)?,
    };
    let path = data_dir.join(&upstream.key_file);
    let key = if make || path.exists() { secret_file::load_or_create(&path)?.to_vec() } else { Vec::new() };
    Ok(UpstreamOptions {
        name: name.clone(),
        endpoints,
        connect_timeout: CONNECT_TIMEOUT.min(upstream.timeout),
        stall_timeout: STALL_TIMEOUT,
        key,
        health_path: upstream.health_path.clone(),
    })
}

fn resolve(name: &Id, upstream: &Upstream) -> Result<Vec<SocketAddr>> {
    let mut addresses = Vec::new();
    for endpoint in &upstream.endpoints {
        let found = (endpoint.host(), endpoint.port())
            .to_socket_addrs()
            .with_context(|| format!("upstream {name}: {} has no address", endpoint.host()))?;
        addresses.extend(found);
    }
    Ok(addresses)
}
