//! Permitted revenue (最高准许收入): how far each operator's cycle is used, with alerts once each.

use shuzha_core::{Code, MicroYuan, Role};
use shuzha_pricing::permitted::{Level, PermittedRevenue, alerts};

use super::{Finance, may_read};
use crate::{Caller, Error};

/// Roles that read how far permitted revenue is used.
const WATCHERS: [Role; 5] = [Role::Finance, Role::Auditor, Role::Pricing, Role::Operator, Role::Authority];

/// Where a permitted revenue stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What was permitted.
    pub permitted: PermittedRevenue,
    /// Taken in closed periods of the cycle.
    pub closed: MicroYuan,
    /// Charged in periods of the cycle that are still open.
    pub open: MicroYuan,
    /// How far that goes.
    pub level: Level,
}

impl Finance {
    /// How far every permitted revenue is used now; raises the alerts that are newly reached. An operator sees its own.
    ///
    /// # Errors
    /// C1104, C1106 without a role that may; C1604 where terms contradict each other; of books and register.
    pub fn permitted(&self, caller: &Caller) -> Result<Vec<Standing>, Error> {
        may_read(caller, &WATCHERS)?;
        let only_own = !WATCHERS.iter().any(|role| *role != Role::Operator && caller.is(*role));
        let mut found = self.standings()?;
        found.retain(|one| !only_own || one.permitted.operator == caller.organisation);
        Ok(found)
    }

    /// How far every permitted revenue is used now; raises the alerts that are newly reached.
    ///
    /// # Errors
    /// As [`Self::permitted`], the roles apart.
    pub fn standings(&self) -> Result<Vec<Standing>, Error> {
        self.catch_up()?;
        let read = self.present_terms()?;
        let (now, books) = (self.0.clock.now(), self.books());
        let open = books.open_revenue()?;
        let mut found = Vec::new();
        for permitted in read.permitted {
            let within = |month: shuzha_pricing::Month| permitted.cycle.holds(month.begin());
            let closed = books.revenue(&permitted.operator)?;
            let closed = sum(closed.into_iter().filter(|(month, _)| within(*month)).map(|(_, one)| one))?;
            let own =
                |product: &shuzha_core::Id| read.terms.operators.get(product) == Some(&permitted.operator);
            let charged = open.iter().filter(|(month, product, _)| within(*month) && own(product));
            let charged = sum(charged.map(|(_, _, amount)| *amount))?;
            let level = permitted.level(sum([closed, charged])?, now).map_err(|_| Code::C1604)?;
            for percent in alerts(books.alert_raised(&permitted.id)?, level.reached) {
                if books.raise_alert(&permitted.id, percent, now)? {
                    tracing::warn!(permitted = %permitted.id, percent, "permitted revenue (最高准许收入) is used so far");
                }
            }
            found.push(Standing { permitted, closed, open: charged, level });
        }
        Ok(found)
    }
}

fn sum(all: impl IntoIterator<Item = MicroYuan>) -> Result<MicroYuan, Error> {
    shuzha_pricing::money::sum(all).map_err(|_| Code::C1604.into())
}
