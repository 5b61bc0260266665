//! Roll-ups: once each, in any batches, by the month that is open.

use proptest::prelude::*;
use shuzha_evidence::{Boot, merkle};

use super::*;

fn all(books: &Books, month: Month) -> String {
    let from = books.gatherings(month).unwrap();
    format!("{:?} {:?} {}", from.rows, from.trees, from.stand.reached)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// In one batch or in many, with other entries in between, over any number of restarts: the same roll-ups and trees.
    #[test]
    fn g1_every_record_counts_once_in_any_batches(
        calls in prop::collection::vec((0_usize..3, 0_i64..600, any::<bool>()), 1..60),
        cuts in prop::collection::btree_set(1_usize..60, 0..8),
    ) {
        let mut entries: Vec<RawRecord> = Vec::new();
        for (number, (unit, minute, answered)) in calls.iter().enumerate() {
            let mut call = answer(*unit, *minute, 67);
            if !answered {
                call = Call { decision: Decision::Refused, amount: MicroYuan::ZERO, ..call };
            }
            entries.push(record(number as u64 + 1, &Entry::Call(Box::new(call))));
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("finance.db");
        let whole = Books::in_memory().unwrap();
        gather(&whole, &entries).unwrap();
        let mut from = 0;
        for cut in cuts.into_iter().filter(|cut| *cut < entries.len()).chain([entries.len()]) {
            gather(&Books::open(&path).unwrap(), &entries[from..cut]).unwrap();
            from = cut;
        }
        let parts = Books::open(&path).unwrap();
        prop_assert_eq!(all(&parts, month(MONTH)), all(&whole, month(MONTH)));
        let found = whole.gatherings(month(MONTH)).unwrap();
        let answered = calls.iter().filter(|call| call.2).count() as u64;
        prop_assert_eq!(found.rows.iter().map(|(_, sums)| sums.calls).sum::<u64>(), answered);
        prop_assert_eq!(found.trees.values().map(|tree| tree.size).sum::<u64>(), answered);
    }
}

#[test]
fn g1_a_gap_is_refused_and_nothing_of_it_is_counted() {
    let books = Books::in_memory().unwrap();
    let mut entries = records(&[answer(0, 0, 67), answer(0, 1, 67), answer(0, 2, 67)], 1);
    entries.remove(1);
    assert!(matches!(
        gather(&books, &entries),
        Err(BooksError::Store(StoreError::Contradiction { seq: 3, .. }))
    ));
    assert_eq!(books.reached().unwrap(), Position::default());
    gather(&books, &entries[..1]).unwrap();
    let stale = books.gathering().unwrap();
    gather(&books, &records(&[answer(0, 1, 67)], 2)).unwrap();
    assert!(matches!(books.gather(stale), Err(BooksError::Store(StoreError::OutOfStep { .. }))));
}

/// The tree of a unit's calls is RFC 6962 over the bytes of their records, other units' and refusals left out.
#[test]
fn g3_the_root_is_that_of_the_units_records() {
    let books = Books::in_memory().unwrap();
    let boot = Entry::Boot(Boot { at: entries::at(0), node: "gate-1", version: "1" });
    let trial = Call { sandbox: true, ..answer(0, 3, 0) };
    let again = Call { decision: Decision::Replayed, amount: MicroYuan::ZERO, ..answer(0, 4, 0) };
    let mut entries = vec![record(1, &boot)];
    entries.extend(records(&[answer(0, 1, 67), answer(1, 2, 67), trial, again, answer(0, 5, 67)], 2));
    gather(&books, &entries).unwrap();
    let leaf = |seq: usize| <merkle::Sha256 as merkle::Digest>::leaf(&entries[seq - 1].bytes);
    let root = <merkle::Sha256 as merkle::Digest>::node(&leaf(2), &leaf(6));
    let trees = books.gatherings(month(MONTH)).unwrap().trees;
    let tree = &trees[&id("bank-a")];
    assert_eq!((tree.root, tree.size, tree.first_seq, tree.last_seq), (root, 2, 2, 6));
    assert_eq!(trees.len(), 2);
}

#[test]
fn g3_late_calls_are_posted_in_the_open_period() {
    let books = Books::in_memory().unwrap();
    gather(&books, &records(&[answer(0, 0, 67)], 1)).unwrap();
    let (november, december) = (month(MONTH), month("2023-12"));
    close_month(&books, november);
    gather(&books, &records(&[answer(0, 1, 67), answer(1, 2, 67)], 2)).unwrap();
    assert_eq!(books.gatherings(november).unwrap().rows.len(), 1);
    let (closing, _) = worked_out(&books, december);
    assert_eq!(closing.lines.len(), 2);
    assert!(closing.lines.iter().all(|line| line.month == november));
    assert_eq!(books.first_open().unwrap(), Some(december));
}

/// Whatever is tried on a closed period or on the ledger, by SQL that this software does not write: refused.
#[test]
fn g3_a_closed_period_takes_nothing() {
    let books = Books::in_memory().unwrap();
    gather(&books, &records(&[answer(0, 0, 67), answer(1, 1, 67)], 1)).unwrap();
    close_month(&books, month(MONTH));
    let tables =
        ["period", "rollup", "call_tree", "line", "statement", "share", "bill", "revenue", "txn", "entry"];
    let connection = books.lock();
    for table in tables {
        let rows: i64 =
            connection.query_one(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert!(rows > 0, "{table}");
        let column: String = connection
            .query_one(&format!("SELECT name FROM pragma_table_info('{table}') LIMIT 1"), [], |row| {
                row.get(0)
            })
            .unwrap();
        for sql in [
            format!("DELETE FROM {table}"),
            format!("UPDATE {table} SET {column} = {column}"),
            format!("REPLACE INTO {table} SELECT * FROM {table} LIMIT 1"),
        ] {
            assert!(connection.execute(&sql, []).is_err(), "{sql}");
        }
    }
    let index = month(MONTH).index();
    let late = format!(
        "INSERT INTO rollup SELECT {index}, 'x', agreement, scenario, product, price, purpose, basis, hour, operation,
         calls, quantity, amount, first_seq, last_seq FROM rollup LIMIT 1"
    );
    assert!(connection.execute(&late, []).is_err());
    assert!(connection.execute("INSERT INTO entry VALUES (1, 99, '1002', 5)", []).is_err());
}
