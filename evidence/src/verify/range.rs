//! Every entry, every hash, up to the signed root.

use std::num::NonZeroUsize;
use std::ops::Range;

use super::{Finding, Head, What};
use crate::log::LogReader;
use crate::merkle::{Digest, Hash, subtree};
use crate::record::Entry;
use crate::tile::{Entries, TILE_HASHES, Tile, TileLevel, bundle_entries};

/// What was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries against their hashes.
    pub entries: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Hashes against those below.
    pub nodes: u64,
    /// Entries that this software does not know how to read; they are checked all the same.
    pub unknown: u64,
}

impl Checked {
    fn add(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
        self.nodes += other.nodes;
        self.unknown += other.unknown;
    }
}

/// Checks the entries of `range` against their hashes, all hashes above the leaves against each other, and the tree against
/// `head`, on so many threads. The whole log is the range `0..head.size`.
///
/// # Errors
/// The [`Finding`] with the lowest index.
///
/// # Panics
/// When the range reaches beyond `head.size`.
pub fn check_range<D: Digest>(
    reader: &LogReader,
    head: &Head,
    range: Range<u64>,
    threads: NonZeroUsize,
) -> Result<Checked, Finding> {
    assert!(range.end <= head.size, "only what the tree has can be checked");
    let width = TILE_HASHES as u64;
    let bundles = range.start / width..range.end.div_ceil(width);
    let share = (bundles.end - bundles.start).div_ceil(threads.get() as u64).max(1);
    let parts: Vec<Range<u64>> = (0..threads.get() as u64)
        .map(|part| bundles.start + part * share)
        .map(|start| start..(start + share).min(bundles.end))
        .filter(|part| part.start < part.end)
        .collect();
    let mut checked = Checked::default();
    let results: Vec<Result<Checked, Finding>> = std::thread::scope(|scope| {
        let check = |part: Range<u64>| {
            part.into_iter().try_fold(Checked::default(), |mut sum, bundle| {
                sum.add(check_bundle::<D>(reader, head.size, bundle, &range)?);
                Ok(sum)
            })
        };
        let running: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || check(part))).collect();
        running.into_iter().map(|thread| thread.join().expect("a check does not panic")).collect()
    });
    // In order of index: the first part that found something found the first.
    for result in results {
        checked.add(result?);
    }
    checked.nodes += check_nodes::<D>(reader, head.size)?;
    if reader.root::<D>(head.size)? != head.root {
        return Err(Finding::Entries { first: 0, end: head.size, what: What::Root });
    }
    Ok(checked)
}

/// One bundle against its tile.
fn check_bundle<D: Digest>(
    reader: &LogReader,
    size: u64,
    index: u64,
    range: &Range<u64>,
) -> Result<Checked, Finding> {
    let bundle = Tile::in_tree(TileLevel::Entries, index, size).expect("a bundle of the tree");
    let leaves = Tile { level: TileLevel::Hashes(0), ..bundle };
    let hashes = reader.hashes::<D>(leaves)?;
    let bytes = reader.tile::<D>(bundle)?.ok_or_else(|| Finding::Missing(bundle.to_string()))?;
    let first = index * TILE_HASHES as u64;
    let mut checked = Checked::default();
    let mut at = first;
    for (entry, hash) in Entries::of(&bytes).zip(&hashes) {
        let leaf = D::leaf(entry);
        if leaf != *hash && range.contains(&at) {
            let what = blame::<D>(reader, size, leaves, &hashes, at - first, leaf);
            return Err(Finding::Entries { first: at, end: at + 1, what });
        }
        checked.entries += u64::from(range.contains(&at));
        checked.bytes += entry.len() as u64;
        checked.unknown += u64::from(Entry::decode(entry).is_err());
        at += 1;
    }
    if bundle_entries(&bytes, bundle.width).is_err() {
        let end = first + u64::from(bundle.width);
        return Err(Finding::Entries { first: at.min(end), end: end.max(at + 1), what: What::Bundle });
    }
    Ok(checked)
}

/// Whether the entry or its hash was changed: the tile above says which of the two it was made from.
fn blame<D: Digest>(
    reader: &LogReader,
    size: u64,
    tile: Tile,
    hashes: &[Hash],
    offset: u64,
    leaf: Hash,
) -> What {
    let width = TILE_HASHES as u64;
    let Some(above) = Tile::in_tree(TileLevel::Hashes(1), tile.index / width, size) else {
        return What::Entry;
    };
    let place = usize::try_from(tile.index % width).expect("below 256");
    let stated = reader.hashes::<D>(above).ok().and_then(|above| above.get(place).copied());
    if !tile.is_full() || stated.is_none() || stated == Some(subtree::<D>(hashes)) {
        return What::Entry;
    }
    let mut mended = hashes.to_vec();
    mended[usize::try_from(offset).expect("below 256")] = leaf;
    if stated == Some(subtree::<D>(&mended)) { What::Leaf } else { What::Entry }
}

/// Every hash above the leaves against the tile below it.
pub(super) fn check_nodes<D: Digest>(reader: &LogReader, size: u64) -> Result<u64, Finding> {
    let mut nodes = 0;
    for level in 1.. {
        let mut tiles = 0;
        while let Some(tile) = Tile::in_tree(TileLevel::Hashes(level), tiles, size) {
            for (offset, hash) in (0_u64..).zip(reader.hashes::<D>(tile)?) {
                let index = tile.index * TILE_HASHES as u64 + offset;
                let below = Tile::full(TileLevel::Hashes(level - 1), index);
                if subtree::<D>(&reader.hashes::<D>(below)?) != hash {
                    let leaves = (TILE_HASHES as u64).pow(u32::from(level));
                    let (first, end) = (index * leaves, (index + 1) * leaves);
                    return Err(Finding::Entries { first, end, what: What::Node });
                }
                nodes += 1;
            }
            tiles += 1;
        }
        if tiles == 0 {
            break;
        }
    }
    Ok(nodes)
}

/// Gives every entry of `range` to `visit`, in order. The log is one whose entries were checked.
///
/// # Errors
/// What keeps an entry from being read.
pub fn for_each_entry(
    reader: &LogReader,
    size: u64,
    range: Range<u64>,
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<(), Finding> {
    let width = TILE_HASHES as u64;
    for index in range.start / width..range.end.div_ceil(width) {
        let bundle = Tile::in_tree(TileLevel::Entries, index, size).expect("a bundle of the tree");
        let bytes = reader.tile::<crate::merkle::Sha256>(bundle)?;
        let bytes = bytes.ok_or_else(|| Finding::Missing(bundle.to_string()))?;
        for (at, entry) in (index * width..).zip(Entries::of(&bytes)).filter(|(at, _)| range.contains(at)) {
            visit(at, entry);
        }
    }
    Ok(())
}
