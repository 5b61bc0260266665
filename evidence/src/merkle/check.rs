//! Checking proofs: RFC 9162 §2.1.3.2 and §2.1.4.2, which accept exactly the proofs of RFC 6962.

use super::{Digest, Hash};

/// A proof does not show what it was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongProof {
    /// The index lies outside the tree, or the older tree is larger than the newer.
    #[error("the sizes do not fit each other")]
    Sizes,
    /// It has too many or too few hashes.
    #[error("the proof has the wrong length")]
    Length,
    /// It leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Checks that the leaf with hash `leaf` stands at `index` in the tree of `size` leaves with `root`.
///
/// # Errors
/// [`WrongProof`].
pub fn check_inclusion<D: Digest>(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), WrongProof> {
    if index >= size {
        return Err(WrongProof::Sizes);
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for beside in proof {
        if last == 0 {
            return Err(WrongProof::Length);
        }
        if at & 1 == 1 || at == last {
            hash = D::node(beside, &hash);
            // A subtree at the right edge stands higher than the levels it skips.
            let skipped = at.trailing_zeros();
            at >>= skipped;
            last >>= skipped;
        } else {
            hash = D::node(&hash, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(WrongProof::Length);
    }
    if hash == *root { Ok(()) } else { Err(WrongProof::Root) }
}

/// Checks that the tree of `new_size` leaves with `new_root` begins with the tree of `old_size` leaves with `old_root`. With the
/// empty tree every tree begins.
///
/// # Errors
/// [`WrongProof`].
pub fn check_consistency<D: Digest>(
    old_size: u64,
    new_size: u64,
    proof: &[Hash],
    old_root: &Hash,
    new_root: &Hash,
) -> Result<(), WrongProof> {
    if old_size > new_size {
        return Err(WrongProof::Sizes);
    }
    if old_size == 0 || old_size == new_size {
        if !proof.is_empty() {
            return Err(WrongProof::Length);
        }
        let same = if old_size == new_size { old_root == new_root } else { *old_root == D::empty() };
        return if same { Ok(()) } else { Err(WrongProof::Root) };
    }
    let skipped = (old_size - 1).trailing_ones();
    let (mut at, mut last) = ((old_size - 1) >> skipped, (new_size - 1) >> skipped);
    // Where the older tree is one complete subtree, its root is the first hash and goes without saying.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(WrongProof::Length)?
    };
    let (mut old, mut new) = (*first, *first);
    for beside in rest {
        if last == 0 {
            return Err(WrongProof::Length);
        }
        if at & 1 == 1 || at == last {
            old = D::node(beside, &old);
            new = D::node(beside, &new);
            let skipped = at.trailing_zeros();
            at >>= skipped;
            last >>= skipped;
        } else {
            new = D::node(&new, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(WrongProof::Length);
    }
    if old == *old_root && new == *new_root { Ok(()) } else { Err(WrongProof::Root) }
}
