//! The tree against an independent implementation, and against whoever forges a proof.

use std::convert::Infallible;

use proptest::prelude::*;
use tlog_tiles::{Hash as OracleHash, HashReader};

use super::*;
use crate::tile::{Tile, TileLevel, TileNodes};

/// Sizes up to which every proof is compared.
const SIZES: u64 = 300;

fn small(number: u64) -> usize {
    usize::try_from(number).expect("small")
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

/// A tree that keeps every hash, level by level.
pub(crate) struct Whole(Vec<Vec<Hash>>);

impl Whole {
    pub(crate) fn of<D: Digest>(leaves: impl Iterator<Item = Hash>) -> Self {
        let mut levels = vec![leaves.collect::<Vec<_>>()];
        while let Some(last) = levels.last().filter(|last| last.len() > 1) {
            let (pairs, _) = last.as_chunks::<2>();
            let next = pairs.iter().map(|[left, right]| D::node(left, right)).collect();
            levels.push(next);
        }
        Self(levels)
    }
}

impl Nodes for Whole {
    type Error = Infallible;

    fn node(&mut self, level: u8, index: u64) -> Result<Hash, Infallible> {
        Ok(self.0[usize::from(level)][small(index)])
    }
}

fn whole<D: Digest>(size: u64) -> Whole {
    Whole::of::<D>((0..size).map(|index| D::leaf(&entry(index))))
}

fn sound<T>(result: Result<T, Infallible>) -> T {
    let Ok(value) = result;
    value
}

struct Oracle(Vec<OracleHash>);

impl HashReader for Oracle {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<OracleHash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[small(*index)]).collect())
    }
}

fn oracle(size: u64) -> Oracle {
    let mut oracle = Oracle(Vec::new());
    for index in 0..size {
        let hashes = tlog_tiles::stored_hashes(index, &entry(index), &oracle).expect("sound");
        oracle.0.extend(hashes);
    }
    oracle
}

fn plain(hashes: &[OracleHash]) -> Vec<Hash> {
    hashes.iter().map(|hash| hash.0).collect()
}

/// E4: all inclusion proofs for sizes up to 300 are those of `tlog_tiles`, byte for byte, and check.
#[test]
fn e4_inclusion_proofs_are_those_of_the_oracle() {
    let (mut ours, theirs) = (whole::<Sha256>(SIZES), oracle(SIZES));
    for size in 1..=SIZES {
        let root = sound(root::<Sha256, _>(&mut ours, size));
        assert_eq!(root, tlog_tiles::tree_hash(size, &theirs).expect("sound").0, "{size}");
        for index in 0..size {
            let proof = sound(inclusion::<Sha256, _>(&mut ours, index, size));
            assert_eq!(proof, plain(&tlog_tiles::prove_record(size, index, &theirs).expect("sound")));
            let leaf = Sha256::leaf(&entry(index));
            assert_eq!(check_inclusion::<Sha256>(&leaf, index, size, &proof, &root), Ok(()));
        }
    }
}

/// E4: all consistency proofs likewise. The oracle has none from the empty tree.
#[test]
fn e4_consistency_proofs_are_those_of_the_oracle() {
    let (mut ours, theirs) = (whole::<Sha256>(SIZES), oracle(SIZES));
    let roots: Vec<Hash> = (0..=SIZES).map(|size| sound(root::<Sha256, _>(&mut ours, size))).collect();
    for new in 1..=SIZES {
        for old in 0..=new {
            let proof = sound(consistency::<Sha256, _>(&mut ours, old, new));
            if old > 0 {
                assert_eq!(proof, plain(&tlog_tiles::prove_tree(new, old, &theirs).expect("sound")));
            }
            let (old_root, new_root) = (&roots[small(old)], &roots[small(new)]);
            assert_eq!(check_consistency::<Sha256>(old, new, &proof, old_root, new_root), Ok(()));
        }
    }
}

/// RFC 6962 §2.1 spelt out, for a digest that the oracle does not know.
fn defined<D: Digest>(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => D::empty(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            D::node(&defined::<D>(left), &defined::<D>(right))
        }
    }
}

/// GB/T 32905-2016, appendix A.1.
#[test]
fn sm3_is_the_standards() {
    let abc = shuzha_core::hex::encode(&Sm3::digest(b"abc"));
    assert_eq!(abc, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
}

#[test]
fn e4_the_sm3_tree_has_the_same_shape() {
    let leaves: Vec<Hash> = (0..SIZES).map(|index| Sm3::leaf(&entry(index))).collect();
    let mut tree = whole::<Sm3>(SIZES);
    for size in 0..=SIZES {
        let root = sound(root::<Sm3, _>(&mut tree, size));
        assert_eq!(root, defined::<Sm3>(&leaves[..small(size)]));
        if let Some(index) = size.checked_sub(1) {
            let proof = sound(inclusion::<Sm3, _>(&mut tree, index, size));
            assert_eq!(check_inclusion::<Sm3>(&leaves[small(index)], index, size, &proof, &root), Ok(()));
        }
    }
}

/// Both give the root after every leaf, and the tiles are those of the oracle with the oracle's hashes.
#[test]
fn g3_the_frontier_and_its_tiles_give_roots_and_tiles() {
    const LEAVES: u64 = 256 * 256 + 256 + 7;
    let (mut growing, mut frontier) = (GrowingTiles::default(), Frontier::default());
    let mut tiles = std::collections::BTreeMap::new();
    let mut reference = whole::<Sha256>(LEAVES);
    for index in 0..LEAVES {
        let leaf = Sha256::leaf(&entry(index));
        frontier.push::<Sha256>(leaf);
        growing.push::<Sha256>(leaf, &mut |tile: Tile, hashes: &[Hash]| {
            assert!(tiles.insert(tile, hashes.to_vec()).is_none(), "{tile} is full once");
        });
        if index < 600 || index % 997 == 0 || index + 1 == LEAVES {
            assert_eq!(growing.frontier::<Sha256>(), frontier);
            assert_eq!(frontier.root::<Sha256>(), sound(root::<Sha256, _>(&mut reference, index + 1)));
        }
    }
    tiles.extend(growing.partial().map(|(tile, hashes)| (tile, hashes.to_vec())));
    let mut expected: Vec<String> = tlog_tiles::Tile::new_tiles(8, 0, LEAVES)
        .iter()
        .map(|tile| tile.path().replace("tile/8/", "tile/"))
        .collect();
    let mut found: Vec<String> = tiles.keys().map(ToString::to_string).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    for (tile, hashes) in &tiles {
        let TileLevel::Hashes(level) = tile.level else { panic!("{tile}") };
        for (offset, hash) in hashes.iter().enumerate() {
            assert_eq!(*hash, sound(reference.node(8 * level, tile.index * 256 + offset as u64)), "{tile}");
        }
    }
    // What was written is what a proof is made from, and where a restart goes on.
    let read = |tile: Tile| Ok::<_, Infallible>(tiles[&tile].clone());
    assert_eq!(sound(GrowingTiles::load(LEAVES, read)), growing);
    let mut from_tiles = TileNodes::<Sha256, _>::new(LEAVES, read);
    for index in [0, 1, 255, 256, 65_535, 65_536, LEAVES - 1] {
        assert_eq!(
            sound(inclusion::<Sha256, _>(&mut from_tiles, index, LEAVES)),
            sound(inclusion::<Sha256, _>(&mut reference, index, LEAVES)),
        );
    }
    assert_eq!(
        sound(consistency::<Sha256, _>(&mut from_tiles, 40_001, LEAVES)),
        sound(consistency::<Sha256, _>(&mut reference, 40_001, LEAVES)),
    );
}

/// What a forger may do to a proof.
#[derive(Clone, Debug)]
enum Forgery {
    Flip { hash: usize, bit: usize },
    Drop { hash: usize },
    Insert { hash: usize },
    Swap { hash: usize },
    Twice { hash: usize },
    Empty,
}

fn forgery() -> impl Strategy<Value = Forgery> {
    let hash = 0_usize..12;
    prop_oneof![
        (hash.clone(), 0_usize..256).prop_map(|(hash, bit)| Forgery::Flip { hash, bit }),
        hash.clone().prop_map(|hash| Forgery::Drop { hash }),
        hash.clone().prop_map(|hash| Forgery::Insert { hash }),
        hash.clone().prop_map(|hash| Forgery::Swap { hash }),
        hash.prop_map(|hash| Forgery::Twice { hash }),
        Just(Forgery::Empty),
    ]
}

fn forged(proof: &[Hash], forgery: &Forgery) -> Vec<Hash> {
    let mut proof = proof.to_vec();
    let at = |hash: usize| hash % proof.len().max(1);
    match *forgery {
        Forgery::Flip { hash, bit } if !proof.is_empty() => {
            let at = at(hash);
            proof[at][bit / 8] ^= 1 << (bit % 8);
        }
        Forgery::Drop { hash } if !proof.is_empty() => drop(proof.remove(at(hash))),
        Forgery::Insert { hash } => proof.insert(at(hash), [7; HASH_BYTES]),
        Forgery::Swap { hash } if proof.len() > 1 => {
            let at = hash % (proof.len() - 1);
            proof.swap(at, at + 1);
        }
        Forgery::Twice { hash } if !proof.is_empty() => proof.insert(at(hash), proof[at(hash)]),
        _ => proof.clear(),
    }
    proof
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// E4: a changed proof, index, size, leaf or root is refused.
    #[test]
    fn e4_forged_inclusion_is_refused(
        size in 1_u64..SIZES, place in any::<prop::sample::Index>(), forgery in forgery(),
        other_index in 0_u64..SIZES, other_size in 0_u64..SIZES,
    ) {
        let mut tree = whole::<Sha256>(size);
        let index = place.index(small(size)) as u64;
        let root = sound(root::<Sha256, _>(&mut tree, size));
        let proof = sound(inclusion::<Sha256, _>(&mut tree, index, size));
        let leaf = Sha256::leaf(&entry(index));
        let check = |leaf: &Hash, index, size, proof: &[Hash], root: &Hash| {
            check_inclusion::<Sha256>(leaf, index, size, proof, root)
        };
        prop_assert_eq!(check(&leaf, index, size, &proof, &root), Ok(()));
        let forged = forged(&proof, &forgery);
        if forged != proof {
            prop_assert!(check(&leaf, index, size, &forged, &root).is_err());
        }
        if other_index != index {
            prop_assert!(check(&leaf, other_index, size, &proof, &root).is_err());
        }
        prop_assert!(check(&leaf, size, size, &proof, &root).is_err());
        prop_assert!(check(&Sha256::leaf(b"another"), index, size, &proof, &root).is_err());
        prop_assert!(check(&leaf, index, size, &proof, &Sha256::digest(&root)).is_err());
        // Another size may have the same path to this leaf; it never has the same root.
        if other_size != size && other_size > index {
            let other = sound(super::root::<Sha256, _>(&mut whole::<Sha256>(other_size), other_size));
            prop_assert!(check(&leaf, index, other_size, &proof, &other).is_err());
        }
        // An inner node is no leaf, though it hashes to the same root (second preimage).
        if size > 1 && !proof.is_empty() {
            let pair = [Sha256::leaf(&entry(0)), Sha256::leaf(&entry(1))].concat();
            prop_assert_ne!(Sha256::leaf(&pair), sound(tree.node(1, 0)));
        }
    }

    #[test]
    fn e4_forged_consistency_is_refused(
        new in 1_u64..SIZES, place in any::<prop::sample::Index>(), forgery in forgery(),
    ) {
        let mut tree = whole::<Sha256>(new);
        let old = place.index(small(new) + 1) as u64;
        let (old_root, new_root) =
            (sound(root::<Sha256, _>(&mut tree, old)), sound(root::<Sha256, _>(&mut tree, new)));
        let proof = sound(consistency::<Sha256, _>(&mut tree, old, new));
        let check = |old, new, proof: &[Hash], old_root: &Hash, new_root: &Hash| {
            check_consistency::<Sha256>(old, new, proof, old_root, new_root)
        };
        prop_assert_eq!(check(old, new, &proof, &old_root, &new_root), Ok(()));
        let forged = forged(&proof, &forgery);
        if forged != proof {
            prop_assert!(check(old, new, &forged, &old_root, &new_root).is_err());
        }
        let other = Sha256::digest(&new_root);
        prop_assert!(check(old, new, &proof, &other, &new_root).is_err());
        if old > 0 {
            prop_assert!(check(old, new, &proof, &old_root, &other).is_err());
        }
        if old < new {
            prop_assert!(check(new, old, &proof, &new_root, &old_root).is_err());
            // A history in which one early entry differs is another log.
            if old > 0 {
                let leaves = (0..old).map(|index| Sha256::leaf(&entry(index + u64::from(index == 0) * 9)));
                let rewritten = sound(root::<Sha256, _>(&mut Whole::of::<Sha256>(leaves), old));
                prop_assert!(check(old, new, &proof, &rewritten, &new_root).is_err());
            }
        }
    }

    /// Arbitrary sizes and hashes: an answer, never a panic.
    #[test]
    fn arbitrary_proofs_do_not_panic(
        a in any::<u64>(), b in any::<u64>(), proof in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        x in any::<[u8; 32]>(), y in any::<[u8; 32]>(),
    ) {
        prop_assert!(check_inclusion::<Sha256>(&x, a, b, &proof, &y).is_err());
        prop_assert!(a == b || check_consistency::<Sm3>(a, b, &proof, &x, &y).is_err());
    }
}
