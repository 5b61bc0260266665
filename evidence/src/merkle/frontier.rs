//! The right edge of a tree, as small as it can be kept: one hash per complete subtree that is not part of a larger one.
//! Enough to append a leaf and to know the root (RFC 6962 §2.1).

use super::{Digest, HASH_BYTES, Hash};

/// The right edge of a growing tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// From the largest subtree to the smallest; as many as `size` has bits.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves from its bytes; none where they are not that.
    #[must_use]
    pub fn read(size: u64, bytes: &[u8]) -> Option<Self> {
        let chunks = bytes.chunks_exact(HASH_BYTES);
        if !chunks.remainder().is_empty() || chunks.len() != size.count_ones() as usize {
            return None;
        }
        let subtrees = chunks.map(|chunk| chunk.try_into().expect("chunks have this length")).collect();
        Some(Self { size, subtrees })
    }

    /// The frontier of a tree of `size` leaves from the hashes of its subtrees, the largest first.
    pub(super) fn of(size: u64, subtrees: Vec<Hash>) -> Self {
        debug_assert_eq!(subtrees.len(), size.count_ones() as usize, "one for each bit");
        Self { size, subtrees }
    }

    /// The hashes of its subtrees, the largest first.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.subtrees.concat()
    }

    /// Leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    ///
    /// # Panics
    /// When the tree has more leaves than `u64` counts.
    pub fn push<D: Digest>(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.subtrees.pop().expect("a bit of the size is a subtree");
            hash = D::node(&left, &hash);
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root<D: Digest>(&self) -> Hash {
        let whole = self.subtrees.iter().rev().copied().reduce(|right, left| D::node(&left, &right));
        whole.unwrap_or_else(D::empty)
    }
}

#[cfg(test)]
mod tests {
    use shuzha_core::hex;

    use super::*;
    use crate::merkle::Sha256;

    /// As it stands in books since their first version.
    const SEVEN: &str = "8e21555289b20700334f9f8ad6eeb23649dc217122ed5264b3660b6063b59607\
                         b30a4bb7276fea37225f83416350f0391303ea121e2fcfabcfd09bae25c4df28\
                         1f8a792ae7c5800a0b0e3aea6ed808bedca2b0a3cc8f7b22c5effbd545f632c2";

    #[test]
    fn its_bytes_are_those_that_books_hold() {
        let mut frontier = Frontier::default();
        for number in 0_u32..7 {
            frontier.push::<Sha256>(Sha256::leaf(&number.to_be_bytes()));
            assert_eq!(Frontier::read(frontier.size(), &frontier.bytes()).as_ref(), Some(&frontier));
        }
        assert_eq!(hex::encode(&frontier.bytes()), SEVEN);
        let root = "d62b43d7342d2e73a4a8910565cffb0dd6c07f65f9b8647417ad8d5c86bed8d8";
        assert_eq!(hex::encode(&frontier.root::<Sha256>()), root);
        assert_eq!(Frontier::read(6, &frontier.bytes()), None, "6 has two bits");
        assert_eq!(Frontier::read(1, &[0; 31]), None);
    }
}
