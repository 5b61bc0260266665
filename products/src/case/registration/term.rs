//! Terms in calendar years and days, Asia/Shanghai.

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use shuzha_core::Timestamp;

/// China keeps UTC+8 all year, as the working-day calendar has it.
const CHINA: TimeZone = TimeZone::fixed(Offset::constant(8));

const IN_RANGE: &str = "instants of the register lie within the years that can be written";

fn date(at: Timestamp) -> Date {
    jiff::Timestamp::from_microsecond(at.micros()).expect(IN_RANGE).to_zoned(CHINA).date()
}

/// The day of `at`, `20260305`.
pub(super) fn compact_date(at: Timestamp) -> String {
    date(at).strftime("%Y%m%d").to_string()
}

/// The end of a term of `years` that begins on the day of `at`, that day counted: the first instant of the same date
/// `years` later. A certificate of 5 March 2026 for three years is last valid on 4 March 2029;
/// one of 29 February 2028 for three years on 28 February 2031.
pub(super) fn years_from(at: Timestamp, years: u8) -> Timestamp {
    let begins = date(at);
    let end = begins.saturating_add(jiff::Span::new().years(i32::from(years)));
    // Where the year has no 29 February, its 28th still belongs to the term.
    let end = if end.day() == begins.day() { end } else { end.saturating_add(jiff::Span::new().days(1)) };
    let end = end.to_zoned(CHINA).expect(IN_RANGE).timestamp();
    Timestamp::from_micros(end.as_microsecond())
}

/// The instant as world files write it.
pub(super) fn written(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).expect(IN_RANGE).to_string()
}
