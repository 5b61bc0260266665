//! Metering (计量): answered calls gathered by hour and by everything that decides what they cost.
//!
//! A roll-up is a sum: the order of calls, and how they are spread over shards, do not matter.

use std::collections::HashMap;

use shuzha_core::{Id, MicroYuan, PurposeClass, Timestamp};

use crate::{Basis, Hour, Overflow};

/// One answered call, as its record says.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// When it was received, at the first try.
    pub at: Timestamp,
    /// Application unit.
    pub unit: &'a str,
    /// Agreement.
    pub agreement: &'a str,
    /// Scenario.
    pub scenario: &'a str,
    /// Product.
    pub product: &'a str,
    /// Operation.
    pub operation: &'a str,
    /// Price in force.
    pub price: &'a str,
    /// Class of purpose.
    pub purpose: PurposeClass,
    /// Charged or free, and why.
    pub basis: Basis,
    /// Quantity.
    pub quantity: u64,
    /// Amount posted when it was answered.
    pub amount: MicroYuan,
    /// Sequence of its record.
    pub seq: u64,
}

/// What calls are gathered by, but for the hour: what a curve of prices runs along.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    /// Application unit.
    pub unit: Id,
    /// Agreement.
    pub agreement: Id,
    /// Scenario.
    pub scenario: Id,
    /// Product.
    pub product: Id,
    /// Price.
    pub price: Id,
    /// Class of purpose.
    pub purpose: PurposeClass,
    /// Charged or free, and why.
    pub basis: Basis,
}

/// What calls are gathered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dimensions {
    /// The line.
    pub line: Line,
    /// The hour they were received in.
    pub hour: Hour,
    /// Operation.
    pub operation: Id,
}

/// What calls add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Calls.
    pub calls: u64,
    /// Quantity.
    pub quantity: u64,
    /// Amounts posted when they were answered.
    pub amount: MicroYuan,
    /// Sequence of the first record.
    pub first_seq: u64,
    /// Sequence of the last record.
    pub last_seq: u64,
}

impl Sums {
    /// The sums of one call.
    #[must_use]
    pub const fn one(quantity: u64, amount: MicroYuan, seq: u64) -> Self {
        Self { calls: 1, quantity, amount, first_seq: seq, last_seq: seq }
    }

    /// `self` and `other` together.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        Ok(Self {
            calls: self.calls.checked_add(other.calls).ok_or(Overflow)?,
            quantity: self.quantity.checked_add(other.quantity).ok_or(Overflow)?,
            amount: self.amount.checked_add(other.amount).ok_or(Overflow)?,
            first_seq: self.first_seq.min(other.first_seq),
            last_seq: self.last_seq.max(other.last_seq),
        })
    }
}

/// Calls of one hour and one set of dimensions.
pub type Row = (Dimensions, Sums);

/// Why a call cannot be gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeterError {
    /// A name is missing or none.
    #[error("a name of the record is missing")]
    Name,
    /// A negative amount.
    #[error("an amount is negative")]
    Negative,
    /// A sum past what can be counted.
    #[error(transparent)]
    Overflow(#[from] Overflow),
}

/// Roll-ups being gathered. Names are looked up in bytes as they come, so a call of a known line copies nothing.
#[derive(Clone, Debug, Default)]
pub struct Rollup {
    rows: HashMap<Box<[u8]>, Sums>,
    /// The key being looked up; kept for its memory.
    key: Vec<u8>,
}

/// Parts of a key: every name with its length before it.
const NAMES: usize = 6;

impl Rollup {
    /// Adds a call.
    ///
    /// # Errors
    /// [`MeterError`]; nothing is added then.
    pub fn add(&mut self, one: &Use<'_>) -> Result<(), MeterError> {
        if one.amount < MicroYuan::ZERO {
            return Err(MeterError::Negative);
        }
        self.key.clear();
        self.key.extend_from_slice(&Hour::of(one.at).number().to_be_bytes());
        self.key.push(one.purpose as u8);
        self.key.push(one.basis.number());
        let names: [&str; NAMES] =
            [one.unit, one.agreement, one.scenario, one.product, one.price, one.operation];
        for name in names {
            let length = u8::try_from(name.len()).map_err(|_| MeterError::Name)?;
            self.key.push(length);
            self.key.extend_from_slice(name.as_bytes());
        }
        let sums = Sums::one(one.quantity, one.amount, one.seq);
        match self.rows.get_mut(self.key.as_slice()) {
            Some(before) => *before = before.plus(sums)?,
            None => {
                if names.iter().any(|name| Id::new(name).is_err()) {
                    return Err(MeterError::Name);
                }
                self.rows.insert(self.key.as_slice().into(), sums);
            }
        }
        Ok(())
    }

    /// Adds what another has gathered.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        for (key, sums) in other.rows {
            match self.rows.get_mut(&key) {
                Some(before) => *before = before.plus(sums)?,
                None => {
                    self.rows.insert(key, sums);
                }
            }
        }
        Ok(())
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was gathered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Everything gathered, in one order whatever order it came in.
    #[must_use]
    pub fn into_rows(self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.rows.into_iter().map(|(key, sums)| (dimensions(&key), sums)).collect();
        rows.sort_unstable();
        rows
    }
}

impl PartialOrd for Sums {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sums {
    /// By where they begin; rows differ in their dimensions before that.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.first_seq, self.last_seq, self.calls, self.quantity, self.amount).cmp(&(
            other.first_seq,
            other.last_seq,
            other.calls,
            other.quantity,
            other.amount,
        ))
    }
}

/// Reads a key back.
fn dimensions(key: &[u8]) -> Dimensions {
    let (hour, rest) = key.split_first_chunk::<8>().expect("a key begins with its hour");
    let (&[purpose, basis], mut rest) = rest.split_first_chunk::<2>().expect("two numbers follow");
    let mut name = || {
        let (&length, after) = rest.split_first().expect("a key has all its names");
        let (name, after) = after.split_at(usize::from(length));
        rest = after;
        let text = std::str::from_utf8(name).expect("names come as text");
        Id::new(text).expect("names were checked when the row was made")
    };
    let [unit, agreement, scenario, product, price, operation] = std::array::from_fn(|_| name());
    let purpose = PurposeClass::ALL[usize::from(purpose)];
    let basis = Basis::from_number(basis).expect("a basis was written");
    let line = Line { unit, agreement, scenario, product, price, purpose, basis };
    Dimensions { line, hour: Hour::new(i64::from_be_bytes(*hour)), operation }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 3] = ["a", "ab", "b"];

    fn call(seed: (usize, usize, i64, u64, i64), seq: u64) -> Use<'static> {
        let (unit, operation, minute, quantity, amount) = seed;
        Use {
            at: Timestamp::from_seconds(minute * 60),
            unit: NAMES[unit],
            agreement: "b-1",
            scenario: "credit",
            product: "score",
            operation: NAMES[operation],
            price: "p",
            purpose: PurposeClass::Industry,
            basis: if amount == 0 { Basis::FreeOutcome } else { Basis::Price },
            quantity,
            amount: MicroYuan::from_micros(amount),
            seq,
        }
    }

    #[test]
    fn g1_what_cannot_be_gathered_is_refused_by_name() {
        let good = call((0, 0, 0, 1, 5), 1);
        let mut rollup = Rollup::default();
        let long = "x".repeat(300);
        for (bad, error) in [
            (Use { unit: "", ..good }, MeterError::Name),
            (Use { price: "P!", ..good }, MeterError::Name),
            (Use { scenario: &long, ..good }, MeterError::Name),
            (Use { amount: MicroYuan::from_micros(-1), ..good }, MeterError::Negative),
        ] {
            assert_eq!(rollup.add(&bad), Err(error));
        }
        assert!(rollup.is_empty());
        rollup.add(&Use { quantity: u64::MAX, ..good }).unwrap();
        assert_eq!(rollup.add(&good), Err(MeterError::Overflow(Overflow)));
        assert_eq!(rollup.into_rows()[0].1.quantity, u64::MAX, "nothing was added");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Any number of shards, any order: the same rows, and every call in exactly one of them.
        #[test]
        fn g1_shards_and_order_do_not_matter(
            calls in prop::collection::vec((0_usize..3, 0_usize..3, 0_i64..200, 0_u64..5, 0_i64..9), 0..300),
            shards in 1_usize..9,
            turn in any::<usize>(),
        ) {
            let mut whole = Rollup::default();
            let mut parts = vec![Rollup::default(); shards];
            for (at, seed) in calls.iter().enumerate() {
                whole.add(&call(*seed, at as u64)).unwrap();
            }
            for (at, seed) in calls.iter().enumerate().rev() {
                parts[at.wrapping_mul(turn) % shards].add(&call(*seed, at as u64)).unwrap();
            }
            let mut merged = Rollup::default();
            for part in parts {
                merged.merge(part).unwrap();
            }
            let rows = whole.into_rows();
            prop_assert_eq!(&rows, &merged.into_rows());
            prop_assert_eq!(rows.iter().map(|(_, sums)| sums.calls).sum::<u64>(), calls.len() as u64);
            prop_assert_eq!(
                rows.iter().map(|(_, sums)| sums.amount.micros()).sum::<i64>(),
                calls.iter().map(|call| call.4).sum::<i64>()
            );
            for (dimensions, sums) in &rows {
                let hour = dimensions.hour;
                let of = calls.iter().filter(|call| {
                    NAMES[call.0] == dimensions.line.unit.as_str()
                        && NAMES[call.1] == dimensions.operation.as_str()
                        && call.2.div_euclid(60) == hour.number()
                        && (call.4 == 0) != dimensions.line.basis.is_charged()
                });
                prop_assert_eq!(of.map(|call| call.3).sum::<u64>(), sums.quantity);
            }
        }
    }
}
