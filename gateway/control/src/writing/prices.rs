//! Prices and ceilings are only added to: what has been in force is what past calls were charged by (REQUIREMENTS F5).

use serde_json::Value;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_pricing::Effective;
use shuzha_products::World;

use super::check;
use super::ready::Ready;
use crate::{Control, Error};

impl Control {
    /// Refuses to remove or alter a price or ceiling whose time has begun; it may only be ended, at an instant to come.
    ///
    /// # Errors
    /// C1612; of the register.
    pub(super) fn append_only(&self, ready: &Ready, now: Timestamp) -> Result<(), Error> {
        let kind = ready.kind.name();
        let Some(before) = ready.before.as_ref().filter(|_| matches!(kind, "Price" | "Ceiling")) else {
            return Ok(());
        };
        let old = crate::force::json(before, &before.spec)?;
        if self.effective(kind, &ready.name, &old)?.is_none_or(|in_force| now < in_force.from()) {
            return Ok(());
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
