//! What a grant allows, what is left of it, and when to come back.

use super::*;
use shuzha_core::clock::ManualClock;

fn take<'l>(
    ledger: &'l GrantLedger,
    state: &Arc<GrantState>,
    limits: &Limits,
    parts: u32,
) -> Result<Hold<'l, GrantLedger>, Refusal> {
    ledger.take(state, limits, parts, ledger.clock.now(), &mut RateLimits::default())
}

fn ledger(clock: &Arc<ManualClock>) -> GrantLedger {
    GrantLedger::new(Arc::clone(clock) as Arc<dyn Clock>, [])
}

/// 2026-11-30T15:59:59Z is the last second of November in Shanghai.
#[test]
fn quotas_start_anew_at_shanghai_midnight_and_month_end() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_796_054_399)));
    let ledger = ledger(&clock);
    let state = ledger.state(&Id::new("g").expect("a name"));
    let limits = |per| Limits { quota: Some(CallQuota { max: 1, per }), ..Limits::default() };
    take(&ledger, &state, &limits(QuotaWindow::Day), 1).expect("the first call").post();
    for per in [QuotaWindow::Day, QuotaWindow::Month, QuotaWindow::Term] {
        assert_eq!(
            take(&ledger, &state, &limits(per), 1).err().map(|refusal| refusal.code),
            Some(Code::C503)
        );
    }
    clock.advance(Duration::from_secs(1));
    assert!(take(&ledger, &state, &limits(QuotaWindow::Day), 1).is_ok());
    assert!(take(&ledger, &state, &limits(QuotaWindow::Month), 1).is_ok());
    assert!(take(&ledger, &state, &limits(QuotaWindow::Term), 1).is_err());
}

/// Wherever the clock goes about midnight and the month's end: what was spent in a window stays spent, and the journal's
/// reducer counts the same.
#[test]
fn no_window_comes_back_when_the_clock_is_set_back() {
    let eve = Timestamp::from_seconds(1_796_054_399);
    for per in [QuotaWindow::Day, QuotaWindow::Month] {
        let clock = Arc::new(ManualClock::at(eve));
        let ledger = ledger(&clock);
        let state = ledger.state(&Id::new("g").expect("a name"));
        let limits = Limits { quota: Some(CallQuota { max: 4, per }), ..Limits::default() };
        let mut answered = 0;
        for step in 0..40 {
            let back = Duration::from_millis(if step % 2 == 0 { 1_500 } else { 0 });
            clock.set(eve.plus(Duration::from_secs(1)).minus(back));
            if let Ok(hold) = take(&ledger, &state, &limits, 1) {
                hold.post();
                answered += 1;
            }
        }
        // One before midnight, and then the new window's four.
        assert_eq!(answered, 5, "{per:?}");
    }
}

/// A call that is answered after midnight counts for the day on which it was asked.
#[test]
fn a_call_over_midnight_counts_where_it_was_asked() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_796_054_399)));
    let ledger = ledger(&clock);
    let state = ledger.state(&Id::new("g").expect("a name"));
    let limits = |per| Limits { quota: Some(CallQuota { max: 2, per }), ..Limits::default() };
    let under_way = take(&ledger, &state, &limits(QuotaWindow::Day), 1).expect("one of the eve's two");
    clock.advance(Duration::from_secs(2));
    take(&ledger, &state, &limits(QuotaWindow::Day), 1).expect("one of the day's two").post();
    under_way.post();
    take(&ledger, &state, &limits(QuotaWindow::Day), 1).expect("the day's other").post();
    assert!(take(&ledger, &state, &limits(QuotaWindow::Day), 1).is_err());
    assert!(take(&ledger, &state, &limits(QuotaWindow::Month), 1).is_err(), "two count for December");
}

/// A rate is kept by a clock that nobody sets.
#[test]
fn a_rate_does_not_wait_for_the_time_to_come_again() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let ledger = ledger(&clock);
    let state = ledger.state(&Id::new("g").expect("a name"));
    let one = NonZeroU32::new(1).expect("one");
    let rate = Rate { calls: one, window: Duration::from_secs(10), burst: one };
    let limits = Limits { rate: Some(rate), ..Limits::default() };
    take(&ledger, &state, &limits, 1).expect("the first").post();
    clock.set(Timestamp::from_seconds(1_800_000_000 - 3_600));
    let refused = take(&ledger, &state, &limits, 1).err().expect("too fast");
    assert_eq!(refused.retry_after, Some(Duration::from_secs(10)));
    clock.advance(Duration::from_secs(10));
    assert!(take(&ledger, &state, &limits, 1).is_ok());
}

#[test]
fn a_full_rate_says_when_to_come_back() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let ledger = ledger(&clock);
    let state = ledger.state(&Id::new("g").expect("a name"));
    let two = NonZeroU32::new(2).expect("two");
    let limits = Limits {
        rate: Some(Rate { calls: two, window: Duration::from_secs(10), burst: two }),
        ..Limits::default()
    };
    for left in [1, 0] {
        let mut shown = RateLimits::default();
        ledger.take(&state, &limits, 1, clock.now(), &mut shown).expect("within the burst").post();
        assert_eq!(shown.rate.expect("a rate is shown").remaining, left);
    }
    let refused = take(&ledger, &state, &limits, 1).err().expect("the burst is spent");
    assert_eq!(refused.code, Code::C501);
    clock.advance(refused.retry_after.expect("a time to wait"));
    assert!(take(&ledger, &state, &limits, 1).is_ok());
}

/// Roles D5: a quota that is used up says when it begins anew, and what is left of it is told with every call.
#[test]
fn a_used_up_quota_says_when_it_begins_anew() {
    // 2026-11-30T12:00:00 in Shanghai.
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_796_011_200)));
    let ledger = ledger(&clock);
    let half_a_day = Duration::from_secs(43_200);
    let days = |days: u64| Duration::from_secs(86_400 * days);
    let rows = [
        (QuotaWindow::Day, days(1), Some(half_a_day)),
        (QuotaWindow::Month, days(30), Some(half_a_day)),
        // More time brings no more of it.
        (QuotaWindow::Term, Duration::ZERO, None),
    ];
    for (at, (per, window, wait)) in rows.into_iter().enumerate() {
        let state = ledger.state(&Id::new(&format!("g-{at}")).expect("a name"));
        let limits = Limits { quota: Some(CallQuota { max: 3, per }), ..Limits::default() };
        let mut shown = RateLimits::default();
        ledger.take(&state, &limits, 2, clock.now(), &mut shown).expect("two of three").post();
        let left = RateLimit { quota: 3, window, remaining: 1, reset: wait.unwrap_or_default() };
        assert_eq!(shown.quota, Some(left));
        let refused = ledger.take(&state, &limits, 2, clock.now(), &mut shown).err().expect("one is left");
        assert_eq!((refused.code, refused.retry_after), (Code::C503, wait), "{per:?}");
        assert_eq!(shown.quota, Some(left), "nothing was taken");
        // What is more than the whole quota will never be answered: no time to wait for.
        let never =
            ledger.take(&state, &limits, 4, clock.now(), &mut shown).err().expect("more than there is");
        assert_eq!((never.code, never.retry_after), (Code::C503, None));
    }
}

/// Roles D5: a refusal for the rate shows the empty bucket and the quota that is left.
#[test]
fn a_refusal_for_the_rate_shows_what_is_left() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_796_011_200)));
    let ledger = ledger(&clock);
    let state = ledger.state(&Id::new("g").expect("a name"));
    let one = NonZeroU32::new(1).expect("one");
    let limits = Limits {
        quota: Some(CallQuota { max: 5, per: QuotaWindow::Day }),
        rate: Some(Rate { calls: one, window: Duration::from_secs(10), burst: one }),
        concurrency: None,
    };
    take(&ledger, &state, &limits, 1).expect("the first").post();
    let mut shown = RateLimits::default();
    let refused = ledger.take(&state, &limits, 1, clock.now(), &mut shown).err().expect("too fast");
    assert_eq!((refused.code, refused.retry_after), (Code::C501, Some(Duration::from_secs(10))));
    let rate = shown.rate.expect("the rate is shown");
    assert_eq!((rate.remaining, rate.reset), (0, Duration::from_secs(10)));
    assert_eq!(shown.quota.expect("the quota is shown").remaining, 4);
}

/// A batch counts for as many calls as it holds elements, while under way and after.
#[test]
fn e8_a_batch_counts_each_of_its_elements() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let ledger = ledger(&clock);
    let state = ledger.state(&Id::new("g").expect("a name"));
    let limits = Limits { quota: Some(CallQuota { max: 10, per: QuotaWindow::Day }), ..Limits::default() };
    assert!(take(&ledger, &state, &limits, 11).is_err());
    let first = take(&ledger, &state, &limits, 6).expect("six of ten");
    assert_eq!(take(&ledger, &state, &limits, 5).err().map(|refusal| refusal.code), Some(Code::C503));
    first.post();
    assert_eq!(take(&ledger, &state, &limits, 5).err().map(|refusal| refusal.code), Some(Code::C503));
    // A call that came to nothing gives all of its elements back.
    drop(take(&ledger, &state, &limits, 4).expect("the rest"));
    take(&ledger, &state, &limits, 4).expect("the rest").post();
    assert_eq!(take(&ledger, &state, &limits, 1).err().map(|refusal| refusal.code), Some(Code::C503));
}

#[test]
fn concurrency_counts_calls_in_flight_only() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
    let ledger = ledger(&clock);
    let state = ledger.state(&Id::new("g").expect("a name"));
    let limits = Limits { concurrency: NonZeroU32::new(1), ..Limits::default() };
    let hold = take(&ledger, &state, &limits, 1).expect("the first");
    assert_eq!(take(&ledger, &state, &limits, 1).err().map(|r| r.code), Some(Code::C502));
    hold.post();
    assert!(take(&ledger, &state, &limits, 1).is_ok());
}
