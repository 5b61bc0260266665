//! The authority over what a unit may spend: prepaid balance or credit, held at the highest price of the call and
//! posted at the price of its outcome.
//!
//! What is held follows from which calls are under way, and is worked out anew whenever one begins or ends: no call keeps a
//! share of it of its own that could be left behind.

mod course;

use std::collections::HashMap;
use std::sync::Arc;

use shuzha_core::{Code, Id, MicroYuan, PurposeClass};
use shuzha_pricing::{Basis, Month, Price, PriceBook};

use super::{Authority, Hold};
use crate::shards::Shards;
use course::{Course, Priced};

/// What one unit has been charged, and what calls under way may still cost it.
#[derive(Debug, Default)]
struct Purse {
    posted: i64,
    /// Of what was posted, what the books do not count as owed any more.
    freed: i64,
    /// Held by calls whose price is the same for all.
    flat: i64,
    courses: HashMap<CourseKey, Course>,
}

/// Along what calls are counted; the same as a meter of the journal's projection, the unit apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CountKey {
    pub(crate) price: Id,
    pub(crate) scenario: Id,
    pub(crate) agreement: Id,
    pub(crate) purpose: PurposeClass,
    pub(crate) basis: Basis,
    pub(crate) month: Month,
}

/// Whose calls are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CourseKey {
    scenario: Id,
    agreement: Id,
}

impl CountKey {
    fn course(&self) -> CourseKey {
        CourseKey { scenario: self.scenario.clone(), agreement: self.agreement.clone() }
    }
}

/// What a call asks to be held for.
#[derive(Clone, Debug)]
pub(crate) struct Ordered {
    /// Along what it counts.
    pub(crate) key: CountKey,
    /// How many charged calls it counts for: the answers of a batch.
    pub(crate) calls: u32,
    /// What it costs where that is the same for all calls.
    pub(crate) flat: Option<MicroYuan>,
    /// The product, and the prices of its versions.
    pub(crate) product: Id,
    pub(crate) book: Arc<PriceBook>,
}

impl Ordered {
    /// What `calls` calls by `price` are held for.
    pub(crate) fn new(key: CountKey, calls: u32, price: &Price, book: &Arc<PriceBook>) -> Self {
        let flat = price.tariff.flat().filter(|_| key.basis == Basis::Price && alone(price, book, key.month));
        Self { key, calls, flat, product: price.product.clone(), book: Arc::clone(book) }
    }

    fn priced(&self) -> Priced<'_> {
        Priced { product: &self.product, book: &self.book }
    }
}

/// Whether every version of the price in this month costs the same for all its calls.
fn alone(price: &Price, book: &PriceBook, month: Month) -> bool {
    let mut versions = book.prices(price.product.as_str()).iter().filter(|one| one.is_version_of(price));
    versions.all(|one| one.tariff.flat().is_some() || !one.effective.overlaps(&month.whole()))
}

/// Money taken: who pays, for what, how much is held, and how much of it is posted.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    unit: Id,
    ordered: Ordered,
    held: MicroYuan,
    posted: MicroYuan,
    /// What its place on the sum came to, once it is taken.
    taken: Option<MicroYuan>,
}

/// Amounts posted and held per unit.
pub(crate) struct PurseLedger {
    purses: Shards<Id, Purse>,
}

impl PurseLedger {
    /// The ledger as the journal left it.
    pub(crate) fn new(
        posted: impl IntoIterator<Item = (Id, MicroYuan)>,
        counts: impl IntoIterator<Item = (Id, CountKey, u64)>,
    ) -> Self {
        let ledger = Self { purses: Shards::new() };
        for (unit, amount) in posted {
            ledger.with(&unit, |purse| purse.posted = amount.micros());
        }
        for (unit, key, posted) in counts {
            ledger.with(&unit, |purse| purse.course(&key).post(&key, posted));
        }
        ledger
    }

    fn with<R>(&self, unit: &Id, act: impl FnOnce(&mut Purse) -> R) -> R {
        self.purses.with(unit, |shard| {
            if !shard.contains_key(unit) {
                shard.insert(unit.clone(), Purse::default());
            }
            act(shard.get_mut(unit).expect("it was just put there"))
        })
    }

    /// Holds the most that a call may cost of the unit's `limit`. Where that depends on the calls before, it is what they grow
    /// by with it, after all that were charged or are held; the place itself is taken when the call is settled, so that the
    /// sums charged are those of the price in the order of settlement, and a call that fails leaves no hole.
    ///
    /// # Errors
    /// C704 when what is owed, held and this together pass the limit; C705 past what can be counted.
    pub(crate) fn hold(&self, unit: &Id, limit: MicroYuan, ordered: Ordered) -> Result<Hold<'_, Self>, Code> {
        let held = self.with(unit, |purse| match ordered.flat {
            Some(each) => {
                let amount = each.checked_mul(ordered.calls.into()).ok_or(Code::C705)?.micros();
                purse.check(limit, amount)?;
                purse.flat += amount;
                Ok(amount)
            }
            None => purse.hold_next(limit, &ordered),
        })?;
        let (unit, held, posted) = (unit.clone(), MicroYuan::from_micros(held), MicroYuan::ZERO);
        Ok(Hold::new(self, Sum { unit, ordered, held, posted, taken: None }))
    }

    /// Whether [`PurseLedger::hold`] would hold it now. Nothing is held.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn would(&self, unit: &Id, limit: MicroYuan, ordered: &Ordered) -> Result<(), Code> {
        self.with(unit, |purse| match ordered.flat {
            Some(each) => {
                let amount = each.checked_mul(ordered.calls.into()).ok_or(Code::C705)?;
                purse.check(limit, amount.micros())
            }
            None => purse.next(limit, ordered).map(drop),
        })
    }

    /// What the unit has been charged.
    pub(crate) fn posted(&self, unit: &Id) -> MicroYuan {
        let micros = self.purses.with(unit, |shard| shard.get(unit).map_or(0, |purse| purse.posted));
        MicroYuan::from_micros(micros)
    }

    /// What the unit owes: charged, and neither paid nor given back.
    pub(crate) fn owed(&self, unit: &Id) -> MicroYuan {
        let owed = |purse: &Purse| purse.posted.saturating_sub(purse.freed);
        let micros = self.purses.with(unit, |shard| shard.get(unit).map_or(0, owed));
        MicroYuan::from_micros(micros)
    }

    /// What calls of the unit under way may still cost it.
    pub(crate) fn held(&self, unit: &Id) -> MicroYuan {
        let micros = self.purses.with(unit, |shard| shard.get(unit).map_or(0, Purse::held));
        MicroYuan::from_micros(micros)
    }

    /// Takes over from the books how much of what the unit was charged is not owed any more.
    pub(crate) fn free(&self, unit: &Id, freed: MicroYuan) {
        self.with(unit, |purse| purse.freed = freed.micros());
    }

    /// Takes the place of a call; answers what it comes to.
    fn take_place(&self, sum: &Sum) -> MicroYuan {
        let Ordered { key, calls, flat, .. } = &sum.ordered;
        if flat.is_some() {
            return sum.held;
        }
        let amount = self.with(&sum.unit, |purse| {
            let amount = purse.course(key).take(key, (*calls).into(), sum.ordered.priced());
            purse.posted = purse.posted.saturating_add(amount);
            amount
        });
        MicroYuan::from_micros(amount)
    }

    /// Gives back what was held, taken or not.
    fn give_back(&self, sum: &Sum) {
        let Ordered { key, calls, flat, .. } = &sum.ordered;
        self.with(&sum.unit, |purse| match (flat, sum.taken) {
            (Some(_), _) => purse.flat -= sum.held.micros(),
            (None, None) => purse.course(key).give_back(key, (*calls).into(), sum.ordered.priced()),
            (None, Some(taken)) => {
                purse.course(key).untake(key, (*calls).into(), sum.ordered.priced());
                purse.posted -= taken.micros();
            }
        });
    }
}

impl Purse {
    /// The course of a key. It comes to be with the first call.
    fn course(&mut self, key: &CountKey) -> &mut Course {
        self.courses.entry(key.course()).or_default()
    }

    fn held(&self) -> i64 {
        self.courses.values().fold(self.flat, |sum, course| sum.saturating_add(course.held()))
    }

    fn check(&self, limit: MicroYuan, amount: i64) -> Result<(), Code> {
        // A call that costs nothing more, as within a block that is paid, needs nothing left.
        if amount <= 0 {
            return Ok(());
        }
        let owed = self.posted.checked_sub(self.freed).and_then(|sum| sum.checked_add(self.held()));
        let total = owed.and_then(|sum| sum.checked_add(amount)).ok_or(Code::C705)?;
        if total > limit.micros() { Err(Code::C704) } else { Ok(()) }
    }

    /// What the next calls come to, where the limit lets them.
    fn next(&mut self, limit: MicroYuan, ordered: &Ordered) -> Result<i64, Code> {
        let (key, calls, priced) = (&ordered.key, ordered.calls.into(), ordered.priced());
        let amount = self.course(key).next(key, calls, priced).ok_or(Code::C705)?;
        self.check(limit, amount)?;
        Ok(amount)
    }

    fn hold_next(&mut self, limit: MicroYuan, ordered: &Ordered) -> Result<i64, Code> {
        let amount = self.next(limit, ordered)?;
        self.course(&ordered.key).hold(&ordered.key, ordered.calls.into(), ordered.priced());
        Ok(amount.max(0))
    }
}

impl<'e> Hold<'e, PurseLedger> {
    /// What the call costs where its price charges for it. Takes its place among the calls of its price.
    pub(crate) fn charge(&mut self) -> MicroYuan {
        let authority = self.authority;
        let amount = self.token.taken.unwrap_or_else(|| authority.take_place(&self.token));
        self.token.taken = Some(amount);
        amount
    }

    /// Dropping posts `amount`, which is at most what is held, and gives the rest back.
    pub(crate) fn spend_amount_on_drop(&mut self, amount: MicroYuan) {
        debug_assert!(
            self.token.ordered.flat.is_none() || amount <= self.token.held,
            "an outcome never costs more than was held"
        );
        self.token.posted = amount.min(self.token.held);
        self.spend_on_drop();
    }
}

impl Authority for PurseLedger {
    type Token = Sum;

    fn post(&self, sum: &Sum) {
        let Ordered { key, calls, flat, .. } = &sum.ordered;
        match (flat, sum.taken) {
            (None, Some(_)) => {}
            (None, None) => self.give_back(sum),
            (Some(_), taken) => self.with(&sum.unit, |purse| {
                purse.flat -= sum.held.micros();
                purse.posted = purse.posted.saturating_add(sum.posted.micros());
                // A version that goes on from here may ask how many there were.
                if taken.is_some() {
                    purse.course(key).post(key, (*calls).into());
                }
            }),
        }
    }

    fn void(&self, sum: &Sum) {
        self.give_back(sum);
    }
}

impl Sum {
    /// The most the call may cost.
    pub(crate) fn held(&self) -> MicroYuan {
        self.held
    }
}

#[cfg(test)]
mod tests;
