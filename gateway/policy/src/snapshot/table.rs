//! A map that is shared between snapshots: cut into parts, of which a change copies one.
//!
//! A million grants are one [`Table`]; a delta of one grant copies one part in 1,024 and shares the rest, so a
//! change costs microseconds and never a rebuild (DESIGN §4).

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

/// Parts of one table.
const PARTS: usize = 1_024;

/// An immutable map; [`Table::with`] and [`Table::without`] give a changed copy.
#[derive(Clone)]
pub struct Table<K, V> {
    parts: Box<[Arc<HashMap<K, V>>]>,
    hasher: RandomState,
    len: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Table<K, V> {
    /// A table of `entries`; the last of two with one key wins.
    pub fn from_entries(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let hasher = RandomState::new();
        let mut parts: Vec<HashMap<K, V>> = (0..PARTS).map(|_| HashMap::new()).collect();
        for (key, value) in entries {
            let at = part(&hasher, &key);
            parts[at].insert(key, value);
        }
        let len = parts.iter().map(HashMap::len).sum();
        for part in &mut parts {
            part.shrink_to_fit();
        }
        Self { parts: parts.into_iter().map(Arc::new).collect(), hasher, len }
    }

    /// The value of `key`.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.parts[part(&self.hasher, key)].get(key)
    }

    /// A copy in which `key` is `value`.
    #[must_use]
    pub fn with(&self, key: K, value: V) -> Self {
        self.changed(&key.clone(), |entries| entries.insert(key, value).is_none())
    }

    /// A copy without `key`.
    #[must_use]
    pub fn without(&self, key: &K) -> Self {
        self.changed(key, |entries| entries.remove(key).is_some())
    }

    /// Copies the one part that holds `key` and changes it; `act` says whether the number of entries changed.
    fn changed(&self, key: &K, act: impl FnOnce(&mut HashMap<K, V>) -> bool) -> Self {
        let at = part(&self.hasher, key);
        let mut entries = HashMap::clone(&self.parts[at]);
        let before = entries.len();
        act(&mut entries);
        let len = self.len - before + entries.len();
        let mut parts = self.parts.clone();
        parts[at] = Arc::new(entries);
        Self { parts, hasher: self.hasher.clone(), len }
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

fn part<Q: Hash + ?Sized>(hasher: &RandomState, key: &Q) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits choose the part")]
    let at = hasher.hash_one(key) as usize % PARTS;
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_in_the_copy_only_and_shares_the_other_parts() {
        let first = Table::from_entries((0..10_000_u32).map(|n| (n, n)));
        let second = first.with(7, 70).without(&8);
        assert_eq!((first.get(&7), first.get(&8), first.len()), (Some(&7), Some(&8), 10_000));
        assert_eq!((second.get(&7), second.get(&8), second.len()), (Some(&70), None, 9_999));
        let shared = first.parts.iter().zip(&second.parts).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert!(shared >= PARTS - 2);
    }
}
