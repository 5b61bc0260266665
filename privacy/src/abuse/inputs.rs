//! Whether inputs of a model are a grid: a new one differs from one of the day in one leaf, or in two.
//!
//! Comparing with a few recent inputs is evaded by asking about as many others in between. Here all inputs of a day are
//! kept, as keyed hashes of their leaves, and found again by what they have in common. The leaves are put into
//! [`GROUPS`] groups, by a keyed hash of their names; two inputs that differ in at most two leaves agree in all groups but
//! two, so each input is filed under each choice of the others. A file holds the latest input only: the next of a grid
//! finds the one before it.

use std::collections::HashMap;

use shuzha_core::Timestamp;

use super::{DAY_SECONDS, Sequential};

/// Most leaves of an input that are told apart; of more, several are one.
pub const LEAVES_MAX: usize = 64;
/// Groups of leaves.
const GROUPS: usize = 6;
/// Bits of a leaf that hold its hash; the group stands above.
const HASH_BITS: u32 = 29;
/// Inputs of one generation. Two generations are kept, so that no grid whose period is below this escapes.
pub(super) const INPUTS_MAX: usize = 12_288;
/// A neighbour in so many leaves says nothing of an input with fewer than so many times as many.
const LEAVES_PER_DIFFERENCE: usize = 4;

/// A leaf, from keyed hashes of its name and of its name and value.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "fewer than 8 groups, and 29 bits of a hash")]
pub const fn leaf(name: u64, value: u64) -> u32 {
    ((name % GROUPS as u64) as u32) << HASH_BITS | (value as u32 & ((1 << HASH_BITS) - 1))
}

/// The inputs of a day of one scenario and model: at most 2 × [`INPUTS_MAX`], below half a kilobyte each, and the test over
/// them. From it nobody can read an input.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    probes: Sequential,
    now: Generation,
    before: Generation,
    began: Timestamp,
    latest: Timestamp,
}

#[derive(Clone, Debug, Default)]
struct Generation {
    inputs: Vec<Box<[u32]>>,
    /// The latest input under each choice of groups, by position.
    files: HashMap<u32, u32>,
}

impl Inputs {
    /// Takes the leaves of one input into account, in ascending order; whether the alarm is given. An input that repeats
    /// one of the day tells its sender nothing new, and does not count.
    pub fn observe(&mut self, input: &[u32], now: Timestamp) -> bool {
        self.turn(now);
        self.latest = now;
        let keys = keys(input);
        let nearest =
            [&self.now, &self.before].into_iter().filter_map(|kept| kept.nearest(input, &keys)).min();
        if nearest == Some(0) {
            return false;
        }
        self.now.keep(input, &keys);
        let is_neighbour =
            nearest.is_some_and(|least| least <= 2 && input.len() >= LEAVES_PER_DIFFERENCE * least);
        self.probes.observe(is_neighbour)
    }

    /// When the last input came.
    #[must_use]
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }

    /// How many inputs are kept.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.now.inputs.len() + self.before.inputs.len()
    }

    /// Begins another generation after a day, or where this one is full. A clock that goes back stays in it.
    fn turn(&mut self, now: Timestamp) {
        let over = now.seconds().saturating_sub(self.began.seconds()) >= DAY_SECONDS;
        if over || self.now.inputs.len() >= INPUTS_MAX {
            self.before = std::mem::take(&mut self.now);
            self.began = now;
        }
    }
}

impl Generation {
    /// In how many leaves the nearest of the inputs filed under `keys` differs from `input`.
    fn nearest(&self, input: &[u32], keys: &[u32]) -> Option<usize> {
        let found = keys.iter().filter_map(|key| self.inputs.get(*self.files.get(key)? as usize));
        found.map(|other| distance(input, other)).min()
    }

    fn keep(&mut self, input: &[u32], keys: &[u32]) {
        let at = u32::try_from(self.inputs.len()).expect("at most INPUTS_MAX");
        self.inputs.push(input.into());
        self.files.extend(keys.iter().map(|key| (*key, at)));
    }
}

/// The keys of an input: one for each two groups that are left out.
#[expect(clippy::cast_possible_truncation, reason = "32 bits of a hash")]
fn keys(input: &[u32]) -> Vec<u32> {
    let mut sums = [0_u64; GROUPS];
    for leaf in input {
        let group = (leaf >> HASH_BITS) as usize % GROUPS;
        sums[group] = sums[group].wrapping_add(mixed(u64::from(*leaf)));
    }
    let whole = sums.iter().fold(0, |sum: u64, group| sum.wrapping_add(*group));
    let pairs = (0..GROUPS).flat_map(|first| (0..first).map(move |second| (first, second)));
    let rest = |(first, second): (usize, usize)| {
        let common = whole.wrapping_sub(sums[first]).wrapping_sub(sums[second]);
        mixed(common ^ ((first * GROUPS + second) as u64) << 56) as u32
    };
    pairs.map(rest).collect()
}

/// The finaliser of SplitMix64 (Steele et al. 2014): sums of the hashes of leaves must not be sums of the leaves.
const fn mixed(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// In how many leaves two inputs differ, each in ascending order.
fn distance(one: &[u32], other: &[u32]) -> usize {
    let (mut at, mut common) = (0, 0);
    for leaf in one {
        while other.get(at).is_some_and(|known| known < leaf) {
            at += 1;
        }
        if other.get(at) == Some(leaf) {
            common += 1;
            at += 1;
        }
    }
    one.len().max(other.len()) - common
}
