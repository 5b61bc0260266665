//! The authority over what a unit may spend: prepaid balance or credit, held at the highest price of the call and
//! posted at the price of its outcome.

use shuzha_core::{Code, Id, MicroYuan};

use super::{Authority, Hold, Shards};

#[derive(Clone, Copy, Debug, Default)]
struct Purse {
    posted: i64,
    held: i64,
}

/// Money taken: who pays, how much is held, and how much of it is posted.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    unit: Id,
    held: MicroYuan,
    posted: MicroYuan,
}

/// Amounts posted and held per unit.
pub(crate) struct PurseLedger {
    purses: Shards<Id, Purse>,
}

impl PurseLedger {
    /// The ledger as the journal left it.
    pub(crate) fn new(posted: impl IntoIterator<Item = (Id, MicroYuan)>) -> Self {
        let purses = Shards::new();
        for (unit, amount) in posted {
            purses.with(&unit, |shard| {
                shard.insert(unit.clone(), Purse { posted: amount.micros(), held: 0 });
            });
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
        self.purses.with(unit, |shard| {
            let purse = shard.entry(unit.clone()).or_default();
            let total = purse.posted.checked_add(purse.held).and_then(|sum| sum.checked_add(amount.micros()));
            let total = total.ok_or(Code::C705)?;
            if total > limit.micros() {
                return Err(Code::C704);
            }
            purse.held += amount.micros();
            Ok(())
        })?;
        Ok(Hold::new(self, Sum { unit: unit.clone(), held: amount, posted: amount }))
    }

    /// What the unit has been charged.
    pub(crate) fn posted(&self, unit: &Id) -> MicroYuan {
        let micros = self.purses.with(unit, |shard| shard.get(unit).map_or(0, |purse| purse.posted));
        MicroYuan::from_micros(micros)
    }
}

impl<'e> Hold<'e, PurseLedger> {
    /// Dropping posts `amount`, which is at most what is held, and gives the rest back.
    pub(crate) fn spend_amount_on_drop(&mut self, amount: MicroYuan) {
        debug_assert!(amount <= self.token.held, "an outcome never costs more than was held");
        self.token.posted = amount.min(self.token.held);
        self.spend_on_drop();
    }
}

impl Authority for PurseLedger {
    type Token = Sum;

    fn post(&self, sum: &Sum) {
        self.purses.with(&sum.unit, |shard| {
            let purse = shard.entry(sum.unit.clone()).or_default();
            purse.held -= sum.held.micros();
            purse.posted = purse.posted.saturating_add(sum.posted.micros());
        });
    }

    fn void(&self, sum: &Sum) {
        self.purses.with(&sum.unit, |shard| {
            shard.entry(sum.unit.clone()).or_default().held -= sum.held.micros();
        });
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
        let ledger = PurseLedger::new([(unit.clone(), MicroYuan::from_micros(5))]);
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
}
