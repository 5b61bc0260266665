//! Queries: read against the public domain, brought into one canonical form, priced.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shuzha_core::{Code, NanoCharge, Refusal};

use super::Measure;
use super::domain::{CELLS_MAX, Column, Domain};
use super::filter::{self, Keep, RawCondition};

/// Quantiles are told apart by ten-thousandths.
pub(super) const QUANTILE_UNIT: u16 = 10_000;
/// Nano-units in one of them.
const QUANTILE_NANOS: u64 = 100_000;

/// Most columns to group by.
pub const GROUPS_MAX: usize = 2;

/// A query as asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuery {
    measure: RawMeasure,
    #[serde(default)]
    column: Option<String>,
    #[serde(default, rename = "where")]
    conditions: Vec<RawCondition>,
    #[serde(default)]
    group_by: Vec<String>,
    accuracy: RawAccuracy,
    #[serde(default)]
    nonnegative: bool,
    #[serde(default)]
    consistent: bool,
    #[serde(default)]
    quantile: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawMeasure {
    Count,
    Sum,
    Mean,
    Histogram,
    Quantile,
}

/// What the asker wants to spend, as decimal text: a JSON number would have gone through a double.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawAccuracy {
    Epsilon(String),
    Rho(String),
}

/// What is wanted of each cell. A histogram is a count by the values of its column; a quantile is found in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Aggregate {
    Count,
    Sum,
    Mean,
    Quantile,
}

/// A query in canonical form, known to lie within the public domain and under the limit for one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(super) aggregate: Aggregate,
    /// The integer column that is summed.
    pub(super) column: Option<String>,
    /// Categorical columns of the cells, sorted.
    pub(super) groups: Vec<String>,
    /// The integer column whose every value is a cell.
    pub(super) values_of: Option<String>,
    pub(super) kept: BTreeMap<String, Keep>,
    /// Counts below zero are released as zero.
    pub(super) nonnegative: bool,
    /// Totals are released too, and cells add up to them.
    pub(super) consistent: bool,
    /// Which quantile, in ten-thousandths.
    pub(super) quantile: Option<u16>,
    pub(super) charge_nanos: u64,
}

/// The bytes of a query. A type of its own: what is cached under these bytes must not change because a field was
/// added or moved.
#[derive(Serialize)]
struct Canonical<'q> {
    v: u8,
    aggregate: Aggregate,
    column: &'q Option<String>,
    groups: &'q [String],
    values_of: &'q Option<String>,
    kept: &'q BTreeMap<String, Keep>,
    nonnegative: bool,
    charge_nanos: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    consistent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantile: Option<u16>,
}

impl Query {
    /// Reads a query: `{"measure", "column"?, "where"?, "group_by"?, "accuracy": {"epsilon" | "rho": "0.1"},
    /// "nonnegative"?, "consistent"?, "quantile"?: "0.5"}`. Depends on the query and the domain only, never on data.
    ///
    /// # Errors
    /// - [`Code::C302`]: not of this shape, or conditions that together keep nothing.
    /// - [`Code::C605`]: a column, key, value or number of cells outside the domain.
    /// - [`Code::C604`]: a charge above the limit for one query.
    pub fn parse(asked: &Value, domain: &Domain) -> Result<Self, Refusal> {
        let raw = RawQuery::deserialize(asked).map_err(|_| Refusal::from(Code::C302))?;
        let charge = read_charge(&raw.accuracy, raw.measure, domain)?;
        if raw.group_by.len() > GROUPS_MAX || raw.conditions.len() > filter::CONDITIONS_MAX {
            return Err(Refusal::from(Code::C302));
        }
        let kept = filter::normalise(raw.conditions, domain)?;
        let mut query = Self {
            aggregate: match raw.measure {
                RawMeasure::Count | RawMeasure::Histogram => Aggregate::Count,
                RawMeasure::Sum => Aggregate::Sum,
                RawMeasure::Mean => Aggregate::Mean,
                RawMeasure::Quantile => Aggregate::Quantile,
            },
            column: None,
            groups: raw.group_by,
            values_of: None,
            kept,
            nonnegative: raw.nonnegative,
            consistent: raw.consistent,
            quantile: read_quantile(raw.measure, raw.quantile.as_deref())?,
            charge_nanos: charge.nanos(),
        };
        check_groups(&query.groups, domain)?;
        let by_column_alone = query.groups.is_empty();
        query.place_column(raw.measure, raw.column, domain)?;
        query.groups.sort_unstable();
        if query.groups.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refusal::at(Code::C302, "/column"));
        }
        // Of the whole domain, conditions or not: the engine lists those cells too, and what it refuses after the
        // charge was debited is lost.
        let cells = query.key_columns().try_fold(1_usize, |cells, name| cells.checked_mul(domain.size(name)));
        if cells.is_none_or(|cells| cells > CELLS_MAX) {
            return Err(Refusal::at(Code::C605, if by_column_alone { "/column" } else { "/group_by" }));
        }
        if query.engine_conditions().len() > filter::CONDITIONS_MAX {
            return Err(Refusal::at(Code::C302, "/where"));
        }
        query.settle_post_processing(domain)?;
        // The scales exist: checked here, so that pricing and drawing cannot fail for the query's sake.
        query.scales(domain).map_err(|code| Refusal::at(code, "/accuracy"))?;
        Ok(query)
    }

    /// Refuses what cannot be had together, and forgets what would change nothing: one question, one canonical form.
    fn settle_post_processing(&mut self, domain: &Domain) -> Result<(), Refusal> {
        let open = self.open_column(domain).is_some();
        let alone = self.groups.len() == 1 && self.values_of.is_none();
        if open && !(self.aggregate == Aggregate::Count && alone) {
            return Err(Refusal::at(Code::C302, "/group_by"));
        }
        let adds_up = matches!(self.aggregate, Aggregate::Count | Aggregate::Sum);
        if self.consistent && (open || !adds_up || self.key_columns().next().is_none()) {
            return Err(Refusal::at(Code::C302, "/consistent"));
        }
        self.nonnegative &= matches!(self.aggregate, Aggregate::Count | Aggregate::Mean) && !open;
        Ok(())
    }

    /// The column with keys that are not public, if the cells are made of one.
    pub(super) fn open_column<'q>(&'q self, domain: &Domain) -> Option<&'q str> {
        let open = |name: &&str| matches!(domain.columns.get(*name), Some(Column::Open { .. }));
        self.key_columns().find(open)
    }

    /// How many numbers the noise is drawn for.
    pub(super) fn cells(&self, domain: &Domain) -> usize {
        match self.open_column(domain) {
            Some(name) => domain.size(name),
            None => self.axes(domain).iter().map(Vec::len).product(),
        }
    }

    /// Gives the measured column its part: what is summed, or whose values are the cells.
    fn place_column(
        &mut self,
        measure: RawMeasure,
        column: Option<String>,
        domain: &Domain,
    ) -> Result<(), Refusal> {
        let at = |code| Refusal::at(code, "/column");
        match (measure, column) {
            (RawMeasure::Count, None) => Ok(()),
            (RawMeasure::Count, Some(_)) | (_, None) => Err(at(Code::C302)),
            (RawMeasure::Sum | RawMeasure::Mean, Some(name)) => match domain.columns.get(&name) {
                None => Err(at(Code::C605)),
                Some(Column::Categorical(_) | Column::Open { .. }) => Err(at(Code::C302)),
                Some(Column::Integer { .. }) => {
                    self.column = Some(name);
                    Ok(())
                }
            },
            (RawMeasure::Quantile, Some(name)) => match domain.columns.get(&name) {
                None => Err(at(Code::C605)),
                Some(Column::Categorical(_) | Column::Open { .. }) => Err(at(Code::C302)),
                Some(Column::Integer { .. }) => {
                    self.values_of = Some(name);
                    Ok(())
                }
            },
            (RawMeasure::Histogram, Some(name)) => match domain.columns.get(&name) {
                None => Err(at(Code::C605)),
                Some(Column::Categorical(_) | Column::Open { .. }) => {
                    self.groups.push(name);
                    Ok(())
                }
                Some(Column::Integer { .. }) => {
                    self.values_of = Some(name);
                    Ok(())
                }
            },
        }
    }

    /// The query without its post-processing: what noise is drawn for, and what a release is kept of. Whatever is done to
    /// noised numbers afterwards costs nothing, so it is no other question.
    #[must_use]
    pub fn base(&self) -> Self {
        Self { nonnegative: false, consistent: false, ..self.clone() }
    }

    /// The query as bytes: queries that ask the same have the same bytes. With the data version the key of the release
    /// cache.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let canonical = Canonical {
            v: 1,
            aggregate: self.aggregate,
            column: &self.column,
            groups: &self.groups,
            values_of: &self.values_of,
            kept: &self.kept,
            nonnegative: self.nonnegative,
            charge_nanos: self.charge_nanos,
            consistent: self.consistent,
            quantile: self.quantile,
        };
        serde_json::to_vec(&canonical).expect("names and integers are JSON")
    }

    /// What the query costs: the ε or ρ that it asked to spend.
    ///
    /// Cells are disjoint, so all cells together cost what one does (parallel composition). A mean spends half on
    /// the sums and half on the counts; the halves are rounded down and the whole is charged.
    #[must_use]
    pub const fn charge(&self) -> NanoCharge {
        NanoCharge::from_nanos(self.charge_nanos)
    }

    /// Names of the columns that make up a cell's key, in order.
    pub(super) fn key_columns(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().chain(&self.values_of).map(String::as_str)
    }

    /// Per key column the values that make cells: those of the public domain that the conditions keep.
    pub(super) fn axes(&self, domain: &Domain) -> Vec<Vec<String>> {
        let axis = |name: &str| {
            let keep = self.kept.get(name);
            match &domain.columns[name] {
                Column::Categorical(keys) => {
                    keys.iter().filter(|key| keep.is_none_or(|keep| keep.keeps_key(key))).cloned().collect()
                }
                Column::Open { .. } => Vec::new(),
                Column::Integer { low, high } => match keep {
                    Some(Keep::Values(values)) => values.iter().map(i64::to_string).collect(),
                    Some(Keep::Range(low, high)) => (*low..=*high).map(|value| value.to_string()).collect(),
                    _ => (*low..=*high).map(|value| value.to_string()).collect(),
                },
            }
        };
        self.key_columns().map(axis).collect()
    }
}

/// Whether the columns to group by are some of those that can be, each once.
fn check_groups(groups: &[String], domain: &Domain) -> Result<(), Refusal> {
    for (at, name) in groups.iter().enumerate() {
        let place = || format!("/group_by/{at}");
        match domain.columns.get(name) {
            None => return Err(Refusal::at(Code::C605, place())),
            Some(Column::Categorical(_) | Column::Open { .. }) if !groups[..at].contains(name) => {}
            Some(_) => return Err(Refusal::at(Code::C302, place())),
        }
    }
    Ok(())
}

/// Reads what the asker wants to spend.
fn read_charge(asked: &RawAccuracy, measure: RawMeasure, domain: &Domain) -> Result<NanoCharge, Refusal> {
    let at = |code| Refusal::at(code, "/accuracy");
    let (unit, text) = match asked {
        RawAccuracy::Epsilon(text) => (Measure::PureEps, text),
        RawAccuracy::Rho(text) => (Measure::Rho, text),
    };
    if unit != domain.terms.measure {
        return Err(at(Code::C302));
    }
    let charge: NanoCharge = text.parse().map_err(|_| at(Code::C302))?;
    let least = if measure == RawMeasure::Mean { 2 } else { 1 };
    if charge.nanos() < least {
        return Err(at(Code::C302));
    }
    if charge > domain.terms.per_query_max { Err(at(Code::C604)) } else { Ok(charge) }
}

/// Reads which quantile is wanted, as decimal text with at most four decimals between 0 and 1.
fn read_quantile(measure: RawMeasure, asked: Option<&str>) -> Result<Option<u16>, Refusal> {
    let refused = || Refusal::at(Code::C302, "/quantile");
    match (measure, asked) {
        (RawMeasure::Quantile, Some(text)) => {
            // A charge is the decimal type that is at hand: exact, and nothing but digits and a point.
            let nanos = text.parse::<NanoCharge>().map_err(|_| refused())?.nanos();
            let parts = u16::try_from(nanos / QUANTILE_NANOS).map_err(|_| refused())?;
            let exact = nanos % QUANTILE_NANOS == 0 && (1..QUANTILE_UNIT).contains(&parts);
            if exact { Ok(Some(parts)) } else { Err(refused()) }
        }
        (RawMeasure::Quantile, None) | (_, Some(_)) => Err(refused()),
        (_, None) => Ok(None),
    }
}
