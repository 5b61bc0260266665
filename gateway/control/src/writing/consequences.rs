//! What a change does to what is in force, and to those who depend on it.

use serde_json::Value;
use shuzha_core::Fault;
use shuzha_core::Id;
use shuzha_products::World;
use shuzha_products::case::Declared;
use shuzha_store::register::Reference;

use super::{Ready, check, in_force_before};
use crate::view::Consequences;
use crate::{Control, Error, Kind};

/// Most objects that are read again because one they refer to changes.
const REFERRERS_MAX: usize = 10_000;

/// The difference of what is in force, before and after.
#[derive(Default)]
pub(crate) struct Difference {
    pub(crate) put: Vec<Declared>,
    pub(crate) removed: Vec<(&'static str, Id)>,
    added: Vec<Reference>,
    changed: Vec<Reference>,
    /// What was in force and is not any more, as it was.
    pub(super) gone: Vec<Declared>,
}

impl Difference {
    /// Whether `put` changes what was in force before, rather than come into force.
    pub(super) fn changes(&self, put: &Declared) -> bool {
        self.changed.iter().any(|(kind, name)| kind == put.kind && *name == put.name)
    }
}

impl Control {
    /// What of the change takes effect.
    pub(crate) fn difference(&self, ready: &Ready) -> Result<Difference, Error> {
        let before = in_force_before(ready.before.as_ref())?;
        let mut difference = Difference::default();
        for after in &ready.in_force {
            let key = (after.kind.to_owned(), after.name.clone());
            match before.iter().find(|old| old.kind == after.kind && old.name == after.name) {
                Some(old) if old.spec == after.spec => continue,
                Some(_) => difference.changed.push(key),
                None => difference.added.push(key),
            }
            difference.put.push(after.clone());
        }
        for old in before {
            if !ready.in_force.iter().any(|after| after.kind == old.kind && after.name == old.name) {
                difference.removed.push((old.kind, old.name.clone()));
                difference.gone.push(old);
            }
        }
        Ok(difference)
    }

    /// What the change does to others; refuses one that would leave what refers to it unreadable.
    pub(super) fn consequences(&self, ready: &Ready, difference: &Difference) -> Result<Consequences, Error> {
        let mut consequences = Consequences {
            added: difference.added.clone(),
            changed: difference.changed.clone(),
            removed: difference
                .removed
                .iter()
                .map(|(kind, name)| ((*kind).to_owned(), name.clone()))
                .collect(),
            ..Consequences::default()
        };
        if matches!(ready.kind, Kind::Declared(..)) {
            consequences.unchecked = self.check_referrers(difference)?;
        }
        self.losing(difference, &mut consequences)?;
        consequences.unreviewed = self.unreviewed(difference)?;
        Ok(consequences)
    }

    /// Reads again what refers to a changed object. Answers whether that was too much to do.
    fn check_referrers(&self, difference: &Difference) -> Result<bool, Error> {
        let mut faults = Vec::new();
        for changed in difference.put.iter().filter(|put| difference.changed.iter().any(|c| c.1 == put.name))
        {
            let referrers =
                self.register.referrers(changed.kind, changed.name.as_str(), REFERRERS_MAX + 1)?;
            if referrers.len() > REFERRERS_MAX {
                return Ok(true);
            }
            for (kind, name) in referrers {
                let Some(object) = self.register.get(&kind, name.as_str())? else { continue };
                for held in crate::force::in_force(&object)? {
                    faults.extend(self.read_with(&held, changed)?);
                }
            }
        }
        if faults.is_empty() { Ok(false) } else { Err(check::faulty(faults)) }
    }

    /// The faults `held` would have if `changed` stood as given.
    fn read_with(&self, held: &Declared, changed: &Declared) -> Result<Vec<Fault>, Error> {
        let read = |overlay: Option<&Value>| {
            self.force().fetching(|fetch| {
                let mut fetch = |kind: &'static str, name: &Id| match overlay {
                    Some(spec) if kind == changed.kind && *name == changed.name => Some(spec.clone()),
                    _ => fetch(kind, name),
                };
                World::read_closure(held.kind, &held.name, &held.spec, &mut fetch).err().unwrap_or_default()
            })
        };
        let (after, _) = read(Some(&changed.spec))?;
        if after.is_empty() {
            return Ok(after);
        }
        // What was at fault before is not this change's doing.
        let (before, _) = read(None)?;
        let new = after.into_iter().filter(|fault| !before.contains(fault));
        let told = new.map(|fault| {
            Fault::new("", format!("{}/{} {}: {}", held.kind, held.name, fault.path, fault.reason))
        });
        Ok(told.collect())
    }
}

pub(super) fn named(spec: &Value, field: &str) -> Option<Id> {
    spec.get(field).and_then(Value::as_str).and_then(|text| Id::new(text).ok())
}
