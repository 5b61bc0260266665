//! The operator's own authorisation (授权运营): what of a product is accepted only within an operating agreement in force that covers
//! its data, judged by the function that the gate asks for every call; and when another application for an authorisation that
//! runs may be made (重新申请).

use serde_json::Value;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_products::operating::{Authorised, OperatingAgreement};
use shuzha_products::{Window, World};

use super::consequences::{Difference, named};
use super::{Ready, check};
use crate::{Control, Error};

/// The kind of operating agreements.
const OPERATING: &str = "OperatingAgreement";
/// The kind of service agreements.
const SERVICE: &str = "Agreement";
/// Kinds of which nothing new comes into force outside an operating agreement.
const GATED: &[&str] = &["Certificate", "Grant", "Price"];
/// Verbs of whoever applies.
const APPLYING: &[&str] = &["open", "edit", "submit"];

/// What of a product is to be accepted.
struct Wanted {
    product: Id,
    /// The scenario that it is for; none where it is for any.
    scenario: Option<Id>,
    from: Timestamp,
    path: &'static str,
}

impl Control {
    /// Refuses a registration, a price or a grant of a product that stands under no operating agreement, where the rules
    /// demand one: as it is applied for, and as it would come into force.
    ///
    /// # Errors
    /// C1314; of the register.
    pub(super) fn check_operating(
        &self,
        ready: &Ready,
        change: &Difference,
        now: Timestamp,
    ) -> Result<(), Error> {
        let demand = self.rules().jurisdiction.operating;
        if !demand.required {
            return Ok(());
        }
        for wanted in wanted(ready, change, now) {
            let Some(authorised) = self.authorised(&wanted.product)? else { continue };
            if !demand.permits(&authorised, wanted.scenario.as_ref(), wanted.from) {
                let reason = format!("`{}` stands under no operating agreement in force", wanted.product);
                return Err(Error::fault(Code::C1314, wanted.path, reason));
            }
        }
        Ok(())
    }

    /// What stands behind a product in force; none where it cannot be read, of which the case itself tells.
    pub(super) fn authorised(&self, product: &Id) -> Result<Option<Authorised>, Error> {
        let Ok(world) = self.read_in_force(&[("Product", product.clone())])? else { return Ok(None) };
        let Some(found) = world.products.get(product) else { return Ok(None) };
        let agreements = self.agreements_of(&found.operator)?;
        let sets = found.data_sets.iter().map(|name| (name, world.data_sets.get(name)));
        Ok(Some(Authorised::of(&found.operator, sets, agreements.operating_agreements.iter())))
    }

    /// Every operating agreement that names the operator, signed at some time.
    fn agreements_of(&self, operator: &Id) -> Result<World, Error> {
        let mut names = Vec::new();
        for name in self.register.referrers_of(OPERATING, "Organisation", operator.as_str())? {
            if self.force().spec(OPERATING, &name)?.is_some() {
                names.push((OPERATING, name));
            }
        }
        self.read_in_force(&names)?.map_err(check::faulty)
    }

    fn read_in_force(
        &self,
        names: &[(&'static str, Id)],
    ) -> Result<Result<World, Vec<shuzha_core::Fault>>, Error> {
        Ok(self.force().fetching(|fetch| World::read_objects(names, fetch))?.0)
    }

    /// Refuses another application for an authorisation whose agreement runs, before the last months of its term, whatever the
    /// application calls itself (Qingtian 二(五); REQUIREMENTS C20).
    ///
    /// # Errors
    /// C1310; of the register.
    pub(super) fn check_reapplication(&self, ready: &Ready, now: Timestamp) -> Result<(), Error> {
        let rules = self.rules();
        let Some(months) = rules.jurisdiction.reapplication_months else { return Ok(()) };
        let Some(to) = ready.to.as_ref().filter(|_| APPLYING.contains(&&*ready.verb)) else { return Ok(()) };
        let early =
            |window: Window| window.until() > now && window.last_months(months).is_none_or(|at| now < at);
        let spec: Value = serde_json::from_str(&to.spec).expect("it was just written");
        let (path, running) = match ready.kind.name() {
            OPERATING => ("spec.operator", self.same_operation(&ready.name, &spec, early)?),
            SERVICE => ("spec.unit", self.same_service(&ready.name, &spec, early)?),
            _ => return Ok(()),
        };
        match running {
            Some(running) => {
                let reason =
                    format!("`{running}` runs; another application is taken in its last {months} months");
                Err(Error::fault(Code::C1310, path, reason))
            }
            None => Ok(()),
        }
    }

    /// An operating agreement in force for the same authorisation of the same operator, other than the one that is amended.
    fn same_operation(
        &self,
        own: &Id,
        spec: &Value,
        early: impl Fn(Window) -> bool,
    ) -> Result<Option<Id>, Error> {
        let Some(operator) = named(spec, "operator") else { return Ok(None) };
        let amends = named(spec, "amends");
        let agreements = self.agreements_of(&operator)?.operating_agreements;
        let applied = self.extent_of(own, spec)?;
        let same = |(name, other): &(&Id, &OperatingAgreement)| {
            *name != own
                && amends.as_ref() != Some(*name)
                && other.in_force
                && other.operator == operator
                && applied.as_ref().is_none_or(|applied| applied.extent.renews(&other.extent))
                && early(other.window)
        };
        Ok(agreements.iter().find(same).map(|(name, _)| name.clone()))
    }

    /// The agreement that is applied for, as it would be in force.
    fn extent_of(&self, own: &Id, spec: &Value) -> Result<Option<OperatingAgreement>, Error> {
        let mut applied = Value::Object(serde_json::Map::new());
        for field in
            ["authoriser", "operator", "window", "mode", "providers", "fields", "scenario", "dataSets"]
        {
            if let Some(value) = spec.get(field) {
                applied[field] = value.clone();
            }
        }
        applied["inForce"] = false.into();
        let names = [(OPERATING, own.clone())];
        let (read, _) = self.force().fetching(|fetch| {
            World::read_objects(&names, &mut |kind, name| {
                if (kind, name) == (OPERATING, own) { Some(applied.clone()) } else { fetch(kind, name) }
            })
        })?;
        Ok(read.ok().and_then(|world| world.operating_agreements.get(own).cloned()))
    }

    /// A service agreement in force of the same unit about one of the same scenarios.
    fn same_service(
        &self,
        own: &Id,
        spec: &Value,
        early: impl Fn(Window) -> bool,
    ) -> Result<Option<Id>, Error> {
        let Some(unit) = named(spec, "unit") else { return Ok(None) };
        let scenarios = |spec: &Value| -> Vec<String> {
            let items = spec.get("scenarios").and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let applied = scenarios(spec);
        for name in self.register.referrers_of(SERVICE, "ApplicationUnit", unit.as_str())? {
            let Some(other) = self.force().spec(SERVICE, &name)?.filter(|_| name != *own) else { continue };
            let same = scenarios(&other).iter().any(|scenario| applied.contains(scenario));
            let runs = named(&other, "unit").as_ref() == Some(&unit) && other["signed"] == true;
            if same && runs && other.get("window").and_then(Window::of_spec).is_some_and(&early) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

/// What a change asks for of products: what comes into force by it, and what an application is for.
fn wanted(ready: &Ready, change: &Difference, now: Timestamp) -> Vec<Wanted> {
    let begins = |spec: &Value| {
        let window = spec.get("window").and_then(Window::of_spec);
        window.map_or(now, |window| window.from().max(now))
    };
    let of = |kind: &str, spec: &Value, path| {
        Some(Wanted {
            product: named(spec, "product")?,
            scenario: if kind == "Grant" { named(spec, "scenario") } else { None },
            from: begins(spec),
            path,
        })
    };
    let new = change.put.iter().filter(|put| GATED.contains(&put.kind) && !change.changes(put));
    let mut all: Vec<_> = new.filter_map(|put| of(put.kind, &put.spec, "spec.product")).collect();
    let applies = APPLYING.contains(&&*ready.verb);
    if let Some(to) = ready.to.as_ref().filter(|_| applies) {
        let spec: Value = serde_json::from_str(&to.spec).unwrap_or(Value::Null);
        all.extend(match ready.kind.name() {
            "Grant" => of("Grant", &spec, "spec.product"),
            "Registration" => {
                spec.get("basic").and_then(|basic| of("Registration", basic, "spec.basic.product"))
            }
            _ => None,
        });
    }
    all
}
