//! What several kinds of cases have in common.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use shuzha_core::calendar::Due;
use shuzha_core::{Code, Fault, Id, Role, Timestamp};

use super::{Act, Actor, By, Deadline, Duty, Refused, Verb};
use crate::Window;
use crate::exit_review::Digest;
use crate::yaml::{Place, parse_instant, show_instant, years_after};

/// Declares the stages of a machine, each with its name.
macro_rules! stages {
    ($($name:ident $word:literal;)*) => {
        /// How far a case is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub(crate) enum Stage { $(#[serde(rename = $word)] $name,)* }

        impl Stage {
            /// Every stage's name, in the order of the machine.
            const NAMES: &'static [&'static str] = &[$($word,)*];

            const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}
pub(super) use stages;

/// JSON Schema of a verb that takes nothing but a reason and attachments.
pub(super) const NOTHING: &str = r#"{"type":"object","properties":{},"additionalProperties":false}"#;
/// JSON Schema of a verb that takes the digest of a document kept elsewhere.
pub(super) const DIGEST: &str = r#"{"type":"object","required":["digest"],"additionalProperties":false,"properties":{"digest":{"type":"string","pattern":"^[0-9a-f]{64}$"}}}"#;
/// JSON Schema of a verb that sets a term for rectification (整改期限).
pub(super) const RECTIFY: &str = r#"{"type":"object","required":["rectifyBy"],"additionalProperties":false,"properties":{"rectifyBy":{"type":"string"}}}"#;

/// A verb that needs no reason.
pub(super) const fn verb(
    name: &'static str,
    title_zh: &'static str,
    roles: &'static [Role],
    duty: Duty,
    schema: &'static str,
) -> Verb {
    Verb { name, title_zh, roles, duty, reason: false, schema, public: false }
}

impl Verb {
    /// The same verb, with a reason to be given.
    pub(super) const fn with_reason(self) -> Self {
        Self { reason: true, ..self }
    }

    /// The same verb, open to whoever may know of the case.
    pub(super) const fn to_the_public(self) -> Self {
        Self { public: true, ..self }
    }
}

/// An instant in a stored state, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At(pub(super) Timestamp);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&show_instant(self.0))
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_instant(&String::deserialize(deserializer)?).map(Self).map_err(de::Error::custom)
    }
}

/// A name in a stored state, as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(pub(super) Id);

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// The person who acts; the clock does nothing that asks for one.
pub(super) fn person<'a>(act: &Act<'a>) -> Result<&'a Actor, Refused> {
    match act.by {
        By::Person(actor) => Ok(actor),
        By::Clock | By::Node => Err(Code::C1007.into()),
    }
}

/// The organisation the person acts for, which must be one of those that are asked.
pub(super) fn asked(act: &Act<'_>, organisations: &BTreeSet<Id>) -> Result<Id, Refused> {
    let own = &person(act)?.organisation;
    if organisations.contains(own) { Ok(own.clone()) } else { Err(Code::C1304.into()) }
}

/// Whoever applies for a unit is of its organisation; an operator applies for any (Yantai 16).
pub(super) fn applies_for(act: &Act<'_>, organisation: &Id) -> Result<(), Refused> {
    let actor = person(act)?;
    if actor.role == Role::Operator || actor.organisation == *organisation {
        Ok(())
    } else {
        Err(refused(Code::C1313, "spec.unit", "belongs to another organisation"))
    }
}

/// A refusal at one place.
pub(super) fn refused(code: Code, path: &str, reason: &str) -> Refused {
    Refused { code, faults: vec![Fault::new(path, reason)] }
}

/// A term ends in the future, and is no longer than the rules allow; where these say so in principle only (原则上、一般), a longer
/// one gives its reason.
pub(super) fn term(window: Window, excepted: bool, act: &Act<'_>) -> Result<(), Refused> {
    if window.until() <= act.at {
        return Err(refused(Code::C1002, "spec.window.until", "lies in the past"));
    }
    let excepted = excepted && act.rules.agreement_years_in_principle;
    if let Some(years) = act.rules.agreement_years_max
        && !excepted
        && years_after(window.from(), years).is_none_or(|end| window.until() > end)
    {
        let article = act.rules.article("agreement_term").unwrap_or_default();
        let unless =
            if act.rules.agreement_years_in_principle { "; a longer one gives its `termReason`" } else { "" };
        let reason = format!("a term is at most {years} years {article}");
        return Err(refused(Code::C1301, "spec.window", &format!("{}{unless}", reason.trim_end())));
    }
    Ok(())
}

/// A term for rectification lies ahead.
pub(super) fn ahead(at: Timestamp, act: &Act<'_>) -> Result<At, Refused> {
    if at > act.at { Ok(At(at)) } else { Err(refused(Code::C1312, "rectifyBy", "must lie in the future")) }
}

/// A date that was agreed or set, not counted in working days.
pub(super) const fn fixed(what: &'static str, at: Timestamp) -> Deadline {
    Deadline { what, due: Due { at, provisional: false } }
}

/// Some fields of a spec and some more.
pub(super) fn with<const N: usize>(spec: &Value, fields: &[&str], more: [(&str, Value); N]) -> Value {
    let own = fields.iter().filter_map(|field| Some((field.to_string(), spec.get(field)?.clone())));
    Value::Object(own.chain(more.into_iter().map(|(field, value)| (field.to_owned(), value))).collect())
}

/// Reads a body without fields.
pub(super) fn nothing<T>(body: &Place<'_>, command: T) -> Option<T> {
    body.section(&[&[]]).map(|_| command)
}

/// Reads `{digest}`.
pub(super) fn digest(body: &Place<'_>) -> Option<String> {
    let digest: Digest = body.section(&[&["digest"]])?.required("digest")?.parsed()?;
    Some(digest.to_string())
}

/// Reads the body of `hand-over` or `destroy`.
pub(super) fn close(verb: &str, body: &Place<'_>) -> Option<Close> {
    let digest = digest(body)?;
    Some(if verb == "destroy" { Close::Destroy(digest) } else { Close::HandOver(digest) })
}

/// A digest to try a verb with.
pub(super) fn any_digest() -> String {
    "0".repeat(64)
}

/// An act of the end to try a verb with.
pub(super) fn any_close(verb: &str) -> Close {
    if verb == "destroy" { Close::Destroy(any_digest()) } else { Close::HandOver(any_digest()) }
}

/// An instant after the act, to try a verb with.
pub(super) fn soon(act: &Act<'_>) -> Timestamp {
    act.at.plus(Duration::from_secs(86_400))
}

/// Reads `{rectifyBy}`.
pub(super) fn rectify_by(body: &Place<'_>) -> Option<Timestamp> {
    body.section(&[&["rectifyBy"]])?.required("rectifyBy")?.instant()
}

/// A list of texts, at least one.
pub(super) fn texts(place: Option<Place<'_>>, count_max: usize) -> Option<Vec<String>> {
    let items = place?.some_items(count_max)?;
    let texts: Vec<_> = items.iter().filter_map(|item| item.text().map(str::to_owned)).collect();
    (texts.len() == items.len()).then_some(texts)
}

/// The end of a right (Qingtian 二(六), Heilongjiang 29; REQUIREMENTS C7): records handed over, retained data destroyed.
/// Access is closed by the right's not being in force; how long logs are kept is the jurisdiction's rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Closing {
    /// Digest of the list of records handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) handed_over: Option<String>,
    /// Digest of the proof of destruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) destroyed: Option<String>,
}

/// One act of the end.
#[derive(Debug)]
pub(super) enum Close {
    HandOver(String),
    Destroy(String),
}

impl Closing {
    /// Keeps the digest that an act of the end gives. What was handed over or destroyed once is not handed over or destroyed
    /// again: the first proof stands.
    pub(super) fn record(&mut self, act: Close) -> Result<(), Refused> {
        let (kept, digest) = match act {
            Close::HandOver(digest) => (&mut self.handed_over, digest),
            Close::Destroy(digest) => (&mut self.destroyed, digest),
        };
        if kept.is_some() {
            return Err(Code::C1007.into());
        }
        *kept = Some(digest);
        Ok(())
    }

    /// Both must be there before the case is put away.
    pub(super) fn complete(&self) -> Result<(), Refused> {
        if self.handed_over.is_some() && self.destroyed.is_some() {
            return Ok(());
        }
        Err(refused(Code::C1311, "", "needs the acts hand-over and destroy first"))
    }
}
