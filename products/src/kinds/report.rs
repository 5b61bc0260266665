//! 数据报告: statistics under differential privacy (REQUIREMENTS E6).
//!
//! The answer is made by `shuzha_privacy::dp` from the engine's exact aggregates; the engine's own answer never
//! leaves. What reaches [`Release::release`] is therefore already noised, and is checked to be one JSON object.

use serde_json::{Value, json};
use shuzha_pricing::Outcome;
use shuzha_privacy::output::{Contract, Cut};

use super::{Compiled, Declared, Lane, ProductKind, Release, ReleaseFault, Released};
use crate::input::InputContract;

pub(super) const KIND: Report = Report;

#[derive(Debug)]
pub(super) struct Report;

impl ProductKind for Report {
    fn name(&self) -> &'static str {
        "report"
    }

    fn lane(&self) -> Lane {
        Lane::Statistics
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &[]
    }

    fn aggregates(&self) -> bool {
        true
    }

    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled> {
        let place = declared.section.place();
        declared.section.forbid("subject", "a report is not about one subject");
        if !matches!(declared.data_sets?, [one] if one.privacy.is_some()) {
            return place.fail("a report needs exactly one data set, and that one needs `privacy` terms");
        }
        if declared.personal {
            return place.fail("a report may not ask for personal consent: its answers are about nobody");
        }
        let input = InputContract::compile(&query_schema()).expect("the fixed contract of reports compiles");
        Some(Compiled { input: Some(input), output: Box::new(Output) })
    }
}

/// The outer shape of a query. What it may ask is decided by the data set's public domain.
fn query_schema() -> Value {
    let name = json!({"type": "string", "minLength": 1, "maxLength": 64});
    let scalar = json!({"type": ["string", "integer"], "maxLength": 128});
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["measure", "accuracy"],
        "properties": {
            "measure": {"enum": ["count", "sum", "mean", "histogram", "quantile"]},
            "column": name,
            "where": {"type": "array", "maxItems": 16, "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["column", "op", "value"],
                "properties": {
                    "column": name,
                    "op": {"enum": ["eq", "in", "ge", "le"]},
                    "value": {"anyOf": [scalar, {"type": "array", "minItems": 1, "maxItems": 128, "items": scalar}]},
                },
            }},
            "group_by": {"type": "array", "maxItems": 2, "uniqueItems": true, "items": name},
            "accuracy": {
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
                "properties": {"epsilon": name, "rho": name},
            },
            "nonnegative": {"type": "boolean"},
            "consistent": {"type": "boolean"},
            "quantile": name,
        },
    })
}

#[derive(Debug)]
struct Output;

impl Release for Output {
    fn contract(&self) -> Option<&Contract> {
        None
    }

    fn release(&self, _: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        if !matches!(serde_json::from_slice(answer), Ok(Value::Object(_))) {
            return Err(ReleaseFault::at("", "not a JSON object"));
        }
        Ok(Released { bytes: answer.to_vec(), outcome: Outcome::Answer, unlisted: 0, parts: 1 })
    }
}
