//! How much a scenario was approved for, and whether a day is beyond it.
//!
//! A limit that is learned from the past lets a newcomer do anything. What a scenario needs is part of its application, so
//! that its reviewers see it. Beyond a modest figure, one that states none and has no past is told to those who answer for it.

use shuzha_core::Timestamp;

use super::DAY_SECONDS;
use super::usual::window;

/// Calls in a day of a scenario that declares none and has no past: more is an alarm.
pub(super) const CALLS_UNDECLARED: u64 = 10_000;
/// Distinct subjects in a day of a scenario that declares none and has no past: more is an alarm.
pub(super) const SUBJECTS_UNDECLARED: u64 = 3_000;

/// What a scenario was approved for (申请的日调用量与对象数), each where its application says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Volume {
    /// Answers asked for in a local day.
    pub calls_per_day: Option<u64>,
    /// Distinct subjects in a local day.
    pub subjects_per_day: Option<u64>,
}

impl Volume {
    /// Most calls of a day; none where the past alone decides.
    pub(super) fn calls_max(self, learned: bool) -> Option<u64> {
        self.calls_per_day.or((!learned).then_some(CALLS_UNDECLARED))
    }

    /// Most distinct subjects of a day by the sketch, whose standard error is 6.5 %: a tenth above what was declared.
    pub(super) fn subjects_max(self, learned: bool) -> Option<u64> {
        let declared = self.subjects_per_day.map(|most| most.saturating_add(most / 10));
        declared.or((!learned).then_some(SUBJECTS_UNDECLARED))
    }
}

/// How far a day is beyond its limit. The signal is given when it is passed, and again after each tenth of it more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Over {
    day: i64,
    next: u64,
}

impl Over {
    /// Whether `count` of the day of `now` gives the signal.
    pub(super) fn exceeds(&mut self, now: Timestamp, count: u64, most: Option<u64>) -> bool {
        let Some(most) = most else { return false };
        let day = window(now, DAY_SECONDS);
        if day > self.day {
            *self = Self { day, next: 0 };
        }
        let exceeds = count > most.max(self.next);
        if exceeds {
            self.next = count.saturating_add((most / 10).max(1));
        }
        exceeds
    }
}
