//! Whatever bytes a reader of evidence is given — good ones with a few changed, cut, repeated, or noise — it answers or
//! refuses, never panics, and what it accepts it writes again as it stood: no two spellings of one thing. Seeded, so that it
//! runs on any toolchain; the same readers are targets in `fuzz/`.

use std::fmt::Display;

use shuzha_core::{Measure, NanoCharge, RequestId, Timestamp};
use shuzha_evidence::anchor::{Anchor, Kind};
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::handover::Handover;
use shuzha_evidence::log::{LogKeys as _, SeedKeys};
use shuzha_evidence::note::{Ed25519Signer, Note, Verifier};
use shuzha_evidence::receipt::Receipt;
use shuzha_evidence::tile::{Entries, Tile, bundle_entries, push_entry, tile_bytes, tile_hashes};
use shuzha_evidence::witness::AddCheckpoint;
use shuzha_evidence::{Act, ActKind, Entry, Refund};
use shuzha_testkit::Seeded;

/// Cases that every run tries, of each kind of bytes.
const CASES: u32 = 20_000;

/// One of `goods`, as it is or with changes; now and then noise.
fn bytes(rng: &Seeded, goods: &[Vec<u8>]) -> Vec<u8> {
    match rng.below(20) {
        0 => (0..rng.below(200)).map(|_| rng.byte()).collect(),
        1..=4 => goods[rng.index(goods.len())].clone(),
        _ => rng.changed(&goods[rng.index(goods.len())], &["\n\n"]),
    }
}

fn entries() -> Vec<Vec<u8>> {
    let at = Timestamp::from_seconds(1_780_000_000);
    let act = |kind, actor, object, target| {
        Entry::Act(Act { at, kind, actor, object, commitment: Some([7; 16]), target })
    };
    let refund = Entry::Refund(Refund {
        request: RequestId::from_bytes([1; 16]),
        at,
        unit: "bank",
        scenario: "bank-research",
        data_set: "census",
        charge: NanoCharge::from_nanos(50_000_000),
        object: "refund-1",
        space: "census-sample",
        measure: Measure::PureEps,
    });
    let all = [
        act(ActKind::Resumed, "wang", "person-check", ""),
        act(ActKind::UseStopped, "abuse-canary", "s", "t"),
        refund,
    ];
    let salted = all.iter().map(|entry| {
        let mut bytes = Vec::new();
        entry.salted_into(&[8; 16], &mut bytes).expect("a good entry");
        bytes
    });
    let plain = all.iter().map(|entry| {
        let mut bytes = Vec::new();
        entry.encode_into(&mut bytes).expect("a good entry");
        bytes
    });
    plain.chain(salted).collect()
}

fn note() -> Note {
    let tree = Checkpoint { origin: "gate.example/2026h1".to_owned(), size: 77, root: [3; 32] };
    let mut note = Note::unsigned(tree.to_string()).expect("a checkpoint's text");
    note.sign(&Ed25519Signer::new("gate.example", &[9; 32]).expect("a name")).expect("signed");
    note
}

/// Tries `cases` changed texts with a reader whose results are shown as they were written.
fn canonical<T: Display>(seed: u64, cases: u32, goods: &[Vec<u8>], read: impl Fn(&[u8]) -> Option<T>) {
    let seeded = Seeded::new(seed);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..cases {
        let bytes = bytes(&seeded, goods);
        match read(&bytes) {
            Some(read) => {
                assert_eq!(read.to_string().as_bytes(), bytes, "another spelling was accepted");
                accepted += 1;
            }
            None => refused += 1,
        }
    }
    assert!(accepted > cases / 50 && refused > cases / 10, "{accepted} accepted, {refused} refused");
}

/// An entry as the journal holds it, shown as what it encodes to.
fn try_entries(cases: u32) {
    let (seeded, goods) = (Seeded::new(1), entries());
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..cases {
        let bytes = bytes(&seeded, &goods);
        let Ok((entry, salt)) = Entry::decode_salted(&bytes) else {
            refused += 1;
            continue;
        };
        let mut again = Vec::new();
        match salt {
            Some(salt) => entry.salted_into(&salt, &mut again),
            None => entry.encode_into(&mut again),
        }
        .expect("what was read can be written");
        assert_eq!(again, bytes, "one record, one sequence of bytes");
        accepted += 1;
    }
    assert!(accepted > cases / 50 && refused > cases / 10, "{accepted} accepted, {refused} refused");
}

fn try_bundles(cases: u32) {
    let (seeded, mut good) = (Seeded::new(6), Vec::new());
    entries().iter().for_each(|entry| push_entry(&mut good, entry));
    let goods = [good];
    let mut whole = 0;
    for _ in 0..cases {
        let bytes = bytes(&seeded, &goods);
        let found = Entries::of(&bytes).count();
        let width = u16::try_from(found).expect("few");
        if let Ok(entries) = bundle_entries(&bytes, width) {
            let mut again = Vec::new();
            entries.iter().for_each(|entry| push_entry(&mut again, entry));
            assert_eq!(again, bytes);
            whole += 1;
        }
        assert!(bundle_entries(&bytes, width + 1).is_err(), "one entry more than there is");
        let hashes = u16::try_from(bytes.len() / 32).expect("few");
        if let Ok(hashes) = tile_hashes(&bytes, hashes) {
            assert_eq!(tile_bytes(&hashes), bytes);
        }
    }
    assert!(whole > cases / 50, "{whole} of {cases} were whole");
}

fn try_all(cases: u32) {
    try_entries(cases);
    try_bundles(cases);
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    canonical(2, cases, &[note().to_string().into_bytes()], |bytes| Note::parse(bytes).ok());
    let checkpoints = [note().text().as_bytes().to_vec()];
    canonical(3, cases, &checkpoints, |bytes| {
        // Lines behind the third mean nothing, so what they say is not shown again.
        Checkpoint::parse(&text(bytes)?).ok().filter(|read| read.to_string().len() == bytes.len())
    });
    let path = vec![[1; 32], [2; 32], [4; 32]];
    let receipt = Receipt { enclosed: None, others: None, index: 5, path: path.clone(), note: note() };
    canonical(4, cases, &[receipt.to_string().into_bytes()], |bytes| Receipt::parse(bytes).ok());
    let asked = AddCheckpoint { old_size: 12, proof: path, note: note() };
    canonical(5, cases, &[asked.to_string().into_bytes()], |bytes| AddCheckpoint::parse(bytes).ok());
    let paths = ["tile/0/x001/234.p/5", "tile/entries/x012/x345/678", "tile/7/000"]
        .map(|path| path.as_bytes().to_vec());
    canonical(7, cases, &paths, |bytes| Tile::parse(&text(bytes)?).ok());
    let name = shuzha_core::Id::new("tsa-1").expect("a name");
    let anchor =
        Anchor { name, kind: Kind::Http, at: Timestamp::from_seconds(9), token: vec![7; 90], note: note() };
    canonical(8, cases, &[anchor.to_string().into_bytes()], |bytes| Anchor::parse(bytes).ok());
    try_keys(cases);
}

/// Public keys, and statements that hand them over.
fn try_keys(cases: u32) {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    let keys = |seed| SeedKeys::new("gate.example", [seed; 32], [seed; 32], []).expect("a name");
    let (old, new) = (keys(1), keys(2));
    let shown: Vec<_> = old.known().iter().map(|key| key.to_string().into_bytes()).collect();
    canonical(9, cases, &shown, |bytes| text(bytes)?.parse::<Verifier>().ok());
    let (from, to) = (old.known().to_vec(), new.known().to_vec());
    let (shard, at) = ("2026h2".parse().expect("a half-year"), Timestamp::from_seconds(9));
    let handover = Handover { log: "gate.example".to_owned(), shard, size: 7, at, from, to };
    let note = handover.sign(&old, &new).expect("signs");
    canonical(10, cases, &[note.to_string().into_bytes()], |bytes| {
        let note = Note::parse(bytes).ok()?;
        Handover::parse(&note).ok().map(|_| note)
    });
}

#[test]
fn h1_changed_bytes_have_no_other_spelling() {
    try_all(CASES);
}

#[test]
#[ignore = "a million cases: a minute"]
fn h1_a_million_changed_bytes_have_no_other_spelling() {
    try_all(150_000);
}
