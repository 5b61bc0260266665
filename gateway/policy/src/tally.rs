//! Refusals before a unit is known: nobody's calls. They are counted, by code and minute, and each count is one entry of the
//! journal: whoever holds no credential cannot fill the disk.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use shuzha_core::{Code, Timestamp};
use shuzha_evidence::{Entry, RefusalCount};
use shuzha_journal::Journal;

use crate::shards::lock;

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// Counts that wait for room in the journal; beyond it those of one code are added to the latest of that code.
const OWED_MAX: usize = 4_096;

/// The counts of the present minute, and those that are not with the journal yet.
pub(crate) struct Tally {
    /// Beginning of the minute that is counted, in microseconds.
    minute: AtomicI64,
    /// By the place of the code in [`Code::ALL`].
    counts: Box<[AtomicU64]>,
    /// Owner: whoever turns the minute or writes.
    owed: Mutex<Vec<RefusalCount>>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            minute: AtomicI64::new(0),
            counts: Code::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            owed: Mutex::default(),
        }
    }

    /// Counts a refusal with `code`. The first of a minute hands the counts of the minute before to the journal.
    pub(crate) fn count(&self, code: Code, now: Timestamp, journal: &Journal) {
        let minute = minute_of(now);
        if self.minute.load(Relaxed) != minute {
            self.turn(minute, journal);
        }
        self.counts[code as usize].fetch_add(1, Relaxed);
    }

    /// Hands counts of minutes that are over to the journal; `all` of them when the gate stops.
    pub(crate) fn keep_up(&self, now: Timestamp, all: bool, journal: &Journal) {
        let minute = minute_of(now);
        if all || self.minute.load(Relaxed) != minute {
            self.turn(minute, journal);
        } else {
            write(&mut lock(&self.owed), journal);
        }
    }

    fn turn(&self, minute: i64, journal: &Journal) {
        let owed = &mut *lock(&self.owed);
        let over = self.minute.swap(minute, Relaxed);
        for (count, code) in self.counts.iter().zip(Code::ALL) {
            // A refusal that is counted just now falls to one minute or the other, and is lost to neither.
            let count = count.swap(0, Relaxed);
            if count > 0 {
                add(owed, RefusalCount { at: Timestamp::from_micros(over), code: *code, count });
            }
        }
        write(owed, journal);
    }
}

fn minute_of(now: Timestamp) -> i64 {
    now.micros().div_euclid(MINUTE) * MINUTE
}

fn add(owed: &mut Vec<RefusalCount>, more: RefusalCount) {
    let full = owed.len() >= OWED_MAX;
    match owed.iter_mut().rev().find(|known| known.code == more.code) {
        Some(known) if full || known.at == more.at => known.count = known.count.saturating_add(more.count),
        // There are fewer codes than that: one of each always has a place.
        _ => owed.push(more),
    }
}

/// Appends what is owed. What the journal has no room for stays owed: the counts come first to give way, and are not lost.
fn write(owed: &mut Vec<RefusalCount>, journal: &Journal) {
    let written =
        owed.iter().take_while(|count| journal.append(&Entry::RefusalCount(**count)).is_ok()).count();
    owed.drain(..written);
}
