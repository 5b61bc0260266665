//! The ledger of privacy charges: a pure reducer. Recovery, the projection, audit, simulation and the authority that
//! serves calls all go through this one, so they cannot disagree.
//!
//! **Invariants**, checked on arbitrary histories by the tests beside this module:
//! - what a person-space has spent is the sum of its accounts, and never falls but by a void or a refund;
//! - a data set that moves to another person-space takes nothing with it: the old space keeps what was spent;
//! - an operation that cannot be done whole changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shuzha_core::{Code, Measure, NanoCharge, RequestId};

use super::{Caps, Spent};

/// A name as the journal gives it.
pub type Name = Arc<str>;

/// Longest window of a pace, in days; spending per day is remembered this long.
pub const PACE_DAYS_MAX: u8 = 31;

/// Days over which refunds are limited.
pub const REFUND_DAYS: i64 = 31;

/// Who spends on what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// The person-space that the data set belonged to when it was charged; first, so that its accounts stand together.
    pub space: Name,
    /// The data set.
    pub data_set: Name,
    /// The application unit.
    pub unit: Name,
    /// The scenario.
    pub scenario: Name,
}

/// One charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debit {
    /// Whose.
    pub account: Account,
    /// What the person-space counts in.
    pub measure: Measure,
    /// The local day on which it was asked for.
    pub day: i64,
    /// How much.
    pub charge: NanoCharge,
}

/// What an account has spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// In all.
    pub spent: NanoCharge,
    /// By local day, for the last [`PACE_DAYS_MAX`] days before the latest.
    pub days: BTreeMap<i64, NanoCharge>,
}

/// What is known of a person-space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// What it counts in: that of its first charge, for ever.
    pub measure: Measure,
    /// In all.
    pub spent: NanoCharge,
    /// Given back by hand, by local day, for the last [`REFUND_DAYS`] days before the latest.
    pub refunded: BTreeMap<i64, NanoCharge>,
}

/// Why an entry cannot follow those before it. The ledger is then unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    /// Past the range of a sum.
    #[error("privacy spend is past its range")]
    Range,
    /// More is given back than was taken.
    #[error("a privacy charge is given back that was not taken")]
    NotTaken,
    /// The person-space counts in something else.
    #[error("the person-space counts in another measure")]
    Measure,
    /// A charge of nothing, or from no person-space.
    #[error("a privacy charge of nothing or of nobody")]
    Nothing,
    /// This charge was given back already.
    #[error("a privacy charge is given back twice")]
    Repeated,
}

/// What was spent, by everybody, since the first record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    spaces: BTreeMap<Name, Space>,
    /// Per data set, whatever person-space it was in: its own cap is for its lifetime.
    data_sets: BTreeMap<Name, NanoCharge>,
    accounts: BTreeMap<Account, Spending>,
    refunds: BTreeSet<RequestId>,
}

impl Ledger {
    /// Adds a charge.
    ///
    /// # Errors
    /// [`LedgerFault::Nothing`], [`LedgerFault::Measure`], [`LedgerFault::Range`].
    pub fn debit(&mut self, debit: &Debit) -> Result<(), LedgerFault> {
        let Debit { account, measure, day, charge } = debit;
        if charge.is_zero() || account.space.is_empty() || account.data_set.is_empty() {
            return Err(LedgerFault::Nothing);
        }
        if !self.counts_in(&account.space, *measure) {
            return Err(LedgerFault::Measure);
        }
        let plus = |spent: NanoCharge| spent.checked_add(*charge).ok_or(LedgerFault::Range);
        let of_space = plus(self.of_space(&account.space))?;
        let of_set = plus(self.of_data_set(&account.data_set))?;
        let of_account = plus(self.of_account(account))?;
        // The parts of one account never exceed it, so its day cannot overflow where it does not.
        let space = self.spaces.entry(Arc::clone(&account.space));
        let fresh = || Space { measure: *measure, spent: NanoCharge::ZERO, refunded: BTreeMap::new() };
        space.or_insert_with(fresh).spent = of_space;
        self.data_sets.insert(Arc::clone(&account.data_set), of_set);
        let spending = self.accounts.entry(account.clone()).or_default();
        spending.spent = of_account;
        let of_day = spending.days.entry(*day).or_default();
        *of_day = NanoCharge::from_nanos(of_day.nanos().saturating_add(charge.nanos()));
        forget(&mut spending.days, i64::from(PACE_DAYS_MAX));
        Ok(())
    }

    /// Takes a charge off again whose call never left.
    ///
    /// # Errors
    /// [`LedgerFault::NotTaken`].
    pub fn void(&mut self, debit: &Debit) -> Result<(), LedgerFault> {
        self.give_back(&debit.account, debit.charge)?;
        let spending = self.accounts.get_mut(&debit.account).ok_or(LedgerFault::NotTaken)?;
        if let Some(of_day) = spending.days.get_mut(&debit.day) {
            *of_day = of_day.saturating_sub(debit.charge);
            if of_day.is_zero() {
                spending.days.remove(&debit.day);
            }
        }
        Ok(())
    }

    /// Gives the charge of `request` back by hand. It does not come back to the pace.
    ///
    /// # Errors
    /// [`LedgerFault::Repeated`], [`LedgerFault::Nothing`], [`LedgerFault::Measure`], [`LedgerFault::NotTaken`].
    pub fn refund(&mut self, request: RequestId, refund: &Debit) -> Result<(), LedgerFault> {
        if self.refunds.contains(&request) {
            return Err(LedgerFault::Repeated);
        }
        if refund.charge.is_zero() {
            return Err(LedgerFault::Nothing);
        }
        if !self.counts_in(&refund.account.space, refund.measure) {
            return Err(LedgerFault::Measure);
        }
        self.give_back(&refund.account, refund.charge)?;
        let space = self.spaces.get_mut(&refund.account.space).ok_or(LedgerFault::NotTaken)?;
        let of_day = space.refunded.entry(refund.day).or_default();
        *of_day = NanoCharge::from_nanos(of_day.nanos().saturating_add(refund.charge.nanos()));
        forget(&mut space.refunded, REFUND_DAYS);
        self.refunds.insert(request);
        Ok(())
    }

    /// Debits at every level at once if the charge fits under every cap: what the authority does.
    ///
    /// # Errors
    /// Those of [`Caps::check`], and [`Code::C608`] where the person-space has counted in another measure. A refused
    /// charge changes nothing.
    pub fn charge(&mut self, caps: &Caps, debit: &Debit) -> Result<(), Code> {
        if !self.counts_in(&debit.account.space, debit.measure) {
            return Err(Code::C608);
        }
        caps.check(self.spent(caps, &debit.account, debit.day), debit.charge)?;
        self.debit(debit).map_err(|_| Code::C606)
    }

    /// What was spent at each level, as `caps` ask it.
    #[must_use]
    pub fn spent(&self, caps: &Caps, account: &Account, day: i64) -> Spent {
        let paced = caps.pace.map_or(NanoCharge::ZERO, |pace| {
            self.accounts.get(account).map_or(NanoCharge::ZERO, |spending| {
                sum(spending.days.range(day.saturating_sub(i64::from(pace.days) - 1)..))
            })
        });
        Spent {
            space: self.of_space(&account.space),
            data_set: self.of_data_set(&account.data_set),
            quota: self.of_account(account),
            paced,
        }
    }

    /// The first day after `day` on which the pace lets the account spend `charge`, if it does nothing until then.
    #[must_use]
    pub fn paced_until(&self, caps: &Caps, account: &Account, day: i64, charge: NanoCharge) -> i64 {
        let Some(pace) = caps.pace else { return day.saturating_add(1) };
        let lets = |later: &i64| {
            let spent = self.spent(caps, account, *later).paced;
            spent.checked_add(charge).is_some_and(|sum| sum <= pace.max)
        };
        let window = i64::from(pace.days);
        (1..window).map(|days| day.saturating_add(days)).find(lets).unwrap_or(day.saturating_add(window))
    }

    /// Whether the person-space counts in `measure`, or in nothing yet.
    #[must_use]
    pub fn counts_in(&self, space: &str, measure: Measure) -> bool {
        self.spaces.get(space).is_none_or(|space| space.measure == measure)
    }

    /// What the person-space has spent.
    #[must_use]
    pub fn of_space(&self, space: &str) -> NanoCharge {
        self.spaces.get(space).map_or(NanoCharge::ZERO, |space| space.spent)
    }

    /// What the data set has spent.
    #[must_use]
    pub fn of_data_set(&self, data_set: &str) -> NanoCharge {
        self.data_sets.get(data_set).copied().unwrap_or_default()
    }

    /// What the account has spent.
    #[must_use]
    pub fn of_account(&self, account: &Account) -> NanoCharge {
        self.accounts.get(account).map_or(NanoCharge::ZERO, |spending| spending.spent)
    }

    /// What was given back by hand in the person-space, in the [`REFUND_DAYS`] up to `day`.
    #[must_use]
    pub fn refunded(&self, space: &str, day: i64) -> NanoCharge {
        self.spaces.get(space).map_or(NanoCharge::ZERO, |space| {
            sum(space.refunded.range(day.saturating_sub(REFUND_DAYS - 1)..))
        })
    }

    /// Whether the charge of `request` was given back.
    #[must_use]
    pub fn is_refunded(&self, request: &RequestId) -> bool {
        self.refunds.contains(request)
    }

    /// Every account.
    #[must_use]
    pub const fn accounts(&self) -> &BTreeMap<Account, Spending> {
        &self.accounts
    }

    /// Every person-space that was ever charged.
    #[must_use]
    pub const fn spaces(&self) -> &BTreeMap<Name, Space> {
        &self.spaces
    }

    /// Every request whose charge was given back.
    #[must_use]
    pub const fn refunds(&self) -> &BTreeSet<RequestId> {
        &self.refunds
    }

    /// Puts back an account that was stored; its person-space was put back before.
    ///
    /// # Errors
    /// [`LedgerFault`] when it does not fit.
    pub fn restore_account(&mut self, account: Account, spending: Spending) -> Result<(), LedgerFault> {
        let plus = |spent: NanoCharge| spent.checked_add(spending.spent).ok_or(LedgerFault::Range);
        let of_set = plus(self.of_data_set(&account.data_set))?;
        let space = self.spaces.get_mut(&account.space).ok_or(LedgerFault::Nothing)?;
        space.spent = plus(space.spent)?;
        self.data_sets.insert(Arc::clone(&account.data_set), of_set);
        self.accounts.insert(account, spending);
        Ok(())
    }

    /// Puts back a person-space that was stored; what it spent comes with its accounts.
    pub fn restore_space(&mut self, name: Name, measure: Measure, refunded: BTreeMap<i64, NanoCharge>) {
        self.spaces.insert(name, Space { measure, spent: NanoCharge::ZERO, refunded });
    }

    /// Puts back a refund that was stored.
    pub fn restore_refund(&mut self, request: RequestId) {
        self.refunds.insert(request);
    }

    fn give_back(&mut self, account: &Account, charge: NanoCharge) -> Result<(), LedgerFault> {
        let minus = |spent: NanoCharge| spent.checked_sub(charge).ok_or(LedgerFault::NotTaken);
        let of_account = minus(self.of_account(account))?;
        let of_set = minus(self.of_data_set(&account.data_set))?;
        let of_space = minus(self.of_space(&account.space))?;
        // All three hold something, or a subtraction had failed; a charge of nothing changes nothing.
        if let Some(spending) = self.accounts.get_mut(account) {
            spending.spent = of_account;
        }
        if let Some(of) = self.data_sets.get_mut(&account.data_set) {
            *of = of_set;
        }
        if let Some(space) = self.spaces.get_mut(&account.space) {
            space.spent = of_space;
        }
        Ok(())
    }
}

/// Forgets what lies more than `keep` days before the latest.
fn forget(days: &mut BTreeMap<i64, NanoCharge>, keep: i64) {
    if let Some((&latest, _)) = days.last_key_value() {
        *days = days.split_off(&latest.saturating_sub(keep - 1));
    }
}

/// The sum of some days: part of a sum that is in range.
fn sum<'d>(days: impl Iterator<Item = (&'d i64, &'d NanoCharge)>) -> NanoCharge {
    NanoCharge::from_nanos(days.fold(0, |sum, (_, charge)| sum.saturating_add(charge.nanos())))
}
