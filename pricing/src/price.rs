//! Prices and ceilings as acts declare them.

use shuzha_core::{Id, MicroYuan};

use crate::Effective;

/// What came of a call, as far as its price depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// 一致.
    Consistent,
    /// 不一致.
    Inconsistent,
    /// 查无.
    NoRecord,
    /// An answer that is not a verification.
    Answer,
    /// A data package (数据包).
    Package,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Consistent, Self::Inconsistent, Self::NoRecord, Self::Answer, Self::Package];

    /// The outcome's name: `consistent`, `inconsistent`, `no_record`, `answer`, `package`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consistent => "consistent",
            Self::Inconsistent => "inconsistent",
            Self::NoRecord => "no_record",
            Self::Answer => "answer",
            Self::Package => "package",
        }
    }

    /// The outcome with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// The outcomes that are charged.
///
/// A price that charges for one verdict and not for another makes the bill say which verdict it was; the default
/// charges for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billable(u8);

impl Default for Billable {
    fn default() -> Self {
        Self::of(&Outcome::ALL)
    }
}

impl Billable {
    /// These outcomes.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        Self(outcomes.iter().fold(0, |set, &outcome| set | 1 << outcome as u8))
    }

    /// Whether the outcome is charged.
    #[must_use]
    pub const fn charges(self, outcome: Outcome) -> bool {
        self.0 >> outcome as u8 & 1 == 1
    }

    /// Whether no outcome is charged.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A price: what the operator asks for one call, under an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The price's name; what a usage record points at.
    pub id: Id,
    /// Number of the act (文号).
    pub act: String,
    /// The product.
    pub product: Id,
    /// The operation; `None` is every operation of the product.
    pub operation: Option<Id>,
    /// What one call costs.
    pub per_call: MicroYuan,
    /// When it is in force.
    pub effective: Effective,
    /// For which outcomes it is charged.
    pub billable: Billable,
}

impl Price {
    /// Whether the price is for this operation.
    #[must_use]
    pub fn is_for(&self, operation: &str) -> bool {
        self.operation.as_ref().is_none_or(|own| own.as_str() == operation)
    }

    /// Whether some operation is priced by both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.product == other.product
            && (self.operation.is_none() || other.operation.is_none() || self.operation == other.operation)
            && self.effective.overlaps(&other.effective)
    }
}

/// A ceiling (上限收费标准): the most the operator may ask for one call, fixed by the authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// The ceiling's name.
    pub id: Id,
    /// Number of the act (文号).
    pub act: String,
    /// The product.
    pub product: Id,
    /// The most for one call.
    pub per_call_max: MicroYuan,
    /// When it is in force.
    pub effective: Effective,
}
