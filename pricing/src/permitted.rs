//! Permitted revenue (最高准许收入; 发改价格〔2025〕65号): what an operator may take in a cycle from paid use, all in all.
//!
//! It counts revenue from industry and sector use only; free use adds nothing. What is taken beyond it is not taken back
//! from callers: it is carried as a deduction into the next cycle.

use shuzha_core::{Id, MicroYuan, Timestamp};

use crate::{Effective, Overflow};

/// Parts of the permitted revenue (of a hundred) at which an alert is raised, once each.
pub const ALERTS: [u8; 3] = [80, 95, 100];

/// The permitted revenue of an operator for a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermittedRevenue {
    /// Its name.
    pub id: Id,
    /// Number of the act (文号).
    pub act: String,
    /// The operator.
    pub operator: Id,
    /// As the act fixes it.
    pub amount: MicroYuan,
    /// What the cycle before took too much; deducted.
    pub carried: MicroYuan,
    /// The cycle.
    pub cycle: Effective,
}

/// Why permitted revenues cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermittedError {
    /// Two cycles of one operator at once.
    #[error("{0} and {1}: two cycles of one operator overlap")]
    Overlap(Id, Id),
    /// Negative amounts.
    #[error("{0}: amounts are not negative")]
    Negative(Id),
}

/// How far a cycle is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// What may still be taken; negative when over.
    pub left: MicroYuan,
    /// The highest of [`ALERTS`] that is reached.
    pub reached: Option<u8>,
    /// Where the cycle ends at this pace.
    pub forecast: MicroYuan,
    /// What would be deducted from the next cycle if this one ended now.
    pub carry: MicroYuan,
}

/// Checks cycles against each other.
///
/// # Errors
/// Every fault found.
pub fn check(all: &[PermittedRevenue]) -> Result<(), Vec<PermittedError>> {
    let mut faults = Vec::new();
    for (at, one) in all.iter().enumerate() {
        if one.amount < MicroYuan::ZERO || one.carried < MicroYuan::ZERO {
            faults.push(PermittedError::Negative(one.id.clone()));
        }
        let meets =
            |other: &&PermittedRevenue| other.operator == one.operator && other.cycle.overlaps(&one.cycle);
        faults.extend(
            all[..at]
                .iter()
                .filter(meets)
                .map(|other| PermittedError::Overlap(other.id.clone(), one.id.clone())),
        );
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

impl PermittedRevenue {
    /// What may be taken: the act's amount less what is carried, at least nothing.
    #[must_use]
    pub fn effective(&self) -> MicroYuan {
        let left = self.amount.checked_sub(self.carried).unwrap_or(MicroYuan::ZERO);
        left.max(MicroYuan::ZERO)
    }

    /// How far the cycle is used when `taken` has been taken by the instant `now`.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn level(&self, taken: MicroYuan, now: Timestamp) -> Result<Level, Overflow> {
        let most = self.effective();
        let left = most.checked_sub(taken).ok_or(Overflow)?;
        let part = |percent: u8| {
            i128::from(taken.micros()) * 100 >= i128::from(most.micros()) * i128::from(percent)
                && taken > MicroYuan::ZERO
        };
        let carry = MicroYuan::ZERO.checked_sub(left).ok_or(Overflow)?.max(MicroYuan::ZERO);
        let reached = ALERTS.into_iter().rev().find(|&percent| part(percent));
        Ok(Level { left, reached, forecast: self.forecast(taken, now)?, carry })
    }

    /// `taken` stretched from the part of the cycle that has passed to all of it.
    fn forecast(&self, taken: MicroYuan, now: Timestamp) -> Result<MicroYuan, Overflow> {
        let begin = self.cycle.from();
        let Some(end) = self.cycle.until().filter(|end| now < *end) else { return Ok(taken) };
        let (whole, passed) = (end.micros_since(begin), now.micros_since(begin));
        if passed <= 0 {
            return Ok(taken);
        }
        let all = i128::from(taken.micros()) * i128::from(whole) / i128::from(passed);
        i64::try_from(all).map(MicroYuan::from_micros).map_err(|_| Overflow)
    }
}

/// The alerts that are newly reached: above `raised`, up to `reached`. Raising them makes `reached` the next `raised`, so
/// each is raised once.
pub fn alerts(raised: Option<u8>, reached: Option<u8>) -> impl Iterator<Item = u8> {
    ALERTS.into_iter().filter(move |&alert| Some(alert) > raised && Some(alert) <= reached)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn revenue(amount: i64, carried: i64) -> PermittedRevenue {
        PermittedRevenue {
            id: Id::new("r").unwrap(),
            act: "1号".to_owned(),
            operator: Id::new("op").unwrap(),
            amount: MicroYuan::from_micros(amount),
            carried: MicroYuan::from_micros(carried),
            cycle: Effective::new(Timestamp::from_seconds(0), Some(Timestamp::from_seconds(1_000))).unwrap(),
        }
    }

    #[test]
    fn f3_levels_forecast_and_carry() {
        for (taken, reached, left, carry) in [
            (0, None, 900, 0),
            (719, None, 181, 0),
            (720, Some(80), 180, 0),
            (854, Some(80), 46, 0),
            (855, Some(95), 45, 0),
            (900, Some(100), 0, 0),
            (1_000, Some(100), -100, 100),
        ] {
            let level = revenue(1_000, 100)
                .level(MicroYuan::from_micros(taken), Timestamp::from_seconds(500))
                .unwrap();
            assert_eq!(
                (level.reached, level.left.micros(), level.carry.micros()),
                (reached, left, carry),
                "{taken}"
            );
            assert_eq!(level.forecast.micros(), taken * 2);
        }
        let after = revenue(10, 0).level(MicroYuan::from_micros(7), Timestamp::from_seconds(2_000)).unwrap();
        assert_eq!(after.forecast.micros(), 7);
        assert_eq!(revenue(10, 20).effective(), MicroYuan::ZERO);
        let same = [revenue(1, 0), revenue(-1, 0)];
        assert_eq!(check(&same).unwrap_err().len(), 2);
    }

    proptest! {
        /// Over any course of postings and reversals each alert is raised at most once, and is raised if ever reached.
        #[test]
        fn f2_each_alert_is_raised_once(steps in prop::collection::vec(-300_i64..400, 1..1_000)) {
            let (mut taken, mut raised, mut all, mut peak) = (0_i64, None, Vec::new(), None);
            for step in steps {
                taken = (taken + step).max(0);
                let level = revenue(1_000, 0).level(MicroYuan::from_micros(taken), Timestamp::from_seconds(1)).unwrap();
                all.extend(alerts(raised, level.reached));
                raised = raised.max(level.reached);
                peak = peak.max(level.reached);
            }
            let expected: Vec<u8> = ALERTS.into_iter().filter(|&alert| Some(alert) <= peak).collect();
            prop_assert_eq!(all, expected);
        }
    }
}
