//! A map cut into shards, each under its own lock, so that calls about different things do not meet.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Shards of one map. A power of two, well above the number of worker threads.
pub(crate) const SHARDS: usize = 64;

/// A sharded map. A lock is held for the time of one closure and never across an await.
pub(crate) struct Shards<K, V> {
    shards: Box<[Mutex<HashMap<K, V>>]>,
    hasher: RandomState,
    /// Which shard is next to be gone through.
    turn: AtomicUsize,
}

impl<K: Hash + Eq, V> Shards<K, V> {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Runs `act` on the shard that holds `key`.
    pub(crate) fn with<R>(&self, key: &K, act: impl FnOnce(&mut HashMap<K, V>) -> R) -> R {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits choose the shard")]
        let index = self.hasher.hash_one(key) as usize % SHARDS;
        act(&mut lock(&self.shards[index]))
    }

    /// Runs `act` on one shard, in turn.
    pub(crate) fn next_shard(&self, act: impl FnOnce(&mut HashMap<K, V>)) {
        let index = self.turn.fetch_add(1, Ordering::Relaxed) % SHARDS;
        act(&mut lock(&self.shards[index]));
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }
}

/// Takes a lock. A panic under it cannot have left the map half-changed: the closures change one entry last.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
