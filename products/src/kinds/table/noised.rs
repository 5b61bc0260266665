//! Tables under differential privacy: one release of the family's cells for each version of the data, and every view of it a
//! sum of those same noised cells.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use shuzha_pricing::Outcome;
use shuzha_privacy::dp::{GROUPS_MAX, Noised, Query, nearest_nonnegative};
use shuzha_privacy::output::{Contract, Cut};

use super::family::Family;
use super::view::View;
use crate::data::DataSet;
use crate::kinds::{Dated, Release, ReleaseFault, Released};
use crate::yaml::Section;

/// Longest time between two releases that may be declared, in days.
const INTERVAL_DAYS_MAX: u32 = 3_660;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// How the answers of a noised table are made.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) family: Family,
    pub(super) view: View,
    pub(super) terms: Terms,
}

/// What is asked of the data, and how often.
#[derive(Debug)]
pub(super) struct Terms {
    query: Value,
    interval_min: Duration,
}

/// A table as it leaves.
#[derive(Serialize)]
struct Shown<'t> {
    by: Vec<&'t str>,
    protection: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_version: Option<&'t str>,
    rows: Vec<Row<'t>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    noise: Option<&'t Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privacy: Option<&'t Value>,
    /// What was done to the noised cells, at no cost in privacy.
    post_processing: [&'static str; 2],
}

#[derive(Serialize)]
struct Row<'t> {
    key: Vec<&'t str>,
    count: i128,
    /// The noise of the cells that the count is the sum of is at most this with probability 95 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy_95: Option<u128>,
}

/// What a release costs, as a query says it.
pub(super) fn accuracy(section: &Section<'_>) -> Option<Value> {
    let place = section.required("accuracy")?;
    place.section(&[&["epsilon", "rho"]])?;
    Some(place.json())
}

impl Terms {
    /// Reads `minIntervalDays`, and checks that the query is one over the data set.
    pub(super) fn read(
        section: &Section<'_>,
        family: &Family,
        accuracy: &Value,
        data_set: &DataSet,
    ) -> Option<Self> {
        let interval = section.required("minIntervalDays").and_then(|place| place.count(1..=INTERVAL_DAYS_MAX));
        let Some(terms) = &data_set.privacy else {
            return section
                .place()
                .fail("a table is noised, and its data set needs `privacy` terms: its people's budget is charged");
        };
        let query = query(family, accuracy);
        if let Err(refused) = Query::parse(&query, &terms.domain) {
            let at = refused.at.unwrap_or_default();
            return section.place().fail(format!(
                "its cells cannot be counted under the terms of the data set ({} at `{at}` of the query {query})",
                refused.code
            ));
        }
        Some(Self { query, interval_min: Duration::from_secs(u64::from(interval?) * DAY) })
    }
}

/// The count by all dimensions of `family`, over the declared keys alone.
fn query(family: &Family, accuracy: &Value) -> Value {
    let names: Vec<&str> = family.dimensions.iter().map(|one| &*one.name).collect();
    let kept = family.dimensions.iter();
    let kept: Vec<_> =
        kept.map(|one| json!({"column": one.name, "op": "in", "value": one.keys})).collect();
    match names.split_at_checked(GROUPS_MAX) {
        Some((groups, [column])) => {
            json!({"measure": "histogram", "column": column, "group_by": groups, "where": kept, "accuracy": accuracy})
        }
        _ => json!({"measure": "count", "group_by": names, "where": kept, "accuracy": accuracy}),
    }
}

impl Output {
    fn shown(&self, counts: &[i128], noised: Option<&Noised>) -> Vec<u8> {
        let lines = self.view.lines(&self.family, counts).into_iter();
        let accuracy = |cells: usize| match cells {
            0 => 0,
            cells => noised.map_or(0, |noised| noised.accuracy_of_sums_95_up(cells)),
        };
        let rows = lines.map(|line| Row {
            key: line.key,
            count: line.count,
            accuracy_95: noised.map(|_| accuracy(line.cells)),
        });
        let shown = Shown {
            by: self.view.names().collect(),
            protection: "noise",
            data_version: noised.map(|noised| &*noised.data_version),
            rows: rows.collect(),
            noise: noised.map(|noised| &noised.noise),
            privacy: noised.map(|noised| &noised.privacy),
            post_processing: ["nonnegative", "consistent_totals"],
        };
        serde_json::to_vec(&shown).expect("names and numbers are JSON")
    }
}

impl Release for Output {
    /// There is nothing to choose: a table of which parts are left out is another table.
    fn contract(&self) -> Option<&Contract> {
        None
    }

    fn dated(&self) -> Option<Dated<'_>> {
        Some(Dated::Noised { interval_min: self.terms.interval_min })
    }

    fn query(&self) -> Option<&Value> {
        Some(&self.terms.query)
    }

    fn tabulate(&self, noised: Noised) -> Result<Vec<u8>, ReleaseFault> {
        let other = || ReleaseFault::at("", "a release of other cells");
        let order: Option<Vec<usize>> = self
            .family
            .dimensions
            .iter()
            .map(|one| noised.key_columns.iter().position(|column| *column == one.name))
            .collect();
        let order = order.ok_or_else(other)?;
        let mut counts: Vec<Option<i128>> = vec![None; self.family.possible.len()];
        for (key, count) in &noised.cells {
            let texts: Option<Vec<&str>> = order.iter().map(|at| key.get(*at).map(String::as_str)).collect();
            let cell = texts.and_then(|texts| self.family.cell(texts)).ok_or_else(other)?;
            counts[cell] = Some(*count);
        }
        let mut counts: Vec<i128> = counts.into_iter().collect::<Option<_>>().ok_or_else(other)?;
        // Nobody can be in the others, whatever the noise says; and nobody is refused an answer for who is.
        let possible: Vec<usize> = (0..counts.len()).filter(|&cell| self.family.possible[cell]).collect();
        let mut near: Vec<i128> = possible.iter().map(|&cell| counts[cell]).collect();
        nearest_nonnegative(&mut near);
        counts.fill(0);
        possible.iter().zip(near).for_each(|(&cell, count)| counts[cell] = count);
        Ok(self.shown(&counts, Some(&noised)))
    }

    /// Of the sandbox's example alone: what leaves otherwise is noised.
    fn release(&self, _: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        let answer = shuzha_privacy::json::from_slice(answer);
        let answer = answer.map_err(|_| ReleaseFault::at("", "not well-formed JSON"))?;
        let counted = self.family.counts(&answer, &[])?;
        let counts: Vec<i128> = counted.counts.iter().map(|count| i128::from(*count)).collect();
        let bytes = self.shown(&counts, None);
        Ok(Released { bytes, outcome: Outcome::Answer, unlisted: counted.unlisted, parts: 1 })
    }
}
