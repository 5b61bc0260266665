//! The digests that a tree can be built with.

use ::sm3::Digest as _;
use ring::digest;

use super::{HASH_BYTES, Hash};

/// What precedes a leaf, and what precedes two subtrees: neither can be taken for the other (RFC 6962 §2.1).
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// A digest of 32 bytes, and how trees are hashed with it.
pub trait Digest: Copy + Send + Sync + 'static {
    /// What a tree of this digest adds to the origin and to the folder of the log that it stands beside.
    const SUFFIX: &'static str;

    /// The digest of `bytes`.
    fn digest(bytes: &[u8]) -> Hash;

    /// The digest of a byte and what follows it.
    fn prefixed(prefix: u8, bytes: &[u8]) -> Hash;

    /// The hash of a leaf that holds `entry`.
    #[must_use]
    fn leaf(entry: &[u8]) -> Hash {
        Self::prefixed(LEAF, entry)
    }

    /// The hash of the subtree over two.
    #[must_use]
    fn node(left: &Hash, right: &Hash) -> Hash {
        let mut both = [NODE; 1 + 2 * HASH_BYTES];
        both[1..=HASH_BYTES].copy_from_slice(left);
        both[1 + HASH_BYTES..].copy_from_slice(right);
        Self::digest(&both)
    }

    /// The root of the tree without leaves.
    #[must_use]
    fn empty() -> Hash {
        Self::digest(&[])
    }
}

/// SHA-256 (FIPS 180-4): the tree that outside tools know.
#[derive(Clone, Copy, Debug)]
pub struct Sha256;

impl Digest for Sha256 {
    const SUFFIX: &'static str = "";

    fn digest(bytes: &[u8]) -> Hash {
        let digest = digest::digest(&digest::SHA256, bytes);
        digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }

    fn prefixed(prefix: u8, bytes: &[u8]) -> Hash {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&[prefix]);
        context.update(bytes);
        context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }
}

/// SM3 (GB/T 32905): the tree for assessments of commercial cryptography (密评).
#[derive(Clone, Copy, Debug)]
pub struct Sm3;

impl Digest for Sm3 {
    const SUFFIX: &'static str = "/sm3";

    fn digest(bytes: &[u8]) -> Hash {
        ::sm3::Sm3::digest(bytes).into()
    }

    fn prefixed(prefix: u8, bytes: &[u8]) -> Hash {
        let mut context = ::sm3::Sm3::new_with_prefix([prefix]);
        context.update(bytes);
        context.finalize().into()
    }
}
