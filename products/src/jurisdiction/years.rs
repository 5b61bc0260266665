//! The notices about public holidays, read from the yearly files of `config/calendar`.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;
use shuzha_core::calendar::{Calendar, Day};

/// The years this program knows without any file.
const EMBEDDED: &[&str] = &[
    include_str!("../../../config/calendar/2023.json"),
    include_str!("../../../config/calendar/2024.json"),
    include_str!("../../../config/calendar/2025.json"),
    include_str!("../../../config/calendar/2026.json"),
];

static CALENDAR: LazyLock<Calendar> = LazyLock::new(|| {
    let add = |calendar, text: &&str| with_year(calendar, text).expect("embedded years are tested");
    EMBEDDED.iter().fold(Calendar::default(), add)
});

/// Why a year was not added.
#[derive(Debug, thiserror::Error)]
pub enum YearError {
    /// Not the JSON of a year.
    #[error("not a year of the calendar: {0}")]
    Json(#[from] serde_json::Error),
    /// A day farther away than the neighbouring years, or one that does not exist.
    #[error("`{0}` is no day of {1} or of a year beside it")]
    Day(String, i32),
    /// The same day twice.
    #[error("`{0}` stands there twice")]
    Twice(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawYear {
    year: i32,
    /// The notices it was taken from; for readers of the file.
    #[serde(rename = "papers")]
    _papers: Vec<String>,
    days: Vec<RawDay>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDay {
    date: String,
    #[serde(rename = "name")]
    _name: String,
    off: bool,
}

/// The years that are built in.
#[must_use]
pub fn calendar() -> &'static Calendar {
    &CALENDAR
}

/// `calendar` with one more year, `text` being a file of `config/calendar`.
///
/// # Errors
/// [`YearError`] says why the file was not taken; nothing of it was then.
pub fn with_year(calendar: Calendar, text: &str) -> Result<Calendar, YearError> {
    let RawYear { year, days, .. } = serde_json::from_str(text)?;
    let (mut off, mut worked) = (Vec::new(), Vec::new());
    for raw in days {
        let Some(day) = day_of(&raw.date).filter(|day| (day.year() - year).abs() <= 1) else {
            return Err(YearError::Day(raw.date, year));
        };
        if off.contains(&day) || worked.contains(&day) {
            return Err(YearError::Twice(raw.date));
        }
        if raw.off { off.push(day) } else { worked.push(day) }
    }
    Ok(calendar.with_year(year, off, worked))
}

fn day_of(text: &str) -> Option<Day> {
    let date: Date = text.parse().ok()?;
    let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
    Day::new(date.year().into(), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shuzha_core::Timestamp;

    use super::*;

    fn day(text: &str) -> Day {
        day_of(text).expect("a date")
    }

    /// From the State Council's notices for 2025 and 2026: act, working days, last day of the term.
    #[test]
    fn b8_terms_follow_holidays_and_make_up_days() {
        for (from, days, last) in [
            ("2025-12-26", 5, "2026-01-05"),
            ("2026-02-09", 10, "2026-02-28"),
            ("2026-02-13", 3, "2026-02-25"),
            ("2026-04-24", 10, "2026-05-12"),
            ("2026-06-12", 20, "2026-07-13"),
            ("2026-09-18", 10, "2026-10-09"),
            ("2026-09-25", 10, "2026-10-15"),
            ("2026-09-30", 3, "2026-10-10"),
        ] {
            let due = calendar().due(day(from).start(), days);
            assert_eq!((due.at, due.provisional), (day(last).next().start(), false), "{from} + {days}");
            // At any time of the day.
            let evening = Timestamp::from_micros(day(from).next().start().micros() - 1);
            assert_eq!(calendar().due(evening, days), due);
        }
    }

    #[test]
    fn b8_terms_past_the_known_years_are_provisional() {
        assert!(!calendar().due(day("2026-12-14").start(), 3).provisional);
        // The notice of the next year may still name the last days of this one.
        let from = day("2026-12-28").start();
        assert!(calendar().due(from, 3).provisional && calendar().due(from, 4).provisional);
        let next =
            r#"{"year": 2027, "papers": [], "days": [{"date": "2027-01-01", "name": "元旦", "off": true}]}"#;
        let known = with_year(calendar().clone(), next).expect("a year");
        let (before, after) = (calendar().due(from, 4), known.due(from, 4));
        assert_eq!(before.at, day("2027-01-01").next().start());
        assert_eq!((after.at, after.provisional), (day("2027-01-04").next().start(), false));
    }

    #[test]
    fn a_year_with_a_slip_in_it_is_refused() {
        let year = |days: &str| format!(r#"{{"year": 2027, "papers": [], "days": [{days}]}}"#);
        let one = r#"{"date": "2027-05-01", "name": "劳动节", "off": true}"#;
        assert!(with_year(Calendar::default(), &year(one)).is_ok());
        for (text, expected) in [
            (year(&one.replace("2027", "2031")), "no day of 2027"),
            (year(&one.replace("05-01", "02-30")), "no day of 2027"),
            (year(&format!("{one}, {one}")), "twice"),
            (year(&one.replace("off", "of")), "unknown field"),
            (year(one).replace("papers", "paper"), "unknown field"),
        ] {
            let error = with_year(Calendar::default(), &text).expect_err(&text).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    proptest! {
        /// A later act or a longer term is never due earlier, and a term can be taken in two parts.
        #[test]
        fn b8_terms_are_monotone_and_additive(
            from in 1_640_000_000_i64..1_830_000_000, later in 0_i64..400_000, first in 0_u16..60, second in 0_u16..60,
        ) {
            let (from, later) = (Timestamp::from_seconds(from), Timestamp::from_seconds(from + later));
            let calendar = calendar();
            let due = calendar.due(from, first);
            prop_assert!(due.at > from && due.at <= calendar.due(later, first).at);
            prop_assert!(due.at <= calendar.due(from, first + 1).at);
            let last_instant = Timestamp::from_micros(due.at.micros() - 1);
            let rest = calendar.due(last_instant, second);
            let whole = calendar.due(from, first + second);
            prop_assert_eq!(rest.at, whole.at);
            prop_assert_eq!(rest.provisional || due.provisional, whole.provisional);
            if first > 0 {
                prop_assert!(calendar.is_working_day(Day::of(last_instant)));
            }
        }
    }
}
