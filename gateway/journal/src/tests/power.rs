//! Kills and power cuts: what was promised durable is there, whatever the disk kept of the rest.

use shuzha_testkit::Seeded;

use super::*;

/// Appends for a while, then cuts the power at an arbitrary moment; again and again on what is left. Says what was
/// promised and is lost.
fn run(seed: u64, lying: bool) -> Result<(), String> {
    let rng = Seeded::new(seed);
    let mut disk = MemoryDisk::new();
    let mut promised = Vec::new();
    let mut appended = 0;
    for _ in 0..6 {
        let journal = open(&disk).map_err(|error| error.to_string())?;
        if lying {
            disk.dangerous_lie_about_syncs();
        }
        let mut waiting = Vec::new();
        for _ in 0..rng.below(60) {
            appended += 1;
            if rng.below(3) == 0 {
                journal.append(&entry(appended)).expect("serving");
            } else {
                waiting.push((appended, journal.append_durable(&entry(appended)).expect("serving")));
            }
            match rng.below(8) {
                0 => disk.hold_syncs(),
                1 => disk.release_syncs(),
                2 => {
                    disk.release_syncs();
                    for (number, durable) in waiting.drain(..) {
                        durable.wait().expect("durable");
                        promised.push(number);
                    }
                }
                _ => {}
            }
        }
        let after = if rng.below(4) == 0 { disk.killed() } else { disk.cut_power(|| rng.u64()) };
        disk.release_syncs();
        drop(journal);
        disk = after;
    }
    open(&disk).map_err(|error| error.to_string())?.close();
    let found = numbers(&disk);
    assert!(found.is_sorted());
    match promised.iter().find(|number| found.binary_search(number).is_err()) {
        None => Ok(()),
        Some(number) => Err(format!("{number} was promised and is lost")),
    }
}

#[test]
fn what_was_promised_survives_power_cuts() {
    for seed in 0..400 {
        run(seed, false).unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
    }
}

/// The property above can fail: a disk that lies about its syncs is caught, for nearly every seed.
#[test]
fn a_disk_that_lies_about_syncs_is_caught() {
    let caught = (0..40).filter(|seed| run(*seed, true).is_err()).count();
    assert!(caught > 30, "{caught} of 40");
}

/// A power cut within the start itself, before the new epoch's first record is durable.
#[test]
fn a_cut_during_the_start_leaves_a_journal_that_starts() {
    for operations in 0..4 {
        for fault in [crate::disk::memory::DiskFault::Before, crate::disk::memory::DiskFault::Half] {
            let disk = MemoryDisk::new();
            let journal = open(&disk).expect("sound");
            journal.append_durable(&entry(1)).expect("serving").wait().expect("durable");
            drop(journal);
            disk.fail_after(operations, fault);
            let second = open(&disk);
            let after = disk.cut_power(|| 0);
            drop(second);
            open(&after).expect("starts after the cut").close();
            assert_eq!(numbers(&after), [1], "{operations} {fault:?}");
        }
    }
}
