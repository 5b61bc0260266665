//! The thread that keeps roll-ups close behind the journal.
//!
//! [`Options`] → [`Options::build`] → [`Meter::run`] on a thread of the caller's, with a [`MeterHandle`]. Usage is visible
//! within seconds; a close asks the handle to catch up first, so that nothing durable is left out of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shuzha_journal::Journal;

use super::{Books, BooksError};
use crate::StoreError;
use crate::follow::{Watch, follow};

/// Most records in one transaction.
const BATCH_RECORDS_MAX: usize = 20_000;

/// Least time between two transactions.
const INTERVAL: Duration = Duration::from_secs(1);

/// How the meter works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most records in one transaction.
    pub batch_records_max: usize,
    /// Least time between two transactions.
    pub interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { batch_records_max: BATCH_RECORDS_MAX, interval: INTERVAL }
    }
}

impl Options {
    /// A meter of `journal` into `books`, which goes on where the books stand.
    ///
    /// # Errors
    /// [`StoreError::JournalEndsEarly`] when the books have seen records that this journal does not hold.
    pub fn build(self, books: Books, journal: Journal) -> Result<Meter, StoreError> {
        let (reached, durable) = (books.reached()?.seq, journal.durable_seq());
        if reached > durable {
            return Err(StoreError::JournalEndsEarly { reached, journal: durable });
        }
        let watch = Watch::new("books", &journal, reached);
        let handle = MeterHandle { books, journal, turn: Arc::default(), watch, options: self };
        Ok(Meter(handle))
    }
}

/// Follows a journal and keeps roll-ups of it.
pub struct Meter(MeterHandle);

/// Watches, hurries and ends a [`Meter`].
#[derive(Clone)]
pub struct MeterHandle {
    books: Books,
    journal: Journal,
    /// Held while records are gathered, so that one gathers at a time.
    turn: Arc<Mutex<()>>,
    watch: Watch,
    options: Options,
}

impl MeterHandle {
    /// Lets [`Meter::run`] gather what is durable by then, and return.
    pub fn drain(&self) {
        self.watch.drain();
    }

    /// What watches this meter.
    #[must_use]
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Gathers everything that is durable now; answers the last record of it.
    ///
    /// # Errors
    /// [`StoreError::Contradiction`] for a gap in the sequence or a record that cannot be counted, or what reading and
    /// writing said; the books then stand at the last whole batch.
    pub fn catch_up(&self) -> Result<u64, BooksError> {
        // A panic while gathering has written nothing of its batch.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let durable = self.journal.durable_seq();
        let mut reached = self.books.reached()?.seq;
        while reached < durable {
            let mut reader = self.journal.reader(reached + 1).map_err(StoreError::from)?;
            while reached < durable {
                let mut gathered = self.books.gathering()?;
                let left = usize::try_from(durable - reached).unwrap_or(usize::MAX);
                for record in reader.by_ref().take(self.options.batch_records_max.min(left)) {
                    gathered.add(&record.map_err(StoreError::from)?)?;
                }
                let now = gathered.reached().seq;
                if now == reached {
                    return Err(StoreError::JournalEndsEarly { reached: durable, journal: now }.into());
                }
                match self.books.gather(gathered) {
                    Ok(()) => {
                        reached = now;
                        self.watch.note(now);
                    }
                    // A period was closed in between: the same records again, by what is open now.
                    Err(BooksError::Store(StoreError::OutOfStep { .. })) => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(reached)
    }
}

impl Meter {
    /// A handle to this meter.
    #[must_use]
    pub fn handle(&self) -> MeterHandle {
        self.0.clone()
    }

    /// Gathers until it is drained, or until the journal has ended and everything durable is gathered. What fails is tried again.
    ///
    /// # Errors
    /// As [`MeterHandle::catch_up`] at the last try. The journal goes on: it is the record, and the next start gathers from there.
    pub fn run(self) -> Result<(), BooksError> {
        let MeterHandle { watch, options, .. } = &self.0;
        follow(watch, options.interval, |_| self.0.catch_up())
    }
}
