//! How long ago the feed of withdrawals was heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Registry};
use shuzha_core::Clock;

/// `shuzha_withdrawal_feed_age_seconds`: time since the feed of withdrawals was heard; 0 at a gate that nobody feeds.
pub const FEED_AGE: &str = "shuzha_withdrawal_feed_age_seconds";

/// The oldest that the feed may be: what was withdrawn longer ago is refused on every node (REQUIREMENTS D3).
pub const FEED_AGE_MAX: Duration = Duration::from_secs(1);

/// Stands for a gate that nobody feeds.
const UNFED: u64 = u64::MAX;

/// When the feed was last heard, in microseconds of [`shuzha_core::Clock::running`]: setting the machine's clock must not
/// make a silent feed young.
pub(crate) struct Feed(AtomicU64);

impl Default for Feed {
    fn default() -> Self {
        Self(AtomicU64::new(UNFED))
    }
}

impl Feed {
    pub(crate) fn heard(&self, now: Duration) {
        self.0.store(micros(now), Ordering::Release);
    }

    /// Whether it was heard within [`FEED_AGE_MAX`], or there is none.
    pub(crate) fn is_fresh(&self, now: Duration) -> bool {
        self.age(now) <= FEED_AGE_MAX
    }

    /// The time since it was heard; none of it where nobody feeds.
    fn age(&self, now: Duration) -> Duration {
        let heard = self.0.load(Ordering::Acquire);
        let micros = if heard == UNFED { 0 } else { micros(now).saturating_sub(heard) };
        Duration::from_micros(micros)
    }
}

/// The age at each scrape.
struct Age {
    feed: Arc<Feed>,
    clock: Arc<dyn Clock>,
    gauge: Gauge,
}

/// Registers [`FEED_AGE`].
///
/// # Errors
/// When the name is registered already.
pub(crate) fn register(
    feed: &Arc<Feed>,
    clock: &Arc<dyn Clock>,
    registry: &Registry,
) -> Result<(), prometheus::Error> {
    let gauge = Gauge::new(FEED_AGE, "Time since the feed of withdrawals was heard")?;
    registry.register(Box::new(Age { feed: Arc::clone(feed), clock: Arc::clone(clock), gauge }))
}

impl Collector for Age {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set(self.feed.age(self.clock.running()).as_secs_f64());
        self.gauge.collect()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(UNFED - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d3_a_silent_feed_is_stale_after_a_second() {
        let feed = Feed::default();
        assert!(feed.is_fresh(Duration::from_secs(1_000)), "nobody feeds it");
        feed.heard(Duration::from_secs(5));
        assert!(feed.is_fresh(Duration::from_secs(6)));
        assert!(!feed.is_fresh(Duration::from_secs(6) + Duration::from_micros(1)));
        assert_eq!(feed.age(Duration::from_secs(9)), Duration::from_secs(4));
        feed.heard(Duration::from_secs(7));
        assert!(feed.is_fresh(Duration::from_secs(7)));
    }
}
