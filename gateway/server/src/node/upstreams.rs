//! The product services of a world as the data plane wants them: addresses resolved, keys loaded.

use std::collections::HashMap;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use shuzha_core::Id;
use shuzha_products::World;
use shuzha_products::upstream::Upstream;
use shuzha_proxy::UpstreamOptions;

use crate::secret_file;

/// Time to open a connection to a product service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest pause between two pieces of a package.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Options for every product service in `world`. A key file that is missing is made: its copy goes to the service.
pub(crate) fn options(
    world: &World,
    data_dir: &Path,
    instead: &HashMap<String, SocketAddr>,
) -> Result<Vec<UpstreamOptions>> {
    let mut options = Vec::new();
    for (name, upstream) in &world.upstreams {
        let endpoints = match instead.get(name.as_str()) {
            Some(address) => vec![*address],
            None => resolve(name, upstream)?,
        };
        options.push(UpstreamOptions {
            name: name.clone(),
            endpoints,
            connect_timeout: CONNECT_TIMEOUT.min(upstream.timeout),
            stall_timeout: STALL_TIMEOUT,
            key: secret_file::load_or_create(&data_dir.join(&upstream.key_file))?.to_vec(),
            health_path: upstream.health_path.clone(),
        });
    }
    Ok(options)
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
