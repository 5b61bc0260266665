//! From exact aggregates to what may be released.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Domain;
use super::domain::ROWS_MAX;
use super::noise::{Noise, Scale};
use super::query::{Aggregate, Query};
use crate::output::Violation;

/// Decimals of a mean.
const MEAN_UNIT: i128 = 10_000;

/// The engine's answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Engine {
    data_version: String,
    rows: Vec<EngineRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineRow {
    key: Vec<String>,
    count: i64,
    #[serde(default)]
    sum: Option<i64>,
}

/// What is released.
#[derive(Serialize)]
struct Released<'a> {
    data_version: &'a str,
    measure: Aggregate,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    key_columns: Vec<&'a str>,
    cells: Vec<Cell>,
    noise: Vec<NoiseNote>,
    privacy: PrivacyNote<'a>,
}

#[derive(Serialize)]
struct Cell {
    key: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<i128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sum: Option<i128>,
    /// `null` where the noise drowns the count.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<Option<f64>>,
}

#[derive(Serialize)]
struct NoiseNote {
    of: &'static str,
    mechanism: &'static str,
    scale: f64,
    /// Each value is this near to the exact one with probability 95 % at least.
    accuracy_95: u128,
}

impl NoiseNote {
    fn of((of, scale): (&'static str, Option<Scale>)) -> Option<Self> {
        let scale = scale?;
        let accuracy_95 = scale.accuracy_95_up();
        Some(Self { of, mechanism: scale.mechanism(), scale: scale.as_double(), accuracy_95 })
    }
}

#[derive(Serialize)]
struct PrivacyNote<'a> {
    unit: &'static str,
    measure: &'a str,
    charge: String,
}

/// Exact values of one cell.
#[derive(Clone, Copy, Default)]
struct Exact {
    count: i64,
    sum: i64,
}

fn violation(at: &str, what: &'static str) -> Violation {
    Violation { at: at.to_owned(), what }
}

impl Query {
    /// Adds the noise to the engine's aggregates and writes the answer. A cell that the engine leaves out is 0.
    ///
    /// Post-processing costs nothing and is applied in this order: counts below 0 become 0 where the query asked for
    /// `nonnegative`; a mean is noisy sum / noisy count, clamped to the column's public bounds, with four decimals, and
    /// `null` where the noisy count is within its own 95 % accuracy of 0.
    ///
    /// # Errors
    /// [`Violation`] where the engine's answer is not of its shape, of another data version, has cells outside the
    /// public domain, or aggregates that no data within the domain has.
    pub fn release(&self, noise: Noise, engine_answer: &[u8], domain: &Domain) -> Result<Vec<u8>, Violation> {
        let axes = self.axes(domain);
        let keys = cells(&axes);
        let exact = self.read_engine(engine_answer, &keys, domain)?;
        let Noise { query, counts, sums, scales } = noise;
        if query != *self {
            return Err(violation("", "the noise was drawn for another query"));
        }
        let bounds = self.column.as_deref().and_then(|name| domain.bounds(name));
        let count_accuracy = scales.count.map_or(0, Scale::accuracy_95_up);
        let mut cells = Vec::with_capacity(keys.len());
        for (at, key) in keys.into_iter().enumerate() {
            let count = scales.count.map(|_| i128::from(exact[at].count) + counts[at]);
            let sum = scales.sum.map(|_| i128::from(exact[at].sum) + sums[at]);
            let mean = match (self.aggregate, sum, count, bounds) {
                (Aggregate::Mean, Some(sum), Some(count), Some(bounds)) => {
                    Some(mean(sum, count, count_accuracy, bounds))
                }
                _ => None,
            };
            let count = count.map(|count| if self.nonnegative { count.max(0) } else { count });
            cells.push(Cell { key, count, sum, mean });
        }
        let released = Released {
            data_version: &domain.data_version,
            measure: self.aggregate,
            column: self.column.as_deref(),
            key_columns: self.key_columns().collect(),
            cells,
            noise: [("count", scales.count), ("sum", scales.sum)]
                .into_iter()
                .filter_map(NoiseNote::of)
                .collect(),
            privacy: PrivacyNote {
                unit: "person",
                measure: domain.measure().as_str(),
                charge: self.charge().to_string(),
            },
        };
        Ok(serde_json::to_vec(&released).expect("names and numbers are JSON"))
    }

    /// Reads the engine's aggregates into the order of `keys`, checking each against the public domain.
    fn read_engine(
        &self,
        answer: &[u8],
        keys: &[Vec<String>],
        domain: &Domain,
    ) -> Result<Vec<Exact>, Violation> {
        let document = crate::json::from_slice(answer).map_err(|_| violation("", "not well-formed JSON"))?;
        let engine = Engine::deserialize(document).map_err(|_| violation("", "not an engine's answer"))?;
        if engine.data_version != domain.data_version {
            return Err(violation("/data_version", "another version of the data"));
        }
        let places: BTreeMap<&[String], usize> =
            keys.iter().enumerate().map(|(at, key)| (&**key, at)).collect();
        let mut exact: Vec<Option<Exact>> = vec![None; keys.len()];
        let mut rows_total: i64 = 0;
        for row in engine.rows {
            let sum = match (self.aggregate, row.sum) {
                (Aggregate::Count, _) => 0,
                (Aggregate::Sum | Aggregate::Mean, Some(sum)) => sum,
                (Aggregate::Sum | Aggregate::Mean, None) => return Err(violation("/rows/*/sum", "missing")),
            };
            rows_total = rows_total.saturating_add(row.count.max(0));
            if row.count < 0 || rows_total > ROWS_MAX {
                return Err(violation("/rows/*/count", "outside the public bound"));
            }
            // No set of rows within the column's bounds has a sum outside count · bounds.
            let (low, high) = self.column.as_deref().and_then(|name| domain.bounds(name)).unwrap_or((0, 0));
            let count = i128::from(row.count);
            if !(count * i128::from(low)..=count * i128::from(high)).contains(&i128::from(sum)) {
                return Err(violation("/rows/*/sum", "outside the public bound"));
            }
            match places.get(&*row.key) {
                Some(&at) if exact[at].is_none() => exact[at] = Some(Exact { count: row.count, sum }),
                Some(_) => return Err(violation("/rows/*/key", "a cell is repeated")),
                // The engine also lists cells that the conditions exclude; they are of the domain and empty.
                None if row.count == 0 && self.is_of_domain(&row.key, domain) => {}
                None => return Err(violation("/rows/*/key", "not a cell of the query")),
            }
        }
        Ok(exact.into_iter().map(Option::unwrap_or_default).collect())
    }

    fn is_of_domain(&self, key: &[String], domain: &Domain) -> bool {
        use super::domain::Column;
        let has = |(name, part): (&str, &String)| match &domain.columns[name] {
            Column::Categorical(keys) => keys.contains(part),
            Column::Integer { low, high } => {
                part.parse().is_ok_and(|value: i64| (*low..=*high).contains(&value))
            }
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

/// Noisy sum / noisy count from released integers only.
fn mean(sum: i128, count: i128, count_accuracy: u128, (low, high): (i64, i64)) -> Option<f64> {
    if count <= 0 || count.unsigned_abs() <= count_accuracy {
        return None;
    }
    let scaled = (sum.saturating_mul(MEAN_UNIT)).div_euclid(count);
    let clamped = scaled.clamp(i128::from(low) * MEAN_UNIT, i128::from(high) * MEAN_UNIT);
    #[expect(
        clippy::cast_precision_loss,
        reason = "bounds are below 2^32, so this is exact; and only for display"
    )]
    Some(clamped as f64 / MEAN_UNIT as f64)
}
