//! Value-added tax (增值税): rates with effective dates, and a tax-inclusive amount taken apart.
//!
//! Per line: net = round(gross / (1 + rate)), tax = gross − net, so that a line always adds up; a header is the sum of
//! its lines and never computed anew.

use shuzha_core::Timestamp;

use crate::{Effective, Fen};

/// Parts of a rate: of ten thousand (6% is 600).
pub const RATE_WHOLE: u32 = 10_000;

/// A rate in force for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VatRate {
    /// Parts of [`RATE_WHOLE`] on top of the net amount.
    pub parts: u32,
    /// The law or notice behind it.
    pub source: String,
    /// When it is in force.
    pub effective: Effective,
}

/// Why rates cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VatError {
    /// More than the whole.
    #[error("a rate of {0} parts of {RATE_WHOLE} cannot be meant")]
    Rate(u32),
    /// Two at one instant.
    #[error("two rates would be in force at once: {0} and {1}")]
    Overlap(String, String),
}

/// Rates over time, at most one at each instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VatRates(Vec<VatRate>);

impl VatRates {
    /// Checks rates against each other.
    ///
    /// # Errors
    /// [`VatError`].
    pub fn new(rates: Vec<VatRate>) -> Result<Self, VatError> {
        for (at, rate) in rates.iter().enumerate() {
            if rate.parts > RATE_WHOLE {
                return Err(VatError::Rate(rate.parts));
            }
            if let Some(other) = rates[..at].iter().find(|other| other.effective.overlaps(&rate.effective)) {
                return Err(VatError::Overlap(other.source.clone(), rate.source.clone()));
            }
        }
        Ok(Self(rates))
    }

    /// The rate in force at `at`.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> Option<&VatRate> {
        self.0.iter().find(|rate| rate.effective.holds(at))
    }
}

/// A tax-inclusive amount taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taxed {
    /// 含税金额.
    pub gross: Fen,
    /// 不含税金额.
    pub net: Fen,
    /// 税额: what is left.
    pub tax: Fen,
}

impl Taxed {
    /// Takes `gross` apart at a rate of `parts` of [`RATE_WHOLE`].
    #[must_use]
    pub fn inclusive(gross: Fen, parts: u32) -> Self {
        let (amount, whole) = (i128::from(gross.count()), i128::from(RATE_WHOLE));
        let divisor = whole + i128::from(parts);
        // Half away from zero, on the magnitude.
        let net = (amount.abs() * whole * 2 + divisor) / (divisor * 2) * amount.signum();
        let net = Fen::new(i64::try_from(net).expect("net is no larger than gross"));
        Self { gross, net, tax: Fen::new(gross.count() - net.count()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(parts: u32, from: &str, until: Option<&str>) -> VatRate {
        VatRate { parts, source: from.to_owned(), effective: Effective::of_dates(from, until).unwrap() }
    }

    #[test]
    fn g3_the_worked_amount() {
        let taxed = Taxed::inclusive("5000".parse().unwrap(), 600);
        assert_eq!(
            (taxed.net.to_string(), taxed.tax.to_string()),
            ("4716.98".to_owned(), "283.02".to_owned())
        );
        assert_eq!(Taxed::inclusive(Fen::new(-500_000), 600).tax, Fen::new(-28_302));
        assert_eq!(Taxed::inclusive(Fen::new(7), 0).net, Fen::new(7));
    }

    #[test]
    fn g3_rates_change_by_date() {
        let rates =
            VatRates::new(vec![rate(600, "2026-01-01", Some("2026-07-01")), rate(500, "2026-07-01", None)])
                .unwrap();
        let at =
            |date: &str| rates.at(Effective::of_dates(date, None).unwrap().from()).map(|rate| rate.parts);
        assert_eq!((at("2025-12-31"), at("2026-06-30"), at("2026-07-01")), (None, Some(600), Some(500)));
        let two = vec![rate(600, "2026-01-01", None), rate(500, "2026-07-01", None)];
        assert!(matches!(VatRates::new(two), Err(VatError::Overlap(..))));
        assert_eq!(VatRates::new(vec![rate(10_001, "2026-01-01", None)]), Err(VatError::Rate(10_001)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Every line adds up, lies within half a 分 of the exact amount, and mirrors for corrections; a header of any
        /// subset reversed is nothing.
        #[test]
        fn g3_every_line_adds_up(lines in prop::collection::vec((any::<i32>(), 0_u32..3_000), 1..50)) {
            let mut header = (0_i64, 0_i64, 0_i64);
            for (gross, parts) in lines {
                let taxed = Taxed::inclusive(Fen::new(gross.into()), parts);
                prop_assert_eq!(taxed.net.count() + taxed.tax.count(), i64::from(gross));
                let off = i128::from(taxed.net.count()) * i128::from(10_000 + parts) - i128::from(gross) * 10_000;
                prop_assert!(off.abs() * 2 <= i128::from(10_000 + parts));
                let mirror = Taxed::inclusive(Fen::new(-i64::from(gross)), parts);
                prop_assert_eq!((mirror.net.count(), mirror.tax.count()), (-taxed.net.count(), -taxed.tax.count()));
                header = (header.0 + i64::from(gross), header.1 + taxed.net.count(), header.2 + taxed.tax.count());
            }
            prop_assert_eq!(header.0, header.1 + header.2);
        }
    }
}
