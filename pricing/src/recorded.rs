//! What a call's record tells of it, where another price is laid over it (preview, re-rating).
//!
//! A record says on what basis its call was answered and never what the answer was, nor who its unit was to the product. So a
//! price that charges other outcomes, is free, or prefers other units has a basis of its own for it, which follows from the
//! recorded one — or from nothing that is on record, and then nobody may make a figure of it.

use shuzha_core::PurposeClass;

use crate::rating::{basis, with_outcome};
use crate::{Basis, Outcome, Price};

/// The price by which calls were recorded, where they are rated by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPrice {
    /// That price.
    pub price: Price,
    /// What could come of a call of its product.
    pub outcomes: Vec<Outcome>,
}

impl RecordedPrice {
    /// The basis that calls of one recorded basis have by the price `by`: the same for every call that could have been
    /// recorded so. None where it is not.
    #[must_use]
    pub fn rebased(&self, by: &Price, purpose: PurposeClass, recorded: Basis) -> Option<Basis> {
        let mut found = None;
        for provider in [false, true] {
            for outcome in &self.outcomes {
                let on = |price: &Price| with_outcome(basis(price, purpose, provider), price, *outcome);
                if on(&self.price) != recorded {
                    continue;
                }
                let one = on(by);
                if found.is_some_and(|found| found != one) {
                    return None;
                }
                found = Some(one);
            }
        }
        // Repeated packages, and what was recorded by other rules, keep their basis.
        Some(found.unwrap_or(recorded))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};
    use shuzha_core::{Id, MicroYuan};

    use super::*;
    use crate::{Billable, Effective, Form};

    const VERDICTS: [Outcome; 3] = [Outcome::Consistent, Outcome::Inconsistent, Outcome::NoRecord];

    fn price(charged: &[Outcome], provider_parts: Option<u32>, free: bool) -> Price {
        let id = |text| Id::new(text).unwrap();
        let effective = Effective::of_dates("2026-01-01", None).unwrap();
        let each = Price::per_call(id("p"), "1号".to_owned(), id("check"), MicroYuan::YUAN, effective);
        let tariff = if free {
            Form::Free { reason: "试点".to_owned(), notional: MicroYuan::YUAN }.into()
        } else {
            each.tariff.clone()
        };
        Price { billable: Billable::of(charged), provider_parts, tariff, ..each }
    }

    fn rebased(was: &[Outcome], by: &[Outcome], recorded: Basis) -> Option<Basis> {
        let was = RecordedPrice { price: price(was, None, false), outcomes: VERDICTS.to_vec() };
        was.rebased(&price(by, None, false), PurposeClass::Industry, recorded)
    }

    #[test]
    fn g2_a_changed_list_of_charged_outcomes_is_followed_as_far_as_records_tell() {
        use Basis::{FreeOutcome, Price};
        use Outcome::{Consistent, Inconsistent, NoRecord};
        let known = [Consistent, Inconsistent];
        // 查无 is charged too: the free calls were all 查无.
        assert_eq!(rebased(&known, &VERDICTS, Price), Some(Price));
        assert_eq!(rebased(&known, &VERDICTS, FreeOutcome), Some(Price));
        // Only 一致 is charged: no record says which of the charged calls were.
        assert_eq!(rebased(&known, &[Consistent], Price), None);
        assert_eq!(rebased(&known, &[Consistent], FreeOutcome), Some(FreeOutcome));
        assert_eq!(rebased(&known, &[NoRecord], Price), Some(FreeOutcome));
        assert_eq!(rebased(&[Consistent], &known, FreeOutcome), None);
        assert_eq!(rebased(&known, &known, Price), Some(Price));
    }

    proptest! {
        /// For every call that could have been: what is answered is what the call would have been by the other price.
        #[test]
        fn g2_whatever_is_answered_is_right_for_every_call(
            was in subsequence(VERDICTS.to_vec(), 1..=3), by in subsequence(VERDICTS.to_vec(), 1..=3),
            parts in select(vec![(None, None), (None, Some(5_000)), (Some(5_000), None), (Some(0), Some(0)), (Some(0), Some(9_000))]),
            free in any::<(bool, bool)>(), purpose in select(PurposeClass::ALL.to_vec()),
            provider in any::<bool>(), outcome in select(VERDICTS.to_vec()),
        ) {
            let (was, by) = (price(&was, parts.0, free.0), price(&by, parts.1, free.1));
            let on = |price: &Price| with_outcome(basis(price, purpose, provider), price, outcome);
            let recorded = RecordedPrice { price: was.clone(), outcomes: VERDICTS.to_vec() };
            if let Some(basis) = recorded.rebased(&by, purpose, on(&was)) {
                prop_assert_eq!(basis, on(&by));
            }
            prop_assert_eq!(recorded.rebased(&was, purpose, on(&was)), Some(on(&was)));
        }
    }
}
