//! The authority over how many answers of an operation may be had at all ([`AnswersMax`]): of a model by one unit in a
//! quarter, of a blinded list by all units together in an epoch. It counts over scenarios and grants: a new grant begins
//! nothing anew.

use std::collections::HashMap;
use std::time::Duration;

use jiff::civil::Date;
use shuzha_core::{Code, Id, Refusal, Timestamp};
use shuzha_products::kinds::AnswersMax;
use shuzha_store::quarter_of;

use super::{Authority, Hold};
use crate::shards::Shards;

/// A unit is told of when it has taken one part in so many of what all units together may have.
const SHARE: u64 = 4;

/// Answers that were drawn before this gate started.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) operation: (Id, Id),
    pub(crate) unit: Id,
    pub(crate) version: u32,
    /// The local quarter; of those before in one sum, with a number below zero.
    pub(crate) quarter: i64,
    pub(crate) answers: u64,
}

/// What is counted of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Of {
    /// One unit's answers in a quarter.
    Quarter(Id, i64),
    /// All units' answers under one version of the product; a new epoch is a new version.
    Version(u32),
    /// One unit's part of those.
    Part(Id, u32),
}

/// Answers of one count, spent and held apart.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    spent: u64,
    held: u64,
}

/// Product and operation.
type Counts = HashMap<Of, Count>;

/// What one call takes of the counts of its operation.
pub(crate) struct Taken {
    operation: (Id, Id),
    counts: Vec<Of>,
    answers: u64,
}

/// Who draws what.
pub(crate) struct Draw<'d> {
    pub(crate) operation: (&'d Id, &'d Id),
    pub(crate) unit: &'d Id,
    pub(crate) version: u32,
    pub(crate) answers: u64,
    pub(crate) at: Timestamp,
}

/// All counts. They grow with units and versions of products, and quarters that are over are forgotten.
pub(crate) struct DrawnLedger(Shards<(Id, Id), Counts>);

impl DrawnLedger {
    /// The ledger as the journal left it.
    pub(crate) fn new(before: impl IntoIterator<Item = Drawn>) -> Self {
        let ledger = Self(Shards::new());
        for Drawn { operation, unit, version, quarter, answers } in before {
            let counts = [Of::Quarter(unit.clone(), quarter), Of::Version(version), Of::Part(unit, version)];
            ledger.change(&Taken { operation, counts: counts.into(), answers }, |count, answers| {
                count.spent = count.spent.saturating_add(answers);
            });
        }
        ledger
    }

    /// Takes the answers of one call, and tells whether the unit has reached its share of what all may have.
    ///
    /// # Errors
    /// C505, with the time to the next quarter where waiting helps.
    pub(crate) fn take(&self, draw: &Draw<'_>, most: AnswersMax) -> Result<(Hold<'_, Self>, bool), Refusal> {
        let Draw { unit, version, answers, at, .. } = *draw;
        let operation = (draw.operation.0.clone(), draw.operation.1.clone());
        let quarter = quarter_of(at);
        let (bounded, shown) = match most {
            AnswersMax::OfUnit(_) => (Of::Quarter(unit.clone(), quarter), None),
            AnswersMax::OfAll(_) => (Of::Version(version), Some(Of::Part(unit.clone(), version))),
        };
        let taken = self.0.with(&operation, |shard| {
            let counts = shard.entry(operation.clone()).or_default();
            let used = |counts: &Counts, of: &Of| {
                counts.get(of).map_or(0, |count| count.spent.saturating_add(count.held))
            };
            if used(counts, &bounded).saturating_add(answers) > most.most() {
                return None;
            }
            counts.retain(|of, count| match of {
                Of::Quarter(_, past) => *past + 1 >= quarter || count.held > 0,
                _ => true,
            });
            let share = (most.most() / SHARE).max(1);
            let part = shown.as_ref().map_or(0, |of| used(counts, of));
            let reached = shown.is_some() && part < share && part.saturating_add(answers) >= share;
            let taken: Vec<Of> = std::iter::once(bounded).chain(shown).collect();
            for of in &taken {
                counts.entry(of.clone()).or_default().held += answers;
            }
            Some((taken, reached))
        });
        match taken {
            Some((counts, reached)) => Ok((Hold::new(self, Taken { operation, counts, answers }), reached)),
            None => Err(match most {
                AnswersMax::OfUnit(limit) if answers <= limit => {
                    Refusal::retry(Code::C505, until_next(quarter, at))
                }
                _ => Code::C505.into(),
            }),
        }
    }

    fn change(&self, taken: &Taken, change: impl Fn(&mut Count, u64)) {
        self.0.with(&taken.operation, |shard| {
            let counts = shard.entry(taken.operation.clone()).or_default();
            for of in &taken.counts {
                change(counts.entry(of.clone()).or_default(), taken.answers);
            }
        });
    }
}

/// How long it is until the quarter after `quarter` begins.
fn until_next(quarter: i64, at: Timestamp) -> Duration {
    let (year, month) = ((quarter + 1).div_euclid(4), (quarter + 1).rem_euclid(4) * 3 + 1);
    let first = i16::try_from(year).ok().zip(i8::try_from(month).ok());
    let begins = first.and_then(|(year, month)| Date::new(year, month, 1).ok());
    let days = begins.map(|date| i64::from((date - Date::constant(1970, 1, 1)).get_days()));
    let micros = days.map_or(0, |day| shuzha_store::local_midnight(day).micros_since(at));
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

impl Authority for DrawnLedger {
    type Token = Taken;

    fn post(&self, taken: &Taken) {
        self.change(taken, |count, answers| {
            count.held = count.held.saturating_sub(answers);
            count.spent = count.spent.saturating_add(answers);
        });
    }

    fn void(&self, taken: &Taken) {
        self.change(taken, |count, answers| count.held = count.held.saturating_sub(answers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: AnswersMax = AnswersMax::OfUnit(10);
    const LIST: AnswersMax = AnswersMax::OfAll(100);

    fn id(name: &str) -> Id {
        Id::new(name).expect("a name")
    }

    fn ask(
        ledger: &DrawnLedger,
        unit: &str,
        answers: u64,
        at: i64,
        most: AnswersMax,
    ) -> Result<bool, Refusal> {
        let (product, operation, unit) = (id("product"), id("operation"), id(unit));
        let at = Timestamp::from_seconds(at);
        let draw = Draw { operation: (&product, &operation), unit: &unit, version: 1, answers, at };
        ledger.take(&draw, most).map(|(hold, reached)| {
            hold.post();
            reached
        })
    }

    /// 2026-02-14T00:00:00+08:00.
    const FEBRUARY: i64 = 1_770_998_400;
    const DAY: i64 = 86_400;

    #[test]
    fn e7_a_units_budget_of_queries_is_of_a_quarter() {
        let ledger = DrawnLedger::new([]);
        for _ in 0..10 {
            assert_eq!(ask(&ledger, "bank", 1, FEBRUARY, MODEL), Ok(false));
        }
        let refusal = ask(&ledger, "bank", 1, FEBRUARY, MODEL).expect_err("used up");
        assert_eq!(refusal.code, Code::C505);
        // 14 February to 1 April.
        assert_eq!(refusal.retry_after, Some(Duration::from_hours(24) * 46));
        assert_eq!(ask(&ledger, "insurer", 10, FEBRUARY, MODEL), Ok(false), "each unit has its own");
        assert!(ask(&ledger, "bank", 1, FEBRUARY + 45 * DAY, MODEL).is_err());
        assert_eq!(ask(&ledger, "bank", 10, FEBRUARY + 46 * DAY, MODEL), Ok(false), "the next quarter");
    }

    #[test]
    fn e7_a_restart_gives_nothing_back() {
        let drawn = |quarter, answers| Drawn {
            operation: (id("product"), id("operation")),
            unit: id("bank"),
            version: 1,
            quarter,
            answers,
        };
        let now = quarter_of(Timestamp::from_seconds(FEBRUARY));
        let ledger = DrawnLedger::new([drawn(now, 9), drawn(-1, 5)]);
        assert!(ask(&ledger, "bank", 2, FEBRUARY, MODEL).is_err());
        assert_eq!(ask(&ledger, "bank", 1, FEBRUARY, MODEL), Ok(false), "earlier quarters are over");
        let ledger = DrawnLedger::new([drawn(now, 90), drawn(-1, 5)]);
        assert!(
            ask(&ledger, "other", 6, FEBRUARY, LIST).is_err(),
            "a list counts all quarters of its version"
        );
    }

    /// Issue 14, section 4: quotas of several units added up.
    #[test]
    fn e8_a_list_has_one_bound_for_all_units_and_tells_who_takes_much_of_it() {
        let ledger = DrawnLedger::new([]);
        assert_eq!(ask(&ledger, "bank", 24, FEBRUARY, LIST), Ok(false));
        assert_eq!(ask(&ledger, "bank", 1, FEBRUARY, LIST), Ok(true), "a quarter of all");
        assert_eq!(ask(&ledger, "bank", 1, FEBRUARY, LIST), Ok(false), "once");
        assert_eq!(ask(&ledger, "insurer", 64, FEBRUARY, LIST), Ok(true));
        let refusal = ask(&ledger, "lender", 11, FEBRUARY + 400 * DAY, LIST).expect_err("used up");
        assert_eq!((refusal.code, refusal.retry_after), (Code::C505, None));
        assert_eq!(ask(&ledger, "lender", 10, FEBRUARY, LIST), Ok(false));
    }

    #[test]
    fn what_is_given_back_was_not_drawn() {
        let ledger = DrawnLedger::new([]);
        let (product, operation, unit) = (id("product"), id("operation"), id("bank"));
        let at = Timestamp::from_seconds(FEBRUARY);
        let draw = Draw { operation: (&product, &operation), unit: &unit, version: 1, answers: 10, at };
        let held = ledger.take(&draw, MODEL).expect("within");
        assert!(ask(&ledger, "bank", 1, FEBRUARY, MODEL).is_err(), "held");
        drop(held);
        assert_eq!(ask(&ledger, "bank", 10, FEBRUARY, MODEL), Ok(false));
    }
}
