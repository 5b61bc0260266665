//! Charged quantity per price and month: what the next call of a tier or package costs depends on it.

use shuzha_core::PurposeClass;
use shuzha_evidence::{Call, Decision, Outcome};
use shuzha_pricing::{Basis, Month};

use super::state::Name;

/// Along what charged quantity is counted. The same as a rated line's, so that the gate and the close count alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterKey {
    /// The application unit; first, so that its keys stand together.
    pub unit: Name,
    /// The price.
    pub price: Name,
    /// The scenario.
    pub scenario: Name,
    /// The agreement.
    pub agreement: Name,
    /// Class of purpose.
    pub purpose: PurposeClass,
    /// The basis; a charged one.
    pub basis: Basis,
    /// The month in which the calls were received.
    pub month: Month,
}

/// On what basis an answer was given. Records from before bases were written say it by purpose and outcome.
#[must_use]
pub fn basis(call: &Call<'_>) -> Option<Basis> {
    let said = Basis::from_number(call.basis)?;
    let free = call.terms.purpose.is_some_and(PurposeClass::is_free);
    Some(match (said, call.outcome) {
        (Basis::Price, Outcome::Charged) => Basis::Price,
        (Basis::Price, _) if free => Basis::FreePurpose,
        (Basis::Price, _) => Basis::FreeOutcome,
        (other, _) => other,
    })
}

impl MeterKey {
    /// Along what an answered call counts; none where it is not charged.
    #[must_use]
    pub fn of(call: &Call<'_>) -> Option<Self> {
        let basis = basis(call).filter(|basis| basis.is_charged())?;
        if call.decision != Decision::Answered || call.quantity == 0 {
            return None;
        }
        Some(Self {
            unit: call.terms.unit.into(),
            price: call.terms.price.into(),
            scenario: call.terms.scenario.into(),
            agreement: call.terms.agreement.into(),
            purpose: call.terms.purpose?,
            basis,
            month: Month::of(call.received).ok()?,
        })
    }
}
