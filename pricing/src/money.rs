//! 分: what statements, share bills and payments are counted in, and the one rounding that leads there.

use std::fmt;
use std::str::FromStr;

use shuzha_core::MicroYuan;
use shuzha_core::units::ParseUnitError;

/// Micro-yuan in one 分.
pub const MICROS_PER_FEN: i64 = 10_000;

/// A sum past what 64 bits count: nine million million yuan. Never wrapped, always refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sum is beyond what can be counted")]
pub struct Overflow;

/// A sum of money in 分 (10⁻² 元). Negative in corrections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fen(i64);

impl Fen {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// A sum of `fen` 分.
    #[must_use]
    pub const fn new(fen: i64) -> Self {
        Self(fen)
    }

    /// The sum in 分.
    #[must_use]
    pub const fn fen(self) -> i64 {
        self.0
    }

    /// The nearest 分, a half going away from zero, and what that leaves: `exact = fen + residue`.
    #[must_use]
    pub const fn round_half_away(exact: MicroYuan) -> (Self, MicroYuan) {
        let micros = exact.micros();
        let (whole, rest) = (micros / MICROS_PER_FEN, micros % MICROS_PER_FEN);
        let up = if rest.abs() * 2 >= MICROS_PER_FEN { rest.signum() } else { 0 };
        (Self(whole + up), MicroYuan::from_micros(rest - up * MICROS_PER_FEN))
    }

    /// The same sum in micro-yuan.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn exact(self) -> Result<MicroYuan, Overflow> {
        self.0.checked_mul(MICROS_PER_FEN).map(MicroYuan::from_micros).ok_or(Overflow)
    }

    /// `self + other`.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_add(other.0).map(Self).ok_or(Overflow)
    }

    /// `self - other`.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn minus(self, other: Self) -> Result<Self, Overflow> {
        self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
    }

    /// The sum of many.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Result<Self, Overflow> {
        all.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

/// The exact sum of many.
///
/// # Errors
/// [`Overflow`].
pub fn sum(all: impl IntoIterator<Item = MicroYuan>) -> Result<MicroYuan, Overflow> {
    all.into_iter().try_fold(MicroYuan::ZERO, |sum, one| sum.checked_add(one).ok_or(Overflow))
}

impl fmt::Display for Fen {
    /// Yuan with two decimals: `-12.30`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", self.0.unsigned_abs() / 100, self.0.unsigned_abs() % 100)
    }
}

impl FromStr for Fen {
    type Err = ParseUnitError;

    /// Reads yuan as a plain decimal with at most two decimals: `0.5`, `-12.34`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let exact: MicroYuan = text.parse()?;
        match Self::round_half_away(exact) {
            (fen, MicroYuan::ZERO) => Ok(fen),
            _ => Err(ParseUnitError::TooPrecise(2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rounded(yuan: &str) -> String {
        Fen::round_half_away(yuan.parse().unwrap()).0.to_string()
    }

    /// Vectors of the field: 55 × 0.067, 3 × 0.005 and its mirror.
    #[test]
    fn g3_a_half_goes_away_from_zero() {
        for (exact, fen) in [
            ("3.685", "3.69"),
            ("0.015", "0.02"),
            ("-0.015", "-0.02"),
            ("0.014999", "0.01"),
            ("-0.004999", "0.00"),
            ("-3.685", "-3.69"),
            ("0", "0.00"),
        ] {
            assert_eq!(rounded(exact), fen, "{exact}");
        }
        assert_eq!("12.345".parse::<Fen>(), Err(ParseUnitError::TooPrecise(2)));
        assert_eq!("-12.3".parse(), Ok(Fen::new(-1_230)));
        assert_eq!(Fen::new(i64::MAX).exact(), Err(Overflow));
        assert_eq!(Fen::new(i64::MAX).plus(Fen::new(1)), Err(Overflow));
    }

    proptest! {
        #[test]
        fn g3_rounding_keeps_what_it_leaves(micros in any::<i64>()) {
            let exact = MicroYuan::from_micros(micros);
            let (fen, residue) = Fen::round_half_away(exact);
            prop_assert_eq!(i128::from(fen.fen()) * 10_000 + i128::from(residue.micros()), i128::from(micros));
            prop_assert!(residue.micros().abs() <= MICROS_PER_FEN / 2);
            if micros > i64::MIN {
                prop_assert_eq!(Fen::round_half_away(MicroYuan::from_micros(-micros)).0.fen(), -fen.fen());
            }
            if micros.abs() < i64::MAX / 2 {
                prop_assert_eq!(fen.to_string().parse(), Ok(fen));
            }
        }
    }
}
