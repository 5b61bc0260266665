//! Where a node's world comes from: files, the register, or, when the register is away, what was last in force.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use shuzha_core::clock::ShiftedClock;
use shuzha_evidence::log::LogKeys;
use shuzha_files::secret;
use shuzha_journal::Journal;
use shuzha_policy::kept::{Keeper, Kept, KeptKey};
use shuzha_policy::{CompileError, Gate, LeftOut};
use shuzha_products::World;
use shuzha_proxy::Handle;
use shuzha_store::{Register, RegisterHead};

use super::beside::Beside;
use super::integrity::{self, Compared, Unopened};
use super::{ERROR_PAGES, Node, Prepared, Reloader, key_ring, reload, upstreams};
use crate::config::Config;
use crate::control::{
    self, CaughtUp, ControlPlane, KEPT_FILE, Publisher, Services, Standing, Turn, by_name, catch_up, mark_at,
    mirror_secrets, world_in_force,
};
use crate::store::DataStore;
use crate::worker::Waker;

/// The key under which the world in force is kept.
const KEPT_KEY_FILE: &str = "keys/kept-world.key";
/// Least time between two writings of the world in force.
const KEEP_PAUSE: Duration = Duration::from_secs(5);

/// Where the world comes from.
pub(super) enum Source {
    Files,
    /// The register, how it was read, and whether it is yet to be compared with its seal in full.
    Register(Register, Begun, bool),
    /// The register could not be read.
    Kept,
}

/// How the node came by what the register has in force.
pub(super) enum Begun {
    /// From the kept world, with so many acts since.
    Kept { acts: u64 },
    /// From the whole register.
    Whole,
}

/// What the node stands on when the control plane starts.
pub(super) struct Parts {
    /// The control API's socket, where it is bound already.
    pub(super) control: Option<std::net::TcpListener>,
    /// There where the register is.
    pub(super) beside: Option<Beside>,
    pub(super) data: Arc<DataStore>,
    pub(super) gate: Arc<Gate>,
    pub(super) handle: Handle,
    pub(super) clock: ShiftedClock,
    pub(super) journal: Journal,
    pub(super) endpoints: HashMap<String, SocketAddr>,
    pub(super) services: Services,
    pub(super) standing: Arc<Standing>,
    pub(super) log_keys: Arc<dyn LogKeys>,
}

/// A control plane and the file that outlives its register.
pub(crate) struct Controlled {
    pub(super) plane: ControlPlane,
    keeper: Keeper,
}

impl Node {
    /// The control plane, where the register says what is in force.
    #[must_use]
    pub fn control_plane(&self) -> Option<&ControlPlane> {
        self.control.as_ref().map(|controlled| &controlled.plane)
    }
}

impl Controlled {
    /// Answers what is under way and ends; the last change is on disk then.
    pub(super) fn stop(self) {
        self.plane.stop();
        drop(self.keeper);
    }
}

impl Source {
    /// Finds the world and makes it ready.
    ///
    /// # Errors
    /// Every fault of the world or its keys; of the register, when nothing was kept to serve instead.
    pub(super) fn open(
        files: Option<World>,
        (data, head): (&DataStore, Option<RegisterHead>),
        config: &Config,
        endpoints: &HashMap<String, SocketAddr>,
        standing: &Standing,
    ) -> Result<(Self, Prepared)> {
        if let Some(world) = files {
            standing.lacks(reload::without_secret(data, &world)?);
            return Ok((Self::Files, Prepared::new(data, world, &config.data_dir, endpoints)?));
        }
        let opened = match integrity::register(&config.data_dir, head) {
            Ok(Compared { register, left }) => Ok((register, left)),
            Err(Unopened::Away(error)) => Err(error),
            Err(Unopened::Edited(error)) => return Err(error),
        };
        let read = opened.and_then(|(register, left)| {
            mirror_secrets(&register, data)?;
            match caught_up(&register, data, config, endpoints) {
                Ok((prepared, acts)) => {
                    tracing::info!(acts, "the kept world is in force, with the register's acts since");
                    return Ok((Self::Register(register, Begun::Kept { acts }, left), prepared));
                }
                Err(why) => tracing::info!(why = format!("{why:#}"), "the whole register is read"),
            }
            let mark = mark_at(&register, register.revision()?)?;
            let (world, mut left_out) = world_in_force(&register, &config.control)?;
            let (prepared, failed) = Prepared::sound(data, world, &config.data_dir, endpoints)?;
            left_out.extend(failed);
            standing.replace(left_out);
            Ok((Self::Register(register, Begun::Whole, left), prepared.marked(mark)))
        });
        match read {
            Ok(ready) => Ok(ready),
            Err(error) => {
                let (prepared, left_out) =
                    kept(data, config, endpoints).with_context(|| format!("{error:#}; and"))?;
                standing.replace(left_out);
                tracing::error!(
                    error = format!("{error:#}"),
                    "the register is away: serving the world that was last in force, with nobody to change it"
                );
                Ok((Self::Kept, prepared))
            }
        }
    }

    /// The databases beside the register, compared with their seals; none where there is no register.
    ///
    /// # Errors
    /// See [`Beside::open`].
    pub(super) fn beside(&self, data_dir: &Path) -> Result<Option<Beside>> {
        matches!(self, Self::Register(..)).then(|| Beside::open(data_dir)).transpose()
    }

    /// The register, where it is yet to be compared with its seal in full.
    pub(super) fn uncompared(&self) -> Option<Register> {
        match self {
            Self::Register(register, _, true) => Some(register.clone()),
            _ => None,
        }
    }

    /// For the node's status.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Register(..) => "register",
            Self::Kept => "last known good; the register is away",
        }
    }

    /// How it was read at the start, for the node's status.
    pub(super) fn begun(&self) -> String {
        match self {
            Self::Files => "the files".to_owned(),
            Self::Register(_, Begun::Kept { acts }, _) => format!("the kept world and {acts} acts since"),
            Self::Register(_, Begun::Whole, _) => "the whole register".to_owned(),
            Self::Kept => "the kept world".to_owned(),
        }
    }

    /// Starts what keeps the world current.
    ///
    /// # Errors
    /// Of the register, the journal, or the control API's address.
    pub(super) fn start(self, parts: Parts, config: &Config) -> Result<(Reloader, Option<Controlled>)> {
        let Parts {
            control,
            beside,
            data,
            gate,
            handle,
            clock,
            journal,
            endpoints,
            services,
            standing,
            log_keys,
        } = parts;
        let data_dir = config.data_dir.clone();
        let register = match self {
            Self::Files => {
                let world = config.world.clone();
                let files = Reloader::Files { data, gate, handle, world, data_dir, journal, clock, standing };
                return Ok((files, None));
            }
            Self::Kept => return Ok((Reloader::Nowhere, None)),
            Self::Register(register, ..) => register,
        };
        let path = data_dir.join(KEPT_FILE);
        let keeper = Keeper::start(Arc::clone(&gate), path, KEEP_PAUSE, None, Some(kept_key(&data_dir)?))?;
        let (master, store, served) = (Arc::clone(&data.master), data.store.clone(), Arc::clone(&gate));
        let publisher = Arc::new(Publisher {
            gate,
            handle,
            data,
            data_dir: data_dir.clone(),
            register: register.clone(),
            config: config.control.clone(),
            endpoints,
            turn: Mutex::new(Turn::new(services)),
            rebuilding: Mutex::default(),
            standing,
            mending: Waker::default(),
            refunding: Waker::default(),
        });
        let plane = ControlPlane::start(control::Setup {
            register,
            config: config.control.clone(),
            socket: control,
            clock: Arc::new(clock),
            journal,
            publisher: Arc::clone(&publisher),
            master,
            data_dir,
            consents: config.consents.clone(),
            grace: config.grace,
            gate: served,
            store,
            evidence_origin: config.evidence_origin.clone(),
            log_keys,
            retention: config.retention.clone(),
            error_pages: ERROR_PAGES,
            beside: beside.context("the databases beside the register are open")?,
        })?;
        publisher.handle.upstreams().listens_at(plane.address());
        Ok((Reloader::Register(publisher), Some(Controlled { plane, keeper })))
    }
}

/// The key under which this node keeps its world. Without it the whole register is read, and a new one is made.
fn kept_key(data_dir: &Path) -> Result<KeptKey> {
    Ok(KeptKey::new(&secret::load_or_create(&data_dir.join(KEPT_KEY_FILE))?))
}

/// The kept world with what the register changed since, and how many acts those were.
fn caught_up(
    register: &Register,
    data: &DataStore,
    config: &Config,
    endpoints: &HashMap<String, SocketAddr>,
) -> Result<(Prepared, u64)> {
    let data_dir = &config.data_dir;
    let kept = Kept::read_sealed(&data_dir.join(KEPT_FILE), &kept_key(data_dir)?)?;
    let keys = |world: &World| key_ring(data, world, data_dir);
    let services = |world: &World| {
        let (made, failed) = upstreams::options(world, data_dir, endpoints, true);
        let named = failed.first().map(|one| format!("{}: {}", one.object(), one.reason));
        named.map_or(Ok(by_name(&made)), |named| Err(anyhow!(named)))
    };
    let CaughtUp { snapshot, services, acts } = catch_up(register, &config.control, kept, keys, services)?;
    Ok((Prepared { snapshot, upstreams: services.into_values().collect() }, acts))
}

/// The world that was last in force, and what of it cannot be any more.
fn kept(
    data: &DataStore,
    config: &Config,
    endpoints: &HashMap<String, SocketAddr>,
) -> Result<(Prepared, Vec<LeftOut>)> {
    let kept = Kept::read_sealed(&config.data_dir.join(KEPT_FILE), &kept_key(&config.data_dir)?)?;
    let (upstreams, mut left_out) = upstreams::options(kept.world(), &config.data_dir, endpoints, true);
    let ring = key_ring(data, kept.world(), &config.data_dir)?;
    let (snapshot, faults) = kept.compile_sound(&ring);
    left_out.extend(faults.iter().map(CompileError::left_out));
    Ok((Prepared { snapshot, upstreams }, left_out))
}
