//! What callers see of a journal that works: positions, durability, order, locking, tailing, limits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::disk::DiskFile;
use crate::{Health, Unavailable, read, verify, verify_on};

#[test]
fn positions_go_on_over_restarts_and_everything_reads_back() {
    let disk = MemoryDisk::new();
    let mut expected = Vec::new();
    for epoch in 1..=4 {
        let journal = open(&disk).expect("sound");
        expected.push((Position { epoch, seq: expected.len() as u64 + 1 }, None));
        for _ in 0..17 {
            let seq = expected.len() as u64 + 1;
            let durable = journal.append_durable(&entry(seq)).expect("serving");
            assert_eq!(durable.position(), Position { epoch, seq });
            assert_eq!(durable.wait(), Ok(Position { epoch, seq }));
            assert!(journal.durable_seq() >= seq);
            expected.push((Position { epoch, seq }, Some(seq)));
        }
        journal.close();
        assert_eq!(journal.append(&entry(0)), Err(Unavailable::Closed));
        assert_eq!(journal.health(), Health::Closed);
    }
    assert_eq!(contents(&disk).expect("sound"), expected);
    assert!(segment_names(&disk).len() > 4, "segments rolled");
    let summary = verify_on(&disk).expect("sound");
    assert_eq!((summary.first.to_string(), summary.last.to_string()), ("1.1".into(), "4.72".into()));
    assert_eq!((summary.kinds["boot"], summary.kinds["act"], summary.torn), (4, 68, None));
    let later: Vec<_> =
        read_on(Arc::new(disk), 50).expect("sound").map(|r| r.expect("sound").position.seq).collect();
    assert_eq!(later, (50..=72).collect::<Vec<_>>());
}

#[test]
fn a_directory_on_disk_has_one_writer_at_a_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let options = || Options { dir: dir.path().join("j"), ..options() };
    let first = Journal::open(options(), clock()).expect("sound");
    assert!(matches!(Journal::open(options(), clock()), Err(JournalError::Locked(_))));
    assert!(verify(&options().dir).is_ok(), "readers need no lock");

    let released = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            first.append_durable(&entry(7)).expect("serving").wait().expect("durable");
            released.store(true, Ordering::SeqCst);
            first.close();
        });
        let second = Journal::open_wait(options(), clock(), Duration::from_secs(60)).expect("released");
        assert!(released.load(Ordering::SeqCst));
        assert_eq!(second.durable_seq(), 3, "boot, the entry, boot");
    });
    let records: Vec<_> =
        read(&options().dir, 0).expect("sound").map(|r| r.expect("sound").position).collect();
    assert_eq!(records.last(), Some(&Position { epoch: 2, seq: 3 }));
}

#[test]
fn a_journal_of_another_node_is_refused() {
    let disk = MemoryDisk::new();
    open(&disk).expect("sound").close();
    let other = Options { node: Id::new("gate-2").expect("well-formed"), ..options() };
    let refused = Journal::open_on(Arc::new(disk), other, clock());
    assert!(matches!(refused, Err(JournalError::WrongNode { .. })));
}

#[test]
fn one_sync_serves_everyone_who_waits() {
    let disk = MemoryDisk::new();
    let options = Options { segment_bytes: 1 << 20, ..options() };
    let journal = Journal::open_on(Arc::new(disk.clone()), options, clock()).expect("sound");
    disk.hold_syncs();
    let waiting: Vec<_> = (0..500).map(|n| journal.append_durable(&entry(n)).expect("serving")).collect();
    assert_eq!(journal.durable_seq(), 1, "nothing is durable before a sync");
    let name = segment_names(&disk).remove(0);
    let mut frame = vec![0; crate::frame::FRAME_HEAD_BYTES];
    entry(0).salted_into(&[0; 16], &mut frame).expect("short names");
    while disk.length(&name) < 500 * frame.len() {
        std::thread::yield_now();
    }
    disk.release_syncs();
    for durable in waiting {
        durable.wait().expect("durable");
    }
    // One at the start, the one that was held, and one for everything that was written meanwhile.
    assert!(disk.syncs() <= 3, "{} syncs", disk.syncs());
}

#[test]
fn a_record_nobody_waits_for_becomes_durable_soon() {
    let disk = MemoryDisk::new();
    let journal = open(&disk).expect("sound");
    let position = journal.append(&entry(1)).expect("serving");
    assert_eq!(journal.wait_durable_beyond(position.seq - 1, Duration::from_secs(60)), position.seq);
}

#[test]
fn more_than_the_queue_holds_is_refused_and_nothing_is_lost() {
    let disk = MemoryDisk::new();
    let options = Options { queue_records_max: 8, ..options() };
    let journal = Journal::open_on(Arc::new(disk.clone()), options, clock()).expect("sound");
    disk.hold_syncs();
    let waiting: Vec<_> = (0..8).map(|n| journal.append_durable(&entry(n)).expect("room")).collect();
    assert_eq!(journal.append(&entry(8)), Err(Unavailable::Busy));
    assert_eq!(journal.health(), Health::Serving);
    disk.release_syncs();
    for durable in waiting {
        durable.wait().expect("durable");
    }
    journal.append_durable(&entry(9)).expect("room again").wait().expect("durable");
    assert_eq!(numbers(&disk), [0, 1, 2, 3, 4, 5, 6, 7, 9]);
}

#[test]
fn an_entry_that_is_too_large_is_refused_alone() {
    let disk = MemoryDisk::new();
    let journal = open(&disk).expect("sound");
    let name = "n".repeat(29);
    let Entry::Act(act) = entry(1) else { unreachable!("entry() makes acts") };
    let long = Entry::Act(Act { object: &name, ..act });
    assert_eq!(journal.append(&long), Err(Unavailable::TooLarge));
    assert_eq!(journal.append(&entry(2)).map(|position| position.seq), Ok(2), "no sequence was used up");
}

#[test]
fn a_reader_follows_a_live_journal_over_segments() {
    let disk = MemoryDisk::new();
    let journal = open(&disk).expect("sound");
    let mut reader = journal.reader(1).expect("sound");
    let mut seen = 0;
    for round in 0..40 {
        for n in 0..=round % 7 {
            journal.append_durable(&entry(n)).expect("serving").wait().expect("durable");
        }
        for record in reader.by_ref() {
            seen += 1;
            assert_eq!(record.expect("sound").position.seq, seen);
        }
        assert_eq!(seen, journal.durable_seq());
    }
}

#[test]
fn a_bounded_reader_gives_only_what_is_durable() {
    let disk = MemoryDisk::new();
    let journal = open(&disk).expect("sound");
    let mut reader = journal.reader(1).expect("sound");
    disk.hold_syncs();
    let durable = journal.append_durable(&entry(1)).expect("serving");
    let written = || disk.open(&segment_names(&disk)[0]).and_then(|file: Arc<dyn DiskFile>| file.length());
    let before = written().expect("there");
    while written().expect("there") == before {
        std::thread::yield_now();
    }
    assert_eq!(reader.by_ref().count(), 1, "the boot entry; the other is written and not durable");
    disk.release_syncs();
    durable.wait().expect("durable");
    assert_eq!(reader.next().expect("one more").expect("sound").position.seq, 2);
}

#[test]
fn many_threads_get_distinct_positions_and_all_is_there() {
    let disk = MemoryDisk::new();
    let journal = open(&disk).expect("sound");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..200 {
                    journal
                        .append_durable(&entry(thread * 1_000 + n))
                        .expect("serving")
                        .wait()
                        .expect("durable");
                }
            });
        }
    });
    let mut found = numbers(&disk);
    found.sort_unstable();
    let expected: Vec<u64> = (0..8).flat_map(|thread| (0..200).map(move |n| thread * 1_000 + n)).collect();
    assert_eq!(found, expected);
}

/// Boots, what is waited for, what is not, and what was owed while the disk was full: no record is written without a salt, and
/// none with another's.
#[test]
fn every_record_has_a_salt_of_its_own() {
    let disk = MemoryDisk::new();
    for _ in 0..3 {
        let journal = open(&disk).expect("sound");
        for n in 0..200 {
            journal.append(&entry(1)).expect("serving");
            journal.note(&entry(n)).expect("serving");
        }
        journal.append_durable(&entry(1)).expect("serving").wait().expect("durable");
        journal.close();
    }
    let (mut salts, mut count) = (std::collections::BTreeSet::new(), 0);
    for record in read_on(Arc::new(disk), 1).expect("reads") {
        let record = record.expect("whole");
        let (_, salt) = Entry::decode_salted(&record.bytes).expect("an entry");
        salts.insert(salt.expect("every record has one"));
        count += 1;
    }
    assert_eq!((salts.len(), count), (3 * 402, 3 * 402));
}
