//! Civil dates of the register, as numbers of days and as text.

use std::fmt;

/// A date of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year.
    pub year: u32,
    /// Month, 1–12.
    pub month: u32,
    /// Day of the month, 1–31.
    pub day: u32,
}

const MONTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const fn leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of_month(year: u32, month: u32) -> u32 {
    // A match on the month would say the same with more words; 29 February is the only exception.
    MONTHS[month as usize - 1] + if month == 2 && leap(year) { 1 } else { 0 }
}

/// Days from 1 January of the year 1 to 1 January of `year`.
const fn days_before(year: u32) -> u32 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400
}

/// Days from 1 January of `from` to 31 December of `to`, both included.
pub(super) const fn days_of_years(from: u32, to: u32) -> u32 {
    days_before(to + 1) - days_before(from)
}

impl Date {
    /// The date `days` after 1 January of `year`.
    pub(super) fn after(mut year: u32, mut days: u32) -> Self {
        while days >= 365 + u32::from(leap(year)) {
            days -= 365 + u32::from(leap(year));
            year += 1;
        }
        let mut month = 1;
        while days >= days_of_month(year, month) {
            days -= days_of_month(year, month);
            month += 1;
        }
        Self { year, month, day: days + 1 }
    }

    /// Days from 1 January of `year` to this date; `None` when it is earlier. The date must exist.
    pub(super) fn days_since(self, year: u32) -> Option<u32> {
        let months: u32 = (1..self.month).map(|month| days_of_month(self.year, month)).sum();
        (days_before(self.year) + months + self.day - 1).checked_sub(days_before(year))
    }

    /// Eight digits, as in an identity number.
    pub(super) fn digits(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for Date {
    /// `YYYY-MM-DD` (ISO 8601).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_range_goes_there_and_back() {
        let days = days_of_years(1940, 2006);
        assert_eq!(days, 24_472);
        for day in 0..days {
            assert_eq!(Date::after(1940, day).days_since(1940), Some(day));
        }
        assert_eq!(Date::after(1940, days - 1).to_string(), "2006-12-31");
    }

    #[test]
    fn known_dates() {
        assert_eq!(Date::after(2000, 59).to_string(), "2000-02-29");
        assert_eq!(Date::after(2001, 59).to_string(), "2001-03-01");
        assert_eq!(Date::after(1900, 59).to_string(), "1900-03-01");
        assert_eq!(Date { year: 1939, month: 12, day: 31 }.days_since(1940), None);
    }
}
