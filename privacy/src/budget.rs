//! Privacy budgets: whether a charge still fits under every cap (privacy research §1.5).
//!
//! Pure: what was spent comes from the journal's projection, and debiting is the caller's, in the same transaction.
//! The hard guarantee is the person-space's cap alone, shared by all units and products over the same people; quotas
//! only keep units from each other's share and may add up to more than it.

use shuzha_core::{Code, NanoCharge};

/// Caps that a charge must fit under. All count in the person-space's measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Lifetime cap of the person-space: the only published guarantee.
    pub space: NanoCharge,
    /// Lifetime cap of the data set.
    pub data_set: NanoCharge,
    /// Quota of the unit in the scenario.
    pub quota: NanoCharge,
    /// Most one query may cost.
    pub per_query: NanoCharge,
}

/// What was spent so far, holds included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Of the person-space, by everybody.
    pub space: NanoCharge,
    /// Of the data set, by everybody.
    pub data_set: NanoCharge,
    /// Of the quota, by this unit in this scenario.
    pub quota: NanoCharge,
}

impl Caps {
    /// What is spent once `charge` is; refused, nothing is.
    ///
    /// # Errors
    /// The first that applies: [`Code::C604`] above the limit for one query, or not a charge at all;
    /// [`Code::C601`], [`Code::C602`], [`Code::C603`] where person-space, data set or quota has too little left.
    pub fn check(&self, spent: Spent, charge: NanoCharge) -> Result<Spent, Code> {
        // A free query would be answered without limit; nothing that is released costs nothing.
        if charge.is_zero() || charge > self.per_query {
            return Err(Code::C604);
        }
        let fit = |spent: NanoCharge, cap: NanoCharge, code: Code| {
            spent.checked_add(charge).filter(|&total| total <= cap).ok_or(code)
        };
        Ok(Spent {
            space: fit(spent.space, self.space, Code::C601)?,
            data_set: fit(spent.data_set, self.data_set, Code::C602)?,
            quota: fit(spent.quota, self.quota, Code::C603)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(n: u64) -> NanoCharge {
        NanoCharge::from_nanos(n)
    }

    const CAPS: Caps = Caps {
        space: NanoCharge::from_nanos(100),
        data_set: NanoCharge::from_nanos(60),
        quota: NanoCharge::from_nanos(30),
        per_query: NanoCharge::from_nanos(20),
    };

    #[test]
    fn each_cap_has_its_code_and_the_wider_is_named_first() {
        let spent = |space, data_set, quota| Spent {
            space: nanos(space),
            data_set: nanos(data_set),
            quota: nanos(quota),
        };
        for (before, charge, expected) in [
            (spent(0, 0, 0), 20, Ok(spent(20, 20, 20))),
            (spent(80, 40, 10), 20, Ok(spent(100, 60, 30))),
            (spent(81, 40, 10), 20, Err(Code::C601)),
            (spent(80, 41, 10), 20, Err(Code::C602)),
            (spent(80, 40, 11), 20, Err(Code::C603)),
            (spent(100, 60, 30), 1, Err(Code::C601)),
            (spent(0, 0, 0), 21, Err(Code::C604)),
            (spent(0, 0, 0), 0, Err(Code::C604)),
            (spent(u64::MAX, 0, 0), 1, Err(Code::C601)),
            (spent(0, u64::MAX, 0), 20, Err(Code::C602)),
        ] {
            assert_eq!(CAPS.check(before, nanos(charge)), expected, "{before:?} {charge}");
        }
    }

    proptest! {
        /// However a stream of charges goes, no cap is passed, and what was accepted adds up exactly.
        #[test]
        fn no_cap_is_ever_passed(
            charges in prop::collection::vec(prop_oneof![0_u64..30, Just(u64::MAX), any::<u64>()], 0..60),
            caps in (0_u64..200, 0_u64..200, 0_u64..200, 0_u64..30),
        ) {
            let caps = Caps { space: nanos(caps.0), data_set: nanos(caps.1), quota: nanos(caps.2), per_query: nanos(caps.3) };
            let (mut spent, mut accepted) = (Spent::default(), 0_u128);
            for charge in charges {
                let fits = charge > 0 && charge <= caps.per_query.nanos()
                    && [caps.space, caps.data_set, caps.quota].iter().all(|cap| accepted + u128::from(charge) <= u128::from(cap.nanos()));
                match caps.check(spent, nanos(charge)) {
                    Ok(after) => {
                        prop_assert!(fits);
                        accepted += u128::from(charge);
                        spent = after;
                    }
                    Err(_) => prop_assert!(!fits),
                }
                prop_assert!(spent.space <= caps.space && spent.data_set <= caps.data_set && spent.quota <= caps.quota);
                prop_assert_eq!(u128::from(spent.space.nanos()), accepted);
            }
        }
    }
}
