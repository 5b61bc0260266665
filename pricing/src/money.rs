//! Sums in 分, which statements, share bills and payments are counted in, and the one rounding that leads there.

use shuzha_core::{Fen, MicroYuan};

/// Micro-yuan in one 分.
pub const MICROS_PER_FEN: i64 = 10_000;

/// A sum past what 64 bits count: nine million million yuan. Never wrapped, always refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sum is beyond what can be counted")]
pub struct Overflow;

/// Sums in 分, which are refused past what can be counted.
pub trait InFen: Sized {
    /// The same sum in micro-yuan.
    ///
    /// # Errors
    /// [`Overflow`].
    fn exact(self) -> Result<MicroYuan, Overflow>;

    /// `self + other`.
    ///
    /// # Errors
    /// [`Overflow`].
    fn plus(self, other: Self) -> Result<Self, Overflow>;
}

impl InFen for Fen {
    fn exact(self) -> Result<MicroYuan, Overflow> {
        self.count().checked_mul(MICROS_PER_FEN).map(MicroYuan::from_micros).ok_or(Overflow)
    }

    fn plus(self, other: Self) -> Result<Self, Overflow> {
        self.checked_add(other).ok_or(Overflow)
    }
}

/// The nearest 分, a half going away from zero, and what that leaves: `exact = fen + residue`.
#[must_use]
pub const fn round_half_away(exact: MicroYuan) -> (Fen, MicroYuan) {
    let micros = exact.micros();
    let (whole, rest) = (micros / MICROS_PER_FEN, micros % MICROS_PER_FEN);
    let up = if rest.abs() * 2 >= MICROS_PER_FEN { rest.signum() } else { 0 };
    (Fen::new(whole + up), MicroYuan::from_micros(rest - up * MICROS_PER_FEN))
}

/// The exact sum of many.
///
/// # Errors
/// [`Overflow`].
pub fn sum(all: impl IntoIterator<Item = MicroYuan>) -> Result<MicroYuan, Overflow> {
    all.into_iter().try_fold(MicroYuan::ZERO, |sum, one| sum.checked_add(one).ok_or(Overflow))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rounded(yuan: &str) -> String {
        round_half_away(yuan.parse().unwrap()).0.to_string()
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
        assert_eq!(Fen::new(i64::MAX).exact(), Err(Overflow));
        assert_eq!(Fen::new(i64::MAX).plus(Fen::new(1)), Err(Overflow));
    }

    proptest! {
        #[test]
        fn g3_rounding_keeps_what_it_leaves(micros in any::<i64>()) {
            let exact = MicroYuan::from_micros(micros);
            let (fen, residue) = round_half_away(exact);
            prop_assert_eq!(i128::from(fen.count()) * 10_000 + i128::from(residue.micros()), i128::from(micros));
            prop_assert!(residue.micros().abs() <= MICROS_PER_FEN / 2);
            if micros > i64::MIN {
                prop_assert_eq!(round_half_away(MicroYuan::from_micros(-micros)).0.count(), -fen.count());
            }
        }
    }
}
