//! The authority over privacy budgets: one hard cap per person-space, caps per data set below it, quotas per
//! (unit, scenario, data set) below those (DESIGN §9).
//!
//! A refused charge changes nothing. Arithmetic is checked; there are no floats.

use std::collections::HashMap;
use std::sync::Mutex;

use shuzha_core::{Code, Id, NanoCharge};
use shuzha_privacy::budget::{Caps, Spent};

use super::shards::lock;
use super::{Authority, Hold};
use crate::snapshot::{DataSet, PersonSpace};

/// Whose quota and which data set a charge is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QuotaKey {
    pub(crate) unit: Id,
    pub(crate) scenario: Id,
    pub(crate) data_set: Id,
}

/// One charge.
#[derive(Clone, Debug)]
pub(crate) struct Debit {
    key: QuotaKey,
    charge: NanoCharge,
}

#[derive(Default)]
struct Ledger {
    data_sets: HashMap<Id, u64>,
    quotas: HashMap<QuotaKey, u64>,
}

/// What was spent. Held charges count as spent; voiding takes them off again.
pub(crate) struct BudgetLedger {
    spent: Mutex<Ledger>,
}

impl BudgetLedger {
    /// The ledger as the journal left it.
    pub(crate) fn new(quotas: impl IntoIterator<Item = (QuotaKey, NanoCharge)>) -> Self {
        let mut spent = Ledger::default();
        for (key, charge) in quotas {
            let of_set = spent.data_sets.entry(key.data_set.clone()).or_default();
            *of_set = of_set.saturating_add(charge.nanos());
            let of_quota = spent.quotas.entry(key).or_default();
            *of_quota = of_quota.saturating_add(charge.nanos());
        }
        Self { spent: Mutex::new(spent) }
    }

    /// Debits `charge` at every level at once.
    ///
    /// # Errors
    /// C604 above the limit for one query, C601, C602, C603 when the cap of the person-space, of the data set,
    /// or the quota would be passed.
    pub(crate) fn debit(
        &self,
        space: &PersonSpace,
        data_set: &DataSet,
        key: QuotaKey,
        charge: NanoCharge,
    ) -> Result<Hold<'_, Self>, Code> {
        let mut spent = lock(&self.spent);
        let of_space = space
            .data_sets
            .iter()
            .try_fold(0_u64, |sum, name| sum.checked_add(spent.data_sets.get(name).copied().unwrap_or(0)));
        let before = Spent {
            // A sum past the range is past every cap.
            space: NanoCharge::from_nanos(of_space.unwrap_or(u64::MAX)),
            data_set: NanoCharge::from_nanos(spent.data_sets.get(&key.data_set).copied().unwrap_or(0)),
            quota: NanoCharge::from_nanos(spent.quotas.get(&key).copied().unwrap_or(0)),
        };
        let caps = Caps {
            space: space.cap,
            data_set: data_set.cap,
            quota: data_set.quota(&key.unit, &key.scenario),
            per_query: data_set.per_query_max,
        };
        let after = caps.check(before, charge)?;
        spent.data_sets.insert(key.data_set.clone(), after.data_set.nanos());
        spent.quotas.insert(key.clone(), after.quota.nanos());
        drop(spent);
        Ok(Hold::new(self, Debit { key, charge }))
    }

    /// What the data set has spent, charges held included.
    pub(crate) fn spent(&self, data_set: &Id) -> NanoCharge {
        NanoCharge::from_nanos(lock(&self.spent).data_sets.get(data_set).copied().unwrap_or(0))
    }
}

impl Authority for BudgetLedger {
    type Token = Debit;

    fn post(&self, _: &Debit) {}

    fn void(&self, debit: &Debit) {
        let mut spent = lock(&self.spent);
        let charge = debit.charge.nanos();
        if let Some(of_set) = spent.data_sets.get_mut(&debit.key.data_set) {
            *of_set -= charge;
        }
        if let Some(of_quota) = spent.quotas.get_mut(&debit.key) {
            *of_quota -= charge;
        }
    }
}

impl Debit {
    /// What was charged.
    pub(crate) fn charge(&self) -> NanoCharge {
        self.charge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        Id::new(name).expect("a name")
    }

    fn world(space: u64, sets: [u64; 2], quota: u64) -> (PersonSpace, [DataSet; 2]) {
        let names = [id("adult"), id("tax")];
        let set = |at: usize| DataSet {
            name: names[at].clone(),
            cap: NanoCharge::from_nanos(sets[at]),
            per_query_max: NanoCharge::from_nanos(60),
            quota_default: NanoCharge::from_nanos(quota),
            quotas: Vec::new(),
        };
        let space = PersonSpace { cap: NanoCharge::from_nanos(space), data_sets: names.to_vec() };
        (space, [set(0), set(1)])
    }

    fn key(unit: &str, set: &DataSet) -> QuotaKey {
        QuotaKey { unit: id(unit), scenario: id("s"), data_set: set.name.clone() }
    }

    /// Every level refuses with its own code, and a refusal changes nothing.
    #[test]
    fn each_level_holds() {
        let (space, sets) = world(100, [70, 90], 50);
        let ledger = BudgetLedger::new([]);
        let debit = |unit: &str, set: usize, charge| {
            ledger
                .debit(&space, &sets[set], key(unit, &sets[set]), NanoCharge::from_nanos(charge))
                .map(Hold::post)
        };
        assert_eq!(debit("a", 0, 61), Err(Code::C604));
        assert_eq!(debit("a", 0, 50), Ok(()));
        assert_eq!(debit("a", 0, 1), Err(Code::C603));
        assert_eq!(debit("b", 0, 21), Err(Code::C602));
        assert_eq!(debit("b", 0, 20), Ok(()));
        assert_eq!(debit("b", 1, 31), Err(Code::C601));
        assert_eq!(debit("b", 1, 30), Ok(()));
        assert_eq!(debit("c", 1, 1), Err(Code::C601));
        assert_eq!(ledger.spent(&sets[0].name).nanos(), 70);
    }

    #[test]
    fn a_voided_debit_comes_back_and_a_huge_one_never_wraps() {
        let (space, sets) = world(100, [100, 100], 100);
        let ledger = BudgetLedger::new([(key("a", &sets[0]), NanoCharge::from_nanos(u64::MAX - 1))]);
        let one = ledger.debit(&space, &sets[0], key("a", &sets[0]), NanoCharge::from_nanos(2));
        assert_eq!(one.err(), Some(Code::C601));
        let ledger = BudgetLedger::new([]);
        drop(ledger.debit(&space, &sets[0], key("a", &sets[0]), NanoCharge::from_nanos(60)));
        assert_eq!(ledger.spent(&sets[0].name), NanoCharge::ZERO);
    }
}
