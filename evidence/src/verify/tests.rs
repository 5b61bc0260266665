//! Logs that were tampered with, in every way that a file can be.

use std::num::NonZeroUsize;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::checkpoint::Checkpoint;
use crate::log::tests::memory::Memory;
use crate::log::{Files, LogKeys, LogWriter, SeedKeys, Source};
use crate::merkle::{Sha256, Sm3, root};
use crate::record::{Act, ActKind, Boot, Call, Decision, Entry, Outcome, Registered, Terms};
use crate::tile::{self, Tile, TileLevel};

const BASE: &str = "log.example/gate-1";

fn keys() -> SeedKeys {
    SeedKeys::new(BASE, [1; 32], [1; 32], []).expect("a name")
}

fn policy() -> Policy {
    Policy { log: keys().known().to_vec(), ..Policy::default() }
}

fn entry(index: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let at = shuzha_core::Timestamp::from_micros(i64::try_from(index).expect("small"));
    Entry::Boot(Boot { at, node: "gate-1", version: "1" }).encode_into(&mut bytes).expect("short");
    bytes
}

fn log_of(entries: impl Iterator<Item = Vec<u8>>) -> Arc<Memory> {
    let files = Arc::new(Memory::default());
    let shard = "2026h2".parse().expect("a half-year");
    let mut writer =
        LogWriter::open(Arc::clone(&files) as Arc<dyn Files>, BASE, shard, &keys()).expect("new");
    entries.for_each(|entry| writer.append(&entry).expect("written"));
    writer.publish().expect("written");
    files
}

fn log(size: u64) -> Arc<Memory> {
    log_of((0..size).map(entry))
}

fn reader(files: &Arc<Memory>) -> LogReader {
    LogReader::new(Arc::clone(files) as Arc<dyn Source>, "2026h2")
}

fn check<D: Digest>(files: &Arc<Memory>) -> Result<Checked, Finding> {
    let reader = reader(files);
    let head = head::<D>(&reader, &policy())?;
    check_range::<D>(&reader, &head, 0..head.size, NonZeroUsize::new(3).expect("not zero"))
}

/// First bad index, and how it shows.
fn found<D: Digest>(files: &Arc<Memory>) -> Option<(u64, What)> {
    match check::<D>(files) {
        Err(Finding::Entries { first, what, .. }) => Some((first, what)),
        Ok(_) => None,
        Err(other) => panic!("{other}"),
    }
}

/// The bundle of `index`, taken apart, changed, and put together again.
fn change_bundle(files: &Arc<Memory>, size: u64, index: u64, change: impl FnOnce(&mut Vec<Vec<u8>>, usize)) {
    let bundle = Tile::in_tree(TileLevel::Entries, index / 256, size).expect("a bundle");
    let path = format!("2026h2/{bundle}");
    let bytes = files.get(&path).expect("there");
    let mut entries: Vec<Vec<u8>> = tile::Entries::of(&bytes).map(<[u8]>::to_vec).collect();
    change(&mut entries, usize::try_from(index % 256).expect("small"));
    let mut bytes = Vec::new();
    entries.iter().for_each(|entry| tile::push_entry(&mut bytes, entry));
    files.set(&path, Some(bytes));
}

/// What is done to the entries of a bundle, at one of them and at a byte of that.
type Change = fn(&mut Vec<Vec<u8>>, usize, usize);

#[test]
fn h1_an_untouched_log_is_sound_in_both_trees() {
    for size in [1, 255, 256, 257, 600] {
        let files = log(size);
        for checked in [check::<Sha256>(&files), check::<Sm3>(&files)] {
            let checked = checked.expect("sound");
            assert_eq!((checked.entries, checked.unknown, checked.nodes), (size, 0, size / 256));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// E5: one entry flipped, deleted, inserted, swapped or cut is named by its index, in both trees.
    #[test]
    fn e5_a_changed_entry_is_named(size in 2_u64..700, place in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>()) {
        let files = log(size);
        let at = place.index(usize::try_from(size).expect("small") - 1) as u64;
        // Both of a swapped pair lie in one bundle, and a deleted entry has one behind it to take its place.
        prop_assume!(at % 256 != 255);
        let path = format!("2026h2/{}", Tile::in_tree(TileLevel::Entries, at / 256, size).expect("a bundle"));
        let good = files.get(&path).expect("there");
        let ways: [(&str, Change); 5] = [
            ("flip", |entries, at, byte| {
                let length = entries[at].len();
                entries[at][byte % length] ^= 1;
            }),
            ("delete", |entries, at, _| drop(entries.remove(at))),
            ("insert", |entries, at, _| entries.insert(at, b"another".to_vec())),
            ("swap", |entries, at, _| entries.swap(at, at + 1)),
            ("cut", |entries, at, _| entries.truncate(at)),
        ];
        for (way, change) in ways {
            change_bundle(&files, size, at, |entries, at| change(entries, at, byte.index(1 << 20)));
            let what = if way == "cut" { What::Bundle } else { What::Entry };
            prop_assert_eq!(found::<Sha256>(&files), Some((at, what)), "{}", way);
            prop_assert_eq!(found::<Sm3>(&files), Some((at, what)), "{}", way);
            files.set(&path, Some(good.clone()));
        }
    }

    /// E5: any bit of any file of the log, flipped, is found; a file taken away is not taken for a bad one.
    #[test]
    fn e5_any_flipped_bit_is_found(size in 1_u64..600, file in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let files = log(size);
        let names: Vec<String> = files.names().into_iter().filter(|name| !name.contains("sm3")).collect();
        let name = &names[file.index(names.len())];
        let mut bytes = files.get(name).expect("there");
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        files.set(name, Some(bytes));
        match check::<Sha256>(&files) {
            Ok(_) => prop_assert!(false, "{} at {}", name, at),
            Err(finding) => prop_assert!(finding.is_bad() || name.ends_with("checkpoint"), "{}: {}", name, finding),
        }
        files.set(name, None);
        let missing = check::<Sha256>(&files).expect_err("it is gone");
        prop_assert!(matches!(missing, Finding::Missing(_)), "{}: {}", name, missing);
    }
}

/// Whoever changes an entry and its hash is found one level up; whoever changes all hashes, by the signed root; and whoever has the
/// signing key too, by one checkpoint that somebody kept.
#[test]
fn e5_a_tree_made_anew_is_found_by_root_and_by_old_checkpoints() {
    let (size, bad) = (600_u64, 300_u64);
    let files = log(size);
    let kept = head::<Sha256>(&reader(&files), &policy()).expect("signed");
    change_bundle(&files, size, bad, |entries, at| entries[at] = b"another".to_vec());
    let path = "2026h2/tile/0/001";
    let mut tile = files.get(path).expect("there");
    let offset = usize::try_from((bad - 256) * 32).expect("small");
    tile[offset..offset + 32].copy_from_slice(&Sha256::leaf(b"another"));
    let good = files.get(path);
    files.set(path, Some(tile));
    assert_eq!(found::<Sha256>(&files), Some((256, What::Node)), "the tile is named, its entries fit it");
    // The hash alone is changed, the entry is as it was.
    change_bundle(&files, size, bad, |entries, at| entries[at] = entry(bad));
    assert_eq!(found::<Sha256>(&files), Some((bad, What::Leaf)));
    files.set(path, good);
    assert_eq!(found::<Sha256>(&files), None);

    let forged = log_of((0..size).map(|index| if index == bad { b"another".to_vec() } else { entry(index) }));
    let resigned = check::<Sha256>(&forged).expect("whole in itself, and signed");
    assert_eq!(resigned.unknown, 1);
    let now = head::<Sha256>(&reader(&forged), &policy()).expect("signed");
    let against = |now: &Head, files| check_begins_with::<Sha256>(&reader(files), now, &kept);
    assert!(matches!(
        against(&now, &forged),
        Err(Finding::Entries { what: What::Rewritten, first: 0, end: 600 })
    ));
    let own = forged.get("2026h2/checkpoint");
    forged.set("2026h2/checkpoint", files.get("2026h2/checkpoint"));
    assert_eq!(found::<Sha256>(&forged), Some((0, What::Root)));
    forged.set("2026h2/checkpoint", own);
    // An older valid prefix: nothing in it is wrong, and only what was kept tells.
    let shorter = log(500);
    let now = head::<Sha256>(&reader(&shorter), &policy()).expect("signed");
    assert_eq!(found::<Sha256>(&shorter), None);
    assert!(matches!(
        against(&now, &shorter),
        Err(Finding::Entries { what: What::Cut, first: 500, end: 600 })
    ));
    let longer = log(700);
    let now = head::<Sha256>(&reader(&longer), &policy()).expect("signed");
    assert!(against(&now, &longer).is_ok());
}

#[test]
fn a_part_of_the_log_is_checked_by_itself() {
    let files = log(600);
    change_bundle(&files, 600, 300, |entries, at| entries[at] = b"another".to_vec());
    let reader = reader(&files);
    let head = head::<Sha256>(&reader, &policy()).expect("signed");
    let part = |range| check_range::<Sha256>(&reader, &head, range, NonZeroUsize::MIN);
    assert_eq!(part(301..600).expect("sound").entries, 299);
    assert_eq!(part(0..300).expect("sound").entries, 300);
    assert_eq!(part(5..5).expect("nothing").entries, 0);
    assert!(part(300..301).is_err());
    let mut seen = Vec::new();
    for_each_entry(&reader, 600, 250..260, |index, bytes| seen.push((index, bytes == entry(index))))
        .expect("there");
    assert_eq!(seen, (250..260).map(|index| (index, true)).collect::<Vec<_>>());
}

#[test]
fn a_forged_root_hash_is_not_what_the_edge_gives() {
    let files = log(3);
    let reader = reader(&files);
    let mut head = head::<Sha256>(&reader, &policy()).expect("signed");
    let mut nodes = tile::TileNodes::<Sha256, _>::new(3, |tile| reader.hashes::<Sha256>(tile));
    assert_eq!(root::<Sha256, _>(&mut nodes, 3).expect("readable"), head.root);
    let text = Checkpoint { origin: head.origin.clone(), size: 3, root: head.root }.to_string();
    assert_eq!(reader.checkpoint::<Sha256>().expect("readable").expect("there").text(), text);
    head.root[0] ^= 1;
    let checked = check_range::<Sha256>(&reader, &head, 0..3, NonZeroUsize::MIN);
    assert!(matches!(checked, Err(Finding::Entries { what: What::Root, .. })));
}

fn stop(kind: ActKind, target: &'static str, object: &'static str, at: i64) -> Entry<'static> {
    let at = shuzha_core::Timestamp::from_micros(at);
    Entry::Act(Act { at, kind, actor: "gateway", object, commitment: None, target })
}

fn answered(unit: &'static str, received: i64) -> Entry<'static> {
    let terms = Terms {
        unit,
        credential: "k",
        product: "score",
        version: 1,
        operation: "run",
        scenario: "loans",
        grant: "g",
        agreement: "a",
        purpose: None,
        price: "p",
        data_set: "census",
        snapshot: [0; 8],
    };
    Entry::Call(Box::new(Call {
        terms,
        quantity: 1,
        decision: Decision::Answered,
        outcome: Outcome::Uncharged,
        ..Call::of(shuzha_core::RequestId::from_bytes([7; 16]), shuzha_core::Timestamp::from_micros(received))
    }))
}

/// E11: an answer to a call that began under a suspension is found; one that began before, or of others, or after the end, is none.
#[test]
fn e11_no_answer_stands_behind_a_suspension() {
    let boot = || Entry::Boot(Boot { at: shuzha_core::Timestamp::from_micros(0), node: "n", version: "v" });
    let breaches = |entries: Vec<Entry<'static>>| {
        let mut found = Suspensions::default();
        (0..).zip(&entries).for_each(|(index, entry)| found.visit(index, entry));
        found
            .breaches
            .into_iter()
            .map(|breach| (breach.index, breach.suspension, breach.target))
            .collect::<Vec<_>>()
    };
    for (target, object) in [
        ("unit", "bank"),
        ("product", "score"),
        ("scenario", "loans"),
        ("data-set", "census"),
        ("everything", ""),
    ] {
        let stopped = || stop(ActKind::Suspended, target, object, 100);
        let name = format!("{target}/{object}");
        assert_eq!(breaches(vec![boot(), stopped(), answered("bank", 101)]), [(2, 1, name.clone())]);
        assert_eq!(
            breaches(vec![stopped(), answered("bank", 100), answered("bank", 99)]),
            [],
            "it began before"
        );
        assert_eq!(breaches(vec![answered("bank", 101), stopped()]), [], "it was recorded before");
        assert_eq!(
            breaches(vec![stopped(), stop(ActKind::Resumed, target, object, 150), answered("bank", 160)]),
            []
        );
        assert_eq!(
            breaches(vec![stopped(), boot(), answered("bank", 160)]),
            [],
            "a new process says it anew"
        );
        assert_eq!(breaches(vec![boot(), stopped(), stopped(), answered("bank", 160)]), [(3, 1, name)]);
    }
    // The gate's own stop outlasts a restart, and stops no trial.
    let stopped = || stop(ActKind::UseStopped, "", "loans", 100);
    let name = "abnormal-use/loans".to_owned();
    assert_eq!(breaches(vec![stopped(), boot(), answered("bank", 101)]), [(2, 0, name)]);
    assert_eq!(breaches(vec![stopped(), answered("bank", 100)]), [], "it began before");
    assert_eq!(
        breaches(vec![
            stopped(),
            stop(ActKind::Resumed, "scenario", "loans", 120),
            stop(ActKind::UseResumed, "", "loans", 120),
            answered("bank", 121)
        ]),
        []
    );
    assert_eq!(breaches(vec![stop(ActKind::UseStopped, "", "rents", 100), answered("bank", 101)]), []);
    let mut trial = answered("bank", 101);
    if let Entry::Call(call) = &mut trial {
        call.sandbox = true;
    }
    assert_eq!(breaches(vec![stopped(), trial]), []);
    let other = stop(ActKind::Suspended, "unit", "insurer", 100);
    assert_eq!(breaches(vec![other, answered("bank", 101)]), []);
    let mut refused = answered("bank", 101);
    let Entry::Call(call) = &mut refused else { panic!("a call") };
    call.decision = Decision::Refused;
    assert_eq!(breaches(vec![stop(ActKind::Suspended, "everything", "", 100), refused]), []);
}

fn decided(name: &'static str, state: &'static str, verb: &'static str, micros: i64) -> Entry<'static> {
    Entry::Registered(Registered {
        revision: 0,
        id: shuzha_core::RequestId::from_bytes([7; 16]),
        at: shuzha_core::Timestamp::from_micros(micros),
        actor: "li",
        object: name,
        verb,
        kind: "Suspension",
        organisation: "bureau",
        role: "authority",
        digest: [0; 32],
        state,
    })
}

fn unkept(entries: &[Entry<'static>]) -> Vec<(u64, String, bool)> {
    let mut found = Suspensions::default();
    (0..).zip(entries).for_each(|(index, entry)| found.visit(index, entry));
    found.unkept().into_iter().map(|one| (one.index, one.name, one.noted.is_some())).collect()
}

/// I1, E11: the register's act is the claim, the gate's note the effect. A claim without its effect is found, and so is one whose
/// effect came late while calls went on being answered.
#[test]
fn e11_a_suspension_that_the_register_decided_and_the_gate_did_not_note_is_found() {
    const SECOND: i64 = 1_000_000;
    let boot =
        |at| Entry::Boot(Boot { at: shuzha_core::Timestamp::from_micros(at), node: "n", version: "v" });
    let stopped = || decided("stop-1", "emergency", "open", 0);
    let noted = |at| stop(ActKind::SuspensionInForce, "suspension", "stop-1", at);
    let of = |noted| vec![(0, "stop-1".to_owned(), noted)];
    // In force at once, and while nobody was answered.
    assert_eq!(unkept(&[stopped(), noted(10), answered("bank", 3 * SECOND)]), []);
    assert_eq!(unkept(&[stopped(), noted(2 * SECOND)]), [], "nobody was answered in between");
    assert_eq!(unkept(&[noted(0), stopped(), answered("bank", 3 * SECOND)]), [], "a start notes it first");
    assert_eq!(unkept(&[stopped(), boot(9 * SECOND), noted(9 * SECOND)]), [], "nobody was served meanwhile");
    assert_eq!(unkept(&[stopped(), answered("bank", SECOND)]), [], "the time is not over");
    assert_eq!(unkept(&[decided("p", "proposed", "open", 0), answered("bank", 9 * SECOND)]), []);
    // Missing, and late.
    assert_eq!(unkept(&[stopped(), answered("bank", 2 * SECOND)]), of(false));
    assert_eq!(unkept(&[stopped(), boot(5 * SECOND), answered("bank", 9 * SECOND)]), of(false));
    assert_eq!(unkept(&[stopped(), answered("bank", 2 * SECOND), noted(3 * SECOND)]), of(true));
    let lifted = decided("stop-1", "lifted", "resume", 8 * SECOND);
    assert_eq!(unkept(&[stopped(), lifted.clone()]), of(false), "it was never in force");
    assert_eq!(unkept(&[stopped(), noted(1), lifted, answered("bank", 9 * SECOND)]), []);
    // Another one that is in force vouches for nothing.
    let other = [stop(ActKind::SuspensionInForce, "suspension", "other", 1), answered("bank", 2 * SECOND)];
    assert_eq!(unkept(&[&[stopped()][..], &other[..]].concat()), of(false));
    // A record that is older than the state of its case tells by its verb, and its gate noted what was stopped.
    let old = || decided("stop-1", "", "order", 0);
    assert_eq!(unkept(&[old(), answered("bank", 2 * SECOND)]), of(false));
    assert_eq!(unkept(&[old(), stop(ActKind::Suspended, "unit", "bank", 9), answered("x", 2 * SECOND)]), []);
}
