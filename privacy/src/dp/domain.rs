//! The public metadata of a data set: all that a query's shape, charge and noise may depend on.

use std::collections::{BTreeMap, BTreeSet};

use std::fmt::Write as _;

use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::Value;
use shuzha_core::{NanoCharge, hex};

use super::Measure;

/// Most columns of a data set.
pub const COLUMNS_MAX: usize = 256;
/// Most keys of a categorical column.
pub const KEYS_MAX: usize = 256;
/// Longest key or column name, in bytes.
pub const KEY_BYTES_MAX: usize = 128;
/// Most rows of one person that may count.
pub const ROWS_PER_PERSON_MAX: u32 = 1_000;
/// Largest magnitude of an integer column's bounds.
pub const BOUND_MAX: i64 = 1 << 31;
/// Most rows of any data set: what counts and sums of the engine are checked against.
pub const ROWS_MAX: i64 = 10_000_000_000;
/// Most cells of any answer.
pub const CELLS_MAX: usize = 4_096;

/// The first line of a domain's canonical text.
const CANONICAL: &str = "shuzha-domain-v1";

/// SHA-256 of a domain's canonical text: what gateway and engine must agree on before a query looks at data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainDigest([u8; 32]);

impl DomainDigest {
    /// The digest with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Display for DomainDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl std::fmt::Debug for DomainDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DomainDigest({self})")
    }
}

/// Limits that the data's provider sets beside the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What the budget counts in.
    pub measure: Measure,
    /// Most one query may cost.
    pub per_query_max: NanoCharge,
}

/// The public metadata of a data set, with its terms.
#[derive(Clone, Debug)]
pub struct Domain {
    pub(super) data_version: String,
    pub(super) rows_per_person_max: u32,
    pub(super) columns: BTreeMap<String, Column>,
    pub(super) terms: Terms,
    /// Of the canonical text; every query names it.
    digest: DomainDigest,
}

/// What a column can hold, as far as the public knows.
#[derive(Clone, Debug)]
pub(super) enum Column {
    /// One of these keys.
    Categorical(Vec<String>),
    /// A whole number, clamped to these bounds.
    Integer { low: i64, high: i64 },
    /// Keys that are not public: who is there decides which exist. At most so many, in every version of the data.
    Open { keys_max: usize },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDomain {
    data_version: String,
    max_rows_per_person: u32,
    columns: BTreeMap<String, RawColumn>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum RawColumn {
    Categorical { keys: Vec<String> },
    Integer { minimum: i64, maximum: i64 },
    Open { keys_max: usize },
}

impl Domain {
    /// Reads a declared domain: `{"data_version", "max_rows_per_person", "columns": {name: {"type": "categorical",
    /// "keys"} | {"type": "integer", "minimum", "maximum"} | {"type": "open", "keys_max"}}}`.
    ///
    /// # Errors
    /// Every fault found, as `place: reason`.
    pub fn compile(declared: &Value, terms: Terms) -> Result<Self, Vec<String>> {
        let raw = RawDomain::deserialize(declared).map_err(|error| vec![format!("domain: {error}")])?;
        let mut faults = Vec::new();
        let named = |text: &str| (1..=KEY_BYTES_MAX).contains(&text.len());
        if !named(&raw.data_version) {
            faults.push("data_version: empty or too long".to_owned());
        }
        if !(1..=ROWS_PER_PERSON_MAX).contains(&raw.max_rows_per_person) {
            faults.push(format!("max_rows_per_person: not 1 to {ROWS_PER_PERSON_MAX}"));
        }
        if !(1..=COLUMNS_MAX).contains(&raw.columns.len()) {
            faults.push(format!("columns: not 1 to {COLUMNS_MAX}"));
        }
        for (name, column) in &raw.columns {
            let reason = match column {
                _ if !named(name) => Some("the name is empty or too long"),
                RawColumn::Categorical { keys } if !(1..=KEYS_MAX).contains(&keys.len()) => {
                    Some("no or too many keys")
                }
                RawColumn::Categorical { keys } if !keys.iter().all(|key| named(key)) => {
                    Some("a key is empty or too long")
                }
                RawColumn::Categorical { keys }
                    if keys.iter().collect::<BTreeSet<_>>().len() < keys.len() =>
                {
                    Some("a key is listed twice")
                }
                RawColumn::Integer { minimum, maximum } if minimum > maximum => {
                    Some("minimum is above maximum")
                }
                RawColumn::Integer { minimum, maximum } if *minimum < -BOUND_MAX || *maximum > BOUND_MAX => {
                    Some("a bound is too large")
                }
                RawColumn::Open { keys_max } if !(1..=CELLS_MAX).contains(keys_max) => {
                    Some("keys_max is none or too many")
                }
                _ => None,
            };
            faults.extend(reason.map(|reason| format!("columns/{name}: {reason}")));
        }
        if terms.per_query_max.is_zero() {
            faults.push("terms: no query may cost anything".to_owned());
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let column = |raw| match raw {
            RawColumn::Categorical { keys } => Column::Categorical(keys),
            RawColumn::Integer { minimum, maximum } => Column::Integer { low: minimum, high: maximum },
            RawColumn::Open { keys_max } => Column::Open { keys_max },
        };
        let mut domain = Self {
            data_version: raw.data_version,
            rows_per_person_max: raw.max_rows_per_person,
            columns: raw.columns.into_iter().map(|(name, raw)| (name, column(raw))).collect(),
            terms,
            digest: DomainDigest([0; 32]),
        };
        let digest = digest(&SHA256, domain.canonical().as_bytes());
        domain.digest = DomainDigest(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"));
        Ok(domain)
    }

    /// The canonical text: everything that a query's sensitivity and shape follow from, in one way. Columns stand by name and
    /// keys by their bytes, so that an order of declaration changes nothing; a text stands behind its length in bytes, so
    /// that no two domains have one text. `docs/product-services.md` has it for engines.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = format!(
            "{CANONICAL}\ndata_version {}\nmax_rows_per_person {}\n",
            measured(&self.data_version),
            self.rows_per_person_max
        );
        let written = "a text takes whatever is written to it";
        for (name, column) in &self.columns {
            let name = measured(name);
            match column {
                Column::Categorical(keys) => {
                    writeln!(text, "column {name} categorical {}", keys.len()).expect(written);
                    let sorted: BTreeSet<_> = keys.iter().collect();
                    sorted.into_iter().for_each(|key| {
                        writeln!(text, "key {}", measured(key)).expect(written);
                    });
                }
                Column::Integer { low, high } => {
                    writeln!(text, "column {name} integer {low} {high}").expect(written);
                }
                Column::Open { keys_max } => {
                    writeln!(text, "column {name} open {keys_max}").expect(written);
                }
            }
        }
        text
    }

    /// SHA-256 of the canonical text.
    #[must_use]
    pub const fn digest(&self) -> DomainDigest {
        self.digest
    }

    /// Which state of the data this is about.
    #[must_use]
    pub fn data_version(&self) -> &str {
        &self.data_version
    }

    /// What the budget counts in.
    #[must_use]
    pub const fn measure(&self) -> Measure {
        self.terms.measure
    }

    /// The contribution bound: most rows of one person that count.
    #[must_use]
    pub const fn rows_per_person_max(&self) -> u32 {
        self.rows_per_person_max
    }

    /// How many values the column can have.
    pub(super) fn size(&self, name: &str) -> usize {
        match &self.columns[name] {
            Column::Categorical(keys) => keys.len(),
            Column::Integer { low, high } => usize::try_from(high - low + 1).unwrap_or(usize::MAX),
            Column::Open { keys_max } => *keys_max,
        }
    }

    /// The bounds of an integer column.
    pub(super) fn bounds(&self, name: &str) -> Option<(i64, i64)> {
        match self.columns.get(name)? {
            Column::Integer { low, high } => Some((*low, *high)),
            Column::Categorical(_) | Column::Open { .. } => None,
        }
    }
}

/// A text behind its length in bytes.
fn measured(text: &str) -> String {
    format!("{}:{text}", text.len())
}
