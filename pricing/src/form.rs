//! Forms of charging (计费方式): what a number of charged calls of one period costs.
//!
//! A [`Tariff`] is a form with what may be put around it: a yearly fee, a least and a most per period. Two functions of
//! the number of calls follow from it: [`Tariff::bill`], what the period costs in the end, and [`Tariff::running`], what
//! has been taken when that many calls were made. The second never falls, so that each call has a price of its own, the
//! difference it makes; they part only where a volume tier makes earlier calls cheaper, and the close gives that back.

use std::num::NonZeroU64;

use shuzha_core::MicroYuan;

use crate::Ceiling;
use crate::money::Overflow;

/// Most tiers of one price.
pub const TIERS_MAX: usize = 32;

/// One tier: up to and including this many calls, each costs so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The last call of the tier; `None` is open.
    pub up_to: Option<u64>,
    /// What one call costs in it.
    pub each: MicroYuan,
}

/// Tiers (档) that follow each other without a gap from the first call on; the last is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers(Box<[Tier]>);

/// Why tiers cannot stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TierError {
    /// None, or too many.
    #[error("has 1 to {TIERS_MAX} tiers")]
    Count,
    /// A tier that does not end after the one before.
    #[error("each tier ends after the one before")]
    Order,
    /// The last tier ends, or one before it does not.
    #[error("the last tier, and only it, is open")]
    Open,
}

impl Tiers {
    /// Checks that tiers cover every number of calls once.
    ///
    /// # Errors
    /// [`TierError`].
    pub fn new(tiers: Vec<Tier>) -> Result<Self, TierError> {
        if !(1..=TIERS_MAX).contains(&tiers.len()) {
            return Err(TierError::Count);
        }
        let (last, before) = tiers.split_last().ok_or(TierError::Count)?;
        let mut end = 0;
        for tier in before {
            let next = tier.up_to.ok_or(TierError::Open)?;
            if next <= end {
                return Err(TierError::Order);
            }
            end = next;
        }
        if last.up_to.is_some() { Err(TierError::Open) } else { Ok(Self(tiers.into())) }
    }

    /// The tiers, from the first call on.
    #[must_use]
    pub fn all(&self) -> &[Tier] {
        &self.0
    }

    /// The tiers that `calls` calls reach, each with the last of the calls in it.
    fn reached(&self, calls: u64) -> impl Iterator<Item = (u64, &Tier)> {
        let mut begun = 0;
        self.0.iter().map_while(move |tier| {
            let end = tier.up_to.map_or(calls, |end| end.min(calls));
            let reached = begun < calls;
            begun = end;
            reached.then_some((end, tier))
        })
    }
}

/// How a number of calls is priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// 单价: every call costs the same.
    Unit(MicroYuan),
    /// 累进阶梯: each call costs what its tier says.
    Graduated(Tiers),
    /// 总量阶梯: all calls of the period cost what the tier of the last says.
    Volume(Tiers),
    /// 套餐: a fee for each begun block of calls.
    Package {
        /// Calls in a block.
        calls: NonZeroU64,
        /// What a block costs.
        fee: MicroYuan,
    },
    /// 免费: nothing, for a reason that is stated; what it would be worth is kept count of.
    Free {
        /// Why.
        reason: String,
        /// What one call would be worth.
        notional: MicroYuan,
    },
}

/// 最低消费: a least fee that pays for a number of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// The fee.
    pub fee: MicroYuan,
    /// The calls that it pays for; its effective unit price is `fee / calls`.
    pub calls: NonZeroU64,
}

/// A form and what is put around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tariff {
    /// The form.
    pub form: Form,
    /// 年费: taken with the first charged call of a calendar year (Asia/Shanghai), beside the form.
    pub annual: Option<MicroYuan>,
    /// The least for a period with any charged call.
    pub minimum: Option<Minimum>,
    /// The most for a period, the yearly fee apart.
    pub maximum: Option<MicroYuan>,
}

impl From<Form> for Tariff {
    fn from(form: Form) -> Self {
        Self { form, annual: None, minimum: None, maximum: None }
    }
}

/// `each × calls`, wide enough for every pair.
fn times(each: MicroYuan, calls: u64) -> i128 {
    i128::from(each.micros()) * i128::from(calls)
}

impl Form {
    /// What `calls` calls cost.
    fn cost(&self, calls: u64) -> i128 {
        match self {
            Self::Unit(each) => times(*each, calls),
            Self::Graduated(tiers) => {
                let mut begun = 0;
                let mut sum = 0;
                for (end, tier) in tiers.reached(calls) {
                    sum += times(tier.each, end - begun);
                    begun = end;
                }
                sum
            }
            Self::Volume(tiers) => tiers.reached(calls).last().map_or(0, |(end, tier)| times(tier.each, end)),
            Self::Package { calls: block, fee } => times(*fee, calls.div_ceil(block.get())),
            Self::Free { .. } => 0,
        }
    }

    /// What the calls of a month after the first `from` and up to `to` cost, where the month has `all`. Blocks of a package
    /// begin with the first of them.
    pub(crate) fn between(&self, from: u64, to: u64, all: u64) -> i128 {
        let calls = to.saturating_sub(from);
        match self {
            Self::Graduated(_) => self.cost(to) - self.cost(from),
            Self::Volume(tiers) => tiers.reached(all).last().map_or(0, |(_, tier)| times(tier.each, calls)),
            Self::Unit(_) | Self::Package { .. } | Self::Free { .. } => self.cost(calls),
        }
    }

    /// The most that [`Self::between`] came to while those calls were made one after the other. Never falls with `to`.
    pub(crate) fn peak_between(&self, from: u64, to: u64) -> i128 {
        match self {
            Self::Volume(tiers) => {
                let reached = tiers.reached(to).filter(|(end, _)| *end > from);
                reached.map(|(end, tier)| times(tier.each, end - from)).max().unwrap_or(0)
            }
            other => other.between(from, to, to),
        }
    }

    /// The most that any number of calls up to `calls` costs.
    fn peak(&self, calls: u64) -> i128 {
        match self {
            Self::Volume(tiers) => {
                tiers.reached(calls).map(|(end, tier)| times(tier.each, end)).max().unwrap_or(0)
            }
            other => other.cost(calls),
        }
    }

    /// Whether some call costs more than `max`: by the effective unit price in every tier, and of a block used up.
    fn over(&self, max: MicroYuan) -> bool {
        match self {
            Self::Unit(each) => *each > max,
            Self::Graduated(tiers) | Self::Volume(tiers) => tiers.all().iter().any(|tier| tier.each > max),
            Self::Package { calls, fee } => i128::from(fee.micros()) > times(max, calls.get()),
            Self::Free { .. } => false,
        }
    }

    /// Every amount in the form.
    fn amounts(&self) -> Vec<MicroYuan> {
        match self {
            Self::Unit(each) | Self::Free { notional: each, .. } => vec![*each],
            Self::Graduated(tiers) | Self::Volume(tiers) => {
                tiers.all().iter().map(|tier| tier.each).collect()
            }
            Self::Package { fee, .. } => vec![*fee],
        }
    }
}

impl Tariff {
    /// What a period of `calls` charged calls costs. `year_begins`: the yearly fee is still to be taken.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn bill(&self, calls: u64, year_begins: bool) -> Result<MicroYuan, Overflow> {
        self.around(self.form.cost(calls), calls, year_begins)
    }

    /// What has been taken when `calls` charged calls were made; never falls with their number, and is [`Self::bill`] but
    /// for volume tiers.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn running(&self, calls: u64, year_begins: bool) -> Result<MicroYuan, Overflow> {
        self.around(self.form.peak(calls), calls, year_begins)
    }

    fn around(&self, usage: i128, calls: u64, year_begins: bool) -> Result<MicroYuan, Overflow> {
        if calls == 0 {
            return Ok(MicroYuan::ZERO);
        }
        let annual = self.annual.filter(|_| year_begins).map_or(0, |sum| i128::from(sum.micros()));
        i64::try_from(self.within(usage) + annual).map(MicroYuan::from_micros).map_err(|_| Overflow)
    }

    /// What a period with a charged call comes to that cost `usage` by the form: no more than the most, no less than the
    /// least.
    pub(crate) fn within(&self, usage: i128) -> i128 {
        let wide = |sum: MicroYuan| i128::from(sum.micros());
        let most = self.maximum.map_or(usage, |most| usage.min(wide(most)));
        self.minimum.map_or(most, |least| most.max(wide(least.fee)))
    }

    /// What one call costs, where that is the same for all and the year does not matter.
    #[must_use]
    pub fn flat(&self) -> Option<MicroYuan> {
        let around = self.annual.is_some() || self.minimum.is_some() || self.maximum.is_some();
        match self.form {
            Form::Unit(each) if !around => Some(each),
            _ => None,
        }
    }

    /// Whether it asks for more than the ceiling at some number of calls: by effective unit price at every tier's
    /// boundary, of a block and of a least fee used up, and for the yearly fee by a ceiling of its own.
    #[must_use]
    pub fn over(&self, ceiling: &Ceiling) -> bool {
        let each = ceiling.per_call_max;
        let least = |least: &Minimum| i128::from(least.fee.micros()) > times(each, least.calls.get());
        let annual = |fee: MicroYuan| !fee.is_zero() && ceiling.annual_max.is_none_or(|max| fee > max);
        self.form.over(each) || self.minimum.as_ref().is_some_and(least) || self.annual.is_some_and(annual)
    }

    /// Every amount that it names.
    #[must_use]
    pub fn amounts(&self) -> Vec<MicroYuan> {
        let around = [self.annual, self.minimum.map(|least| least.fee), self.maximum];
        let mut all = self.form.amounts();
        all.extend(around.into_iter().flatten());
        all
    }

    /// What a free call would be worth: what the form says, or what the tariff would ask.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn notional(&self, calls: u64) -> Result<MicroYuan, Overflow> {
        match &self.form {
            Form::Free { notional, .. } => notional.checked_mul(calls).ok_or(Overflow),
            _ => self.bill(calls, false),
        }
    }
}

#[cfg(test)]
mod tests;
