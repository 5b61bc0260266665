//! A tree read from its tiles.

use std::collections::HashMap;
use std::marker::PhantomData;

use super::{TILE_HASHES, Tile, TileLevel};
use crate::merkle::{Digest, Hash, Nodes, subtree};

/// Tiles kept while a proof is made; a proof touches one or two per level.
const KEPT_MAX: usize = 64;

/// Gives the hashes of subtrees of a tree with `size` leaves, from tiles that `read` gives: as they stand in that tree,
/// with as many hashes as their width says.
pub struct TileNodes<D, R> {
    size: u64,
    read: R,
    kept: HashMap<Tile, Vec<Hash>>,
    digest: PhantomData<D>,
}

impl<D: Digest, E, R: FnMut(Tile) -> Result<Vec<Hash>, E>> TileNodes<D, R> {
    /// The tree of `size` leaves.
    pub fn new(size: u64, read: R) -> Self {
        Self { size, read, kept: HashMap::new(), digest: PhantomData }
    }
}

impl<D: Digest, E, R: FnMut(Tile) -> Result<Vec<Hash>, E>> Nodes for TileNodes<D, R> {
    type Error = E;

    fn node(&mut self, level: u8, index: u64) -> Result<Hash, E> {
        let (tile_level, within) = (level / 8, level % 8);
        let first = index << within;
        let tile = Tile::in_tree(TileLevel::Hashes(tile_level), first / TILE_HASHES as u64, self.size);
        let tile = tile.expect("a complete subtree of the tree lies in its tiles");
        if !self.kept.contains_key(&tile) {
            if self.kept.len() == KEPT_MAX {
                self.kept.clear();
            }
            let hashes = (self.read)(tile)?;
            self.kept.insert(tile, hashes);
        }
        let begin = usize::try_from(first % TILE_HASHES as u64).expect("below 256");
        Ok(subtree::<D>(&self.kept[&tile][begin..begin + (1 << within)]))
    }
}
