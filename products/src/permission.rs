//! Whose permission each call of an operation needs: a person's (个人授权, REQUIREMENTS D1), an enterprise's where the data
//! are its business secret (商业秘密), or nobody's.
//!
//! What the data are decides, not what their user says of them: over persons an operation is personal, over a business
//! secret it asks the enterprise, unless an act (文号) is named that permits it otherwise.

use shuzha_privacy::subject::IdKind;

use crate::data::DataSet;
use crate::input::SubjectRule;
use crate::kinds::ProductKind;
use crate::yaml::{Place, Section};

/// Longest number of an act, in characters.
const ACT_CHARS_MAX: usize = 128;

/// Whose permission each call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permission {
    /// The person's.
    pub(crate) personal: bool,
    /// The enterprise's.
    pub(crate) secret: bool,
    /// Whether nothing speaks against how that was declared. Where something does, it is not declared anew so; what was
    /// declared before goes on.
    pub(crate) founded: bool,
    /// Whether it touches data of persons, asked for or not: sensitive data of theirs, or an answer about one.
    pub(crate) persons: bool,
}

/// What decides, beside the operation's own words.
pub(crate) struct About<'a> {
    pub(crate) kind: &'static dyn ProductKind,
    /// None where none is declared.
    pub(crate) subject: Option<&'a SubjectRule>,
    /// Whether one is declared that is itself at fault: then nothing is missing.
    pub(crate) subject_at_fault: bool,
    /// None when one of them is itself at fault.
    pub(crate) data_sets: Option<&'a [&'a DataSet]>,
}

/// Reads whose permission the operation needs, and reports what cannot be so.
pub(crate) fn read(operation: &Section<'_>, about: &About<'_>) -> Option<Permission> {
    let personal = operation.required("personal").and_then(|place| place.boolean());
    let secret = match operation.optional("businessSecret") {
        Some(place) => place.boolean(),
        None => Some(false),
    };
    let basis = operation.optional("legalBasis");
    let basis = match &basis {
        Some(place) => Some(act(place)?),
        None => None,
    };
    let (personal, secret) = (personal?, secret?);
    let shows = |kind| about.subject.is_some_and(|rule| rule.kind == kind);
    if personal && !about.subject_at_fault && !shows(IdKind::Person) && !about.kind.is_blinded() {
        operation.place().fail::<()>(
            "an operation with `personal: true` needs a `subject` of kind person to ask for consent",
        );
    }
    if secret && !about.subject_at_fault && !shows(IdKind::Organisation) {
        operation.place().fail::<()>(
            "an operation with `businessSecret: true` needs a `subject` of kind organisation to ask for its authorisation",
        );
    }
    let holds = |of: fn(&DataSet) -> bool| about.data_sets.is_some_and(|sets| sets.iter().any(|set| of(set)));
    let unasked = !personal && basis.is_none() && !about.kind.aggregates();
    // A data set may come to be classified so while products stand on it: these are not declared anew so.
    let of_persons = unasked && holds(DataSet::is_personal);
    if unasked && shows(IdKind::Person) {
        operation
            .required("personal")?
            .fail::<()>("must be true over persons, unless `legalBasis` names the act that says otherwise");
    }
    if !secret && basis.is_none() && !about.kind.aggregates() && holds(|set| set.business_secret) {
        operation.place().fail::<()>(
            "over a business secret it needs `businessSecret: true`, unless `legalBasis` names the act that says otherwise",
        );
    }
    let persons = personal || shows(IdKind::Person) || holds(DataSet::is_personal);
    Some(Permission { personal, secret, founded: !of_persons, persons })
}

/// The number of an act (文号).
fn act<'n>(place: &Place<'n>) -> Option<&'n str> {
    let text = place.text()?;
    let plain = !text.trim().is_empty() && !text.chars().any(char::is_control);
    if plain && text.chars().count() <= ACT_CHARS_MAX {
        Some(text)
    } else {
        place.fail("expected the number of an act (文号), of at most 128 characters")
    }
}
