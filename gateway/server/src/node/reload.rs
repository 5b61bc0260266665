//! World files and keys, ready to be put in force: at the start of a node, and again while it runs.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use shuzha_core::Id;
use shuzha_policy::{Gate, KeyRing, Snapshot};
use shuzha_proxy::{Handle, UpstreamOptions};

use super::upstreams;
use crate::config::Config;
use crate::store::DataStore;
use crate::world::{self, Loaded};

/// A world that can be put in force.
pub(super) struct Prepared {
    pub(super) snapshot: Snapshot,
    pub(super) upstreams: Vec<UpstreamOptions>,
    pub(super) products: Vec<Id>,
}

impl Prepared {
    /// Compiles `loaded` with the keys of the node. `endpoints` stand in for the addresses of product services.
    ///
    /// # Errors
    /// Every fault of the world, or the key that cannot be used.
    pub(super) fn new(
        data: &DataStore,
        loaded: Loaded,
        data_dir: &Path,
        endpoints: &HashMap<String, SocketAddr>,
    ) -> Result<Self> {
        let upstreams = upstreams::options(&loaded.world, data_dir, endpoints)?;
        let ring = key_ring(data, &loaded, data_dir)?;
        let products = loaded.world.products.keys().cloned().collect();
        let snapshot = Snapshot::compile(loaded.world, &ring).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the world cannot be put in force:\n{}", lines.join("\n"))
        })?;
        Ok(Self { snapshot, upstreams, products })
    }
}

/// The keys the world names: public ones from files, secrets unsealed from the store.
fn key_ring(data: &DataStore, loaded: &Loaded, data_dir: &Path) -> Result<KeyRing> {
    let mut ring = world::public_keys(&loaded.world, data_dir)?;
    for kept in data.store.secrets(&data.master).context("the sealed secrets")? {
        ring.secrets.insert(kept.credential.to_string(), kept.secret.expose().to_vec());
    }
    Ok(ring)
}

/// Puts changed world files and keys in force while the node runs.
pub(crate) struct Reloader {
    data: DataStore,
    gate: Arc<Gate>,
    handle: Handle,
    world: Vec<PathBuf>,
    data_dir: PathBuf,
}

impl Reloader {
    pub(super) fn new(data: DataStore, gate: Arc<Gate>, handle: Handle, config: &Config) -> Self {
        Self { data, gate, handle, world: config.world.clone(), data_dir: config.data_dir.clone() }
    }

    /// Reads the files again and puts them in force whole, or changes nothing. Returns the snapshot's digest.
    ///
    /// # Errors
    /// Every fault of the files, or the key that cannot be used.
    pub(crate) fn reload(&self) -> Result<String> {
        let loaded = world::load(&self.world)?;
        let prepared = Prepared::new(&self.data, loaded, &self.data_dir, &HashMap::new())?;
        let digest = prepared.snapshot.short_hash();
        // Services first: a product must not be in force before its service is known.
        self.handle.upstreams().replace(&prepared.upstreams).context("the product services")?;
        self.gate.install(prepared.snapshot);
        self.handle.publish(&prepared.products);
        Ok(digest)
    }
}
