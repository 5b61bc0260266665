//! The one place of this crate that reads a clock by itself.

use std::time::Instant;

/// Reads the monotonic clock, for waiting times and durations only.
#[expect(
    clippy::disallowed_methods,
    reason = "waits and measured durations of threads, never a time that is recorded"
)]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}
