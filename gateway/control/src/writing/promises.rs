//! Promises to the people behind statistics: caps, measures, person-spaces and the domains of data versions (ADR 0033).
//!
//! What was promised is read from the register itself, from every version that was ever in force; the same judgement is made here,
//! before a change is accepted, and by whoever puts it in force.

use std::collections::BTreeSet;

use serde_json::Value;
use shuzha_core::{Code, Id, NanoCharge, Role};
use shuzha_products::case::privacy_raise::{self, Raised};
use shuzha_products::case::{Actor, Declared};
use shuzha_products::data::{BrokenPromise, Promised, Said};
use shuzha_store::register::Object;

use super::Ready;
use super::consequences::Difference;
use crate::force::{Force, json};
use crate::{Control, Error};

/// Kinds whose declarations promise something.
const SPACE: &str = "PersonSpace";
const DATA_SET: &str = "DataSet";

impl Force<'_> {
    /// Whether a declaration keeps what was promised before it; so does whatever promises nothing.
    ///
    /// # Errors
    /// Of the register.
    pub fn keeps(&self, held: &Declared) -> Result<Result<(), BrokenPromise>, Error> {
        if !matches!(held.kind, SPACE | DATA_SET) {
            return Ok(Ok(()));
        }
        Ok(self.promised(held.kind, &held.name)?.check(&held.spec))
    }

    /// What was promised of a person-space or a data set.
    ///
    /// # Errors
    /// Of the register.
    pub fn promised(&self, kind: &str, name: &Id) -> Result<Promised, Error> {
        let declared = self.register().history(kind, name.as_str())?;
        let mut said: Vec<(u64, Step)> = Vec::with_capacity(declared.len());
        for object in &declared {
            said.push((object.version, Step::Declared(json(object, &object.spec)?)));
        }
        for (version, raised) in self.raises()? {
            let own = match (kind, &raised.data_set) {
                (SPACE, None) => raised.person_space == *name,
                (DATA_SET, Some(set)) => set == name,
                _ => false,
            };
            if own && self.over(&raised.person_space, Some(version))?.is_subset(&raised.data_sets) {
                said.push((version, Step::Raised(raised.cap)));
            }
        }
        said.sort_by_key(|(version, _)| *version);
        Ok(Promised::by(said.iter().map(|(_, step)| match step {
            Step::Declared(spec) => Said::Declared(spec),
            Step::Raised(cap) => Said::Raised(*cap),
        })))
    }

    /// Raises that count, with the act from which each does.
    fn raises(&self) -> Result<Vec<(u64, Raised)>, Error> {
        let versions = self.register().versions(privacy_raise::KIND)?;
        let mut raises: Vec<(u64, Raised)> = Vec::new();
        let mut counted: Option<Id> = None;
        for object in &versions {
            let counts = object.state.as_ref().is_some_and(|state| state.name == privacy_raise::IN_FORCE);
            // Versions stand by name and then in order: the first of a case that counts is when it began to.
            if counts && counted.as_ref() != Some(&object.name) {
                counted = Some(object.name.clone());
                raises
                    .extend(privacy_raise::raised(&spec_of(object)?).map(|raised| (object.version, raised)));
            }
        }
        Ok(raises)
    }

    /// The data sets over a person-space; those that were bound to it before an act, where one is given.
    fn over(&self, space: &Id, before: Option<u64>) -> Result<BTreeSet<Id>, Error> {
        let mut over = BTreeSet::new();
        for name in self.register().referrers_of(DATA_SET, SPACE, space.as_str())? {
            let history = self.register().history(DATA_SET, name.as_str())?;
            let mut bound = None;
            for object in &history {
                let spec = spec_of(object)?;
                if bound.is_none()
                    && spec.pointer("/privacy/personSpace").and_then(Value::as_str) == Some(space.as_str())
                {
                    bound = Some(object.version);
                }
            }
            if bound.is_some_and(|bound| before.is_none_or(|before| bound < before)) {
                over.insert(name);
            }
        }
        Ok(over)
    }
}

/// One thing that was said, read.
enum Step {
    Declared(Value),
    Raised(NanoCharge),
}

fn spec_of(object: &Object) -> Result<Value, Error> {
    json(object, &object.spec)
}

impl Control {
    /// Refuses a declaration that breaks a promise, a binding that is not the authority's, a figure above its ceiling without a
    /// reason, and a raise that leaves out data over the people.
    ///
    /// # Errors
    /// C1552, C1553, C1554, C1555, C1556; of the register.
    pub(super) fn check_promises(
        &self,
        actor: &Actor,
        ready: &Ready,
        change: &Difference,
        reason: &str,
    ) -> Result<(), Error> {
        if ready.kind.name() == privacy_raise::KIND {
            return self.check_raise(ready);
        }
        for put in change.put.iter().filter(|put| matches!(put.kind, SPACE | DATA_SET)) {
            let promised = self.force().promised(put.kind, &put.name)?;
            promised.check(&put.spec).map_err(|broken| {
                let BrokenPromise { code, path, reason } = broken;
                Error::fault(code, path, reason)
            })?;
            if put.kind == DATA_SET
                && put.spec.get("privacy").is_some()
                && !promised.is_bound()
                && actor.role != Role::Authority
            {
                let reason = "is set by the authority, once";
                return Err(Error::fault(Code::C1553, "spec.privacy.personSpace", reason));
            }
            if reason.trim().is_empty() {
                self.check_ceilings(put, &promised, ready.before.as_ref())?;
            }
        }
        Ok(())
    }

    /// Above the ceiling of the rules a reason is named: of the first cap of a person-space, and of what a query may cost where that
    /// is new. What rises later rises by a case, which has its reasons.
    fn check_ceilings(
        &self,
        put: &Declared,
        promised: &Promised,
        before: Option<&Object>,
    ) -> Result<(), Error> {
        let rules = self.rules();
        let ceilings = &rules.jurisdiction.privacy;
        let charge = |spec: &Value, pointer: &str| -> Option<NanoCharge> {
            spec.pointer(pointer)?.as_str()?.parse().ok()
        };
        let above = |path: &str, ceiling: NanoCharge| {
            let reason = format!("is above the ceiling of {ceiling}: give a reason");
            Err(Error::fault(Code::C1556, path, reason))
        };
        if put.kind == SPACE {
            let first = charge(&put.spec, "/cap").filter(|_| promised.cap().is_none());
            return match first {
                Some(cap) if cap > ceilings.space_year_max => above("spec.cap", ceilings.space_year_max),
                _ => Ok(()),
            };
        }
        let now = charge(&put.spec, "/privacy/perQueryMax");
        let then = before.map(spec_of).transpose()?;
        let then = then.as_ref().and_then(|spec| charge(spec, "/privacy/perQueryMax"));
        match now {
            Some(now) if now > ceilings.per_query_max && then.is_none_or(|then| then < now) => {
                above("spec.privacy.perQueryMax", ceilings.per_query_max)
            }
            _ => Ok(()),
        }
    }

    /// A raise is decided on by the providers of all data over the people.
    fn check_raise(&self, ready: &Ready) -> Result<(), Error> {
        let spec: Option<Value> = ready.to.as_ref().and_then(|to| serde_json::from_str(&to.spec).ok());
        let Some(raised) = spec.as_ref().and_then(privacy_raise::raised) else { return Ok(()) };
        let over = self.force().over(&raised.person_space, None)?;
        match over.iter().find(|name| !raised.data_sets.contains(*name)) {
            Some(missing) => {
                let reason = format!("lacks `{missing}`, which is over these people too");
                Err(Error::fault(Code::C1555, "spec.dataSets", reason))
            }
            None => Ok(()),
        }
    }
}
