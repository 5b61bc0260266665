//! Refused again and again: somebody tries what they may not.

use std::time::Duration;

use shuzha_core::Timestamp;

/// One refusal in this time is nobody's concern.
const EVERY: Duration = Duration::from_secs(10);
/// Refusals at once, beyond those, that are.
const AT_ONCE: u32 = 60;

/// The refusals of one unit, as a bucket that runs empty with time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Refusals {
    /// When the bucket would be empty.
    empty_at: Timestamp,
    latest: Timestamp,
}

impl Refusals {
    /// Takes one refusal into account; `true` when the alarm is given. The bucket is then emptied.
    pub fn observe(&mut self, now: Timestamp) -> bool {
        self.latest = now;
        let full = EVERY * AT_ONCE;
        // A clock that was set back leaves a bucket too full: it is then full, and no more than full.
        self.empty_at = self.empty_at.clamp(now, now.plus(full)).plus(EVERY);
        let alarm = self.empty_at > now.plus(full);
        if alarm {
            self.empty_at = now;
        }
        alarm
    }

    /// When the last refusal was.
    #[must_use]
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }
}
