//! Revenue split (收益分配; Gansu-O 20(七), 30; Yantai 20): a period's total shared once, by largest remainder.
//!
//! Never per call: 0.05 元 split call by call is wrong by construction. The total of one agreement and product in one
//! period is shared once; the 分 that rounding down leaves go to the largest remainders, ties to the smaller name. The
//! result does not depend on the order of parties, mirrors for negative totals, and gives nothing to a part of nothing.

use std::collections::{BTreeMap, BTreeSet};

use shuzha_core::Id;

use crate::Fen;

/// Parts of a whole revenue (万分比).
pub const PARTS: u32 = 10_000;

/// Of what the parts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The tax-inclusive amount.
    Gross,
    /// The amount without tax.
    Net,
}

/// How an agreement shares its revenue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    base: Base,
    fixed: BTreeMap<Id, u32>,
    by_contribution: u32,
    /// Fields of a product that each party provides, where the agreement counts those in place of records.
    fields: BTreeMap<Id, Contributions>,
    /// Who signed the agreement; nothing where that is not asked.
    signed: Option<BTreeSet<Id>>,
}

/// Why a split cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The parts are not a whole.
    #[error("the parts sum to {0}, not to {PARTS}")]
    Sum(u64),
    /// A party stands twice.
    #[error("{0} is named twice")]
    Twice(Id),
    /// Parts are to go by contribution, and nobody contributed.
    #[error("parts go by contribution, and no contribution is known")]
    NoContribution,
    /// Contributions past what can be counted.
    #[error("contributions are beyond what can be counted")]
    Overflow,
}

/// What each party contributed to one product in one period: records of its data sets, or fields, that were used.
pub type Contributions = BTreeMap<Id, u64>;

impl Split {
    /// Fixed parts for parties, and the rest by contribution: `by_contribution` 0 is a fixed split, [`PARTS`] one wholly
    /// by contribution, anything between a mixed one.
    ///
    /// # Errors
    /// [`SplitError::Twice`], or [`SplitError::Sum`] unless all parts are [`PARTS`].
    pub fn new(
        base: Base,
        fixed: impl IntoIterator<Item = (Id, u32)>,
        by_contribution: u32,
    ) -> Result<Self, SplitError> {
        let mut parts = BTreeMap::new();
        let mut sum = u64::from(by_contribution);
        for (party, part) in fixed {
            sum += u64::from(part);
            if parts.insert(party.clone(), part).is_some() {
                return Err(SplitError::Twice(party));
            }
        }
        if sum != u64::from(PARTS) {
            return Err(SplitError::Sum(sum));
        }
        Ok(Self { base, fixed: parts, by_contribution, fields: BTreeMap::new(), signed: None })
    }

    /// The same, counting for these products the fields that each party provides in place of records of data sets.
    #[must_use]
    pub fn by_fields(self, fields: BTreeMap<Id, Contributions>) -> Self {
        Self { fields, ..self }
    }

    /// The same, signed by these: who shares by contribution must be one of them.
    #[must_use]
    pub fn signed_by(self, parties: BTreeSet<Id>) -> Self {
        Self { signed: Some(parties), ..self }
    }

    /// The same, without asking who signed: for whoever works out again what was shared.
    #[must_use]
    pub fn whoever_signed(self) -> Self {
        Self { signed: None, ..self }
    }

    /// Who shares by contribution and has not signed.
    pub fn unsigned<'a>(&'a self, contributions: &'a Contributions) -> impl Iterator<Item = &'a Id> {
        let shares = contributions.iter().filter(|(_, count)| self.by_contribution > 0 && **count > 0);
        let signed = move |party: &Id| self.signed.as_ref().is_none_or(|signed| signed.contains(party));
        shares.map(|(party, _)| party).filter(move |party| !signed(party))
    }

    /// What one call of a product uses of each party, where the agreement counts fields.
    #[must_use]
    pub fn fields(&self, product: &Id) -> Option<&Contributions> {
        self.fields.get(product)
    }

    /// Of what the parts are.
    #[must_use]
    pub const fn base(&self) -> Base {
        self.base
    }

    /// Parties with fixed parts.
    #[must_use]
    pub const fn fixed(&self) -> &BTreeMap<Id, u32> {
        &self.fixed
    }

    /// Parts that go by contribution.
    #[must_use]
    pub const fn by_contribution(&self) -> u32 {
        self.by_contribution
    }

    /// Shares `total` among the parties.
    ///
    /// # Errors
    /// [`SplitError::NoContribution`] where parts go by contribution and there is none; [`SplitError::Overflow`].
    pub fn share(&self, total: Fen, contributions: &Contributions) -> Result<BTreeMap<Id, Fen>, SplitError> {
        Ok(largest_remainder(total, &self.weights(contributions)?))
    }

    /// Each party's weight: fixed parts and parts of the contributions over one denominator.
    ///
    /// # Errors
    /// As [`Self::share`].
    pub fn weights(&self, contributions: &Contributions) -> Result<BTreeMap<Id, u128>, SplitError> {
        let all: u128 = contributions.values().copied().map(u128::from).sum();
        if self.by_contribution == 0 {
            return Ok(self.fixed.iter().map(|(party, part)| (party.clone(), u128::from(*part))).collect());
        }
        if all == 0 {
            return Err(SplitError::NoContribution);
        }
        // Largest remainder multiplies weights with 64-bit totals.
        if all > u128::from(u64::MAX / u64::from(PARTS)) {
            return Err(SplitError::Overflow);
        }
        let parties: BTreeSet<&Id> = self.fixed.keys().chain(contributions.keys()).collect();
        let weight = |party: &Id| {
            let fixed = u128::from(self.fixed.get(party).copied().unwrap_or(0)) * all;
            let contributed = u128::from(contributions.get(party).copied().unwrap_or(0));
            fixed + contributed * u128::from(self.by_contribution)
        };
        Ok(parties.into_iter().map(|party| (party.clone(), weight(party))).collect())
    }
}

/// Shares `total` in proportion to `weights`, whose sum is below 2⁶⁴ and, but for a total of nothing, not zero.
#[must_use]
pub fn largest_remainder(total: Fen, weights: &BTreeMap<Id, u128>) -> BTreeMap<Id, Fen> {
    let whole: u128 = weights.values().sum();
    if whole == 0 {
        debug_assert!(total == Fen::ZERO, "a total is shared among parties that have a part");
        return weights.keys().map(|party| (party.clone(), Fen::ZERO)).collect();
    }
    let amount = u128::from(total.count().unsigned_abs());
    let mut shares: Vec<(&Id, u128, u128)> = weights
        .iter()
        .map(|(party, weight)| (party, amount * weight / whole, amount * weight % whole))
        .collect();
    let given: u128 = shares.iter().map(|(_, share, _)| share).sum();
    // Fewer 分 are left than there are parties with a remainder, so none goes to a part of nothing.
    let left = usize::try_from(amount - given).expect("fewer than there are parties");
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| shares[b].2.cmp(&shares[a].2).then_with(|| shares[a].0.cmp(shares[b].0)));
    for &at in &order[..left] {
        shares[at].1 += 1;
    }
    let signed = |share: u128| {
        let share = i64::try_from(share).unwrap_or(i64::MAX);
        Fen::new(if total.count() < 0 { -share } else { share })
    };
    shares.into_iter().map(|(party, share, _)| (party.clone(), signed(share))).collect()
}

#[cfg(test)]
mod tests;
