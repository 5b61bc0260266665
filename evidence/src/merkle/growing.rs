//! The tiles at the frontier of a growing tree, which are not full yet.

use super::{Digest, Frontier, Hash};
use crate::tile::{TILE_HASHES, Tile, TileLevel};

/// The tiles that are not full yet, one per level of tiles: from them comes the [`Frontier`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrowingTiles {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl GrowingTiles {
    /// Those of the tree with `size` leaves, which `read` gives.
    ///
    /// # Errors
    /// Of `read`.
    pub fn load<E>(size: u64, mut read: impl FnMut(Tile) -> Result<Vec<Hash>, E>) -> Result<Self, E> {
        let tiles = last_tiles(size).into_iter();
        let levels = tiles.map(|tile| tile.map_or_else(|| Ok(Vec::new()), &mut read));
        Ok(Self { size, levels: levels.collect::<Result<_, E>>()? })
    }

    /// Leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
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
        let tiles = last_tiles(self.size).into_iter();
        tiles.zip(&self.levels).filter_map(|(tile, hashes)| tile.map(|tile| (tile, hashes.as_slice())))
    }

    /// The frontier of the tree.
    #[must_use]
    pub fn frontier<D: Digest>(&self) -> Frontier {
        let mut subtrees = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut left = hashes.as_slice();
            // The leftmost subtree is as large as the highest set bit of what is left.
            while let Some(length) = left.len().checked_ilog2() {
                let (first, others) = left.split_at(1 << length);
                subtrees.push(subtree::<D>(first));
                left = others;
            }
        }
        Frontier::of(self.size, subtrees)
    }
}

/// The last tile of each level of tiles, where it is neither empty nor full.
fn last_tiles(size: u64) -> Vec<Option<Tile>> {
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
