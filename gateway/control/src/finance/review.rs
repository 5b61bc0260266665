//! Looking over what is there: the ledger's chain, and prices that ceilings stop.

use shuzha_core::{Id, Role, Timestamp};
use shuzha_store::ledger::Verified;

use super::{Finance, may_read};
use crate::{Caller, Error};

/// Roles that read which prices are stopped.
const WATCHERS: [Role; 4] = [Role::Finance, Role::Auditor, Role::Pricing, Role::Operator];

/// A price that a ceiling stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The price.
    pub price: Id,
    /// Its product.
    pub product: Id,
    /// The ceiling that it is above.
    pub ceiling: Id,
    /// The act behind that.
    pub act: String,
    /// From when calls are refused (C703).
    pub from: Timestamp,
}

impl Finance {
    /// Reads the whole ledger, as it stands now, and checks every link, sum and route.
    ///
    /// # Errors
    /// C1104, C1106 without the role; of the books.
    pub fn verify_ledger(&self, caller: &Caller) -> Result<Verified, Error> {
        self.reader(caller)?;
        Ok(self.books().snapshot()?.verify()?)
    }

    /// Prices, now or later in force, that a ceiling stops at some instant; an operator sees those of its products.
    ///
    /// # Errors
    /// C1104, C1106 without a role that may; C1604 where terms contradict each other; of the register.
    pub fn stopped(&self, caller: &Caller) -> Result<Vec<Stopped>, Error> {
        may_read(caller, &WATCHERS)?;
        let only_own = !WATCHERS.iter().any(|role| *role != Role::Operator && caller.is(*role));
        let terms = self.present_terms()?.terms;
        let stopped = terms.book.stopped_by_ceilings(self.0.clock.now());
        let own = |product: &Id| !only_own || terms.operators.get(product) == Some(&caller.organisation);
        let stopped = stopped.into_iter().filter(|(price, ..)| own(&price.product));
        let stopped = stopped.map(|(price, ceiling, from)| Stopped {
            price: price.id.clone(),
            product: price.product.clone(),
            ceiling: ceiling.id.clone(),
            act: ceiling.act.clone(),
            from,
        });
        Ok(stopped.collect())
    }
}
