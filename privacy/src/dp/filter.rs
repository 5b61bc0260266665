//! Conditions of a query in their one normal form: per column, which values are kept.
//!
//! Two lists of conditions that keep the same values of each column have the same normal form, however they are
//! written, so that the release cache knows them for one query.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use shuzha_core::{Code, Refusal};

use super::domain::{Column, Domain};

/// Most conditions of one query.
pub(super) const CONDITIONS_MAX: usize = 16;
/// Most values of one `in`.
pub(super) const VALUES_MAX: usize = 256;

/// A condition as asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCondition {
    column: String,
    op: Op,
    value: RawValue,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Eq,
    In,
    Ge,
    Le,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawValue {
    Key(String),
    Integer(i64),
    Keys(Vec<String>),
    Integers(Vec<i64>),
}

/// The values of one column that are kept. Never empty, never all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Keep {
    Keys(BTreeSet<String>),
    /// From the first to the second, both included.
    Range(i64, i64),
    /// Integers with a gap between them.
    Values(BTreeSet<i64>),
}

impl Keep {
    pub(super) fn keeps_key(&self, key: &str) -> bool {
        matches!(self, Self::Keys(keys) if keys.contains(key))
    }

    pub(super) fn keeps_integer(&self, value: i64) -> bool {
        match self {
            Self::Keys(_) => false,
            Self::Range(low, high) => (*low..=*high).contains(&value),
            Self::Values(values) => values.contains(&value),
        }
    }
}

/// Brings conditions into normal form.
///
/// # Errors
/// C605 for a column or value outside the domain, C302 for an operator that does not fit or conditions that together
/// keep nothing: such a query has a known answer and is a mistake.
pub(super) fn normalise(
    conditions: Vec<RawCondition>,
    domain: &Domain,
) -> Result<BTreeMap<String, Keep>, Refusal> {
    let mut kept: BTreeMap<String, Keep> = BTreeMap::new();
    for (at, condition) in conditions.into_iter().enumerate() {
        let place = |member: &str| format!("/where/{at}/{member}");
        let column =
            domain.columns.get(&condition.column).ok_or_else(|| Refusal::at(Code::C605, place("column")))?;
        let before = kept.remove(&condition.column);
        let one =
            read(condition.op, condition.value, column).map_err(|code| Refusal::at(code, place("value")))?;
        let both = match before {
            Some(before) => meet(before, one),
            None => one,
        };
        let both = simplify(both).ok_or_else(|| Refusal::at(Code::C302, "/where"))?;
        kept.insert(condition.column, both);
    }
    kept.retain(|name, keep| !keeps_all(keep, &domain.columns[name]));
    Ok(kept)
}

fn read(op: Op, value: RawValue, column: &Column) -> Result<Keep, Code> {
    match (column, op, value) {
        (Column::Categorical(keys), Op::Eq, RawValue::Key(key)) => listed(keys, vec![key]),
        (Column::Categorical(keys), Op::In, RawValue::Keys(many)) => listed(keys, many),
        (&Column::Integer { low, high }, op, RawValue::Integer(value)) => {
            if !(low..=high).contains(&value) {
                return Err(Code::C605);
            }
            match op {
                Op::Eq => Ok(Keep::Range(value, value)),
                Op::Ge => Ok(Keep::Range(value, high)),
                Op::Le => Ok(Keep::Range(low, value)),
                Op::In => Err(Code::C302),
            }
        }
        // Which keys there are is not public; a condition on one would ask for it.
        (Column::Open { .. }, ..) => Err(Code::C605),
        (Column::Integer { low, high }, Op::In, RawValue::Integers(many)) => {
            if many.len() > VALUES_MAX {
                return Err(Code::C302);
            }
            if !many.iter().all(|value| (low..=high).contains(&value)) {
                return Err(Code::C605);
            }
            Ok(Keep::Values(many.into_iter().collect()))
        }
        _ => Err(Code::C302),
    }
}

fn listed(keys: &[String], wanted: Vec<String>) -> Result<Keep, Code> {
    if wanted.len() > VALUES_MAX {
        return Err(Code::C302);
    }
    if wanted.iter().all(|key| keys.contains(key)) {
        Ok(Keep::Keys(wanted.into_iter().collect()))
    } else {
        Err(Code::C605)
    }
}

/// What both keep. The two are of one column, so of one type.
fn meet(one: Keep, other: Keep) -> Keep {
    match (one, other) {
        (Keep::Keys(one), Keep::Keys(other)) => Keep::Keys(one.intersection(&other).cloned().collect()),
        (Keep::Range(low, high), Keep::Range(least, most)) => Keep::Range(low.max(least), high.min(most)),
        (Keep::Values(values), other) | (other, Keep::Values(values)) => {
            Keep::Values(values.into_iter().filter(|&value| other.keeps_integer(value)).collect())
        }
        (Keep::Keys(_), Keep::Range(..)) | (Keep::Range(..), Keep::Keys(_)) => Keep::Keys(BTreeSet::new()),
    }
}

/// Integers without a gap become a range; what keeps nothing becomes `None`.
fn simplify(keep: Keep) -> Option<Keep> {
    match keep {
        Keep::Keys(keys) => (!keys.is_empty()).then_some(Keep::Keys(keys)),
        Keep::Range(low, high) => (low <= high).then_some(Keep::Range(low, high)),
        Keep::Values(values) => {
            let (low, high) = (*values.first()?, *values.last()?);
            let gapless = usize::try_from(high - low).is_ok_and(|span| span + 1 == values.len());
            Some(if gapless { Keep::Range(low, high) } else { Keep::Values(values) })
        }
    }
}

fn keeps_all(keep: &Keep, column: &Column) -> bool {
    match (keep, column) {
        (Keep::Keys(kept), Column::Categorical(keys)) => kept.len() == keys.len(),
        (Keep::Range(low, high), Column::Integer { low: least, high: most }) => low == least && high == most,
        _ => false,
    }
}
