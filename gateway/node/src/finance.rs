//! The books in the binary: opened in a file of their own, and kept close behind the journal by a thread.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use shuzha_control::finance::{CreditAccounts, Finance, Parts};
use shuzha_control::{Control, JournalLog};
use shuzha_core::{Clock, Id, MicroYuan, OsRng};
use shuzha_policy::Gate;
use shuzha_store::ledger::{BooksError, MeterHandle, MeterOptions};
use shuzha_store::{Books, Watch};

/// The credit accounts of the gate in this process.
struct Accounts(Arc<Gate>);

impl CreditAccounts for Accounts {
    fn free(&self, unit: &Id, freed: MicroYuan) {
        self.0.free_credit(unit, freed);
    }
}

/// Running books.
pub(crate) struct Running {
    pub(crate) finance: Arc<Finance>,
    meter: MeterHandle,
    thread: JoinHandle<Result<(), BooksError>>,
}

impl Running {
    /// Follows the journal with the books. A period may be closed `grace` after its soft close.
    ///
    /// # Errors
    /// Of the books; where they have counted records that the journal does not hold.
    pub(crate) fn start(
        books: Books,
        control: Arc<Control>,
        clock: Arc<dyn Clock>,
        gate: Arc<Gate>,
        grace: Duration,
    ) -> Result<Self> {
        let journal = gate.journal().clone();
        let meter = MeterOptions::default().build(books.clone(), journal.clone());
        let meter = meter.context("the books and the journal")?;
        let handle = meter.handle();
        let thread = std::thread::Builder::new().name("meter".into()).spawn(move || {
            let metered = meter.run();
            if let Err(error) = &metered {
                tracing::error!(%error, "metering ended; what is left is counted at the next start");
            }
            metered
        })?;
        let log = Arc::new(JournalLog(journal));
        let (meter, rng) = (handle.clone(), Arc::new(OsRng));
        let credit = Arc::new(Accounts(gate));
        let finance = Finance::new(Parts { books, meter, control, log, clock, rng, grace, credit });
        finance.follow_credit();
        Ok(Self { finance: Arc::new(finance), meter: handle, thread })
    }

    /// What watches the metering.
    pub(crate) fn watch(&self) -> Watch {
        self.meter.watch().clone()
    }

    /// Counts what is durable and ends.
    pub(crate) fn stop(self) {
        self.meter.drain();
        if self.thread.join().is_err() {
            tracing::error!("metering panicked");
        }
    }
}
