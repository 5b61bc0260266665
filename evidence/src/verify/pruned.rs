//! What is left of a half-year whose calls were destroyed: hashes up to the signed root, and life-cycle records, each
//! against its hash.
//!
//! Life-cycle records stand in files of their own, `kept/000000` and on: index (eight bytes), length (two bytes), entry, by ascending
//! index. Integers are big-endian, as in a bundle.

use super::range::check_nodes;
use super::{Checked, Finding, Head, What};
use crate::Malformed;
use crate::log::LogReader;
use crate::merkle::Digest;
use crate::tile::{TILE_HASHES, Tile, TileLevel};

/// Bytes of a file of life-cycle records: one begins where this is reached.
pub const KEPT_BYTES_MAX: usize = 4 << 20;

/// Bytes in front of an entry.
const HEAD_BYTES: usize = 10;

/// The address of file `number` of the records kept, in the half-year's folder.
#[must_use]
pub fn kept_path(number: u32) -> String {
    format!("kept/{number:06}")
}

/// Appends an entry that is kept.
///
/// # Panics
/// When the entry is longer than a leaf may be.
pub fn push_kept(file: &mut Vec<u8>, index: u64, entry: &[u8]) {
    let length = u16::try_from(entry.len()).expect("an entry of a log is short");
    file.extend_from_slice(&index.to_be_bytes());
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(entry);
}

/// The entries of such a file, by index.
pub fn kept_entries(file: &[u8]) -> impl Iterator<Item = Result<(u64, &[u8]), Malformed>> {
    let mut rest = file;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let read = rest.split_at_checked(HEAD_BYTES).and_then(|(head, body)| {
            let (index, length) = head.split_at(size_of::<u64>());
            let length = u16::from_be_bytes(length.try_into().expect("two bytes"));
            let (entry, after) = body.split_at_checked(length.into())?;
            rest = after;
            Some((u64::from_be_bytes(index.try_into().expect("eight bytes")), entry))
        });
        Some(read.ok_or_else(|| {
            rest = &[];
            Malformed("a record that was kept")
        }))
    })
}

/// Checks what is left of a log: all hashes against each other and against `head`, and every record kept, in `files`, against its
/// hash. That its calls are gone is no finding.
///
/// # Errors
/// The [`Finding`] with the lowest index.
pub fn check_pruned<'f, D: Digest>(
    reader: &LogReader,
    head: &Head,
    files: impl IntoIterator<Item = &'f [u8]>,
) -> Result<Checked, Finding> {
    let mut checked = Checked { nodes: check_nodes::<D>(reader, head.size)?, ..Checked::default() };
    if reader.root::<D>(head.size)? != head.root {
        return Err(Finding::Entries { first: 0, end: head.size, what: What::Root });
    }
    let (mut next, width) = (0, TILE_HASHES as u64);
    for record in files.into_iter().flat_map(kept_entries) {
        let wrong = |at: u64| Finding::Entries { first: at, end: at.saturating_add(1), what: What::Entry };
        let (index, entry) = record.map_err(|_| wrong(next))?;
        if index < next || index >= head.size {
            return Err(wrong(next));
        }
        let tile = Tile::in_tree(TileLevel::Hashes(0), index / width, head.size);
        let hashes = reader.hashes::<D>(tile.expect("a leaf of the tree has a tile"))?;
        let place = usize::try_from(index % width).expect("below 256");
        if hashes.get(place) != Some(&D::leaf(entry)) {
            return Err(wrong(index));
        }
        checked.entries += 1;
        checked.bytes += entry.len() as u64;
        next = index + 1;
    }
    Ok(checked)
}
