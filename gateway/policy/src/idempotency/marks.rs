//! The idempotency keys of one unit, by key and by time.

use std::collections::{HashMap, VecDeque};

use shuzha_core::Timestamp;
use shuzha_evidence::Commitment;

use super::{Answered, Covered, Kept, RETENTION};

/// What an answer takes besides its body.
const KEPT_BYTES: usize = 256;

/// What became of the tries under one key that have ended.
pub(super) enum Past {
    /// Nothing was released.
    Spent(Covered),
    /// One was answered.
    Answered {
        /// By what the answer is known again.
        answered: Option<Answered>,
        /// How often the call was sent again since.
        reruns: u32,
        /// The answer, while there is room for it.
        kept: Option<Box<Kept>>,
    },
}

/// One key.
pub(super) struct Mark {
    pub(super) request: Commitment,
    /// When the last try came that was sent; the first one, while none was.
    pub(super) at: Timestamp,
    pub(super) in_flight: bool,
    /// Boxed: a table that has just grown is twice as large as what is in it.
    pub(super) past: Option<Box<Past>>,
}

/// The keys of one unit.
#[derive(Default)]
pub(super) struct Marks {
    by_key: HashMap<Commitment, Mark>,
    /// Keys in the order in which they came. An entry whose key was removed, or came again, is passed over.
    by_time: VecDeque<(Timestamp, Commitment)>,
    /// Keys whose answers are kept, oldest first. An entry whose answer has gone is passed over.
    answers: VecDeque<Commitment>,
    answer_bytes: usize,
}

/// Bytes that an answer takes.
pub(super) fn bytes_of(kept: &Kept) -> usize {
    kept.body.len() + KEPT_BYTES
}

impl Mark {
    pub(super) fn expired(&self, now: Timestamp) -> bool {
        now > self.at.plus(RETENTION) && !self.in_flight
    }

    fn answer_bytes(&self) -> usize {
        match self.past.as_deref() {
            Some(Past::Answered { kept: Some(kept), .. }) => bytes_of(kept),
            _ => 0,
        }
    }
}

impl Marks {
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub(super) const fn answer_bytes(&self) -> usize {
        self.answer_bytes
    }

    /// When the oldest key came, as far as it is known without a search.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.by_time.front().map(|(at, _)| *at)
    }

    pub(super) fn get_mut(&mut self, key: &Commitment) -> Option<&mut Mark> {
        self.by_key.get_mut(key)
    }

    /// Sets a mark.
    pub(super) fn put(&mut self, key: Commitment, mark: Mark) {
        self.by_time.push_back((mark.at, key));
        if let Some(before) = self.by_key.insert(key, mark) {
            self.answer_bytes -= before.answer_bytes();
        }
        self.compact();
    }

    /// Removes a mark.
    pub(super) fn remove(&mut self, key: &Commitment) {
        if let Some(before) = self.by_key.remove(key) {
            self.answer_bytes -= before.answer_bytes();
        }
        // A call that was refused at once takes its entry with it; others are passed over when their time comes.
        if self.by_time.back().is_some_and(|(_, last)| last == key) {
            self.by_time.pop_back();
        }
    }

    /// Drops entries that are passed over anyway once they are as many as the others: each is paid for by the one that made it.
    fn compact(&mut self) {
        let live = self.by_key.len();
        let by_key = &self.by_key;
        if self.by_time.len() > 2 * live + 64 {
            self.by_time.retain(|(at, key)| by_key.get(key).is_some_and(|mark| mark.at == *at));
        }
        if self.answers.len() > 2 * live + 64 {
            self.answers.retain(|key| by_key.get(key).is_some_and(|mark| mark.answer_bytes() > 0));
        }
    }

    /// Forgets up to `most` of the oldest keys whose time is over.
    pub(super) fn forget_oldest(&mut self, now: Timestamp, most: usize) {
        for _ in 0..most {
            let Some(&(at, key)) = self.by_time.front().filter(|(at, _)| now > at.plus(RETENTION)) else {
                return;
            };
            self.by_time.pop_front();
            match self.by_key.get(&key) {
                Some(mark) if mark.at != at => {}
                Some(mark) if mark.expired(now) => self.remove(&key),
                // A call of a day's length: looked at again when those behind it have gone.
                Some(_) => self.by_time.push_back((at, key)),
                None => {}
            }
        }
    }

    /// Ends a try under `key`, whose request and time are given. Its answer is kept where `most` bytes of answers may be.
    pub(super) fn end(
        &mut self,
        key: Commitment,
        (request, at): (Commitment, Timestamp),
        mut past: Past,
        most: usize,
    ) {
        if let Past::Answered { kept, .. } = &mut past
            && let Some(bytes) = kept.as_deref().map(bytes_of)
        {
            if self.make_room(bytes, most) {
                self.answer_bytes += bytes;
                self.answers.push_back(key);
            } else {
                *kept = None;
            }
        }
        let Some(mark) = self.by_key.get_mut(&key) else { return };
        (mark.request, mark.in_flight, mark.past) = (request, false, Some(Box::new(past)));
        if mark.at != at {
            mark.at = at;
            self.by_time.push_back((at, key));
        }
        self.compact();
    }

    /// Makes room for `bytes` of an answer by letting the unit's oldest answers go; their marks stay. False when it is larger
    /// than all the room there is.
    pub(super) fn make_room(&mut self, bytes: usize, most: usize) -> bool {
        while self.answer_bytes + bytes > most {
            let Some(oldest) = self.answers.pop_front() else { return false };
            if let Some(mark) = self.by_key.get_mut(&oldest) {
                let freed = mark.answer_bytes();
                if let Some(Past::Answered { kept, .. }) = mark.past.as_deref_mut() {
                    *kept = None;
                }
                self.answer_bytes -= freed;
            }
        }
        true
    }
}

#[cfg(test)]
impl Marks {
    /// Entries of the lists by time, those that are passed over included.
    pub(super) fn entries(&self) -> usize {
        self.by_time.len() + self.answers.len()
    }

    /// Bytes that the tables take, with all that they hold in reserve. A table of so much room has an eighth more places, each
    /// with one byte that says whether it is taken.
    pub(super) fn table_bytes(&self) -> usize {
        let places = self.by_key.capacity() * 8 / 7;
        places * (size_of::<(Commitment, Mark)>() + 1)
            + self.by_time.capacity() * size_of::<(Timestamp, Commitment)>()
            + self.answers.capacity() * size_of::<Commitment>()
    }
}
