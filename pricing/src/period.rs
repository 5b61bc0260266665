//! Periods of account (结算期): calendar months in Asia/Shanghai, half-open; and the hours that usage is gathered in.

use std::fmt;
use std::str::FromStr;

use shuzha_core::Timestamp;
use shuzha_core::calendar::Day;

use crate::Effective;

/// Hours begin with the hours of UTC: the offset is whole hours.
const HOUR_MICROS: i64 = 3_600 * 1_000_000;

/// First and last year that is accounted for.
const YEARS: std::ops::RangeInclusive<i32> = 1992..=2999;

/// One month in Asia/Shanghai.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

/// Not a month of the form 2026-01, or of a year that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a month of the form 2026-01")]
pub struct MonthError;

impl Month {
    /// The first that is accounted for.
    pub const FIRST: Self = Self(*YEARS.start() * 12);
    /// The last that is accounted for.
    pub const LAST: Self = Self(*YEARS.end() * 12 + 11);

    /// The month of this year, counted from 1.
    ///
    /// # Errors
    /// [`MonthError`].
    pub fn new(year: i32, month: u8) -> Result<Self, MonthError> {
        let fits = YEARS.contains(&year) && (1..=12).contains(&month);
        if fits { Ok(Self(year * 12 + i32::from(month) - 1)) } else { Err(MonthError) }
    }

    /// The month in which `at` lies.
    ///
    /// # Errors
    /// [`MonthError`] for an instant in a year that is not accounted for.
    pub fn of(at: Timestamp) -> Result<Self, MonthError> {
        let (year, month) = Day::of(at).year_and_month();
        Self::new(year, month)
    }

    /// Its year.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.0.div_euclid(12)
    }

    /// Its number in the year, from 1.
    #[must_use]
    pub fn number(self) -> u8 {
        u8::try_from(self.0.rem_euclid(12) + 1).expect("a remainder by twelve is small")
    }

    /// The month after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The month before.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0 - 1)
    }

    /// Its first instant.
    #[must_use]
    pub fn begin(self) -> Timestamp {
        Day::new(self.year(), self.number(), 1).expect("every month has a first day").start()
    }

    /// The first instant after it.
    #[must_use]
    pub fn end(self) -> Timestamp {
        self.next().begin()
    }

    /// All of it.
    #[must_use]
    pub fn whole(self) -> Effective {
        Effective::new(self.begin(), Some(self.end())).expect("a month is not empty")
    }

    /// Months since year 0, for storing.
    #[must_use]
    pub const fn index(self) -> i32 {
        self.0
    }

    /// The month with this [`Self::index`].
    ///
    /// # Errors
    /// [`MonthError`].
    pub fn from_index(index: i32) -> Result<Self, MonthError> {
        if YEARS.contains(&index.div_euclid(12)) { Ok(Self(index)) } else { Err(MonthError) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let (year, month) = text.split_once('-').ok_or(MonthError)?;
        let digits = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(MonthError);
        }
        Self::new(year.parse().map_err(|_| MonthError)?, month.parse().map_err(|_| MonthError)?)
    }
}

/// One hour, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// The hour in which `at` lies.
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Self(at.micros().div_euclid(HOUR_MICROS))
    }

    /// The hour with this number.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// Hours since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Its first instant.
    #[must_use]
    pub const fn begin(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(HOUR_MICROS))
    }

    /// Its last instant.
    #[must_use]
    pub const fn last(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(HOUR_MICROS).saturating_add(HOUR_MICROS - 1))
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_micros(instant.as_microsecond())
    }

    #[test]
    fn g3_a_month_ends_at_midnight_in_china() {
        let month = |text: &str| Month::of(at(text)).unwrap().to_string();
        assert_eq!(month("2025-12-31T15:59:59.999999Z"), "2025-12");
        assert_eq!(month("2025-12-31T16:00:00Z"), "2026-01");
        let january: Month = "2026-01".parse().unwrap();
        assert_eq!(january.begin(), at("2025-12-31T16:00:00Z"));
        assert_eq!(january.end(), at("2026-01-31T16:00:00Z"));
        assert!(!january.whole().holds(january.end()));
        assert_eq!(january.previous().to_string(), "2025-12");
        for text in ["2026", "2026-1", "2026-13", "2026-00", "1991-12", "+026-01", "2026-01-01", "２026-01"]
        {
            assert_eq!(text.parse::<Month>(), Err(MonthError), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        /// The zone database is the oracle.
        #[test]
        fn g3_months_are_those_of_the_zone(seconds in 694_195_200_i64..32_500_000_000, micros in 0_i64..1_000_000) {
            let instant = Timestamp::from_micros(seconds * 1_000_000 + micros);
            let there = jiff::Timestamp::from_microsecond(instant.micros()).unwrap();
            let there = there.to_zoned(TimeZone::get("Asia/Shanghai").unwrap());
            let month = Month::of(instant).unwrap();
            prop_assert_eq!(month.to_string(), format!("{:04}-{:02}", there.year(), there.month()));
            prop_assert!(month.whole().holds(instant));
            prop_assert_eq!(month.to_string().parse(), Ok(month));
            prop_assert_eq!(Month::from_index(month.index()), Ok(month));
            let hour = Hour::of(instant);
            prop_assert!(hour.begin() <= instant && instant <= hour.last());
            prop_assert_eq!(Month::of(hour.begin()).unwrap(), Month::of(hour.last()).unwrap());
        }
    }
}
