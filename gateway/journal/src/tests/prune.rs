//! Pruning: what is kept is as it was, what is gone is gone whole, whenever the process is killed.

use super::*;
use crate::disk::memory::DiskFault;

/// Three epochs over many segments; the numbers of their entries are 1 to 60.
fn written() -> (MemoryDisk, Vec<(Position, Option<u64>)>) {
    let disk = MemoryDisk::new();
    for epoch in 0..3 {
        let journal = open(&disk).expect("sound");
        for number in 1..=20 {
            journal.append_durable(&entry(epoch * 20 + number)).expect("serving").wait().expect("durable");
        }
    }
    let all = contents(&disk).expect("sound");
    (disk, all)
}

/// Everything that is left.
fn left(disk: &MemoryDisk) -> Vec<(Position, Option<u64>)> {
    let first = crate::segments::base_of(disk).expect("lists").seq + 1;
    let records = read_on(Arc::new(disk.clone()), first).expect("opens");
    let read = |record: crate::RawRecord| (record.position, number(&record.entry().expect("an entry")));
    records.map(|record| read(record.expect("whole"))).collect()
}

#[test]
fn h3_what_is_kept_is_as_it_was_at_every_place() {
    let (disk, all) = written();
    let last = all.last().expect("some").0.seq;
    let live = crate::segments::segments(&disk).expect("lists").last().expect("some").0;
    for through in 1..live {
        let disk = disk.killed();
        let journal = open(&disk).expect("sound");
        let boot = journal.durable_seq();
        assert_eq!(journal.first_seq().expect("lists"), 1);
        journal.prune(through).expect("prunes");
        journal.prune(through).expect("once more is no harm");
        assert_eq!((journal.first_seq().expect("lists"), boot), (through + 1, last + 1));
        // In the same process, and in the next.
        let mut reader = journal.reader(through + 1).expect("opens");
        let first = reader.next().expect("one").expect("whole");
        assert_eq!(first.position, all[usize::try_from(through).expect("small")].0);
        let gone = journal.reader(through).expect("opens").next().expect("an error");
        assert!(
            matches!(gone, Err(JournalError::Pruned { seq, first }) if seq == through && first == through + 1)
        );
        drop((journal, reader));
        let kept = left(&disk);
        assert_eq!(kept[..kept.len() - 1], all[usize::try_from(through).expect("small")..]);
        let summary = crate::verify_on(&disk).expect("whole");
        assert_eq!((summary.first, summary.last.seq), (kept[0].0, last + 1));
        let journal = open(&disk).expect("starts");
        assert_eq!(journal.durable_seq(), last + 2);
        drop(journal);
        // Nothing of what is gone is on the disk.
        let marker = |number: u64| {
            let mut commitment = vec![0xa5; 16];
            commitment[..8].copy_from_slice(&number.to_be_bytes());
            commitment
        };
        for (position, number) in &all {
            let Some(number) = number else { continue };
            let there = segment_names(&disk).iter().any(|name| {
                let mut held = Vec::new();
                disk.clone().tamper(name, |bytes| held.clone_from(bytes));
                held.windows(16).any(|window| window == marker(*number))
            });
            assert_eq!(there, position.seq > through, "{position} after {through}");
        }
    }
}

#[test]
fn h3_the_segment_being_written_is_not_cut() {
    let (disk, _) = written();
    let journal = open(&disk).expect("sound");
    let free = journal.prunable_seq().expect("lists");
    for through in [free + 1, free + 100] {
        let refused = journal.prune(through);
        assert!(matches!(refused, Err(JournalError::InUse { seq }) if seq == through), "{refused:?}");
    }
    assert_eq!(journal.first_seq().expect("lists"), 1);
    journal.prune(free).expect("prunes");
    journal.append_durable(&entry(61)).expect("serving").wait().expect("durable");
    drop(journal);
    assert_eq!(left(&disk).len(), 2);
}

/// A disk that is killed after so many of its steps.
struct Killed {
    disk: MemoryDisk,
    left: std::sync::atomic::AtomicUsize,
}

impl Killed {
    fn step(&self) -> std::io::Result<()> {
        use std::sync::atomic::Ordering;
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| std::io::Error::other("killed"))
    }
}

impl Disk for Killed {
    fn list(&self) -> std::io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str, reserve: u64) -> std::io::Result<Arc<dyn crate::disk::DiskFile>> {
        self.step()?;
        self.disk.create(name, reserve)
    }

    fn open(&self, name: &str) -> std::io::Result<Arc<dyn crate::disk::DiskFile>> {
        self.disk.open(name)
    }

    fn remove(&self, name: &str) -> std::io::Result<()> {
        self.step()?;
        self.disk.remove(name)
    }

    fn free_bytes(&self) -> std::io::Result<u64> {
        self.disk.free_bytes()
    }
}

#[test]
fn h3_killed_anywhere_it_is_all_there_or_all_gone() {
    let (disk, all) = written();
    let mut outcomes = (0, 0);
    for through in [7, 23, 24, 40] {
        for steps in 0..40 {
            for fault in
                [None, Some((0, DiskFault::Half)), Some((1, DiskFault::Before)), Some((2, DiskFault::Half))]
            {
                let disk = disk.killed();
                if let Some((operations, fault)) = fault {
                    disk.fail_after(operations, fault);
                }
                let killed = Killed { disk: disk.clone(), left: steps.into() };
                let done = crate::prune::prune(&killed, through);
                let disk = disk.cut_power(|| 0);
                let (before, kept) = (crate::segments::base_of(&disk).expect("lists").seq, left(&disk));
                assert!(before == 0 || before == through, "{before} of {through} after {steps}");
                assert!(done.is_err() || before == through);
                let from = usize::try_from(before).expect("small");
                assert_eq!(kept, all[from..], "{through} after {steps}, {fault:?}");
                crate::verify_on(&disk).expect("whole");
                // The next start sweeps, and the next attempt succeeds.
                let journal = open(&disk).expect("starts");
                journal.prune(through).expect("prunes");
                drop(journal);
                assert_eq!(left(&disk).len(), all.len() + 1 - usize::try_from(through).expect("small"));
                let strange = segment_names(&disk).into_iter().filter(|name| name.ends_with(".cut")).count();
                assert!(strange <= 1);
                if before == 0 { outcomes.0 += 1 } else { outcomes.1 += 1 }
            }
        }
    }
    assert!(outcomes.0 > 20 && outcomes.1 > 20, "{outcomes:?}");
}
