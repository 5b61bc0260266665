//! A rate that is kept without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How many may come at once, as time at an even pace.
const BURST: Duration = Duration::from_secs(2);

/// A rate as the generic cell rate algorithm keeps it: the instant by which everything that was let through would be through at
/// an even pace, in nanoseconds of a clock that nobody sets.
#[derive(Debug, Default)]
pub struct Pace(AtomicU64);

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Pace {
    /// Lets one through at `per_second`, of which two seconds' worth may come at once.
    ///
    /// # Errors
    /// The time to wait.
    pub fn pass(&self, running: Duration, per_second: u32) -> Result<(), Duration> {
        let (now, step) = (nanos(running), 1_000_000_000 / u64::from(per_second.max(1)));
        let most = nanos(BURST).max(step);
        let passed = self.0.fetch_update(Relaxed, Relaxed, |through| {
            let next = through.max(now) + step;
            (next <= now + most).then_some(next)
        });
        let wait = |through: u64| Duration::from_nanos((through + step).saturating_sub(now + most).max(1));
        passed.map(drop).map_err(wait)
    }

    /// Whether it is as if it had never been used.
    #[must_use]
    pub fn is_idle(&self, running: Duration) -> bool {
        self.0.load(Relaxed) <= nanos(running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_seconds_pass_at_once_and_then_its_pace() {
        let pace = Pace::default();
        let start = Duration::from_secs(9);
        assert_eq!((0..100).filter(|_| pace.pass(start, 10).is_ok()).count(), 20);
        let wait = pace.pass(start, 10).expect_err("used up");
        assert_eq!(wait, Duration::from_millis(100));
        assert!(pace.pass(start + wait, 10).is_ok());
        assert!(pace.pass(start + wait, 10).is_err());
        assert!(!pace.is_idle(start) && pace.is_idle(start + Duration::from_secs(3)));
    }
}
