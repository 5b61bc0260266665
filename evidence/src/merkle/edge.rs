//! The right edge of a growing tree: all that is needed to append a leaf and to know the root.

use super::{Digest, Hash};
use crate::tile::{TILE_HASHES, Tile, TileLevel};

/// The tiles at the right edge that are not full yet, one per level of tiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of the tree with `size` leaves, whose tiles `read` gives.
    ///
    /// # Errors
    /// Of `read`.
    pub fn load<E>(size: u64, mut read: impl FnMut(Tile) -> Result<Vec<Hash>, E>) -> Result<Self, E> {
        let tiles = edge_tiles(size);
        let levels = tiles.into_iter().map(|tile| tile.map_or_else(|| Ok(Vec::new()), &mut read));
        Ok(Self { size, levels: levels.collect::<Result<_, E>>()? })
    }

    /// Leaves so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash; gives each tile that has become full to `full`.
    pub fn push<D: Digest>(&mut self, leaf: Hash, full: &mut dyn FnMut(Tile, &[Hash])) {
        self.size += 1;
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::with_capacity(TILE_HASHES));
            }
            let hashes = &mut self.levels[level];
            hashes.push(hash);
            if hashes.len() < TILE_HASHES {
                return;
            }
            let level = u8::try_from(level).expect("a u64 has 8 levels of tiles");
            let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
            full(Tile::full(TileLevel::Hashes(level), index), hashes);
            hash = subtree::<D>(hashes);
            hashes.clear();
        }
    }

    /// The tiles that are not full, with at least one hash each.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        let tiles = edge_tiles(self.size).into_iter();
        tiles.zip(&self.levels).filter_map(|(tile, hashes)| tile.map(|tile| (tile, hashes.as_slice())))
    }

    /// The root of the tree.
    #[must_use]
    pub fn root<D: Digest>(&self) -> Hash {
        let mut root = None;
        for hashes in &self.levels {
            let mut end = hashes.len();
            while end > 0 {
                // The rightmost complete subtree is as large as the lowest set bit of what is left.
                let begin = end & (end - 1);
                let hash = subtree::<D>(&hashes[begin..end]);
                root = Some(root.map_or(hash, |right| D::node(&hash, &right)));
                end = begin;
            }
        }
        root.unwrap_or_else(D::empty)
    }
}

/// The tile at the right edge of each level of tiles, where it is neither empty nor full.
fn edge_tiles(size: u64) -> Vec<Option<Tile>> {
    let mut tiles = Vec::new();
    let mut hashes = size;
    while hashes > 0 {
        let level = TileLevel::Hashes(u8::try_from(tiles.len()).expect("a u64 has 8 levels of tiles"));
        let width = u16::try_from(hashes % TILE_HASHES as u64).expect("below 256");
        tiles.push((width > 0).then(|| Tile { level, index: hashes / TILE_HASHES as u64, width }));
        hashes /= TILE_HASHES as u64;
    }
    tiles
}

/// The hash over the hashes of 2ⁿ subtrees that stand side by side.
pub(crate) fn subtree<D: Digest>(hashes: &[Hash]) -> Hash {
    debug_assert!(hashes.len().is_power_of_two(), "only a complete subtree has one hash");
    match hashes {
        [hash] => *hash,
        _ => {
            let (left, right) = hashes.split_at(hashes.len() / 2);
            D::node(&subtree::<D>(left), &subtree::<D>(right))
        }
    }
}
