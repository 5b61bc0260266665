//! Addresses of tiles, tiles of hashes, bundles of entries.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shuzha_evidence::tile::{Entries, Tile, bundle_entries, push_entry, tile_bytes, tile_hashes};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(path) = std::str::from_utf8(bytes)
        && let Ok(tile) = Tile::parse(path)
    {
        assert_eq!(tile.to_string(), path);
    }
    if let Ok(width) = u16::try_from(bytes.len() / 32)
        && let Ok(hashes) = tile_hashes(bytes, width)
    {
        assert_eq!(tile_bytes(&hashes), bytes);
    }
    if let Ok(width) = u16::try_from(Entries::of(bytes).count())
        && let Ok(entries) = bundle_entries(bytes, width)
    {
        let mut again = Vec::new();
        entries.iter().for_each(|entry| push_entry(&mut again, entry));
        assert_eq!(again, bytes);
    }
});
