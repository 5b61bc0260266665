//! Rating (计费): whether an answered call is charged, and if not, why.

use shuzha_core::PurposeClass;

use crate::{Form, Outcome, Price};

/// On what basis an answered call is charged or free. Its number stands in the call's record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// By the price.
    #[default]
    Price,
    /// By the price's preference for the department that provides the data.
    Preferred,
    /// Free: the scenario serves public governance or public welfare (公共治理、公益事业).
    FreePurpose,
    /// Free: the price does not charge for this outcome (for example 查无).
    FreeOutcome,
    /// Free: the price is nothing, with its reason.
    FreePrice,
    /// Free: the department that provides the data pays nothing.
    FreeProvider,
    /// Free: the package was paid for before, under the same grant.
    Repeated,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 7] = [
        Self::Price,
        Self::Preferred,
        Self::FreePurpose,
        Self::FreeOutcome,
        Self::FreePrice,
        Self::FreeProvider,
        Self::Repeated,
    ];

    /// The number in records.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The basis with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Preferred => "preferred",
            Self::FreePurpose => "free-purpose",
            Self::FreeOutcome => "free-outcome",
            Self::FreePrice => "free-price",
            Self::FreeProvider => "free-provider",
            Self::Repeated => "repeated",
        }
    }

    /// For people.
    #[must_use]
    pub const fn title_zh(self) -> &'static str {
        match self {
            Self::Price => "按价计费",
            Self::Preferred => "数据提供单位优惠",
            Self::FreePurpose => "公共治理、公益事业免费",
            Self::FreeOutcome => "该结果不计费",
            Self::FreePrice => "免费价格",
            Self::FreeProvider => "数据提供单位免费",
            Self::Repeated => "已付费数据包重复获取",
        }
    }

    /// Whether calls on it count towards what the price asks.
    #[must_use]
    pub const fn is_charged(self) -> bool {
        matches!(self, Self::Price | Self::Preferred)
    }
}

/// On what basis a call is answered before its outcome is known: `provider` says whether the caller belongs to a
/// department that provides the product's data. The class of purpose comes from the approved scenario, never from the
/// request (REQUIREMENTS F1).
#[must_use]
pub fn basis(price: &Price, purpose: PurposeClass, provider: bool) -> Basis {
    match (&price.tariff.form, price.provider_parts) {
        _ if purpose.is_free() => Basis::FreePurpose,
        (Form::Free { .. }, _) => Basis::FreePrice,
        (_, Some(0)) if provider => Basis::FreeProvider,
        (_, Some(_)) if provider => Basis::Preferred,
        _ => Basis::Price,
    }
}

/// The basis once the outcome is known.
#[must_use]
pub fn with_outcome(before: Basis, price: &Price, outcome: Outcome) -> Basis {
    if before.is_charged() && !price.billable.charges(outcome) { Basis::FreeOutcome } else { before }
}

#[cfg(test)]
mod tests {
    use shuzha_core::{Id, MicroYuan};

    use super::*;
    use crate::{Billable, Effective};

    fn price(provider_parts: Option<u32>, free: bool) -> Price {
        let id = |text| Id::new(text).unwrap();
        let effective = Effective::of_dates("2026-01-01", None).unwrap();
        let mut price = Price::per_call(id("p"), "1号".to_owned(), id("score"), MicroYuan::YUAN, effective);
        price.provider_parts = provider_parts;
        price.billable = Billable::of(&[Outcome::Consistent]);
        if free {
            price.tariff = Form::Free { reason: "试点".to_owned(), notional: MicroYuan::YUAN }.into();
        }
        price
    }

    #[test]
    fn f1_purposes_decide_before_everything_else() {
        use PurposeClass::{Industry, PublicWelfare};

        for (parts, free, purpose, provider, outcome, expected) in [
            (None, false, Industry, false, Outcome::Consistent, Basis::Price),
            (None, false, Industry, true, Outcome::Consistent, Basis::Price),
            (None, false, Industry, false, Outcome::NoRecord, Basis::FreeOutcome),
            (Some(5_000), false, Industry, true, Outcome::Consistent, Basis::Preferred),
            (Some(5_000), false, Industry, false, Outcome::Consistent, Basis::Price),
            (Some(5_000), false, Industry, true, Outcome::NoRecord, Basis::FreeOutcome),
            (Some(0), false, Industry, true, Outcome::NoRecord, Basis::FreeProvider),
            (Some(0), false, PublicWelfare, true, Outcome::Consistent, Basis::FreePurpose),
            (None, true, Industry, false, Outcome::NoRecord, Basis::FreePrice),
            (None, true, PublicWelfare, false, Outcome::Consistent, Basis::FreePurpose),
        ] {
            let price = price(parts, free);
            let found = with_outcome(basis(&price, purpose, provider), &price, outcome);
            assert_eq!(found, expected);
            assert_eq!(found.is_charged(), matches!(expected, Basis::Price | Basis::Preferred));
        }
    }

    #[test]
    fn bases_and_outcomes_read_back() {
        for basis in Basis::ALL {
            assert_eq!(Basis::from_number(basis.number()), Some(basis));
        }
        assert_eq!(Basis::from_number(7), None);
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_name(outcome.as_str()), Some(outcome));
        }
        assert!(Billable::of(&[]).is_empty());
    }

    #[test]
    fn f4_a_preference_is_a_part_rounded_down() {
        let half = price(Some(5_000), false);
        assert_eq!(half.running(3, false, true), Ok(MicroYuan::from_micros(1_500_000)));
        assert_eq!(half.running(3, false, false), Ok(MicroYuan::from_micros(3_000_000)));
        let mut odd = price(Some(3_333), false);
        odd.tariff = Form::Unit(MicroYuan::from_micros(1)).into();
        assert_eq!(odd.bill(10, false, true), Ok(MicroYuan::from_micros(3)));
    }
}
