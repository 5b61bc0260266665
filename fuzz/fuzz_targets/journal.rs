//! A segment's file of any content: recovery cuts its tail or refuses it, and a journal that opens reads whole.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use shuzha_core::clock::ManualClock;
use shuzha_core::{Id, Timestamp};
use shuzha_journal::disk::Disk;
use shuzha_journal::disk::memory::MemoryDisk;
use shuzha_journal::{Journal, Options};

fn open(disk: &MemoryDisk) -> Option<Journal> {
    let mut options = Options::new("", Id::new("fuzz").expect("a name"), "fuzz");
    options.free_bytes_min = 0;
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_780_000_000)));
    Journal::open_on(Arc::new(disk.clone()), options, clock).ok()
}

fuzz_target!(|bytes: &[u8]| {
    let disk = MemoryDisk::new();
    drop(open(&disk).expect("an empty journal opens"));
    let disk = disk.killed();
    let name = disk.list().expect("a listing").pop().expect("a segment");
    let split = bytes.first().map_or(0, |byte| usize::from(*byte));
    disk.tamper(&name, |content| {
        content.truncate(content.len().saturating_sub(split));
        content.extend_from_slice(bytes);
    });
    if let Some(journal) = open(&disk) {
        for record in journal.reader(1).expect("readable") {
            let _ = record.expect("what recovery kept is intact").entry();
        }
    }
});
