//! 数据模型: bounded, rounded outputs without internals (REQUIREMENTS E7; Heilongjiang 22).

use serde_json::Value;
use shuzha_pricing::Outcome;
use shuzha_privacy::output::{Contract, Cut};

use super::padding::block;
use super::{AnswersMax, Compiled, Declared, ProductKind, Release, ReleaseFault, Released};
use crate::input::InputContract;
use crate::yaml::{Place, Section};

/// Most queries of a quarter.
const PER_QUARTER_MAX: u64 = 1_000_000_000;
/// What whoever declares a model of the older form is told.
const UNBOUNDED: &str = "`queriesPerQuarter`: how many answers one unit may have in a quarter, far below what copies the model";
/// What is wrong with a number that could hold anything.
const UNBOUNDED_LEAF: &str = "a model's number needs minimum, maximum and step; or, for bands of a score, a mask `band(n)`";
/// A mask that shows of an integer the band that holds it.
const BAND: &str = "band(";

pub(super) const KIND: Model = Model;

#[derive(Debug)]
pub(super) struct Model;

impl ProductKind for Model {
    fn name(&self) -> &'static str {
        "model"
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &["input", "output", "inputs", "queriesPerQuarter"]
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
        let subjects_only = declared.section.optional("inputs").map(|place| {
            let word = place.word(&[("free", false), ("subjects", true)])?;
            if word { committed(&place, declared.section, input.as_ref()) } else { Some(()) }
        });
        let output = Box::new(Output { block: block(&rules), contract, per_quarter });
        (bounded && subjects_only != Some(None)).then_some(Compiled { input: Some(input?), output })
    }
}

/// `inputs: subjects`: a request names a subject and nothing else, and the product service looks its features up. So nobody asks
/// about a client that does not exist, or about one as it is not.
fn committed(place: &Place<'_>, section: &Section<'_>, input: Option<&InputContract>) -> Option<()> {
    let Some(subject) = section.optional("subject") else {
        return place.fail("an operation whose inputs are subjects says where they stand: `subject`");
    };
    let subject = subject.json();
    // Faults of either are told where they are.
    let (Some(pointer), Some(input)) = (subject["pointer"].as_str(), input) else { return Some(()) };
    match input.is_only(pointer) {
        false => {
            place.fail(format!("a request holds {pointer} and nothing else: whoever chooses features makes clients up"))
        }
        true => Some(()),
    }
}

/// A leaf of a model's answer must not carry more than its declared steps: that is what keeps a model from being
/// copied answer by answer.
fn check_leaf(rule: &Value) -> Result<(), &'static str> {
    let has = |key: &str| !rule[key].is_null();
    match rule["type"].as_str() {
        Some("integer" | "number") if !has("minimum") || !has("maximum") => Err(UNBOUNDED_LEAF),
        // 分数段: only the band leaves.
        Some("integer") if rule["mask"].as_str().is_some_and(|mask| mask.starts_with(BAND)) => Ok(()),
        Some("integer" | "number") if has("step") => Ok(()),
        Some("integer" | "number") => Err(UNBOUNDED_LEAF),
        Some("string") if !has("enum") => Err("a model's text needs an enum"),
        _ => Ok(()),
    }
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
