//! World and keys, ready to be put in force: at the start of a node, and again while it runs.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use shuzha_core::Id;
use shuzha_core::clock::ShiftedClock;
use shuzha_journal::Journal;
use shuzha_policy::{Gate, KeyRing, LeftOut, Mark, Snapshot};
use shuzha_products::World;
use shuzha_products::credential::Credential;
use shuzha_proxy::{Handle, UpstreamOptions};

use super::promises::Promises;
use super::upstreams;
use crate::control::{Publisher, Standing};
use crate::issued::IssuedSecrets;
use crate::store::DataStore;
use crate::world;

/// A world that can be put in force.
pub(crate) struct Prepared {
    pub(crate) snapshot: Snapshot,
    pub(crate) upstreams: Vec<UpstreamOptions>,
}

impl Prepared {
    /// Compiles `world`, read from files, with the keys of the node, whole, and remembers what it promises. `endpoints` stand in for the addresses of product services.
    ///
    /// # Errors
    /// Every fault of the world, a promise that it breaks, or the key that cannot be used.
    pub(crate) fn new(
        data: &DataStore,
        world: World,
        data_dir: &Path,
        endpoints: &HashMap<String, SocketAddr>,
    ) -> Result<Self> {
        let promises = Promises::check(&world, data_dir)?;
        let (prepared, left_out) = Self::sound(data, world, data_dir, endpoints)?;
        let lines: Vec<_> = left_out.iter().map(|one| format!("{}: {}", one.object(), one.reason)).collect();
        if lines.is_empty() {
            promises.keep()?;
            Ok(prepared)
        } else {
            bail!("the world cannot be put in force:\n{}", lines.join("\n"))
        }
    }

    /// Compiles what of `world` can be put in force, and answers what cannot.
    ///
    /// # Errors
    /// When the secrets of the node cannot be read.
    pub(crate) fn sound(
        data: &DataStore,
        world: World,
        data_dir: &Path,
        endpoints: &HashMap<String, SocketAddr>,
    ) -> Result<(Self, Vec<LeftOut>)> {
        let (upstreams, mut left_out) = upstreams::options(&world, data_dir, endpoints, true);
        let ring = key_ring(data, &world, data_dir)?;
        let (snapshot, faults) = Snapshot::compile_sound(world, &ring);
        left_out.extend(faults.iter().map(|fault| fault.left_out()));
        Ok((Self { snapshot, upstreams }, left_out))
    }

    /// The same, known to follow a register so far.
    pub(crate) fn marked(self, mark: Option<Mark>) -> Self {
        Self { snapshot: self.snapshot.marked(mark), ..self }
    }

    /// Puts it in force in place of what was; returns the snapshot's digest.
    ///
    /// # Errors
    /// Of the product services; then nothing has changed.
    pub(crate) fn install(self, gate: &Gate, handle: &Handle) -> Result<String> {
        let digest = self.snapshot.short_hash();
        // Services first: a product must not be in force before its service is known.
        handle.upstreams().replace(&self.upstreams).context("the product services")?;
        gate.install(self.snapshot);
        super::upstreams::announce(handle, &gate.snapshot());
        Ok(digest)
    }
}

/// The keys the world names: public ones from files, secrets unsealed from the store. A secret that does not open is the fault
/// of its credential alone.
///
/// # Errors
/// When the secrets cannot be read.
pub(crate) fn key_ring(data: &DataStore, world: &World, data_dir: &Path) -> Result<KeyRing> {
    let mut ring = world::public_keys(world, data_dir);
    for kept in data.store.secrets(&data.master).context("the sealed secrets")? {
        let name = kept.credential.to_string();
        match kept.secret {
            Some(secret) => drop(ring.secrets.insert(name, secret.expose().to_vec())),
            None => drop(ring.unopened.insert(name)),
        }
    }
    Ok(ring)
}

/// Credentials of `world` that sign with a shared secret which is not kept here. Whoever declares one issues its secret; where
/// `shuzha.db` was lost, all of them are.
///
/// # Errors
/// When the secrets cannot be read.
pub(super) fn without_secret(data: &DataStore, world: &World) -> Result<Vec<String>> {
    let kept: BTreeSet<Id> = data.secret_names()?.into_iter().map(|(name, _)| name).collect();
    let lacks =
        |(name, one): &(&Id, &Credential)| one.public_key.is_none() && !one.revoked && !kept.contains(*name);
    Ok(world.credentials.iter().filter(lacks).map(|(name, _)| name.to_string()).collect())
}

/// Puts the changed world and keys in force while the node runs.
pub(crate) enum Reloader {
    /// From world files.
    Files {
        data: Arc<DataStore>,
        gate: Arc<Gate>,
        handle: Handle,
        world: Vec<PathBuf>,
        data_dir: PathBuf,
        journal: Journal,
        clock: ShiftedClock,
        standing: Arc<Standing>,
    },
    /// From the register: its changes are in force already, those of key files are not.
    Register(Arc<Publisher>),
    /// There was no register at the start: only a new start looks again.
    Nowhere,
}

impl Reloader {
    /// Reads everything again and puts it in force whole, or changes nothing. Returns the snapshot's digest.
    ///
    /// # Errors
    /// Every fault of the files, or the key that cannot be used.
    pub(crate) fn reload(&self) -> Result<String> {
        let (data, gate, handle, files, data_dir, standing) = match self {
            Self::Files { data, gate, handle, world, data_dir, journal, clock, standing } => {
                IssuedSecrets::new(data_dir).record(journal, clock)?;
                (data, gate, handle, world, data_dir, standing)
            }
            Self::Register(publisher) => return publisher.rebuild(),
            Self::Nowhere => bail!("the register was away when this node started; start it again"),
        };
        let world = world::load(files)?.world;
        let here = upstreams::on_this_machine(&world);
        let lacking = without_secret(data, &world)?;
        let prepared = Prepared::new(data, world, data_dir, &HashMap::new())?;
        handle.upstreams().lists(here);
        let digest = prepared.install(gate, handle)?;
        standing.lacks(lacking);
        Ok(digest)
    }
}
