//! What is kept for each unit, or each credential: found by name, under no lock that another one's calls wait at.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex};

use crate::shards::lock;

/// Shards of the table of names. A lock is held to find or add one name.
const SHARDS: usize = 64;

/// Some of the units, by name.
type Shard<T> = Mutex<HashMap<Box<str>, Arc<T>>>;

/// One `T` for each name that has something.
pub(crate) struct Units<T> {
    shards: Box<[Shard<T>]>,
    hasher: RandomState,
}

impl<T: Default> Units<T> {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// That of `name`, which is made where there is none. Names are of the snapshot, never of an unproven request.
    pub(crate) fn of(&self, name: &str) -> Arc<T> {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits choose the shard")]
        let index = self.hasher.hash_one(name) as usize % SHARDS;
        let mut shard = lock(&self.shards[index]);
        if let Some(found) = shard.get(name) {
            return Arc::clone(found);
        }
        Arc::clone(shard.entry(name.into()).or_default())
    }

    /// Looks at each, none of the table's locks held.
    pub(crate) fn each(&self, mut look: impl FnMut(&T)) {
        for shard in &self.shards {
            let all: Vec<_> = lock(shard).values().cloned().collect();
            all.iter().for_each(|one| look(one));
        }
    }

    /// Forgets those that nobody holds and that are `empty`.
    pub(crate) fn forget(&self, empty: impl Fn(&T) -> bool) {
        for shard in &self.shards {
            lock(shard).retain(|_, one| Arc::strong_count(one) > 1 || !empty(one));
        }
    }
}
