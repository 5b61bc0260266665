//! The control plane in the binary: the register opened, what it decides put in force, its deadlines kept, its API served.
//!
//! It runs where no world files are given; then the register says what is in force. When the register cannot be read at
//! the start, the node serves the last world that was in force, kept on disk, and says so.

mod catch_up;
mod compile;
mod consents;
mod invitations;
mod listener;
mod publisher;
mod scheduler;
mod standing;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use shuzha_api::Options as ApiOptions;
use shuzha_control::accounts::{Accounts, Options as AccountOptions};
use shuzha_control::{Control, Force, JournalLog, Parts};
use shuzha_core::{Clock, Id, OsRng};
use shuzha_evidence::log::LogKeys;
use shuzha_files::secret;
use shuzha_journal::Journal;
use shuzha_policy::kept::{Specs, read_world};
use shuzha_policy::{Gate, LeftOut};
use shuzha_products::World;
use shuzha_store::retention::Term;
use shuzha_store::{MasterKey, Register, Sealable as _, Store, Watch};

use crate::config::{ConsentConfig, ControlConfig, Provider};
use crate::finance;
use crate::node::beside::{self, Beside};
use crate::traces;
use crate::worker::Worker;
pub(crate) use catch_up::{CaughtUp, catch_up, mark_at};
use listener::Listener;
pub(crate) use publisher::{Publisher, Services, Turn, by_name, mirror_secrets};
pub(crate) use standing::Standing;

/// The register, inside the data folder.
pub use crate::data_folder::REGISTER_FILE;
/// The token of the first administrator, inside the data folder.
const FIRST_TOKEN_FILE: &str = "first-administrator.token";
/// The last world in force, inside the data folder.
pub const KEPT_FILE: &str = "world.kept";

/// Everything in force by the register, as one world, and what is left out because it cannot be read.
///
/// # Errors
/// When the register cannot be read.
pub fn world_in_force(register: &Register, config: &ControlConfig) -> Result<(World, Vec<LeftOut>)> {
    let mut objects = Specs::new();
    let mut unread = Vec::new();
    Force::new(register).each_sound(
        |held| drop(objects.insert((held.kind.to_owned(), held.name), held.spec.to_string().into())),
        |object, error| {
            let (kind, name, reason) = (object.kind.clone(), object.name.clone(), error.to_string());
            unread.push(LeftOut { kind, name, reason, dangling: false });
        },
    )?;
    if let Some((name, spec)) = config.pack_of(register)? {
        objects.insert(("Jurisdiction".to_owned(), Id::new(name)?), spec.to_string().into());
    }
    let (world, mut left_out) = read_world(objects)?;
    left_out.append(&mut unread);
    Ok((world, left_out))
}

/// What the control plane is started with.
pub(crate) struct Setup {
    pub(crate) register: Register,
    pub(crate) config: ControlConfig,
    /// The API's socket, where it is bound already; otherwise the configured address is.
    pub(crate) socket: Option<std::net::TcpListener>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) journal: Journal,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) master: Arc<MasterKey>,
    pub(crate) data_dir: PathBuf,
    pub(crate) consents: ConsentConfig,
    /// How long after a soft close late records are waited for.
    pub grace: Duration,
    pub(crate) gate: Arc<Gate>,
    pub(crate) store: Store,
    /// What every origin of the evidence log begins with.
    pub evidence_origin: String,
    /// The keys of that log.
    pub log_keys: Arc<dyn LogKeys>,
    /// How long records of calls are kept.
    pub retention: Term,
    pub(crate) error_pages: &'static [(&'static str, &'static str)],
    pub(crate) beside: Beside,
}

/// A running control plane.
pub struct ControlPlane {
    control: Arc<Control>,
    scheduler: Worker,
    feeder: Worker,
    listener: Listener,
    finance: finance::Running,
    traces: traces::Running,
    /// Tries again what is not in force, and makes refunds: neither in the turn of a change.
    mending: Worker,
    refunds: Worker,
    beside: Beside,
    /// The file with the token by which the first administrator makes their account; none once there is one.
    pub first_token_file: Option<PathBuf>,
}

impl ControlPlane {
    /// Takes the register over, deals with what fell due meanwhile, and answers its API.
    ///
    /// # Errors
    /// Of the register, the journal or the listening address.
    pub(crate) fn start(setup: Setup) -> Result<Self> {
        let rules = setup.config.rules_of(&setup.register)?;
        let publisher = Arc::clone(&setup.publisher);
        let mends = Arc::clone(&publisher);
        let mending = Worker::start("mending", publisher.mending.clone(), move || mends.mend())?;
        let control = Arc::new(Control::new(Parts {
            register: setup.register,
            clock: Arc::clone(&setup.clock),
            rng: Arc::new(OsRng),
            log: Arc::new(JournalLog(setup.journal.clone())),
            publish: setup.publisher,
            rules: rules.clone(),
        })?);
        let writes = Arc::clone(&control);
        let refunds =
            Worker::start("refunds", publisher.refunding.clone(), move || publisher.make_refunds(&writes))?;
        // A year may have been added to the calendar: what was provisional is computed again.
        control.set_rules(rules)?;
        let access = setup.config.access;
        control.set_quotas(access.quotas);
        let options = AccountOptions { one_time_roles: access.one_time_roles, ..AccountOptions::default() };
        let accounts = Accounts::new(Arc::clone(&control), setup.master, options)
            .delivering(invitations::deliver(&access.invitations, &setup.data_dir)?);
        let accounts = Arc::new(accounts);
        let first_token_file = leave_first_token(&accounts, &setup.data_dir)?;
        let consents = consents::open(
            &setup.data_dir,
            &setup.consents,
            &setup.beside.consents,
            Arc::clone(&control),
            Arc::clone(&setup.gate),
            setup.store.clone(),
            Arc::clone(&setup.clock),
        )?;
        let consents = Arc::new(consents);
        let feeder = consents::feeder(Arc::clone(&consents))?;
        let scheduler = scheduler::start(Arc::clone(&control), Arc::clone(&accounts))?;
        let (clock, journal) = (Arc::clone(&setup.clock), setup.journal);
        let finance = finance::Running::start(
            setup.beside.books.clone(),
            Arc::clone(&control),
            clock.clone(),
            setup.gate,
            setup.grace,
        )?;
        let traces = traces::Running::start(traces::Setup {
            data_dir: &setup.data_dir,
            decisions: setup.beside.decisions.clone(),
            control: Arc::clone(&control),
            journal,
            books: finance.finance.books().clone(),
            store: setup.store,
            origin: setup.evidence_origin,
            keys: setup.log_keys,
            term: setup.retention,
            clock,
        })?;
        let api = ApiOptions {
            control: Arc::clone(&control),
            finance: Some(Arc::clone(&finance.finance)),
            evidence: Some(Arc::clone(&traces.evidence)),
            accounts,
            consents,
            clock: setup.clock,
            limits: shuzha_api::Limits {
                trusted_proxies: access.trusted_proxies,
                ..shuzha_api::Limits::default()
            },
            https: setup.config.https,
            error_pages: setup.error_pages,
        };
        let socket = match setup.socket {
            Some(socket) => socket,
            None => listener::bind(setup.config.listen)?,
        };
        let listener = Listener::start(socket, built(api, setup.config.provider))?;
        let beside = setup.beside;
        Ok(Self {
            control,
            scheduler,
            feeder,
            listener,
            finance,
            traces,
            mending,
            refunds,
            beside,
            first_token_file,
        })
    }

    /// What follows the journal for it: the books and the index of uses.
    pub fn followers(&self) -> [Watch; 2] {
        [self.finance.watch(), self.traces.watch()]
    }

    /// Where the API listens.
    pub const fn address(&self) -> std::net::SocketAddr {
        self.listener.address
    }

    /// The use cases, for whoever lives in the same process.
    pub fn control(&self) -> Arc<Control> {
        Arc::clone(&self.control)
    }

    /// Answers what is under way and ends.
    pub fn stop(self) {
        self.listener.stop();
        self.scheduler.stop();
        self.feeder.stop();
        self.finance.stop();
        self.traces.stop();
        self.mending.stop();
        self.refunds.stop();
        self.beside.checkpoint();
        beside::told(REGISTER_FILE, self.control.register().checkpoint());
    }
}

/// Leaves the one-time token of the first administrator in a file for its owner only: never on a terminal and never in a
/// log, which others keep and read. None, and no file, once there is an administrator.
fn leave_first_token(accounts: &Accounts, data_dir: &Path) -> Result<Option<PathBuf>> {
    let path = data_dir.join(FIRST_TOKEN_FILE);
    match accounts.first_token()? {
        Some(token) => {
            secret::replace(&path, format!("{}\n", *token).as_bytes())?;
            Ok(Some(path))
        }
        None => {
            if path.exists() {
                std::fs::remove_file(&path).with_context(|| path.display().to_string())?;
            }
            Ok(None)
        }
    }
}

/// The API, with sign-on by a provider where one is configured and the binary knows how.
#[cfg(feature = "oidc")]
fn built(api: ApiOptions, provider: Option<Provider>) -> shuzha_api::Api {
    match provider {
        None => api.build(),
        Some(Provider { issuer, client_id, client_secret, redirect, return_to }) => {
            let options = shuzha_api::OidcOptions { issuer, client_id, client_secret, redirect, return_to };
            api.build_with_oidc(options)
        }
    }
}

/// The API. A provider in the configuration was refused there.
#[cfg(not(feature = "oidc"))]
fn built(api: ApiOptions, _: Option<Provider>) -> shuzha_api::Api {
    api.build()
}
