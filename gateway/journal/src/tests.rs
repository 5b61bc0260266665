//! Tests of the journal as a whole: what callers see, and what is left after kills, power cuts, faults and tampering.

mod damage;
mod faults;
mod kill;
mod manifest;
mod power;
mod prune;
mod service;

use std::sync::Arc;

use shuzha_core::clock::ManualClock;
use shuzha_core::{Clock, Id, Timestamp};
use shuzha_evidence::{Act, ActKind, Entry, RefusalCount};

use crate::disk::Disk;
use crate::disk::memory::MemoryDisk;
use crate::{Journal, JournalError, Options, Position, read_on};

/// Small segments, so that every test rolls over.
const SEGMENT_BYTES: u64 = 700;

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(Timestamp::from_seconds(1_700_000_000)))
}

fn options() -> Options {
    let node = Id::new("gate-1").expect("well-formed");
    Options { segment_bytes: SEGMENT_BYTES, free_bytes_min: 0, ..Options::new("", node, "0.1.0") }
}

fn open(disk: &MemoryDisk) -> Result<Journal, JournalError> {
    Journal::open_on(Arc::new(disk.clone()), options(), clock())
}

/// An entry that can be told from every other by `number`.
fn entry(number: u64) -> Entry<'static> {
    let mut commitment = [0xa5; 16];
    commitment[..8].copy_from_slice(&number.to_be_bytes());
    let at = Timestamp::from_micros(0);
    Entry::Act(Act {
        at,
        kind: ActKind::Suspended,
        actor: "alice",
        object: "p",
        commitment: Some(commitment),
        target: "",
    })
}

/// The number of an entry made by [`entry`]; `None` for a boot.
fn number(entry: &Entry<'_>) -> Option<u64> {
    match entry {
        Entry::Act(act) => {
            let commitment = act.commitment.expect("entry() sets it");
            Some(u64::from_be_bytes(commitment[..8].try_into().expect("eight bytes")))
        }
        _ => None,
    }
}

/// Everything in the journal; panics when the sequence has a gap.
fn contents(disk: &MemoryDisk) -> Result<Vec<(Position, Option<u64>)>, JournalError> {
    let mut found = Vec::new();
    for record in read_on(Arc::new(disk.clone()), 1)? {
        let record = record?;
        assert_eq!(record.position.seq, found.len() as u64 + 1, "the sequence is gapless");
        found.push((record.position, number(&record.entry()?)));
    }
    Ok(found)
}

fn numbers(disk: &MemoryDisk) -> Vec<u64> {
    contents(disk).expect("sound").into_iter().filter_map(|(_, number)| number).collect()
}

fn segment_names(disk: &MemoryDisk) -> Vec<String> {
    let mut names = disk.list().expect("a directory in memory lists");
    names.retain(|name| !name.ends_with(".closed"));
    names.sort();
    names
}
