//! Roots and proofs from the hashes of complete subtrees.

use super::{Digest, Hash};

/// The hashes of a tree's complete subtrees.
pub trait Nodes {
    /// Why a hash cannot be given.
    type Error;

    /// The hash of the subtree over the leaves from `index << level` up to, and without, `(index + 1) << level`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn node(&mut self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// The largest power of two below `n`, where the tree over `n` leaves is split.
fn split(n: u64) -> u64 {
    1 << (u64::BITS - 1 - (n - 1).leading_zeros())
}

/// The hash over the leaves `from..to`, of which `from` begins a subtree at least as large.
fn range<D: Digest, N: Nodes + ?Sized>(nodes: &mut N, from: u64, to: u64) -> Result<Hash, N::Error> {
    let count = to - from;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return nodes.node(u8::try_from(level).expect("a u64 has 64 bits"), from >> level);
    }
    let middle = from + split(count);
    let left = range::<D, N>(nodes, from, middle)?;
    let right = range::<D, N>(nodes, middle, to)?;
    Ok(D::node(&left, &right))
}

/// The root of the tree over the first `size` leaves.
///
/// # Errors
/// Of `nodes`.
pub fn root<D: Digest, N: Nodes + ?Sized>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(D::empty()) } else { range::<D, N>(nodes, 0, size) }
}

/// The proof that leaf `index` is in the tree over the first `size` leaves: from its neighbour up (RFC 6962 §2.1.1).
///
/// # Errors
/// Of `nodes`.
///
/// # Panics
/// When `index` is not below `size`.
pub fn inclusion<D: Digest, N: Nodes + ?Sized>(
    nodes: &mut N,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, N::Error> {
    assert!(index < size, "a leaf outside the tree has no proof");
    let (mut from, mut to) = (0, size);
    let mut path = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(range::<D, N>(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range::<D, N>(nodes, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree over the first `new` leaves begins with that over the first `old` (RFC 6962 §2.1.2). Empty when
/// `old` is zero or equal to `new`.
///
/// # Errors
/// Of `nodes`.
///
/// # Panics
/// When `old` is above `new`.
pub fn consistency<D: Digest, N: Nodes + ?Sized>(
    nodes: &mut N,
    old: u64,
    new: u64,
) -> Result<Vec<Hash>, N::Error> {
    assert!(old <= new, "a tree does not begin with a larger one");
    let mut path = Vec::new();
    if old == 0 {
        return Ok(path);
    }
    let (mut from, mut to) = (0, new);
    while to != old {
        let middle = from + split(to - from);
        if old <= middle {
            path.push(range::<D, N>(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(range::<D, N>(nodes, from, middle)?);
            from = middle;
        }
    }
    // The part of the older tree that is left is a subtree of the newer; where it is all of it, it goes without saying.
    if from != 0 {
        path.push(range::<D, N>(nodes, from, old)?);
    }
    path.reverse();
    Ok(path)
}
