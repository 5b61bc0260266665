//! No small count can be found from what is published: by a reader who runs the algorithm over every candidate.
//!
//! `SHUZHA_FULL=1` runs the sizes of the issue; otherwise smaller ones.

mod utility;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;
use shuzha_testkit::Seeded;

use super::*;

#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests, not configuration")]
fn full() -> bool {
    std::env::var("SHUZHA_FULL").is_ok()
}

fn tree(rows: usize, columns: usize) -> Tree {
    Tree::new(rows, columns, &vec![true; rows * columns]).expect("a shape")
}

/// The publication as the strongest reader sees it.
fn digest(shown: &Published) -> u64 {
    let mut hasher = DefaultHasher::new();
    shown.cells.hash(&mut hasher);
    for merged in &shown.merged {
        (&merged.cells, merged.count).hash(&mut hasher);
    }
    (&shown.rows, &shown.columns, shown.total).hash(&mut hasher);
    hasher.finish()
}

/// Calls `take` with every list of counts that add up to `total`, in all of `counts` behind the first `set`.
fn every(counts: &mut [u64], set: usize, total: u64, take: &mut dyn FnMut(&[u64])) {
    if set + 1 == counts.len() {
        counts[set] = total;
        return take(counts);
    }
    for count in 0..=total {
        counts[set] = count;
        every(counts, set + 1, total - count, take);
    }
}

/// How many small cells, over all tables of counts up to `most`, are narrowed to less than the threshold by the publication and
/// the algorithm together, and how many small cells there are. Candidates may have any counts: whatever gives the same publication.
fn narrowed(tree: &Tree, length: usize, (threshold, most): (u64, u64)) -> (u64, u64) {
    let mut counts = vec![0; length];
    let (mut narrow, mut small) = (0, 0);
    let totals = (threshold + 1..=most * length as u64).map(|total| total..=total);
    // Where the total is not shown, tables of other totals are candidates too.
    for totals in [0..=threshold].into_iter().chain(totals) {
        let mut found: HashMap<u64, Vec<(u64, u64)>> = HashMap::new();
        for total in totals.clone() {
            every(&mut counts, 0, total, &mut |counts| {
                let shown = tree.protect(counts, threshold).expect("a table");
                if shown.cells.iter().any(Option::is_none) {
                    let seen = found.entry(digest(&shown)).or_insert_with(|| vec![(u64::MAX, 0); length]);
                    for (range, count) in seen.iter_mut().zip(counts) {
                        *range = (range.0.min(*count), range.1.max(*count));
                    }
                }
            });
        }
        for total in totals {
            every(&mut counts, 0, total, &mut |counts| {
                let is_small = |count: &u64| *count < threshold;
                if counts.iter().any(|count| *count > most) || !counts.iter().any(is_small) {
                    return;
                }
                let shown = tree.protect(counts, threshold).expect("a table");
                for (at, _) in counts.iter().enumerate().filter(|(_, count)| is_small(count)) {
                    small += 1;
                    assert_eq!(shown.cells[at], None, "{counts:?}");
                    let (least, greatest) = found[&digest(&shown)][at];
                    narrow += u64::from(greatest - least < threshold);
                }
            });
        }
    }
    (narrow, small)
}

/// All rows of counts up to three thresholds.
#[test]
fn e6_no_rule_can_be_run_backwards_over_all_rows() {
    let sizes: &[(usize, u64)] = if full() {
        &[(1, 10), (2, 10), (3, 10), (4, 10), (5, 5)]
    } else {
        &[(1, 10), (2, 10), (3, 5), (4, 3), (5, 2)]
    };
    for &(length, threshold) in sizes {
        let (narrow, small) = narrowed(&tree(1, length), length, (threshold, 3 * threshold));
        assert!(small > 0 && narrow == 0, "1 × {length}: {narrow} of {small}");
    }
}

#[test]
fn e6_no_rule_can_be_run_backwards_over_all_small_tables() {
    let threshold = if full() { 2 } else { 1 };
    for (rows, columns) in [(2, 2), (2, 3), (3, 2)] {
        let (narrow, small) = narrowed(&tree(rows, columns), rows * columns, (threshold, threshold * 3));
        assert!(small > 0 && narrow == 0, "{rows} × {columns}: {narrow} of {small}");
    }
}

/// Two candidates that give the same publication and differ by the threshold at the cell `at`: found by trying, and shown by
/// running the algorithm on both.
fn is_wide(tree: &Tree, counts: &[u64], at: usize, threshold: u64) -> bool {
    let shown = tree.protect(counts, threshold).expect("a table");
    let Some(group) = shown.merged.iter().find(|merged| merged.cells.contains(&at)) else {
        // Nothing is published: any table of a total up to the threshold.
        let mut other = vec![0; counts.len()];
        let least = tree.protect(&other, threshold).expect("a table");
        other[at] = threshold;
        let most = tree.protect(&other, threshold).expect("a table");
        return least == shown && most == shown;
    };
    let with = |holder: usize| {
        let mut other = counts.to_vec();
        group.cells.iter().for_each(|cell| other[*cell] = 0);
        other[holder] = group.count;
        other
    };
    let same = |other: &[u64]| tree.protect(other, threshold).expect("a table") == shown;
    let least = group.cells.iter().any(|&holder| holder != at && same(&with(holder)));
    least && same(&with(at)) && group.count >= threshold
}

#[test]
fn e6_ten_thousand_tables_cannot_be_run_backwards() {
    let draws = Seeded::new(0x5eed);
    let tables = if full() { 10_000 } else { 1_000 };
    for (rows, columns) in [(2, 3), (1, 5), (4, 4), (8, 6)] {
        let tree = tree(rows, columns);
        for _ in 0..tables {
            let counts: Vec<u64> = (0..rows * columns).map(|_| draws.below(31)).collect();
            let small = (0..counts.len()).filter(|&at| counts[at] < 10);
            for at in small {
                assert!(is_wide(&tree, &counts, at, 10), "{counts:?} at {at}");
            }
        }
    }
}

/// P12: three counties with twelve townships, each township in one of them. No cell outside its county has room.
#[test]
fn e6_impossible_cells_are_no_room() {
    let possible: Vec<bool> = (0..36).map(|at| at % 12 / 4 == at / 12).collect();
    let tree = Tree::new(3, 12, &possible).expect("a shape");
    let draws = Seeded::new(0xc0);
    for _ in 0..500 {
        let counts: Vec<u64> =
            possible.iter().map(|&possible| if possible { draws.below(40) } else { 0 }).collect();
        let shown = tree.protect(&counts, 10).expect("a table");
        for at in 0..36 {
            if !possible[at] {
                assert_eq!(shown.cells[at], Some(0), "printed 0");
                assert!(shown.merged.iter().all(|merged| !merged.cells.contains(&at)), "no room");
            } else if counts[at] < 10 {
                assert!(is_wide(&tree, &counts, at, 10), "{counts:?} at {at}");
            }
        }
    }
    let mut wrong = vec![0; 36];
    wrong[35] = 100;
    assert!(tree.protect(&wrong, 10).is_ok());
    wrong[0] = 3;
    assert!(tree.protect(&wrong, 10).is_ok());
    wrong[4] = 1;
    assert_eq!(tree.protect(&wrong, 10), Err(GroupError::Impossible));
}

/// A small cell hides by what is declared, not by what its neighbours count (P3: [8, 10, 9, 10]).
#[test]
fn e6_partners_do_not_follow_the_counts() {
    let tree = tree(1, 4);
    let shown = tree.protect(&[8, 10, 90, 10], 10).expect("a table");
    assert_eq!(shown.cells, [None, None, Some(90), Some(10)]);
    assert_eq!(shown.merged, [Merged { cells: vec![0, 1], count: 18 }]);
    assert_eq!((shown.rows, shown.total), (vec![Some(118)], Some(118)));
    assert_eq!(shown.columns, [None, None, Some(90), Some(10)]);
    // However large its partner is.
    let other = tree.protect(&[8, 1_000, 90, 10], 10).expect("a table");
    assert_eq!(other.cells, shown.cells);
    // Eight, ten, nine, ten: each of the small ones with its own partner.
    let shown = tree.protect(&[8, 10, 9, 10], 10).expect("a table");
    let counts: Vec<u64> = shown.merged.iter().map(|merged| merged.count).collect();
    assert_eq!((shown.cells, counts), (vec![None; 4], vec![18, 19]));
    // Too small together as well: all of it, by the total.
    let shown = tree.protect(&[1, 2, 90, 10], 10).expect("a table");
    assert_eq!(shown.merged, [Merged { cells: vec![0, 1, 2, 3], count: 103 }]);
    // Nothing small, nothing hidden.
    let shown = tree.protect(&[10, 20, 30, 40], 10).expect("a table");
    assert_eq!(shown.cells, [10, 20, 30, 40].map(Some));
}

#[test]
fn e6_tables_that_cannot_be_protected_are_refused() {
    assert_eq!(Tree::new(0, 1, &[]), Err(GroupError::Shape));
    assert_eq!(Tree::new(1, 0, &[]), Err(GroupError::Shape));
    assert_eq!(Tree::new(1, 2, &[true]), Err(GroupError::Shape));
    assert_eq!(Tree::new(65, 65, &[true; 65 * 65]), Err(GroupError::Shape));
    let pair = tree(1, 2);
    assert_eq!(pair.protect(&[1], 10), Err(GroupError::Shape));
    assert_eq!(pair.protect(&[u64::MAX, 1], 10), Err(GroupError::Range));
    // Too few people for anything: nothing is shown, and it is not said why.
    for counts in [[0, 0], [3, 7], [10, 0]] {
        let shown = pair.protect(&counts, 10).expect("a table");
        assert_eq!((shown.cells, shown.rows, shown.total), (vec![None, None], vec![None], None));
        assert_eq!((shown.columns, shown.merged), (vec![None, None], vec![]));
    }
    // Where nothing is possible there is nothing to hide.
    let none = Tree::new(1, 1, &[false]).expect("a shape").protect(&[0], 10).expect("a table");
    assert_eq!((none.cells, none.total), (vec![Some(0)], Some(0)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What is shown is true, adds up, and shows no small count of a cell, row, column or all.
    #[test]
    fn e6_what_is_shown_is_true_and_not_small(
        (rows, columns, counts) in (1_usize..7, 1_usize..7).prop_flat_map(|(rows, columns)| {
            let counts = prop::collection::vec(prop_oneof![0_u64..15, 0_u64..200], rows * columns);
            (Just(rows), Just(columns), counts)
        }),
    ) {
        const THRESHOLD: u64 = 10;
        let shown = tree(rows, columns).protect(&counts, THRESHOLD).expect("a table");
        for (cell, count) in shown.cells.iter().zip(&counts) {
            prop_assert!(cell.is_none_or(|cell| cell == *count && cell >= THRESHOLD));
        }
        for (at, total) in shown.rows.iter().enumerate() {
            let sum = counts[at * columns..(at + 1) * columns].iter().sum::<u64>();
            prop_assert!(total.is_none_or(|total| total == sum && total >= THRESHOLD));
        }
        for (at, total) in shown.columns.iter().enumerate() {
            let sum = (0..rows).map(|row| counts[row * columns + at]).sum::<u64>();
            prop_assert!(total.is_none_or(|total| total == sum && total >= THRESHOLD));
        }
        for merged in &shown.merged {
            prop_assert_eq!(merged.count, merged.cells.iter().map(|at| counts[*at]).sum::<u64>());
            prop_assert!(merged.count > THRESHOLD && merged.cells.len() > 1);
        }
        prop_assert!(shown.total.is_none_or(|total| total > THRESHOLD && total == counts.iter().sum::<u64>()));
    }
}
