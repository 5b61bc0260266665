//! Idempotency keys: a retry with the same key and request gets the same answer and is charged and counted once.
//!
//! Answers about persons are never written to disk, so the answers kept here are gone after a restart; that the
//! call was charged and its consent used is in the journal and is not. A retry then runs again, for nothing.
//!
//! Each unit has a table of its own, bounded and under a lock of its own: a unit that is at its bound is told so (C097), and no
//! other notices. Keys stand in the order of their time, so that the oldest are forgotten without looking at the rest.

mod marks;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use shuzha_core::{Code, MicroYuan, Refusal, Timestamp};
use shuzha_evidence::Commitment;

use crate::bounds::{Bounds, Room, room};
use crate::holds::{Consents, lock};
use crate::units::Units;
use marks::{Mark, Marks, Status};

/// How long a key is remembered.
pub(crate) const RETENTION: Duration = Duration::from_secs(24 * 3600);
/// Longest `Idempotency-Key` in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 128;

/// Keys whose time is over that one call removes: more than it adds, so that a unit at its bound always gets on.
const FORGOTTEN_PER_CALL: usize = 4;
/// Keys of one unit that a round of upkeep removes under its lock.
const FORGOTTEN_PER_ROUND: usize = 10_000;
/// Shortest wait that a unit at its bound is told.
const WAIT_MIN: Duration = Duration::from_secs(1);

/// What a retry finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing: this is the first try.
    First,
    /// An earlier try took consent and ε and released nothing: run again without taking them again.
    Spent,
    /// An earlier try was answered, and the answer is still at hand.
    Answered(Kept),
    /// An earlier try was answered before a restart: run again, charge and count nothing.
    AnsweredBefore,
}

/// An answer kept for retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) body: Bytes,
    pub(crate) fee: MicroYuan,
    pub(crate) receipt: String,
    /// The consent it was given under: once withdrawn, the answer is not given again.
    pub(crate) consent: Option<Consents>,
}

/// A key as the journal left it.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) unit: String,
    pub(crate) key: Commitment,
    pub(crate) request: Commitment,
    pub(crate) at: Timestamp,
    pub(crate) answered: bool,
}

/// The keys in use.
pub(crate) struct Idempotency {
    units: Units<Mutex<Marks>>,
    bounds: Bounds,
    /// Of all units together.
    sums: Sums,
}

/// What all units together keep. Each unit's lock is held for a change of its part.
#[derive(Default)]
struct Sums {
    keys: AtomicUsize,
    answer_bytes: AtomicUsize,
    /// Units that keep an answer.
    keepers: AtomicUsize,
}

/// A key in use by one call. Dropping it leaves the mark of a call that released nothing.
pub(crate) struct InUse<'e> {
    keys: &'e Idempotency,
    unit: Arc<Mutex<Marks>>,
    key: Commitment,
    dispatched: bool,
    recorded: bool,
    done: bool,
}

impl Idempotency {
    /// The keys as the journal left them. All of them: what was charged must not be charged again, whatever the bounds are now.
    pub(crate) fn new(bounds: Bounds, known: impl IntoIterator<Item = Known>) -> Self {
        let keys = Self { units: Units::new(), bounds, sums: Sums::default() };
        let mut known: Vec<_> = known.into_iter().collect();
        known.sort_by_key(|known| known.at);
        for Known { unit, key, request, at, answered } in known {
            let status = if answered { Status::Answered(None) } else { Status::Spent };
            let unit = keys.units.of(&unit);
            keys.change(&mut lock(&unit), |marks| marks.put(key, Mark { request, at, status }));
        }
        keys
    }

    /// Begins a call of `unit` with `key` for the request committed to by `request`.
    ///
    /// # Errors
    /// C308 when the key was used for another request, C309 while an earlier try is in progress, C097 when the unit, and C092
    /// when all together, can have no more keys remembered.
    pub(crate) fn begin(
        &self,
        unit: &str,
        key: Commitment,
        request: Commitment,
        now: Timestamp,
    ) -> Result<(Found, Option<InUse<'_>>), Refusal> {
        let unit = self.units.of(unit);
        let in_use =
            |unit| Some(InUse { keys: self, unit, key, dispatched: false, recorded: false, done: false });
        let marks = &mut *lock(&unit);
        self.change(marks, |marks| marks.forget_oldest(now, FORGOTTEN_PER_CALL));
        let Some(mark) = marks.get_mut(&key).filter(|mark| !mark.expired(now)) else {
            self.check_room(marks, now)?;
            let status = Status::InFlight { was_spent: false, was_answered: false };
            self.change(marks, |marks| marks.put(key, Mark { request, at: now, status }));
            return Ok((Found::First, in_use(Arc::clone(&unit))));
        };
        if mark.request != request {
            return Err(Code::C308.into());
        }
        let found = match &mark.status {
            Status::InFlight { .. } => return Err(Refusal::retry(Code::C309, Duration::from_secs(1))),
            Status::Answered(Some(kept)) => return Ok((Found::Answered((**kept).clone()), None)),
            Status::Answered(None) => Found::AnsweredBefore,
            Status::Spent => Found::Spent,
        };
        let (was_spent, was_answered) = (found == Found::Spent, found == Found::AnsweredBefore);
        mark.status = Status::InFlight { was_spent, was_answered };
        Ok((found, in_use(Arc::clone(&unit))))
    }

    fn check_room(&self, marks: &Marks, now: Timestamp) -> Result<(), Refusal> {
        let sum = self.sums.keys.load(Ordering::Relaxed);
        let Bounds { idempotency_keys_per_unit, idempotency_keys, .. } = self.bounds;
        match room(marks.len(), idempotency_keys_per_unit, sum, idempotency_keys) {
            Room::Yes => Ok(()),
            Room::UnitFull => {
                let frees = marks.oldest().unwrap_or(now).plus(RETENTION);
                let wait =
                    u64::try_from(frees.micros_since(now)).map_or(Duration::ZERO, Duration::from_micros);
                Err(Refusal::retry(Code::C097, wait.max(WAIT_MIN)))
            }
            Room::Full => Err(Refusal::retry(Code::C092, Duration::from_secs(60))),
        }
    }

    /// Makes a change to a unit's marks, and to the sums what it comes to.
    fn change<R>(&self, marks: &mut Marks, act: impl FnOnce(&mut Marks) -> R) -> R {
        let (keys, bytes) = (marks.len(), marks.answer_bytes());
        let done = act(marks);
        shift(&self.sums.keys, keys, marks.len());
        shift(&self.sums.answer_bytes, bytes, marks.answer_bytes());
        shift(&self.sums.keepers, usize::from(bytes > 0), usize::from(marks.answer_bytes() > 0));
        done
    }

    /// Bytes of answers that a unit may keep now: its bound, or an even share where all together are at theirs.
    fn answer_bytes_max(&self, wanted: usize) -> usize {
        let Bounds { answer_bytes_per_unit, answer_bytes, .. } = self.bounds;
        if self.sums.answer_bytes.load(Ordering::Relaxed) + wanted <= answer_bytes {
            return answer_bytes_per_unit;
        }
        answer_bytes_per_unit.min(answer_bytes / self.sums.keepers.load(Ordering::Relaxed).max(1))
    }

    /// Forgets what is over in tables that nobody uses, and lets answers go where others need the room.
    pub(crate) fn keep_up(&self, now: Timestamp) {
        let answers_max = self.answer_bytes_max(0);
        self.units.each(|unit| {
            let marks = &mut *lock(unit);
            self.change(marks, |marks| {
                marks.forget_oldest(now, FORGOTTEN_PER_ROUND);
                marks.make_room(0, answers_max);
            });
        });
        self.units.forget(|unit| lock(unit).is_empty());
    }

    /// Keys remembered, those of the unit that has most, and bytes of answers.
    pub(crate) fn used(&self) -> [usize; 3] {
        let mut most = 0;
        self.units.each(|unit| most = most.max(lock(unit).len()));
        [self.sums.keys.load(Ordering::Relaxed), most, self.sums.answer_bytes.load(Ordering::Relaxed)]
    }
}

/// Moves `sum` by what `before` became `after`.
fn shift(sum: &AtomicUsize, before: usize, after: usize) {
    if after >= before {
        sum.fetch_add(after - before, Ordering::Relaxed);
    } else {
        sum.fetch_sub(before - after, Ordering::Relaxed);
    }
}

impl InUse<'_> {
    /// The request is about to leave: from here on a retry must not take consent and ε again.
    pub(crate) fn dispatched(&mut self) {
        self.dispatched = true;
    }

    /// Nothing was sent after all.
    pub(crate) fn not_dispatched(&mut self) {
        self.dispatched = false;
    }

    /// Whether the record of an answer is with the journal: a retry is then free, even if nobody took the answer.
    pub(crate) fn recorded(&mut self, recorded: bool) {
        self.recorded = recorded;
    }

    /// The call was answered.
    pub(crate) fn answered(mut self, kept: Kept) {
        self.done = true;
        let answers_max = self.keys.answer_bytes_max(marks::bytes_of(&kept));
        let marks = &mut *lock(&self.unit);
        self.keys.change(marks, |marks| marks.answered(self.key, kept, answers_max));
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let marks = &mut *lock(&self.unit);
        let Some(mark) = marks.get_mut(&self.key) else { return };
        let Status::InFlight { was_spent, was_answered } = mark.status else { return };
        if was_answered || self.recorded {
            mark.status = Status::Answered(None);
        } else if was_spent || self.dispatched {
            mark.status = Status::Spent;
        } else {
            self.keys.change(marks, |marks| marks.remove(&self.key));
        }
    }
}
