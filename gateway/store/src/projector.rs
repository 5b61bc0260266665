//! The thread that keeps the projection close behind the journal.
//!
//! [`Options`] → [`Options::build`] → [`Projector::run`] on a thread of the caller's, with a [`Watch`] to see and to drain it.
//! It lags by design: rows that change often are written once per interval, and what is missing at the next start is
//! replayed from the journal.

use std::time::Duration;

use shuzha_journal::{Journal, Reader};

use crate::follow::{Try, Watch, follow};
use crate::reduce::{Changes, State};
use crate::{Store, StoreError};

/// Default time between two transactions.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// Default of the most records in one transaction.
pub const BATCH_RECORDS_MAX: u64 = 20_000;

/// How the projector works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Least time between two transactions.
    pub interval: Duration,
    /// Most records in one transaction.
    pub batch_records_max: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { interval: INTERVAL, batch_records_max: BATCH_RECORDS_MAX }
    }
}

impl Options {
    /// A projector of `journal` into `store`, which goes on where the store stands.
    ///
    /// # Errors
    /// [`StoreError::JournalEndsEarly`] when the store has seen records that this journal does not hold: it belongs to
    /// another journal, or this one lost its end. Otherwise what loading said.
    pub fn build(self, store: Store, journal: Journal) -> Result<Projector, StoreError> {
        let state = store.load_state()?;
        let (reached, durable) = (state.reached.seq, journal.durable_seq());
        if reached > durable {
            return Err(StoreError::JournalEndsEarly { reached, journal: durable });
        }
        let watch = Watch::new("projection", &journal, reached);
        let reader = journal.reader(reached + 1)?;
        Ok(Projector { options: self, store, journal, reader, state, watch })
    }
}

/// Follows a journal and keeps its projection.
pub struct Projector {
    options: Options,
    store: Store,
    journal: Journal,
    /// Stands behind `state.reached`.
    reader: Reader,
    state: State,
    watch: Watch,
}

impl Projector {
    /// What watches and ends this projector.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Projects until it is drained, or until the journal has failed or closed and everything durable is projected. What fails
    /// is tried again.
    ///
    /// # Errors
    /// [`StoreError`] of the last try; the projection then stands at the last whole transaction. The journal goes on: it is the
    /// record, and the next start replays from there.
    pub fn run(mut self) -> Result<(), StoreError> {
        let (watch, interval) = (self.watch.clone(), self.options.interval);
        follow(&watch, interval, |how| {
            if how == Try::Again {
                // What was replayed and not written is replayed again.
                self.state = self.store.load_state()?;
                self.reader = self.journal.reader(self.state.reached.seq + 1)?;
            }
            self.catch_up()?;
            Ok(self.state.reached.seq)
        })
    }

    /// Projects everything that is durable now.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        let durable = self.journal.durable_seq();
        while self.state.reached.seq < durable {
            let mut changes = Changes::default();
            let from = self.state.reached.seq + 1;
            let count = self.options.batch_records_max.min(durable - self.state.reached.seq);
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            self.state.replay(self.reader.by_ref().take(count), &mut changes)?;
            if self.state.reached.seq < from {
                let journal = self.state.reached.seq;
                return Err(StoreError::JournalEndsEarly { reached: durable, journal });
            }
            self.store.project(&self.state, &mut changes)?;
            self.watch.note(self.state.reached.seq);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
