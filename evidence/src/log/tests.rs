//! A log through crashes, full disks, foreign folders and a clock that goes back.

pub(crate) mod memory;

use std::sync::Arc;

use proptest::prelude::*;
use shuzha_core::Timestamp;
use shuzha_core::calendar::Day;

use self::memory::Memory;
use super::*;
use crate::merkle::{Digest, Sha256, Sm3, check_consistency, check_inclusion};
use crate::policy::Policy;

const BASE: &str = "log.example/gate-1";

fn keys(seed: u8) -> SeedKeys {
    SeedKeys::new(BASE, [seed; 32], [seed; 32], []).expect("a name")
}

fn shard() -> Shard {
    "2026h2".parse().expect("a half-year")
}

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index} {}", "x".repeat(usize::try_from(index % 90).expect("small"))).into_bytes()
}

fn open(files: &Arc<Memory>) -> Result<LogWriter, LogError> {
    LogWriter::open(Arc::clone(files) as Arc<dyn Files>, BASE, shard(), &keys(1))
}

/// Appends up to `size` and publishes.
fn grow(writer: &mut LogWriter, size: u64) -> Result<(), LogError> {
    for index in writer.size()..size {
        writer.append(&entry(index))?;
    }
    writer.publish()
}

fn policy() -> Policy {
    Policy { log: keys(1).known().to_vec(), ..Policy::default() }
}

fn reader(files: &Arc<Memory>) -> LogReader {
    LogReader::new(Arc::clone(files) as Arc<dyn Source>, "2026h2")
}

/// The tree that the checkpoint states, after every leaf was shown to be in it.
fn sound<D: Digest>(files: &Arc<Memory>) -> Option<crate::checkpoint::Checkpoint> {
    let reader = reader(files);
    let note = reader.checkpoint::<D>().expect("readable")?;
    let head = policy().open(&note).expect("signed");
    assert_eq!(head.origin, format!("{BASE}/2026h2{}", D::SUFFIX));
    for index in 0..head.size {
        assert_eq!(reader.entry(index, head.size).expect("there"), entry(index));
        let receipt = reader.receipt::<D>(index, None).expect("readable").expect("published");
        assert_eq!(receipt.note, note);
        let leaf = D::leaf(&entry(index));
        let checked = check_inclusion::<D>(&leaf, index, head.size, &receipt.path, &head.root);
        assert_eq!(checked, Ok(()), "{index} of {}", head.size);
    }
    assert!(reader.receipt::<D>(head.size, None).expect("readable").is_none(), "not published yet");
    Some(head)
}

#[test]
fn h1_both_trees_prove_every_entry_at_every_size() {
    let files = Arc::new(Memory::default());
    let mut writer = open(&files).expect("new");
    for size in [1, 2, 3, 255, 256, 257, 600] {
        grow(&mut writer, size).expect("written");
        assert_eq!(sound::<Sha256>(&files).expect("published").size, size);
        assert_eq!(sound::<Sm3>(&files).expect("published").size, size);
    }
    let left = files.names();
    let full = |name: &&String| {
        name.contains("0/000.p/") || name.contains("0/001.p/") || name.contains("entries/000.p/")
    };
    assert_eq!(left.iter().find(full), None, "what is full needs no part");
}

#[test]
fn a_log_goes_on_after_a_restart_as_if_there_had_been_none() {
    let (files, reference) = (Arc::new(Memory::default()), Arc::new(Memory::default()));
    let mut whole = open(&reference).expect("new");
    for size in [1, 200, 255, 256, 300, 513, 513, 700] {
        grow(&mut open(&files).expect("own log"), size).expect("written");
        grow(&mut whole, size).expect("written");
        assert_eq!(files.all(), reference.all(), "{size}");
    }
}

#[test]
fn nothing_new_publishes_nothing() {
    let files = Arc::new(Memory::default());
    let mut writer = open(&files).expect("new");
    writer.publish().expect("nothing");
    assert_eq!(files.names(), Vec::<String>::new());
    grow(&mut writer, 5).expect("written");
    let (writes, before) = (files.writes(), files.all());
    writer.publish().expect("nothing");
    assert_eq!((files.writes(), files.all()), (writes, before));
}

#[test]
fn c1712_the_log_of_another_origin_or_key_is_refused() {
    let files = Arc::new(Memory::default());
    grow(&mut open(&files).expect("new"), 9).expect("written");
    let before = files.all();
    let other = |base: &str, seed| {
        let keys = SeedKeys::new(base, [seed; 32], [seed; 32], []).expect("a name");
        let opened = LogWriter::open(Arc::clone(&files) as Arc<dyn Files>, base, shard(), &keys);
        opened.err().map(|error| error.code())
    };
    assert_eq!(other("log.example/gate-2", 1), Some(Code::C1712));
    assert_eq!(other(BASE, 2), Some(Code::C1712));
    assert_eq!(other(BASE, 1), None);
    assert_eq!(files.all(), before);
    // A former key may have signed what is there.
    let rotated = SeedKeys::new(BASE, [2; 32], [2; 32], keys(1).known().to_vec()).expect("a name");
    let opened = LogWriter::open(Arc::clone(&files) as Arc<dyn Files>, BASE, shard(), &rotated);
    assert!(opened.is_ok());
}

/// Every file, changed in every one of its parts: a start refuses it, or it does not matter to what is published next.
#[test]
fn c1713_damage_at_the_edge_is_refused() {
    let files = Arc::new(Memory::default());
    grow(&mut open(&files).expect("new"), 300).expect("written");
    for name in ["2026h2/tile/0/001.p/44", "2026h2/sm3/tile/0/001.p/44", "2026h2/tile/1/000.p/1"] {
        let good = files.get(name).expect(name);
        let mut bad = good.clone();
        bad[17] ^= 1;
        for bytes in [Some(bad), Some(good[1..].to_vec()), None] {
            files.set(name, bytes);
            assert_eq!(open(&files).err().map(|error| error.code()), Some(Code::C1713), "{name}");
        }
        files.set(name, Some(good));
    }
    files.set("2026h2/tile/entries/001.p/44", Some(vec![0, 1]));
    assert_eq!(open(&files).err().map(|error| error.code()), Some(Code::C1713));
}

/// A checkpoint was given out, and the entries that come now would lead to another.
#[test]
fn c1714_a_history_that_was_published_is_not_replaced() {
    let files = Arc::new(Memory::default());
    grow(&mut open(&files).expect("new"), 20).expect("written");
    let old = files.get("2026h2/checkpoint");
    grow(&mut open(&files).expect("own"), 30).expect("written");
    // As after a crash between the two checkpoints: the SM3 tree says 30, the other 20.
    files.set("2026h2/checkpoint", old);
    let mut writer = open(&files).expect("own");
    assert_eq!(writer.size(), 20);
    grow(&mut writer, 25).expect("held back");
    assert_eq!(sound::<Sha256>(&files).expect("there").size, 20, "not before the other is reached");
    grow(&mut writer, 30).expect("written");
    assert_eq!(sound::<Sha256>(&files).expect("there").size, 30);

    let old = files.get("2026h2/checkpoint");
    grow(&mut open(&files).expect("own"), 40).expect("written");
    files.set("2026h2/checkpoint", old);
    let mut writer = open(&files).expect("own");
    let other = (30..40).try_for_each(|_| writer.append(b"another history"));
    assert_eq!(other.err().map(|error| error.code()), Some(Code::C1714));
}

#[test]
fn half_years_change_in_shanghai_and_never_back() {
    let at = |year, month, day| Day::new(year, month, day).expect("a day").start();
    let shown = |at: Timestamp| Shard::of(at).to_string();
    assert_eq!(shown(at(2026, 1, 1)), "2026h1");
    assert_eq!(shown(Timestamp::from_micros(at(2026, 1, 1).micros() - 1)), "2025h2");
    assert_eq!(shown(at(2026, 7, 1)), "2026h2");
    assert_eq!(shown(Timestamp::from_micros(at(2026, 7, 1).micros() - 1)), "2026h1");
    assert_eq!(shown(Timestamp::from_micros(i64::MIN)), "0000h1");
    assert_eq!(shown(Timestamp::from_micros(i64::MAX)), "9999h2");
    let second = Shard::of(at(2026, 7, 1));
    assert_eq!(second.then(at(2020, 1, 1)), second, "a clock that goes back");
    assert_eq!(second.then(at(2027, 1, 1)).to_string(), "2027h1");
    for text in ["2026h2", "0000h1", "0012h1"] {
        assert_eq!(text.parse::<Shard>().expect(text).to_string(), text);
    }
    for text in ["", "2026", "2026h3", "2026h0", "2026h02", "26h1", "02026h1", "2026H1", "-026h1", "../h1"] {
        assert!(text.parse::<Shard>().is_err(), "{text}");
    }
}

#[derive(Clone, Debug)]
enum Event {
    Grow(u64),
    /// The disk takes so many more writes and then is full.
    Full(u64, u32),
    /// Power goes; files not synced survive, are cut, or are gone, as the seed says.
    Crash(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1_u64..300).prop_map(Event::Grow),
        2 => (1_u64..300, 0_u32..12).prop_map(|(by, writes)| Event::Full(by, writes)),
        3 => any::<u64>().prop_map(Event::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever happens to disk and process: every checkpoint that was ever readable is the beginning of the next one, every entry
    /// under it is proved, and the log goes on as soon as it can.
    #[test]
    fn what_was_published_stays_through_crashes_and_full_disks(events in prop::collection::vec(event(), 1..14)) {
        let files = Arc::new(Memory::default());
        let (mut writer, mut size) = (Some(open(&files).expect("new")), 0);
        let mut seen = crate::checkpoint::Checkpoint { origin: String::new(), size: 0, root: Sha256::empty() };
        for event in events {
            match event {
                Event::Grow(by) => {
                    let mut open = match writer.take() { Some(open) => open, None => open(&files).expect("reopened") };
                    size = (size.max(open.size()) + by).min(700);
                    grow(&mut open, size).expect("written");
                    prop_assert_eq!(open.published(), size);
                    writer = Some(open);
                }
                Event::Full(by, writes) => {
                    let mut open = match writer.take() { Some(open) => open, None => open(&files).expect("reopened") };
                    files.full_after(Some(writes));
                    // The journal keeps what is appended: it will come again.
                    size = (size.max(open.size()) + by).min(700);
                    if let Err(error) = grow(&mut open, size) {
                        prop_assert_eq!(error.code(), Code::C1715);
                    }
                    files.full_after(None);
                    // As the one who follows the journal does after any error.
                    drop(open);
                }
                Event::Crash(seed) => {
                    writer = None;
                    files.crash(seed);
                }
            }
            let Some(now) = sound::<Sha256>(&files) else { continue };
            prop_assert!(now.size >= seen.size, "a checkpoint was taken back");
            let proof = reader(&files).consistency::<Sha256>(seen.size, now.size).expect("readable");
            prop_assert_eq!(
                check_consistency::<Sha256>(seen.size, now.size, &proof, &seen.root, &now.root), Ok(())
            );
            seen = now;
        }
        let mut writer = match writer { Some(writer) => writer, None => open(&files).expect("reopened") };
        let last = writer.size().max(size) + 1;
        grow(&mut writer, last).expect("written");
        prop_assert_eq!(sound::<Sha256>(&files).expect("published").size, last);
        prop_assert_eq!(sound::<Sm3>(&files).expect("published").size, last);
    }
}
