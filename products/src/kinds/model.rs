//! 数据模型: bounded, rounded outputs without internals (REQUIREMENTS E7; Heilongjiang 22).

use serde_json::Value;
use shuzha_pricing::Outcome;
use shuzha_privacy::output::{Contract, Cut};

use super::{AnswersMax, Compiled, Declared, ProductKind, Release, ReleaseFault, Released};

/// Most queries of a quarter.
const PER_QUARTER_MAX: u64 = 1_000_000_000;
/// What whoever declares a model of the older form is told.
const UNBOUNDED: &str = "`queriesPerQuarter`: how many answers one unit may have in a quarter, far below what copies the model";
/// Answers are padded to multiples of so many bytes.
const BLOCK_BYTES: usize = 64;
/// Longest number or boolean in JSON: a double has at most 17 digits, a sign, a point and an exponent.
const NUMBER_BYTES_MAX: usize = 24;
/// Quotes, braces and commas around one leaf.
const PUNCTUATION_BYTES: usize = 8;

pub(super) const KIND: Model = Model;

#[derive(Debug)]
pub(super) struct Model;

impl ProductKind for Model {
    fn name(&self) -> &'static str {
        "model"
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &["input", "output", "queriesPerQuarter"]
    }

    fn fields_chosen(&self) -> bool {
        true
    }

    fn is_probed(&self) -> bool {
        true
    }

    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled> {
        let input = declared.input();
        let output = declared.output();
        let (contract, rules) = output?;
        let mut bounded = true;
        for (pointer, rule) in rules.as_object().into_iter().flatten() {
            if let Err(why) = check_leaf(rule) {
                let place = declared.section.optional("output")?;
                place.fail::<()>(format!("{pointer}: {why}"));
                bounded = false;
            }
        }
        let per_quarter = match declared.section.optional("queriesPerQuarter") {
            Some(place) => Some(place.count(1..=PER_QUARTER_MAX)?),
            // What was declared before that was asked goes on.
            None if declared.accepted => None,
            None => return declared.section.place().fail(format!("is missing {UNBOUNDED}")),
        };
        let output = Box::new(Output { block: block(&rules), contract, per_quarter });
        bounded.then_some(Compiled { input: Some(input?), output })
    }
}

/// A leaf of a model's answer must not carry more than its declared steps: that is what keeps a model from being
/// copied answer by answer.
fn check_leaf(rule: &Value) -> Result<(), &'static str> {
    let has = |key: &str| !rule[key].is_null();
    match rule["type"].as_str() {
        Some("integer" | "number") if has("minimum") && has("maximum") && has("step") => Ok(()),
        Some("integer" | "number") => Err("a model's number needs minimum, maximum and step"),
        Some("string") if !has("enum") => Err("a model's text needs an enum"),
        _ => Ok(()),
    }
}

/// How long an answer with every leaf can be, as a multiple of [`BLOCK_BYTES`]: what a leaf is worth must not be read off
/// the number of bytes that left. Answers with lists may be several times as long.
fn block(rules: &Value) -> usize {
    let longest = |rule: &Value| {
        let words = rule["enum"].as_array().into_iter().flatten().map(|word| word.to_string().len());
        words.max().unwrap_or(NUMBER_BYTES_MAX)
    };
    let leaves = rules.as_object().into_iter().flatten();
    let bytes: usize = leaves.map(|(pointer, rule)| pointer.len() + PUNCTUATION_BYTES + longest(rule)).sum();
    bytes.next_multiple_of(BLOCK_BYTES).max(BLOCK_BYTES)
}

#[derive(Debug)]
struct Output {
    contract: Contract,
    block: usize,
    per_quarter: Option<u64>,
}

impl Release for Output {
    fn contract(&self) -> Option<&Contract> {
        Some(&self.contract)
    }

    fn answers_max(&self) -> Option<AnswersMax> {
        self.per_quarter.map(AnswersMax::OfUnit)
    }

    fn block(&self) -> Option<usize> {
        Some(self.block)
    }

    fn release(&self, cut: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        let projected = self.contract.project(cut, answer)?;
        Ok(Released { bytes: projected.bytes, outcome: Outcome::Answer, unlisted: projected.unlisted, parts: 1 })
    }
}
