//! Whom an operation is about: where its request names the subject, and subjects that nobody asks about honestly.

use shuzha_privacy::subject::{IdKind, Pseudonym};

use crate::input::{SubjectRule, always_text};
use crate::yaml::{Place, Section};

/// Most canary records of one operation.
const CANARIES_MAX: usize = 1_024;

pub(super) fn canaries(place: &Place<'_>, operation: &Section<'_>) -> Option<Vec<Pseudonym>> {
    if operation.optional("subject").is_none() {
        return place.fail("an operation without a `subject` has no canaries");
    }
    let items = place.some_items(CANARIES_MAX)?;
    items.iter().map(|item| item.parsed::<Pseudonym>()).collect()
}

pub(super) fn read(place: &Place<'_>, operation: &Section<'_>) -> Option<SubjectRule> {
    let kinds = &[("person", IdKind::Person), ("organisation", IdKind::Organisation)];
    let section = place.section(&[&["kind", "pointer"]])?;
    let kind = section.required("kind").and_then(|place| place.word(kinds));
    let pointer = section.required("pointer").and_then(|place| {
        let pointer = place.text()?;
        match operation.optional("input") {
            Some(input) if !always_text(&input.json(), pointer) => {
                place.fail("must point to text that the input contract requires")
            }
            _ => Some(pointer.to_owned()),
        }
    });
    Some(SubjectRule { kind: kind?, pointer: pointer? })
}
