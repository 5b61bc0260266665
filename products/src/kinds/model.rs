//! 数据模型: bounded, rounded outputs without internals (REQUIREMENTS E7; Heilongjiang 22).

use serde_json::Value;
use shuzha_pricing::Outcome;
use shuzha_privacy::output::{Contract, Cut};

use super::{Compiled, Declared, ProductKind, Release, ReleaseFault, Released};

pub(super) const KIND: Model = Model;

#[derive(Debug)]
pub(super) struct Model;

impl ProductKind for Model {
    fn name(&self) -> &'static str {
        "model"
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &["input", "output"]
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
        let output = Box::new(Output { contract });
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

#[derive(Debug)]
struct Output {
    contract: Contract,
}

impl Release for Output {
    fn contract(&self) -> Option<&Contract> {
        Some(&self.contract)
    }

    fn release(&self, cut: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        let projected = self.contract.project(cut, answer)?;
        Ok(Released { bytes: projected.bytes, outcome: Outcome::Answer, unlisted: projected.unlisted, parts: 1 })
    }
}
