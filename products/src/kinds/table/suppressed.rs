//! Tables whose small groups are hidden, where a law demands it: one publication of one date for each data set.

use serde::Serialize;
use shuzha_pricing::Outcome;
use shuzha_privacy::groups::{GroupError, THRESHOLD_MIN, Tree};
use shuzha_privacy::output::{Contract, Cut};

use super::family::{ALL, Family};
use crate::data::DataSet;
use crate::kinds::{Dated, Release, ReleaseFault, Released};
use crate::yaml::Section;

/// Largest threshold that may be declared.
const THRESHOLD_MAX: u64 = 1_000_000;
/// The member of an answer that says of which date its counts are.
const REFERENCE_DATE: &str = "reference_date";
/// Characters of a date, 2026-06-30.
const DATE_CHARACTERS: usize = 10;

/// How the answer of a suppressed table is made.
#[derive(Debug)]
pub(super) struct Output {
    family: Family,
    tree: Tree,
    threshold: u64,
    reference_date: String,
}

#[derive(Serialize)]
struct Shown<'t> {
    by: Vec<&'t str>,
    protection: &'static str,
    reference_date: &'t str,
    threshold: u64,
    rows: Vec<Row<'t>>,
    /// Cells that are hidden, by their sums.
    merged: Vec<Merged<'t>>,
}

#[derive(Serialize)]
struct Row<'t> {
    key: Vec<&'t str>,
    /// `null` where it is hidden.
    count: Option<u64>,
}

#[derive(Serialize)]
struct Merged<'t> {
    keys: Vec<Vec<&'t str>>,
    count: u64,
}

impl Output {
    /// Reads what a suppressed table declares beside its cells.
    pub(super) fn read(section: &Section<'_>, family: Family, data_set: &DataSet) -> Option<Self> {
        let threshold = section.required("threshold").and_then(|place| {
            let most = i64::try_from(THRESHOLD_MAX).expect("a million");
            let least = i64::try_from(THRESHOLD_MIN).expect("ten");
            place.count::<i64>(least..=most).map(i64::cast_unsigned)
        });
        // What is in the law is for whoever reviews it.
        let law = section.required("law").and_then(|place| place.text());
        let date = section.required("referenceDate").and_then(|place| {
            place.instant()?;
            let text = place.text()?;
            if text.len() == DATE_CHARACTERS { Some(text.to_owned()) } else { place.fail("expected a date, 2026-06-30") }
        });
        if data_set.privacy.is_some() {
            return section.place().fail(
                "exact counts may not stand beside statistics of a privacy budget over the same people: use `protection: noise`",
            );
        }
        let (rows, columns) = match &*family.dimensions {
            [one] => (1, one.keys.len()),
            [one, two] => (one.keys.len(), two.keys.len()),
            _ => return section.place().fail("a suppressed table has one or two dimensions"),
        };
        let tree = match Tree::new(rows, columns, &family.possible) {
            Ok(tree) => tree,
            Err(fault) => return section.place().fail(fault.to_string()),
        };
        law?;
        Some(Self { family, tree, threshold: threshold?, reference_date: date? })
    }

    /// The key of a cell of which some parts may be totals.
    fn key(&self, row: Option<usize>, column: Option<usize>) -> Vec<&str> {
        let text = |at: usize, key: Option<usize>| key.map_or(ALL, |key| &self.family.dimensions[at].keys[key]);
        match self.family.dimensions.len() {
            1 => vec![text(0, column)],
            _ => vec![text(0, row), text(1, column)],
        }
    }
}

impl Release for Output {
    /// There is nothing to choose: a table of which parts are left out is another table.
    fn contract(&self) -> Option<&Contract> {
        None
    }

    fn dated(&self) -> Option<Dated<'_>> {
        Some(Dated::Once { reference_date: &self.reference_date })
    }

    fn release(&self, _: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        let answer = shuzha_privacy::json::from_slice(answer);
        let answer = answer.map_err(|_| ReleaseFault::at("", "not well-formed JSON"))?;
        if answer[REFERENCE_DATE].as_str() != Some(&*self.reference_date) {
            return Err(ReleaseFault::at("/reference_date", "counts of another date"));
        }
        let counted = self.family.counts(&answer, &[REFERENCE_DATE])?;
        let shown = self.tree.protect(&counted.counts, self.threshold).map_err(|why| match why {
            GroupError::Impossible => {
                ReleaseFault::at("/rows", "a cell that is declared impossible has a count")
            }
            GroupError::Shape | GroupError::Range => ReleaseFault::at("/rows", "not a table that can be protected"),
        })?;
        let columns = shown.columns.len();
        let mut rows = Vec::with_capacity(shown.cells.len() + shown.rows.len() + columns + 1);
        for (row, total) in shown.rows.iter().enumerate() {
            let cells = shown.cells[row * columns..(row + 1) * columns].iter().enumerate();
            rows.extend(cells.map(|(column, count)| Row { key: self.key(Some(row), Some(column)), count: *count }));
            // Of one dimension the only row's total is the total.
            if self.family.dimensions.len() > 1 {
                rows.push(Row { key: self.key(Some(row), None), count: *total });
            }
        }
        if self.family.dimensions.len() > 1 {
            let totals = shown.columns.iter().enumerate();
            rows.extend(totals.map(|(column, count)| Row { key: self.key(None, Some(column)), count: *count }));
        }
        rows.push(Row { key: self.key(None, None), count: shown.total });
        let merged = shown.merged.iter().map(|merged| Merged {
            keys: merged.cells.iter().map(|at| self.key(Some(at / columns), Some(at % columns))).collect(),
            count: merged.count,
        });
        let document = Shown {
            by: self.family.dimensions.iter().map(|one| &*one.name).collect(),
            protection: "suppress",
            reference_date: &self.reference_date,
            threshold: self.threshold,
            rows,
            merged: merged.collect(),
        };
        let bytes = serde_json::to_vec(&document).expect("names and numbers are JSON");
        Ok(Released { bytes, outcome: Outcome::Answer, unlisted: counted.unlisted, parts: 1 })
    }
}
