//! 数据接口: fields of a record, cut to those the scenario was approved for (REQUIREMENTS E2, E3).

use serde_json::Value;
use shuzha_pricing::Outcome;
use shuzha_privacy::output::{Contract, Cut};

use super::padding::block;
use super::{Compiled, Declared, ProductKind, Release, ReleaseFault, Released};
use crate::yaml::Place;

/// Most values that mean "no record".
const VALUES_MAX: usize = 16;

/// What the caller gets when there is no record: the same for every product.
const NO_RECORD: &[u8] = br#"{"result":"no_record"}"#;

pub(super) const KIND: Interface = Interface;

#[derive(Debug)]
pub(super) struct Interface;

impl ProductKind for Interface {
    fn name(&self) -> &'static str {
        "interface"
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &["input", "output", "noRecord"]
    }

    fn classes(&self) -> &'static [Outcome] {
        &[Outcome::Answer, Outcome::NoRecord]
    }

    fn fields_chosen(&self) -> bool {
        true
    }

    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled> {
        let input = declared.input();
        let output = declared.output();
        let no_record = declared.section.optional("noRecord").and_then(|place| NoRecord::read(&place));
        let (contract, rules) = output?;
        let output = Output { block: block(&rules), contract, no_record };
        Some(Compiled { input: Some(input?), output: Box::new(output) })
    }
}

/// How the product service says that it has no record.
#[derive(Debug)]
struct NoRecord {
    status: u16,
    pointer: String,
    values: Vec<String>,
}

impl NoRecord {
    fn read(place: &Place<'_>) -> Option<Self> {
        let section = place.section(&[&["status", "pointer", "values"]])?;
        let statuses = &[("200", 200), ("404", 404)];
        let status = section.required("status").and_then(|place| place.word(statuses));
        let pointer = section.required("pointer").and_then(|place| place.text());
        let items = section.required("values").and_then(|place| place.some_items(VALUES_MAX));
        let values = items.map(|items| items.iter().filter_map(Place::text).map(str::to_owned).collect());
        Some(Self { status: status?, pointer: pointer?.to_owned(), values: values? })
    }

    /// Whether `answer` says so. One that cannot be parsed does not; the contract then refuses it.
    fn matches(&self, answer: &[u8]) -> bool {
        let Ok(value) = serde_json::from_slice::<Value>(answer) else { return false };
        let found = value.pointer(&self.pointer).and_then(Value::as_str);
        found.is_some_and(|found| self.values.iter().any(|one| one == found))
    }
}

#[derive(Debug)]
struct Output {
    contract: Contract,
    block: usize,
    no_record: Option<NoRecord>,
}

impl Release for Output {
    fn contract(&self) -> Option<&Contract> {
        Some(&self.contract)
    }

    fn reads_status(&self, status: u16) -> bool {
        status == 200 || self.no_record.as_ref().is_some_and(|rule| rule.status == status)
    }

    fn block(&self) -> Option<usize> {
        Some(self.block)
    }

    fn release(&self, cut: Cut<'_>, answer: &[u8]) -> Result<Released, ReleaseFault> {
        let projected = self.contract.project(cut, answer);
        // "No record" is looked for only where something lies outside the contract: the usual call parses once.
        let whole = matches!(&projected, Ok(projected) if projected.unlisted == 0);
        if !whole && self.no_record.as_ref().is_some_and(|rule| rule.matches(answer)) {
            return Ok(Released { bytes: NO_RECORD.to_vec(), outcome: Outcome::NoRecord, unlisted: 0, parts: 1 });
        }
        let projected = projected?;
        Ok(Released { bytes: projected.bytes, outcome: Outcome::Answer, unlisted: projected.unlisted, parts: 1 })
    }
}
