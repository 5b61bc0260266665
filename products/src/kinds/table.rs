//! 统计表: counts over groups that are declared, each key of them (REQUIREMENTS E6; ADR 0031).
//!
//! The keys are part of the product: every combination of them is a cell, one that the product service leaves out is 0, and
//! no other key leaves. So which keys an answer has follows from the declaration alone, and nobody is named by being there.
//!
//! A table is noised: the finest cells of the product's *family* are one query under differential privacy, charged to the
//! person-space once for each version of the data, and every view is made of those cells. Small groups are hidden instead
//! only where a law demands it; such a table stands alone over its data set, and is published once.
//!
//! A request has no parameters. Counts over groups that a caller chooses are a report.

mod family;
mod noised;
mod suppressed;
mod view;

use serde_json::json;
use shuzha_privacy::output::{Contract, Cut};

use self::family::Family;
use self::view::View;
use super::{Compiled, Dated, Declared, ProductKind, Release, ReleaseFault, Released};
use crate::data::DataSet;
use crate::input::InputContract;
use crate::product::OPERATION_FIELDS;
use crate::yaml::{Faults, Place, Section, Value as Written};

/// Most dimensions of a family.
const DIMENSIONS_MAX: usize = 3;
/// What a table declares that is no view of another.
const OF_A_FAMILY: &[&str] = &["impossible", "protection", "accuracy", "minIntervalDays", "law", "referenceDate", "threshold"];

pub(super) const KIND: Table = Table;

#[derive(Debug)]
pub(super) struct Table;

/// How small counts are kept from readers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protection {
    Noise,
    Suppress,
}

impl Protection {
    fn read(section: &Section<'_>) -> Option<Self> {
        match section.optional("protection") {
            Some(place) => place.word(&[("noise", Self::Noise), ("suppress", Self::Suppress)]),
            None => Some(Self::Noise),
        }
    }
}

impl ProductKind for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn manifest_fields(&self) -> &'static [&'static str] {
        &["by", "of", "impossible", "protection", "accuracy", "minIntervalDays", "law", "referenceDate", "threshold"]
    }

    fn aggregates(&self) -> bool {
        true
    }

    fn compile(&self, declared: &Declared<'_>) -> Option<Compiled> {
        let section = declared.section;
        section.forbid("subject", "a table is not about one subject");
        let output: Box<dyn Release> = if is_undeclared(section) {
            if !declared.accepted {
                return section.required("by")?.fail(UNDECLARED);
            }
            Box::new(Undeclared)
        } else {
            match section.optional("of") {
                Some(of) => Box::new(view_of(declared, &of, data_set(declared)?)?),
                None => family(declared)?,
            }
        };
        if declared.personal {
            return section.place().fail("a table may not ask for personal consent: its answers are about nobody");
        }
        let nothing = json!({"type": "object", "additionalProperties": false});
        let input = InputContract::compile(&nothing).expect("the empty contract compiles");
        Some(Compiled { input: Some(input), output })
    }
}

/// What whoever declares a table of the older form is told.
pub(crate) const UNDECLARED: &str = "names its dimensions without their keys: declare `by: [{name, keys: [...]}]`, and what else a table needs now";

/// Whether it is of the form that named dimensions alone.
fn is_undeclared(section: &Section<'_>) -> bool {
    let by = section.optional("by").filter(|_| section.optional("of").is_none());
    let names = |items: &[crate::yaml::Node]| items.iter().all(|item| matches!(item.value, Written::Text(_)));
    by.is_some_and(|by| matches!(by.value(), Written::List(items) if !items.is_empty() && names(items)))
}

/// The sections of the product's operations that are no views.
fn families<'s>(operations: &'s [Place<'s>]) -> impl Iterator<Item = Section<'s>> {
    let sections = operations.iter().filter_map(|place| place.section(&[OPERATION_FIELDS, Table.manifest_fields()]));
    sections.filter(|section| section.optional("of").is_none())
}

/// The one data set that a table is of.
fn data_set<'d>(declared: &Declared<'d>) -> Option<&'d DataSet> {
    match declared.data_sets? {
        [one] => Some(one),
        _ => declared.section.place().fail("a table needs exactly one data set"),
    }
}

/// Compiles the operation that declares the family.
fn family(declared: &Declared<'_>) -> Option<Box<dyn Release>> {
    let section = declared.section;
    let unreported = Faults::default();
    let operations: Vec<_> = declared.operations.iter().map(|place| place.reported_to(&unreported)).collect();
    if families(&operations).nth(1).is_some() {
        return section.place().fail(
            "a product has one family of cells: every other operation is a view of it, with `of` and its name",
        );
    }
    match Protection::read(section)? {
        Protection::Noise => {
            for field in ["law", "referenceDate", "threshold"] {
                section.forbid(field, "is of `protection: suppress`");
            }
            let accuracy = noised::accuracy(section);
            let family = Family::read(section, DIMENSIONS_MAX)?;
            let terms = noised::Terms::read(section, &family, &accuracy?, data_set(declared)?)?;
            Some(Box::new(noised::Output { view: View::whole(&family), family, terms }))
        }
        Protection::Suppress => {
            for field in ["accuracy", "minIntervalDays"] {
                section.forbid(field, "is of `protection: noise`");
            }
            let family = Family::read(section, DIMENSIONS_MAX)?;
            Some(Box::new(suppressed::Output::read(section, family, data_set(declared)?)?))
        }
    }
}

/// Compiles a view of the family that the operation `of` declares.
fn view_of(declared: &Declared<'_>, of: &Place<'_>, data_set: &DataSet) -> Option<noised::Output> {
    let section = declared.section;
    for field in OF_A_FAMILY {
        section.forbid(field, "is declared by the operation whose view this is");
    }
    let name = of.text()?;
    // Its own faults are reported where it is declared.
    let unreported = Faults::default();
    let operations: Vec<_> = declared.operations.iter().map(|place| place.reported_to(&unreported)).collect();
    let named = |section: &Section<'_>| section.optional("name").and_then(|place| place.text()) == Some(name);
    let Some(base) = families(&operations).find(named) else {
        return of.fail("names no operation of this product that declares cells");
    };
    if Protection::read(&base)? == Protection::Suppress {
        return of.fail("a table whose small groups are hidden has no views: what they show could be subtracted");
    }
    let family = Family::read(&base, DIMENSIONS_MAX)?;
    let terms = noised::Terms::read(&base, &family, &noised::accuracy(&base)?, data_set)?;
    Some(noised::Output { view: View::read(section, &family)?, family, terms })
}

/// A table of the older form: it says nothing of its keys, so nothing of it leaves.
#[derive(Debug)]
struct Undeclared;

impl Release for Undeclared {
    fn contract(&self) -> Option<&Contract> {
        None
    }

    fn dated(&self) -> Option<Dated<'_>> {
        Some(Dated::Undeclared)
    }

    fn release(&self, _: Cut<'_>, _: &[u8]) -> Result<Released, ReleaseFault> {
        Err(ReleaseFault::at("", "declared without the keys of its groups"))
    }
}
