//! Idempotency keys: a retry with the same key and request gets the same answer and is charged and counted once.
//!
//! Answers about persons are never written to disk, so the answers kept here are gone after a restart; that the
//! call was charged and its consent used is in the journal and is not. A mark names what its tries have spent and on what, and
//! by what its answer is known again (docs/adr/0022-what-a-mark-covers.md): a retry then takes what is not covered, and nothing
//! leaves for nothing but the very bytes that were answered.
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
use shuzha_core::{Code, MicroYuan, Refusal, RequestId, Timestamp};
use shuzha_evidence::Commitment;

use crate::bounds::{Bounds, Room, room};
use crate::holds::Consents;
use crate::shards::lock;
use crate::units::Units;
use marks::{Mark, Marks, Past};

/// How long a key is remembered.
pub(crate) const RETENTION: Duration = Duration::from_secs(24 * 3600);
/// Longest `Idempotency-Key` in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 128;

/// How often a call whose answer is no longer at hand is sent to its product service again: what is sent for nothing has an end.
pub(crate) const RERUNS_MAX: u32 = 3;

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
    /// Earlier tries took this and released nothing: run again without taking it again.
    Spent(Covered),
    /// An earlier try was answered, and the answer is still at hand.
    Answered(Kept),
    /// An earlier try was answered, and its answer has gone: only the same bytes may be given again. None where nothing says
    /// which they were.
    AnsweredBefore(Option<Answered>),
}

/// What tries under a key have spent without releasing anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Covered {
    /// The consent of which a use was taken.
    pub(crate) consent: Option<Commitment>,
    /// Commitment to the key of the one release that was charged.
    pub(crate) release: Option<Commitment>,
}

/// By what an answer is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) request: RequestId,
    /// Says under which half-year's key the commitment was made.
    pub(crate) received: Timestamp,
    pub(crate) commitment: Commitment,
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
    pub(crate) past: KnownPast,
}

/// What became of the tries under a key, as the journal left it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KnownPast {
    /// Nothing was released.
    Spent(Covered),
    /// The call was answered, and run again so often since.
    Answered(Option<Answered>, u32),
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
    /// Commitment to the request, as this try makes it, and when it came.
    tried: (Commitment, Timestamp),
    /// What was taken when the request left.
    dispatched: Option<Covered>,
    /// The answer whose record is with the journal; it may be one that nothing tells apart.
    recorded: Option<Option<Answered>>,
    /// The release whose charge was given back.
    refunded: Option<Commitment>,
    kept: Option<Kept>,
}

impl Idempotency {
    /// The keys as the journal left them. All of them: what was charged must not be charged again, whatever the bounds are now.
    pub(crate) fn new(bounds: Bounds, known: impl IntoIterator<Item = Known>) -> Self {
        let keys = Self { units: Units::new(), bounds, sums: Sums::default() };
        let mut known: Vec<_> = known.into_iter().collect();
        known.sort_by_key(|known| known.at);
        for Known { unit, key, request, at, past } in known {
            let past = match past {
                KnownPast::Spent(covered) => Past::Spent(covered),
                KnownPast::Answered(answered, reruns) => Past::Answered { answered, reruns, kept: None },
            };
            let mark = Mark { request, at, in_flight: false, past: Some(Box::new(past)) };
            let unit = keys.units.of(&unit);
            keys.change(&mut lock(&unit), |marks| marks.put(key, mark));
        }
        keys
    }

    /// Begins a call of `unit` with `key`, received at `now`, for the request that any of `requests` commits to; the first is
    /// the commitment under the key of its own half-year, others are under those of tries before it.
    ///
    /// # Errors
    /// C308 when the key was used for another request, C309 while an earlier try is in progress, C314 when the answer has gone
    /// and the call was run again often enough, C097 when the unit, and C092 when all together, can have no more keys remembered.
    pub(crate) fn begin(
        &self,
        unit: &str,
        key: Commitment,
        requests: &[Commitment],
        now: Timestamp,
    ) -> Result<(Found, Option<InUse<'_>>), Refusal> {
        let unit = self.units.of(unit);
        let Some(&request) = requests.first() else { return Err(Code::C093.into()) };
        let in_use = |unit| Some(self.in_use(unit, key, (request, now)));
        let marks = &mut *lock(&unit);
        self.change(marks, |marks| marks.forget_oldest(now, FORGOTTEN_PER_CALL));
        let Some(mark) = marks.get_mut(&key).filter(|mark| !mark.expired(now)) else {
            self.check_room(marks, now)?;
            let mark = Mark { request, at: now, in_flight: true, past: None };
            self.change(marks, |marks| marks.put(key, mark));
            return Ok((Found::First, in_use(Arc::clone(&unit))));
        };
        if !requests.contains(&mark.request) {
            return Err(Code::C308.into());
        }
        if mark.in_flight {
            return Err(Refusal::retry(Code::C309, Duration::from_secs(1)));
        }
        let found = match mark.past.as_deref() {
            Some(Past::Answered { kept: Some(kept), .. }) => {
                return Ok((Found::Answered((**kept).clone()), None));
            }
            Some(Past::Answered { reruns: RERUNS_MAX.., .. }) => return Err(Code::C314.into()),
            Some(Past::Answered { answered, .. }) => Found::AnsweredBefore(*answered),
            Some(Past::Spent(covered)) => Found::Spent(*covered),
            None => Found::Spent(Covered::default()),
        };
        mark.in_flight = true;
        Ok((found, in_use(Arc::clone(&unit))))
    }

    /// Holds `key` while the charge of one of its tries is given back; none where it is not remembered.
    ///
    /// # Errors
    /// C309 while a try is in progress, C1550 when one was answered.
    pub(crate) fn hold(&self, unit: &str, key: Commitment) -> Result<Option<InUse<'_>>, Refusal> {
        let unit = self.units.of(unit);
        let marks = &mut *lock(&unit);
        let Some(mark) = marks.get_mut(&key) else { return Ok(None) };
        if mark.in_flight {
            return Err(Refusal::retry(Code::C309, Duration::from_secs(1)));
        }
        if matches!(mark.past.as_deref(), Some(Past::Answered { .. })) {
            return Err(Code::C1550.into());
        }
        mark.in_flight = true;
        Ok(Some(self.in_use(Arc::clone(&unit), key, (mark.request, mark.at))))
    }

    const fn in_use(
        &self,
        unit: Arc<Mutex<Marks>>,
        key: Commitment,
        tried: (Commitment, Timestamp),
    ) -> InUse<'_> {
        let (dispatched, recorded, refunded, kept) = (None, None, None, None);
        InUse { keys: self, unit, key, tried, dispatched, recorded, refunded, kept }
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
    /// The request is about to leave: from here on a retry must not take again what was `taken`.
    pub(crate) const fn dispatched(&mut self, taken: Covered) {
        self.dispatched = Some(taken);
    }

    /// Nothing was sent after all.
    pub(crate) const fn not_dispatched(&mut self) {
        self.dispatched = None;
    }

    /// The record of an answer is with the journal: a retry is then free, even if nobody took the answer.
    pub(crate) const fn recorded(&mut self, answered: Option<Answered>) {
        self.recorded = Some(answered);
    }

    /// The record is not with the journal after all.
    pub(crate) const fn not_recorded(&mut self) {
        self.recorded = None;
    }

    /// The charge for `release` was given back: it covers no retry any more.
    pub(crate) fn refunded(mut self, release: Commitment) {
        self.refunded = Some(release);
    }

    /// The call was answered.
    pub(crate) fn answered(mut self, kept: Kept) {
        self.recorded.get_or_insert(None);
        self.kept = Some(kept);
    }

    /// What the mark says from now on.
    fn past(&mut self, before: Option<Past>) -> Option<Past> {
        let ran = u32::from(self.dispatched.is_some());
        match (before, self.recorded, self.dispatched) {
            // What was answered first is the answer; what is given again is the same.
            (Some(Past::Answered { answered, reruns, .. }), _, _) => {
                let kept = self.kept.take().map(Box::new);
                Some(Past::Answered { answered, reruns: reruns.saturating_add(ran), kept })
            }
            (_, Some(answered), _) => {
                let kept = self.kept.take().map(Box::new);
                Some(Past::Answered { answered, reruns: 0, kept })
            }
            (before, None, taken) => {
                let tried = before.is_some() || taken.is_some();
                let mut covered = match before {
                    Some(Past::Spent(covered)) => covered,
                    _ => Covered::default(),
                };
                let taken = taken.unwrap_or_default();
                covered.consent = taken.consent.or(covered.consent);
                covered.release = taken.release.or(covered.release);
                if self.refunded.is_some() && covered.release == self.refunded {
                    covered.release = None;
                    return covered.consent.is_some().then_some(Past::Spent(covered));
                }
                tried.then_some(Past::Spent(covered))
            }
        }
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        let bytes = self.kept.as_ref().map_or(0, marks::bytes_of);
        let answers_max = self.keys.answer_bytes_max(bytes);
        let (unit, keys, key) = (Arc::clone(&self.unit), self.keys, self.key);
        let marks = &mut *lock(&unit);
        let Some(mark) = marks.get_mut(&key) else { return };
        let before = mark.past.take().map(|past| *past);
        // The last try that was sent is what the key is remembered by, until one was answered: so does the journal.
        let sent = self.dispatched.is_some() || self.recorded.is_some();
        let stays = !sent || matches!(before, Some(Past::Answered { .. }));
        let tried = if stays { (mark.request, mark.at) } else { self.tried };
        let past = self.past(before);
        keys.change(marks, |marks| match past {
            None => marks.remove(&key),
            Some(past) => marks.end(key, tried, past, answers_max),
        });
    }
}
