//! The thread that keeps the projection close behind the journal.
//!
//! [`Options`] → [`Options::build`] → [`Projector::run`] on a thread of the caller's, with a [`ProjectorHandle`] to drain it.
//! It lags by design: rows that change often are written once per interval, and what is missing at the next start is
//! replayed from the journal.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use shuzha_journal::{Health, Journal, Reader};

use crate::reduce::{Changes, State};
use crate::{Store, StoreError};

/// Default time between two transactions.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// Default of the most records in one transaction.
pub const BATCH_RECORDS_MAX: u64 = 20_000;

/// How often a projector that waits for the journal looks whether it is to end.
const DRAIN_POLL: Duration = Duration::from_millis(50);

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
        let shared = Arc::new(Shared {
            reached: AtomicU64::new(reached),
            draining: AtomicBool::new(false),
            ..Shared::default()
        });
        let reader = journal.reader(reached + 1)?;
        Ok(Projector { options: self, store, journal, reader, state, shared })
    }
}

#[derive(Default)]
struct Shared {
    reached: AtomicU64,
    draining: AtomicBool,
    turn: Mutex<()>,
    moved: Condvar,
}

/// Follows a journal and keeps its projection.
pub struct Projector {
    options: Options,
    store: Store,
    journal: Journal,
    /// Stands behind `state.reached`.
    reader: Reader,
    state: State,
    shared: Arc<Shared>,
}

/// Watches and ends a [`Projector`].
#[derive(Clone)]
pub struct ProjectorHandle(Arc<Shared>);

impl ProjectorHandle {
    /// Sequence of the last record in the projection.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.0.reached.load(Ordering::Acquire)
    }

    /// Lets [`Projector::run`] project what is durable by then, and return.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
        drop(self.0.turn.lock());
        self.0.moved.notify_all();
    }
}

impl Projector {
    /// A handle to this projector.
    #[must_use]
    pub fn handle(&self) -> ProjectorHandle {
        ProjectorHandle(Arc::clone(&self.shared))
    }

    /// Projects until it is drained, or until the journal has failed or closed and everything durable is projected.
    ///
    /// # Errors
    /// [`StoreError`]; the projection then stands at the last whole transaction. The journal goes on: it is the record,
    /// and the next start replays from there.
    pub fn run(mut self) -> Result<(), StoreError> {
        loop {
            let draining = self.shared.draining.load(Ordering::Acquire);
            let over = matches!(self.journal.health(), Health::Failed(_) | Health::Closed);
            self.catch_up()?;
            if draining || over {
                return Ok(());
            }
            self.pause(self.options.interval);
            while self.journal.wait_durable_beyond(self.state.reached.seq, DRAIN_POLL)
                <= self.state.reached.seq
                && !self.shared.draining.load(Ordering::Acquire)
                && !matches!(self.journal.health(), Health::Failed(_) | Health::Closed)
            {}
        }
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
            self.shared.reached.store(self.state.reached.seq, Ordering::Release);
        }
        Ok(())
    }

    /// Waits for `time`, or for the drain.
    fn pause(&self, time: Duration) {
        let turn = self.shared.turn.lock().expect("nothing panics while it has the turn");
        let waited = self.shared.moved.wait_timeout_while(turn, time, |()| {
            !self.shared.draining.load(Ordering::Acquire)
                && !matches!(self.journal.health(), Health::Failed(_) | Health::Closed)
        });
        drop(waited.expect("nothing panics while it has the turn"));
    }
}

#[cfg(test)]
mod tests;
