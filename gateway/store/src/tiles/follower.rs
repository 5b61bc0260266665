//! The thread that appends what is durable in the journal to the evidence log, and publishes a checkpoint each second.
//!
//! It never holds up a call. When it cannot go on — a full disk, a key that is away — it says so, and begins again from what is
//! on disk.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use shuzha_core::{Clock, Timestamp};
use shuzha_evidence::log::{Files, LogError, LogKeys, LogReader, LogWriter, Shard, Source};
use shuzha_journal::{Health, Journal, JournalError, Reader};

use super::library::shards;
use super::lookup::{Lookup, request_of};
use super::{Directory, Library, Lock};

/// Least time between two checkpoints. With the time that writing one takes, a change is published within a second.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(800);

/// Longest time for which a log in which nothing happens does not sign (E3).
pub const IDLE_INTERVAL: Duration = Duration::from_mins(10);

/// Most records under one more checkpoint, so that a log that is far behind shows that it catches up.
const BATCH_RECORDS_MAX: usize = 100_000;

/// How long a follower that failed waits before it begins again.
const RETRY: Duration = Duration::from_secs(1);

/// How often a follower that waits for the journal looks whether it is to end.
const DRAIN_POLL: Duration = Duration::from_millis(50);

/// How the log is kept.
pub struct Options {
    /// Its folder.
    pub folder: PathBuf,
    /// What every origin begins with: the name of the log.
    pub origin: String,
    /// Its keys.
    pub keys: Arc<dyn LogKeys>,
    /// Least time between two checkpoints.
    pub interval: Duration,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Options {
    /// A follower of `journal`, which goes on where the log stands.
    ///
    /// # Errors
    /// [`LogError`]: another process, another's log, damage, or a journal that does not hold what the log has.
    pub fn build(self, journal: Journal) -> Result<Follower, LogError> {
        let lock = Lock::take(&self.folder)?;
        let files = Arc::new(Directory::new(&self.folder));
        let shared = Arc::new(Shared::default());
        shared.current_at.store(self.clock.now().micros(), Ordering::Release);
        let mut follower = Follower { options: self, files, journal, shared, _lock: lock };
        let state = follower.open()?;
        follower.note_reached(&state);
        Ok(follower)
    }
}

#[derive(Default)]
struct Shared {
    reached: AtomicU64,
    /// When everything durable was published, or when this began, by the clock: µs since 1970.
    current_at: AtomicI64,
    /// When the latest checkpoint was signed.
    signed_at: AtomicI64,
    draining: AtomicBool,
    turn: Mutex<Option<String>>,
    moved: Condvar,
}

/// Follows a journal and keeps its log.
pub struct Follower {
    options: Options,
    files: Arc<Directory>,
    journal: Journal,
    shared: Arc<Shared>,
    /// Given back when [`Follower::run`] returns.
    _lock: Lock,
}

/// Watches and ends a [`Follower`].
#[derive(Clone)]
pub struct FollowerHandle(Arc<Shared>);

impl FollowerHandle {
    /// Sequence of the last record under a checkpoint.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.0.reached.load(Ordering::Acquire)
    }

    /// What keeps the log from going on; none while nothing does.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.0.turn.lock().expect("nothing panics while it has the turn").clone()
    }

    /// How long, at `now`, something durable has waited for a checkpoint. Zero when nothing has, or when the clock went back.
    #[must_use]
    pub fn overdue(&self, now: Timestamp, durable: u64) -> Duration {
        let current_at = Timestamp::from_micros(self.0.current_at.load(Ordering::Acquire));
        if self.reached() >= durable {
            return Duration::ZERO;
        }
        Duration::from_micros(u64::try_from(now.micros_since(current_at)).unwrap_or(0))
    }

    /// Lets [`Follower::run`] publish what is durable by then, and return.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
        drop(self.0.turn.lock());
        self.0.moved.notify_all();
    }
}

/// A log that is open, and where the journal is read.
struct Open {
    writer: LogWriter,
    lookup: Lookup,
    reader: Reader,
    /// Sequence of the next record to append.
    next_seq: u64,
}

impl Follower {
    /// A handle to this follower.
    #[must_use]
    pub fn handle(&self) -> FollowerHandle {
        FollowerHandle(Arc::clone(&self.shared))
    }

    /// What has been published.
    #[must_use]
    pub fn library(&self) -> Library {
        Library::new(Arc::clone(&self.files))
    }

    /// Follows until it is drained, or until the journal has failed or closed and everything durable is published. Faults are
    /// noted, and everything is tried again from what is on disk; while it drains, one is the end.
    pub fn run(mut self) {
        loop {
            let outcome = self.open().and_then(|state| self.follow(state));
            let Err(fault) = outcome else { return };
            tracing::error!(%fault, "the evidence log does not go on");
            *self.shared.turn.lock().expect("nothing panics while it has the turn") = Some(fault.to_string());
            if self.is_over() {
                return;
            }
            self.pause(RETRY);
        }
    }

    fn is_over(&self) -> bool {
        self.shared.draining.load(Ordering::Acquire)
            || matches!(self.journal.health(), Health::Failed(_) | Health::Closed)
    }

    fn follow(&mut self, mut state: Open) -> Result<(), LogError> {
        loop {
            let over = self.is_over();
            while state.next_seq <= self.journal.durable_seq() {
                self.advance(&mut state)?;
            }
            self.note_reached(&state);
            if over {
                return Ok(());
            }
            self.pause(self.options.interval);
            let last = state.next_seq - 1;
            while self.journal.wait_durable_beyond(last, DRAIN_POLL) <= last && !self.is_over() {
                self.note_current(&state);
                if self.signed_long_ago() {
                    let at = self.options.clock.now();
                    state.writer.republish()?;
                    self.note_signed(at);
                }
            }
        }
    }

    /// Appends a batch of what is durable and publishes it.
    fn advance(&mut self, state: &mut Open) -> Result<(), LogError> {
        let from = state.next_seq;
        for _ in 0..BATCH_RECORDS_MAX {
            let Some(record) = state.reader.next() else { break };
            let record = record.map_err(|error| journal(&error))?;
            let shard = state.writer.shard();
            let then = record.entry().map_or(shard, |entry| shard.then(entry.at()));
            if then > shard {
                // This half-year is over: it is closed whole before the next one begins.
                publish(state)?;
                if state.writer.published() != state.writer.size() {
                    let index = state.writer.size();
                    return Err(LogError::Disagrees { shard: shard.to_string(), index });
                }
                (state.writer, state.lookup) = self.open_shard(then)?;
            }
            state.writer.append(&record.bytes)?;
            state.lookup.push(request_of(&record.bytes))?;
            state.next_seq += 1;
        }
        if state.next_seq == from {
            let reason = format!("record {from} is durable and cannot be read");
            return Err(LogError::Journal { reason });
        }
        let at = self.options.clock.now();
        publish(state)?;
        self.note_signed(at);
        self.note_reached(state);
        Ok(())
    }

    /// Notes that the latest checkpoint was signed no earlier than `at`. That is read before the checkpoint is written:
    /// were it read behind, whatever time passed once the file is there to see would be taken off its age.
    fn note_signed(&self, at: Timestamp) {
        self.shared.signed_at.store(at.micros(), Ordering::Release);
    }

    /// Whether the latest checkpoint is so old that it is signed again; of one before this process nothing is known.
    fn signed_long_ago(&self) -> bool {
        let signed = Timestamp::from_micros(self.shared.signed_at.load(Ordering::Acquire));
        let age = self.options.clock.now().micros_since(signed);
        // A clock that was set back says nothing of the age: signed again, it is known.
        u64::try_from(age).map_or(true, |age| Duration::from_micros(age) >= IDLE_INTERVAL)
    }

    fn note_reached(&self, state: &Open) {
        // A log whose one tree is ahead after a crash has not published yet.
        let waiting = state.writer.size() - state.writer.published();
        self.shared.reached.store(state.next_seq - 1 - waiting, Ordering::Release);
        self.note_current(state);
        *self.shared.turn.lock().expect("nothing panics while it has the turn") = None;
    }

    /// Notes the time, where everything durable is published.
    fn note_current(&self, state: &Open) {
        let published = state.writer.size() == state.writer.published();
        // Read before the journal is asked: what becomes durable in between is late from here on.
        let now = self.options.clock.now().micros();
        if published && state.next_seq > self.journal.durable_seq() {
            self.shared.current_at.store(now, Ordering::Release);
        }
    }

    /// Opens the latest half-year, and the journal behind its last leaf.
    fn open(&mut self) -> Result<Open, LogError> {
        let library = self.library();
        let known = shards(self.files.root())?;
        let mut before = 0;
        for shard in known.iter().rev().skip(1) {
            before += library.published(*shard)?;
        }
        let shard = match known.last() {
            Some(shard) => *shard,
            None => self.first_shard()?,
        };
        let (writer, lookup) = self.open_shard(shard)?;
        let last_seq = before + writer.size();
        let durable = self.journal.durable_seq();
        let disagrees = |index| LogError::Disagrees { shard: shard.to_string(), index };
        if last_seq > durable {
            return Err(disagrees(durable.saturating_sub(before)));
        }
        let mut reader = self.journal.reader(last_seq.max(1)).map_err(|error| journal(&error))?;
        if let Some(last) = writer.size().checked_sub(1) {
            // The last leaf is the record that stands there now: otherwise this is another journal.
            let record = reader.next().transpose().map_err(|error| journal(&error))?;
            let leaf = self.reader(shard).entry(last, writer.size())?;
            if record.is_none_or(|record| *record.bytes != *leaf) {
                return Err(disagrees(last));
            }
        } else if last_seq > 0 {
            reader = self.journal.reader(last_seq + 1).map_err(|error| journal(&error))?;
        }
        Ok(Open { writer, lookup, reader, next_seq: last_seq + 1 })
    }

    /// The half-year of the journal's first record.
    fn first_shard(&self) -> Result<Shard, LogError> {
        let mut reader = self.journal.reader(1).map_err(|error| journal(&error))?;
        let first = reader.next().transpose().map_err(|error| journal(&error))?;
        let at = first.as_ref().and_then(|record| Some(record.entry().ok()?.at()));
        Ok(Shard::of(at.unwrap_or_else(|| self.options.clock.now())))
    }

    fn reader(&self, shard: Shard) -> LogReader {
        LogReader::new(Arc::clone(&self.files) as Arc<dyn Source>, &shard.to_string())
    }

    fn open_shard(&self, shard: Shard) -> Result<(LogWriter, Lookup), LogError> {
        let files = Arc::clone(&self.files) as Arc<dyn Files>;
        let writer = LogWriter::open(files, &self.options.origin, shard, &*self.options.keys)?;
        let lookup = Lookup::open(self.files.root(), shard, &self.reader(shard), writer.size())?;
        Ok((writer, lookup))
    }

    /// Waits for `time`, or for the drain.
    fn pause(&self, time: Duration) {
        let turn = self.shared.turn.lock().expect("nothing panics while it has the turn");
        let waited = self.shared.moved.wait_timeout_while(turn, time, |_| !self.is_over());
        drop(waited.expect("nothing panics while it has the turn"));
    }
}

/// What is findable first, then what is published.
fn publish(state: &mut Open) -> Result<(), LogError> {
    state.lookup.sync()?;
    state.writer.publish()
}

fn journal(error: &JournalError) -> LogError {
    LogError::Journal { reason: error.to_string() }
}
