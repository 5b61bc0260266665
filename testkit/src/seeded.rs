//! The one seeded generator of all tests.

use std::sync::{Mutex, MutexGuard};

use shuzha_core::{OsRng, Rng};

/// Random numbers that a seed repeats: wyrand, as `fastrand` has it. A test that fails says the seeds of its generators.
///
/// Shared by reference: who draws first gets the earlier number, so that threads that draw from one generator are not
/// repeated by its seed.
pub struct Seeded {
    seed: u64,
    rng: Mutex<fastrand::Rng>,
}

impl Seeded {
    /// A generator that repeats what `seed` gave before.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, rng: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }

    /// A generator with the seed in `SHUZHA_TEST_SEED`; without it, with a seed of its own.
    #[must_use]
    pub fn from_environment() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "repeats a failed run; no part of the program's configuration"
        )]
        let given = std::env::var("SHUZHA_TEST_SEED").ok().and_then(|text| text.parse().ok());
        Self::new(given.unwrap_or_else(|| u64::from_be_bytes(OsRng.bytes())))
    }

    /// Its seed.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    fn rng(&self) -> MutexGuard<'_, fastrand::Rng> {
        self.rng.lock().expect("no holder panics")
    }

    /// Any number.
    pub fn u64(&self) -> u64 {
        self.rng().u64(..)
    }

    /// A number below `end`.
    ///
    /// # Panics
    /// When `end` is 0, as [`Self::index`] and [`Self::pick`] do.
    pub fn below(&self, end: u64) -> u64 {
        assert!(end > 0, "no number is below 0");
        self.rng().u64(..end)
    }

    /// An index into what has `length` items.
    pub fn index(&self, length: usize) -> usize {
        assert!(length > 0, "nothing to choose from");
        self.rng().usize(..length)
    }

    /// One of `items`.
    pub fn pick<T: Copy>(&self, items: &[T]) -> T {
        items[self.index(items.len())]
    }

    /// Any byte.
    pub fn byte(&self) -> u8 {
        self.rng().u8(..)
    }

    /// Whether what happens in `percent` of all cases happens in this one.
    pub fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// `good` with one to four changes: a bit or a byte turned, a piece cut out, repeated elsewhere or overwritten, a word
    /// put in. `words` are what the reader under test may take for something of its own.
    pub fn changed(&self, good: &[u8], words: &[&str]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.index(bytes.len() + 1);
            let end = (at + self.index(40)).min(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.byte(),
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let piece = bytes[at..end].to_vec();
                    let to = self.index(bytes.len() + 1);
                    bytes.splice(to..to, piece);
                }
                4 => drop(bytes.splice(at..end, self.pick(words).bytes())),
                _ => drop(bytes.splice(at..at, self.pick(words).bytes())),
            }
        }
        bytes
    }
}

impl Rng for Seeded {
    fn fill(&self, into: &mut [u8]) {
        self.rng().fill(into);
    }
}

impl Drop for Seeded {
    #[expect(clippy::print_stderr, reason = "a test that fails must say how it is repeated")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("SHUZHA_TEST_SEED={}", self.seed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_what_it_gave_and_another_gives_something_else() {
        let drawn = |seed| {
            let rng = Seeded::new(seed);
            let numbers: Vec<u64> = (0..20).map(|_| rng.u64()).collect();
            (numbers, rng.changed(b"a text to be changed", &["word"]), rng.bytes::<9>())
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn draws_stay_below_their_limit_and_reach_all_of_it() {
        let rng = Seeded::new(1);
        let mut seen = [0_u32; 10];
        (0..10_000).for_each(|_| seen[rng.index(10)] += 1);
        assert!(seen.iter().all(|times| (800..1_200).contains(times)), "{seen:?}");
        let hits = (0..10_000).filter(|_| rng.percent(5)).count();
        assert!((400..600).contains(&hits), "{hits} of 10000 at 5 percent");
    }
}
