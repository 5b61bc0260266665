//! What one scenario's day of answers about subjects adds up to: a guesser who pads each guess with answers that were known
//! before passes every test that counts calls, and none that counts what was new.

use super::sequential::{Rates, Sequential};

/// Bits of the set of what was seen; a power of two.
const BITS: u64 = 1 << 14;
/// Beyond so many entries everything counts as new: fuller, the set would take the new for known too often.
const ENTRIES_MAX: u32 = 1 << 11;
/// Misses in a day that nobody is asked about.
pub(super) const MISSES_FLOOR: u64 = 100;
/// Misses in a day may be one in so many of the day's different subjects.
const SUBJECTS_PER_MISS: u64 = 12;

/// What of a day has been seen. 2 KiB once the first answer came; from it nobody can tell who was asked about.
#[derive(Clone, Debug, Default)]
pub(super) struct Day {
    seen: Option<Box<[u64; (BITS / 64) as usize]>>,
    entries: u32,
    misses: u64,
    /// Misses at which the next alarm is given, where one was.
    next: u64,
}

impl Day {
    /// Whether `hash` is new today.
    fn is_new(&mut self, hash: u64) -> bool {
        if self.entries >= ENTRIES_MAX {
            return true;
        }
        let bit = hash % BITS;
        let seen = self.seen.get_or_insert_with(|| Box::new([0; (BITS / 64) as usize]));
        let (word, mask) = (&mut seen[usize::try_from(bit / 64).unwrap_or_default()], 1 << (bit % 64));
        let new = *word & mask == 0;
        *word |= mask;
        self.entries += u32::from(new);
        new
    }

    /// Takes one answer into account: of hits those about a subject that is new today, of misses those of a question that
    /// is new today. `subjects` is about how many different ones the day has had. `true` when the alarm is given.
    pub(super) fn observe(
        &mut self,
        test: &mut Sequential,
        missed: bool,
        subject: u64,
        question: u64,
        subjects: u64,
    ) -> bool {
        // A hit and a miss of one hash are two entries.
        if !self.is_new(if missed { question.rotate_left(32) ^ u64::MAX } else { subject }) {
            return false;
        }
        self.misses += u64::from(missed);
        let most = MISSES_FLOOR.max(subjects / SUBJECTS_PER_MISS).max(self.next);
        let over = missed && self.misses > most;
        if over {
            self.next = self.misses + MISSES_FLOOR;
        }
        test.observe_at(missed, Rates::FIFTH) || over
    }
}
