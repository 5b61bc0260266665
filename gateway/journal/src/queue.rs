//! What callers, writer and syncer share: the frames that wait to be written and the callers that wait for the disk.
//!
//! One mutex guards it. It is held for an append (encode, CRC, a few hundred nanoseconds) and for bookkeeping, never over
//! a call to the disk.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use shuzha_evidence::Entry;
use tokio::sync::oneshot;

use crate::desk::{Desks, Outcome, Waiter, tell};
use crate::disk::DiskFile;
use crate::frame::{self, FRAME_BYTES_MAX, FRAME_HEAD_BYTES};
use crate::metrics::Metrics;
use crate::monotonic::monotonic;
use crate::options::QUEUE_BYTES_MAX;
use crate::room::{self, Rank, Room};
use crate::salts::Salts;
use crate::{Health, Position, Unavailable};

/// What the writer waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parked {
    /// It is at work.
    No,
    /// For the first frame.
    Idle,
    /// For more frames, for a moment.
    Gathering,
}

pub(crate) struct Queue {
    /// Whole frames that wait to be written.
    pub(crate) buffer: Vec<u8>,
    pub(crate) epoch: u32,
    /// Sequence of the next record.
    pub(crate) next_seq: u64,
    /// Last record handed to the operating system.
    pub(crate) written_seq: u64,
    /// When the oldest record that is written and not synced was written.
    pub(crate) unsynced_since: Option<Instant>,
    /// The segment that holds `written_seq`. All before it are synced.
    pub(crate) file: Arc<dyn DiskFile>,
    /// Callers that wait, by ascending sequence.
    waiters: VecDeque<Waiter>,
    desks: Desks,
    /// Entries that nobody waits for and that must not be forgotten, encoded, for when there is room again; see [`room`].
    owed: VecDeque<Vec<u8>>,
    salts: Salts,
    room: Room,
    pub(crate) health: Health,
    pub(crate) closing: bool,
    pub(crate) writer_done: bool,
    pub(crate) parked: Parked,
}

impl Queue {
    /// Records that wait to be written.
    pub(crate) fn unwritten(&self) -> u64 {
        self.next_seq - 1 - self.written_seq
    }

    /// Whether somebody waits for a record that is written.
    pub(crate) fn has_written_waiter(&self) -> bool {
        self.waiters.front().is_some_and(|waiter| waiter.seq <= self.written_seq)
    }

    /// Whether an entry of `rank` is taken now.
    fn takes(&self, rank: Rank) -> Result<(), Unavailable> {
        match self.health {
            _ if self.closing => Err(Unavailable::Closed),
            Health::Failed(_) => Err(Unavailable::Failed),
            Health::Closed => Err(Unavailable::Closed),
            Health::Serving | Health::Full if self.room.is_for(rank) => Ok(()),
            Health::Serving | Health::Full => Err(Unavailable::Full),
        }
    }

    /// Queues the frame of an encoded entry whose place nobody waits for.
    fn push_encoded(&mut self, entry: &[u8], durable_seq: u64) {
        let position = Position { epoch: self.epoch, seq: self.next_seq };
        let behind = u32::try_from(position.seq - 1 - durable_seq).unwrap_or(u32::MAX);
        let start = self.buffer.len();
        self.buffer.resize(start + FRAME_HEAD_BYTES, 0);
        self.buffer.extend_from_slice(entry);
        frame::seal(&mut self.buffer[start..], position, behind);
        self.next_seq += 1;
    }

    fn take_waiters(&mut self, up_to: u64) -> Vec<Waiter> {
        let count = self.waiters.partition_point(|waiter| waiter.seq <= up_to);
        self.waiters.drain(..count).collect()
    }
}

pub(crate) struct Shared {
    queue: Mutex<Queue>,
    pub(crate) wake_writer: Condvar,
    pub(crate) wake_syncer: Condvar,
    durable_moved: Condvar,
    durable_seq: AtomicU64,
    queue_records_max: u64,
    batch_records_max: u64,
    pub(crate) metrics: Metrics,
}

impl Shared {
    /// A queue behind record `last`, which is durable and stands in `file`.
    pub(crate) fn new(
        last: Position,
        file: Arc<dyn DiskFile>,
        options: &crate::Options,
        metrics: Metrics,
    ) -> Self {
        metrics.up.set(1);
        let queue = Queue {
            buffer: Vec::new(),
            epoch: last.epoch,
            next_seq: last.seq + 1,
            written_seq: last.seq,
            unsynced_since: None,
            file,
            waiters: VecDeque::new(),
            desks: Desks::default(),
            owed: VecDeque::new(),
            salts: Salts::new(),
            room: Room::Plenty,
            health: Health::Serving,
            closing: false,
            writer_done: false,
            parked: Parked::No,
        };
        Self {
            queue: Mutex::new(queue),
            wake_writer: Condvar::new(),
            wake_syncer: Condvar::new(),
            durable_moved: Condvar::new(),
            durable_seq: AtomicU64::new(last.seq),
            queue_records_max: options.queue_records_max as u64,
            batch_records_max: options.batch_records_max as u64,
            metrics,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("nothing panics while it holds the queue")
    }

    pub(crate) fn durable_seq(&self) -> u64 {
        self.durable_seq.load(Ordering::Acquire)
    }

    /// Assigns the next position to `entry` and queues its frame; with `waiter`, also queues that.
    pub(crate) fn push(
        &self,
        entry: &Entry<'_>,
        waiter: Option<oneshot::Sender<Outcome>>,
    ) -> Result<Position, Unavailable> {
        let mut guard = self.lock();
        let queue = &mut *guard;
        queue.takes(room::rank(entry))?;
        let position = Position { epoch: queue.epoch, seq: queue.next_seq };
        let behind = position.seq - 1 - self.durable_seq();
        if behind >= self.queue_records_max || queue.buffer.len() + FRAME_BYTES_MAX > QUEUE_BYTES_MAX {
            return Err(Unavailable::Busy);
        }
        let start = queue.buffer.len();
        queue.buffer.resize(start + FRAME_HEAD_BYTES, 0);
        let encoded = entry.salted_into(&queue.salts.next(), &mut queue.buffer);
        if encoded.is_err() || queue.buffer.len() - start > FRAME_BYTES_MAX {
            queue.buffer.truncate(start);
            return Err(Unavailable::TooLarge);
        }
        let behind = u32::try_from(behind).expect("the queue's limit fits into 32 bits");
        frame::seal(&mut queue.buffer[start..], position, behind);
        queue.next_seq += 1;
        if let Some(tell) = waiter {
            let desk = queue.desks.here();
            queue.waiters.push_back(Waiter { seq: position.seq, tell, desk });
        }
        let wake = match queue.parked {
            Parked::No => false,
            Parked::Idle => true,
            Parked::Gathering => queue.unwritten() >= self.batch_records_max,
        };
        if wake {
            queue.parked = Parked::No;
        }
        // Whoever is woken wants the queue: it is let go first, or they would meet at its lock.
        drop(guard);
        if wake {
            self.wake_writer.notify_one();
        }
        self.metrics.count(entry.kind_name());
        Ok(position)
    }

    /// Waits for more frames until `until`, or until a full batch has gathered.
    pub(crate) fn gather<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
        until: Instant,
    ) -> MutexGuard<'a, Queue> {
        while !queue.closing && queue.unwritten() < self.batch_records_max {
            let left = until.saturating_duration_since(monotonic());
            if left.is_zero() {
                break;
            }
            queue.parked = Parked::Gathering;
            queue = self.wait(&self.wake_writer, queue, Some(left));
        }
        queue.parked = Parked::No;
        queue
    }

    /// Waits for `signal`, at most for `limit` if there is one.
    pub(crate) fn wait<'a>(
        &self,
        signal: &Condvar,
        queue: MutexGuard<'a, Queue>,
        limit: Option<Duration>,
    ) -> MutexGuard<'a, Queue> {
        const WHY: &str = "nothing panics while it holds the queue";
        match limit {
            Some(limit) => signal.wait_timeout(queue, limit).expect(WHY).0,
            None => signal.wait(queue).expect(WHY),
        }
    }

    /// Records up to `seq` are written to `file`.
    pub(crate) fn written(&self, seq: u64, file: Arc<dyn DiskFile>) {
        let mut queue = self.lock();
        queue.written_seq = seq;
        queue.file = file;
        queue.unsynced_since.get_or_insert_with(monotonic);
        self.metrics.queue.set(i64::try_from(queue.next_seq - 1 - self.durable_seq()).unwrap_or(i64::MAX));
        drop(queue);
        self.wake_syncer.notify_one();
    }

    /// Records up to `seq` are durable.
    pub(crate) fn synced(&self, seq: u64) {
        let mut queue = self.lock();
        let before = self.durable_seq();
        self.durable_seq.store(seq, Ordering::Release);
        let waiters = queue.take_waiters(seq);
        let waiting = queue.next_seq - 1 - seq;
        drop(queue);
        self.durable_moved.notify_all();
        self.metrics.batch.observe(f64::from(u32::try_from(seq - before).unwrap_or(u32::MAX)));
        self.metrics.queue.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        tell(waiters, Ok(()));
    }

    /// Nothing more will become durable.
    pub(crate) fn fail(&self, reason: &str) {
        let mut queue = self.lock();
        if matches!(queue.health, Health::Failed(_)) {
            return;
        }
        tracing::error!(reason, "the journal has failed; nothing is accepted until a restart");
        queue.health = Health::Failed(reason.into());
        queue.buffer = Vec::new();
        let waiters = queue.take_waiters(u64::MAX);
        self.metrics.up.set(0);
        drop(queue);
        self.wake_writer.notify_all();
        self.wake_syncer.notify_all();
        self.durable_moved.notify_all();
        tell(waiters, Err(Unavailable::Failed));
    }

    /// Takes an entry that nobody waits for and that must not be forgotten: it is queued, or owed until there is room.
    pub(crate) fn note(&self, entry: &Entry<'_>) -> Result<(), Unavailable> {
        match self.push(entry, None) {
            Ok(_) => Ok(()),
            Err(Unavailable::Full) if room::rank(entry) == Rank::Vital => {
                let mut encoded = Vec::new();
                let mut queue = self.lock();
                let salt = queue.salts.next();
                entry.salted_into(&salt, &mut encoded).map_err(|_| Unavailable::TooLarge)?;
                self.owe(&mut queue, encoded);
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    fn owe(&self, queue: &mut Queue, entry: Vec<u8>) {
        if queue.owed.len() < room::OWED_MAX {
            queue.owed.push_back(entry);
        } else {
            tracing::error!(
                "the file system is full, and more acts wait for room than can be held: one is lost"
            );
            self.metrics.lost.inc();
        }
        self.metrics.owed.set(i64::try_from(queue.owed.len()).unwrap_or(i64::MAX));
    }

    /// The records after `seq` could not be written for want of space and have left no trace: their sequences are
    /// given out again, and whoever waits for them is told. `unwritten` are the frames of the batch that was being written. Of
    /// those that nobody waits for, what must not be forgotten is owed, and the rest is counted as lost.
    pub(crate) fn take_back_after(&self, seq: u64, unwritten: &[u8]) {
        let mut queue = self.lock();
        let queued = std::mem::take(&mut queue.buffer);
        queue.written_seq = seq;
        queue.next_seq = seq + 1;
        let at = queue.waiters.partition_point(|waiter| waiter.seq <= seq);
        let waiters = queue.waiters.split_off(at);
        let awaited: Vec<u64> = waiters.iter().map(|waiter| waiter.seq).collect();
        for (seq, entry) in (seq + 1..).zip(frame::payloads(unwritten).chain(frame::payloads(&queued))) {
            if awaited.binary_search(&seq).is_ok() {
                continue;
            }
            if Entry::decode(entry).is_ok_and(|entry| room::rank(&entry) == Rank::Vital) {
                self.owe(&mut queue, entry.to_vec());
            } else {
                self.metrics.lost.inc();
            }
        }
        drop(queue);
        self.set_room(Room::None);
        tell(waiters.into(), Err(Unavailable::Full));
    }

    /// Notes how much room there is, unless the journal has failed; with any at all, what is owed comes first.
    pub(crate) fn set_room(&self, room: Room) {
        let mut queue = self.lock();
        let full = matches!(room, Room::Reserve | Room::None);
        let next = match (&queue.health, full) {
            (Health::Serving, true) => Health::Full,
            (Health::Full, false) => Health::Serving,
            (Health::Serving | Health::Full, _) => queue.health.clone(),
            _ => return,
        };
        if next != queue.health {
            if full {
                tracing::error!(
                    "the journal's file system is full; no call is accepted until there is space"
                );
            } else {
                tracing::info!("the journal's file system has space again");
            }
        }
        self.metrics.up.set(i64::from(!full));
        queue.health = next;
        queue.room = room;
        if room != Room::None && !queue.closing {
            while let Some(entry) = queue.owed.pop_front() {
                queue.push_encoded(&entry, self.durable_seq());
            }
            self.metrics.owed.set(0);
        }
    }

    /// Lets both threads finish what is queued.
    pub(crate) fn begin_close(&self) {
        self.lock().closing = true;
        self.wake_writer.notify_all();
        self.wake_syncer.notify_all();
    }

    /// Both threads have ended.
    pub(crate) fn closed(&self) {
        let mut queue = self.lock();
        if !matches!(queue.health, Health::Failed(_)) {
            queue.health = Health::Closed;
        }
        let waiters = queue.take_waiters(u64::MAX);
        self.metrics.up.set(0);
        if !queue.owed.is_empty() {
            let acts = queue.owed.len();
            tracing::error!(
                acts,
                "the journal closes on a full file system: acts that waited for room are lost"
            );
        }
        drop(queue);
        self.durable_moved.notify_all();
        tell(waiters, Err(Unavailable::Closed));
    }

    /// Waits until a record after `seq` is durable, the time is over, or nothing more can come; gives the last durable.
    pub(crate) fn wait_durable_beyond(&self, seq: u64, timeout: Duration) -> u64 {
        let over = |health: &Health| matches!(health, Health::Failed(_) | Health::Closed);
        let waiting = self.durable_moved.wait_timeout_while(self.lock(), timeout, |queue| {
            self.durable_seq() <= seq && !over(&queue.health)
        });
        drop(waiting.expect("nothing panics while it holds the queue"));
        self.durable_seq()
    }
}
