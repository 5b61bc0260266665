//! Deterministic disorder: a keyed permutation of `0..n` and a keyed stream of draws.
//!
//! The register is a function, not a table: entry `index` gets its identity number from a [`Permutation`] and
//! its other attributes from a [`Draws`] stream. Both are fixed by a seed, so every machine has the same
//! register. Nothing here is secret or secure; it only has to look unordered and to be invertible.

/// Rounds of the network. Four already look unordered; six leave no visible lines.
const ROUNDS: u64 = 6;

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64-bit words with full avalanche.
const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// The increment of SplitMix64: the odd number next to 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// A bijection of `0..left × right`: a Feistel network whose halves are numbers modulo `left` and modulo
/// `right` (the generalised Feistel cipher of Black and Rogaway, CT-RSA 2002, §5). Each round adds to one
/// half a function of the other, which can be subtracted again, so the inverse is exact and no slot is
/// visited twice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permutation {
    left: u64,
    right: u64,
    seed: u64,
}

impl Permutation {
    /// The permutation of `0..left × right` that `seed` names. Both sides must be positive and below 2³².
    pub(crate) const fn new(left: u64, right: u64, seed: u64) -> Self {
        assert!(left > 0 && right > 0 && left < 1 << 32 && right < 1 << 32);
        Self { left, right, seed }
    }

    /// How many numbers are permuted.
    #[cfg(test)]
    pub(crate) const fn size(self) -> u64 {
        self.left * self.right
    }

    fn round(self, round: u64, half: u64) -> u64 {
        mix(self.seed.wrapping_add(GOLDEN.wrapping_mul(round + 1)) ^ mix(half.wrapping_add(GOLDEN)))
    }

    /// Where `index` goes, as the pair (number below `left`, number below `right`).
    pub(crate) fn place(self, index: u64) -> (u64, u64) {
        debug_assert!(index < self.left * self.right);
        let (mut left, mut right) = (index / self.right, index % self.right);
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                left = (left + self.round(round, right) % self.left) % self.left;
            } else {
                right = (right + self.round(round, left) % self.right) % self.right;
            }
        }
        (left, right)
    }

    /// Which index goes to `(left, right)`: the inverse of [`place`](Self::place).
    pub(crate) fn index(self, (mut left, mut right): (u64, u64)) -> u64 {
        debug_assert!(left < self.left && right < self.right);
        for round in (0..ROUNDS).rev() {
            if round % 2 == 0 {
                left = (left + self.left - self.round(round, right) % self.left) % self.left;
            } else {
                right = (right + self.right - self.round(round, left) % self.right) % self.right;
            }
        }
        left * self.right + right
    }
}

/// A stream of draws for one entry: SplitMix64 started from the seed and the entry's index.
#[derive(Debug)]
pub(crate) struct Draws(u64);

impl Draws {
    /// The stream of entry `index` under `seed`.
    pub(crate) const fn new(seed: u64, index: u64) -> Self {
        Self(mix(seed) ^ mix(index.wrapping_mul(GOLDEN).wrapping_add(1)))
    }

    /// The next draw, below `limit`. The bias of the remainder is below 2⁻⁴⁰ for the limits used here.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(GOLDEN);
        let limit = u64::try_from(limit).expect("usize has at most 64 bits");
        usize::try_from(mix(self.0) % limit).expect("a remainder is below its divisor, which was a usize")
    }

    /// One of `items`, each as likely as the others.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// One of `items`, the first ones likelier: the smaller of two draws.
    pub(crate) fn pick_early<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len()).min(self.below(items.len()))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_small_permutation_visits_every_slot_once() {
        let permutation = Permutation::new(7, 13, 1);
        let mut seen: Vec<u64> =
            (0..permutation.size()).map(|index| permutation.place(index)).map(|(l, r)| l * 13 + r).collect();
        assert_ne!(seen, (0..91).collect::<Vec<_>>(), "the identity is not disorder");
        seen.sort_unstable();
        assert_eq!(seen, (0..91).collect::<Vec<_>>());
    }

    #[test]
    fn another_seed_is_another_order() {
        let order = |seed| (0..91).map(|i| Permutation::new(7, 13, seed).place(i)).collect::<Vec<_>>();
        assert_ne!(order(1), order(2));
    }

    proptest! {
        #[test]
        fn the_inverse_is_exact(left in 1_u64..5000, right in 1_u64..5000, seed: u64, at: u64) {
            let permutation = Permutation::new(left, right, seed);
            let index = at % permutation.size();
            let place = permutation.place(index);
            prop_assert!(place.0 < left && place.1 < right);
            prop_assert_eq!(permutation.index(place), index);
        }

        #[test]
        fn draws_repeat_and_stay_below_their_limit(seed: u64, index: u64, limit in 1_usize..1000) {
            let (mut one, mut two) = (Draws::new(seed, index), Draws::new(seed, index));
            for _ in 0..20 {
                let draw = one.below(limit);
                prop_assert!(draw < limit);
                prop_assert_eq!(draw, two.below(limit));
            }
        }
    }
}
