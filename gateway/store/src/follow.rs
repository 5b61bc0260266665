//! Following the journal on a thread: catch up, wait for more, until drained. What fails is tried again.
//!
//! A follower derives something from the journal and holds up no call. A database that is busy, a disk that is full, a panic: it
//! notes what kept it, waits, begins again from what is on disk, and goes on when it can. How far it is behind is never silent:
//! [`Watch`] tells it in records and in seconds.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shuzha_core::{Clock as _, SystemClock};
use shuzha_journal::{Health, Journal};

/// How long to wait for records before looking whether to end.
const DRAIN_POLL: Duration = Duration::from_millis(50);

/// Shortest and longest pause before another try.
const RETRY_MIN: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// How a follower is asked to catch up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    /// From where it stands.
    On,
    /// After a failure: from what is on disk.
    Again,
}

/// Watches a follower of the journal, and ends it.
#[derive(Clone)]
pub struct Watch(Arc<Shared>);

struct Shared {
    name: &'static str,
    journal: Journal,
    reached: AtomicU64,
    /// When everything durable was dealt with, or when this began: ms of a clock that nobody sets.
    current_at: AtomicU64,
    fault: Mutex<Option<String>>,
    draining: AtomicBool,
    turn: Mutex<()>,
    moved: Condvar,
}

impl Watch {
    pub(crate) fn new(name: &'static str, journal: &Journal, reached: u64) -> Self {
        Self(Arc::new(Shared {
            name,
            journal: journal.clone(),
            reached: AtomicU64::new(reached),
            current_at: AtomicU64::new(running()),
            fault: Mutex::default(),
            draining: AtomicBool::new(false),
            turn: Mutex::default(),
            moved: Condvar::new(),
        }))
    }

    /// What follows: `projection`, `books`, `traces`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Sequence of the last record that it has dealt with.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.0.reached.load(Ordering::Acquire)
    }

    /// Durable records that it has not dealt with.
    #[must_use]
    pub fn lag(&self) -> u64 {
        self.0.journal.durable_seq().saturating_sub(self.reached())
    }

    /// How long something durable has waited for it; nothing where nothing waits.
    #[must_use]
    pub fn behind(&self) -> Duration {
        let current_at = self.0.current_at.load(Ordering::Acquire);
        if self.lag() == 0 {
            return Duration::ZERO;
        }
        Duration::from_millis(running().saturating_sub(current_at))
    }

    /// What keeps it from going on; none while nothing does.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        lock(&self.0.fault).clone()
    }

    /// Lets it deal with what is durable by then, and end.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
        drop(lock(&self.0.turn));
        self.0.moved.notify_all();
    }

    /// Notes the last record that it has dealt with.
    pub(crate) fn note(&self, reached: u64) {
        // Read before the journal is asked: what becomes durable in between is late from here on.
        let now = running();
        self.0.reached.fetch_max(reached, Ordering::AcqRel);
        if reached >= self.0.journal.durable_seq() {
            self.0.current_at.store(now, Ordering::Release);
        }
    }

    fn note_fault(&self, fault: Option<String>) {
        let before = std::mem::replace(&mut *lock(&self.0.fault), fault.clone());
        match (fault, before) {
            // Told when it changes: a disk that stays full does not fill the log as well.
            (Some(fault), before) if before.as_ref() != Some(&fault) => {
                tracing::error!(follower = self.0.name, fault, "what follows the journal does not go on");
            }
            (None, Some(_)) => tracing::info!(follower = self.0.name, "what follows the journal goes on"),
            _ => {}
        }
    }

    fn is_over(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
            || matches!(self.0.journal.health(), Health::Failed(_) | Health::Closed)
    }

    /// Waits for `time`, or for the end.
    fn pause(&self, time: Duration) {
        let turn = lock(&self.0.turn);
        drop(self.0.moved.wait_timeout_while(turn, time, |()| !self.is_over()));
    }
}

fn running() -> u64 {
    u64::try_from(SystemClock.running().as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here is left half done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `catch_up`, which answers the last record it has dealt with, whenever the journal has more and `interval` is over, and
/// again after a pause where it fails. Ends after a last call once `watch` is drained, or the journal has failed or closed.
///
/// # Errors
/// What the last call answers.
pub(crate) fn follow<E: Display>(
    watch: &Watch,
    interval: Duration,
    mut catch_up: impl FnMut(Try) -> Result<u64, E>,
) -> Result<(), E> {
    let (mut how, mut retry) = (Try::On, RETRY_MIN);
    loop {
        let last = watch.is_over();
        let outcome = catch_unwind(AssertUnwindSafe(|| catch_up(how)));
        let fault = match &outcome {
            Ok(Ok(reached)) => {
                watch.note(*reached);
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            // What it says may be about a record: the place is in the log already.
            Err(_) => Some("a panic".to_owned()),
        };
        let failed = fault.is_some();
        watch.note_fault(fault);
        if last {
            return outcome.unwrap_or(Ok(0)).map(|_| ());
        }
        if failed {
            how = Try::Again;
            watch.pause(retry);
            retry = (retry * 2).min(RETRY_MAX);
            continue;
        }
        (how, retry) = (Try::On, RETRY_MIN);
        watch.pause(interval);
        let reached = watch.reached();
        while watch.0.journal.wait_durable_beyond(reached, DRAIN_POLL) <= reached && !watch.is_over() {
            watch.note(reached);
        }
    }
}

#[cfg(test)]
mod tests;
