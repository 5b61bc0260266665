//! What each way of protecting a table costs in accuracy, on random skewed tables: the figures of ADR 0031.

use serde_json::json;
use shuzha_core::{NanoCharge, OsRng};

use shuzha_testkit::Seeded;

use super::tree;
use crate::dp::{Domain, Measure, Query, Terms, nearest_nonnegative};

const THRESHOLD: u64 = 10;
const TABLES: u64 = 60;

/// A count between 1 and about 2,000, small ones as likely as large ones in logarithms: three in ten are below ten.
fn skewed(draws: &Seeded) -> u64 {
    let exponent = draws.below(760);
    (0..exponent).fold(1_000_000_u64, |count, _| count + count / 100) / 1_000_000
}

/// The counts after noise at `epsilon`, as a table shows them.
fn noised((rows, columns): (usize, usize), counts: &[u64], epsilon: &str) -> Vec<i128> {
    let keys = |most: usize| (0..most).map(|key| format!("{key:02}")).collect::<Vec<_>>();
    let columns_of = json!({"a": {"type": "categorical", "keys": keys(rows)}, "b": {"type": "categorical", "keys": keys(columns)}});
    let declared = json!({"data_version": "1", "max_rows_per_person": 1, "columns": columns_of});
    let terms = Terms { measure: Measure::PureEps, per_query_max: NanoCharge::from_nanos(10_000_000_000) };
    let domain = Domain::compile(&declared, terms).expect("a domain");
    let asked = json!({"measure": "count", "group_by": ["a", "b"], "accuracy": {"epsilon": epsilon}});
    let query = Query::parse(&asked, &domain).expect("a query");
    let noise = query.draw(&domain, &OsRng).expect("noise");
    let mut values: Vec<i128> =
        counts.iter().zip(&noise.counts).map(|(count, noise)| i128::from(*count) + noise).collect();
    nearest_nonnegative(&mut values);
    values
}

/// Mean and largest distance.
#[derive(Default)]
struct Error {
    sum: u128,
    most: u128,
    of: u32,
}

impl Error {
    fn add(&mut self, shown: i128, count: u64) {
        let error = shown.abs_diff(i128::from(count));
        self.sum += error;
        self.most = self.most.max(error);
        self.of += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "for display")]
    fn mean(&self) -> f64 {
        self.sum as f64 / f64::from(self.of.max(1))
    }
}

/// Refusals at most 2 %, whichever way; and the noise of the default leaves cells within a few persons.
#[test]
fn e6_tables_are_of_use() {
    let draws = Seeded::new(0xab1e);
    for (rows, columns) in [(1, 6), (3, 4), (5, 4), (8, 6)] {
        let tree = tree(rows, columns);
        let (mut small, mut hidden, mut cells, mut refused) = (0_usize, 0_usize, 0_usize, 0_u64);
        let mut spread = Error::default();
        let mut at =
            [("0.5", Error::default(), Error::default()), ("1.0", Error::default(), Error::default())];
        for _ in 0..TABLES {
            let counts: Vec<u64> = (0..rows * columns).map(|_| skewed(&draws)).collect();
            cells += counts.len();
            small += counts.iter().filter(|count| **count < THRESHOLD).count();
            let shown = tree.protect(&counts, THRESHOLD).expect("a table");
            refused += u64::from(shown.total.is_none());
            hidden += shown.cells.iter().filter(|cell| cell.is_none()).count();
            for merged in &shown.merged {
                let even = i128::from(merged.count / merged.cells.len() as u64);
                merged.cells.iter().for_each(|at| spread.add(even, counts[*at]));
            }
            for (epsilon, of_cells, of_rows) in &mut at {
                let shown = noised((rows, columns), &counts, epsilon);
                shown.iter().zip(&counts).for_each(|(shown, count)| of_cells.add(*shown, *count));
                for row in 0..rows {
                    let row = row * columns..(row + 1) * columns;
                    of_rows.add(shown[row.clone()].iter().sum(), counts[row].iter().sum());
                }
            }
        }
        println!(
            "{rows}×{columns}: small {:.0} %, suppressed: hidden {:.0} %, refused {refused} of {TABLES}, a hidden cell off by {:.1}",
            100.0 * small as f64 / cells as f64,
            100.0 * hidden as f64 / cells as f64,
            spread.mean(),
        );
        for (epsilon, of_cells, of_rows) in &at {
            println!(
                "  noise ε {epsilon}: refused 0, a cell off by {:.1} (most {}), a row's total by {:.1} (most {})",
                of_cells.mean(),
                of_cells.most,
                of_rows.mean(),
                of_rows.most
            );
        }
        assert!(refused * 50 <= TABLES, "{refused}");
        assert!(at[0].1.mean() < 3.0 && at[1].1.mean() < 1.5, "{} {}", at[0].1.mean(), at[1].1.mean());
    }
}
