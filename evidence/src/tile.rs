//! Tiles and entry bundles: how a log lies in files and on HTTP (C2SP tlog-tiles).
//!
//! A tile holds up to 256 hashes of one level, a bundle up to 256 entries. Each has an address that ends in `.p/N` while it
//! is not full.

mod nodes;

use std::fmt;

use crate::merkle::{HASH_BYTES, Hash};
use crate::{Malformed, decimal};
pub use nodes::TileNodes;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_HASHES: usize = TILE_WIDTH as usize;

/// The same, as a width.
const TILE_WIDTH: u16 = 256;

/// Digits of a component of an address.
const COMPONENT: u64 = 1000;

/// Levels of tiles that a tree counted in `u64` can have.
pub const TILE_LEVELS: u8 = 8;

/// Longest address of a tile in bytes: `tile/entries/` and seven components, and the width.
const PATH_BYTES_MAX: usize = 64;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileLevel {
    /// Hashes of subtrees with 256ⁿ leaves.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// A tile or a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// What it holds.
    pub level: TileLevel,
    /// Its number on its level.
    pub index: u64,
    /// How many hashes or entries, 1 to 256.
    pub width: u16,
}

impl Tile {
    /// The full tile `index`.
    #[must_use]
    pub const fn full(level: TileLevel, index: u64) -> Self {
        Self { level, index, width: TILE_WIDTH }
    }

    /// Whether it holds all that it ever will.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Tile `index` as it stands in a tree of `size` leaves; none where nothing of it is there yet.
    #[must_use]
    pub fn in_tree(level: TileLevel, index: u64, size: u64) -> Option<Self> {
        let hashes = match level {
            TileLevel::Entries => size,
            TileLevel::Hashes(level) => size.checked_shr(8 * u32::from(level)).unwrap_or(0),
        };
        let before = index.checked_mul(TILE_HASHES as u64)?;
        let width = hashes.checked_sub(before)?.min(TILE_HASHES as u64);
        let width = u16::try_from(width).expect("at most 256");
        (width > 0).then_some(Self { level, index, width })
    }

    /// Reads an address such as `tile/0/x001/234.p/5`.
    ///
    /// # Errors
    /// [`Malformed`] for everything that `Display` does not write.
    pub fn parse(path: &str) -> Result<Self, Malformed> {
        const WRONG: Malformed = Malformed("the address of a tile");
        if path.len() > PATH_BYTES_MAX {
            return Err(WRONG);
        }
        let rest = path.strip_prefix("tile/").ok_or(WRONG)?;
        let (level, rest) = rest.split_once('/').ok_or(WRONG)?;
        let level = match level {
            "entries" => TileLevel::Entries,
            level => match decimal(level) {
                Some(level) if level < u64::from(TILE_LEVELS) => {
                    TileLevel::Hashes(u8::try_from(level).expect("below 8"))
                }
                _ => return Err(WRONG),
            },
        };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH),
            Some((number, width)) => match decimal(width) {
                Some(width @ 1..=255) => (number, u16::try_from(width).expect("below 256")),
                _ => return Err(WRONG),
            },
        };
        let mut index: u64 = 0;
        for component in number.split('/') {
            let digits = component.strip_prefix('x').unwrap_or(component);
            if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(WRONG);
            }
            let digits: u64 = digits.parse().map_err(|_| WRONG)?;
            index = index.checked_mul(COMPONENT).and_then(|index| index.checked_add(digits)).ok_or(WRONG)?;
        }
        let tile = Self { level, index, width };
        // Other spellings of the same number, such as leading zeros or a wrong `x`, are not addresses.
        if tile.to_string() == path { Ok(tile) } else { Err(WRONG) }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            TileLevel::Hashes(level) => write!(f, "tile/{level}/")?,
            TileLevel::Entries => f.write_str("tile/entries/")?,
        }
        let mut above = Vec::new();
        let mut rest = self.index / COMPONENT;
        while rest > 0 {
            above.push(rest % COMPONENT);
            rest /= COMPONENT;
        }
        for component in above.iter().rev() {
            write!(f, "x{component:03}/")?;
        }
        write!(f, "{:03}", self.index % COMPONENT)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// The bytes of a tile of hashes.
#[must_use]
pub fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// The hashes of a tile, of which there must be `width`.
///
/// # Errors
/// [`Malformed`] when the length is another.
pub fn tile_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, Malformed> {
    if bytes.len() != usize::from(width) * HASH_BYTES {
        return Err(Malformed("the length of a tile"));
    }
    let (hashes, _) = bytes.as_chunks::<HASH_BYTES>();
    Ok(hashes.to_vec())
}

/// Appends `entry` to a bundle.
///
/// # Panics
/// When the entry has more than 65,535 bytes; an entry of the journal has 512 at most.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) {
    let length = u16::try_from(entry.len()).expect("an entry of the journal is short");
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// The entries of a bundle, of which there must be `width`.
///
/// # Errors
/// [`Malformed`] when it ends early or goes on. What comes before is intact then: [`Entries`] tells how many.
pub fn bundle_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, Malformed> {
    let mut entries = Entries(bytes);
    let found: Vec<_> = entries.by_ref().collect();
    if found.len() == usize::from(width) && entries.0.is_empty() {
        Ok(found)
    } else {
        Err(Malformed("the length of a bundle of entries"))
    }
}

/// Walks a bundle up to its end, or up to the first entry that is not whole.
#[derive(Clone, Debug)]
pub struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    /// The entries of `bundle`.
    #[must_use]
    pub fn of(bundle: &'a [u8]) -> Self {
        Self(bundle)
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.0 = rest;
        Some(entry)
    }
}

#[cfg(test)]
mod tests;
