//! Changing the register. Every change walks the same path: permission, visibility, version, separation of duties, what
//! was submitted, the rule, and then one transaction.

mod check;
mod consequences;
mod credentials;
mod declare;
mod likeness;
mod losing;
mod marks;
mod operating;
mod prices;
mod promises;
mod quota;
mod ready;
mod reservations;
mod services;

pub(crate) use credentials::CREDENTIAL;
pub use quota::Quotas;
pub(crate) use ready::{Ready, decided_as, in_force_before, state_of};
use ready::{content, shown};
use serde_json::Value;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_products::case::{Act, Actor, By, CaseKind, Duty, Subject, Verb};
use shuzha_store::register::{self, Author, Batch, Change, Deadline, Object};

use crate::access::Whose;
use crate::control::{CLEARING, Writer};
use crate::force::{json as parse, unreadable};
use crate::permission::Of;
use crate::queue::Urgency;

use crate::view::{Consequences, Outcome, Request};
use crate::{Caller, Control, Error, Kind, NotInForce, separation, stored};

/// An act's own words.
pub(crate) struct Said<'a> {
    pub(crate) by: Option<&'a Actor>,
    pub(crate) at: Timestamp,
    pub(crate) reason: &'a str,
    pub(crate) attachments: String,
}

impl Control {
    /// Writes an object of a declared kind, opens a case, or replaces the spec of one that is still being drafted.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003 where the object is not the caller's to see; C1005, C1006 for its version;
    /// C1007 for a case past drafting; C1105 by separation of duties; C1002 with every fault of the spec; or the
    /// rule that a new case breaks.
    pub fn put(
        &self,
        caller: &Caller,
        kind: &str,
        name: &Id,
        spec: &Value,
        request: &Request<'_>,
    ) -> Result<Outcome, Error> {
        let kind = Kind::find(kind).ok_or(Code::C1003)?;
        match kind {
            Kind::Declared(_, access) => caller.acting(&access.roles())?,
            Kind::Case(case) => caller.acting(case.opened_by)?,
        };
        let asked = check::Asked::new("put", kind, name, spec, request)?;
        let mut writer = self.writer_for(Urgency::of(kind.name(), "put"))?;
        if let Some(kept) = self.kept(caller, &asked)? {
            return Ok(kept);
        }
        let before = self.load(caller, kind, name, request.expected)?;
        let now = self.now();
        let (actor, ready) = match kind {
            Kind::Declared(_, access) => self.ready_to_declare(caller, kind, access, (name, spec), before)?,
            Kind::Case(case) => {
                let owner = before.as_ref().and_then(|before| before.owner.as_ref());
                let of = Of { kind: case.kind, name, owner, spec };
                let actor = self.permitted_open(caller, case, of)?;
                let act = (&actor, now, request.reason);
                let ready = self.ready_to_draft(act, kind, case, name, spec, before)?;
                (actor, ready)
            }
        };
        self.finish(&mut writer, &actor, &asked, ready, now)
    }

    /// Removes an object of a declared kind. Cases stay: they end by their verbs.
    ///
    /// # Errors
    /// As [`Control::put`]; C1007 for a case; C1008 where something still refers to the object.
    pub fn remove(
        &self,
        caller: &Caller,
        kind: &str,
        name: &Id,
        request: &Request<'_>,
    ) -> Result<Outcome, Error> {
        let kind = Kind::find(kind).ok_or(Code::C1003)?;
        let Kind::Declared(_, access) = kind else { return Err(Code::C1007.into()) };
        // What is not in force blocks somebody: who answers for the whole may clear it away, whoever declared it.
        let clearing = if self.is_left_out(kind.name(), name) { &CLEARING[..] } else { &[] };
        caller.acting(&[&access.roles()[..], clearing].concat())?;
        let asked = check::Asked::new("delete", kind, name, &Value::Null, request)?;
        let mut writer = self.writer_for(Urgency::Stop)?;
        if let Some(kept) = self.kept(caller, &asked)? {
            return Ok(kept);
        }
        let before = self.load(caller, kind, name, request.expected)?.ok_or(Code::C1003)?;
        let spec = parse(&before, &before.spec)?;
        let of = Of { kind: kind.name(), name, owner: before.owner.as_ref(), spec: &spec };
        let clear = clearing.iter().map(|role| (*role, Whose::Everybodys));
        let rows: Vec<_> = access.declare.iter().copied().chain(clear).collect();
        let actor = self.permitted(caller, &rows, of)?;
        if let Some((kind, name)) = self.register.referrers(kind.name(), name.as_str(), 1)?.pop() {
            return Err(Error::fault(Code::C1008, "", format!("{kind}/{name} refers to it")));
        }
        let (verb, name) = ("delete".to_owned(), name.clone());
        let (in_force, claims) = (Vec::new(), Vec::new());
        let (before, duty) = (Some(before), None);
        let ready = Ready { kind, name, before, to: None, verb, duty, in_force, claims, seen: true };
        let now = self.now();
        self.finish(&mut writer, &actor, &asked, ready, now)
    }

    /// Does `verb` to a case. `body` is the verb's own; reason and attachments stand in `request`.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003 where the case is not the caller's to see; C1005, C1006 for its version;
    /// C1105 by separation of duties; C1002 with every fault of the body, or without a reason where one is needed; or
    /// the code by which the case refuses.
    pub fn act(
        &self,
        caller: &Caller,
        kind: &str,
        name: &Id,
        verb: &str,
        body: &Value,
        request: &Request<'_>,
    ) -> Result<Outcome, Error> {
        let kind = Kind::find(kind).ok_or(Code::C1003)?;
        let Kind::Case(case) = kind else { return Err(Code::C1003.into()) };
        let verb = case.verb(verb).ok_or(Code::C1003)?;
        caller.acting(verb.roles)?;
        let asked = check::Asked::new(verb.name, kind, name, body, request)?;
        let mut writer = self.writer_for(Urgency::of(kind.name(), verb.name))?;
        if let Some(kept) = self.kept(caller, &asked)? {
            return Ok(kept);
        }
        let (before, seen) = self.load_for(caller, case, kind, name, verb, request.expected)?;
        if verb.reason && request.reason.trim().is_empty() {
            return Err(Error::fault(Code::C1002, "reason", "is missing"));
        }
        let (spec, state) = (parse(&before, &before.spec)?, state_of(&before)?);
        let of = Of { kind: case.kind, name, owner: before.owner.as_ref(), spec: &spec };
        let actor = self.permitted_case(caller, verb, of)?;
        if verb.duty == Duty::Apply && before.owner.as_ref() != Some(&actor.organisation) {
            return Err(Code::C1104.into());
        }
        self.separate(&actor.account, verb.duty, kind.name(), name)?;
        let (now, rules) = (self.now(), self.rules());
        let act = Act {
            by: By::Person(&actor),
            at: now,
            reason: request.reason,
            rules: &rules.jurisdiction,
            calendar: &rules.calendar,
            reasons: self,
        };
        let (decided, met) = self.force().fetching(|fetch| {
            case.act(&mut Subject { name, spec: &spec, fetch }, &state, verb.name, body, &act)
        })?;
        let ready = decided_as(kind, name, before, decided?, met, verb.name, Some(verb.duty));
        let ready = Ready { seen, ..ready };
        self.finish(&mut writer, &actor, &asked, ready, now)
    }

    /// The case that a verb is done to, at the version the caller acts on, and whether they see it. Where the verb is open
    /// to the public and the case is public, they need not see it, and then know no version to name.
    fn load_for(
        &self,
        caller: &Caller,
        case: &CaseKind,
        kind: Kind,
        name: &Id,
        verb: &Verb,
        expected: Option<u64>,
    ) -> Result<(Object, bool), Error> {
        if verb.public && expected.is_none() {
            let found = self.register.get(kind.name(), name.as_str())?.ok_or(Code::C1003)?;
            let public = case.public(&state_of(&found)?);
            if public.map_err(|refused| {
                unreadable(&found, format!("its state is refused with {}", refused.code))
            })? {
                let seen = self.sees(caller, kind, &found)?;
                return Ok((found, seen));
            }
        }
        Ok((self.load(caller, kind, name, expected)?.ok_or(Code::C1003)?, true))
    }

    /// The object that is to be changed, at the version the caller acts on.
    fn load(
        &self,
        caller: &Caller,
        kind: Kind,
        name: &Id,
        expected: Option<u64>,
    ) -> Result<Option<Object>, Error> {
        let Some(object) = self.register.get(kind.name(), name.as_str())? else {
            return if expected.is_some() { Err(Code::C1003.into()) } else { Ok(None) };
        };
        if !self.sees(caller, kind, &object)? {
            return Err(Code::C1003.into());
        }
        match expected {
            None => Err(Code::C1006.into()),
            Some(version) if version != object.version => Err(Code::C1005.into()),
            Some(_) => Ok(Some(object)),
        }
    }

    fn ready_to_draft(
        &self,
        (actor, at, reason): (&Actor, Timestamp, &str),
        kind: Kind,
        case: &CaseKind,
        name: &Id,
        spec: &Value,
        before: Option<Object>,
    ) -> Result<Ready, Error> {
        let verb = if before.is_some() { "edit" } else { "open" };
        if let Some(before) = &before {
            if before.owner.as_ref() != Some(&actor.organisation) {
                return Err(Code::C1104.into());
            }
            if !before.state.as_ref().is_some_and(|state| state.editable) {
                return Err(Code::C1007.into());
            }
            self.separate(&actor.account, Duty::Apply, kind.name(), name)?;
        }
        let rules = self.rules();
        let (rules, calendar) = (&rules.jurisdiction, &rules.calendar);
        let act = Act { by: By::Person(actor), at, reason, rules, calendar, reasons: self };
        let (decided, met) =
            self.force().fetching(|fetch| case.open(&mut Subject { name, spec, fetch }, &act))?;
        let owner = Some(actor.organisation.clone());
        let (to, in_force, claims) = content(decided?, owner, spec.to_string(), met);
        let (name, verb, duty) = (name.clone(), verb.to_owned(), Some(Duty::Apply));
        Ok(Ready { kind, name, before, to: Some(to), verb, duty, in_force, claims, seen: true })
    }

    /// Makes a change that is in order, or tells what it would do.
    fn finish(
        &self,
        writer: &mut Writer,
        actor: &Actor,
        asked: &check::Asked<'_>,
        mut ready: Ready,
        now: Timestamp,
    ) -> Result<Outcome, Error> {
        let request = asked.request;
        let attachments = stored::write_attachments(request.attachments);
        let said = Said { by: Some(actor), at: now, reason: request.reason, attachments };
        let change = self.difference(&ready)?;
        self.check_quota(actor, &ready)?;
        self.claim(&mut ready, Some(actor), &change)?;
        self.check_likeness(&ready)?;
        self.append_only(&ready, now)?;
        self.check_operating(&ready, &change, now)?;
        self.check_reapplication(&ready, now)?;
        self.check_promises(actor, &ready, &change, request.reason)?;
        self.check_reservations(&ready, &change)?;
        self.check_force(&change.put, &change.removed)?;
        let mut consequences = self.consequences(&ready, &change)?;
        let mut object = shown(&ready, now)?;
        if !ready.seen {
            (object, consequences) = (None, Consequences::default());
        }
        let mut outcome = Outcome { object, revision: 0, consequences, replayed: false };
        if request.dry_run {
            return Ok(outcome);
        }
        let answer = request.key.map(|key| register::Answer {
            account: actor.account.clone(),
            key: key.to_owned(),
            request: asked.digest,
            answer: stored::write_outcome(&outcome),
        });
        let batch = Batch { answer, ..self.batch(ready, said, None) };
        outcome.revision = self.accept(writer, batch, change.put, change.removed)?;
        if let Some(object) = &mut outcome.object {
            object.version = outcome.revision;
        }
        Ok(outcome)
    }

    /// The transaction of a change.
    pub(crate) fn batch(&self, ready: Ready, said: Said<'_>, passed: Option<Deadline>) -> Batch {
        let effects = match ready.kind.name() {
            CREDENTIAL => credentials::held(&ready),
            _ => ready::notices(&ready, said.at),
        };
        let act = register::Act {
            at: said.at,
            by: said.by.map(|actor| Author {
                account: actor.account.clone(),
                organisation: actor.organisation.clone(),
                role: actor.role,
            }),
            duty: ready.duty.and_then(separation::word).map(str::to_owned),
            state: ready.to.as_ref().and_then(|to| to.state.as_ref()).map(|state| state.name.clone()),
            reason: said.reason.to_owned(),
            attachments: said.attachments,
            ..self.new_act(&ready.verb, ready.kind.name(), ready.name.clone())
        };
        let change = Change {
            kind: ready.kind.name().to_owned(),
            name: ready.name,
            expected: ready.before.map(|before| before.version),
            to: ready.to,
        };
        Batch { changes: vec![change], effects, passed, ..Batch::of(act) }
    }

    /// The answer already given for this caller's idempotency key.
    fn kept(&self, caller: &Caller, asked: &check::Asked<'_>) -> Result<Option<Outcome>, Error> {
        let Some(key) = asked.request.key else { return Ok(None) };
        let Some((answer, revision)) = self.register.answer(&caller.account, key)? else { return Ok(None) };
        if answer.request != asked.digest {
            return Err(Code::C1009.into());
        }
        let outcome = stored::read_outcome(&answer.answer, revision).ok_or_else(|| Error::Unreadable {
            kind: "answer".to_owned(),
            name: revision.to_string(),
            what: "it is not an outcome".to_owned(),
        })?;
        if self.is_left_out(asked.kind.name(), asked.name) {
            return Err(NotInForce.into());
        }
        Ok(Some(outcome))
    }
}
