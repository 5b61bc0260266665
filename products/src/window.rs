//! Windows of time.

use serde_json::Value;
use shuzha_core::Timestamp;

use crate::yaml::{months_before, parse_instant};

/// A half-open window `[from, until)`: in force at `from`, no longer at `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    from: Timestamp,
    until: Timestamp,
}

impl Window {
    /// The window `[from, until)`, or `None` when it would be empty.
    #[must_use]
    pub fn new(from: Timestamp, until: Timestamp) -> Option<Self> {
        (from < until).then_some(Self { from, until })
    }

    /// The window that a spec holds as `{from, until}`.
    #[must_use]
    pub fn of_spec(window: &Value) -> Option<Self> {
        let instant = |field: &str| parse_instant(window.get(field)?.as_str()?).ok();
        Self::new(instant("from")?, instant("until")?)
    }

    /// First instant inside.
    #[must_use]
    pub const fn from(self) -> Timestamp {
        self.from
    }

    /// First instant after.
    #[must_use]
    pub const fn until(self) -> Timestamp {
        self.until
    }

    /// Whether `at` lies inside.
    #[must_use]
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// When the last `months` months of it begin; none where that cannot be told.
    #[must_use]
    pub fn last_months(self, months: u8) -> Option<Timestamp> {
        months_before(self.until, months)
    }

    /// Whether some instant lies in both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.from < other.until && other.from < self.until
    }

    /// Whether all of `other` lies inside.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.from <= other.from && other.until <= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_half_open() {
        let window = |from, until| Window::new(Timestamp::from_seconds(from), Timestamp::from_seconds(until));
        let (first, second) = (window(0, 10).expect("not empty"), window(10, 20).expect("not empty"));
        assert!(first.contains(Timestamp::from_seconds(0)) && !first.contains(Timestamp::from_seconds(10)));
        assert!(!first.overlaps(second) && first.overlaps(window(9, 11).expect("not empty")));
        assert!(window(0, 20).expect("not empty").covers(second) && !first.covers(second));
        assert_eq!((window(5, 5), window(6, 5)), (None, None));
    }
}
