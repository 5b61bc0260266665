//! Abnormal use (异常使用): what one scenario's calls look like when somebody guesses, copies or sweeps (REQUIREMENTS E7, I3).
//!
//! A scenario belongs to one unit, so one [`Watch`] per scenario is one per (unit, scenario). It sees of each call only
//! what [`Seen`] holds, and keeps nothing from which a person or an answer could be read: counts, sums, a sketch, and
//! hashes under a key that ends with the process.
//!
//! | signal | means | test |
//! |---|---|---|
//! | [`Signal::Misses`] | identifiers are guessed | sequential tests on 查无 and 不一致: of all calls, and of what was new that day; a quota of a day's misses |
//! | [`Signal::Canary`] | a record was asked for that belongs to nobody | one is enough |
//! | [`Signal::Probing`] | a model is copied step by step | sequential test on inputs that differ from one of the day in one place or two ([`Inputs`]) |
//! | [`Signal::Volume`] | more than was applied for, or sudden volume | the day against the declared [`Volume`], this hour against the usual hour |
//! | [`Signal::Subjects`] | more than was applied for, or sudden spread | distinct subjects of the day against the declared [`Volume`] and the usual day |
//! | [`Signal::Undeclared`] | much use by a scenario that applied for no volume and has no past | the day against a modest volume; an alarm only |
//! | [`Signal::List`] | one unit takes much of what all units together may match with a list | its share of the bound, once an epoch |
//!
//! The first signal slows the scenario down; another one while it is slow stops it, where the signal is one of guessing
//! or copying. A volume may have good reasons: it slows and alarms, and never stops.

mod day;
mod inputs;
mod refusals;
mod sequential;
mod sketch;
#[cfg(test)]
mod tests;
mod usual;
mod volume;

use std::time::Duration;

use shuzha_core::Timestamp;

use day::Day;
pub use inputs::{Inputs, LEAVES_MAX, leaf};
pub use refusals::Refusals;
pub use sequential::Sequential;
use sketch::Sketch;
use usual::Usual;
use volume::Over;
pub use volume::Volume;

/// How long a scenario stays slow after a signal.
pub const SLOW_FOR: Duration = Duration::from_hours(1);
/// Time between two calls of a slow scenario.
pub const SLOW_INTERVAL: Duration = Duration::from_secs(5);
/// Calls in an hour below which no volume is sudden.
pub const VOLUME_FLOOR: u64 = 1_000;
/// Distinct subjects in a day below which no spread is sudden.
pub const SUBJECTS_FLOOR: u64 = 500;

const HOUR_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

/// What was noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Too many misses for a list that its owner knows.
    Misses,
    /// A canary record (诱饵记录) was asked for.
    Canary,
    /// A model is asked along a grid.
    Probing,
    /// Far more calls than usual.
    Volume,
    /// Far more different subjects than usual.
    Subjects,
    /// Refused again and again.
    Refusals,
    /// The product service sent leaves that its contract does not list.
    Drift,
    /// One unit takes much of what all units together may match with a blinded list.
    List,
    /// A scenario that applied for no volume and has no past passes a modest one.
    Undeclared,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 9] = [
        Self::Misses,
        Self::Canary,
        Self::Probing,
        Self::Volume,
        Self::Subjects,
        Self::Refusals,
        Self::Drift,
        Self::List,
        Self::Undeclared,
    ];

    /// Its name in the journal, the log and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Misses => "abuse-misses",
            Self::Canary => "abuse-canary",
            Self::Probing => "abuse-probing",
            Self::Volume => "abuse-volume",
            Self::Subjects => "abuse-subjects",
            Self::Refusals => "abuse-refusals",
            Self::Drift => "abuse-drift",
            Self::List => "abuse-list",
            Self::Undeclared => "abuse-undeclared",
        }
    }

    /// Whether a slow scenario that gives this signal is stopped.
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(self, Self::Misses | Self::Canary | Self::Probing)
    }
}

/// What of one call is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// How many answers were asked for.
    pub parts: u32,
    /// For an answer about a subject: whether it was 查无 or 不一致.
    pub missed: Option<bool>,
    /// The subject, as a keyed hash.
    pub subject: Option<u64>,
    /// The whole question about the subject, as a keyed hash.
    pub question: u64,
    /// For a model: whether its inputs of the day are a grid ([`Inputs::observe`]).
    pub probing: bool,
    /// What the scenario was approved for.
    pub volume: Volume,
}

/// What follows from a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The scenario is slow from now on, or stays so.
    Slow,
    /// The scenario is to be stopped.
    Stop,
}

/// The state of one scenario. About 400 bytes; 2 KiB more for answers about subjects.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    misses: Sequential,
    /// Misses among what was new that day.
    padded: Sequential,
    day: Day,
    calls: Usual<HOUR_SECONDS, VOLUME_FLOOR>,
    calls_by_day: Usual<DAY_SECONDS, { u64::MAX }>,
    subjects: Usual<DAY_SECONDS, SUBJECTS_FLOOR>,
    calls_over: Over,
    subjects_over: Over,
    sketch: Sketch,
    slow_until: Timestamp,
    /// When the next call of a slow scenario may come.
    next: Timestamp,
    latest: Timestamp,
}

impl Watch {
    /// Whether a call may come now.
    ///
    /// # Errors
    /// How long to wait.
    pub fn admit(&mut self, now: Timestamp) -> Result<(), Duration> {
        if now >= self.slow_until {
            return Ok(());
        }
        let wait = self.next.micros_since(now);
        // A clock that was set back must not lock anybody out for longer than the interval.
        if wait > 0 && u128::from(wait.unsigned_abs()) <= SLOW_INTERVAL.as_micros() {
            return Err(Duration::from_micros(wait.unsigned_abs()));
        }
        self.next = now.plus(SLOW_INTERVAL);
        Ok(())
    }

    /// Takes one answered call into account; the gravest signal that it sets off.
    pub fn observe(&mut self, seen: &Seen, now: Timestamp) -> Option<Signal> {
        self.latest = now;
        let mut signal = None;
        let mut note = |set_off: bool, which: Signal| {
            if set_off && signal.is_none() {
                signal = Some(which);
            }
        };
        if let Some(missed) = seen.missed {
            note(self.misses.observe(missed), Signal::Misses);
        }
        note(seen.probing, Signal::Probing);
        let sudden = self.calls.add(now, seen.parts.into());
        let learned = self.calls_by_day.is_learned();
        self.calls_by_day.add(now, seen.parts.into());
        let most = seen.volume.calls_max(learned);
        let over = self.calls_over.exceeds(now, self.calls_by_day.count(), most);
        let is_declared = seen.volume.calls_per_day.is_some();
        note(sudden || over && is_declared, Signal::Volume);
        let mut undeclared = over && !is_declared;
        if let Some(subject) = seen.subject {
            if self.subjects.roll(now) {
                self.sketch = Sketch::default();
                self.day = Day::default();
            }
            let before = self.subjects.count();
            let more =
                if self.sketch.insert(subject) { self.sketch.estimate().saturating_sub(before) } else { 0 };
            if let Some(missed) = seen.missed {
                let alarm = self.day.observe(&mut self.padded, missed, subject, seen.question, before + more);
                note(alarm, Signal::Misses);
            }
            let sudden = self.subjects.add(now, more);
            let most = seen.volume.subjects_max(self.subjects.is_learned());
            let over = self.subjects_over.exceeds(now, self.subjects.count(), most);
            let is_declared = seen.volume.subjects_per_day.is_some();
            note(sudden || over && is_declared, Signal::Subjects);
            undeclared |= over && !is_declared;
        }
        note(undeclared, Signal::Undeclared);
        signal
    }

    /// What follows from `signal` now.
    pub fn step(&mut self, signal: Signal, now: Timestamp) -> Step {
        let was_slow = now < self.slow_until;
        self.slow_until = now.plus(SLOW_FOR);
        self.next = now.plus(SLOW_INTERVAL);
        if was_slow && signal.stops() { Step::Stop } else { Step::Slow }
    }

    /// Slow since a signal at `since`, as the journal remembers it.
    pub fn resume_slow(&mut self, since: Timestamp) {
        self.slow_until = self.slow_until.max(since.plus(SLOW_FOR));
        self.latest = self.latest.max(since);
    }

    /// Forgets what led to a stop that was lifted.
    pub fn clear(&mut self) {
        *self = Self { latest: self.latest, ..Self::default() };
    }

    /// When the last call was.
    #[must_use]
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Whether it is slow at `now`.
    #[must_use]
    pub fn is_slow(&self, now: Timestamp) -> bool {
        now < self.slow_until
    }
}
