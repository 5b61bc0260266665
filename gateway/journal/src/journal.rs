//! The journal as its one writing process sees it.

use std::fs::File;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use shuzha_core::ids::ID_BYTES_MAX;
use shuzha_core::{Clock, Timestamp};
use shuzha_evidence::{Boot, Entry};
use tokio::sync::oneshot;

use crate::disk::{Directory, Disk};
use crate::durable::Durable;
use crate::frame::{self, FRAME_HEAD_BYTES};
use crate::lock::take_lock;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::queue::Shared;
use crate::reader::Reader;
use crate::recovery::{self, TornTail};
use crate::salts::Salts;
use crate::writer::{Segment, Writer, run_syncer};
use crate::{JournalError, Position, Unavailable, projection, prune};

/// Whether the journal takes entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Serving,
    /// The file system is full; it will again by itself.
    Full,
    /// The disk failed; only a restart helps. Holds what was tried and what the system said.
    Failed(Arc<str>),
    /// It was closed.
    Closed,
}

/// A handle to the journal; clones share it. The last one dropped closes it.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    torn: Option<TornTail>,
    running: Mutex<Option<Running>>,
    /// Held while records are pruned.
    pruning: Mutex<()>,
}

/// What [`Journal::close`] ends, in this order.
struct Running {
    writer: JoinHandle<()>,
    syncer: JoinHandle<()>,
    _lock: Option<File>,
}

/// Whether the clock may be believed, by the last record. A record that cannot be read says nothing of the time.
fn check_clock(options: &Options, now: Timestamp, last: &[u8]) -> Result<(), JournalError> {
    let Some((behind, ahead)) = options.clock_within else { return Ok(()) };
    let Ok(last) = Entry::decode(last).map(|entry| entry.at()) else { return Ok(()) };
    if now < last.minus(behind) || now > last.plus(ahead) {
        return Err(JournalError::Clock { now: now.seconds(), last: last.seconds() });
    }
    Ok(())
}

impl Journal {
    /// Opens the journal: takes the lock, recovers, begins a new epoch with a durable `boot` entry.
    ///
    /// # Errors
    /// [`JournalError::Locked`] when another process has it, [`JournalError::Damaged`] when the files are not what was
    /// written, or what the file system said.
    pub fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Self, JournalError> {
        Self::open_wait(options, clock, Duration::ZERO)
    }

    /// The same, but waits up to `timeout` for the process that has the lock to close: for upgrades.
    ///
    /// # Errors
    /// As [`Journal::open`].
    #[expect(clippy::needless_pass_by_value, reason = "the clock is handed over, as to open_on")]
    pub fn open_wait(
        options: Options,
        clock: Arc<dyn Clock>,
        timeout: Duration,
    ) -> Result<Self, JournalError> {
        let disk = Directory::create(&options.dir).map_err(JournalError::io("create", "the directory"))?;
        let lock = take_lock(&options.dir, timeout)?;
        Self::start(options, &*clock, Arc::new(disk), Some(lock))
    }

    /// Opens a journal on `disk`, whose owner sees to it that nobody else does: for tests and simulations.
    ///
    /// # Errors
    /// As [`Journal::open`].
    #[expect(clippy::needless_pass_by_value, reason = "the same shape as open")]
    pub fn open_on(
        disk: Arc<dyn Disk>,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, JournalError> {
        Self::start(options, &*clock, disk, None)
    }

    fn start(
        options: Options,
        clock: &dyn Clock,
        disk: Arc<dyn Disk>,
        lock: Option<File>,
    ) -> Result<Self, JournalError> {
        options.check()?;
        prune::sweep(&*disk)?;
        let mut last = Vec::new();
        let walk = recovery::walk_open(&*disk, |_, bytes| {
            last.clear();
            last.extend_from_slice(bytes);
            Ok(())
        })?;
        check_clock(&options, clock.now(), &last)?;
        if !walk.node.is_empty() && walk.node != options.node.as_str() {
            return Err(JournalError::WrongNode { expected: options.node.to_string(), found: walk.node });
        }
        if let Some(torn) = &walk.torn {
            tracing::warn!(
                file = torn.file,
                offset = torn.offset,
                bytes = torn.bytes,
                "a torn tail is cut off"
            );
        }
        recovery::mend(&*disk, &walk)?;
        let first = Position { epoch: walk.last.epoch + 1, seq: walk.last.seq + 1 };
        let segment = boot(&*disk, &options, clock, first)?;
        recovery::close_last(&*disk, &walk);

        let metrics = Metrics::new();
        metrics.count("boot");
        let shared = Arc::new(Shared::new(first, Arc::clone(&segment.file), &options, metrics));
        let sync_turn = Arc::new(Mutex::new(()));
        let writer = Writer {
            shared: Arc::clone(&shared),
            disk: Arc::clone(&disk),
            options,
            segment,
            sync_turn: Arc::clone(&sync_turn),
            written_seq: first.seq,
            epoch: first.epoch,
        };
        let for_syncer = Arc::clone(&shared);
        writer.check_space();
        let running = Running {
            writer: spawn("journal-write", move || writer.run())?,
            syncer: spawn("journal-sync", move || run_syncer(&for_syncer, &sync_turn))?,
            _lock: lock,
        };
        Ok(Self {
            inner: Arc::new(Inner {
                shared,
                disk,
                torn: walk.torn,
                running: Mutex::new(Some(running)),
                pruning: Mutex::default(),
            }),
        })
    }

    /// Queues `entry` and returns where it will stand. It is handed to the operating system within a fraction of a
    /// millisecond and is durable some milliseconds later; [`Journal::append_durable`] tells when. If the file system
    /// fills before that, its position is given out again; a withdrawal, suspension or revocation is then written once there is
    /// space, and anything else is dropped and counted (`shuzha_journal_lost_records_total`).
    ///
    /// # Errors
    /// [`Unavailable`]; nothing was queued then.
    pub fn append(&self, entry: &Entry<'_>) -> Result<Position, Unavailable> {
        self.inner.shared.push(entry, None)
    }

    /// Queues `entry`, which nobody waits for and which must not be forgotten. On a full file system an act that takes something
    /// away is held and written first once there is room; whatever else is full for it.
    ///
    /// # Errors
    /// [`Unavailable`]; it is neither queued nor held then.
    pub fn note(&self, entry: &Entry<'_>) -> Result<(), Unavailable> {
        self.inner.shared.note(entry)
    }

    /// Queues `entry` and gives a future that resolves once it is durable. Called within a runtime, it is a task of that
    /// runtime which says so, to everybody there at once: the runtime must go on running while anybody waits.
    ///
    /// # Errors
    /// [`Unavailable`]; nothing was queued then.
    pub fn append_durable(&self, entry: &Entry<'_>) -> Result<Durable, Unavailable> {
        let (tell, outcome) = oneshot::channel();
        let position = self.inner.shared.push(entry, Some(tell))?;
        Ok(Durable::new(position, outcome))
    }

    /// Whether the journal takes entries.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.shared.lock().health.clone()
    }

    /// Sequence of the last durable record.
    #[must_use]
    pub fn durable_seq(&self) -> u64 {
        self.inner.shared.durable_seq()
    }

    /// Sequence of the last record that was taken; it may not be durable yet.
    #[must_use]
    pub fn taken_seq(&self) -> u64 {
        self.inner.shared.lock().next_seq - 1
    }

    /// Blocks until a record after `seq` is durable, `timeout` is over, or the journal has failed or closed; gives the
    /// sequence of the last durable record. Look at [`Journal::health`] when it has not moved.
    #[must_use]
    pub fn wait_durable_beyond(&self, seq: u64, timeout: Duration) -> u64 {
        self.inner.shared.wait_durable_beyond(seq, timeout)
    }

    /// Reads from sequence `from_seq` on, up to what is durable when asked.
    ///
    /// # Errors
    /// Of the file system.
    pub fn reader(&self, from_seq: u64) -> Result<Reader, JournalError> {
        let shared = Arc::clone(&self.inner.shared);
        Reader::open(Arc::clone(&self.inner.disk), from_seq, Some(Box::new(move || shared.durable_seq())))
    }

    /// Sequence of the first record that is still there; 1 unless some were pruned.
    ///
    /// # Errors
    /// Of the file system.
    pub fn first_seq(&self) -> Result<u64, JournalError> {
        Ok(crate::segments::base_of(&*self.inner.disk)?.seq + 1)
    }

    /// Sequence before the segment that is being written: up to there records may be pruned.
    ///
    /// # Errors
    /// Of the file system.
    pub fn prunable_seq(&self) -> Result<u64, JournalError> {
        let segments = crate::segments::segments(&*self.inner.disk)?;
        Ok(segments.last().map_or(0, |(first, _)| first - 1))
    }

    /// Gives up all records up to and with `through`, for good. Whoever projects the journal must have read them: nothing gives
    /// them back. Does nothing where they are gone.
    ///
    /// # Errors
    /// [`JournalError::InUse`] beyond [`Journal::prunable_seq`]; of the file system, or damage: then they are all there, or all
    /// gone.
    pub fn prune(&self, through: u64) -> Result<(), JournalError> {
        let _turn = self.inner.pruning.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        prune::prune(&*self.inner.disk, through)
    }

    /// Keeps `bytes`, what the records up to `seq` add up to, beside them: durable on return. Gone when records behind it are
    /// pruned too.
    ///
    /// # Errors
    /// Of the file system.
    pub fn keep_projection(&self, seq: u64, bytes: &[u8]) -> Result<(), JournalError> {
        let _turn = self.inner.pruning.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        projection::keep(&*self.inner.disk, seq, bytes)
    }

    /// What is kept of what the records up to `seq` add up to; none where nothing is.
    ///
    /// # Errors
    /// Of the file system.
    pub fn projection(&self, seq: u64) -> Result<Option<Vec<u8>>, JournalError> {
        projection::read(&*self.inner.disk, seq)
    }

    /// The places for which such is kept, in order.
    ///
    /// # Errors
    /// Of the file system.
    pub fn projections(&self) -> Result<Vec<u64>, JournalError> {
        projection::places(&*self.inner.disk)
    }

    /// Reads the segments that were closed before, which a start takes by their manifests, and compares them with those. Damage
    /// makes the journal [`Health::Failed`]. Ends early when the journal closes. To be called once, on a thread of its own.
    ///
    /// # Errors
    /// [`JournalError::Damaged`], or of the file system.
    pub fn check_closed(&self) -> Result<(), JournalError> {
        let disk = &*self.inner.disk;
        for (first, _) in crate::segments::segments(disk)? {
            if self.health() == Health::Closed {
                break;
            }
            // One at a time: what is read is not pruned meanwhile, and pruning does not wait for the whole.
            let _turn = self.inner.pruning.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            recovery::check_one(disk, first, true).inspect_err(|error| {
                if matches!(error, JournalError::Damaged { .. }) {
                    self.inner.shared.fail(&error.to_string());
                }
            })?;
        }
        Ok(())
    }

    /// What recovery cut off when this journal was opened.
    #[must_use]
    pub fn torn_tail(&self) -> Option<&TornTail> {
        self.inner.torn.as_ref()
    }

    /// Adds the journal's metrics to `registry`.
    ///
    /// # Errors
    /// When the registry has metrics of these names already.
    pub fn register(&self, registry: &prometheus::Registry) -> prometheus::Result<()> {
        self.inner.shared.metrics.register(registry)
    }

    /// Takes no more entries, makes the queued ones durable, ends the threads, releases the lock. Blocks until then; a
    /// second call does nothing.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        let mut running = self.running.lock().expect("nothing panics while it holds this");
        let Some(Running { writer, syncer, _lock }) = running.take() else { return };
        self.shared.begin_close();
        for thread in [writer, syncer] {
            if thread.join().is_err() {
                self.shared.fail("a thread of the journal panicked");
            }
        }
        self.shared.closed();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("durable_seq", &self.durable_seq()).finish_non_exhaustive()
    }
}

/// Begins the segment of a new epoch and writes its `boot` entry, durable on return.
fn boot(
    disk: &dyn Disk,
    options: &Options,
    clock: &dyn Clock,
    first: Position,
) -> Result<Segment, JournalError> {
    let name = frame::segment_name(first.seq);
    let mut segment = Segment::begin(disk, options, first).map_err(JournalError::io("begin", &name))?;
    let version = &options.version[..options.version.floor_char_boundary(ID_BYTES_MAX)];
    let entry = Entry::Boot(Boot { at: clock.now(), node: options.node.as_str(), version });
    let mut bytes = vec![0; FRAME_HEAD_BYTES];
    entry.salted_into(&Salts::new().next(), &mut bytes).expect("an Id and the cut version are short");
    frame::seal(&mut bytes, first, 0);
    segment.file.write_at(&bytes, segment.at).map_err(JournalError::io("write", &name))?;
    segment.file.sync().map_err(JournalError::io("sync", &name))?;
    segment.at += bytes.len() as u64;
    segment.digest.update(&bytes);
    Ok(segment)
}

fn spawn(name: &'static str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, JournalError> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(JournalError::io("start thread", name))
}
