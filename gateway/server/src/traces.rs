//! Evidence for those who supervise, in the binary: the index of uses in a file of its own, kept close behind the journal by a
//! thread, and the log beside it.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use shuzha_control::Control;
use shuzha_control::evidence::{Evidence, Parts, Products};
use shuzha_journal::Journal;
use shuzha_store::tiles::{Directory, Library};
use shuzha_store::traces::{Options, TracerHandle};
use shuzha_store::{StoreError, Traces};

use crate::evidence::EVIDENCE_DIR;

/// The index, inside the data folder.
pub(crate) const TRACES_FILE: &str = "traces.db";

/// A running index.
pub(crate) struct Running {
    pub(crate) evidence: Arc<Evidence>,
    tracer: TracerHandle,
    thread: JoinHandle<Result<(), StoreError>>,
}

impl Running {
    /// Opens the index in `data_dir` and follows the journal.
    ///
    /// # Errors
    /// Of the index; where it has seen records that the journal does not hold.
    pub(crate) fn start(data_dir: &Path, control: Arc<Control>, journal: Journal) -> Result<Self> {
        let traces = Traces::open(&data_dir.join(TRACES_FILE)).context("the index of uses")?;
        let catalogue = Arc::new(Products(Arc::clone(&control)));
        let tracer = Options::default().build(traces.clone(), journal, catalogue);
        let tracer = tracer.context("the index of uses and the journal")?;
        let handle = tracer.handle();
        let thread = std::thread::Builder::new().name("tracer".into()).spawn(move || {
            let traced = tracer.run();
            if let Err(error) = &traced {
                tracing::error!(%error, "the index of uses stopped; calls go on and are read when it starts again");
            }
            traced
        })?;
        let library = Library::new(Arc::new(Directory::new(&data_dir.join(EVIDENCE_DIR))));
        let evidence = Arc::new(Evidence::new(Parts { control, traces, library }));
        Ok(Self { evidence, tracer: handle, thread })
    }

    /// Reads what is durable and ends.
    pub(crate) fn stop(self) {
        self.tracer.drain();
        if self.thread.join().is_err() {
            tracing::error!("the index of uses panicked");
        }
    }
}
