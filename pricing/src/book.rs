//! The book of prices: at every instant at most one price for an operation, never above the ceiling.

use std::collections::{BTreeMap, BTreeSet};

use shuzha_core::{Code, Id, MicroYuan, Timestamp};

use crate::{Ceiling, Price};

/// The most one call may cost: a million yuan. More is a slip of the pen.
pub const PER_CALL_MAX: MicroYuan = MicroYuan::from_micros(1_000_000 * MicroYuan::YUAN.micros());

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
    /// Below nothing or above [`PER_CALL_MAX`].
    #[error("{0}: the amount is not between 0 and {PER_CALL_MAX}")]
    Amount(Id),
    /// Two prices for one operation at one instant.
    #[error("{0} and {1}: two prices for one operation would be in force at once")]
    Overlap(Id, Id),
    /// Two ceilings for one product at one instant.
    #[error("{0} and {1}: two ceilings for one product would be in force at once")]
    CeilingOverlap(Id, Id),
    /// A price above a ceiling that is in force at some instant of the price.
    #[error("{0}: above the ceiling {1}")]
    AboveCeiling(Id, Id),
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
        let book = Self::unchecked(prices, ceilings);
        let mut faults = Vec::new();
        let (mut price_names, mut ceiling_names) = (BTreeSet::new(), BTreeSet::new());
        for timeline in book.0.values() {
            for price in &timeline.prices {
                check_one(&price.id, &price.act, price.per_call, &mut price_names, &mut faults);
            }
            for ceiling in &timeline.ceilings {
                check_one(&ceiling.id, &ceiling.act, ceiling.per_call_max, &mut ceiling_names, &mut faults);
            }
            timeline.check_together(&mut faults);
        }
        if faults.is_empty() { Ok(book) } else { Err(faults) }
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

    /// The one price of an operation in force at the instant `at`. Rating calls this again with the instant of the
    /// call: what was checked at publication is checked once more where money is counted.
    ///
    /// # Errors
    /// - [`Code::C701`]: no price is in force.
    /// - [`Code::C702`]: more than one is.
    /// - [`Code::C703`]: it is above a ceiling in force.
    pub fn resolve(&self, product: &str, operation: &str, at: Timestamp) -> Result<&Price, Code> {
        let timeline = self.0.get(product).ok_or(Code::C701)?;
        let mut in_force =
            timeline.prices.iter().filter(|price| price.effective.holds(at) && price.is_for(operation));
        let price = in_force.next().ok_or(Code::C701)?;
        if in_force.next().is_some() {
            return Err(Code::C702);
        }
        let above = |ceiling: &Ceiling| ceiling.effective.holds(at) && price.per_call > ceiling.per_call_max;
        if timeline.ceilings.iter().any(above) { Err(Code::C703) } else { Ok(price) }
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

fn check_one<'a>(
    id: &'a Id,
    act: &str,
    amount: MicroYuan,
    names: &mut BTreeSet<&'a Id>,
    faults: &mut Vec<PriceFault>,
) {
    if !names.insert(id) {
        faults.push(PriceFault::Duplicate(id.clone()));
    }
    if !(1..=ACT_BYTES_MAX).contains(&act.trim().len()) {
        faults.push(PriceFault::Act(id.clone()));
    }
    if !(MicroYuan::ZERO..=PER_CALL_MAX).contains(&amount) {
        faults.push(PriceFault::Amount(id.clone()));
    }
}

impl Timeline {
    fn check_together(&self, faults: &mut Vec<PriceFault>) {
        for (at, price) in self.prices.iter().enumerate() {
            for other in self.prices[..at].iter().filter(|other| other.meets(price)) {
                faults.push(PriceFault::Overlap(other.id.clone(), price.id.clone()));
            }
            for ceiling in &self.ceilings {
                if price.per_call > ceiling.per_call_max && price.effective.overlaps(&ceiling.effective) {
                    faults.push(PriceFault::AboveCeiling(price.id.clone(), ceiling.id.clone()));
                }
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
