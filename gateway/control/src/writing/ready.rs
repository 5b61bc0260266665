//! A change that was found to be in order, and what its object becomes.

use std::collections::BTreeMap;

use serde_json::Value;
use shuzha_core::{Id, Timestamp};
use shuzha_products::case::{Claim, Declared, Duty, Outcome as Decided};
use shuzha_store::register::{CaseState, Content, Deadline, Effect, Object, Reference};

use crate::force::{Met, in_force, json as parse};
use crate::{Error, Kind};

/// A change that was found to be in order, and not made yet.
pub(crate) struct Ready {
    pub(crate) kind: Kind,
    pub(crate) name: Id,
    pub(crate) before: Option<Object>,
    pub(crate) to: Option<Content>,
    pub(crate) verb: String,
    pub(crate) duty: Option<Duty>,
    pub(crate) in_force: Vec<Declared>,
    /// What a case claims beside what it puts in force.
    pub(crate) claims: Vec<Claim>,
    /// Whether the actor sees the object; otherwise they are told nothing of it.
    pub(crate) seen: bool,
}

/// What an object refers to, each once.
pub(super) fn references(met: Met) -> Vec<Reference> {
    let unique: BTreeMap<_, ()> = met.into_iter().map(|key| (key, ())).collect();
    unique.into_keys().map(|(kind, name)| (kind.to_owned(), name)).collect()
}

pub(crate) fn state_of(object: &Object) -> Result<Value, Error> {
    match &object.state {
        Some(state) => parse(object, &state.json),
        None => Err(crate::force::unreadable(object, "a case without a state".to_owned())),
    }
}

/// A case as an act leaves it.
pub(super) fn content(
    decided: Decided,
    owner: Option<Id>,
    spec: String,
    met: Met,
) -> (Content, Vec<Declared>, Vec<Claim>) {
    let mut refers = references(met);
    // A party is concerned through its own entry among the organisations.
    refers.extend(decided.parties.into_iter().map(|party| ("Organisation".to_owned(), party)));
    let deadlines = decided.deadlines.into_iter();
    let content = Content {
        owner,
        spec,
        state: Some(CaseState {
            name: decided.state_name.to_owned(),
            json: decided.state.to_string(),
            editable: decided.editable,
        }),
        refers,
        marks: Vec::new(),
        in_force: decided.in_force.iter().map(|held| (held.kind.to_owned(), held.name.clone())).collect(),
        deadlines: deadlines.map(|d| (d.what.to_owned(), d.due.at, d.due.provisional)).collect(),
    };
    (content, decided.in_force, decided.claims)
}

/// A stored case after an act.
pub(crate) fn decided_as(
    kind: Kind,
    name: &Id,
    before: Object,
    decided: Decided,
    met: Met,
    verb: &str,
    duty: Option<Duty>,
) -> Ready {
    let (to, in_force, claims) = content(decided, before.owner.clone(), before.spec.clone(), met);
    let (name, verb) = (name.clone(), verb.to_owned());
    Ready { kind, name, before: Some(before), to: Some(to), verb, duty, in_force, claims, seen: true }
}

/// The object as it will be shown; its version comes with the act.
pub(super) fn shown(ready: &Ready, now: Timestamp) -> Result<Option<crate::ObjectView>, Error> {
    let Some(to) = &ready.to else { return Ok(None) };
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let deadlines = to.deadlines.iter().map(|(what, at, provisional)| Deadline {
        kind: ready.kind.name().to_owned(),
        name: ready.name.clone(),
        what: what.clone(),
        at: *at,
        provisional: *provisional,
        passed: false,
    });
    Ok(Some(crate::ObjectView {
        kind: ready.kind.name(),
        name: ready.name.clone(),
        version: 0,
        owner: to.owner.clone(),
        spec: read(&to.spec),
        state: to.state.as_ref().map(|state| (state.name.clone(), read(&state.json))),
        deadlines: deadlines.collect(),
        created: ready.before.as_ref().map_or(now, |before| before.created),
        updated: now,
    }))
}

/// What those whom a change of a case reaches are told beside the case itself: that something is suspended, and that it is no
/// longer.
pub(super) fn notices(ready: &Ready, at: Timestamp) -> Vec<Effect> {
    let state = |object: Option<&CaseState>| object.map(|state| state.name.clone()).unwrap_or_default();
    let before = state(ready.before.as_ref().and_then(|before| before.state.as_ref()));
    let after = state(ready.to.as_ref().and_then(|to| to.state.as_ref()));
    let what = match (ready.kind.name(), before.as_str(), after.as_str()) {
        (_, before, after) if before == after => return Vec::new(),
        ("Suspension", "" | "proposed", "emergency" | "in-force") => "suspended",
        ("Suspension", _, "in-force") => "confirmed",
        ("Suspension", _, "lifted") => "lifted",
        ("Suspension", _, "lapsed") => "lapsed",
        ("Suspension", _, "terminated") => "terminated",
        (_, _, "suspended") => "suspended",
        (_, "suspended", _) => "resumed",
        _ => return Vec::new(),
    };
    vec![Effect::Notice((ready.kind.name().to_owned(), ready.name.clone()), what, at)]
}

/// What was in force because of an object before it changed.
pub(crate) fn in_force_before(before: Option<&Object>) -> Result<Vec<Declared>, Error> {
    before.map(in_force).transpose().map(Option::unwrap_or_default)
}
