//! What a change must not meet among all other objects of the register: codes that are given once, rights that do not
//! overlap, prices and their ceilings. The same as a world of files is checked for, by look-ups.

use std::collections::BTreeSet;

use shuzha_core::Fault;
use shuzha_core::{Code, Id};
use shuzha_products::World;
use shuzha_products::case::{Actor, Claim, Declared, Subject};
use shuzha_products::world;
use shuzha_store::register::{Mark, Object, Reference};

use super::consequences::Difference;
use super::{Ready, check, state_of};
use crate::error::Refusal;
use crate::force::{in_force, json};
use crate::{Control, Error, Kind};

/// What an object claims; and for each mark what is said of a clash.
#[derive(Default)]
struct Claims {
    marks: Vec<Mark>,
    told: Vec<Told>,
}

/// With which code, at which field, and in which words a clash is refused.
#[derive(Clone, Copy)]
struct Told {
    code: Code,
    path: &'static str,
    what: &'static str,
}

impl Claims {
    /// A mark of an object in force.
    fn take(&mut self, claim: world::Mark<'_>) {
        self.marks.push(Mark {
            of: claim.of.to_owned(),
            key: claim.key.join("\n"),
            window: claim.window.map(|window| (window.from(), window.until())),
            shared_as: claim.shared_as.map(str::to_owned),
        });
        self.told.push(Told { code: Code::C1013, path: claim.path, what: claim.clash });
    }

    /// What a case claims by itself.
    fn take_case(&mut self, claim: &Claim) {
        let (of, key) = (claim.of.to_owned(), claim.key.join("\n"));
        self.marks.push(Mark { of, key, window: None, shared_as: None });
        self.told.push(Told { code: claim.code, path: claim.path, what: "is that of" });
    }
}

impl Control {
    /// Gives the object its marks, and refuses a change whose marks or prices meet those of others. `actor` is told which
    /// object the other is, as far as they may see it; none where time acts.
    pub(crate) fn claim(
        &self,
        ready: &mut Ready,
        actor: Option<&Actor>,
        difference: &Difference,
    ) -> Result<(), Error> {
        let mut claims = self.claims(&ready.in_force)?;
        ready.claims.iter().for_each(|claim| claims.take_case(claim));
        if let Some((at, other)) = self.register.clash(ready.kind.name(), &ready.name, &claims.marks)? {
            let Told { code, path, what } = claims.told[at];
            let reason = format!("{what} {}", self.as_told(actor, &other)?);
            return Err(Error::fault(code, path, reason));
        }
        if let Some(to) = &mut ready.to {
            to.marks = claims.marks;
        }
        if matches!(ready.kind.name(), "Price" | "Ceiling") {
            self.check_prices(ready, difference)?;
        }
        Ok(())
    }

    fn claims(&self, held: &[Declared]) -> Result<Claims, Error> {
        let mut claims = Claims::default();
        for held in held {
            let (read, _) = self.force().fetching(|fetch| {
                World::read_marks(held.kind, &held.name, &held.spec, fetch, &mut |claim| claims.take(claim))
            })?;
            read.map_err(check::faulty)?;
        }
        Ok(claims)
    }

    /// The other object: a registration by its certificate's code, which is public; anything else by its name where the actor
    /// may see it.
    fn as_told(&self, actor: Option<&Actor>, other: &Reference) -> Result<String, Error> {
        let (kind, name) = other;
        if let Some(code) = self.certificate_of(kind, name)? {
            return Ok(format!("{code} (Registration)"));
        }
        let seen = match (Kind::find(kind), actor) {
            (Some(kind), _) if kind.public() => true,
            (_, Some(actor)) => self.register.concerns(&actor.organisation, kind, name.as_str())?,
            (_, None) => false,
        };
        Ok(if seen { format!("{kind}/{name}") } else { format!("another {kind}") })
    }

    /// Reads all prices and ceilings of the products that the change is about, as they would then stand together.
    fn check_prices(&self, ready: &Ready, difference: &Difference) -> Result<(), Error> {
        let before = super::in_force_before(ready.before.as_ref())?;
        let products: BTreeSet<_> = before
            .iter()
            .chain(&ready.in_force)
            .filter_map(|held| super::consequences::named(&held.spec, "product"))
            .collect();
        for product in products {
            let after = self.price_faults(&product, difference)?;
            if after.is_empty() {
                continue;
            }
            // What was at fault before is not this change's doing.
            let before = self.price_faults(&product, &Difference::default())?;
            let new = after.into_iter().filter(|fault| !before.contains(fault));
            let faults: Vec<_> = new.map(|reason| Fault::new("", reason)).collect();
            if !faults.is_empty() {
                return Err(clash(faults));
            }
        }
        Ok(())
    }

    /// What is wrong with the prices and ceilings of a product together, after a change.
    fn price_faults(&self, product: &Id, change: &Difference) -> Result<Vec<String>, Error> {
        let mut names: BTreeSet<(&'static str, Id)> = BTreeSet::new();
        for kind in ["Ceiling", "Price"] {
            let found = self.register.referrers_of(kind, "Product", product.as_str())?;
            names.extend(found.into_iter().map(|name| (kind, name)));
        }
        names.retain(|name| !change.removed.contains(name));
        names.extend(change.put.iter().map(|put| (put.kind, put.name.clone())));
        let names: Vec<_> = names.into_iter().collect();
        let (read, _) = self.force().fetching(|fetch| {
            World::read_objects(&names, &mut |kind, name| {
                let put = change.put.iter().find(|put| put.kind == kind && put.name == *name);
                put.map(|put| put.spec.clone()).or_else(|| fetch(kind, name))
            })
        })?;
        let world = read.map_err(check::faulty)?;
        let published = change.put.iter().filter(|put| put.kind == "Price");
        let mut faults = world.price_faults();
        faults.extend(published.flat_map(|put| world.publication_faults(&put.name)));
        Ok(faults)
    }

    /// What a stored object claims.
    fn claims_of(&self, object: &Object) -> Result<Claims, Error> {
        let mut claims = self.claims(&in_force(object)?)?;
        if let Some(Kind::Case(case)) = Kind::find(&object.kind) {
            let (spec, state) = (json(object, &object.spec)?, state_of(object)?);
            let (own, _) = self.force().fetching(|fetch| {
                case.claims(&mut Subject { name: &object.name, spec: &spec, fetch }, &state)
            })?;
            own?.iter().for_each(|claim| claims.take_case(claim));
        }
        Ok(claims)
    }

    /// Gives every object its marks, where the register was written before marks were kept.
    pub(crate) fn mark_all(&self) -> Result<(), Error> {
        if !self.register.unmarked()? {
            return Ok(());
        }
        let mut all = Vec::new();
        self.register.each(|object: Object| {
            match self.claims_of(&object) {
                Ok(claims) if claims.marks.is_empty() => {}
                Ok(claims) => all.push(((object.kind, object.name), claims.marks)),
                Err(Error::Refused(_)) => {
                    tracing::error!(kind = object.kind, name = %object.name, "cannot be read and claims nothing");
                }
                Err(error) => return Err(error),
            }
            Ok(())
        })?;
        Ok(self.register.mark(&all)?)
    }
}

fn clash(faults: Vec<Fault>) -> Error {
    Error::Refused(Refusal { code: Code::C1013, faults, retry_after: None })
}
