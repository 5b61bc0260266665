//! Addresses and bytes of tiles, as the oracle writes them and as a stranger might.

use proptest::prelude::*;

use super::*;

fn level() -> impl Strategy<Value = TileLevel> {
    prop_oneof![(0_u8..TILE_LEVELS).prop_map(TileLevel::Hashes), Just(TileLevel::Entries)]
}

/// The oracle's address, without the height that C2SP fixed at 8.
fn oracle(tile: Tile) -> String {
    let (level, entries) = match tile.level {
        TileLevel::Hashes(level) => (level, false),
        TileLevel::Entries => (0, true),
    };
    let path = tlog_tiles::Tile::new(8, level, tile.index, tile.width.into(), entries).path();
    path.replace("tile/8/data/", "tile/entries/").replace("tile/8/", "tile/")
}

proptest! {
    #[test]
    fn addresses_are_the_oracles_and_read_back(level in level(), index in any::<u64>(), width in 1_u16..=256) {
        let tile = Tile { level, index, width };
        prop_assert_eq!(tile.to_string(), oracle(tile));
        prop_assert_eq!(Tile::parse(&tile.to_string()), Ok(tile));
    }

    #[test]
    fn a_changed_address_is_another_tile_or_none(
        index in 0_u64..2_000_000, width in 1_u16..=256, at in any::<prop::sample::Index>(), byte in 32_u8..127,
    ) {
        let tile = Tile { level: TileLevel::Hashes(0), index, width };
        let mut text = tile.to_string().into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        let text = String::from_utf8(text).expect("ASCII");
        if let Ok(other) = Tile::parse(&text) {
            prop_assert_eq!(other.to_string(), text);
        }
    }

    #[test]
    fn arbitrary_addresses_do_not_panic(text in ".{0,80}") {
        let _ = Tile::parse(&text);
    }

    #[test]
    fn bundles_read_back_and_arbitrary_ones_do_not_panic(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 1..20),
        cut in any::<prop::sample::Index>(), wild in prop::collection::vec(any::<u8>(), 0..600), width in 0_u16..300,
    ) {
        let mut bundle = Vec::new();
        entries.iter().for_each(|entry| push_entry(&mut bundle, entry));
        let count = u16::try_from(entries.len()).expect("few");
        prop_assert_eq!(bundle_entries(&bundle, count), Ok(entries.iter().map(Vec::as_slice).collect()));
        prop_assert!(bundle_entries(&bundle, count - 1).is_err());
        prop_assert!(bundle_entries(&bundle, count + 1).is_err());
        prop_assert!(bundle_entries(&bundle[..cut.index(bundle.len())], count).is_err());
        let _ = bundle_entries(&wild, width);
        let _ = tile_hashes(&wild, width);
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for text in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/8/000",
        "tile/00/000",
        "tile/0/0",
        "tile/0/1000",
        "tile/0/x001",
        "tile/0/000/000",
        "tile/0/x000/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/../000",
        "tile/entries/-01",
        "tile/entries/x018/x446/x744/x073/x709/x551/616",
        "tile/0/000.p/",
        "/tile/0/000",
    ] {
        assert_eq!(Tile::parse(text), Err(Malformed("the address of a tile")), "{text}");
    }
}

#[test]
fn a_tree_has_the_tiles_that_its_size_says() {
    let at = |level, index, size| Tile::in_tree(level, index, size).map(|tile| tile.width);
    assert_eq!(at(TileLevel::Entries, 0, 0), None);
    assert_eq!(at(TileLevel::Entries, 0, 1), Some(1));
    assert_eq!(at(TileLevel::Hashes(0), 1, 256), None);
    assert_eq!(at(TileLevel::Hashes(0), 1, 300), Some(44));
    assert_eq!(at(TileLevel::Hashes(1), 0, 255), None);
    assert_eq!(at(TileLevel::Hashes(1), 0, 65_536), Some(256));
    assert_eq!(at(TileLevel::Hashes(7), 0, u64::MAX), Some(255));
    assert_eq!(at(TileLevel::Hashes(0), u64::MAX, u64::MAX), None);
}
