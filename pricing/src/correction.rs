//! What a re-rating bills in a later period.

use shuzha_core::MicroYuan;

use crate::Month;
use crate::metering::Line;

/// A difference that is billed in a later period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The line.
    pub line: Line,
    /// The month that it corrects.
    pub month: Month,
    /// What is charged more, or less.
    pub exact: MicroYuan,
    /// What free calls are worth more, or less.
    pub notional: MicroYuan,
    /// Number of the act (文号) behind the corrected price.
    pub act: String,
}
