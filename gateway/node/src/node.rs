//! One gateway node: journal, store, gate and data plane, put together in the order in which they must stand.
//!
//! 1. The journal is opened (recovered, locked): nothing may be spent that is not written.
//! 2. The store's projection is loaded and the rest of the journal replayed on it: what was spent stays spent.
//! 3. World and keys are compiled to the snapshot: from files, or from the register.
//! 4. The control plane takes the register over, where there is one; the data plane is built; callers are accepted only when everything before it stands.

pub mod beside;
pub mod integrity;
mod operator;
mod promises;
mod reload;
mod source;
pub(crate) mod upstreams;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use prometheus::Registry;
use shuzha_core::clock::ShiftedClock;
use shuzha_core::{Clock as _, OsRng};
use shuzha_evidence::commit::PeriodCommitters;
use shuzha_evidence::{Act, ActKind, Committer, Entry};
use shuzha_files::secret;
use shuzha_journal::disk::Disk;
use shuzha_journal::{Journal, JournalError};
use shuzha_policy::{Gate, Keys, Options as GateOptions, Parts, Start};
use shuzha_privacy::subject::Pseudonymiser;
use shuzha_privacy::watermark::Watermarks;
use shuzha_proxy::{Egress, Handle, Options as ProxyOptions, Proxy, Sockets, SystemResolver};
use shuzha_store::{Changes, Sealable as _, State, Store, StoreError, Watch, projector};

use crate::config::Config;
use crate::control::{Standing, by_name};
use crate::data_folder;
pub use crate::data_folder::JOURNAL_DIR;
use crate::evidence::Evidence;
use crate::followers::Followers;
use crate::issued::IssuedSecrets;
pub use crate::journal::open_journal;
use crate::period_keys::PeriodKeyFiles;
use crate::store::{For, STORE_FILE, open_store_for};
use crate::upkeep;
use crate::wal::Wals;
use crate::worker::Worker;
use operator::Running;
pub(crate) use reload::{Prepared, Reloader, key_ring};
use shuzha_products::World;
pub(crate) use source::Controlled;
use source::Source;

/// Key of the commitments in records.
const COMMIT_KEY_FILE: &str = "keys/commit.key";
/// Key of the pairwise pseudonyms; a trusted consent issuer holds the same.
pub const PSEUDONYM_KEY_FILE: &str = "keys/pseudonym.key";
/// Where the secret of the watermarks of packages lies.
pub const WATERMARK_KEY_FILE: &str = "keys/watermark.key";
/// Name of the pseudonym key in consent tokens.
pub const PSEUDONYM_KEY_ID: &str = "local-1";

/// The pages that refusals point at.
pub const ERROR_PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/error_pages.rs"));

/// What a node is made of besides its configuration.
pub struct Setup {
    /// The world, where it is declared in files; otherwise the register says what is in force.
    pub files: Option<World>,
    /// The time. Nothing but a demo or a test moves it.
    pub clock: ShiftedClock,
    /// The listening sockets, bound.
    pub sockets: Sockets,
    /// The control API's socket, where it is bound already; otherwise the configured address is.
    pub control: Option<TcpListener>,
    /// Where product services are instead of where the world says; the demo starts its own.
    pub endpoints: HashMap<String, SocketAddr>,
    /// The journal's disk, where it is not the data folder.
    pub disk: Option<Arc<dyn Disk>>,
    /// How long to wait for another process to leave the journal.
    pub journal_wait: Duration,
    /// Whether somebody has said that the clock is right, however far it is from the journal's last record.
    pub clock_is_right: bool,
}

/// How far the clock may be behind, and ahead of the journal's last record when a node starts.
pub const CLOCK_WITHIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_hours(90 * 24));

/// A node that is ready to run.
pub struct Node {
    proxy: Proxy,
    /// What runs, from outside: addresses, drain, stop.
    pub handle: Handle,
    /// Keys that the demo signs and looks up by.
    pub keys: NodeKeys,
    /// Puts changed world files and keys in force while the node runs.
    pub(crate) reloader: Arc<Reloader>,
    /// The control plane, where the register says what is in force.
    control: Option<Controlled>,
    projector: ProjectorThread,
    upkeep: Worker,
    evidence: Evidence,
    journal: Journal,
    store: Store,
    /// What was found to be edited while the node served.
    edited: integrity::Found,
}

/// Keys that the demo's consent issuer shares with the node.
#[derive(Clone)]
pub struct NodeKeys {
    /// The key behind pseudonyms of persons.
    pub pseudonym: [u8; secret::KEY_BYTES],
}

struct ProjectorThread {
    handle: Watch,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Node {
    /// Puts a node together.
    ///
    /// # Errors
    /// What keeps it from serving, in a sentence.
    pub fn build(config: &Config, setup: Setup) -> Result<Self> {
        if let Some((_, key)) = &config.tls {
            data_folder::check_tls_key(key)?;
        }
        data_folder::check(&config.data_dir)?;
        let registry = Registry::new();
        // First: the store is another process's until that has left the journal.
        let within = (!setup.clock_is_right).then_some(CLOCK_WITHIN);
        let journal = open_journal(config, (&setup.clock, within), setup.disk.as_ref(), setup.journal_wait)?;
        let data = Arc::new(open_store_for(&config.data_dir, For::Serving)?);
        let projection_left = integrity::store(&config.data_dir, &data.store)?;
        journal.register(&registry).context("metrics of the journal")?;
        let state = recover(&data.store, &journal)?;
        let bound_left = integrity::bound(&data.store, &journal, &state)?;
        // Before any of them is in use.
        IssuedSecrets::new(&config.data_dir).record(&journal, &setup.clock)?;
        let standing = Arc::new(Standing::new(&registry).context("metrics of what is in force")?);
        let egress = Arc::new(egress(config));
        egress.lists(setup.files.iter().flat_map(upstreams::on_this_machine));
        let (data_and_head, start) = ((&*data, state.register), Start::from_state(&state));
        drop(state);
        let (source, prepared) =
            Source::open(setup.files, data_and_head, config, &setup.endpoints, &standing)?;
        let Prepared { snapshot, upstreams } = prepared;
        let mut beside = source.beside(&config.data_dir)?;
        let services = by_name(&upstreams);
        let periods = PeriodKeyFiles::new(&config.data_dir);
        record_erased(&periods, &journal, &setup.clock)?;
        let commit = secret::load_or_create(&config.data_dir.join(COMMIT_KEY_FILE))?;
        let pseudonym = secret::load_or_create(&config.data_dir.join(PSEUDONYM_KEY_FILE))?;
        let watermark = secret::load_or_create(&config.data_dir.join(WATERMARK_KEY_FILE))?;
        let clock = Arc::new(setup.clock.clone());
        let evidence =
            Evidence::start(config, &journal, PeriodCommitters::new(periods.clone()), clock, &registry)?;
        let prf = config.consents.pseudonyms.function(PSEUDONYM_KEY_ID, &pseudonym);
        let parts = Parts {
            options: GateOptions {
                audience: config.audience.clone(),
                signature_window: config.signature_window,
                nonces_max: config.nonces_max,
            },
            keys: Keys {
                committer: Committer::new(&commit),
                periods: PeriodCommitters::new(periods),
                pseudonymiser: Pseudonymiser::new(prf),
                watermarks: Watermarks::new(&watermark),
            },
            clock: Arc::new(setup.clock.clone()),
            rng: Arc::new(OsRng),
            journal: journal.clone(),
            releases: Arc::new(data.store.clone()),
            registry: registry.clone(),
        };
        let gate = Gate::bounded(parts, start, snapshot, config.bounds).context("metrics of the gate")?;
        let gate = Arc::new(gate);
        let projector = start_projector(data.store.clone(), &journal)?;
        let followers = Followers::default();
        followers.add(projector.handle.clone());
        followers.register(&registry).context("metrics of what follows the journal")?;
        let wals = Wals::new(&config.data_dir);
        wals.register(&registry).context("metrics of the databases")?;
        let upkeep = upkeep::start(Arc::clone(&gate), &setup.clock, &registry)?;
        let on_drained = {
            let (projector, evidence) = (projector.handle.clone(), evidence.handle.clone());
            let gate = Arc::clone(&gate);
            move || {
                // The last counts of refusals belong to projection and log like every record.
                gate.stop_counting();
                projector.drain();
                evidence.drain();
            }
        };
        let reached = Arc::new(OnceLock::new());
        let proxy = ProxyOptions {
            gate: Arc::new(operator::Served { gate: Arc::clone(&gate), desk: Arc::clone(&evidence.desk) }),
            operator: Arc::new(Running::new(
                Arc::clone(&gate),
                (projector.handle.clone(), followers.clone(), Arc::clone(setup.clock.guarded()), wals),
                (Arc::clone(&evidence.desk), Arc::clone(&reached)),
                Arc::clone(&standing),
                config.node.clone(),
                (source.name(), source.begun()),
                (config.unwatched(), config.control.rules.jurisdiction.clone()),
            )),
            clock: setup.clock.clone(),
            sockets: setup.sockets,
            tls: config.tls_options(),
            limits: config.limits.clone(),
            upstreams,
            egress,
            resolver: Arc::new(SystemResolver),
            prove: config.egress.prove,
            metrics: registry,
            error_pages: ERROR_PAGES,
            threads: threads(config.threads),
            // One thread has nobody to steal from, and a runtime without the means to is cheaper.
            work_stealing: threads(config.threads) > 1,
            upgrade_socket: Some(config.upgrade_socket.clone()),
            on_drained: Some(Box::new(on_drained)),
        }
        .build()
        .context("the data plane")?;
        let handle = proxy.handle();
        reached.get_or_init(|| handle.clone());
        upstreams::announce(&handle, &gate.snapshot());
        let store = data.store.clone();
        let mut late = beside.as_mut().map(|beside| std::mem::take(&mut beside.left)).unwrap_or_default();
        late.extend(bound_left);
        let parts = source::Parts {
            control: setup.control,
            beside,
            data,
            gate,
            handle: handle.clone(),
            clock: setup.clock,
            journal: journal.clone(),
            endpoints: setup.endpoints,
            services,
            standing,
            log_keys: Arc::clone(&evidence.keys),
        };
        let left = (projection_left.then(|| parts.data.store.clone()), source.uncompared());
        let edited = integrity::rest(left, late, handle.clone())?;
        let (reloader, control) = source.start(parts, config)?;
        control.iter().flat_map(|control| control.plane.followers()).for_each(|watch| followers.add(watch));
        let keys = NodeKeys { pseudonym };
        Ok(Self {
            proxy,
            handle,
            keys,
            reloader: Arc::new(reloader),
            control,
            projector,
            upkeep,
            evidence,
            journal,
            store,
            edited,
        })
    }

    /// Serves until stopped; everything is on disk and closed when this returns.
    pub fn run(self) -> Result<()> {
        check_closed(self.journal.clone())?;
        self.proxy.run();
        if let Some(controlled) = self.control {
            controlled.stop();
        }
        self.upkeep.stop();
        self.projector.handle.drain();
        let projected = match self.projector.thread.join() {
            Ok(done) => done.context("the projection of the journal"),
            Err(_) => Err(anyhow::anyhow!("the projection of the journal panicked")),
        };
        beside::told(STORE_FILE, self.store.checkpoint());
        let published = self.evidence.stop();
        // Last: the next process begins when the journal is free, and then the projection must be its alone.
        self.journal.close();
        projected.and(published)?;
        self.edited.get().map_or(Ok(()), |edited| Err(anyhow::anyhow!("{edited:#}")))
    }
}

/// Reads behind the start what the start took by its manifests. Damage makes the journal fail, which is seen everywhere.
fn check_closed(journal: Journal) -> Result<()> {
    let check = move || match journal.check_closed() {
        Ok(()) => tracing::debug!("the closed segments of the journal are whole"),
        Err(error) => tracing::error!(%error, "the closed segments of the journal"),
    };
    std::thread::Builder::new().name("journal-check".to_owned()).spawn(check).context("a thread")?;
    Ok(())
}

/// Where product services may be. The control API's address is known before it listens, but for a port that is chosen.
fn egress(config: &Config) -> Egress {
    let egress = Egress::new(config.egress.allow.clone());
    if config.control.listen.port() != 0 {
        egress.listens_at(config.control.listen);
    }
    egress
}

/// Notes keys that were erased while no node ran, or by a command beside it.
fn record_erased(periods: &PeriodKeyFiles, journal: &Journal, clock: &ShiftedClock) -> Result<()> {
    periods.record_erased(|period| {
        let object = period.to_string();
        let act = Act {
            at: clock.now(),
            kind: ActKind::CommitKeyErased,
            actor: "operator",
            object: &object,
            commitment: None,
            target: "",
        };
        let durable = journal.append_durable(&Entry::Act(act)).context("the call journal")?;
        durable.wait().map(drop).context("the call journal")
    })
}

fn threads(configured: usize) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    if configured == 0 { cores() } else { configured }
}

/// The projection as the store has it, with the rest of the journal on top.
///
/// # Errors
/// When the store has counted records that the journal does not hold: serving would forget what was spent in them.
pub fn recover(store: &Store, journal: &Journal) -> Result<State> {
    let mut state = store.load_state().context("the store's projection")?;
    // Opening the journal appended this process's boot record and nothing else; the store has not seen it yet.
    let boot = journal.durable_seq();
    if state.reached.seq >= boot {
        bail!(
            "the store has counted records up to {}, but the journal ended at record {} when this process opened it: \
             one of the two was replaced or restored from an older copy. Nothing is served until store and journal \
             belong together again: what was spent since would be forgotten. `shuzha restore` a backup, with --journal where \
             the journal is the later one",
            state.reached.seq,
            boot.saturating_sub(1)
        );
    }
    let rest = journal.reader(state.reached.seq + 1).context("the journal")?;
    state.replay(rest, &mut Changes::default()).map_err(|error| match error {
        StoreError::Journal(JournalError::Pruned { .. }) => anyhow!(
            "{error}: {STORE_FILE} 是销毁之前的旧副本，执行 `shuzha journal rebuild` {STORE_FILE} is a copy from before those records \
             were destroyed: run `shuzha journal rebuild`"
        ),
        other => anyhow::Error::from(other).context("replaying the journal"),
    })?;
    tracing::info!(reached = %state.reached, "the journal is replayed");
    Ok(state)
}

fn start_projector(store: Store, journal: &Journal) -> Result<ProjectorThread> {
    let projector = projector::Options::default()
        .build(store, journal.clone())
        .context("the projection of the journal")?;
    let handle = projector.watch();
    let thread = std::thread::Builder::new().name("projector".into()).spawn(move || projector.run())?;
    Ok(ProjectorThread { handle, thread })
}
