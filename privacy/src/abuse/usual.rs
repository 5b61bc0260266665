//! What is usual in a window of time, and whether this window is far above it.

use shuzha_core::Timestamp;
use shuzha_core::calendar::OFFSET_HOURS;

/// How many times the usual is sudden.
const FACTOR: u64 = 10;
/// Windows that must have been seen before anything is called usual.
const WINDOWS_LEARNED: u32 = 6;
/// The usual moves towards each window by one part in so many.
const INERTIA: u64 = 8;
/// The usual is kept in parts of this size.
const SCALE: u64 = 256;
/// Windows without a call after which the past is forgotten rather than walked through.
const GAP_MAX: i64 = 1_000;
/// Days begin at midnight in China.
const OFFSET_SECONDS: i64 = OFFSET_HOURS as i64 * 3_600;

/// The window of `seconds` that holds `now`.
pub(super) const fn window(now: Timestamp, seconds: i64) -> i64 {
    (now.seconds() + OFFSET_SECONDS).div_euclid(seconds)
}

/// A count per window of `SECONDS`, and its moving mean. Below `FLOOR` nothing is sudden.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usual<const SECONDS: i64, const FLOOR: u64> {
    window: i64,
    count: u64,
    /// The moving mean, in parts of [`SCALE`].
    usual: u64,
    learned: u32,
    alarmed: bool,
}

impl<const SECONDS: i64, const FLOOR: u64> Usual<SECONDS, FLOOR> {
    /// The count of this window.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Whether enough was seen to call anything usual.
    pub(super) const fn is_learned(&self) -> bool {
        self.learned >= WINDOWS_LEARNED
    }

    /// Moves to the window of `now`; whether it is another one. A clock that goes back stays in the window.
    pub(super) fn roll(&mut self, now: Timestamp) -> bool {
        let window = window(now, SECONDS);
        if self.window == 0 {
            self.window = window;
            return true;
        }
        if window <= self.window {
            return false;
        }
        if window - self.window > GAP_MAX {
            *self = Self { window, ..Self::default() };
            return true;
        }
        while self.window < window {
            let seen = self.count.saturating_mul(SCALE);
            self.usual =
                if self.learned == 0 { seen } else { self.usual - self.usual / INERTIA + seen / INERTIA };
            self.learned = self.learned.saturating_add(1);
            self.window += 1;
            self.count = 0;
        }
        self.alarmed = false;
        true
    }

    /// Counts `more` at `now`; `true` once in a window that is far above the usual.
    pub(super) fn add(&mut self, now: Timestamp, more: u64) -> bool {
        self.roll(now);
        self.count = self.count.saturating_add(more);
        let sudden = self.is_learned()
            && self.count >= FLOOR
            && self.count.saturating_mul(SCALE) > self.usual.saturating_mul(FACTOR);
        let first = sudden && !self.alarmed;
        self.alarmed |= sudden;
        first
    }
}
