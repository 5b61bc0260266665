//! A disk that fails or fills: nothing is promised that is not kept, and only a lack of space heals by itself.

use std::time::Duration;

use super::*;
use crate::disk::memory::DiskFault;
use crate::{Health, Unavailable};

/// Whatever the n-th operation does, every record promised durable is there afterwards, and the journal stays failed.
#[test]
fn any_failing_operation_poisons_and_keeps_what_was_promised() {
    for operations in 0..24 {
        for fault in [DiskFault::Before, DiskFault::Half, DiskFault::After] {
            let disk = MemoryDisk::new();
            let journal = open(&disk).expect("sound");
            disk.fail_after(operations, fault);
            let mut promised = Vec::new();
            let mut failed = false;
            for n in 0..40 {
                let outcome = journal.append_durable(&entry(n)).and_then(crate::Durable::wait);
                match outcome {
                    Ok(_) => {
                        assert!(!failed, "{operations} {fault:?}: served after a failure");
                        promised.push(n);
                    }
                    Err(error) => {
                        assert_eq!(error, Unavailable::Failed);
                        failed = true;
                    }
                }
            }
            assert!(failed, "{operations} {fault:?}: the fault was met");
            assert!(matches!(journal.health(), Health::Failed(_)));
            drop(journal);
            let after = disk.cut_power(|| 0);
            open(&after).expect("recovers").close();
            let found = numbers(&after);
            assert!(found.starts_with(&promised), "{operations} {fault:?}: {found:?} {promised:?}");
        }
    }
}

/// The file system fills at every possible length of the journal, and has space again.
#[test]
fn a_full_disk_refuses_and_recovers_without_a_gap() {
    for room in (0..1_200).step_by(31) {
        let disk = MemoryDisk::new();
        let journal = open(&disk).expect("sound");
        let used: u64 = segment_names(&disk).iter().map(|name| disk.length(name) as u64).sum();
        disk.set_capacity(Some(used + room));
        let mut kept = Vec::new();
        // All at once, so that a batch of several records is what tears.
        let waiting: Vec<_> = (0..20).map(|n| (n, journal.append_durable(&entry(n)))).collect();
        for (n, appended) in waiting {
            match appended.and_then(crate::Durable::wait) {
                Ok(_) => kept.push(n),
                Err(error) => assert_eq!(error, Unavailable::Full, "{room}"),
            }
        }
        let killed = disk.killed();
        open(&killed).expect("recovers").close();
        assert_eq!(numbers(&killed), kept, "{room}: what was refused has left no trace");
        assert!(kept.len() < 20, "{room}: it filled");
        disk.set_capacity(None);
        let again = loop {
            match journal.append_durable(&entry(100)).and_then(crate::Durable::wait) {
                Ok(position) => break position,
                Err(error) => assert_eq!(error, Unavailable::Full, "{room}"),
            }
            std::thread::yield_now();
        };
        assert_eq!(
            again.seq,
            kept.len() as u64 + 2,
            "{room}: the sequences of lost records were given out again"
        );
        kept.push(100);
        assert_eq!(numbers(&disk), kept, "{room}");
        let last = journal.append(&entry(101)).expect("serving").seq;
        assert_eq!(journal.wait_durable_beyond(last - 1, Duration::from_secs(60)), last);
    }
}

#[test]
fn less_free_space_than_demanded_refuses_before_anything_tears() {
    let disk = MemoryDisk::new();
    disk.set_capacity(Some(10_000));
    let options = Options { free_bytes_min: 50_000, ..options() };
    let journal = Journal::open_on(Arc::new(disk.clone()), options, clock()).expect("sound");
    assert_eq!(journal.append(&entry(1)), Err(Unavailable::Full));
    assert_eq!(journal.health(), Health::Full);
    disk.set_capacity(None);
    while journal.append(&entry(2)).is_err() {
        std::thread::yield_now();
    }
    assert_eq!(journal.health(), Health::Serving);
}

fn act(kind: ActKind, object: &'static str) -> Entry<'static> {
    let at = Timestamp::from_micros(0);
    Entry::Act(Act { at, kind, actor: "gateway", object, commitment: None, target: "" })
}

fn objects(disk: &MemoryDisk) -> Vec<String> {
    let record = |record: Result<crate::RawRecord, JournalError>| match record.expect("sound").entry() {
        Ok(Entry::Act(act)) => Some(act.object.to_owned()),
        _ => None,
    };
    read_on(Arc::new(disk.clone()), 1).expect("read").filter_map(record).collect()
}

fn until(what: impl Fn() -> bool) {
    let begun = crate::monotonic::monotonic();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it happens in time");
        std::thread::yield_now();
    }
}

/// Logic M12: a stop that nobody waits for was taken back with its batch, and nobody knew; after a restart it was forgotten.
#[test]
fn a_stop_that_nobody_waits_for_is_written_once_there_is_room() {
    let disk = MemoryDisk::new();
    let journal = open(&disk).expect("sound");
    let used: u64 = segment_names(&disk).iter().map(|name| disk.length(name) as u64).sum();
    disk.set_capacity(Some(used + 10));
    journal.note(&act(ActKind::UseStopped, "taken-and-undone")).expect("there seems to be room");
    until(|| journal.health() == Health::Full);
    // Whether the disk is known to be full at this moment or is tried again: it is not lost.
    journal.note(&act(ActKind::Suspended, "on-a-full-disk")).expect("held");
    disk.set_capacity(None);
    let boot = 1;
    until(|| journal.durable_seq() == boot + 2);
    journal.close();
    assert_eq!(objects(&disk), ["taken-and-undone", "on-a-full-disk"], "each once, in their order");
    open(&disk).expect("without a gap").close();
}

/// The last room is for what takes something away: calls stop first, and counts of strangers before them.
#[test]
fn what_takes_something_away_is_written_when_calls_are_not() {
    let least = 50_000;
    let counted = || {
        let at = Timestamp::from_micros(0);
        Entry::RefusalCount(RefusalCount { at, code: shuzha_core::Code::C101, count: 7 })
    };
    let boot =
        || Entry::Boot(shuzha_evidence::Boot { at: Timestamp::from_micros(0), node: "n", version: "v" });
    // Journal and disk take some of it: what is free stays within these.
    for (free, [count, call, stop]) in [
        (150_000, [true; 3]),
        (90_000, [false, true, true]),
        (45_000, [false, false, true]),
        (20_000, [false; 3]),
    ] {
        let disk = MemoryDisk::new();
        disk.set_capacity(Some(free));
        let options = Options { free_bytes_min: least, ..options() };
        let journal = Journal::open_on(Arc::new(disk.clone()), options, clock()).expect("sound");
        assert_eq!(journal.append(&counted()).is_ok(), count, "{free}: a count");
        // Any entry that is no act will do for a call.
        let taken = journal.append_durable(&boot());
        assert_eq!(taken.is_ok(), call, "{free}: a call");
        let stopped =
            journal.append_durable(&act(ActKind::ConsentWithdrawn, "x")).and_then(crate::Durable::wait);
        assert_eq!(stopped.is_ok(), stop, "{free}: a withdrawal");
    }
}
