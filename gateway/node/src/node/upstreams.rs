//! The product services of a world as the data plane wants them: where they are, their keys loaded. Nothing is resolved
//! or connected to here, and a service whose key cannot be used is left out alone.

mod adopt;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use ring::digest::{SHA256, digest};
use shuzha_core::{Code, Id, Lang, Timestamp};
use shuzha_files::secret;
use shuzha_policy::{Engine, LeftOut, Snapshot};
use shuzha_products::World;
use shuzha_products::upstream::Upstream;
use shuzha_proxy::{Described, Endpoint, Handle, UpstreamOptions};

/// Time to open a connection to a product service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest pause between two pieces of a package.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Most reports that the status names.
const NAMED_MAX: usize = 8;

/// Tells the data plane what it need know of a snapshot that is in force: whose names may be labels of metrics, and which
/// services are behind reports, each of which is asked at once whether it keeps the domain that was declared.
pub(crate) fn announce(handle: &Handle, snapshot: &Snapshot) {
    handle.publish(snapshot.products());
    let engines = snapshot.engines(None).map(|engine| engine.upstream.clone());
    handle.upstreams().inquire_of(engines);
}

/// Reports that cannot be served because their statistics service does not keep the declared domain, for the status.
pub(crate) fn unconfirmed(handle: &Handle, snapshot: &Snapshot, now: Timestamp) -> Vec<String> {
    let other = |engine: &Engine<'_>| handle.upstreams().denies(engine.upstream, engine.domain);
    let told = |Engine { product, upstream, domain }: Engine<'_>| {
        format!("{}: product {product} over {upstream}, declared domain {domain}", Code::C810.title(Lang::En))
    };
    snapshot.engines(Some(now)).filter(other).take(NAMED_MAX).map(told).collect()
}

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
        match key(name, upstream, world, data_dir, make) {
            Ok(key) => options.push(service(name, upstream, key, instead.get(name.as_str()))),
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

/// Addresses of this machine, as such, that world files name. Whoever writes these files could write the configuration too,
/// so here the address need not be listed twice; a name is not an address.
pub(crate) fn on_this_machine(world: &World) -> Vec<SocketAddr> {
    let endpoints = world.upstreams.values().flat_map(|upstream| &upstream.endpoints);
    let addresses = endpoints
        .filter_map(|endpoint| Some(SocketAddr::new(endpoint.host().parse().ok()?, endpoint.port())));
    addresses.filter(|address| address.ip().is_loopback()).collect()
}

fn service(name: &Id, upstream: &Upstream, key: Vec<u8>, instead: Option<&SocketAddr>) -> UpstreamOptions {
    let endpoints = match instead {
        Some(address) => vec![Endpoint::from(*address)],
        None => upstream
            .endpoints
            .iter()
            .map(|endpoint| Endpoint::new(endpoint.host(), endpoint.port()))
            .collect(),
    };
    let described = upstream.described.as_ref().map(|described| Described {
        version: described.version.clone(),
        contract: described.contract.to_string(),
    });
    UpstreamOptions {
        name: name.clone(),
        endpoints,
        connect_timeout: CONNECT_TIMEOUT.min(upstream.timeout),
        stall_timeout: STALL_TIMEOUT,
        key,
        synthetic: upstream.synthetic,
        // What answers trials says so itself; what a review bound is what answers.
        prove: upstream.synthetic || described.is_some(),
        described,
        health_path: upstream.health_path.clone(),
    }
}

/// The key of the service, from the file that is called after it; none where it is missing and nothing may be made.
fn key(name: &Id, upstream: &Upstream, world: &World, data_dir: &Path, make: bool) -> Result<Vec<u8>> {
    let path = data_dir.join(Upstream::key_file(name));
    if make
        && !path.exists()
        && let Some(before) = &upstream.key_file_before
    {
        adopt::key(name, before, world, data_dir, &path)?;
    }
    let key = if make || path.exists() { secret::load_or_create(&path)?.to_vec() } else { Vec::new() };
    if let Some(declared) = &upstream.key_digest {
        let is = digest(&SHA256, &key).as_ref() == declared.as_bytes();
        ensure!(is, "keyDigest: the file {} does not hold that key", Upstream::key_file(name));
    }
    Ok(key)
}
