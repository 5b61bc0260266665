//! The thread that keeps the index close behind the journal.
//!
//! [`Options`] → [`Options::build`] → [`Tracer::run`] on a thread of the caller's, with a [`TracerHandle`].

use std::sync::{Arc, Mutex};
use std::time::Duration;

use shuzha_journal::Journal;

use super::gather::Known;
use super::{Catalogue, Traces};
use crate::StoreError;
use crate::follow::{Watch, follow};

/// How the index is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most records in one transaction. A question waits for one at the most.
    pub batch_records_max: usize,
    /// Least time between two transactions.
    pub interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { batch_records_max: 5_000, interval: Duration::from_millis(500) }
    }
}

impl Options {
    /// What reads `journal` into `traces`, going on where these stand.
    ///
    /// # Errors
    /// [`StoreError::JournalEndsEarly`] when they have seen records that this journal does not hold.
    pub fn build(
        self,
        traces: Traces,
        journal: Journal,
        catalogue: Arc<dyn Catalogue>,
    ) -> Result<Tracer, StoreError> {
        let (reached, durable) = (traces.reached()?.seq, journal.durable_seq());
        if reached > durable {
            return Err(StoreError::JournalEndsEarly { reached, journal: durable });
        }
        let watch = Watch::new("traces", &journal, reached);
        Ok(Tracer(TracerHandle { traces, journal, catalogue, known: Arc::default(), watch, options: self }))
    }
}

/// Follows a journal and keeps the index.
pub struct Tracer(TracerHandle);

/// Watches, hurries and ends a [`Tracer`].
#[derive(Clone)]
pub struct TracerHandle {
    traces: Traces,
    journal: Journal,
    catalogue: Arc<dyn Catalogue>,
    /// Held while records are read, so that one reads at a time.
    known: Arc<Mutex<Known>>,
    watch: Watch,
    options: Options,
}

impl TracerHandle {
    /// Lets [`Tracer::run`] read what is durable by then, and return.
    pub fn drain(&self) {
        self.watch.drain();
    }

    /// What watches this tracer.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Reads everything that is durable now; answers the last record of it.
    ///
    /// # Errors
    /// As the journal, the register and the database say; the index then stands at the last whole batch.
    pub fn catch_up(&self) -> Result<u64, StoreError> {
        // A panic while reading has written nothing of its batch, and may have numbered rows that are not there.
        let mut known = self.known.lock().unwrap_or_else(|poisoned| {
            self.known.clear_poison();
            let mut known = poisoned.into_inner();
            *known = Known::default();
            known
        });
        let durable = self.journal.durable_seq();
        let mut reached = self.traces.reached()?.seq;
        let mut reader = self.journal.reader(reached + 1)?;
        while reached < durable {
            let left = usize::try_from(durable - reached).unwrap_or(usize::MAX);
            let records = reader.by_ref().take(self.options.batch_records_max.min(left));
            let now = self.traces.read(records, &*self.catalogue, &mut known)?.seq;
            if now == reached {
                return Err(StoreError::JournalEndsEarly { reached: durable, journal: now });
            }
            reached = now;
            self.watch.note(now);
        }
        Ok(reached)
    }
}

impl Tracer {
    /// A handle to this tracer.
    #[must_use]
    pub fn handle(&self) -> TracerHandle {
        self.0.clone()
    }

    /// Reads until it is drained, or until the journal has ended and everything durable is in the index. What fails is tried
    /// again.
    ///
    /// # Errors
    /// As [`TracerHandle::catch_up`] at the last try. The journal goes on: it is the record, and the next start reads from there.
    pub fn run(self) -> Result<(), StoreError> {
        let TracerHandle { watch, options, .. } = &self.0;
        follow(watch, options.interval, |_| self.0.catch_up())
    }
}
