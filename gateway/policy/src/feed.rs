//! How long ago the feed of withdrawals was heard.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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
        let heard = self.0.load(Ordering::Acquire);
        heard == UNFED || micros(now).saturating_sub(heard) <= micros(FEED_AGE_MAX)
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
        feed.heard(Duration::from_secs(7));
        assert!(feed.is_fresh(Duration::from_secs(7)));
    }
}
