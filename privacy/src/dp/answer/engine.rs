//! The engine's answer, read so that no row can make it unreadable.
//!
//! `{"data_version", "max_rows_per_person", "rows": [{"key", "count", "sum"?}]}`. The two members before the rows are public
//! metadata, and an answer that names others is of something else: it is refused. What stands in the rows follows from data, so
//! nothing there refuses: a number that is none counts as 0, one outside its range as the nearest within.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::dp::Domain;
use crate::dp::domain::ROWS_MAX;
use crate::output::Violation;

/// What was read.
pub(super) struct Engine {
    pub(super) rows: Vec<EngineRow>,
    /// What is amiss with it so far.
    pub(super) astray: u32,
}

/// One row.
pub(super) struct EngineRow {
    /// None where it has none.
    pub(super) key: Option<Vec<String>>,
    count: Value,
    sum: Value,
}

#[derive(Deserialize)]
struct Raw {
    data_version: String,
    max_rows_per_person: u32,
    #[serde(default)]
    rows: Value,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// Reads the engine's answer, made of the right data under the right contribution bound.
pub(super) fn read(answer: &[u8], domain: &Domain) -> Result<Engine, Violation> {
    let violation = |at: &str, what| Violation { at: at.to_owned(), what };
    let document = crate::json::from_slice(answer).map_err(|_| violation("", "not well-formed JSON"))?;
    let raw = Raw::deserialize(document).map_err(|_| violation("", "not an engine's answer"))?;
    if raw.data_version != domain.data_version {
        return Err(violation("/data_version", "another version of the data"));
    }
    if raw.max_rows_per_person != domain.rows_per_person_max {
        return Err(violation("/max_rows_per_person", "another contribution bound"));
    }
    let mut astray = u32::from(!raw.unknown.is_empty());
    let Value::Array(rows) = raw.rows else { return Ok(Engine { rows: Vec::new(), astray: astray + 1 }) };
    let rows = rows.into_iter().map(|row| row_of(row, &mut astray)).collect();
    Ok(Engine { rows, astray })
}

fn row_of(row: Value, astray: &mut u32) -> EngineRow {
    let Value::Object(mut members) = row else {
        return EngineRow { key: None, count: Value::Null, sum: Value::Null };
    };
    let key = members.remove("key").and_then(|key| serde_json::from_value(key).ok());
    let mut number = |name| members.remove(name).unwrap_or_default();
    let (count, sum) = (number("count"), number("sum"));
    *astray += u32::from(!members.is_empty());
    EngineRow { key, count, sum }
}

impl EngineRow {
    /// How many rows of the table, as many as there can be.
    pub(super) fn count(&self, astray: &mut u32) -> i64 {
        let count = nearest(&self.count, (0, i128::from(ROWS_MAX)), astray);
        i64::try_from(count).expect("clamped to what an i64 holds")
    }

    /// Their sum, `within` what it can be.
    pub(super) fn sum(&self, within: (i128, i128), astray: &mut u32) -> i128 {
        nearest(&self.sum, within, astray)
    }
}

/// The whole number `within` its range that is nearest to `value`; of what is no number, the nearest to 0.
fn nearest(value: &Value, (low, high): (i128, i128), astray: &mut u32) -> i128 {
    let stated = match value {
        Value::Number(number) => number.as_i128(),
        _ => None,
    };
    let wanted = match (stated, value.as_f64()) {
        (Some(stated), _) => stated,
        #[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and clamping follows")]
        (None, Some(float)) => float as i128,
        (None, None) => 0,
    };
    let nearest = wanted.clamp(low, high);
    *astray += u32::from(stated != Some(nearest));
    nearest
}
