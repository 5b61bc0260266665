//! Idempotency keys: a retry with the same key and request gets the same answer and is charged and counted once.
//!
//! Answers about persons are never written to disk, so the answers kept here are gone after a restart; that the
//! call was charged and its consent used is in the journal and is not. A retry then runs again, for nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use shuzha_core::{Code, MicroYuan, Refusal, Timestamp};
use shuzha_evidence::Commitment;

use crate::holds::Consents;

/// How long a key is remembered.
pub(crate) const RETENTION: Duration = Duration::from_secs(24 * 3600);
/// Most keys remembered at a time.
pub(crate) const KEYS_MAX: usize = 262_144;
/// Most bytes of answers kept. Beyond it the oldest are let go, and a retry of theirs runs again, for nothing.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Longest `Idempotency-Key` in bytes.
pub(crate) const KEY_BYTES_MAX: usize = 64;

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

enum Status {
    InFlight { was_spent: bool, was_answered: bool },
    Spent,
    Answered(Option<Kept>),
}

struct Mark {
    request: Commitment,
    at: Timestamp,
    status: Status,
}

#[derive(Default)]
struct Marks {
    by_key: HashMap<Commitment, Mark>,
    /// Answers kept, oldest first, with their sizes: when room is needed the oldest goes.
    answers: VecDeque<(Commitment, usize)>,
    answer_bytes: usize,
}

/// The keys in use.
pub(crate) struct Idempotency {
    marks: Mutex<Marks>,
}

/// A key in use by one call. Dropping it leaves the mark of a call that released nothing.
pub(crate) struct InUse<'e> {
    keys: &'e Idempotency,
    key: Commitment,
    dispatched: bool,
    recorded: bool,
    done: bool,
}

impl Idempotency {
    /// The keys as the journal left them: key, request, when, whether answered.
    pub(crate) fn new(marks: impl IntoIterator<Item = (Commitment, Commitment, Timestamp, bool)>) -> Self {
        let by_key = marks
            .into_iter()
            .map(|(key, request, at, answered)| {
                let status = if answered { Status::Answered(None) } else { Status::Spent };
                (key, Mark { request, at, status })
            })
            .collect();
        Self { marks: Mutex::new(Marks { by_key, ..Marks::default() }) }
    }

    /// Begins a call with `key` for the request committed to by `request`.
    ///
    /// # Errors
    /// C308 when the key was used for another request, C309 while an earlier try is in progress, C092 when no
    /// more keys can be remembered.
    pub(crate) fn begin(
        &self,
        key: Commitment,
        request: Commitment,
        now: Timestamp,
    ) -> Result<(Found, Option<InUse<'_>>), Refusal> {
        let mut marks = crate::holds::lock(&self.marks);
        if marks.by_key.len() >= KEYS_MAX {
            marks.sweep(now);
        }
        let in_use = || Some(InUse { keys: self, key, dispatched: false, recorded: false, done: false });
        let Some(mark) = marks.by_key.get_mut(&key).filter(|mark| !mark.expired(now)) else {
            if marks.by_key.len() >= KEYS_MAX {
                return Err(Refusal::retry(Code::C092, Duration::from_secs(60)));
            }
            let status = Status::InFlight { was_spent: false, was_answered: false };
            marks.by_key.insert(key, Mark { request, at: now, status });
            return Ok((Found::First, in_use()));
        };
        if mark.request != request {
            return Err(Code::C308.into());
        }
        let found = match &mark.status {
            Status::InFlight { .. } => return Err(Refusal::retry(Code::C309, Duration::from_secs(1))),
            Status::Answered(Some(kept)) => return Ok((Found::Answered(kept.clone()), None)),
            Status::Answered(None) => Found::AnsweredBefore,
            Status::Spent => Found::Spent,
        };
        let (was_spent, was_answered) = (found == Found::Spent, found == Found::AnsweredBefore);
        mark.status = Status::InFlight { was_spent, was_answered };
        Ok((found, in_use()))
    }
}

impl Mark {
    fn expired(&self, now: Timestamp) -> bool {
        now > self.at.plus(RETENTION) && !matches!(self.status, Status::InFlight { .. })
    }
}

impl Marks {
    fn sweep(&mut self, now: Timestamp) {
        self.by_key.retain(|_, mark| !mark.expired(now));
    }

    /// Makes room for `bytes` of an answer by letting the oldest answers go; their marks stay. False when it is
    /// larger than all the room there is.
    fn make_room(&mut self, bytes: usize) -> bool {
        while self.answer_bytes + bytes > ANSWER_BYTES_MAX {
            let Some((oldest, freed)) = self.answers.pop_front() else { return false };
            self.answer_bytes -= freed;
            if let Some(mark) = self.by_key.get_mut(&oldest)
                && matches!(mark.status, Status::Answered(Some(_)))
            {
                mark.status = Status::Answered(None);
            }
        }
        true
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
        let mut marks = crate::holds::lock(&self.keys.marks);
        let bytes = kept.body.len();
        let room = marks.make_room(bytes);
        if room {
            marks.answers.push_back((self.key, bytes));
            marks.answer_bytes += bytes;
        }
        if let Some(mark) = marks.by_key.get_mut(&self.key) {
            mark.status = Status::Answered(room.then_some(kept));
        }
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut marks = crate::holds::lock(&self.keys.marks);
        let Some(mark) = marks.by_key.get_mut(&self.key) else { return };
        let Status::InFlight { was_spent, was_answered } = mark.status else { return };
        if was_answered || self.recorded {
            mark.status = Status::Answered(None);
        } else if was_spent || self.dispatched {
            mark.status = Status::Spent;
        } else {
            marks.by_key.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn kept() -> Kept {
        Kept { body: Bytes::from_static(b"{}"), fee: MicroYuan::YUAN, receipt: "1.2".into(), consent: None }
    }

    #[test]
    fn the_answer_is_given_again_and_another_request_is_refused() {
        let keys = Idempotency::new([]);
        let (found, in_use) = keys.begin([1; 16], [9; 16], NOW).expect("free");
        assert_eq!(found, Found::First);
        assert_eq!(keys.begin([1; 16], [9; 16], NOW).err().map(|r| r.code), Some(Code::C309));
        in_use.expect("in use").answered(kept());
        assert_eq!(keys.begin([1; 16], [9; 16], NOW).expect("known").0, Found::Answered(kept()));
        assert_eq!(keys.begin([1; 16], [8; 16], NOW).err().map(|r| r.code), Some(Code::C308));
        let later = NOW.plus(RETENTION).plus(Duration::from_secs(1));
        assert_eq!(keys.begin([1; 16], [8; 16], later).expect("forgotten").0, Found::First);
    }

    #[test]
    fn a_try_that_was_dispatched_leaves_a_mark_and_one_that_was_not_leaves_none() {
        let keys = Idempotency::new([]);
        drop(keys.begin([1; 16], [9; 16], NOW).expect("free"));
        let (found, in_use) = keys.begin([1; 16], [9; 16], NOW).expect("free again");
        assert_eq!(found, Found::First);
        let mut in_use = in_use.expect("in use");
        in_use.dispatched();
        drop(in_use);
        let (found, in_use) = keys.begin([1; 16], [9; 16], NOW).expect("spent");
        assert_eq!(found, Found::Spent);
        drop(in_use);
        assert_eq!(keys.begin([1; 16], [9; 16], NOW).expect("still spent").0, Found::Spent);
    }

    #[test]
    fn an_answer_that_was_recorded_and_not_taken_is_not_charged_again() {
        let keys = Idempotency::new([]);
        let mut in_use = keys.begin([1; 16], [9; 16], NOW).expect("free").1.expect("in use");
        in_use.dispatched();
        in_use.recorded(true);
        drop(in_use);
        let (found, in_use) = keys.begin([1; 16], [9; 16], NOW).expect("known");
        assert_eq!(found, Found::AnsweredBefore);
        drop(in_use);
        assert_eq!(keys.begin([1; 16], [9; 16], NOW).expect("known").0, Found::AnsweredBefore);
    }

    #[test]
    fn the_oldest_answers_make_room_and_stay_charged() {
        let keys = Idempotency::new([]);
        let third = Bytes::from(vec![b' '; ANSWER_BYTES_MAX / 3]);
        for n in 1..=4 {
            let (_, in_use) = keys.begin([n; 16], [9; 16], NOW).expect("free");
            in_use.expect("in use").answered(Kept { body: third.clone(), ..kept() });
        }
        let found = |n| keys.begin([n; 16], [9; 16], NOW).map(|(found, _)| found).expect("known");
        assert_eq!(found(1), Found::AnsweredBefore);
        assert!((2..=4).all(|n| matches!(found(n), Found::Answered(_))));
    }

    #[test]
    fn what_the_journal_knew_outlives_a_restart() {
        let keys = Idempotency::new([([1; 16], [9; 16], NOW, true), ([2; 16], [9; 16], NOW, false)]);
        assert_eq!(keys.begin([1; 16], [9; 16], NOW).expect("known").0, Found::AnsweredBefore);
        assert_eq!(keys.begin([2; 16], [9; 16], NOW).expect("known").0, Found::Spent);
    }
}
