//! The projector follows a live journal, survives being stopped anywhere, and refuses a journal that is not its own.

use shuzha_core::Id;
use shuzha_core::clock::ManualClock;
use shuzha_evidence::{Decision, Entry};
use shuzha_journal::disk::memory::MemoryDisk;

use std::sync::Arc;

use super::*;
use crate::reduce::tests::{closing, intent};

fn journal(disk: &MemoryDisk) -> Journal {
    let node = Id::new("gate-1").expect("well-formed");
    let options =
        shuzha_journal::Options { free_bytes_min: 0, ..shuzha_journal::Options::new("", node, "0.1.0") };
    Journal::open_on(Arc::new(disk.clone()), options, Arc::new(ManualClock::default())).expect("opens")
}

fn options() -> Options {
    Options { interval: Duration::from_millis(1), batch_records_max: 7 }
}

/// Appends `count` calls, each an intent and its record.
fn serve(journal: &Journal, numbers: std::ops::Range<u8>) {
    for number in numbers {
        journal.append(&Entry::Intent(intent(number))).expect("serving");
        journal
            .append_durable(&closing(number, Decision::Answered))
            .expect("serving")
            .wait()
            .expect("durable");
    }
}

fn expected(journal: &Journal) -> State {
    let mut state = State::default();
    state.replay(journal.reader(1).expect("reads"), &mut Changes::default()).expect("sound");
    state
}

#[test]
fn it_follows_and_drains_and_goes_on_after_a_restart() {
    let (disk, store) = (MemoryDisk::new(), Store::in_memory().expect("opens"));
    for round in 0..3_u8 {
        let journal = journal(&disk);
        let projector = options().build(store.clone(), journal.clone()).expect("builds");
        let handle = projector.watch();
        std::thread::scope(|scope| {
            let running = scope.spawn(|| projector.run());
            serve(&journal, round * 50 + 1..round * 50 + 50);
            handle.drain();
            running.join().expect("does not panic").expect("projects");
        });
        assert_eq!(handle.reached(), journal.durable_seq());
        assert_eq!(store.load_state().expect("loads"), expected(&journal));
        journal.close();
    }
}

#[test]
fn it_ends_with_the_journal() {
    let (disk, store) = (MemoryDisk::new(), Store::in_memory().expect("opens"));
    let journal = journal(&disk);
    let projector = options().build(store.clone(), journal.clone()).expect("builds");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| projector.run());
        serve(&journal, 1..20);
        journal.close();
        running.join().expect("does not panic").expect("projects");
    });
    assert_eq!(store.load_state().expect("loads").reached.seq, journal.durable_seq());
}

#[test]
fn a_journal_that_lost_its_end_is_refused() {
    let store = Store::in_memory().expect("opens");
    let longer = journal(&MemoryDisk::new());
    serve(&longer, 1..20);
    let projector = options().build(store.clone(), longer.clone()).expect("builds");
    longer.close();
    projector.run().expect("projects");
    let shorter = journal(&MemoryDisk::new());
    let refused = options().build(store, shorter).map(|_| ());
    assert!(matches!(refused, Err(StoreError::JournalEndsEarly { reached: 39, journal: 1 })));
}

/// A backup or an inspection holds the database for longer than a statement waits: the projection says so, and goes on by itself
/// when it is let go.
#[test]
fn a_database_that_was_locked_is_projected_into_afterwards() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shuzha.db");
    let store = Store::open(&path).expect("opens");
    let journal = journal(&MemoryDisk::new());
    let projector = options().build(store.clone(), journal.clone()).expect("builds");
    let watch = projector.watch();
    let other = rusqlite::Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("nobody writes");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| projector.run());
        serve(&journal, 1..20);
        let seen = |what: fn(&Watch) -> bool| {
            while !what(&watch) {
                assert!(!running.is_finished(), "it has ended");
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        seen(|watch| watch.fault().is_some());
        assert!(watch.lag() > 0 && watch.behind() > Duration::ZERO);
        other.execute_batch("ROLLBACK").expect("ours");
        seen(|watch| watch.lag() == 0);
        assert_eq!(watch.fault(), None);
        watch.drain();
        running.join().expect("does not panic").expect("projects");
    });
    assert_eq!(store.load_state().expect("loads"), expected(&journal));
}
