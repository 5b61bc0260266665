//! The two threads of a journal. The *writer* hands what has gathered to the operating system, so that a killed process
//! keeps it; the *syncer* makes everything written durable with one `fdatasync` and wakes all who wait for it. While a
//! sync runs, the next group gathers.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::disk::{Disk, DiskFile};
use crate::frame::{self, HEADER_BYTES, Header};
use crate::manifest::{Manifest, Running};
use crate::monotonic::monotonic;
use crate::options::{FULL_RECHECK, GATHER, SYNC_DELAY_MAX};
use crate::queue::{Parked, Shared};
use crate::room::Room;
use crate::{Health, Options, Position};

/// The open segment.
pub(crate) struct Segment {
    pub(crate) file: Arc<dyn DiskFile>,
    /// Where the next frame goes.
    pub(crate) at: u64,
    /// Its first record.
    pub(crate) first: Position,
    /// The digest of what stands in it.
    pub(crate) digest: Running,
}

impl Segment {
    /// Begins the segment for the record at `first`. A segment that could not be begun leaves no file behind.
    pub(crate) fn begin(disk: &dyn Disk, options: &Options, first: Position) -> io::Result<Self> {
        let header =
            Header { epoch: first.epoch, first_seq: first.seq, node: options.node.as_str().to_owned() };
        let name = frame::segment_name(first.seq);
        let file = disk.create(&name, options.segment_bytes)?;
        let header = header.encode();
        if let Err(error) = file.write_at(&header, 0) {
            disk.remove(&name)?;
            return Err(error);
        }
        let mut digest = Running::new();
        digest.update(&header);
        Ok(Self { file, at: HEADER_BYTES as u64, first, digest })
    }
}

/// Why a batch was not written.
enum Trouble {
    /// No space; the file is as it was before.
    Full,
    /// The state of the file is unknown.
    Failed(String),
}

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) options: Options,
    pub(crate) segment: Segment,
    pub(crate) sync_turn: Arc<Mutex<()>>,
    pub(crate) written_seq: u64,
    pub(crate) epoch: u32,
}

impl Writer {
    /// Writes until the journal closes or fails.
    pub(crate) fn run(mut self) {
        let mut batch = Vec::new();
        let mut wrote_at = monotonic();
        let mut checked_at = monotonic();
        loop {
            if checked_at.elapsed() >= FULL_RECHECK {
                checked_at = monotonic();
                self.check_space();
            }
            batch.clear();
            if !self.next_batch(&mut batch, wrote_at) {
                break;
            }
            if batch.is_empty() {
                continue;
            }
            match self.write(&batch) {
                Ok(()) => {}
                Err((Trouble::Full, unwritten)) => {
                    self.shared.take_back_after(self.written_seq, unwritten);
                }
                Err((Trouble::Failed(reason), _)) => self.shared.fail(&reason),
            }
            wrote_at = monotonic();
        }
        self.shared.lock().writer_done = true;
        self.shared.wake_syncer.notify_all();
    }

    /// Takes what is queued into `batch`, which stays empty when only the space is to be looked at again. False when
    /// nothing more will come.
    fn next_batch(&self, batch: &mut Vec<u8>, wrote_at: Instant) -> bool {
        let mut queue = self.shared.lock();
        if queue.buffer.is_empty() && !queue.closing && !matches!(queue.health, Health::Failed(_)) {
            let limit = matches!(queue.health, Health::Full).then_some(FULL_RECHECK);
            queue.parked = Parked::Idle;
            queue = self.shared.wait(&self.shared.wake_writer, queue, limit);
            queue.parked = Parked::No;
        }
        queue = self.shared.gather(queue, wrote_at + GATHER);
        if matches!(queue.health, Health::Failed(_)) || (queue.closing && queue.buffer.is_empty()) {
            return false;
        }
        std::mem::swap(&mut queue.buffer, batch);
        true
    }

    /// Looks how much space is free, and for which entries that is enough.
    pub(crate) fn check_space(&self) {
        match self.disk.free_bytes() {
            Ok(free) => self.shared.set_room(Room::of(free, self.options.free_bytes_min)),
            Err(error) => self.shared.fail(&format!("free space: {error}")),
        }
    }

    /// Writes whole frames, beginning new segments as needed. With an error come the frames that were not written.
    fn write<'b>(&mut self, mut batch: &'b [u8]) -> Result<(), (Trouble, &'b [u8])> {
        while !batch.is_empty() {
            let room = self.options.segment_bytes.saturating_sub(self.segment.at);
            let (bytes, records) = fitting(batch, room);
            if records == 0 {
                self.roll().map_err(|trouble| (trouble, batch))?;
                continue;
            }
            let (now, later) = batch.split_at(bytes);
            if let Err(error) = self.segment.file.write_at(now, self.segment.at) {
                return Err((self.undo(&error), batch));
            }
            self.segment.at += bytes as u64;
            self.segment.digest.update(now);
            self.written_seq += records;
            self.shared.metrics.bytes.inc_by(bytes as u64);
            self.shared.written(self.written_seq, Arc::clone(&self.segment.file));
            batch = later;
        }
        Ok(())
    }

    /// After a failed write: with no space left, cuts off what a part of the batch may have left. A sync that ran meanwhile may
    /// have made that part durable, so the cut is made durable too, before anything is written over it: after a power cut half
    /// of an old write beside half of a new one would look like damage.
    fn undo(&self, error: &io::Error) -> Trouble {
        if error.kind() != io::ErrorKind::StorageFull {
            return Trouble::Failed(format!("write: {error}"));
        }
        let file = &*self.segment.file;
        if let Err(error) = file.truncate(self.segment.at) {
            return Trouble::Failed(format!("cut after a failed write: {error}"));
        }
        sync_in_turn(&self.shared, &self.sync_turn, file).err().unwrap_or(Trouble::Full)
    }

    /// Syncs the segment whole and begins the next: recovery relies on only the last one having a tail.
    fn roll(&mut self) -> Result<(), Trouble> {
        let file = &self.segment.file;
        let cut = file.truncate(self.segment.at);
        cut.map_err(|error| Trouble::Failed(format!("give back space: {error}")))?;
        sync_in_turn(&self.shared, &self.sync_turn, &**file)?;
        let first = Position { epoch: self.epoch, seq: self.written_seq + 1 };
        let next = Segment::begin(&*self.disk, &self.options, first).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => Trouble::Full,
            _ => Trouble::Failed(format!("begin a segment: {error}")),
        })?;
        // Not before: a segment that none follows may still be written to.
        let closed = std::mem::replace(&mut self.segment, next);
        let manifest = Manifest {
            epoch: closed.first.epoch,
            first_seq: closed.first.seq,
            last_seq: self.written_seq,
            bytes: closed.at,
            sha256: closed.digest.finish(),
        };
        match manifest.keep(&*self.disk) {
            // Space is all that it lacks, and it can be done without.
            Err(error) if error.kind() != io::ErrorKind::StorageFull => {
                Err(Trouble::Failed(format!("the manifest of a segment: {error}")))
            }
            _ => Ok(()),
        }
    }
}

/// The bytes and number of the whole frames at the start of `batch` that fit into `room` bytes.
fn fitting(batch: &[u8], room: u64) -> (usize, u64) {
    let (mut bytes, mut records) = (0, 0);
    while let Ok(length) = frame::length(&batch[bytes..]) {
        if (bytes + length) as u64 > room {
            break;
        }
        bytes += length;
        records += 1;
    }
    (bytes, records)
}

/// Syncs `file`, one thread at a time. The kernel reports a lost write to one caller of `fdatasync` only: whoever comes
/// second must learn of it from the journal's state, not take the next success for its own.
fn sync_in_turn(shared: &Shared, turn: &Mutex<()>, file: &dyn DiskFile) -> Result<(), Trouble> {
    let _turn = turn.lock().expect("nothing panics while it has the turn");
    if let Health::Failed(reason) = &shared.lock().health {
        return Err(Trouble::Failed(reason.to_string()));
    }
    let begun = monotonic();
    file.sync().map_err(|error| {
        let reason = format!("sync: {error}");
        shared.fail(&reason);
        Trouble::Failed(reason)
    })?;
    shared.metrics.sync.observe(begun.elapsed().as_secs_f64());
    Ok(())
}

/// Syncs until the writer is done and everything written is durable, or the journal fails.
pub(crate) fn run_syncer(shared: &Shared, sync_turn: &Mutex<()>) {
    while let Some((file, seq)) = next_sync(shared) {
        if sync_in_turn(shared, sync_turn, &*file).is_err() {
            return;
        }
        shared.synced(seq);
    }
}

/// Waits until there is reason to sync: somebody waits, or the oldest record is due. `None` when nothing more will come.
fn next_sync(shared: &Shared) -> Option<(Arc<dyn DiskFile>, u64)> {
    let mut queue = shared.lock();
    loop {
        if matches!(queue.health, Health::Failed(_)) {
            return None;
        }
        let due = match queue.unsynced_since {
            None if queue.writer_done => return None,
            None => None,
            Some(since) => Some(SYNC_DELAY_MAX.saturating_sub(since.elapsed())),
        };
        if due.is_some_and(|left| left.is_zero() || queue.closing || queue.has_written_waiter()) {
            queue.unsynced_since = None;
            return Some((Arc::clone(&queue.file), queue.written_seq));
        }
        queue = shared.wait(&shared.wake_syncer, queue, due);
    }
}
