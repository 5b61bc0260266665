//! Differences that are billed beside what calls come to: of re-ratings, and of single lines that two persons correct.

use shuzha_core::MicroYuan;

use crate::Month;
use crate::metering::Line;

/// A difference that is billed in a period: of a line of an earlier month, or of the period itself.
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
    /// Number of the act (文号) behind the corrected price; of a single line, the case of two persons and its reason.
    pub act: String,
}
