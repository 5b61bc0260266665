//! What is asked of a registration, and the bodies it is asked with.

use serde_json::Value;
use shuzha_core::Timestamp;

use super::Registration;
use super::spec::{self, Content, digest};
use super::state::{Against, Objection, ObjectionOutcome, State};
use crate::world::Scope;
use crate::yaml::{Place, Section};

/// Most missing papers one notice names.
const MISSING_MAX: usize = 50;

pub(super) const NOTHING: &str = r#"{"type":"object","properties":{},"additionalProperties":false}"#;
pub(super) const SUBMIT: &str =
    r#"{"type":"object","properties":{"content":{"type":"object"}},"additionalProperties":false}"#;
pub(super) const RETURN: &str = r#"{"type":"object","required":["missing"],"additionalProperties":false,
"properties":{"missing":{"type":"array","minItems":1,"maxItems":50,"items":{"type":"string","minLength":1}}}}"#;
pub(super) const REVIEW: &str = r#"{"type":"object","required":["passed"],"additionalProperties":false,
"properties":{"passed":{"type":"boolean"}}}"#;
pub(super) const REJECT: &str = r#"{"type":"object","required":["ground"],"additionalProperties":false,
"properties":{"ground":{"enum":["duplicate","false-statement","disputed","law"]}}}"#;
pub(super) const OBJECT: &str = r#"{"type":"object","required":["proof"],"additionalProperties":false,
"properties":{"proof":{"type":"string","pattern":"^[0-9a-f]{64}$"},
"against":{"enum":["registration","change"],"description":"Without it, the change where one is under publicity, otherwise the registration."}}}"#;
pub(super) const RESOLVE: &str = r#"{"type":"object","required":["objection","outcome"],"additionalProperties":false,
"properties":{"objection":{"type":"integer","minimum":1},"outcome":{"enum":["uphold","revoke","undetermined"]}}}"#;
pub(super) const CHANGE: &str = r#"{"type":"object","required":["content","of","since"],"additionalProperties":false,
"properties":{"content":{"type":"object"},"of":{"enum":["data","registrant","other"]},"since":{"type":"string"}}}"#;
pub(super) const CORRECT: &str = r#"{"type":"object","required":["content","evidence"],"additionalProperties":false,
"properties":{"content":{"type":"object"},"evidence":{"type":"string","pattern":"^[0-9a-f]{64}$"}}}"#;
pub(super) const CANCEL: &str = r#"{"type":"object","required":["ground","evidence"],"additionalProperties":false,
"properties":{"ground":{"enum":["lost","waived","term-ended","dissolved","law"]},
"evidence":{"type":"string","pattern":"^[0-9a-f]{64}$"}}}"#;
pub(super) const REVOKE: &str = r#"{"type":"object","required":["ground","evidence"],"additionalProperties":false,
"properties":{"ground":{"enum":["fraud","forged-certificate","misused-certificate","law"]},
"evidence":{"type":"string","pattern":"^[0-9a-f]{64}$"}}}"#;

/// Gansu-R 30.
const REJECTED: &[(&str, &str)] = &[
    ("duplicate", "duplicate"),
    ("false-statement", "false-statement"),
    ("disputed", "disputed"),
    ("law", "law"),
];
/// Gansu-R 25(四).
const CANCELLED: &[(&str, &str)] = &[
    ("lost", "lost"),
    ("waived", "waived"),
    ("term-ended", "term-ended"),
    ("dissolved", "dissolved"),
    ("law", "law"),
];
/// Gansu-R 43.
const REVOKED: &[(&str, &str)] = &[
    ("fraud", "fraud"),
    ("forged-certificate", "forged-certificate"),
    ("misused-certificate", "misused-certificate"),
    ("law", "law"),
];
/// Gansu-R 32, 33.
const OUTCOMES: &[(&str, ObjectionOutcome)] = &[
    ("uphold", ObjectionOutcome::Uphold),
    ("revoke", ObjectionOutcome::Revoke),
    ("undetermined", ObjectionOutcome::Undetermined),
];

/// What may be objected to.
const AGAINST: &[(&str, Against)] = &[("registration", Against::Registration), ("change", Against::Change)];

/// New content, as JSON and as far as it is understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewContent {
    pub(super) json: Value,
    pub(super) content: Content,
}

/// What changed, which decides by when it is to be filed (Gansu-R 25(二)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// Source, state, products or evidence of the data.
    Data,
    /// Name and particulars of the registrant.
    Registrant,
    /// Anything else; without a term.
    Other,
}

/// Something done to a registration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    Submit(Option<NewContent>),
    Withdraw,
    Accept,
    Return(Vec<String>),
    Refuse,
    Review {
        passed: bool,
    },
    Approve,
    Reject {
        ground: &'static str,
    },
    Object {
        proof: String,
        /// Without it, what is under publicity.
        against: Option<Against>,
    },
    Resolve {
        number: usize,
        outcome: ObjectionOutcome,
    },
    Change {
        content: NewContent,
        of: Changed,
        since: Timestamp,
    },
    Correct(NewContent),
    Renew,
    Cancel {
        ground: &'static str,
    },
    Suspend,
    Resume,
    Revoke {
        ground: &'static str,
    },
    /// Time: the publicity period is over.
    Certify,
    /// Time: the certificate is no longer valid.
    Expire,
}

/// A command of a verb whose body is not empty, in order as far as the state decides: content that is registered already,
/// the first objection that is open.
pub(super) fn trial(verb: &str, case: &Registration, state: &State, at: Timestamp) -> Option<Command> {
    let content = || NewContent { json: Value::Null, content: case.content.clone() };
    let ground = "law";
    Some(match verb {
        "submit" => Command::Submit(None),
        "return" => Command::Return(Vec::new()),
        // The other finding than the last one: the same again is none.
        "review" => {
            let last = state.procedure.as_ref().and_then(|procedure| procedure.passed);
            Command::Review { passed: last != Some(true) }
        }
        "reject" => Command::Reject { ground },
        "object" => Command::Object { proof: String::new(), against: None },
        "resolve-objection" => {
            let open = state.objections.iter().position(Objection::is_open);
            Command::Resolve { number: open.map_or(0, |at| at + 1), outcome: ObjectionOutcome::Undetermined }
        }
        "change" => Command::Change { content: content(), of: Changed::Other, since: at },
        "correct" => Command::Correct(content()),
        "cancel" => Command::Cancel { ground },
        "revoke" => Command::Revoke { ground },
        _ => return None,
    })
}

/// Reads the body of a verb.
pub(super) fn read(verb: &str, body: &Place<'_>, scope: &Scope<'_>) -> Option<Command> {
    let section = |fields: &[&str]| body.section(&[fields]);
    let nothing = |command: Command| section(&[]).map(|_| command);
    Some(match verb {
        "submit" => {
            let content = section(&["content"])?.optional("content");
            Command::Submit(match content {
                Some(place) => Some(new_content(&place, scope)?),
                None => None,
            })
        }
        "withdraw" => nothing(Command::Withdraw)?,
        "accept" => nothing(Command::Accept)?,
        "return" => {
            let items = section(&["missing"])?.required("missing")?.some_items(MISSING_MAX)?;
            let texts: Vec<_> = items.iter().map(|item| item.text().map(str::to_owned)).collect();
            Command::Return(texts.into_iter().collect::<Option<_>>()?)
        }
        "refuse" => nothing(Command::Refuse)?,
        "review" => Command::Review { passed: section(&["passed"])?.required("passed")?.boolean()? },
        "approve" => nothing(Command::Approve)?,
        "reject" => Command::Reject { ground: section(&["ground"])?.required("ground")?.word(REJECTED)? },
        "object" => {
            let section = section(&["proof", "against"])?;
            let proof = digest(&section.required("proof")?)?.to_owned();
            let against = match section.optional("against") {
                Some(place) => Some(place.word(AGAINST)?),
                None => None,
            };
            Command::Object { proof, against }
        }
        "resolve-objection" => {
            let section = section(&["objection", "outcome"])?;
            let number = section.required("objection").and_then(|place| place.count(1..=u32::MAX));
            let outcome = section.required("outcome").and_then(|place| place.word(OUTCOMES));
            Command::Resolve { number: usize::try_from(number?).ok()?, outcome: outcome? }
        }
        "change" => change(&section(&["content", "of", "since"])?, scope)?,
        "correct" => {
            let section = section(&["content", "evidence"])?;
            let content = section.required("content").and_then(|place| new_content(&place, scope));
            evidence(&section)?;
            Command::Correct(content?)
        }
        "renew" => nothing(Command::Renew)?,
        "cancel" => Command::Cancel { ground: ground(&section(&["ground", "evidence"])?, CANCELLED)? },
        "suspend" => nothing(Command::Suspend)?,
        "resume" => nothing(Command::Resume)?,
        "revoke" => Command::Revoke { ground: ground(&section(&["ground", "evidence"])?, REVOKED)? },
        _ => return body.fail("there is no such verb"),
    })
}

fn change(section: &Section<'_>, scope: &Scope<'_>) -> Option<Command> {
    let words = [("data", Changed::Data), ("registrant", Changed::Registrant), ("other", Changed::Other)];
    let content = section.required("content").and_then(|place| new_content(&place, scope));
    let of = section.required("of").and_then(|place| place.word(&words));
    let since = section.required("since").and_then(|place| place.instant());
    Some(Command::Change { content: content?, of: of?, since: since? })
}

fn ground(section: &Section<'_>, words: &[(&str, &'static str)]) -> Option<&'static str> {
    let ground = section.required("ground").and_then(|place| place.word(words));
    evidence(section)?;
    ground
}

/// The digest of the proof; which file it is stands in the record of the act.
fn evidence(section: &Section<'_>) -> Option<()> {
    section.required("evidence").and_then(|place| digest(&place)).map(drop)
}

fn new_content(place: &Place<'_>, scope: &Scope<'_>) -> Option<NewContent> {
    Some(NewContent { content: spec::read(place, scope)?, json: place.json() })
}
