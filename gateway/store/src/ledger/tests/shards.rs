//! A month derived anew from a real journal on several shards, each of which reads segments of its own.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use shuzha_core::clock::ManualClock;
use shuzha_journal::{Journal, Options};

use super::super::gather::Gathered;
use super::*;

/// Records of the month, over many small segments.
const CALLS: u64 = 3_000;

fn written(dir: &Path) -> u64 {
    let options = Options { segment_bytes: 32 << 10, ..Options::new(dir, id("gate-1"), "1") };
    let clock = Arc::new(ManualClock::at(entries::at(0)));
    let journal = Journal::open(options, clock).unwrap();
    for number in 0..CALLS {
        let unit = usize::try_from(number * 7 % 3).unwrap();
        let minute = i64::try_from(number * 13 % 600).unwrap();
        // Every eleventh is refused, and in no sum.
        let mut call = answer(unit, minute, 67);
        if number % 11 == 0 {
            call = Call { decision: Decision::Refused, amount: MicroYuan::ZERO, ..call };
        }
        journal.append(&Entry::Call(Box::new(call))).unwrap();
    }
    let last = journal.append_durable(&Entry::Call(Box::new(answer(0, 599, 67)))).unwrap();
    let last = last.wait().unwrap().seq;
    journal.close();
    last
}

/// What a shard gathers: the records after `from`, up to `until`, read from the journal's files.
fn shard(dir: &Path, from: u64, until: u64) -> Gathered {
    let before = from.checked_sub(1).map(|before| shuzha_journal::read(dir, before.max(1)).unwrap().next());
    let after = match before.flatten() {
        Some(record) if from > 0 => {
            let position = record.unwrap().position;
            Position { seq: from, ..position }
        }
        _ => Position::default(),
    };
    let mut gathered = Gathered::after(after, None);
    let count = usize::try_from(until - from).unwrap();
    for record in shuzha_journal::read(dir, from + 1).unwrap().take(count) {
        gathered.add(&record.unwrap()).unwrap();
    }
    gathered
}

/// The month on so many shards, each on a thread of its own, in books of its own.
fn derived(dir: &Path, last: u64, shards: u64) -> Books {
    let bounds: Vec<(u64, u64)> =
        (0..shards).map(|at| (last * at / shards, last * (at + 1) / shards)).collect();
    let gathered: Vec<Gathered> = thread::scope(|scope| {
        let running: Vec<_> =
            bounds.iter().map(|&(from, until)| scope.spawn(move || shard(dir, from, until))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let books = Books::open(&dir.join(format!("books-{shards}.db"))).unwrap();
    for (one, (_, until)) in gathered.into_iter().zip(bounds) {
        books.gather(one).unwrap();
        assert_eq!(books.reached().unwrap().seq, until);
    }
    books
}

#[test]
fn r12_g3_one_two_and_eight_shards_of_a_journal_give_one_digest() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let last = written(&journal);
    let segments = std::fs::read_dir(&journal).unwrap().count();
    assert!(segments >= 8, "{segments} segments: too few to read apart");
    let digests: Vec<_> = [1, 2, 8]
        .into_iter()
        .map(|shards| {
            let books = derived(&journal, last, shards);
            let period = close_month(&books, month(MONTH));
            let calls: u64 = books.lines(month(MONTH)).unwrap().iter().map(|line| line.calls).sum();
            assert_eq!(calls, CALLS - CALLS.div_ceil(11) + 1);
            assert_eq!(books.snapshot().unwrap().verify().unwrap().broken, None);
            period.digest.unwrap()
        })
        .collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

/// Shards that leave something out, or read something twice, are no month.
#[test]
fn r3_r12_shards_that_do_not_meet_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let last = written(&journal);
    for (end, begin) in [(1_000, 1_001), (1_000, 999)] {
        let books = Books::open(&dir.path().join(format!("books-{begin}.db"))).unwrap();
        books.gather(shard(&journal, 0, end)).unwrap();
        let next = books.gather(shard(&journal, begin, last));
        assert!(matches!(next, Err(BooksError::Store(StoreError::OutOfStep { .. }))), "{next:?}");
        assert_eq!(books.reached().unwrap().seq, end, "nothing of it is counted");
    }
}
