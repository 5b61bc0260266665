//! Queries: what may be asked, and the check of a query against the public domain.

use serde::Deserialize;

use super::domain::{Column, Domain};

/// Most conditions of a query.
pub const CONDITIONS_MAX: usize = 16;
/// Most values of one `in`.
pub const VALUES_MAX: usize = 256;
/// Most columns to group by.
pub const GROUPS_MAX: usize = 2;
/// Most cells of an answer.
pub const CELLS_MAX: usize = 4096;

/// One query.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// What is wanted of each group.
    pub measure: Measure,
    /// The column that is summed or counted by value. A `count` has none.
    #[serde(default)]
    pub column: Option<String>,
    /// Rows must meet all of these.
    #[serde(default, rename = "where")]
    pub conditions: Vec<Condition>,
    /// Categorical or open columns to group by.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// Most rows of one person that may count, as the asker believes.
    #[serde(default)]
    pub max_rows_per_person: Option<u32>,
    /// Digest of the domain, as the asker has it declared.
    #[serde(default)]
    pub domain: Option<String>,
}

/// What is wanted of each group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// How many rows.
    Count,
    /// How many rows, and the sum of an integer column.
    Sum,
    /// The same numbers as `sum`: the mean is for the gateway to form, after the noise.
    Mean,
    /// How many rows by value of a column: the value is the last part of the key.
    Histogram,
}

/// One condition on a column.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// How it is compared.
    pub op: Op,
    /// With what.
    pub value: Value,
}

/// How a column is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Is the value.
    Eq,
    /// Is one of the values.
    In,
    /// Is at least the value; integer columns only.
    Ge,
    /// Is at most the value; integer columns only.
    Le,
}

/// With what a column is compared.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A key of a categorical column.
    Key(String),
    /// A value of an integer column.
    Integer(i64),
    /// Keys, for `in`.
    Keys(Vec<String>),
    /// Values, for `in`.
    Integers(Vec<i64>),
}

/// Why a query was refused. Names places of the query, never its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// The table's domain is not the one that the asker has declared.
    #[error("domain is not the table's")]
    Domain,
    /// The table was bounded otherwise than the asker believes.
    #[error("max_rows_per_person is not the table's")]
    Bound,
    /// A column that the domain does not have.
    #[error("unknown column in {0}")]
    Column(&'static str),
    /// The measure needs a column, or one of the other type.
    #[error("the measure needs {0}")]
    Measure(&'static str),
    /// Too many conditions, values, groups or cells.
    #[error("more than {most} {what}")]
    TooMany {
        /// Most that are allowed.
        most: usize,
        /// Of what.
        what: &'static str,
    },
    /// A column to group by is an integer or is named twice.
    #[error("group_by takes different categorical columns")]
    GroupBy,
    /// The operator does not fit the column or the value.
    #[error("condition {0}: the operator, the column and the value do not fit")]
    Condition(usize),
    /// A key that the domain does not have.
    #[error("condition {0}: the value is not in the domain")]
    Outside(usize),
}

/// Which values of a column meet a condition, by position in the domain.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A categorical column: true for the keys that meet it.
    Keys(Vec<bool>),
    /// An integer column between two bounds, both included; empty when they are crossed.
    Between(i64, i64),
    /// An integer column with one of these values, sorted.
    Values(Vec<i64>),
}

impl Query {
    /// Checks the limits and names that do not need the table, and returns the columns that make up an
    /// answer's key.
    pub(super) fn key_columns<'a>(&'a self, domain: &'a Domain) -> Result<Vec<&'a str>, QueryFault> {
        if self.max_rows_per_person.is_some_and(|rows| rows != domain.max_rows_per_person) {
            return Err(QueryFault::Bound);
        }
        for (what, count, most) in [
            ("conditions", self.conditions.len(), CONDITIONS_MAX),
            ("groups", self.group_by.len(), GROUPS_MAX),
        ] {
            if count > most {
                return Err(QueryFault::TooMany { most, what });
            }
        }
        let mut key: Vec<&str> = Vec::with_capacity(GROUPS_MAX + 1);
        for name in &self.group_by {
            match domain.columns.get(name).ok_or(QueryFault::Column("group_by"))? {
                Column::Categorical { .. } | Column::Open { .. } if !key.contains(&name.as_str()) => {
                    key.push(name);
                }
                _ => return Err(QueryFault::GroupBy),
            }
        }
        match (self.measure, self.measured(domain)?) {
            (Measure::Count, None) | (Measure::Sum | Measure::Mean, Some((_, Column::Integer { .. }))) => {}
            (Measure::Histogram, Some((name, _))) if !key.contains(&name) => key.push(name),
            (Measure::Count, Some(_)) => return Err(QueryFault::Measure("no column")),
            (Measure::Sum | Measure::Mean, _) => return Err(QueryFault::Measure("an integer column")),
            (Measure::Histogram, _) => return Err(QueryFault::Measure("a column that is not grouped by")),
        }
        let cells =
            key.iter().try_fold(1_usize, |cells, name| cells.checked_mul(domain.columns[*name].size()));
        if cells.is_none_or(|cells| cells > CELLS_MAX) {
            return Err(QueryFault::TooMany { most: CELLS_MAX, what: "cells" });
        }
        Ok(key)
    }

    /// The measured column, if the query names one.
    pub(super) fn measured<'a>(
        &'a self,
        domain: &'a Domain,
    ) -> Result<Option<(&'a str, &'a Column)>, QueryFault> {
        let Some(name) = &self.column else { return Ok(None) };
        let column = domain.columns.get(name).ok_or(QueryFault::Column("column"))?;
        Ok(Some((name, column)))
    }
}

impl Condition {
    /// What of `column` meets this condition, which is number `at` (from 1) of its query.
    pub(super) fn accepted(&self, column: &Column, at: usize) -> Result<Accepted, QueryFault> {
        if matches!(&self.value, Value::Keys(many) if many.len() > VALUES_MAX)
            || matches!(&self.value, Value::Integers(many) if many.len() > VALUES_MAX)
        {
            return Err(QueryFault::TooMany { most: VALUES_MAX, what: "values" });
        }
        match (column, self.op, &self.value) {
            (Column::Categorical { keys }, Op::Eq, Value::Key(key)) => accepted_keys(keys, [key], at),
            (Column::Categorical { keys }, Op::In, Value::Keys(many)) => accepted_keys(keys, many, at),
            (Column::Integer { .. }, Op::Eq, Value::Integer(value)) => Ok(Accepted::Between(*value, *value)),
            (Column::Integer { .. }, Op::Ge, Value::Integer(value)) => {
                Ok(Accepted::Between(*value, i64::MAX))
            }
            (Column::Integer { .. }, Op::Le, Value::Integer(value)) => {
                Ok(Accepted::Between(i64::MIN, *value))
            }
            (Column::Integer { .. }, Op::In, Value::Integers(many)) => {
                let mut values = many.clone();
                values.sort_unstable();
                Ok(Accepted::Values(values))
            }
            // An empty list is read as a list of keys; for an integer column it accepts nothing just as well.
            (Column::Integer { .. }, Op::In, Value::Keys(none)) if none.is_empty() => {
                Ok(Accepted::Values(Vec::new()))
            }
            _ => Err(QueryFault::Condition(at)),
        }
    }
}

fn accepted_keys<'a>(
    keys: &[String],
    wanted: impl IntoIterator<Item = &'a String>,
    at: usize,
) -> Result<Accepted, QueryFault> {
    let mut accepted = vec![false; keys.len()];
    for key in wanted {
        let position = keys.iter().position(|known| known == key).ok_or(QueryFault::Outside(at))?;
        accepted[position] = true;
    }
    Ok(Accepted::Keys(accepted))
}
