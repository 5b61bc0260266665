//! The authority over what a unit may spend: prepaid balance or credit, held at the highest price of the call and
//! posted at the price of its outcome.

use std::collections::HashMap;

use shuzha_core::{Code, Id, MicroYuan, PurposeClass};
use shuzha_pricing::{Basis, Month, Price};

use super::{Authority, Hold, Shards};

/// What one unit has been charged, and what calls under way may still cost it.
#[derive(Debug, Default)]
struct Purse {
    posted: i64,
    held: i64,
    /// Charged calls along prices whose next call depends on those before.
    counts: HashMap<CountKey, Count>,
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

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    posted: u64,
    held: u64,
}

/// A call of a price that is not the same for all calls: it holds the next step on the price's running sum.
#[derive(Clone, Debug)]
struct Step {
    key: CountKey,
    price: Price,
    year_begins: bool,
    /// How many charged calls it counts for: the answers of a batch.
    calls: u64,
    /// What its place on the sum came to, once it is taken.
    taken: Option<MicroYuan>,
}

impl Step {
    /// What the running sum grows by from one number of calls to another.
    fn between(&self, from: u64, to: u64) -> Result<i64, Code> {
        let preferred = self.key.basis == Basis::Preferred;
        let sum = |calls| self.price.running(calls, self.year_begins, preferred).map_err(|_| Code::C705);
        Ok(sum(to)?.micros() - sum(from)?.micros())
    }
}

/// Money taken: who pays, how much is held, and how much of it is posted.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    unit: Id,
    held: MicroYuan,
    posted: MicroYuan,
    step: Option<Box<Step>>,
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
        let purses: Shards<Id, Purse> = Shards::new();
        for (unit, amount) in posted {
            purses.with(&unit, |shard| shard.entry(unit.clone()).or_default().posted = amount.micros());
        }
        for (unit, key, posted) in counts {
            let count = Count { posted, held: 0 };
            purses.with(&unit, |shard| shard.entry(unit.clone()).or_default().counts.insert(key, count));
        }
        Self { purses }
    }

    /// Holds `amount` of the unit's `limit`.
    ///
    /// # Errors
    /// C704 when posted, held and `amount` together pass the limit; C705 past what can be counted.
    pub(crate) fn hold(
        &self,
        unit: &Id,
        limit: MicroYuan,
        amount: MicroYuan,
    ) -> Result<Hold<'_, Self>, Code> {
        self.purses
            .with(unit, |shard| shard.entry(unit.clone()).or_default().take(limit, amount.micros()))?;
        Ok(Hold::new(self, Sum { unit: unit.clone(), held: amount, posted: amount, step: None }))
    }

    /// Holds what the running sum of `price` grows by with `calls` more calls, after all calls that were charged or are held.
    /// The place itself is taken when the call is settled, so that the sums charged are those of the price in the order
    /// of settlement, and a call that fails leaves no hole.
    ///
    /// # Errors
    /// As [`Self::hold`].
    pub(crate) fn hold_next(
        &self,
        unit: &Id,
        limit: MicroYuan,
        price: &Price,
        (key, calls): (CountKey, u64),
    ) -> Result<Hold<'_, Self>, Code> {
        let (step, held) = self.purses.with(unit, |shard| {
            let purse = shard.entry(unit.clone()).or_default();
            let year_begins = price.tariff.annual.is_some() && purse.year_begins(&key);
            let count = purse.counts.get(&key).copied().unwrap_or_default();
            let step = Step { key, price: price.clone(), year_begins, calls, taken: None };
            let before = count.posted.checked_add(count.held).ok_or(Code::C705)?;
            let amount = step.between(before, before.checked_add(calls).ok_or(Code::C705)?)?;
            purse.take(limit, amount)?;
            purse.counts.entry(step.key.clone()).or_default().held += calls;
            Ok::<_, Code>((step, MicroYuan::from_micros(amount)))
        })?;
        let (unit, step) = (unit.clone(), Some(Box::new(step)));
        Ok(Hold::new(self, Sum { unit, held, posted: MicroYuan::ZERO, step }))
    }

    /// What the unit has been charged.
    pub(crate) fn posted(&self, unit: &Id) -> MicroYuan {
        let micros = self.purses.with(unit, |shard| shard.get(unit).map_or(0, |purse| purse.posted));
        MicroYuan::from_micros(micros)
    }

    /// Takes the step's place; answers what it comes to.
    fn take_place(&self, unit: &Id, step: &Step) -> MicroYuan {
        let amount = self.purses.with(unit, |shard| {
            let purse = shard.entry(unit.clone()).or_default();
            let count = purse.counts.entry(step.key.clone()).or_default();
            // Everything up to `posted + held` calls was worked out when it was held.
            let amount = step.between(count.posted, count.posted + step.calls).unwrap_or(0);
            count.posted += step.calls;
            count.held -= step.calls;
            purse.held -= amount;
            purse.posted = purse.posted.saturating_add(amount);
            amount
        });
        MicroYuan::from_micros(amount)
    }

    /// Gives a step back, taken or not.
    fn give_back(&self, unit: &Id, step: &Step) {
        self.purses.with(unit, |shard| {
            let purse = shard.entry(unit.clone()).or_default();
            let count = purse.counts.entry(step.key.clone()).or_default();
            let Some(taken) = step.taken else {
                let all = count.posted + count.held;
                count.held -= step.calls;
                // The highest of the held places go: the others stand that much lower.
                purse.held -= step.between(all - step.calls, all).unwrap_or(0);
                return;
            };
            let before = step.span(*count);
            count.posted -= step.calls;
            purse.posted -= taken.micros();
            purse.held += step.span(*count) - before;
        });
    }
}

impl Purse {
    /// Whether no call of the year of `key` was charged along it.
    fn year_begins(&self, key: &CountKey) -> bool {
        let same = |other: &CountKey| {
            let month = key.month;
            other.month != month
                && other.month.year() == month.year()
                && CountKey { month, ..other.clone() } == *key
        };
        !self.counts.iter().any(|(other, count)| count.posted > 0 && same(other))
    }

    fn take(&mut self, limit: MicroYuan, amount: i64) -> Result<(), Code> {
        let total = self.posted.checked_add(self.held).and_then(|sum| sum.checked_add(amount));
        if total.ok_or(Code::C705)? > limit.micros() {
            return Err(Code::C704);
        }
        self.held += amount;
        Ok(())
    }
}

impl Step {
    /// What the held calls of a count may cost together.
    fn span(&self, count: Count) -> i64 {
        self.between(count.posted, count.posted + count.held).unwrap_or(0)
    }
}

impl<'e> Hold<'e, PurseLedger> {
    /// What the call costs where its price charges for it. Takes its place among the calls of its price.
    pub(crate) fn charge(&mut self) -> MicroYuan {
        let authority = self.authority;
        let Some(step) = &mut self.token.step else { return self.token.held };
        let amount = step.taken.unwrap_or_else(|| authority.take_place(&self.token.unit, step));
        step.taken = Some(amount);
        amount
    }

    /// Dropping posts `amount`, which is at most what is held, and gives the rest back.
    pub(crate) fn spend_amount_on_drop(&mut self, amount: MicroYuan) {
        debug_assert!(
            self.token.step.is_some() || amount <= self.token.held,
            "an outcome never costs more than was held"
        );
        self.token.posted = amount.min(self.token.held);
        self.spend_on_drop();
    }
}

impl Authority for PurseLedger {
    type Token = Sum;

    fn post(&self, sum: &Sum) {
        match &sum.step {
            Some(step) if step.taken.is_some() => {}
            Some(step) => self.give_back(&sum.unit, step),
            None => self.purses.with(&sum.unit, |shard| {
                let purse = shard.entry(sum.unit.clone()).or_default();
                purse.held -= sum.held.micros();
                purse.posted = purse.posted.saturating_add(sum.posted.micros());
            }),
        }
    }

    fn void(&self, sum: &Sum) {
        match &sum.step {
            Some(step) => self.give_back(&sum.unit, step),
            None => self.purses.with(&sum.unit, |shard| {
                shard.entry(sum.unit.clone()).or_default().held -= sum.held.micros();
            }),
        }
    }
}

impl Sum {
    /// The most the call may cost.
    pub(crate) fn held(&self) -> MicroYuan {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_never_passed_and_the_rest_comes_back() {
        let unit = Id::new("bank-a").expect("a name");
        let ledger = PurseLedger::new([(unit.clone(), MicroYuan::from_micros(5))], []);
        let limit = MicroYuan::from_micros(10);
        let mut first = ledger.hold(&unit, limit, MicroYuan::from_micros(4)).expect("within the limit");
        assert_eq!(ledger.hold(&unit, limit, MicroYuan::from_micros(2)).err(), Some(Code::C704));
        first.spend_amount_on_drop(MicroYuan::from_micros(1));
        drop(first);
        assert_eq!(ledger.posted(&unit), MicroYuan::from_micros(6));
        drop(ledger.hold(&unit, limit, MicroYuan::from_micros(4)).expect("the rest came back"));
        assert_eq!(ledger.posted(&unit), MicroYuan::from_micros(6));
        let huge = ledger.hold(&unit, limit, MicroYuan::from_micros(i64::MAX));
        assert_eq!(huge.err(), Some(Code::C705));
    }

    fn key(month: &str) -> CountKey {
        let id = |text| Id::new(text).expect("a name");
        CountKey {
            price: id("p"),
            scenario: id("s"),
            agreement: id("a"),
            purpose: PurposeClass::Industry,
            basis: Basis::Price,
            month: month.parse().expect("a month"),
        }
    }

    fn package(calls: u64, fee: i64, annual: Option<i64>) -> Price {
        let id = |text| Id::new(text).expect("a name");
        let always = shuzha_pricing::Effective::of_dates("2026-01-01", None).expect("a date");
        let mut price = Price::per_call(id("p"), "1号".to_owned(), id("x"), MicroYuan::ZERO, always);
        let calls = std::num::NonZeroU64::new(calls).expect("a block");
        let fee = MicroYuan::from_micros(fee);
        price.tariff = shuzha_pricing::Form::Package { calls, fee }.into();
        price.tariff.annual = annual.map(MicroYuan::from_micros);
        price
    }

    #[test]
    fn f4_a_block_is_paid_once_and_its_calls_need_no_balance() {
        let unit = Id::new("bank-a").expect("a name");
        let ledger = PurseLedger::new([], []);
        let (limit, price) = (MicroYuan::from_micros(100), package(3, 100, None));
        let next = |month| ledger.hold_next(&unit, limit, &price, (key(month), 1));
        let (mut first, second) =
            (next("2026-01").expect("holds the block"), next("2026-01").expect("within it"));
        assert_eq!((first.token().held().micros(), second.token().held().micros()), (100, 0));
        // The first fails; the block's fee is then the second's.
        drop(first);
        let mut second = second;
        assert_eq!(second.charge().micros(), 100);
        second.spend_amount_on_drop(MicroYuan::from_micros(100));
        drop(second);
        assert_eq!(ledger.posted(&unit).micros(), 100);
        for _ in 0..2 {
            first = next("2026-01").expect("the block is paid");
            assert_eq!(first.charge(), MicroYuan::ZERO);
            first.spend_amount_on_drop(MicroYuan::ZERO);
            drop(first);
        }
        assert_eq!(next("2026-01").err(), Some(Code::C704), "the next block is not");
        assert_eq!(next("2026-02").err(), Some(Code::C704), "and each month has blocks of its own");
    }

    #[test]
    fn f4_a_years_fee_is_taken_once() {
        let unit = Id::new("bank-a").expect("a name");
        let before = [(unit.clone(), key("2026-01"), 1), (unit.clone(), key("2025-12"), 9)];
        let ledger = PurseLedger::new([], before);
        let (limit, price) = (MicroYuan::from_micros(10_000), package(1, 5, Some(1_000)));
        let cost = |month| {
            let mut hold = ledger.hold_next(&unit, limit, &price, (key(month), 1)).expect("within the limit");
            let amount = hold.charge();
            hold.spend_amount_on_drop(amount);
            amount.micros()
        };
        assert_eq!([cost("2026-02"), cost("2027-01"), cost("2027-01"), cost("2027-02")], [5, 1_005, 5, 5]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

        /// Whatever is under way, settled, failed or free, in whatever order: what is charged is what the price's running sum
        /// says of the calls charged, charged and held together never pass the limit, and at rest nothing is held.
        #[test]
        fn f4_charges_add_up_to_the_running_sum(
            block in 1_u64..5, fee in 0_i64..40, limit in 0_i64..400,
            steps in proptest::collection::vec((0_u8..4, proptest::prelude::any::<usize>(), 1_u64..4), 1..120),
        ) {
            let unit = Id::new("bank-a").expect("a name");
            let (ledger, price) = (PurseLedger::new([], []), package(block, fee, None));
            let state = || ledger.purses.with(&unit, |shard| {
                let purse = shard.entry(unit.clone()).or_default();
                let count = purse.counts.values().next().copied().unwrap_or_default();
                (purse.posted, purse.held, count.posted, count.held)
            });
            let (mut open, mut charged, mut calls) = (Vec::new(), 0, 0);
            for (step, pick, batch) in steps {
                if step == 0 || open.is_empty() {
                    match ledger.hold_next(&unit, MicroYuan::from_micros(limit), &price, (key("2026-01"), batch)) {
                        Ok(hold) => open.push((hold, batch)),
                        Err(code) => proptest::prop_assert_eq!(code, Code::C704),
                    }
                } else {
                    let (mut hold, batch) = open.swap_remove(pick % open.len());
                    if step == 1 {
                        let amount = hold.charge();
                        hold.spend_amount_on_drop(amount);
                        charged += amount.micros();
                        calls += batch;
                    } else if step == 2 {
                        hold.spend_amount_on_drop(MicroYuan::ZERO);
                    }
                    drop(hold);
                }
                let (posted, held, count, under_way) = state();
                let running = |calls| price.running(calls, false, false).expect("small").micros();
                proptest::prop_assert_eq!((posted, count, under_way), (charged, calls, open.iter().map(|(_, batch)| batch).sum::<u64>()));
                proptest::prop_assert_eq!(posted, running(calls));
                proptest::prop_assert_eq!(posted + held, running(calls + under_way));
                proptest::prop_assert!(posted + held <= limit);
            }
        }
    }
}
