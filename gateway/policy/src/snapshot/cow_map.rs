//! A map that is cheap to copy and cheap to change a little: shards behind shared pointers, copied when written.
//!
//! A snapshot is immutable, so a change makes a new one; of a table of a million rows it must copy only what the
//! change touches. A shard is two dense, sorted arrays: no slack to pay for, and a look-up reads one short run of
//! hashes and one entry.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

/// Entries per shard when shards are laid out anew.
const SHARD_ENTRIES: usize = 64;
/// Entries per shard, on average, above which they are.
const SHARD_ENTRIES_MAX: usize = 128;
/// Room that a full shard gets at once.
const SHARD_ROOM: usize = 8;

/// The map. Clones share every shard until one of them changes it.
pub(crate) struct CowMap<K, V, S = RandomState> {
    shards: Arc<Vec<Arc<Shard<K, V>>>>,
    len: usize,
    hasher: S,
}

/// Entries in order of their hashes.
struct Shard<K, V> {
    hashes: Vec<u32>,
    entries: Vec<(K, V)>,
}

impl<K: Clone, V: Clone> Clone for Shard<K, V> {
    fn clone(&self) -> Self {
        Self { hashes: self.hashes.clone(), entries: self.entries.clone() }
    }
}

impl<K, V, S: Clone> Clone for CowMap<K, V, S> {
    fn clone(&self) -> Self {
        Self { shards: Arc::clone(&self.shards), len: self.len, hasher: self.hasher.clone() }
    }
}

impl<K, V, S: Default> Default for CowMap<K, V, S> {
    fn default() -> Self {
        let empty = Shard { hashes: Vec::new(), entries: Vec::new() };
        Self { shards: Arc::new(vec![Arc::new(empty)]), len: 0, hasher: S::default() }
    }
}

/// Which shard of `count` a hash belongs to: its upper half, scaled.
fn place(hash: u64, count: usize) -> usize {
    let scaled = (u128::from(hash >> 32) * count as u128) >> 32;
    usize::try_from(scaled).expect("less than the number of shards")
}

/// The half of a hash that a shard is sorted by.
#[expect(clippy::cast_possible_truncation, reason = "the other half chooses the shard")]
const fn within(hash: u64) -> u32 {
    hash as u32
}

impl<K, V> Shard<K, V> {
    fn position<Q: Eq + ?Sized>(&self, hash: u32, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        let mut at = self.hashes.partition_point(|known| *known < hash);
        while self.hashes.get(at) == Some(&hash) {
            if self.entries[at].0.borrow() == key {
                return Ok(at);
            }
            at += 1;
        }
        Err(at)
    }

    fn insert(&mut self, at: usize, hash: u32, entry: (K, V)) {
        if self.entries.len() == self.entries.capacity() {
            self.hashes.reserve_exact(SHARD_ROOM);
            self.entries.reserve_exact(SHARD_ROOM);
        }
        self.hashes.insert(at, hash);
        self.entries.insert(at, entry);
    }
}

impl<K: Eq + Hash + Clone, V: Clone, S: BuildHasher + Default> CowMap<K, V, S> {
    /// Number of entries.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The value of `key`.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let hash = self.hasher.hash_one(key);
        let shard = &self.shards[place(hash, self.shards.len())];
        shard.position(within(hash), key).ok().map(|at| &shard.entries[at].1)
    }

    /// The value of `key` to change; copies its shard if another map shares it.
    pub(crate) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let hash = self.hasher.hash_one(key);
        let shards = Arc::make_mut(&mut self.shards);
        let count = shards.len();
        let shard = Arc::make_mut(&mut shards[place(hash, count)]);
        shard.position(within(hash), key).ok().map(|at| &mut shard.entries[at].1)
    }

    /// Puts `value` at `key`; answers what was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if self.len >= self.shards.len() * SHARD_ENTRIES_MAX {
            self.lay_out(self.len + 1);
        }
        let hash = self.hasher.hash_one(&key);
        let shards = Arc::make_mut(&mut self.shards);
        let count = shards.len();
        let shard = Arc::make_mut(&mut shards[place(hash, count)]);
        match shard.position(within(hash), &key) {
            Ok(at) => Some(std::mem::replace(&mut shard.entries[at].1, value)),
            Err(at) => {
                shard.insert(at, within(hash), (key, value));
                self.len += 1;
                None
            }
        }
    }

    /// Takes `key` out.
    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.get(key)?;
        let hash = self.hasher.hash_one(key);
        let shards = Arc::make_mut(&mut self.shards);
        let count = shards.len();
        let shard = Arc::make_mut(&mut shards[place(hash, count)]);
        let at = shard.position(within(hash), key).ok()?;
        shard.hashes.remove(at);
        self.len -= 1;
        Some(shard.entries.remove(at).1)
    }

    /// Every entry, in no order that means anything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.shards.iter().flat_map(|shard| shard.entries.iter().map(|(key, value)| (key, value)))
    }

    /// Makes room for `more` entries at once.
    pub(crate) fn reserve(&mut self, more: usize) {
        if self.len + more > self.shards.len() * SHARD_ENTRIES_MAX {
            self.lay_out(self.len + more);
        }
    }

    /// Lays the shards out anew for `count` entries. Costs as much as all entries; growth by the half makes it rare.
    fn lay_out(&mut self, count: usize) {
        let count = count.div_ceil(SHARD_ENTRIES);
        let room = (self.len / count).saturating_mul(9) / 8;
        let mut shards: Vec<Shard<K, V>> = Vec::with_capacity(count);
        shards.resize_with(count, || Shard {
            hashes: Vec::with_capacity(room),
            entries: Vec::with_capacity(room),
        });
        for old in self.shards.iter() {
            for (key, value) in &old.entries {
                let hash = self.hasher.hash_one(key);
                let shard = &mut shards[place(hash, count)];
                let at = shard.hashes.partition_point(|known| *known < within(hash));
                shard.insert(at, within(hash), (key.clone(), value.clone()));
            }
        }
        self.shards = Arc::new(shards.into_iter().map(Arc::new).collect());
    }
}

/// Hashes numbers that we gave out ourselves, which need no defence against whoever would choose them.
#[derive(Clone, Copy, Default)]
pub(crate) struct ByNumber;

/// The hasher of [`ByNumber`].
pub(crate) struct NumberHasher(u64);

impl BuildHasher for ByNumber {
    type Hasher = NumberHasher;

    fn build_hasher(&self) -> NumberHasher {
        NumberHasher(0)
    }
}

impl Hasher for NumberHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    /// The finishing steps of SplitMix64 (Steele, Lea, Flood 2014): every bit in, every bit out.
    fn finish(&self) -> u64 {
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It is a map, and a copy does not see what is done to the other.
        #[test]
        fn a_map_and_its_copies(
            edits in prop::collection::vec((0_u32..600, prop::option::weighted(0.7, any::<u16>())), 0..1_500),
            copy_at in 0_usize..1_500,
        ) {
            let mut map: CowMap<u32, u16, ByNumber> = CowMap::default();
            let mut model = HashMap::new();
            let mut kept = (map.clone(), model.clone());
            for (at, (key, value)) in edits.into_iter().enumerate() {
                if at == copy_at {
                    kept = (map.clone(), model.clone());
                }
                match value {
                    Some(value) => prop_assert_eq!(map.insert(key, value), model.insert(key, value)),
                    None => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                }
            }
            for (map, model) in [(&map, &model), (&kept.0, &kept.1)] {
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.iter().map(|(k, v)| (*k, *v)).collect::<HashMap<_, _>>(), model.clone());
                for key in 0..600 {
                    prop_assert_eq!(map.get(&key), model.get(&key));
                }
            }
        }
    }

    #[test]
    fn a_change_copies_one_shard() {
        let mut map: CowMap<u32, u32, ByNumber> = CowMap::default();
        (0..10_000).for_each(|at| assert_eq!(map.insert(at, at), None));
        let before = map.clone();
        *map.get_mut(&77).expect("it was put there") = 0;
        assert_eq!((before.get(&77), map.get(&77)), (Some(&77), Some(&0)));
        let pairs = before.shards.iter().zip(map.shards.iter());
        assert_eq!(pairs.filter(|(old, new)| !Arc::ptr_eq(old, new)).count(), 1);
        assert!(map.shards.len() > 50, "the shards grew in number with the map");
    }
}
