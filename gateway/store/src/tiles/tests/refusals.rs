//! Logs that are not opened, or not written: another writer, another journal, a disk that refuses.

use super::*;

fn refused(bench: &Bench, journal: &Journal, seed: u8) -> Option<Code> {
    bench.options(seed).build(journal.clone()).err().map(|error| error.code())
}

#[test]
fn c1711_a_second_writer_is_refused() {
    let bench = Bench::new();
    let journal = bench.journal();
    let first = bench.options(1).build(journal.clone()).expect("free");
    assert_eq!(refused(&bench, &journal, 1), Some(Code::C1711));
    // A reader of the same process outlives the writer, as it does while a new process takes over.
    let (handle, _library) = (first.handle(), first.library());
    handle.drain();
    first.run();
    assert_eq!(refused(&bench, &journal, 1), None);
}

#[test]
fn c1712_c1714_another_log_and_another_journal_are_refused() {
    let bench = Bench::new();
    let journal = bench.journal();
    (0..5).for_each(|_| {
        bench.call(&journal);
    });
    bench.follow(&journal);
    assert_eq!(refused(&bench, &journal, 2), Some(Code::C1712));
    // A journal that was begun anew holds fewer records than the log, and then as many others.
    let other = bench.journal_in("other");
    assert_eq!(refused(&bench, &other, 1), Some(Code::C1714));
    (0..9).for_each(|_| {
        bench.call(&other);
    });
    assert_eq!(refused(&bench, &other, 1), Some(Code::C1714));
    assert_eq!(refused(&bench, &journal, 1), None);
}

/// The log cannot be written for a while: the journal goes on, the fault is told, and the log catches up by itself.
#[test]
fn c1715_a_log_that_cannot_be_written_catches_up() {
    let bench = Bench::new();
    let journal = bench.journal();
    bench.follow(&journal);
    // A file stands where a folder must be.
    let blocked = library_root(&bench).join("2026h1/sm3/tile");
    std::fs::rename(&blocked, bench.dir.path().join("kept")).expect("moved");
    std::fs::write(&blocked, "").expect("written");
    let follower = bench.options(1).build(journal.clone());
    let code = follower.err().map(|error| error.code());
    assert_eq!(code, Some(Code::C1713), "its tiles are gone");
    std::fs::remove_file(&blocked).expect("removed");
    std::fs::rename(bench.dir.path().join("kept"), &blocked).expect("moved");

    let follower = bench.options(1).build(journal.clone()).expect("own log");
    let (handle, library) = (follower.handle(), follower.library());
    let thread = std::thread::spawn(move || follower.run());
    let request = bench.call(&journal);
    wait_for(|| handle.reached() == journal.durable_seq());
    // A quiet hour is not one in which something waited.
    bench.clock.advance(Duration::from_secs(3_600));
    wait_for(|| handle.overdue(bench.clock.now(), u64::MAX) == Duration::ZERO);
    let full = library_root(&bench).join("2026h1/tile/entries");
    std::fs::rename(&full, bench.dir.path().join("kept")).expect("moved");
    std::fs::write(&full, "").expect("written");
    let late = bench.call(&journal);
    wait_for(|| handle.fault().is_some());
    assert!(handle.reached() < journal.durable_seq());
    bench.clock.advance(Duration::from_secs(7));
    assert!(handle.overdue(bench.clock.now(), journal.durable_seq()) >= Duration::from_secs(7));
    let past = Timestamp::from_micros(0);
    assert_eq!(handle.overdue(past, journal.durable_seq()), Duration::ZERO, "the clock went back");
    std::fs::remove_file(&full).expect("removed");
    std::fs::rename(bench.dir.path().join("kept"), &full).expect("moved");
    wait_for(|| handle.reached() == journal.durable_seq());
    assert_eq!(handle.fault(), None);
    assert_eq!(handle.overdue(bench.clock.now(), journal.durable_seq()), Duration::ZERO);
    for request in [request, late] {
        let found = library.call(&request).expect("readable").expect("published");
        assert!(checks::<Sha256>(&library, &found));
    }
    handle.drain();
    thread.join().expect("it ends");
}
