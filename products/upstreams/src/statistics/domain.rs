//! The public metadata of a table: its columns, their keys and bounds, and how many rows a person may have.
//!
//! The file is shared with the gateway, whose manifest of the report product carries the same `domain`:
//! prices of queries and noise are computed from it alone.

use std::collections::BTreeMap;

use std::fmt::Write as _;

use ring::digest::{SHA256, digest};
use serde::Deserialize;
use shuzha_core::hex;

/// The public metadata of a table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Which state of the data this is. Another state has another version.
    pub data_version: String,
    /// Most rows of one person that count.
    pub max_rows_per_person: u32,
    /// Columns by name.
    pub columns: BTreeMap<String, Column>,
}

/// What a column can hold, as far as the public knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Column {
    /// One of these keys. A missing value is a key of its own (`?` in the Adult table).
    Categorical {
        /// All keys there can be, whether or not anybody has them; at most 256.
        keys: Vec<String>,
    },
    /// A whole number, clamped to these bounds.
    Integer {
        /// Smallest value.
        minimum: i32,
        /// Largest value.
        maximum: i32,
    },
    /// Some key, nobody outside knows which there are.
    Open {
        /// Most different keys in any version of the data; at most 4,096.
        keys_max: usize,
    },
}

impl Domain {
    /// Reads a domain from its JSON text.
    ///
    /// # Errors
    /// What the JSON parser says: the text is public, so its message may be shown.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The canonical text, by which the gateway and this engine know that they mean the same bounds, keys and rows
    /// (`docs/product-services.md`).
    #[must_use]
    pub fn canonical(&self) -> String {
        let measured = |text: &str| format!("{}:{text}", text.len());
        let mut text = format!(
            "shuzha-domain-v1\ndata_version {}\nmax_rows_per_person {}\n",
            measured(&self.data_version),
            self.max_rows_per_person
        );
        for (name, column) in &self.columns {
            let written = match column {
                Column::Categorical { keys } => {
                    let mut sorted: Vec<_> = keys.iter().map(|key| measured(key)).collect();
                    // By the keys' own bytes, not by their lengths.
                    sorted.sort_unstable_by(|a, b| key_of(a).cmp(key_of(b)));
                    let lines: String = sorted.iter().map(|key| format!("key {key}\n")).collect();
                    format!("categorical {}\n{lines}", keys.len())
                }
                Column::Integer { minimum, maximum } => format!("integer {minimum} {maximum}\n"),
                Column::Open { keys_max } => format!("open {keys_max}\n"),
            };
            write!(text, "column {} {written}", measured(name)).expect("a text takes what is written to it");
        }
        text
    }

    /// SHA-256 of the canonical text, in lower-case hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode(digest(&SHA256, self.canonical().as_bytes()).as_ref())
    }
}

/// What stands behind a length.
fn key_of(measured: &str) -> &str {
    measured.split_once(':').map_or("", |(_, key)| key)
}

impl Column {
    /// How many values the column can have at most; 0 when its bounds are crossed.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Categorical { keys } => keys.len(),
            Self::Integer { minimum, maximum } => {
                usize::try_from(i64::from(*maximum) - i64::from(*minimum) + 1).unwrap_or(0)
            }
            Self::Open { keys_max } => *keys_max,
        }
    }
}
