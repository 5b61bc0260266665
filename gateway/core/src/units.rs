//! Quantities that must never travel as bare numbers.

use std::fmt;
use std::str::FromStr;

/// Sums and differences of a unit that counts in one integer.
macro_rules! exact_sums {
    ($unit:ident) => {
        impl $unit {
            /// `self + other`, or `None` past the range.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// `self - other`, or `None` past the range; a unit that is never negative ends at zero.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(rest) => Some(Self(rest)),
                    None => None,
                }
            }
        }
    };
}

exact_sums!(MicroYuan);
exact_sums!(Fen);
exact_sums!(NanoCharge);

/// A sum of money in micro-yuan (10⁻⁶ 元). May be negative in corrections, never in prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicroYuan(i64);

impl MicroYuan {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// One yuan.
    pub const YUAN: Self = Self(1_000_000);

    /// A sum of `micros` micro-yuan.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The sum in micro-yuan.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whether the sum is exactly nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self × quantity`, or `None` past the range.
    #[must_use]
    pub fn checked_mul(self, quantity: u64) -> Option<Self> {
        self.0.checked_mul(i64::try_from(quantity).ok()?).map(Self)
    }
}

impl fmt::Display for MicroYuan {
    /// Yuan with as many decimals as needed, two at least: `0.50`, `12.345678`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (yuan, micros) = (self.0.unsigned_abs() / 1_000_000, self.0.unsigned_abs() % 1_000_000);
        let digits = format!("{micros:06}");
        let kept = digits.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{yuan}.{}", &digits[..kept])
    }
}

/// A sum of money in 分 (10⁻² 元), as statements, invoices and payments have it. May be negative in corrections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fen(i64);

impl Fen {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// A sum of `count` 分.
    #[must_use]
    pub const fn new(count: i64) -> Self {
        Self(count)
    }

    /// The sum in 分.
    #[must_use]
    pub const fn count(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Fen {
    /// Yuan with two decimals: `12.30`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100)
    }
}

/// Why a number with a unit could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseUnitError {
    /// Not a plain decimal number.
    #[error("not a plain decimal number")]
    Malformed,
    /// More decimals than the unit holds.
    #[error("more than {0} decimals")]
    TooPrecise(usize),
    /// Past the range of the unit.
    #[error("out of range")]
    OutOfRange,
}

/// Reads `whole[.fraction]` as an integer count of 10^-`decimals`.
fn parse_fixed(text: &str, decimals: usize) -> Result<u64, ParseUnitError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || text.ends_with('.') {
        return Err(ParseUnitError::Malformed);
    }
    if fraction.len() > decimals {
        return Err(ParseUnitError::TooPrecise(decimals));
    }
    format!("{whole}{fraction:0<decimals$}").parse().map_err(|_| ParseUnitError::OutOfRange)
}

/// Reads `[-]whole[.fraction]` as an integer count of 10^-`decimals`.
fn parse_signed(text: &str, decimals: usize) -> Result<i64, ParseUnitError> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let count = i64::try_from(parse_fixed(digits, decimals)?).map_err(|_| ParseUnitError::OutOfRange)?;
    Ok(if negative { -count } else { count })
}

impl FromStr for Fen {
    type Err = ParseUnitError;

    /// Reads yuan as a plain decimal with at most two decimals: `0.5`, `-12.34`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_signed(text, 2).map(Self)
    }
}

impl FromStr for MicroYuan {
    type Err = ParseUnitError;

    /// Reads yuan as a plain decimal with at most six decimals: `0.5`, `-12.345678`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_signed(text, 6).map(Self)
    }
}

/// What a person-space's privacy budget counts in; fixed when the person-space is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// ε of pure differential privacy; noise is discrete Laplace.
    PureEps,
    /// ρ of zero-concentrated differential privacy (Bun and Steinke 2016); noise is discrete Gaussian.
    Rho,
}

impl Measure {
    /// The name in queries and answers: `epsilon`, `rho`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PureEps => "epsilon",
            Self::Rho => "rho",
        }
    }
}

/// A privacy charge or cap in nano-units (10⁻⁹ of ε or of ρ, whichever the person-space counts in).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoCharge(u64);

impl NanoCharge {
    /// No charge.
    pub const ZERO: Self = Self(0);

    /// A charge of `nanos` nano-units.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The charge in nano-units.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Whether nothing is charged.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// What is left of `self` once `other` is taken; nothing where that is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for NanoCharge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:09}", self.0 % 1_000_000_000);
        let kept = digits.trim_end_matches('0').len().max(1);
        write!(f, "{}.{}", self.0 / 1_000_000_000, &digits[..kept])
    }
}

impl FromStr for NanoCharge {
    type Err = ParseUnitError;

    /// Reads units as a plain decimal with at most nine decimals: `0.5`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_fixed(text, 9).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_and_prints() {
        for (text, micros, printed) in
            [("0.5", 500_000, "0.50"), ("12.345678", 12_345_678, "12.345678"), ("-3", -3_000_000, "-3.00")]
        {
            let sum: MicroYuan = text.parse().expect(text);
            assert_eq!(sum.micros(), micros);
            assert_eq!(sum.to_string(), printed);
        }
        for (text, count, printed) in
            [("0.5", 50, "0.50"), ("-12.34", -1_234, "-12.34"), ("-0.01", -1, "-0.01")]
        {
            let sum: Fen = text.parse().expect(text);
            assert_eq!((sum.count(), sum.to_string().as_str()), (count, printed));
        }
        assert_eq!("0.005".parse::<Fen>(), Err(ParseUnitError::TooPrecise(2)));
        assert_eq!(Fen::new(i64::MIN).to_string(), "-92233720368547758.08");
    }

    #[test]
    fn malformed_numbers_are_refused() {
        for text in ["", ".", "1.", ".5", "+1", "1e3", "NaN", "1,000", "--1", " 1", "１"] {
            assert!(text.parse::<MicroYuan>().is_err(), "{text}");
            assert!(text.parse::<NanoCharge>().is_err(), "{text}");
        }
        assert_eq!("0.0000001".parse::<MicroYuan>(), Err(ParseUnitError::TooPrecise(6)));
        assert_eq!("9223372036855".parse::<MicroYuan>(), Err(ParseUnitError::OutOfRange));
        assert!("-1".parse::<NanoCharge>().is_err());
    }

    #[test]
    fn sums_past_the_range_are_none() {
        assert_eq!(NanoCharge::from_nanos(u64::MAX).checked_add(NanoCharge::from_nanos(1)), None);
        assert_eq!(MicroYuan::from_micros(i64::MAX).checked_add(MicroYuan::from_micros(1)), None);
        assert_eq!(MicroYuan::YUAN.checked_mul(u64::MAX), None);
    }
}
