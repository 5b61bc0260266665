//! Working days (工作日): the Chinese calendar with public holidays and make-up days (调休), Asia/Shanghai.
//!
//! Monday to Friday are working days, but for what the yearly notice of the State Council's General Office says: days off
//! (放假) and weekend days that are worked (调休上班). A term of n working days does not count the day of the act and ends with
//! the end of its n-th working day.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::Timestamp;
use crate::clock::MICROS_PER_SECOND;

/// Hours by which China is ahead of UTC, all year since 1992; earlier summer times do not matter to terms of today.
pub const OFFSET_HOURS: i8 = 8;
const OFFSET_MICROS: i64 = OFFSET_HOURS as i64 * 3_600 * MICROS_PER_SECOND;
const DAY_MICROS: i64 = 86_400 * MICROS_PER_SECOND;

/// One day in Asia/Shanghai, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day of the proleptic Gregorian date, or `None` where there is no such date.
    #[must_use]
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let found = Self(days_from_civil(year.into(), month.into(), day.into()));
        (found.civil() == (year.into(), month.into(), day.into())).then_some(found)
    }

    /// The day in which `at` lies.
    #[must_use]
    pub const fn of(at: Timestamp) -> Self {
        Self(at.micros().saturating_add(OFFSET_MICROS).div_euclid(DAY_MICROS))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i64 {
        self.0
    }

    /// The day `days` days after 1970-01-01.
    #[must_use]
    pub const fn from_days(days: i64) -> Self {
        Self(days)
    }

    /// The day's first instant.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(DAY_MICROS).saturating_sub(OFFSET_MICROS))
    }

    /// The day after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The day's year.
    #[must_use]
    pub fn year(self) -> i32 {
        i32::try_from(self.civil().0).unwrap_or(i32::MAX)
    }

    /// The day's year and the number of its month, from 1.
    #[must_use]
    pub fn year_and_month(self) -> (i32, u8) {
        let (_, month, _) = self.civil();
        (self.year(), u8::try_from(month).expect("there are twelve months"))
    }

    /// 1970-01-01 was a Thursday.
    const fn is_weekend(self) -> bool {
        matches!((self.0 + 3).rem_euclid(7), 5 | 6)
    }

    /// Year, month, day. Howard Hinnant, “chrono-compatible low-level date algorithms”: years begin in March.
    const fn civil(self) -> (i64, i64, i64) {
        let shifted = self.0 + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        (year_of_era + era * 400 + (month <= 2) as i64, month, day)
    }
}

/// An instant in China as RFC 3339 has it, to the second: `2026-01-31T08:00:00+08:00`.
#[must_use]
pub fn local_text(at: Timestamp) -> String {
    let day = Day::of(at);
    let seconds = at.seconds() - day.start().seconds();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{day}T{hours:02}:{minutes:02}:{seconds:02}+{OFFSET_HOURS:02}:00")
}

impl fmt::Display for Day {
    /// `2026-01-31`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// The inverse of [`Day::civil`].
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Working days of the years whose notices are loaded; weekends are free in all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    years: BTreeSet<i32>,
    /// Days the notices name, and whether they are worked.
    named: BTreeMap<Day, bool>,
}

/// An instant by which something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The first instant that is too late.
    pub at: Timestamp,
    /// Whether it lies past the loaded calendar: computed with plain weekends, and again when a year is added.
    pub provisional: bool,
}

/// Month and day from which on the notice of the next year may name days of this one.
const LAST_SETTLED: (i64, i64) = (12, 20);

impl Calendar {
    /// This calendar with the notice of one year: days `off` and weekend days `worked`. A notice may name days of a
    /// neighbouring year (a New Year's holiday that begins in December); they count without making that year known.
    #[must_use]
    pub fn with_year(
        mut self,
        year: i32,
        off: impl IntoIterator<Item = Day>,
        worked: impl IntoIterator<Item = Day>,
    ) -> Self {
        self.years.insert(year);
        self.named.extend(off.into_iter().map(|day| (day, false)));
        self.named.extend(worked.into_iter().map(|day| (day, true)));
        self
    }

    /// Whether the notice of `year` is loaded.
    #[must_use]
    pub fn knows(&self, year: i32) -> bool {
        self.years.contains(&year)
    }

    /// Whether `day` is worked; by plain weekends in a year that is not loaded.
    #[must_use]
    pub fn is_working_day(&self, day: Day) -> bool {
        self.named.get(&day).copied().unwrap_or_else(|| !day.is_weekend())
    }

    /// Whether a notice that is still to come cannot change `day`. The notice of a year names days at the end of the one before
    /// too: that of 2019 made 29 December 2018 a working day.
    fn settles(&self, day: Day) -> bool {
        let (year, month, of_month) = day.civil();
        let year = i32::try_from(year).unwrap_or(i32::MAX);
        self.knows(year) && ((month, of_month) < LAST_SETTLED || self.knows(year.saturating_add(1)))
    }

    /// When a term of `working_days` that an act at `from` sets running has passed. The day of the act does not count,
    /// and its last day counts whole: the answer is the first instant of the day after. With none, that is the end of
    /// the act's own day.
    #[must_use]
    pub fn due(&self, from: Timestamp, working_days: u16) -> Due {
        let mut day = Day::of(from);
        let mut provisional = false;
        let mut left = working_days;
        while left > 0 {
            day = day.next();
            provisional |= !self.settles(day);
            left -= u16::from(self.is_working_day(day));
        }
        Due { at: day.next().start(), provisional }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_checked_and_read_back() {
        for (year, month, day) in [(1970, 1, 1), (2000, 2, 29), (2026, 12, 31), (1969, 12, 31), (2100, 3, 1)]
        {
            let found = Day::new(year, month, day).expect("a date");
            assert_eq!(found.civil(), (year.into(), month.into(), day.into()));
            assert_eq!((found.year(), Day::of(found.start())), (year, found));
        }
        assert_eq!(Day::new(1970, 1, 1), Some(Day(0)));
        assert_eq!(Day::from_days(Day::new(2026, 2, 3).expect("a date").days()).to_string(), "2026-02-03");
        for (year, month, day) in [(2026, 2, 29), (2100, 2, 29), (2026, 0, 1), (2026, 13, 1), (2026, 4, 31)] {
            assert_eq!(Day::new(year, month, day), None, "{year}-{month}-{day}");
        }
    }

    #[test]
    fn b8_days_begin_at_midnight_in_china() {
        let day = Day::new(2026, 1, 1).expect("a date");
        assert_eq!(day.start(), Timestamp::from_seconds(1_767_196_800));
        assert_eq!(Day::of(Timestamp::from_micros(day.start().micros() - 1)).next(), day);
        // 2026-01-03 is a Saturday.
        assert!(Day::new(2026, 1, 3).expect("a date").is_weekend());
        assert!(!Day::new(2026, 1, 5).expect("a date").is_weekend());
    }

    #[test]
    fn b8_holidays_are_free_and_make_up_days_worked() {
        let day = |day| Day::new(2026, 10, day).expect("a date");
        let calendar = Calendar::default().with_year(2026, (1..=7).map(day), [day(10)]);
        // Wednesday 30 September; eighth and ninth are Thursday and Friday, the tenth a worked Saturday.
        let from = Day::new(2026, 9, 30).expect("a date").start();
        let due = |days| calendar.due(from, days);
        assert_eq!(due(0).at, day(1).start());
        assert_eq!(due(1).at, day(9).start());
        assert_eq!(due(3), Due { at: day(11).start(), provisional: false });
        assert_eq!(due(4).at, day(13).start());
        assert!(due(100).provisional && !due(50).provisional);
        assert_eq!(Calendar::default().due(from, 3).at, day(6).start());
    }

    /// The notice of 2019 made Saturday 29 December 2018 a working day and Monday the 31st free: until it was known, no term
    /// that ends there was settled.
    #[test]
    fn b8_the_end_of_the_last_known_year_is_provisional() {
        let day = |year, month, day| Day::new(year, month, day).expect("a date");
        let known = Calendar::default().with_year(2018, [], []);
        let from = day(2018, 12, 27).start();
        assert_eq!(known.due(from, 2), Due { at: day(2019, 1, 1).start(), provisional: true });
        let both = known.with_year(2019, [day(2018, 12, 31), day(2019, 1, 1)], [day(2018, 12, 29)]);
        assert_eq!(both.due(from, 2), Due { at: day(2018, 12, 30).start(), provisional: false });
    }
}
