//! A disk that fails or fills: nothing is promised that is not kept, and only a lack of space heals by itself.

use std::time::Duration;

use super::*;
use crate::disk::memory::Fault;
use crate::{Health, Unavailable};

/// Whatever the n-th operation does, every record promised durable is there afterwards, and the journal stays failed.
#[test]
fn any_failing_operation_poisons_and_keeps_what_was_promised() {
    for operations in 0..24 {
        for fault in [Fault::Before, Fault::Half, Fault::After] {
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
