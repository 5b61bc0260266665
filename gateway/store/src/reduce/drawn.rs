//! Answers drawn per operation, unit, version and quarter: so many together give away what makes them.

use shuzha_core::Timestamp;
use shuzha_evidence::Call;
use shuzha_pricing::Month;

use super::state::Name;

/// Along what drawn answers are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DrawnKey {
    /// The product.
    pub product: Name,
    /// The operation.
    pub operation: Name,
    /// The application unit.
    pub unit: Name,
    /// The product's version.
    pub version: u32,
    /// The quarter in which the calls were received ([`quarter_of`]); of those before the latest in one sum, under
    /// [`super::BEFORE`].
    pub quarter: i64,
}

/// The local quarter of an instant, as quarters since year 0.
#[must_use]
pub fn quarter_of(at: Timestamp) -> i64 {
    Month::of(at).map_or(0, |month| i64::from(month.index()).div_euclid(3))
}

impl DrawnKey {
    pub(super) fn of(call: &Call<'_>) -> Self {
        Self {
            product: call.terms.product.into(),
            operation: call.terms.operation.into(),
            unit: call.terms.unit.into(),
            version: call.terms.version,
            quarter: quarter_of(call.received),
        }
    }

    pub(super) fn in_quarter(&self, quarter: i64) -> Self {
        Self { quarter, ..self.clone() }
    }
}
