//! What data sets set aside for units (预留配额) must be there: where one of the data sets over a group of people reserves its
//! quotas, the caps of all of them together stay within the people's one cap (ADR 0006). Otherwise what another data set
//! spends would be taken from what was promised.

use std::collections::BTreeSet;

use shuzha_core::{Code, Id};
use shuzha_products::World;

use super::consequences::{Difference, named};
use super::{Ready, check};
use crate::{Control, Error};

impl Control {
    /// Refuses a change after which something reserved is not there, unless it was not there before either.
    ///
    /// # Errors
    /// C1017; of the register.
    pub(super) fn check_reservations(&self, ready: &Ready, change: &Difference) -> Result<(), Error> {
        let before = super::in_force_before(ready.before.as_ref())?;
        let spaces: BTreeSet<Id> = match ready.kind.name() {
            "PersonSpace" => [ready.name.clone()].into(),
            "DataSet" => {
                let sets = before.iter().chain(&ready.in_force);
                sets.filter_map(|held| named(held.spec.get("privacy")?, "personSpace")).collect()
            }
            _ => return Ok(()),
        };
        for space in spaces {
            if self.is_overpromised(&space, change)?
                && !self.is_overpromised(&space, &Difference::default())?
            {
                let reason =
                    "the caps of the data sets over these people add up to more than the person-space's";
                let path = if ready.kind.name() == "PersonSpace" { "spec.cap" } else { "spec.privacy.cap" };
                return Err(Error::fault(Code::C1017, path, reason));
            }
        }
        Ok(())
    }

    /// Whether somebody over these people reserves what need not be there, after a change.
    fn is_overpromised(&self, space: &Id, change: &Difference) -> Result<bool, Error> {
        let found = self.register.referrers_of("DataSet", "PersonSpace", space.as_str())?;
        let mut names: BTreeSet<(&'static str, Id)> =
            found.into_iter().map(|name| ("DataSet", name)).collect();
        names.retain(|name| !change.removed.contains(name));
        names.extend(
            change.put.iter().filter(|put| put.kind == "DataSet").map(|put| (put.kind, put.name.clone())),
        );
        let names: Vec<_> = names.into_iter().collect();
        let (read, _) = self.force().fetching(|fetch| {
            World::read_objects(&names, &mut |kind, name| {
                let put = change.put.iter().find(|put| put.kind == kind && put.name == *name);
                put.map(|put| put.spec.clone()).or_else(|| fetch(kind, name))
            })
        })?;
        Ok(read.map_err(check::faulty)?.overpromises(space))
    }
}
