//! Evidence for those who supervise, in the binary: the index of uses in a file of its own, kept close behind the journal by a
//! thread, and the log beside it.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use shuzha_control::evidence::{Evidence, Parts, Products};
use shuzha_control::{Control, JournalLog};
use shuzha_core::{Clock, OsRng};
use shuzha_evidence::log::LogKeys;
use shuzha_journal::Journal;
use shuzha_store::retention::{self, Decisions, Retention, Term};
use shuzha_store::tiles::Directory;
use shuzha_store::traces::{Options, TracerHandle};
use shuzha_store::{Books, Sealable as _, Store, StoreError, Traces, Watch};

use crate::data_folder::TRACES_FILE;
use crate::evidence::EVIDENCE_DIR;
use crate::node::beside;
use crate::way_back;

/// What evidence is started with.
pub(crate) struct Setup<'s> {
    pub(crate) data_dir: &'s Path,
    pub(crate) decisions: Decisions,
    pub(crate) control: Arc<Control>,
    pub(crate) journal: Journal,
    pub(crate) books: Books,
    pub(crate) store: Store,
    /// What every origin of the evidence log begins with.
    pub(crate) origin: String,
    pub(crate) keys: Arc<dyn LogKeys>,
    /// How long records of calls are kept.
    pub(crate) term: Term,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A running index.
pub(crate) struct Running {
    pub(crate) evidence: Arc<Evidence>,
    traces: Traces,
    tracer: TracerHandle,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Running {
    /// Opens the index and follows the journal; completes a destruction that was decided before the process ended.
    ///
    /// # Errors
    /// Of the index, the decisions and the keys; where the index has seen records that the journal does not hold.
    pub(crate) fn start(setup: Setup<'_>) -> Result<Self> {
        let Setup { data_dir, decisions, control, journal, books, store, origin, keys, term, clock } = setup;
        let traces = Traces::open(&data_dir.join(TRACES_FILE));
        let traces = traces.map_err(|error| way_back::from(data_dir, TRACES_FILE, error))?;
        let retention = Retention::new(retention::Parts {
            decisions,
            journal: journal.clone(),
            files: Arc::new(Directory::new(&data_dir.join(EVIDENCE_DIR))),
            traces: traces.clone(),
            books,
            store,
            register: control.register().clone(),
            authorisations: control.clone(),
            keys,
            origin,
            term,
        });
        // Calls go on whatever becomes of it: it is tried again at the next start.
        if let Err(error) = retention.resume(clock.now()) {
            tracing::error!(%error, "what was decided about a half-year is not completed");
        }
        let catalogue = Arc::new(Products(Arc::clone(&control)));
        let tracer = Options::default().build(traces.clone(), journal.clone(), catalogue);
        let tracer = tracer.context("the index of uses and the journal")?;
        let handle = tracer.handle();
        let thread = std::thread::Builder::new().name("tracer".into()).spawn(move || {
            let traced = tracer.run();
            if let Err(error) = &traced {
                tracing::error!(%error, "the index of uses ended; what is left is read at the next start");
            }
            traced
        })?;
        let (log, rng) = (Arc::new(JournalLog(journal)), Arc::new(OsRng));
        let index = traces.clone();
        let evidence = Arc::new(Evidence::new(Parts { control, traces, retention, log, clock, rng }));
        Ok(Self { evidence, traces: index, tracer: handle, thread })
    }

    /// What watches the index.
    pub(crate) fn watch(&self) -> Watch {
        self.tracer.watch().clone()
    }

    /// Reads what is durable and ends.
    pub(crate) fn stop(self) {
        self.tracer.drain();
        if self.thread.join().is_err() {
            tracing::error!("the index of uses panicked");
        }
        beside::told(TRACES_FILE, self.traces.checkpoint());
    }
}
