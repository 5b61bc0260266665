//! The Merkle tree of a log: RFC 6962 §2.1 hashing over a digest of choice, roots, and both kinds of proof.
//!
//! A tree is read through [`Nodes`], which gives the hashes of complete subtrees. [`inclusion`] and [`consistency`] make
//! proofs from it; [`check_inclusion`] and [`check_consistency`] need nothing but the proof. [`Frontier`] is the other
//! end: it takes leaves, and [`GrowingTiles`] gives full tiles besides.

mod check;
mod digest;
mod frontier;
mod growing;
mod prove;

pub use check::{WrongProof, check_consistency, check_inclusion};
pub use digest::{Digest, Sha256, Sm3};
pub use frontier::Frontier;
pub use growing::GrowingTiles;
pub(crate) use growing::subtree;
pub use prove::{Nodes, consistency, inclusion, root};

/// Bytes of a hash, of either digest.
pub const HASH_BYTES: usize = 32;

/// A hash of a leaf or of a subtree.
pub type Hash = [u8; HASH_BYTES];

/// Most hashes in a proof about a tree that `u64` can count: one per level, and one more for consistency.
pub const PROOF_HASHES_MAX: usize = 64;

#[cfg(test)]
pub(crate) mod tests;
