//! When an act is in force: half-open intervals between midnights in Asia/Shanghai.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use shuzha_core::Timestamp;

/// 北京时间. A fixed offset: the zone has had no other since 1991, and earlier dates are refused.
const OFFSET: Offset = jiff::tz::offset(8);

/// First and last year of a date that is accepted.
const YEARS: std::ops::RangeInclusive<i16> = 1992..=2999;

/// Why an interval was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not a date of the form 2026-01-31, or no such day.
    #[error("not a date of the form 2026-01-31")]
    Malformed,
    /// A year that cannot be meant.
    #[error("the year is not between {} and {}", YEARS.start(), YEARS.end())]
    Year,
    /// The end is not after the beginning.
    #[error("the end is not after the beginning")]
    Empty,
}

/// The instants from a beginning until just before an end, or from a beginning on. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effective {
    from: Timestamp,
    until: Option<Timestamp>,
}

impl Effective {
    /// From the first midnight until just before the second, both dates in Asia/Shanghai, written `2026-01-31`.
    ///
    /// # Errors
    /// [`DateError`].
    pub fn of_dates(from: &str, until: Option<&str>) -> Result<Self, DateError> {
        Self::new(midnight(from)?, until.map(midnight).transpose()?)
    }

    /// Between two instants.
    ///
    /// # Errors
    /// [`DateError::Empty`].
    pub fn new(from: Timestamp, until: Option<Timestamp>) -> Result<Self, DateError> {
        if until.is_some_and(|until| until <= from) {
            return Err(DateError::Empty);
        }
        Ok(Self { from, until })
    }

    /// The first instant.
    #[must_use]
    pub const fn from(&self) -> Timestamp {
        self.from
    }

    /// The first instant no longer inside; `None` is open.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Whether the instant is inside.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// Whether some instant is inside both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.until.is_none_or(|until| other.from < until) && other.until.is_none_or(|until| self.from < until)
    }
}

/// The instant a day begins in Asia/Shanghai.
fn midnight(text: &str) -> Result<Timestamp, DateError> {
    // The parser would also take a date with a time; an act takes effect on a day.
    let form = |(at, b): (usize, u8)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(form) {
        return Err(DateError::Malformed);
    }
    let date: Date = text.parse().map_err(|_| DateError::Malformed)?;
    if !YEARS.contains(&date.year()) {
        return Err(DateError::Year);
    }
    let zoned = date.to_zoned(TimeZone::fixed(OFFSET)).map_err(|_| DateError::Year)?;
    Ok(Timestamp::from_seconds(zoned.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_begin_at_sixteen_hours_utc_of_the_day_before() {
        let day = Effective::of_dates("2026-01-01", Some("2026-01-02")).unwrap();
        assert_eq!(day.from().seconds(), 1_767_196_800);
        assert!(day.holds(day.from()));
        assert!(!day.holds(day.until().unwrap()));
        assert!(day.holds(Timestamp::from_micros(day.until().unwrap().micros() - 1)));
    }

    #[test]
    fn malformed_dates_are_refused() {
        for text in [
            "",
            "2026",
            "2026-1-1",
            "2026-02-29",
            "2026-13-01",
            "2026-01-01T00:00",
            "+002026-01",
            "２026-01-01",
        ] {
            assert_eq!(Effective::of_dates(text, None), Err(DateError::Malformed), "{text}");
        }
        assert_eq!(Effective::of_dates("1991-12-31", None), Err(DateError::Year));
        assert_eq!(Effective::of_dates("2026-01-02", Some("2026-01-02")), Err(DateError::Empty));
    }

    /// The fixed offset is the zone's, on every day that is accepted up to 2199.
    #[test]
    fn the_offset_is_the_zones() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let mut day = jiff::civil::date(1992, 1, 1);
        while day.year() < 2200 {
            let midnight_there = day.to_zoned(zone.clone()).unwrap().timestamp().as_second();
            assert_eq!(midnight(&day.to_string()), Ok(Timestamp::from_seconds(midnight_there)), "{day}");
            day = day.tomorrow().unwrap();
        }
    }

    fn any_interval() -> impl Strategy<Value = Effective> {
        (0_i64..20, prop::option::of(1_i64..10)).prop_map(|(from, length)| {
            let at = Timestamp::from_micros;
            Effective::new(at(from), length.map(|length| at(from + length))).unwrap()
        })
    }

    proptest! {
        #[test]
        fn overlap_is_a_common_instant(one in any_interval(), other in any_interval()) {
            let common = (0..40).map(Timestamp::from_micros).any(|at| one.holds(at) && other.holds(at));
            prop_assert_eq!(one.overlaps(&other), common);
            prop_assert_eq!(other.overlaps(&one), common);
        }
    }
}
