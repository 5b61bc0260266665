//! Wald's sequential probability ratio test of two rates of a yes-or-no event, begun anew whenever it favours the usual
//! rate (Page's CUSUM): the fastest test there is for a change at an unknown moment.
//!
//! Usual rate θ₀ = 5 %, suspicious rate θ₁. An event adds ln(θ₁/θ₀), its absence ln((1−θ₁)/(1−θ₀)); the sum never
//! goes below zero, and at 13.8 = ln 10⁶ the alarm is given: between two alarms at the usual rate lie at least 10⁶ calls
//! in the mean (Lorden 1971, theorem 2). What it takes to detect is measured in the tests.

/// ln 10⁶, rounded down to one decimal as the research measured it, in millionths.
const THRESHOLD: u32 = 13_800_000;

/// What an event and its absence weigh, in millionths of a natural unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    event: u32,
    no_event: u32,
}

impl Rates {
    /// 5 % against 50 %: ln(0.5 / 0.05) and −ln(0.5 / 0.95).
    pub(super) const HALF: Self = Self { event: 2_302_585, no_event: 641_854 };
    /// 5 % against 20 %: ln(0.2 / 0.05) and −ln(0.8 / 0.95).
    pub(super) const FIFTH: Self = Self { event: 1_386_294, no_event: 171_850 };
}

/// The running sum of one test, in millionths of a natural unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequential {
    sum: u32,
}

impl Sequential {
    /// Takes one call into account, 5 % against 50 %; `true` when the alarm is given. The test then begins anew.
    pub const fn observe(&mut self, event: bool) -> bool {
        self.observe_at(event, Rates::HALF)
    }

    /// The same at other rates. One test is always asked at the same ones.
    pub(super) const fn observe_at(&mut self, event: bool, rates: Rates) -> bool {
        if event {
            self.sum += rates.event;
        } else {
            self.sum = self.sum.saturating_sub(rates.no_event);
        }
        let alarm = self.sum >= THRESHOLD;
        if alarm {
            self.sum = 0;
        }
        alarm
    }
}
