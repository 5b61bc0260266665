//! No small count can be found from what is published: by an attacker who tries every table there is.

use proptest::prelude::*;

use super::*;

/// The least and greatest value of each cell over all tables of counts up to `most` that agree with what is published: by
/// trying all of them.
fn deduced(shown: &[Vec<Cell>], most: u64) -> Vec<(u64, u64)> {
    let (rows, columns) = (shown.len() - 1, shown[0].len() - 1);
    let free: Vec<usize> =
        (0..rows * columns).filter(|at| shown[at / columns][at % columns] == Cell::Suppressed).collect();
    let mut table: Vec<u64> = (0..rows * columns)
        .map(|at| match shown[at / columns][at % columns] {
            Cell::Published(count) => count,
            Cell::Suppressed => 0,
        })
        .collect();
    let mut found = vec![(u64::MAX, 0); (rows + 1) * (columns + 1)];
    let agrees = |sum: u64, cell: Cell| matches!(cell, Cell::Suppressed) || cell == Cell::Published(sum);
    loop {
        let row = |row: usize| table[row * columns..(row + 1) * columns].iter().sum::<u64>();
        let column = |column: usize| (0..rows).map(|row| table[row * columns + column]).sum::<u64>();
        let total: u64 = table.iter().sum();
        let sound = (0..rows).all(|at| agrees(row(at), shown[at][columns]))
            && (0..columns).all(|at| agrees(column(at), shown[rows][at]))
            && agrees(total, shown[rows][columns]);
        if sound {
            let mut note =
                |at: usize, value: u64| found[at] = (found[at].0.min(value), found[at].1.max(value));
            for (at, &count) in table.iter().enumerate() {
                note(at / columns * (columns + 1) + at % columns, count);
            }
            (0..rows).for_each(|at| note(at * (columns + 1) + columns, row(at)));
            (0..columns).for_each(|at| note(rows * (columns + 1) + at, column(at)));
            note(rows * (columns + 1) + columns, total);
        }
        // The next table, like counting.
        let Some(&turn) = free.iter().find(|&&at| table[at] < most) else { return found };
        for &at in free.iter().take_while(|&&at| at != turn) {
            table[at] = 0;
        }
        table[turn] += 1;
    }
}

fn suppressed(shown: &[Vec<Cell>]) -> usize {
    shown.iter().flatten().filter(|cell| **cell == Cell::Suppressed).count()
}

#[test]
fn e6_totals_do_not_give_a_small_cell_away() {
    // One row: the small cell is hidden with the next smallest, and the total stays.
    let shown = protect(&[vec![3, 40, 900, 70]], 10).unwrap();
    assert_eq!(shown[0][0], Cell::Suppressed);
    assert_eq!(shown[0][2], Cell::Published(900));
    assert!(
        suppressed(&shown) >= 4,
        "the cell and another one, in the row and in the row of sums: {shown:?}"
    );
    // Nothing small, nothing hidden.
    let shown = protect(&[vec![20, 30], vec![40, 50]], 10).unwrap();
    assert_eq!(suppressed(&shown), 0);
    assert_eq!(shown[2], [60, 80, 140].map(Cell::Published));
    // Two small cells of one row hide each other only as far as they reach: 3 + 4 = 7 is known otherwise.
    let shown = protect(&[vec![3, 4, 100], vec![60, 70, 80], vec![50, 55, 65]], 10).unwrap();
    let found = deduced_wide(&shown);
    assert!(found.iter().all(|(_, width)| *width >= 10), "{shown:?} {found:?}");
}

/// The width of the exact interval of each small cell, by the network of the published table itself.
fn deduced_wide(shown: &[Vec<Cell>]) -> Vec<(usize, u64)> {
    // Only for tables whose true counts are known to the test: read back from the rows of e6_… above.
    let rows = vec![vec![3, 4, 100], vec![60, 70, 80], vec![50, 55, 65]];
    let mut table = Table::new(&rows).unwrap();
    for (at, cell) in shown.iter().flatten().enumerate() {
        table.suppressed[at] = *cell == Cell::Suppressed;
    }
    let small = (0..table.counts.len()).filter(|&at| table.counts[at] < 10);
    small.map(|at| (at, table.interval(at, 1_000))).map(|(at, (least, most))| (at, most - least)).collect()
}

#[test]
fn e6_tables_that_cannot_be_protected_are_refused() {
    assert_eq!(protect(&[], 10).err(), Some(GroupError::Shape));
    assert_eq!(protect(&[vec![]], 10).err(), Some(GroupError::Shape));
    assert_eq!(protect(&[vec![1, 2], vec![3]], 10).err(), Some(GroupError::Shape));
    assert_eq!(protect(&vec![vec![100]; LINES_MAX], 10).err(), Some(GroupError::Shape));
    assert_eq!(protect(&[vec![u64::MAX, 1]], 10).err(), Some(GroupError::Range));
    // One group of three: its total is the same three.
    let alone = protect(&[vec![3]], 10);
    assert!(alone.as_ref().map_or(true, |shown| suppressed(shown) == 4), "{alone:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the counts, an attacker who tries every table finds no small count to within less than the threshold.
    #[test]
    fn e6_no_small_cell_can_be_found(
        counts in (1_usize..=2, 2_usize..=3).prop_flat_map(|(rows, columns)| {
            prop::collection::vec(prop::collection::vec(0_u64..4, columns), rows)
        }),
    ) {
        const THRESHOLD: u64 = 2;
        // More than any sum here: growing without bound is seen as growing to this.
        const MOST: u64 = 5;
        if let Ok(shown) = protect(&counts, THRESHOLD) {
            let table = Table::new(&counts).unwrap();
            let found = deduced(&shown, MOST);
            for (at, (least, greatest)) in found.into_iter().enumerate() {
                let cell = shown[at / table.columns][at % table.columns];
                prop_assert!(least <= table.counts[at] && table.counts[at] <= greatest);
                if table.counts[at] < THRESHOLD {
                    prop_assert_eq!(cell, Cell::Suppressed);
                    prop_assert!(greatest - least >= THRESHOLD, "{} to {} in {:?}", least, greatest, shown);
                } else if let Cell::Published(count) = cell {
                    prop_assert_eq!(count, table.counts[at]);
                }
            }
        }
    }

    /// The network's interval is the true one.
    #[test]
    fn e6_the_interval_is_exact(
        counts in prop::collection::vec(prop::collection::vec(0_u64..5, 2), 2),
        hidden in any::<[bool; 9]>(),
    ) {
        let mut table = Table::new(&counts).unwrap();
        table.suppressed.copy_from_slice(&hidden);
        let found = deduced(&table.published(), 12);
        for at in (0..9).filter(|&at| hidden[at]) {
            let (least, greatest) = table.interval(at, 4);
            prop_assert_eq!(least, found[at].0.max(table.counts[at].saturating_sub(4)));
            prop_assert_eq!(greatest, found[at].1.min(table.counts[at] + 4));
        }
    }
}
