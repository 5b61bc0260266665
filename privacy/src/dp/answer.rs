//! From exact aggregates to what may be released.

mod engine;
mod noised;
mod notes;
mod post;

pub use noised::{Noised, nearest_nonnegative};

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use super::Domain;
use super::domain::KEY_BYTES_MAX;
use super::noise::{Noise, Scale, Scales};
use super::query::{Aggregate, QUANTILE_UNIT, Query};
use super::threshold::threshold_up;
use crate::output::Violation;
use engine::{Engine, EngineRow};
use notes::Notes;

/// What is released, and how much of the engine's answer lay outside the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoisedAnswer {
    /// The answer.
    pub bytes: Vec<u8>,
    /// Rows and numbers that were brought towards the domain or left out. Any is an alarm, and none changes what the caller
    /// is told: a refusal would say without noise what the data are like.
    pub astray: u32,
}

/// What is released.
#[derive(Serialize)]
struct Released<'a> {
    data_version: &'a str,
    measure: Aggregate,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantile: Option<f64>,
    key_columns: Vec<&'a str>,
    cells: Vec<Cell>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Totals<'a>>,
    #[serde(flatten)]
    notes: Notes<'a>,
}

/// What is read of a release that was kept.
#[derive(Deserialize)]
struct Kept {
    cells: Vec<Cell>,
}

#[derive(Default, Serialize, Deserialize)]
struct Cell {
    key: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<i128>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<i128>,
    /// `null` where the noise drowns the count.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    mean: Option<Option<f64>>,
    /// `null` where the noise drowns the count.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    quantile: Option<Option<i64>>,
}

/// A member that is there, be it `null`.
fn stated<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(member: D) -> Result<Option<T>, D::Error> {
    T::deserialize(member).map(Some)
}

impl Cell {
    /// The number that totals are made of: there is one or the other.
    fn number(&self) -> Option<i128> {
        self.count.or(self.sum)
    }
}

/// Sums of the released cells.
#[derive(Serialize)]
struct Totals<'a> {
    all: i128,
    /// `all` is this near to the exact total with probability 95 % at least.
    accuracy_95: u128,
    /// For several key columns, by each of them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by: BTreeMap<&'a str, Vec<(String, i128)>>,
}

/// Exact values of one cell. A sum within the bounds of as many rows as there can be is beyond `i64`.
#[derive(Clone, Copy, Default)]
struct Exact {
    count: i64,
    sum: i128,
}

fn violation(at: &str, what: &'static str) -> Violation {
    Violation { at: at.to_owned(), what }
}

impl Query {
    /// Adds the noise to the engine's aggregates and writes the answer. A cell that the engine leaves out is 0.
    ///
    /// What lies outside the domain is brought towards it: counts and sums to the nearest that some data within the domain
    /// have, a row that is no cell of the query is left out. Whether there is an answer follows from public metadata alone.
    ///
    /// Post-processing costs nothing, and the answer says what was done, in this order: counts below 0 become 0 where the
    /// query asked for `nonnegative`, and where it asked for `consistent` too, cells become the nearest ones that add up to
    /// the noised total; a mean is noisy sum / noisy count, clamped to the column's public bounds, with four decimals, and
    /// `null` where the noisy count is within its own 95 % accuracy of 0; a quantile is the value at which the noisy counts
    /// first reach their part of the noisy total. Groups by non-public keys are left out below the threshold.
    ///
    /// # Errors
    /// [`Violation`] where what came is no engine's answer at all, or is said to be of another data version or contribution
    /// bound.
    pub fn release(
        &self,
        noise: Noise,
        engine_answer: &[u8],
        domain: &Domain,
    ) -> Result<NoisedAnswer, Violation> {
        let Engine { rows, mut astray } = engine::read(engine_answer, domain)?;
        if noise.query != *self {
            return Err(violation("", "the noise was drawn for another query"));
        }
        let scales = noise.scales;
        let mut cells = match self.open_column(domain) {
            Some(_) => self.open_cells(rows, noise, domain, &mut astray)?,
            None => self.closed_cells(rows, noise, domain, &mut astray),
        };
        if self.aggregate == Aggregate::Quantile {
            cells = self.quantiles(&cells, scales, domain);
        }
        Ok(NoisedAnswer { bytes: self.written(cells, scales, domain), astray })
    }

    /// The answer to this query out of `kept`, the release of [`Query::base`]: what post-processing the query asks for is done
    /// to numbers that were noised once, so that each way of asking is given the same ones.
    ///
    /// # Errors
    /// [`Violation`] where `kept` is no release of such a query.
    pub fn present(&self, kept: &[u8], domain: &Domain) -> Result<Vec<u8>, Violation> {
        if *self == self.base() {
            return Ok(kept.to_vec());
        }
        let no_release = || violation("", "not a release of this query");
        let Kept { cells } = serde_json::from_slice(kept).map_err(|_| no_release())?;
        let scales = self.scales(domain).map_err(|_| no_release())?;
        Ok(self.written(cells, scales, domain))
    }

    /// The noised `cells` after post-processing, with all that is said beside them.
    fn written(&self, mut cells: Vec<Cell>, scales: Scales, domain: &Domain) -> Vec<u8> {
        if self.nonnegative && !self.consistent {
            cells.iter_mut().for_each(|cell| cell.count = cell.count.map(|count| count.max(0)));
        }
        let totals = self.totals(&mut cells, scales);
        let released = Released {
            data_version: &domain.data_version,
            measure: self.aggregate,
            column: self.column.as_deref().or(self.values_of.as_deref().filter(|_| self.quantile.is_some())),
            quantile: self.quantile.map(|parts| f64::from(parts) / f64::from(QUANTILE_UNIT)),
            key_columns: self.released_keys().collect(),
            cells,
            totals,
            notes: self.notes(scales, domain),
        };
        serde_json::to_vec(&released).expect("names and numbers are JSON")
    }

    /// The columns that make up a released cell's key: of a quantile, the groups alone.
    fn released_keys(&self) -> impl Iterator<Item = &str> {
        let hidden = usize::from(self.quantile.is_some());
        let shown = self.key_columns().count() - hidden;
        self.key_columns().take(shown)
    }

    /// Every cell of the public domain, noised.
    fn closed_cells(
        &self,
        rows: Vec<EngineRow>,
        noise: Noise,
        domain: &Domain,
        astray: &mut u32,
    ) -> Vec<Cell> {
        let keys = cells(&self.axes(domain));
        let exact = self.closed(rows, &keys, domain, astray);
        let Noise { counts, sums, scales, .. } = noise;
        let bounds = self.column.as_deref().and_then(|name| domain.bounds(name));
        let count_accuracy = scales.count.map_or(0, Scale::accuracy_95_up);
        let cell = |(at, key): (usize, Vec<String>)| {
            let count = scales.count.map(|_| i128::from(exact[at].count) + counts[at]);
            let sum = scales.sum.map(|_| exact[at].sum + sums[at]);
            let mean = match (self.aggregate, sum, count, bounds) {
                (Aggregate::Mean, Some(sum), Some(count), Some(bounds)) => {
                    Some(post::mean(sum, count, count_accuracy, bounds))
                }
                _ => None,
            };
            Cell { key, count, sum, mean, quantile: None }
        };
        keys.into_iter().enumerate().map(cell).collect()
    }

    /// The keys that the engine found, noised, as far as they pass the threshold. Noise was drawn for as many as there can
    /// be, and which of it a key gets depends on its place alone.
    fn open_cells(
        &self,
        rows: Vec<EngineRow>,
        noise: Noise,
        domain: &Domain,
        astray: &mut u32,
    ) -> Result<Vec<Cell>, Violation> {
        let scale =
            noise.scales.count.ok_or_else(|| violation("", "the noise was drawn for another query"))?;
        let threshold = i128::try_from(threshold_up(scale, self.charge(), domain)).unwrap_or(i128::MAX);
        // No version of the data has more keys; those beyond have no noise.
        *astray += u32::try_from(rows.len().saturating_sub(noise.counts.len())).unwrap_or(u32::MAX);
        let mut found = BTreeMap::new();
        for (row, drawn) in rows.into_iter().zip(noise.counts) {
            let count = row.count(astray);
            let key = row.key.and_then(|key| <[String; 1]>::try_from(key).ok());
            let Some([key]) = key.filter(|[key]| (1..=KEY_BYTES_MAX).contains(&key.len())) else {
                *astray += 1;
                continue;
            };
            // A key that nobody has is none, whatever its noise.
            let count = (count > 0).then(|| i128::from(count) + drawn);
            match found.entry(key) {
                Entry::Vacant(free) => drop(free.insert(count)),
                Entry::Occupied(_) => *astray += 1,
            }
        }
        let passes = |(key, count): (String, Option<i128>)| {
            let count = count.filter(|count| *count >= threshold)?;
            Some(Cell { key: vec![key], count: Some(count), ..Cell::default() })
        };
        Ok(found.into_iter().filter_map(passes).collect())
    }

    /// Per group the value at which the noisy counts reach their part of the total.
    fn quantiles(&self, cells: &[Cell], scales: Scales, domain: &Domain) -> Vec<Cell> {
        let values = self.values(domain);
        let accuracy = scales.count.map_or(0, |scale| scale.accuracy_of_sums_95_up(values));
        let group = |group: &[Cell]| {
            let counts: Vec<i128> = group.iter().filter_map(|cell| cell.count).collect();
            let at = post::quantile_at(&counts, self.quantile.unwrap_or(0), accuracy);
            let (value, key) = group[0].key.split_last().expect("the value is the last part of the key");
            let value = at.map_or(Some(value), |at| group[at].key.last()).filter(|_| at.is_some());
            let quantile = value.and_then(|value| value.parse().ok());
            Cell { key: key.to_vec(), quantile: Some(quantile), ..Cell::default() }
        };
        cells.chunks(values.max(1)).map(group).collect()
    }

    /// How many values the measured column has under the conditions.
    fn values(&self, domain: &Domain) -> usize {
        self.values_of.as_ref().and_then(|_| self.axes(domain).last().map(Vec::len)).unwrap_or(1)
    }

    /// Totals where they were asked for; cells then add up to them.
    fn totals(&self, cells: &mut [Cell], scales: Scales) -> Option<Totals<'_>> {
        if !self.consistent {
            return None;
        }
        let scale = scales.count.or(scales.sum)?;
        if self.nonnegative {
            let mut counts: Vec<i128> = cells.iter().filter_map(|cell| cell.count).collect();
            let total = counts.iter().sum();
            post::project(&mut counts, total);
            cells.iter_mut().zip(counts).for_each(|(cell, count)| cell.count = Some(count));
        }
        let columns: Vec<&str> = self.key_columns().collect();
        let by = columns.iter().enumerate().map(|(at, name)| (*name, post::margin(cells, at, Cell::number)));
        Some(Totals {
            all: cells.iter().filter_map(Cell::number).sum(),
            accuracy_95: scale.accuracy_of_sums_95_up(cells.len()),
            by: if columns.len() > 1 { by.collect() } else { BTreeMap::new() },
        })
    }

    /// The engine's aggregates in the order of `keys`, each brought into the public domain.
    fn closed(
        &self,
        rows: Vec<EngineRow>,
        keys: &[Vec<String>],
        domain: &Domain,
        astray: &mut u32,
    ) -> Vec<Exact> {
        let places: BTreeMap<&[String], usize> =
            keys.iter().enumerate().map(|(at, key)| (&**key, at)).collect();
        let mut exact: Vec<Option<Exact>> = vec![None; keys.len()];
        let (low, high) = self.column.as_deref().and_then(|name| domain.bounds(name)).unwrap_or((0, 0));
        for row in rows {
            let count = row.count(astray);
            // No set of rows within the column's bounds has a sum outside count · bounds.
            let within = (i128::from(count) * i128::from(low), i128::from(count) * i128::from(high));
            let sum = match self.aggregate {
                Aggregate::Count | Aggregate::Quantile => 0,
                Aggregate::Sum | Aggregate::Mean => row.sum(within, astray),
            };
            let Some(key) = row.key else {
                *astray += 1;
                continue;
            };
            match places.get(&*key) {
                Some(&at) if exact[at].is_none() => exact[at] = Some(Exact { count, sum }),
                // The engine also lists cells that the conditions exclude; they are of the domain and empty.
                None if count == 0 && self.is_of_domain(&key, domain) => {}
                Some(_) | None => *astray += 1,
            }
        }
        exact.into_iter().map(Option::unwrap_or_default).collect()
    }

    fn is_of_domain(&self, key: &[String], domain: &Domain) -> bool {
        use super::domain::Column;
        let has = |(name, part): (&str, &String)| match &domain.columns[name] {
            Column::Categorical(keys) => keys.contains(part),
            Column::Integer { low, high } => {
                part.parse().is_ok_and(|value: i64| (*low..=*high).contains(&value))
            }
            Column::Open { .. } => false,
        };
        key.len() == self.key_columns().count() && self.key_columns().zip(key).all(has)
    }
}

/// Every cell of the query, in the order of the axes.
fn cells(axes: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut cells = vec![Vec::new()];
    for axis in axes {
        cells = cells
            .into_iter()
            .flat_map(|cell: Vec<String>| {
                axis.iter().map(move |part| cell.iter().cloned().chain([part.clone()]).collect())
            })
            .collect();
    }
    cells
}
