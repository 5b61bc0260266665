//! Declared objects: what one becomes when somebody writes it.

use serde_json::Value;
use shuzha_core::Id;
use shuzha_products::World;
use shuzha_products::case::{Actor, Declared};
use shuzha_store::register::{CaseState, Content, Object};

use super::ready::references;
use super::{Ready, check, services};
use crate::access::Access;
use crate::force::{json as parse, with_owner};
use crate::permission::Of;
use crate::{Caller, Control, Error, Kind};
use shuzha_core::Code;

impl Control {
    /// The object as `caller` writes it, and in which role they do.
    pub(super) fn ready_to_declare(
        &self,
        caller: &Caller,
        kind: Kind,
        access: &'static Access,
        (name, spec): (&Id, &Value),
        before: Option<Object>,
    ) -> Result<(Actor, Ready), Error> {
        let old = before.as_ref().map(|before| parse(before, &before.spec)).transpose()?;
        let revokes = old.as_ref().is_some_and(|old| is_revocation(access, old, spec));
        let rows = if revokes { access.revoke } else { access.declare };
        let mut actor = None;
        if let (Some(before), Some(old)) = (&before, &old) {
            let of = Of { kind: kind.name(), name, owner: before.owner.as_ref(), spec: old };
            actor = Some(self.permitted(caller, rows, of)?);
        }
        let (world, met) =
            self.force().fetching(|fetch| World::read_closure(kind.name(), name, spec, fetch))?;
        services::check(kind, name, spec, &world.map_err(check::faulty)?)?;
        let writer = before.as_ref().and_then(|before| before.owner.clone());
        let writer = writer.unwrap_or_else(|| caller.organisation.clone());
        let owner = access.owner_of(name, spec, &writer, |kind, name| {
            self.register.get(kind, name).ok().flatten().and_then(|object| object.owner)
        });
        let after =
            self.permitted(caller, rows, Of { kind: kind.name(), name, owner: owner.as_ref(), spec })?;
        let actor = actor.unwrap_or(after);
        services::check_owner(kind, spec, owner.as_ref())?;
        if !revokes {
            guard(&actor, access, old.as_ref(), spec)?;
            lasts(access, old.as_ref(), spec)?;
        }
        let state = match kind.name() {
            super::CREDENTIAL => self.standing(&actor, before.as_ref(), name, spec)?,
            _ => None,
        };
        let ready = declared(kind, name, before, owner, (spec, state), references(met));
        Ok((actor, ready))
    }
}

/// A declared object of this content; in force unless it waits for somebody's word.
pub(super) fn declared(
    kind: Kind,
    name: &Id,
    before: Option<Object>,
    owner: Option<Id>,
    (spec, state): (&Value, Option<CaseState>),
    refers: Vec<shuzha_store::register::Reference>,
) -> Ready {
    let spec_in_force = with_owner(kind.name(), spec.clone(), owner.as_ref());
    let held = Declared { kind: kind.name(), name: name.clone(), spec: spec_in_force };
    let in_force = if crate::force::waits(state.as_ref()) { Vec::new() } else { vec![held] };
    let to = Content {
        owner,
        spec: spec.to_string(),
        state,
        refers,
        in_force: Vec::new(),
        marks: Vec::new(),
        deadlines: Vec::new(),
    };
    let (verb, name, to, claims) = ("put".to_owned(), name.clone(), Some(to), Vec::new());
    Ready { kind, name, before, to, verb, duty: None, in_force, claims, seen: true }
}

/// Whether a change takes an object out of force for good and does nothing else.
pub(super) fn is_revocation(access: &Access, old: &Value, spec: &Value) -> bool {
    let mut revoked = old.clone();
    if access.revoke.is_empty() || old["revoked"] == true || !revoked.is_object() {
        return false;
    }
    revoked["revoked"] = true.into();
    revoked == *spec
}

/// Whoever writes what is their own does not set what others grant them, nor change what others settled.
fn guard(actor: &Actor, access: &Access, before: Option<&Value>, spec: &Value) -> Result<(), Error> {
    let none = Value::Null;
    let old = before.unwrap_or(&none);
    let settled = access.settled.iter().filter(|_| before.is_some());
    let mut fields = access.guarded.iter().chain(settled);
    match fields.find(|(field, roles)| !roles.contains(&actor.role) && old.get(*field) != spec.get(*field)) {
        Some((field, roles)) => {
            let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            let reason = format!("is set by {} only", roles.join(", "));
            Err(Error::fault(Code::C1104, &format!("spec.{field}"), reason))
        }
        None => Ok(()),
    }
}

/// What was said for good stays said.
fn lasts(access: &Access, before: Option<&Value>, spec: &Value) -> Result<(), Error> {
    let Some(before) = before else { return Ok(()) };
    let holds = |spec: &Value, field: &str| spec.get(field) == Some(&Value::Bool(true));
    match access.lasting.iter().find(|(field, _)| holds(before, field) && !holds(spec, field)) {
        Some((field, code)) => Err(Error::fault(*code, &format!("spec.{field}"), "stays `true`")),
        None => Ok(()),
    }
}
