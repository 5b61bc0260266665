//! The right edge of a Merkle tree, as small as it can be kept: one hash per complete subtree that is not part of a larger
//! one. Enough to append a leaf and to know the root (RFC 6962 §2.1).

use shuzha_evidence::merkle::{Digest as _, HASH_BYTES, Hash, Sha256};

/// The edge of a tree of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frontier {
    size: u64,
    /// From the largest subtree to the smallest; as many as `size` has bits.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Reads the edge of a tree of `size` leaves back.
    pub(super) fn read(size: u64, bytes: &[u8]) -> Option<Self> {
        let chunks = bytes.chunks_exact(HASH_BYTES);
        if !chunks.remainder().is_empty() || chunks.len() != size.count_ones() as usize {
            return None;
        }
        let subtrees = chunks.map(|chunk| chunk.try_into().expect("chunks have this length")).collect();
        Some(Self { size, subtrees })
    }

    /// The edge as bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.subtrees.concat()
    }

    /// Leaves so far.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub(super) fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.subtrees.pop().expect("a bit of the size is a subtree");
            hash = Sha256::node(&left, &hash);
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// The root.
    pub(super) fn root(&self) -> Hash {
        let whole = self.subtrees.iter().rev().copied().reduce(|right, left| Sha256::node(&left, &right));
        whole.unwrap_or_else(Sha256::empty)
    }
}

#[cfg(test)]
mod tests {
    use shuzha_evidence::merkle::Edge;
    use shuzha_evidence::tile::Tile;

    use super::*;

    #[test]
    fn g3_roots_are_those_of_the_log() {
        let (mut frontier, mut edge) = (Frontier::default(), Edge::default());
        for number in 0_u32..1_000 {
            assert_eq!(frontier.root(), edge.root::<Sha256>(), "{number}");
            let entry = number.to_be_bytes();
            edge.push::<Sha256>(Sha256::leaf(&entry), &mut |_: Tile, _: &[Hash]| {});
            frontier.push(Sha256::leaf(&entry));
            let read = Frontier::read(frontier.size(), &frontier.bytes());
            assert_eq!(read.as_ref(), Some(&frontier));
        }
        assert_eq!(Frontier::read(3, &frontier.bytes()), None);
        assert_eq!(Frontier::read(1, &[0; 31]), None);
    }
}
