//! Kinds of cases with their types erased: what a register, an interface and a scheduler see of them.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use shuzha_core::calendar::Calendar;
use shuzha_core::{Code, Fault, Id, Role};

use super::{Act, Actor, By, Case, Claim, Deadline, Declared, Refused, Verb};
use crate::jurisdiction::Jurisdiction;
use crate::world::{Closure, Fetch};
use crate::yaml::Place;

/// What an act leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The new state, to be stored.
    pub state: Value,
    /// Its name.
    pub state_name: &'static str,
    /// Whether the spec may be replaced now.
    pub editable: bool,
    /// Everything that is due from now on; replaces what was.
    pub deadlines: Vec<Deadline>,
    /// Everything that is in force because of the case; replaces what was.
    pub in_force: Vec<Declared>,
    /// Everything that the case claims for itself; replaces what was.
    pub claims: Vec<Claim>,
    /// Organisations other than the applicant's that the case concerns: they may see it.
    pub parties: Vec<Id>,
}

/// What the functions of a kind need beside the act: the case's name, its spec, and the register.
pub struct Subject<'s, 'f> {
    /// The case's name.
    pub name: &'s Id,
    /// Its spec, as JSON.
    pub spec: &'s Value,
    /// Where what it refers to is found.
    pub fetch: &'s mut Fetch<'f>,
}

impl fmt::Debug for Subject<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}

type Passed = fn(&mut Subject<'_, '_>, &Value, &str, &Act<'_>) -> Option<Result<Outcome, Refused>>;
type Reported = fn(&mut Subject<'_, '_>, &Value, Option<Code>, &Act<'_>) -> Option<Result<Outcome, Refused>>;
type Possible = fn(
    &mut Subject<'_, '_>,
    &Value,
    &[(&'static Verb, Actor)],
    &Act<'_>,
) -> Result<Vec<&'static str>, Refused>;
type Deadlines = fn(&mut Subject<'_, '_>, &Value, &Jurisdiction, &Calendar) -> Result<Vec<Deadline>, Refused>;

/// A kind of case.
#[derive(Clone, Copy)]
pub struct CaseKind {
    /// The word after `kind:`.
    pub kind: &'static str,
    /// The word in addresses, `registrations`.
    pub plural: &'static str,
    /// For people.
    pub title_zh: &'static str,
    /// Names of all states, the first being that of a new case.
    pub states: &'static [&'static str],
    /// Everything that can be done.
    pub verbs: &'static [Verb],
    /// Who may open one.
    pub opened_by: &'static [Role],
    /// JSON Schema of the spec.
    pub schema: &'static str,
    read: fn(&mut Subject<'_, '_>) -> Result<(), Vec<Fault>>,
    open: fn(&mut Subject<'_, '_>, &Act<'_>) -> Result<Outcome, Refused>,
    act: fn(&mut Subject<'_, '_>, &Value, &str, &Value, &Act<'_>) -> Result<Outcome, Refused>,
    passed: Passed,
    reported: Reported,
    deadlines: Deadlines,
    possible: Possible,
    claims: fn(&mut Subject<'_, '_>, &Value) -> Result<Vec<Claim>, Refused>,
    public: fn(&Value) -> Result<bool, Refused>,
    in_force: fn(&Id, &Value, &Value) -> Result<Vec<Declared>, Refused>,
}

impl fmt::Debug for CaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaseKind").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl CaseKind {
    pub(super) const fn of<T: Case>() -> Self {
        Self {
            kind: T::KIND,
            plural: T::PLURAL,
            title_zh: T::TITLE_ZH,
            states: T::STATES,
            verbs: T::VERBS,
            opened_by: T::OPENED_BY,
            schema: T::SCHEMA,
            read: |subject| read::<T>(subject).map(drop),
            open: open::<T>,
            act: act::<T>,
            passed: passed::<T>,
            reported: reported::<T>,
            deadlines: deadlines::<T>,
            possible: possible::<T>,
            claims: claims::<T>,
            public: |state| Ok(T::public(&load::<T>(state)?)),
            in_force: in_force::<T>,
        }
    }

    /// The kind of this name (`Registration`) or plural (`registrations`).
    #[must_use]
    pub fn find(word: &str) -> Option<&'static Self> {
        super::KINDS.iter().find(|kind| kind.kind == word || kind.plural == word)
    }

    /// The verb of this name.
    #[must_use]
    pub fn verb(&self, name: &str) -> Option<&'static Verb> {
        self.verbs.iter().find(|verb| verb.name == name)
    }

    /// Checks a spec.
    ///
    /// # Errors
    /// Every fault, with paths that begin with `spec`.
    pub fn read(&self, subject: &mut Subject<'_, '_>) -> Result<(), Vec<Fault>> {
        (self.read)(subject)
    }

    /// Opens a case; also what replacing the spec of an editable one does.
    ///
    /// # Errors
    /// The spec's faults (C1002), or the rule it breaks.
    pub fn open(&self, subject: &mut Subject<'_, '_>, act: &Act<'_>) -> Result<Outcome, Refused> {
        (self.open)(subject, act)
    }

    /// Does `verb` to the case in `state`. `body` is the command as received: `reason` and `attachments`, which every
    /// verb takes and the caller reads, are passed over.
    ///
    /// # Errors
    /// C1002 with the body's faults or the spec's, C1003 where there is no such verb, or the code of the rule that
    /// forbids it now.
    pub fn act(
        &self,
        subject: &mut Subject<'_, '_>,
        state: &Value,
        verb: &str,
        body: &Value,
        act: &Act<'_>,
    ) -> Result<Outcome, Refused> {
        (self.act)(subject, state, verb, body, act)
    }

    /// What the passing of deadline `what` does by itself; `None` where the case is only overdue.
    pub fn passed(
        &self,
        subject: &mut Subject<'_, '_>,
        state: &Value,
        what: &str,
        act: &Act<'_>,
    ) -> Option<Result<Outcome, Refused>> {
        (self.passed)(subject, state, what, act)
    }

    /// What the node's report does, that what the case put in force had its effect or was refused with the code `refusal`;
    /// `None` where the case waits for no report.
    pub fn reported(
        &self,
        subject: &mut Subject<'_, '_>,
        state: &Value,
        refusal: Option<Code>,
        act: &Act<'_>,
    ) -> Option<Result<Outcome, Refused>> {
        (self.reported)(subject, state, refusal, act)
    }

    /// What is due; asked again when rules or calendar change.
    ///
    /// # Errors
    /// C1002, when spec or state cannot be read any more.
    pub fn deadlines(
        &self,
        subject: &mut Subject<'_, '_>,
        state: &Value,
        rules: &Jurisdiction,
        calendar: &Calendar,
    ) -> Result<Vec<Deadline>, Refused> {
        (self.deadlines)(subject, state, rules, calendar)
    }

    /// Which of `verbs` the case would take now, each from the actor beside it. Nothing changes.
    ///
    /// # Errors
    /// C1002, when spec or state cannot be read any more.
    pub fn possible(
        &self,
        subject: &mut Subject<'_, '_>,
        state: &Value,
        verbs: &[(&'static Verb, Actor)],
        act: &Act<'_>,
    ) -> Result<Vec<&'static str>, Refused> {
        (self.possible)(subject, state, verbs, act)
    }

    /// What a stored case claims for itself.
    ///
    /// # Errors
    /// C1002, when spec or state cannot be read any more.
    pub fn claims(&self, subject: &mut Subject<'_, '_>, state: &Value) -> Result<Vec<Claim>, Refused> {
        (self.claims)(subject, state)
    }

    /// Whether anyone may know of a stored case.
    ///
    /// # Errors
    /// C1002, when the state cannot be read any more.
    pub fn public(&self, state: &Value) -> Result<bool, Refused> {
        (self.public)(state)
    }

    /// What is in force because of a stored case. Needs no register, so that a million can be asked at start.
    ///
    /// # Errors
    /// C1002, when the state cannot be read any more.
    pub fn in_force(&self, name: &Id, spec: &Value, state: &Value) -> Result<Vec<Declared>, Refused> {
        (self.in_force)(name, spec, state)
    }
}

fn faulty(faults: Vec<Fault>) -> Refused {
    Refused { code: Code::C1002, faults }
}

fn read<T: Case>(subject: &mut Subject<'_, '_>) -> Result<T, Vec<Fault>> {
    let mut closure = Closure::new(subject.fetch);
    let case = closure.read("spec", subject.spec, |place, scope| T::read(subject.name, place, scope));
    closure.finish()?;
    Ok(case.expect("a reader without faults answers"))
}

fn open<T: Case>(subject: &mut Subject<'_, '_>, act: &Act<'_>) -> Result<Outcome, Refused> {
    let case = read::<T>(subject).map_err(faulty)?;
    let state = case.open(act)?;
    Ok(outcome(&case, subject, &state, act))
}

fn act<T: Case>(
    subject: &mut Subject<'_, '_>,
    state: &Value,
    verb: &str,
    body: &Value,
    act: &Act<'_>,
) -> Result<Outcome, Refused> {
    if !T::VERBS.iter().any(|known| known.name == verb) {
        return Err(Code::C1003.into());
    }
    let state = load::<T>(state)?;
    let case = read::<T>(subject).map_err(faulty)?;
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("reason");
        fields.remove("attachments");
    }
    let mut closure = Closure::new(subject.fetch);
    let command = closure.read("", &body, |place: &Place<'_>, scope| T::command(verb, place, scope));
    closure.finish().map_err(faulty)?;
    let state = case.decide(&state, command.expect("a reader without faults answers"), act)?;
    Ok(outcome(&case, subject, &state, act))
}

fn passed<T: Case>(
    subject: &mut Subject<'_, '_>,
    state: &Value,
    what: &str,
    act: &Act<'_>,
) -> Option<Result<Outcome, Refused>> {
    by_itself::<T>(subject, state, act, |case, state| case.passed(state, what))
}

fn reported<T: Case>(
    subject: &mut Subject<'_, '_>,
    state: &Value,
    refusal: Option<Code>,
    act: &Act<'_>,
) -> Option<Result<Outcome, Refused>> {
    by_itself::<T>(subject, state, act, |case, state| case.reported(state, refusal))
}

/// What happens to a case without a person.
fn by_itself<T: Case>(
    subject: &mut Subject<'_, '_>,
    state: &Value,
    act: &Act<'_>,
    command: impl FnOnce(&T, &T::State) -> Option<T::Command>,
) -> Option<Result<Outcome, Refused>> {
    let loaded = load::<T>(state).and_then(|state| Ok((state, read::<T>(subject).map_err(faulty)?)));
    let (state, case) = match loaded {
        Ok(loaded) => loaded,
        Err(refused) => return Some(Err(refused)),
    };
    let command = command(&case, &state)?;
    Some(case.decide(&state, command, act).map(|state| outcome(&case, subject, &state, act)))
}

fn deadlines<T: Case>(
    subject: &mut Subject<'_, '_>,
    state: &Value,
    rules: &Jurisdiction,
    calendar: &Calendar,
) -> Result<Vec<Deadline>, Refused> {
    let state = load::<T>(state)?;
    Ok(read::<T>(subject).map_err(faulty)?.deadlines(&state, rules, calendar))
}

fn possible<T: Case>(
    subject: &mut Subject<'_, '_>,
    state: &Value,
    verbs: &[(&'static Verb, Actor)],
    act: &Act<'_>,
) -> Result<Vec<&'static str>, Refused> {
    let state = load::<T>(state)?;
    let case = read::<T>(subject).map_err(faulty)?;
    let empty = Value::Object(serde_json::Map::new());
    let possible = |verb: &Verb, actor: &Actor| {
        let act = Act { by: By::Person(actor), ..*act };
        let command = case.trial(verb.name, &state, &act).or_else(|| {
            let mut nothing = |_: &'static str, _: &Id| None;
            let mut closure = Closure::new(&mut nothing);
            closure.read("", &empty, |place: &Place<'_>, scope| T::command(verb.name, place, scope))
        });
        command.is_some_and(|command| case.decide(&state, command, &act).is_ok())
    };
    Ok(verbs.iter().filter(|(verb, actor)| possible(verb, actor)).map(|(verb, _)| verb.name).collect())
}

fn claims<T: Case>(subject: &mut Subject<'_, '_>, state: &Value) -> Result<Vec<Claim>, Refused> {
    let state = load::<T>(state)?;
    Ok(read::<T>(subject).map_err(faulty)?.claims(subject.spec, &state))
}

fn in_force<T: Case>(name: &Id, spec: &Value, state: &Value) -> Result<Vec<Declared>, Refused> {
    Ok(T::in_force(name, spec, &load::<T>(state)?))
}

pub(super) fn load<T: Case>(state: &Value) -> Result<T::State, Refused> {
    T::State::deserialize(state)
        .map_err(|error| faulty(vec![Fault::new("state", format!("cannot be read: {error}"))]))
}

fn outcome<T: Case>(case: &T, subject: &Subject<'_, '_>, state: &T::State, act: &Act<'_>) -> Outcome {
    Outcome {
        state: serde_json::to_value(state).expect("a state is a tree of named fields"),
        state_name: T::state_name(state),
        editable: T::editable(state),
        deadlines: case.deadlines(state, act.rules, act.calendar),
        in_force: T::in_force(subject.name, subject.spec, state),
        claims: case.claims(subject.spec, state),
        parties: case.parties(),
    }
}
