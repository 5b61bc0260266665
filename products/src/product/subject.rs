//! Whom an operation is about: where its request names the subject, and subjects that nobody asks about honestly.

use shuzha_privacy::subject::{IdKind, Pseudonym};

use crate::input::{SubjectRule, always_text};
use crate::kinds::ProductKind;
use crate::yaml::{Place, Section};

/// Most canary records of one operation.
const CANARIES_MAX: usize = 1_024;

/// Those of a blinded list stand on it: a request about one, of whatever product, knows it from the list alone.
pub(super) fn canaries(
    place: &Place<'_>,
    operation: &Section<'_>,
    kind: &dyn ProductKind,
) -> Option<Vec<Pseudonym>> {
    if operation.optional("subject").is_none() && !kind.is_blinded() {
        return place
            .fail("an operation without a `subject` has no canaries, unless it is of a blinded list");
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
