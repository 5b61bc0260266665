//! Tampering and torn tails: a prefix is recovered, or the start is refused; nothing in between.

use super::*;
use crate::frame::HEADER_BYTES;

/// A journal of several segments, each record durable before the next.
fn sample() -> (MemoryDisk, Vec<u64>) {
    let disk = MemoryDisk::new();
    let journal = open(&disk).expect("sound");
    let numbers: Vec<u64> = (1..=25).collect();
    for n in &numbers {
        journal.append_durable(&entry(*n)).expect("serving").wait().expect("durable");
    }
    journal.close();
    (disk, numbers)
}

/// The same, but the last segment's records were one group that no later record proves durable.
fn grouped() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let options = Options { segment_bytes: 1 << 16, ..options() };
    let journal = Journal::open_on(Arc::new(disk.clone()), options, clock()).expect("sound");
    disk.hold_syncs();
    let waiting: Vec<_> = (1..=30).map(|n| journal.append_durable(&entry(n)).expect("serving")).collect();
    disk.release_syncs();
    for durable in waiting {
        durable.wait().expect("durable");
    }
    journal.close();
    disk
}

#[test]
fn the_last_segment_cut_at_any_byte_recovers_a_prefix() {
    let (disk, all) = sample();
    let last = segment_names(&disk).pop().expect("segments");
    let mut recovered = Vec::new();
    for length in 0..=disk.length(&last) {
        let cut = disk.killed();
        cut.tamper(&last, |bytes| bytes.truncate(length));
        let journal = open(&cut).unwrap_or_else(|error| panic!("{length}: {error}"));
        journal.append_durable(&entry(99)).expect("serving").wait().expect("durable");
        journal.close();
        let mut found = numbers(&cut);
        assert_eq!(found.pop(), Some(99));
        assert!(all.starts_with(&found), "{length}: {found:?}");
        recovered.push(found.len());
    }
    assert!(recovered.is_sorted(), "a longer file recovers no less");
    assert_eq!(recovered.last(), Some(&all.len()));
}

#[test]
fn an_earlier_segment_cut_anywhere_is_refused() {
    let (disk, _) = sample();
    let names = segment_names(&disk);
    assert!(names.len() > 2);
    for name in &names[..names.len() - 1] {
        for length in 0..disk.length(name) {
            let cut = disk.killed();
            cut.tamper(name, |bytes| bytes.truncate(length));
            assert!(matches!(open(&cut), Err(JournalError::Damaged { .. })), "{name} {length}");
        }
        let gone = disk.killed();
        gone.remove(name).expect("there");
        assert!(matches!(open(&gone), Err(JournalError::Damaged { .. })), "{name} removed");
    }
}

/// Flips every byte in turn; returns how many were cut off rather than refused.
fn flip_each(disk: &MemoryDisk, tail_from: usize) -> usize {
    let before = contents(disk).expect("sound");
    let last = segment_names(disk).pop().expect("segments");
    let mut cuts = 0;
    for name in segment_names(disk) {
        for at in 0..disk.length(&name) {
            for flip in [0x01, 0x80, 0xff] {
                let bad = disk.killed();
                bad.tamper(&name, |bytes| bytes[at] ^= flip);
                match open(&bad) {
                    Err(JournalError::Damaged { file, .. }) => assert_eq!(file, name),
                    Err(error) => panic!("{name} {at}: {error}"),
                    Ok(journal) => {
                        // A start believes the manifest of a closed segment; what reads it does not.
                        if name != last
                            && let Err(JournalError::Damaged { file, .. }) = journal.check_closed()
                        {
                            assert_eq!(file, name);
                            assert!(matches!(journal.health(), crate::Health::Failed(_)));
                            continue;
                        }
                        journal.close();
                        assert!(name == last && at >= tail_from, "{name} {at} {flip} was not noticed");
                        let found = contents(&bad).expect("sound");
                        assert_eq!(found[..found.len() - 1], before[..before.len() - 1]);
                        cuts += 1;
                    }
                }
            }
        }
    }
    cuts
}

fn last_frame_offset(disk: &MemoryDisk) -> usize {
    let name = segment_names(disk).pop().expect("segments");
    let (mut at, mut bytes) = (HEADER_BYTES, Vec::new());
    disk.killed().tamper(&name, |content| bytes.clone_from(content));
    while let Ok(frame) = crate::frame::parse(&bytes[at..]) {
        if at + frame.len() == bytes.len() {
            break;
        }
        at += frame.len();
    }
    at
}

#[test]
fn one_flipped_byte_is_refused_or_in_the_last_frame_cut() {
    let (disk, _) = sample();
    assert!(flip_each(&disk, last_frame_offset(&disk)) > 0);
    let disk = grouped();
    assert!(flip_each(&disk, last_frame_offset(&disk)) > 0);
}

/// A hole of unwritten sectors is a torn write unless a later record proves that the lost one was durable.
#[test]
fn a_hole_is_torn_in_an_unproven_group_and_damage_in_a_proven_one() {
    let zero = |disk: &MemoryDisk, from: usize| {
        let name = segment_names(disk).pop().expect("segments");
        let bad = disk.killed();
        bad.tamper(&name, |bytes| bytes[from..from + 512].fill(0));
        bad
    };
    let torn = zero(&grouped(), 512);
    let journal = open(&torn).expect("a torn tail");
    assert!(journal.torn_tail().is_some_and(|torn| torn.bytes > 512));
    journal.close();
    assert!(!numbers(&torn).is_empty());

    let disk = MemoryDisk::new();
    let options = Options { segment_bytes: 1 << 16, ..options() };
    let journal = Journal::open_on(Arc::new(disk.clone()), options, clock()).expect("sound");
    for n in 1..=30 {
        journal.append_durable(&entry(n)).expect("serving").wait().expect("durable");
    }
    journal.close();
    let Err(JournalError::Damaged { found, .. }) = open(&zero(&disk, 512)) else { panic!("damage") };
    assert!(found.contains("proves"), "{found}");
}

#[test]
fn repeated_swapped_and_foreign_records_are_refused() {
    let (disk, _) = sample();
    let names = segment_names(&disk);
    let first =
        HEADER_BYTES + crate::frame::parse(&bytes_of(&disk, &names[0])[HEADER_BYTES..]).expect("boot").len();
    let second = first + crate::frame::parse(&bytes_of(&disk, &names[0])[first..]).expect("a record").len();
    let doubled = disk.killed();
    doubled.tamper(&names[0], |bytes| {
        let frame = bytes[first..second].to_vec();
        bytes.splice(second..second, frame);
    });
    assert!(matches!(open(&doubled), Err(JournalError::Damaged { .. })));
    let swapped = disk.killed();
    let other = bytes_of(&disk, &names[1]);
    swapped.tamper(&names[0], |bytes| *bytes = other);
    assert!(matches!(open(&swapped), Err(JournalError::Damaged { .. })));
}

fn bytes_of(disk: &MemoryDisk, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    disk.killed().tamper(name, |bytes| out.clone_from(bytes));
    out
}

#[test]
fn a_tail_longer_than_what_can_be_unwritten_is_damage_and_noise_is_nothing() {
    let (disk, _) = sample();
    let last = segment_names(&disk).pop().expect("segments");
    // Whatever the noise, it has no sector of zeros: it was written over, and no append was interrupted there.
    let noise =
        |length: usize| (0..length).map(|at| u8::try_from(at % 251 + 1).expect("small")).collect::<Vec<_>>();
    let appended = disk.killed();
    appended.tamper(&last, |bytes| bytes.extend(noise(4_096)));
    assert!(matches!(open(&appended), Err(JournalError::Damaged { .. })));
    let alone = MemoryDisk::new();
    alone.create(&last, 0).expect("made");
    alone.tamper(&last, |bytes| bytes.extend(noise(4_096)));
    assert!(crate::verify_on(&alone).is_err(), "nothing of it can be read");
}
