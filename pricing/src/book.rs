//! The book of prices: at every instant at most one price for an operation, never above the ceiling.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shuzha_core::{Code, Id, MicroYuan, Timestamp};

use crate::price::{Asked, TRIAL_DAYS_MAX, WHOLE};
use crate::{Ceiling, Price};

/// The most that a price may name: a million yuan. More is a slip of the pen.
pub const AMOUNT_MAX: MicroYuan = MicroYuan::from_micros(1_000_000 * MicroYuan::YUAN.micros());

/// Longest number of an act, in bytes.
pub const ACT_BYTES_MAX: usize = 128;

/// Why a book of prices cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceFault {
    /// Two prices or two ceilings share a name.
    #[error("{0}: the name is used twice")]
    Duplicate(Id),
    /// No act, or one too long to be one.
    #[error("{0}: the number of an act has 1 to {ACT_BYTES_MAX} bytes")]
    Act(Id),
    /// Below nothing or above [`AMOUNT_MAX`].
    #[error("{0}: the amount is not between 0 and {AMOUNT_MAX}")]
    Amount(Id),
    /// Two prices for one operation at one instant.
    #[error("{0} and {1}: two prices for one operation would be in force at once")]
    Overlap(Id, Id),
    /// Two ceilings for one product at one instant.
    #[error("{0} and {1}: two ceilings for one product would be in force at once")]
    CeilingOverlap(Id, Id),
    /// A price above a ceiling that is in force when the price begins.
    #[error("{0}: above the ceiling {1}")]
    AboveCeiling(Id, Id),
    /// A trial without an end, or longer than a year.
    #[error("{0}: a trial ends within {TRIAL_DAYS_MAX} days")]
    Trial(Id),
    /// A preference of more than the whole price.
    #[error("{0}: a preference is 0 to {WHOLE} parts")]
    Preference(Id),
    /// A price that is for no class of purpose.
    #[error("{0}: is for no purpose")]
    Purposes(Id),
}

impl PriceFault {
    /// The price or ceiling that it is about.
    #[must_use]
    pub const fn about(&self) -> &Id {
        match self {
            Self::Duplicate(id)
            | Self::Act(id)
            | Self::Amount(id)
            | Self::Overlap(_, id)
            | Self::CeilingOverlap(_, id)
            | Self::AboveCeiling(id, _)
            | Self::Trial(id)
            | Self::Preference(id)
            | Self::Purposes(id) => id,
        }
    }
}

/// The prices and ceilings of one product.
#[derive(Clone, Debug, Default)]
struct Timeline {
    prices: Vec<Price>,
    ceilings: Vec<Ceiling>,
}

/// All prices and ceilings, checked against each other.
///
/// There is no precedence among prices: a price for one operation and one for all operations in force together are
/// two prices, and are refused. A product without a ceiling has none to keep; where a jurisdiction demands one, that
/// is checked when the product is published.
#[derive(Clone, Debug, Default)]
pub struct PriceBook(BTreeMap<Id, Timeline>);

impl PriceBook {
    /// Checks prices and ceilings against each other.
    ///
    /// # Errors
    /// Every fault found.
    pub fn build(prices: Vec<Price>, ceilings: Vec<Ceiling>) -> Result<Self, Vec<PriceFault>> {
        let (book, faults) = Self::sound(prices, ceilings);
        if faults.is_empty() { Ok(book) } else { Err(faults) }
    }

    /// The book without the products that have a fault, and every fault found: one product's prices do not keep the
    /// others from being called.
    #[must_use]
    pub fn sound(prices: Vec<Price>, ceilings: Vec<Ceiling>) -> (Self, Vec<PriceFault>) {
        let mut book = Self::unchecked(prices, ceilings);
        let mut faults = Vec::new();
        let (mut price_names, mut ceiling_names) = (BTreeSet::new(), BTreeSet::new());
        book.0.retain(|_, timeline| {
            let before = faults.len();
            for price in &timeline.prices {
                let amounts = price.tariff.amounts();
                check_one(&price.id, &price.act, &amounts, &mut price_names, &mut faults);
                check_price(price, &mut faults);
            }
            for ceiling in &timeline.ceilings {
                let amounts: Vec<_> = ceiling.annual_max.into_iter().chain([ceiling.per_call_max]).collect();
                check_one(&ceiling.id, &ceiling.act, &amounts, &mut ceiling_names, &mut faults);
            }
            timeline.check_together(&mut faults);
            faults.len() == before
        });
        (book, faults)
    }

    fn unchecked(prices: Vec<Price>, ceilings: Vec<Ceiling>) -> Self {
        let mut book = Self::default();
        for price in prices {
            book.0.entry(price.product.clone()).or_default().prices.push(price);
        }
        for ceiling in ceilings {
            book.0.entry(ceiling.product.clone()).or_default().ceilings.push(ceiling);
        }
        book
    }

    /// The one price in force at the instant `at`. What was checked at publication is checked once more where a call is
    /// made: a ceiling may have been lowered since, and from that instant a price above it is not charged any more.
    ///
    /// # Errors
    /// - [`Code::C701`]: no price is in force.
    /// - [`Code::C702`]: more than one is.
    /// - [`Code::C703`]: it is above a ceiling in force, or the product's ceilings have ended.
    pub fn resolve(&self, asked: &Asked<'_>, at: Timestamp) -> Result<&Price, Code> {
        let timeline = self.0.get(asked.product).ok_or(Code::C701)?;
        let mut in_force =
            timeline.prices.iter().filter(|price| price.effective.holds(at) && price.is_for(asked));
        let price = in_force.next().ok_or(Code::C701)?;
        if in_force.next().is_some() {
            return Err(Code::C702);
        }
        if timeline.stopped(price, at) { Err(Code::C703) } else { Ok(price) }
    }

    /// The price of this name.
    #[must_use]
    pub fn find(&self, product: &str, price: &str) -> Option<&Price> {
        self.prices(product).iter().find(|one| one.id.as_str() == price)
    }

    /// The ceiling in force at `at` that the price is above.
    #[must_use]
    pub fn above(&self, price: &Price, at: Timestamp) -> Option<&Ceiling> {
        self.0.get(price.product.as_str())?.above(price, at)
    }

    /// Prices that are or will be in force at or after `at` and stop being chargeable at some instant, because a ceiling
    /// below them takes effect then; with that instant.
    #[must_use]
    pub fn stopped_by_ceilings(&self, at: Timestamp) -> Vec<(&Price, &Ceiling, Timestamp)> {
        let mut found = Vec::new();
        for timeline in self.0.values() {
            for price in timeline.prices.iter().filter(|one| one.effective.until().is_none_or(|end| at < end))
            {
                let over = |ceiling: &&Ceiling| {
                    ceiling.effective.until().is_none_or(|end| at < end)
                        && price.effective.overlaps(&ceiling.effective)
                        && price.over(ceiling)
                };
                found.extend(
                    timeline.ceilings.iter().filter(over).map(|ceiling| {
                        (price, ceiling, ceiling.effective.from().max(price.effective.from()))
                    }),
                );
            }
        }
        found
    }

    /// Every price of a product, past ones too: the public price list (REQUIREMENTS F5).
    #[must_use]
    pub fn prices(&self, product: &str) -> &[Price] {
        self.0.get(product).map_or(&[], |timeline| &timeline.prices)
    }

    /// Every ceiling of a product, past ones too.
    #[must_use]
    pub fn ceilings(&self, product: &str) -> &[Ceiling] {
        self.0.get(product).map_or(&[], |timeline| &timeline.ceilings)
    }
}

fn check_one(
    id: &Id,
    act: &str,
    amounts: &[MicroYuan],
    names: &mut BTreeSet<Id>,
    faults: &mut Vec<PriceFault>,
) {
    if !names.insert(id.clone()) {
        faults.push(PriceFault::Duplicate(id.clone()));
    }
    if !(1..=ACT_BYTES_MAX).contains(&act.trim().len()) {
        faults.push(PriceFault::Act(id.clone()));
    }
    if amounts.iter().any(|amount| !(MicroYuan::ZERO..=AMOUNT_MAX).contains(amount)) {
        faults.push(PriceFault::Amount(id.clone()));
    }
}

fn check_price(price: &Price, faults: &mut Vec<PriceFault>) {
    let trial_max = Duration::from_hours(24 * TRIAL_DAYS_MAX.unsigned_abs());
    let too_long =
        |until: Option<Timestamp>| until.is_none_or(|until| until > price.effective.from().plus(trial_max));
    if price.trial && too_long(price.effective.until()) {
        faults.push(PriceFault::Trial(price.id.clone()));
    }
    if price.provider_parts.is_some_and(|parts| parts > WHOLE) {
        faults.push(PriceFault::Preference(price.id.clone()));
    }
    if price.purposes.is_empty() {
        faults.push(PriceFault::Purposes(price.id.clone()));
    }
}

impl Timeline {
    /// Whether the price may not be charged at `at`: a ceiling in force is below it, or the product has ceilings and none
    /// is in force.
    fn stopped(&self, price: &Price, at: Timestamp) -> bool {
        let none = || self.ceilings.iter().all(|ceiling| !ceiling.effective.holds(at));
        self.above(price, at).is_some() || (!self.ceilings.is_empty() && none())
    }

    fn above(&self, price: &Price, at: Timestamp) -> Option<&Ceiling> {
        self.ceilings.iter().find(|ceiling| ceiling.effective.holds(at) && price.over(ceiling))
    }

    fn check_together(&self, faults: &mut Vec<PriceFault>) {
        for (at, price) in self.prices.iter().enumerate() {
            for other in self.prices[..at].iter().filter(|other| other.meets(price)) {
                faults.push(PriceFault::Overlap(other.id.clone(), price.id.clone()));
            }
            // A ceiling that takes effect later does not undo the publication; it stops the price at its instant.
            if let Some(ceiling) = self.above(price, price.effective.from()) {
                faults.push(PriceFault::AboveCeiling(price.id.clone(), ceiling.id.clone()));
            }
        }
        for (at, ceiling) in self.ceilings.iter().enumerate() {
            for other in
                self.ceilings[..at].iter().filter(|other| other.effective.overlaps(&ceiling.effective))
            {
                faults.push(PriceFault::CeilingOverlap(other.id.clone(), ceiling.id.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
