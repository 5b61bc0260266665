//! The thread that shows checkpoints to anchors outside (锚定) and keeps what they answer.
//!
//! Each anchoring is kept as a text beside the log and then recorded as a leaf of it. Nothing waits for this thread: an anchor that is
//! away is asked again every half minute, the metric says so, and what was missed is made good at the next success, since a checkpoint
//! covers all before it. Only where the operator says so does the gateway stop serving when nobody outside has seen the log for too long.

mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use shuzha_core::{Clock, Id, Timestamp};
use shuzha_evidence::anchor::{Anchor, Kind, stamped};
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::log::{LogReader, Shard};
use shuzha_evidence::merkle::Sha256;
use shuzha_evidence::note::Note;
use shuzha_evidence::{Anchored, Entry};
use shuzha_journal::Journal;
use shuzha_store::tiles::Library;

use crate::config::AnchoringConfig;
use crate::worker::{Waker, Worker};
pub(super) use target::{Outside, outside, run_command};

/// How often the thread looks whether something is due.
const TICK: Duration = Duration::from_secs(1);

/// How soon an anchor that failed is asked again: its being away shows within this, and its return too.
const RETRY: Duration = Duration::from_secs(30);

/// The thread, which ends within the time that one anchor may take, and how it stands.
pub(super) struct Anchorer {
    pub(super) worker: Worker,
    pub(super) watch: Arc<Watch>,
}

/// How anchoring stands, for metrics and for the gate.
pub(crate) struct Watch {
    /// When everything was last seen by somebody outside: µs since 1970.
    covered_at: AtomicI64,
    /// Anchors whose last answer was none.
    failing: AtomicU64,
    fail_closed_after: Option<Duration>,
}

impl Watch {
    /// How long, at `now`, something has been seen by nobody outside.
    pub(crate) fn uncovered(&self, now: Timestamp) -> Duration {
        let since = Timestamp::from_micros(self.covered_at.load(Ordering::Acquire));
        Duration::from_micros(u64::try_from(now.micros_since(since)).unwrap_or(0))
    }

    /// How many anchors did not answer when they were last asked.
    pub(super) fn failing(&self) -> u64 {
        self.failing.load(Ordering::Acquire)
    }

    /// Whether serving has to stop.
    pub(crate) fn closed(&self, now: Timestamp) -> bool {
        self.fail_closed_after.is_some_and(|after| self.uncovered(now) >= after)
    }
}

impl Anchorer {
    /// Starts the thread, where there is an anchor.
    ///
    /// # Errors
    /// When no thread can be started, or what is kept cannot be read.
    pub(super) fn start(
        config: &AnchoringConfig,
        library: Library,
        journal: Journal,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>> {
        if config.anchors.is_empty() {
            return Ok(None);
        }
        let targets = config.anchors.iter().map(|anchor| {
            let outside = outside(anchor, config.authorities.as_deref())?;
            Ok((anchor.name.clone(), anchor.kind, outside))
        });
        let targets = targets.collect::<Result<Vec<_>>>()?;
        let mut rounds = Rounds::new(config, targets, library, journal, clock)?;
        let watch = Arc::clone(&rounds.watch);
        let look = move || {
            rounds.tick();
            TICK
        };
        Ok(Some(Self { worker: Worker::start("anchors", Waker::default(), look)?, watch }))
    }
}

/// One anchor, and how far it has come.
struct Target {
    name: Id,
    kind: Kind,
    outside: Box<dyn Outside>,
    /// When it is asked next.
    next: Timestamp,
    /// The last checkpoint that it has seen.
    seen: Option<(Shard, u64)>,
    failing: bool,
}

/// All anchors in turn.
struct Rounds {
    targets: Vec<Target>,
    library: Library,
    journal: Journal,
    clock: Arc<dyn Clock>,
    interval: Duration,
    watch: Arc<Watch>,
}

impl Rounds {
    fn new(
        config: &AnchoringConfig,
        targets: Vec<(Id, Kind, Box<dyn Outside>)>,
        library: Library,
        journal: Journal,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let now = clock.now();
        let mut covered_at = now;
        let mut kept = Vec::new();
        for (shard, log) in library.logs()? {
            // Nobody has seen anything: then it waits since the first entry.
            if kept.is_empty() && log.checkpoint::<Sha256>()?.is_some() {
                let first = log.entry(0, 1).ok().and_then(|entry| Some(Entry::decode(&entry).ok()?.at()));
                covered_at = covered_at.min(first.unwrap_or(now));
            }
            kept.extend(library.anchors(shard)?);
        }
        let seen = |name: &Id| {
            let of = kept.iter().filter(|(_, anchor)| anchor.name == *name);
            of.filter_map(|(shard, anchor)| Some((*shard, size_of(&anchor.note)?))).max()
        };
        if let Some(last) = kept.iter().map(|(_, anchor)| anchor.at).max() {
            covered_at = last.min(now);
        }
        let targets = targets.into_iter().map(|(name, kind, outside)| {
            let seen = seen(&name);
            Target { name, kind, outside, next: now, seen, failing: false }
        });
        let watch = Watch {
            covered_at: AtomicI64::new(covered_at.micros()),
            failing: AtomicU64::new(0),
            fail_closed_after: config.fail_closed_after,
        };
        let targets = targets.collect();
        Ok(Self { targets, library, journal, clock, interval: config.interval, watch: Arc::new(watch) })
    }

    /// Asks every anchor that is due.
    fn tick(&mut self) {
        let waiting = match self.waiting() {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the log cannot be read for its anchors");
                return;
            }
        };
        let now = self.clock.now();
        let mut covered = false;
        for (target, notes) in self.targets.iter_mut().zip(waiting) {
            if notes.is_empty() {
                covered = true;
            } else if now >= target.next {
                match show(target, &notes, &self.library, &self.journal, &*self.clock) {
                    Ok(()) => {
                        (target.failing, target.next) = (false, self.clock.now().plus(self.interval));
                        covered = true;
                    }
                    Err(error) => {
                        (target.failing, target.next) = (true, self.clock.now().plus(RETRY));
                        let error = format!("{error:#}");
                        tracing::warn!(anchor = target.name.as_str(), error, "an anchor did not answer");
                    }
                }
            }
        }
        if covered {
            // What came while they were asked waits from when it was asked for.
            self.watch.covered_at.store(now.micros(), Ordering::Release);
        }
        let failing = self.targets.iter().filter(|target| target.failing).count();
        self.watch.failing.store(failing as u64, Ordering::Release);
    }

    /// Of each anchor the checkpoints that it has not seen and that are worth seeing: the last of each half-year.
    fn waiting(&self) -> Result<Vec<Vec<(Shard, Note)>>> {
        let mut logs = Vec::new();
        for (shard, log) in self.library.logs()? {
            let note = match log.cosigned::<Sha256>()? {
                Some(cosigned) => newer(cosigned, log.checkpoint::<Sha256>()?),
                None => log.checkpoint::<Sha256>()?,
            };
            if let Some(note) = note {
                let size = size_of(&note).context("a checkpoint of one's own is none")?;
                logs.push((shard, size, note, log));
            }
        }
        let mut waiting = Vec::new();
        for target in &self.targets {
            let mut notes = Vec::new();
            for (shard, size, note, log) in &logs {
                let from = match target.seen {
                    Some((seen, _)) if seen > *shard => continue,
                    Some((seen, from)) if seen == *shard => from,
                    _ => 0,
                };
                if says_something(log, from, *size, self.targets.len())? {
                    notes.push((*shard, note.clone()));
                }
            }
            waiting.push(notes);
        }
        Ok(waiting)
    }
}

/// The cosigned checkpoint where it is the latest, else the latest.
fn newer(cosigned: Note, latest: Option<Note>) -> Option<Note> {
    match latest {
        Some(latest) if latest.text() != cosigned.text() => Some(latest),
        _ => Some(cosigned),
    }
}

fn size_of(note: &Note) -> Option<u64> {
    Some(Checkpoint::parse(note.text()).ok()?.size)
}

/// Whether entries `from..to` are more than records of anchoring: those would be anchored without end.
fn says_something(log: &LogReader, from: u64, to: u64, anchors: usize) -> Result<bool> {
    if to.saturating_sub(from) > anchors as u64 {
        return Ok(true);
    }
    for index in from..to {
        if !matches!(Entry::decode(&log.entry(index, to)?), Ok(Entry::Anchored(_))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Shows checkpoints to an anchor, keeps each answer, and records it.
fn show(
    target: &mut Target,
    notes: &[(Shard, Note)],
    library: &Library,
    journal: &Journal,
    clock: &dyn Clock,
) -> Result<()> {
    for (shard, note) in notes {
        let token = target.outside.show(note)?;
        let size = size_of(note).context("a checkpoint of one's own is none")?;
        let anchor = Anchor {
            name: target.name.clone(),
            kind: target.kind,
            at: clock.now(),
            token,
            note: note.clone(),
        };
        library.keep_anchor(*shard, size, &anchor).context("an anchor's answer cannot be kept")?;
        target.seen = Some((*shard, size));
        let log = shard.to_string();
        let entry = Entry::Anchored(Anchored {
            at: anchor.at,
            anchor: anchor.name.as_str(),
            log: &log,
            size,
            checkpoint: stamped(note),
            token: anchor.token_digest(),
        });
        journal.append_durable(&entry).and_then(|durable| durable.wait()).context("the call journal")?;
        tracing::info!(anchor = anchor.name.as_str(), log, size, "a checkpoint was anchored");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
