//! Privacy budgets: whether a charge still fits under every cap, and the ledger of what was spent (privacy research §1.5,
//! `docs/adr/0006-budgets.md`).
//!
//! Pure: the caps come from whoever declares them, the ledger is what the journal adds up to, and debiting durably is the
//! caller's. The hard guarantee is the person-space's cap alone, shared by all units and products over the same people.
//! Quotas keep units from each other's share and may add up to more than it; a pace only slows the spending down.

mod ledger;

#[cfg(test)]
mod tests;

use shuzha_core::{Code, NanoCharge};

pub use self::ledger::{
    Account, Debit, Ledger, LedgerFault, Name, PACE_DAYS_MAX, REFUND_DAYS, Space, Spending,
};

/// The part of a person-space's cap that refunds of [`REFUND_DAYS`] may give back: one hundredth, rounded down.
const REFUND_PART: u64 = 100;

/// Most a unit may spend in the last so many days. It can only slow spending: what is not spent in time is not added to
/// anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pace {
    /// Most in the window.
    pub max: NanoCharge,
    /// Days of the window, today included; 1 to [`PACE_DAYS_MAX`].
    pub days: u8,
}

/// Caps that a charge must fit under. All count in the person-space's measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Lifetime cap of the person-space: the only published guarantee.
    pub space: NanoCharge,
    /// Lifetime cap of the data set.
    pub data_set: NanoCharge,
    /// Quota of the unit in the scenario.
    pub quota: NanoCharge,
    /// Pace of the unit in the scenario, if there is one.
    pub pace: Option<Pace>,
    /// Most one query may cost.
    pub per_query: NanoCharge,
}

/// What was spent so far, holds included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Of the person-space, by everybody.
    pub space: NanoCharge,
    /// Of the data set, by everybody.
    pub data_set: NanoCharge,
    /// Of the quota, by this unit in this scenario.
    pub quota: NanoCharge,
    /// Of the quota, in the window of the pace.
    pub paced: NanoCharge,
}

impl Caps {
    /// What is spent once `charge` is; refused, nothing is. A cap lowered below what is spent refuses everything and is
    /// never negative.
    ///
    /// # Errors
    /// The first that applies: [`Code::C604`] above the limit for one query, or not a charge at all;
    /// [`Code::C601`], [`Code::C602`], [`Code::C603`] where person-space, data set or quota has too little left;
    /// [`Code::C607`] where only the pace is too fast.
    pub fn check(&self, spent: Spent, charge: NanoCharge) -> Result<Spent, Code> {
        // A free query would be answered without limit; nothing that is released costs nothing.
        if charge.is_zero() || charge > self.per_query || self.pace.is_some_and(|pace| charge > pace.max) {
            return Err(Code::C604);
        }
        let fit = |spent: NanoCharge, cap: NanoCharge, code: Code| {
            spent.checked_add(charge).filter(|&total| total <= cap).ok_or(code)
        };
        let unpaced = NanoCharge::from_nanos(u64::MAX);
        Ok(Spent {
            space: fit(spent.space, self.space, Code::C601)?,
            data_set: fit(spent.data_set, self.data_set, Code::C602)?,
            quota: fit(spent.quota, self.quota, Code::C603)?,
            paced: fit(spent.paced, self.pace.map_or(unpaced, |pace| pace.max), Code::C607)?,
        })
    }
}

/// Whether another refund of `charge` fits into the window, after `refunded` in it, under a person-space's `cap`.
#[must_use]
pub fn refund_fits(cap: NanoCharge, refunded: NanoCharge, charge: NanoCharge) -> bool {
    let most = NanoCharge::from_nanos(cap.nanos() / REFUND_PART);
    refunded.checked_add(charge).is_some_and(|total| total <= most)
}
