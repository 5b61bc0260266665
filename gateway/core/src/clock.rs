//! Instants and the clock trait. Everything that needs the time is handed a [`Clock`].

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// An instant in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Microseconds in one second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;

impl Timestamp {
    /// The instant `micros` µs after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The instant `seconds` s after the epoch; saturates.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS_PER_SECOND)
    }

    /// Microseconds from `earlier` to `self`; negative when the clock went back.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This instant moved by `by`; saturates.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// This instant moved back by `by`; saturates.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The present instant. May go back when the machine's clock is set.
    fn now(&self) -> Timestamp;

    /// How long a clock that nobody sets has been running: for the age of something, which must not depend on what the
    /// time is thought to be.
    fn running(&self) -> Duration;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn running(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// Farthest that the machine's clock may have been set forward for a [`GuardedClock`] to go along at once, and back for it to
/// go slower until they agree.
const FORWARD_MAX: i64 = 60 * MICROS_PER_SECOND;
const BACK_MAX: i64 = 60 * MICROS_PER_SECOND;

/// Most by which it goes back at one comparison.
const BACK_STEP: i64 = MICROS_PER_SECOND / 10;

/// The machine's clock, held to one that nobody sets. It shows the time that has passed since it was made, goes along with what
/// corrects a clock, and not with what sets it to another day: it then goes on as before, and says that it is astray.
#[derive(Debug)]
pub struct GuardedClock<C = SystemClock> {
    machine: C,
    /// What the time is when the running clock is at zero: µs since 1970.
    offset: AtomicI64,
    /// How far the machine's clock is from this one, in µs, where that is too far.
    astray: AtomicI64,
}

impl<C: Clock> GuardedClock<C> {
    /// One that shows what `machine` shows now.
    #[must_use]
    pub fn over(machine: C) -> Self {
        let offset = AtomicI64::new(machine.now().0.saturating_sub(micros(machine.running())));
        Self { machine, offset, astray: AtomicI64::new(0) }
    }

    /// Compares it with the machine's clock. To be called every few seconds; answers by how much it is astray, if it is.
    pub fn compare(&self) -> Option<Duration> {
        let apart = self.machine.now().micros_since(self.now());
        let by = match apart {
            0..=FORWARD_MAX => apart,
            back if (-BACK_MAX..0).contains(&back) => back.max(-BACK_STEP),
            _ => 0,
        };
        self.offset.fetch_add(by, Ordering::AcqRel);
        let astray = if (-BACK_MAX..=FORWARD_MAX).contains(&apart) { 0 } else { apart };
        self.astray.store(astray, Ordering::Release);
        self.astray()
    }

    /// How far the machine's clock was from it when they were last compared, where that is too far.
    #[must_use]
    pub fn astray(&self) -> Option<Duration> {
        let astray = self.astray.load(Ordering::Acquire).unsigned_abs();
        (astray > 0).then(|| Duration::from_micros(astray))
    }
}

impl Default for GuardedClock {
    fn default() -> Self {
        Self::over(SystemClock)
    }
}

impl<C: Clock> Clock for GuardedClock<C> {
    fn now(&self) -> Timestamp {
        Timestamp(self.offset.load(Ordering::Acquire).saturating_add(micros(self.machine.running())))
    }

    fn running(&self) -> Duration {
        self.machine.running()
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// A guarded clock, moved by an offset that every clone shares: ten working days pass in a demo without waiting.
/// Nothing but a demo or a test moves it.
#[derive(Clone, Debug, Default)]
pub struct ShiftedClock {
    by: Arc<AtomicI64>,
    guarded: Arc<GuardedClock>,
}

impl ShiftedClock {
    /// Moves the clock so that it now shows `at`, from where it goes on as the machine's does.
    pub fn show(&self, at: Timestamp) {
        self.by.store(at.micros_since(self.guarded.now()), Ordering::SeqCst);
    }

    /// Shows the machine's time again.
    pub fn release(&self) {
        self.by.store(0, Ordering::SeqCst);
    }

    /// The clock that is moved.
    #[must_use]
    pub fn guarded(&self) -> &Arc<GuardedClock> {
        &self.guarded
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.guarded.now().0.saturating_add(self.by.load(Ordering::Relaxed)))
    }

    fn running(&self) -> Duration {
        self.guarded.running()
    }
}

/// A clock that stands still until it is moved: for tests, simulations and the demo.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: AtomicI64,
    running: AtomicI64,
}

impl ManualClock {
    /// A clock standing at `at`.
    #[must_use]
    pub const fn at(at: Timestamp) -> Self {
        Self { now: AtomicI64::new(at.0), running: AtomicI64::new(at.0) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.now.fetch_add(by, Ordering::SeqCst);
        self.running.fetch_add(by, Ordering::SeqCst);
    }

    /// Somebody sets the clock `micros` on, or back: how long it has been running stays as it is.
    pub fn misset(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::SeqCst);
    }

    /// Puts the clock at `at`, which may lie in the past.
    pub fn set(&self, at: Timestamp) {
        let before = self.now.swap(at.0, Ordering::SeqCst);
        self.running.fetch_add(at.0.saturating_sub(before).max(0), Ordering::SeqCst);
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn running(&self) -> Duration {
        (**self).running()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    /// Moves forward with the clock, and stands still where that is set back.
    fn running(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.running.load(Ordering::SeqCst)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine whose clock somebody sets.
    #[derive(Default)]
    struct Machine {
        set: AtomicI64,
        runs: AtomicI64,
    }

    impl Clock for &'static Machine {
        fn now(&self) -> Timestamp {
            Timestamp(self.set.load(Ordering::SeqCst) + self.runs.load(Ordering::SeqCst))
        }

        fn running(&self) -> Duration {
            Duration::from_micros(self.runs.load(Ordering::SeqCst).unsigned_abs())
        }
    }

    fn machine() -> &'static Machine {
        Box::leak(Box::default())
    }

    fn pass(machine: &Machine, clock: &GuardedClock<&'static Machine>, seconds: i64) {
        for _ in 0..seconds {
            machine.runs.fetch_add(MICROS_PER_SECOND, Ordering::SeqCst);
            clock.compare();
        }
    }

    #[test]
    fn a_clock_that_is_corrected_is_followed_and_never_jumps_back() {
        let machine = machine();
        let clock = GuardedClock::over(machine);
        machine.set.store(5 * MICROS_PER_SECOND, Ordering::SeqCst);
        pass(machine, &clock, 1);
        assert_eq!((clock.now(), clock.astray()), (Timestamp::from_seconds(6), None), "forward at once");
        machine.set.store(2 * MICROS_PER_SECOND, Ordering::SeqCst);
        let mut before = clock.now();
        for _ in 0..40 {
            pass(machine, &clock, 1);
            assert!(clock.now() > before && clock.astray().is_none());
            before = clock.now();
        }
        assert_eq!(clock.now(), machine.now(), "back by going slower");
    }

    #[test]
    fn a_clock_that_is_set_to_another_day_is_not_followed_and_said_to_be_astray() {
        for days in [1, -1, 366 * 40] {
            let machine = machine();
            machine.runs.store(MICROS_PER_SECOND, Ordering::SeqCst);
            let clock = GuardedClock::over(machine);
            let day = 86_400 * MICROS_PER_SECOND;
            machine.set.store(days * day, Ordering::SeqCst);
            pass(machine, &clock, 10);
            assert_eq!(clock.now(), Timestamp::from_seconds(11), "it goes on as before");
            assert_eq!(clock.astray(), Some(Duration::from_secs((days * 86_400).unsigned_abs())));
            machine.set.store(0, Ordering::SeqCst);
            pass(machine, &clock, 1);
            assert_eq!((clock.now(), clock.astray()), (Timestamp::from_seconds(12), None));
        }
    }
}
