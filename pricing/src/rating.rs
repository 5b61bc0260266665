//! Rating (计费): what a call costs, from its price, purpose, quantity and outcome.

use shuzha_core::{Code, MicroYuan};

use crate::{Outcome, Price, PurposeClass};

/// Why a call under a price costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeReason {
    /// The scenario's purpose is free of charge.
    Purpose(PurposeClass),
    /// The price does not charge for this outcome.
    Outcome(Outcome),
}

/// What a call costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rated {
    /// The amount.
    pub amount: MicroYuan,
    /// Why it is nothing, where that is not simply the price.
    pub free: Option<FreeReason>,
}

/// What a call costs, once its outcome is known.
///
/// `quantity` is the number of charged units: 1 for a call, the number of items for a batch.
///
/// # Errors
/// [`Code::C705`] where the amount is past what can be counted.
pub fn rate(price: &Price, purpose: PurposeClass, quantity: u64, outcome: Outcome) -> Result<Rated, Code> {
    let reason = if purpose.is_free() {
        Some(FreeReason::Purpose(purpose))
    } else if !price.billable.charges(outcome) {
        Some(FreeReason::Outcome(outcome))
    } else {
        None
    };
    // The full amount is worked out for a free call too, so that an absurd quantity is refused for everybody alike.
    let full = price.per_call.checked_mul(quantity).ok_or(Code::C705)?;
    Ok(Rated { amount: if reason.is_some() { MicroYuan::ZERO } else { full }, free: reason })
}

/// The most a call can cost, before its outcome is known: what is held at admission.
///
/// # Errors
/// [`Code::C705`] where the amount is past what can be counted.
pub fn quote(price: &Price, purpose: PurposeClass, quantity: u64) -> Result<Rated, Code> {
    let dearest = Outcome::ALL.into_iter().find(|&outcome| price.billable.charges(outcome));
    rate(price, purpose, quantity, dearest.unwrap_or(Outcome::Answer))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shuzha_core::Id;

    use super::*;
    use crate::{Billable, Effective};

    fn price(micros: i64, billable: &[Outcome]) -> Price {
        Price {
            id: Id::new("p").unwrap(),
            act: "1号".to_owned(),
            product: Id::new("score").unwrap(),
            operation: None,
            per_call: MicroYuan::from_micros(micros),
            effective: Effective::of_dates("2026-01-01", None).unwrap(),
            billable: Billable::of(billable),
        }
    }

    #[test]
    fn purposes_decide_before_outcomes() {
        let price = price(500_000, &[Outcome::Consistent, Outcome::NoRecord]);
        for (purpose, outcome, micros, free) in [
            (PurposeClass::Industry, Outcome::Consistent, 1_000_000, None),
            (PurposeClass::Sector, Outcome::NoRecord, 1_000_000, None),
            (
                PurposeClass::Sector,
                Outcome::Inconsistent,
                0,
                Some(FreeReason::Outcome(Outcome::Inconsistent)),
            ),
            (
                PurposeClass::PublicWelfare,
                Outcome::Inconsistent,
                0,
                Some(FreeReason::Purpose(PurposeClass::PublicWelfare)),
            ),
            (
                PurposeClass::PublicGovernance,
                Outcome::Consistent,
                0,
                Some(FreeReason::Purpose(PurposeClass::PublicGovernance)),
            ),
        ] {
            let rated = Rated { amount: MicroYuan::from_micros(micros), free };
            assert_eq!(rate(&price, purpose, 2, outcome), Ok(rated), "{purpose:?} {outcome:?}");
        }
    }

    #[test]
    fn amounts_past_the_range_are_refused_for_everybody() {
        let price = price(2, &Outcome::ALL);
        for purpose in PurposeClass::ALL {
            assert_eq!(rate(&price, purpose, u64::MAX, Outcome::Answer), Err(Code::C705));
            assert_eq!(rate(&price, purpose, i64::MAX.unsigned_abs(), Outcome::Answer), Err(Code::C705));
            assert!(rate(&price, purpose, i64::MAX.unsigned_abs() / 2, Outcome::Answer).is_ok());
        }
    }

    #[test]
    fn outcomes_read_back() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_name(outcome.as_str()), Some(outcome));
        }
        assert!(Billable::of(&[]).is_empty());
    }

    proptest! {
        /// What was held at admission is always enough, and rating is exact.
        #[test]
        fn the_quote_covers_the_rating(
            micros in 0_i64..1_000_000_000, quantity in 0_u64..1_000_000, set in 0_u8..32, which in 0_usize..5,
            class in 0_usize..4,
        ) {
            let billable: Vec<Outcome> =
                Outcome::ALL.into_iter().filter(|&outcome| set >> outcome as u8 & 1 == 1).collect();
            let (price, purpose, outcome) = (price(micros, &billable), PurposeClass::ALL[class], Outcome::ALL[which]);
            let rated = rate(&price, purpose, quantity, outcome).unwrap();
            prop_assert!(rated.amount <= quote(&price, purpose, quantity).unwrap().amount);
            let charged = !purpose.is_free() && billable.contains(&outcome);
            let expected = if charged { i128::from(micros) * i128::from(quantity) } else { 0 };
            prop_assert_eq!(i128::from(rated.amount.micros()), expected);
            prop_assert_eq!(rated.free.is_none(), charged);
        }
    }
}
