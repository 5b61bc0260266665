//! The evidence log of a node: its keys, the thread that writes it, receipts, and what is served of it.

mod anchor;
mod cosign;
pub mod custody;
mod metrics;
mod rotation;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use prometheus::Registry;
use shuzha_core::{Clock, Code, Id, Refusal, RequestId};
use shuzha_evidence::Entry;
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::commit::PeriodCommitters;
use shuzha_evidence::folder::Folder;
use shuzha_evidence::log::{LogError, LogKeys, LogReader, Shard, Source};
use shuzha_evidence::merkle::{Sha256, Sm3};
use shuzha_evidence::receipt::Enclosed;
use shuzha_journal::Journal;
use shuzha_proxy::LogFile;
use shuzha_store::tiles::{CHECKPOINT_INTERVAL, FollowerHandle, Found, Library, Options};

use crate::config::Config;
use crate::worker::Worker;
use anchor::{Anchorer, Watch};
use custody::{Custody, passphrase_in};

/// The log, inside the data folder.
pub const EVIDENCE_DIR: &str = "evidence";

/// A node whose log has not caught up for so long calls itself unready: receipts stay out.
const OVERDUE_MAX: Duration = Duration::from_secs(5);

/// When to ask again for a receipt that no checkpoint covers yet.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The log's thread, and what it does.
pub(crate) struct Evidence {
    pub(crate) handle: FollowerHandle,
    pub(crate) desk: Arc<Desk>,
    /// They sign what becomes of the log, too.
    pub keys: Arc<dyn LogKeys>,
    thread: JoinHandle<()>,
    cosigner: Option<Worker>,
    anchorer: Option<Anchorer>,
}

/// Where receipts are made out.
pub struct Desk {
    library: Library,
    handle: FollowerHandle,
    journal: Journal,
    periods: PeriodCommitters,
    clock: Arc<dyn Clock>,
    /// How anchoring stands, where there is an anchor.
    anchoring: Option<Arc<Watch>>,
}

impl Evidence {
    /// Starts the thread that keeps the log of `journal`.
    ///
    /// # Errors
    /// What keeps it from being written, with its code.
    pub(crate) fn start(
        config: &Config,
        journal: &Journal,
        periods: PeriodCommitters,
        clock: Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Self> {
        let options = |keys: Arc<dyn LogKeys>| Options {
            folder: config.data_dir.join(EVIDENCE_DIR),
            origin: config.evidence_origin.clone(),
            keys,
            interval: CHECKPOINT_INTERVAL,
            clock: Arc::clone(&clock),
        };
        let passphrase = || match &config.key_passphrase_file {
            Some(path) => passphrase_in(path),
            None => bail!("evidence.key_passphrase_file does not say where its passphrase is"),
        };
        let (data_dir, origin) = (config.data_dir.as_path(), config.evidence_origin.as_str());
        let custody = Custody { data_dir, origin, passphrase: &passphrase };
        let keys: Arc<dyn LogKeys> = Arc::new(rotation::keys(&custody, journal, &*clock, options)?);
        let follower = options(Arc::clone(&keys)).build(journal.clone()).context("the evidence log")?;
        let (handle, library) = (follower.handle(), follower.library());
        let cosigner = cosign::start(config.witnesses.clone(), library.clone())?;
        let anchorer =
            Anchorer::start(&config.anchoring, library.clone(), journal.clone(), Arc::clone(&clock))?;
        let anchoring = anchorer.as_ref().map(|anchorer| Arc::clone(&anchorer.watch));
        let desk =
            Desk { library, handle: handle.clone(), journal: journal.clone(), periods, clock, anchoring };
        let thread = std::thread::Builder::new().name("evidence".into()).spawn(move || follower.run())?;
        let desk = Arc::new(desk);
        metrics::register(&desk, registry).context("metrics of the evidence log")?;
        Ok(Self { handle, desk, keys, thread, cosigner, anchorer })
    }

    /// Publishes what is durable, and ends the thread.
    ///
    /// # Errors
    /// When the thread panicked.
    pub(crate) fn stop(self) -> Result<()> {
        if let Some(anchorer) = self.anchorer {
            anchorer.worker.stop();
        }
        self.handle.drain();
        if let Some(cosigner) = self.cosigner {
            cosigner.stop();
        }
        self.thread.join().map_err(|_| anyhow::anyhow!("the evidence log's thread panicked"))
    }
}

/// The name of the log in the data folder: what its latest checkpoint says, and the configured one while there is none. A
/// command that is run without the node's configuration speaks of the folder that it is given.
///
/// # Errors
/// Of the files.
pub fn origin_of(config: &Config) -> Result<String> {
    let folder = config.data_dir.join(EVIDENCE_DIR);
    let mut shards: Vec<Shard> = Vec::new();
    if folder.is_dir() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            shards.extend(entry?.file_name().to_str().and_then(|name| name.parse::<Shard>().ok()));
        }
    }
    shards.sort_unstable();
    let files: Arc<dyn Source> = Arc::new(Folder::new(&folder));
    for shard in shards.iter().rev() {
        if let Some(note) = LogReader::new(Arc::clone(&files), &shard.to_string()).checkpoint::<Sha256>()? {
            let stated = Checkpoint::parse(note.text()).context("the latest checkpoint")?.origin;
            // A half-year's log is named by the log and the half-year.
            return Ok(stated.strip_suffix(&format!("/{shard}")).unwrap_or(&stated).to_owned());
        }
    }
    Ok(config.evidence_origin.clone())
}

/// What a log's fault is to whoever asked.
fn fault(error: &LogError) -> Refusal {
    tracing::error!(%error, "the evidence log cannot be read");
    Refusal::retry(Code::C1703, RETRY_AFTER)
}

/// Reads files on a thread that may wait for a disk.
async fn reading<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| Err(Code::C093.into()))
}

impl Desk {
    /// Why the log is not as it should be; none when it is.
    pub fn unready(&self) -> Option<String> {
        let overdue = self.overdue();
        (overdue > OVERDUE_MAX).then(|| {
            let fault = self.handle.fault().unwrap_or_default();
            format!("no checkpoint of the evidence log for {} s {fault}", overdue.as_secs())
        })
    }

    /// How long something durable has waited for a checkpoint.
    fn overdue(&self) -> Duration {
        self.handle.overdue(self.clock.now(), self.journal.durable_seq())
    }

    /// Why nothing may be served; none while nobody outside has to see the log, or somebody has.
    pub fn closed(&self) -> Option<Code> {
        let watch = self.anchoring.as_ref()?;
        watch.closed(self.clock.now()).then_some(Code::C1717)
    }

    /// The state of the log, for `/status`.
    pub fn status(&self) -> serde_json::Value {
        serde_json::json!({"published_seq": self.handle.reached(), "fault": self.handle.fault()})
    }

    /// A file of the log.
    pub async fn file(
        self: Arc<Self>,
        address: String,
        with_entries: bool,
    ) -> Result<Option<LogFile>, Refusal> {
        reading(move || {
            let file = self.library.file(&address, with_entries).map_err(|error| fault(&error))?;
            Ok(file.map(|file| LogFile {
                bytes: file.bytes.into(),
                kind: file.kind,
                immutable: file.immutable,
            }))
        })
        .await
    }

    /// The receipt of the call `id`, a request's id, that the unit made. To a test credential real calls are not there: what
    /// opens their commitments is not for whoever tries things out.
    pub async fn receipt(
        self: Arc<Self>,
        (unit, trial): (Id, bool),
        id: String,
        sm3: bool,
    ) -> Result<String, Refusal> {
        reading(move || self.make_out((&unit, trial), &id, sm3)).await
    }

    fn make_out(&self, whose: (&Id, bool), id: &str, sm3: bool) -> Result<String, Refusal> {
        // The place in the journal that an answer carries counts from one: it names no receipt.
        let request: RequestId = id.parse().map_err(|_| Code::C1701)?;
        // Asked first: what is published meanwhile is found below. The record of a refusal is taken before the refusal is
        // told, and durable only later.
        let taken = self.journal.taken_seq();
        let Some(found) = self.library.call(&request).map_err(|error| fault(&error))? else {
            // Whether it is theirs is not known yet, nor whether it is at all: every id is answered alike.
            let pending = self.handle.reached() < taken;
            return Err(if pending { Refusal::retry(Code::C1702, RETRY_AFTER) } else { Code::C1701.into() });
        };
        let enclosed = self.opened_for(whose, &found).ok_or(Code::C1701)?;
        let receipt = if sm3 {
            self.library.receipt::<Sm3>(&found, enclosed)
        } else {
            self.library.receipt::<Sha256>(&found, enclosed)
        };
        match receipt.map_err(|error| fault(&error))? {
            Some(receipt) => Ok(receipt.to_string()),
            None => Err(Refusal::retry(Code::C1702, RETRY_AFTER)),
        }
    }

    /// The entry with what opens it, where it is a call of the unit, and a trial where a test credential asks.
    fn opened_for(&self, (unit, trial): (&Id, bool), found: &Found) -> Option<Enclosed> {
        let Ok(Entry::Call(call)) = Entry::decode(&found.entry) else { return None };
        if call.terms.unit != unit.as_str() || (trial && !call.sandbox) {
            return None;
        }
        // Of a half-year whose key was erased no receipt is made out any more; those given out still hold.
        let (request, answer) = self.periods.at(call.received)?.openings(&call);
        Some(Enclosed { entry: found.entry.clone(), request, answer })
    }
}
