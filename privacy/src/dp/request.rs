//! What the statistics engine is asked, and how long its answer may be.

use serde_json::{Value, json};

use super::domain::{Column, Domain, KEY_BYTES_MAX};
use super::filter::Keep;
use super::query::{Aggregate, GROUPS_MAX, Query};

impl Query {
    /// The conditions as the engine reads them.
    pub(super) fn engine_conditions(&self) -> Vec<Value> {
        let mut conditions = Vec::new();
        for (column, keep) in &self.kept {
            let mut add =
                |op: &str, value: Value| conditions.push(json!({"column": column, "op": op, "value": value}));
            match keep {
                Keep::Keys(keys) => add("in", json!(keys)),
                Keep::Values(values) => add("in", json!(values)),
                Keep::Range(low, high) if low == high => add("eq", json!(low)),
                Keep::Range(low, high) => {
                    add("ge", json!(low));
                    add("le", json!(high));
                }
            }
        }
        conditions
    }

    /// The request to the statistics engine: `{"measure", "column"?, "where", "group_by", "max_rows_per_person", "domain"}`.
    /// The last two are the contribution bound and the digest of the whole domain that the noise is drawn for: an engine
    /// that keeps another must refuse before it looks at data.
    #[must_use]
    pub fn engine_request(&self, domain: &Domain) -> Value {
        let conditions = self.engine_conditions();
        let mut groups: Vec<&str> = self.key_columns().collect();
        let by_value = self.values_of.is_some() || groups.len() > GROUPS_MAX;
        let (measure, column) = match self.aggregate {
            Aggregate::Count | Aggregate::Quantile if by_value => ("histogram", groups.pop()),
            Aggregate::Count | Aggregate::Quantile => ("count", None),
            Aggregate::Sum => ("sum", self.column.as_deref()),
            Aggregate::Mean => ("mean", self.column.as_deref()),
        };
        let rows = domain.rows_per_person_max;
        let mut request = json!({
            "measure": measure, "where": conditions, "group_by": groups, "max_rows_per_person": rows,
            "domain": domain.digest().to_string(),
        });
        if let Some(column) = column {
            request["column"] = json!(column);
        }
        request
    }

    /// Most bytes that an engine's answer to this query has, whatever the data: a limit below it would refuse by how long keys
    /// and numbers happen to be.
    #[must_use]
    pub fn answer_bytes_max(&self, domain: &Domain) -> usize {
        /// Envelope, and what of a row is not its key: member names, punctuation, two numbers.
        const ENVELOPE: usize = 4_096;
        const ROW: usize = 128;
        // A byte of a key is written as six at most (`\\u001f`), and the engine also lists cells that conditions exclude.
        let key: usize = self
            .key_columns()
            .map(|name| match &domain.columns[name] {
                Column::Categorical(keys) => keys.iter().map(String::len).max().unwrap_or(0),
                Column::Integer { .. } => 20,
                Column::Open { .. } => KEY_BYTES_MAX,
            })
            .map(|bytes| 6 * bytes + 8)
            .sum();
        let rows: usize = self.key_columns().map(|name| domain.size(name)).product();
        ENVELOPE + rows * (key + ROW)
    }
}
