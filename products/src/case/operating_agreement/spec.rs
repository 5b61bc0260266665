//! What an operating agreement says (Gansu-O 20, Heilongjiang 14): thirteen contents, of which the term is one.

use std::collections::BTreeSet;

use shuzha_core::Id;

use crate::Window;
use crate::case::agreement::read_split;
use crate::jurisdiction::CONTENTS;
use crate::operating::{self, EXTENT_FIELDS, Extent};
use crate::parties::{Organisation, OrganisationKind};
use crate::world::Scope;
use crate::yaml::{Place, Section};

/// Longest content in bytes, some 1,300 characters of Chinese.
const CONTENT_BYTES_MAX: usize = 4_000;
/// Most further parties.
const PARTIES_MAX: usize = 32;
/// Longest term in working days that an ending may have.
const ENDING_DAYS_MAX: u16 = 250;

const FIELDS: &[&str] = &[
    "authoriser",
    "operator",
    "parties",
    "window",
    "termReason",
    "contents",
    "split",
    "ending",
    "renews",
    "amends",
];

/// How many working days the operator has at the end (移交、销毁的期限).
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    pub(super) hand_over: u16,
    pub(super) destroy: u16,
}

/// What the parties agree on.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) authoriser: Id,
    pub(super) operator: Id,
    /// Both of them, and whoever signs beside them.
    pub(super) parties: BTreeSet<Id>,
    pub(super) extent: Extent,
    pub(super) window: Window,
    /// Whether a reason is given for a term longer than the rules allow in principle.
    pub(super) excepted: bool,
    /// Which of the contents are written down.
    pub(super) contents: BTreeSet<String>,
    pub(super) ending: Ending,
    /// Term of the agreement that this one renews.
    pub(super) renews: Option<Window>,
}

pub(super) fn read(spec: &Place<'_>, scope: &Scope<'_>) -> Option<Terms> {
    let spec = spec.section(&[FIELDS, EXTENT_FIELDS])?;
    let authoriser = organisation(&spec, "authoriser", OrganisationKind::Authority, "authority", scope);
    let operator = organisation(&spec, "operator", OrganisationKind::Operator, "operator", scope);
    let others = spec.optional("parties").and_then(|place| place.some_items(PARTIES_MAX)).unwrap_or_default();
    let mut parties: BTreeSet<Id> = authoriser.iter().chain(&operator).cloned().collect();
    for place in &others {
        let Some((party, _)) = scope.find::<Organisation>(place) else { continue };
        if !parties.insert(party.clone()) {
            place.fail::<()>("is a party already");
        }
    }
    let window = spec.required("window").and_then(|place| place.window());
    let excepted = spec.optional("termReason").and_then(|place| place.text_within(CONTENT_BYTES_MAX));
    let contents = spec.required("contents").and_then(|place| read_contents(&place));
    spec.optional("split").and_then(|place| read_split(&place, &parties, 0));
    let ending = spec.required("ending").and_then(|place| read_ending(&place));
    let renews = spec.optional("renews").and_then(|place| other(&place, operator.as_ref(), scope));
    let amends = spec.optional("amends").and_then(|place| other(&place, operator.as_ref(), scope));
    if let (Some(old), Some(own)) = (amends, window)
        && own.until() > old.until()
        && let Some(place) = spec.optional("window")
    {
        place.fail::<()>("an amendment does not prolong the term: apply for a renewal");
    }
    if let (Some(_), Some(place)) = (amends, spec.optional("renews")) {
        place.fail::<()>("one agreement renews or amends another, not both");
    }
    let extent = Extent::read(&spec, scope);
    Some(Terms {
        authoriser: authoriser?,
        operator: operator?,
        parties,
        extent: extent?,
        window: window?,
        excepted: excepted.is_some(),
        contents: contents?,
        ending: ending?,
        renews,
    })
}

fn organisation(
    spec: &Section<'_>,
    field: &str,
    kind: OrganisationKind,
    word: &str,
    scope: &Scope<'_>,
) -> Option<Id> {
    let place = spec.required(field)?;
    let (id, found) = scope.find::<Organisation>(&place)?;
    if found.kind == kind {
        Some(id.clone())
    } else {
        place.fail(format!("must be an organisation of kind {word}"))
    }
}

/// Another agreement with the same operator: its term.
fn other(place: &Place<'_>, operator: Option<&Id>, scope: &Scope<'_>) -> Option<Window> {
    let (_, old) = scope.find::<operating::OperatingAgreement>(place)?;
    match operator {
        Some(operator) if old.operator != *operator => place.fail("is with another operator"),
        _ => Some(old.window),
    }
}

fn read_contents(place: &Place<'_>) -> Option<BTreeSet<String>> {
    let section = place.section(&[CONTENTS])?;
    let mut written = BTreeSet::new();
    for content in CONTENTS {
        if let Some(place) = section.optional(content) {
            place.text_within(CONTENT_BYTES_MAX)?;
            written.insert((*content).to_owned());
        }
    }
    Some(written)
}

fn read_ending(place: &Place<'_>) -> Option<Ending> {
    let section = place.section(&[&["handOverDays", "destroyDays"]])?;
    let days = |field| section.required(field).and_then(|place| place.count(1..=ENDING_DAYS_MAX));
    let (hand_over, destroy) = (days("handOverDays"), days("destroyDays"));
    Some(Ending { hand_over: hand_over?, destroy: destroy? })
}
