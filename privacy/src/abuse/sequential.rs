//! Wald's sequential probability ratio test of two rates of a yes-or-no event, begun anew whenever it favours the usual
//! rate (Page's CUSUM): the fastest test there is for a change at an unknown moment.
//!
//! Usual rate θ₀ = 5 %, suspicious rate θ₁ = 50 %. An event adds ln(θ₁/θ₀), its absence ln((1−θ₁)/(1−θ₀)); the sum never
//! goes below zero, and at 13.8 = ln 10⁶ the alarm is given: between two alarms at the usual rate lie at least 10⁶ calls
//! in the mean (Lorden 1971, theorem 2). What it takes to detect is measured in the tests.

/// ln(0.5 / 0.05), in millionths.
const EVENT: u32 = 2_302_585;
/// −ln(0.5 / 0.95), in millionths.
const NO_EVENT: u32 = 641_854;
/// ln 10⁶, rounded down to one decimal as the research measured it, in millionths.
const THRESHOLD: u32 = 13_800_000;

/// The running sum of one test, in millionths of a natural unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequential {
    sum: u32,
}

impl Sequential {
    /// Takes one call into account; `true` when the alarm is given. The test then begins anew.
    pub const fn observe(&mut self, event: bool) -> bool {
        if event {
            self.sum += EVENT;
        } else {
            self.sum = self.sum.saturating_sub(NO_EVENT);
        }
        let alarm = self.sum >= THRESHOLD;
        if alarm {
            self.sum = 0;
        }
        alarm
    }
}
