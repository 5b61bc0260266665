//! The authority over what a grant allows: calls per window, calls at once, calls per second.
//!
//! The state of a grant lives here and not in the snapshot, so editing the configuration never resets a counter.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use jiff::civil::Date;
use shuzha_core::{Clock, Code, Id, Refusal, Timestamp};

use super::{Authority, Hold};
use crate::shards::Shards;
use crate::shards::lock;
use crate::{RateLimit, RateLimits};

/// The local day of an instant (Asia/Shanghai), as the journal's reducer counts it.
fn local_day(at: Timestamp) -> i32 {
    i32::try_from(shuzha_store::local_day(at)).unwrap_or(i32::MAX)
}

/// The local month of a local day, as months since year 0.
fn local_month(day: i32) -> i32 {
    let date = Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
    i32::from(date.year()) * 12 + i32::from(date.month())
}

/// A window in which a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum QuotaWindow {
    /// The local day.
    Day,
    /// The local month.
    Month,
    /// The grant's whole term.
    Term,
}

impl QuotaWindow {
    /// The first local day of the window that holds `day`, and the first after it; the same where it has no end.
    fn days(self, day: i32) -> (i64, i64) {
        match self {
            Self::Day => (i64::from(day), i64::from(day) + 1),
            Self::Month => {
                let date = Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
                let (passed, length) = (i64::from(date.day()) - 1, i64::from(date.days_in_month()));
                (i64::from(day) - passed, i64::from(day) - passed + length)
            }
            Self::Term => (0, 0),
        }
    }
}

/// Most calls per window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CallQuota {
    /// Calls.
    pub max: u64,
    /// Window.
    pub per: QuotaWindow,
}

/// A rate: `calls` per `window`, at most `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rate {
    /// Calls per window.
    pub calls: NonZeroU32,
    /// Window.
    pub window: Duration,
    /// Most calls at once.
    pub burst: NonZeroU32,
}

/// What a grant limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Limits {
    /// Quota, if any.
    pub quota: Option<CallQuota>,
    /// Rate, if any.
    pub rate: Option<Rate>,
    /// Most calls at once, if limited.
    pub concurrency: Option<NonZeroU32>,
}

/// Our clock as governor reads it: one that nobody sets, so that a rate is a rate whatever the time is thought to be.
#[derive(Clone)]
struct GovClock(Arc<dyn Clock>);

impl GovernorClock for GovClock {
    type Instant = Nanos;
    fn now(&self) -> Nanos {
        Nanos::new(u64::try_from(self.0.running().as_nanos()).unwrap_or(u64::MAX))
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, GovClock, StateInformationMiddleware>;

/// Calls counted per window, spent and held apart.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    day: i32,
    in_day: u64,
    month: i32,
    in_month: u64,
    in_term: u64,
    /// Calls under way.
    held: u64,
    /// What they count for, when they are answered.
    held_parts: u64,
}

impl Counts {
    /// Moves the windows on to `day`; counters of a past window start anew. No window comes back: where the clock was set back,
    /// the one that began goes on.
    fn roll(&mut self, day: i32) {
        if day > self.day {
            let month = local_month(day);
            if month != self.month {
                self.month = month;
                self.in_month = 0;
            }
            self.day = day;
            self.in_day = 0;
        }
    }

    fn spent(&self, window: QuotaWindow) -> u64 {
        match window {
            QuotaWindow::Day => self.in_day,
            QuotaWindow::Month => self.in_month,
            QuotaWindow::Term => self.in_term,
        }
    }

    /// What is left of `quota`, calls under way counted as spent, and when it begins anew.
    fn left(&self, quota: CallQuota, now: Timestamp) -> RateLimit {
        let used = self.spent(quota.per).saturating_add(self.held_parts);
        let (from, until) = quota.per.days(self.day);
        let (from, until) = (shuzha_store::local_midnight(from), shuzha_store::local_midnight(until));
        let between = |from: Timestamp| {
            Duration::from_micros(u64::try_from(until.micros_since(from)).unwrap_or_default())
        };
        let (length, reset) = (between(from), between(now));
        RateLimit {
            quota: quota.max,
            window: length,
            remaining: quota.max.saturating_sub(used),
            reset: if length.is_zero() { Duration::ZERO } else { reset },
        }
    }

    fn give_back(&mut self, taken: &Taken) {
        self.held -= 1;
        self.held_parts -= taken.parts;
    }

    /// Counts answers for the day on which they were asked for, as the journal's reducer does.
    fn add(&mut self, day: i32, calls: u64) {
        self.roll(day);
        if day == self.day {
            self.in_day = self.in_day.saturating_add(calls);
        }
        if local_month(day) == self.month {
            self.in_month = self.in_month.saturating_add(calls);
        }
        self.in_term = self.in_term.saturating_add(calls);
    }
}

/// The state of one grant.
pub(crate) struct GrantState {
    counts: Mutex<Counts>,
    limiter: Mutex<Option<(Rate, Arc<Limiter>)>>,
}

/// One call of a grant, and how many answers it asks for.
pub(crate) struct Taken {
    state: Arc<GrantState>,
    parts: u64,
    /// The local day for which it counts.
    day: i32,
}

impl Taken {
    /// How many answers are asked for.
    pub(crate) const fn parts(&self) -> u64 {
        self.parts
    }
}

/// States of all grants that were ever called.
pub(crate) struct GrantLedger {
    states: Shards<Id, Arc<GrantState>>,
    clock: Arc<dyn Clock>,
}

impl GrantLedger {
    /// The ledger as the journal left it: calls per grant and local day, in order of days.
    pub(crate) fn new(clock: Arc<dyn Clock>, usage: impl IntoIterator<Item = (Id, i32, u64)>) -> Self {
        let ledger = Self { states: Shards::new(), clock };
        let mut usage: Vec<_> = usage.into_iter().collect();
        usage.sort_by_key(|(_, day, _)| *day);
        for (grant, day, calls) in usage {
            let state = ledger.state(&grant);
            let mut counts = lock(&state.counts);
            counts.add(day, calls);
        }
        ledger
    }

    /// The state of `grant`, made at its first call.
    pub(crate) fn state(&self, grant: &Id) -> Arc<GrantState> {
        self.states.with(grant, |shard| {
            let fresh = || Arc::new(GrantState { counts: Mutex::default(), limiter: Mutex::default() });
            Arc::clone(shard.entry(grant.clone()).or_insert_with(fresh))
        })
    }

    /// Takes one call of `grant` that asks for `parts` answers: first the rate, then a place among the concurrent calls,
    /// then the quota, which counts answers in the windows of `now`, the call's instant. What is left of each goes to `shown`, also where the call is refused.
    ///
    /// # Errors
    /// C501, C502 and C503, with the time to wait where waiting helps.
    pub(crate) fn take(
        &self,
        state: &Arc<GrantState>,
        limits: &Limits,
        parts: u32,
        now: Timestamp,
        shown: &mut RateLimits,
    ) -> Result<Hold<'_, Self>, Refusal> {
        if let Some(quota) = limits.quota {
            let mut counts = lock(&state.counts);
            counts.roll(local_day(now));
            shown.quota = Some(counts.left(quota, now));
        }
        self.pace(state, limits, shown)?;
        let mut counts = lock(&state.counts);
        if limits.concurrency.is_some_and(|most| counts.held >= u64::from(most.get())) {
            return Err(Refusal::retry(Code::C502, Duration::from_secs(1)));
        }
        counts.roll(local_day(now));
        let parts = u64::from(parts);
        if let Some(quota) = limits.quota {
            let left = counts.left(quota, now);
            shown.quota = Some(RateLimit { remaining: left.remaining.saturating_sub(parts), ..left });
            if left.remaining < parts {
                shown.quota = Some(left);
                let waiting_helps = quota.per != QuotaWindow::Term && parts <= quota.max;
                let retry_after = waiting_helps.then_some(left.reset);
                return Err(Refusal { retry_after, ..Refusal::from(Code::C503) });
            }
        }
        counts.held += 1;
        counts.held_parts += parts;
        // Where the clock was set back, the window that began goes on.
        let day = counts.day;
        drop(counts);
        Ok(Hold::new(self, Taken { state: Arc::clone(state), parts, day }))
    }

    /// Takes one call of the rate, and nothing else.
    ///
    /// # Errors
    /// C501, with the time to wait.
    pub(crate) fn pace(
        &self,
        state: &Arc<GrantState>,
        limits: &Limits,
        shown: &mut RateLimits,
    ) -> Result<(), Refusal> {
        let Some(rate) = limits.rate else { return Ok(()) };
        let (state, refused) = self.check_rate(state, rate);
        shown.rate = Some(state);
        refused.map_or(Ok(()), Err)
    }

    /// Asks the limiter. What is shown is the bucket: as many calls as may come at once, and the time in which an
    /// empty one is full again.
    fn check_rate(&self, state: &GrantState, rate: Rate) -> (RateLimit, Option<Refusal>) {
        let limiter = self.limiter(state, rate);
        let (burst, per_call) = (rate.burst.get(), rate.window / rate.calls.get());
        let bucket = |remaining: u32, reset: Duration| RateLimit {
            quota: u64::from(burst),
            window: per_call * burst,
            remaining: u64::from(remaining),
            reset,
        };
        match limiter.check() {
            Ok(snapshot) => {
                let remaining = snapshot.remaining_burst_capacity().min(burst);
                (bucket(remaining, per_call * (burst - remaining)), None)
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(GovClock(Arc::clone(&self.clock)).now());
                (bucket(0, wait + per_call * (burst - 1)), Some(Refusal::retry(Code::C501, wait)))
            }
        }
    }

    /// The limiter of a grant; a new one only where the grant's own rate was changed.
    fn limiter(&self, state: &GrantState, rate: Rate) -> Arc<Limiter> {
        let mut slot = lock(&state.limiter);
        match &*slot {
            Some((current, limiter)) if *current == rate => Arc::clone(limiter),
            _ => {
                let per_call = rate.window / rate.calls.get();
                let quota = Quota::with_period(per_call.max(Duration::from_nanos(1)))
                    .expect("the period is not zero")
                    .allow_burst(rate.burst);
                let clock = GovClock(Arc::clone(&self.clock));
                let limiter = Arc::new(
                    RateLimiter::direct_with_clock(quota, clock)
                        .with_middleware::<StateInformationMiddleware>(),
                );
                *slot = Some((rate, Arc::clone(&limiter)));
                limiter
            }
        }
    }
}

impl Authority for GrantLedger {
    type Token = Taken;

    fn post(&self, taken: &Taken) {
        let mut counts = lock(&taken.state.counts);
        counts.give_back(taken);
        counts.add(taken.day, taken.parts);
    }

    fn void(&self, taken: &Taken) {
        lock(&taken.state.counts).give_back(taken);
    }
}

#[cfg(test)]
mod tests;
