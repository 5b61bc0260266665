//! Dates, durations and sizes as people write them.

use std::sync::LazyLock;
use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use shuzha_core::Timestamp;

/// Where local dates are local: the regulations' terms begin and end at midnight in China. The zone and not the offset alone
/// (`shuzha_core::calendar`), for dates before 1992, when there was summer time.
static LOCAL: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Asia/Shanghai").expect("the time zone is compiled in"));

/// Years a date may lie in: a typing slip such as `20226-01-01` is no open-ended right.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2199;

const EXPECTED: &str = "expected a date (2026-01-31) or an instant (2026-01-31T08:00:00+08:00)";

/// An instant as this crate's texts write it, in UTC; reads back as the same instant.
pub(crate) fn show_instant(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros()).map(|at| at.to_string()).unwrap_or_default()
}

/// `years` calendar years after `at`, in local time: a term that begins on 29 February ends on a 28th.
pub(crate) fn years_after(at: Timestamp, years: u8) -> Option<Timestamp> {
    moved(at, jiff::Span::new().years(i64::from(years)))
}

/// `months` calendar months before `at`, in local time.
pub(crate) fn months_before(at: Timestamp, months: u8) -> Option<Timestamp> {
    moved(at, jiff::Span::new().months(-i64::from(months)))
}

fn moved(at: Timestamp, by: jiff::Span) -> Option<Timestamp> {
    let local = jiff::Timestamp::from_microsecond(at.micros()).ok()?.to_zoned(LOCAL.clone());
    let moved = local.checked_add(by).ok()?;
    Some(Timestamp::from_micros(moved.timestamp().as_microsecond()))
}

/// Reads a local date as its first instant, or an instant. Without an offset, the local time is meant.
pub(crate) fn parse_instant(text: &str) -> Result<Timestamp, String> {
    let local = |at: DateTime| at.to_zoned(LOCAL.clone()).map(|zoned| zoned.timestamp());
    let found = if text.len() == "2026-01-31".len() {
        text.parse::<Date>().and_then(|date| local(date.at(0, 0, 0, 0)))
    } else if text.contains('T') {
        text.parse::<jiff::Timestamp>().or_else(|_| text.parse::<DateTime>().and_then(local))
    } else {
        return Err(EXPECTED.to_owned());
    };
    let instant = found.map_err(|_| EXPECTED.to_owned())?;
    let year = instant.to_zoned(LOCAL.clone()).year();
    if !YEARS.contains(&year) {
        return Err(format!("the year must be {} to {}", YEARS.start(), YEARS.end()));
    }
    Ok(Timestamp::from_micros(instant.as_microsecond()))
}

/// Reads `250ms`, `2s`, `5m`, `1h`, `1d`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    const UNITS: &[(&str, u64)] =
        &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let millis = with_unit(text, UNITS).ok_or("expected a whole number with its unit: ms, s, m, h, d")?;
    Ok(Duration::from_millis(millis))
}

/// Reads `512B`, `64KiB`, `1MiB`.
pub(super) fn parse_size(text: &str) -> Result<usize, String> {
    const UNITS: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20)];
    let bytes = with_unit(text, UNITS).ok_or("expected a whole number with its unit: B, KiB, MiB")?;
    usize::try_from(bytes).map_err(|_| "out of range".to_owned())
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let scale = units.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale)?;
    number.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_dates_begin_at_midnight_in_shanghai() {
        let at = |text| parse_instant(text).map(Timestamp::seconds);
        assert_eq!(at("1990-01-01"), Ok(631_123_200));
        assert_eq!(at("2026-01-01"), Ok(1_767_196_800));
        assert_eq!(at("2026-01-01T00:00:00"), Ok(1_767_196_800));
        assert_eq!(at("2025-12-31T16:00:00Z"), Ok(1_767_196_800));
        assert_eq!(at("2026-01-01T00:00:00+08:00"), Ok(1_767_196_800));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-1",
            "01/02/2026",
            "tomorrow",
            "2026-01-01 00:00",
            "0026-01-01",
            "T",
        ] {
            assert!(parse_instant(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_and_sizes_need_their_unit() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        for text in ["5", "s", "-1s", "1.5s", "1 s", "18446744073709551615d", "1µs", ""] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert!(parse_size("1KB").is_err());
    }
}
