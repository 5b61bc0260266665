//! Prices and ceilings are only added to: what has been in force is what past calls were charged by (REQUIREMENTS F5).

use serde_json::Value;
use shuzha_core::calendar::Day;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_pricing::Effective;
use shuzha_products::World;

use super::check;
use super::ready::Ready;
use crate::{Control, Error};

impl Control {
    /// Refuses to remove or alter a price or ceiling whose time has begun; it may only be ended, at an instant to come. A new
    /// one begins today or later: what past calls cost is corrected by re-rating. The first of a product may begin earlier,
    /// so that prices from before this register can be taken over.
    ///
    /// # Errors
    /// C1612, C1616; of the register.
    pub(super) fn append_only(&self, ready: &Ready, now: Timestamp) -> Result<(), Error> {
        let kind = ready.kind.name();
        if !matches!(kind, "Price" | "Ceiling") {
            return Ok(());
        }
        let Some(before) = &ready.before else { return self.not_in_the_past(ready, now) };
        let old = crate::force::json(before, &before.spec)?;
        let was = match self.effective(kind, &ready.name, &old) {
            // One that cannot be read was charged by nobody: it may be cleared away.
            Err(Error::Refused(_)) if self.is_left_out(kind, &ready.name) => None,
            was => was?,
        };
        if was.is_none_or(|in_force| now < in_force.from()) {
            return self.not_in_the_past(ready, now);
        }
        let new = match &ready.to {
            Some(to) => crate::force::json(before, &to.spec)?,
            None => return Err(Code::C1612.into()),
        };
        let ends = self.effective(kind, &ready.name, &new)?.and_then(|in_force| in_force.until());
        let mut but_for_its_end = new.clone();
        but_for_its_end["window"]["until"] = old["window"]["until"].clone();
        let later = ends.is_none_or(|end| now < end);
        if new == old || (but_for_its_end == old && later) { Ok(()) } else { Err(Code::C1612.into()) }
    }

    fn not_in_the_past(&self, ready: &Ready, now: Timestamp) -> Result<(), Error> {
        let kind = ready.kind.name();
        for put in ready.in_force.iter().filter(|put| put.kind == "Price" && put.name == ready.name) {
            // REQUIREMENTS F6: who uses for nothing knows under what conditions.
            if put.spec.get("free").is_some_and(|free| free.get("ground").is_none()) {
                let reason = "free use states its ground and conditions";
                return Err(Error::fault(Code::C1002, "spec.free.ground", reason));
            }
        }
        for put in ready.in_force.iter().filter(|put| put.kind == kind && put.name == ready.name) {
            let begins = self.effective(kind, &put.name, &put.spec)?.map(|in_force| in_force.from());
            let product = put.spec.get("product").and_then(Value::as_str).unwrap_or_default();
            if begins.is_some_and(|begins| begins < Day::of(now).start())
                && self
                    .register
                    .referrers_of(kind, "Product", product)?
                    .iter()
                    .any(|other| *other != put.name)
            {
                return Err(Error::fault(Code::C1616, "spec.window.from", "lies before today"));
            }
        }
        Ok(())
    }

    /// When a price or ceiling of this spec is in force.
    fn effective(&self, kind: &'static str, name: &Id, spec: &Value) -> Result<Option<Effective>, Error> {
        let names = [(kind, name.clone())];
        let (world, _) = self.force().fetching(|fetch| {
            World::read_objects(&names, &mut |of, one| {
                if (of, one) == (kind, name) { Some(spec.clone()) } else { fetch(of, one) }
            })
        })?;
        let world = world.map_err(check::faulty)?;
        let price = world.prices.get(name).map(|price| price.effective);
        Ok(price.or_else(|| world.ceilings.get(name).map(|ceiling| ceiling.effective)))
    }
}
