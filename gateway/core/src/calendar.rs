//! Working days (工作日): the Chinese calendar with public holidays and make-up days (调休), Asia/Shanghai.

use crate::Timestamp;

/// Working days of the years whose notices are loaded; weekends are free in all others.
#[derive(Clone, Debug, Default)]
pub struct Calendar {}

/// An instant by which something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The first instant that is too late.
    pub at: Timestamp,
    /// Whether it lies past the loaded calendar: computed with plain weekends, and again when a year is added.
    pub provisional: bool,
}
