//! Half-years: a log is closed twice a year, so that each can be kept, sealed and destroyed by itself.

use std::fmt;
use std::str::FromStr;

use shuzha_core::Timestamp;
use shuzha_core::calendar::Day;

use crate::{Malformed, decimal};

/// A half-year in Asia/Shanghai, written `2026h2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    year: u16,
    half: u8,
}

impl Shard {
    /// The half-year in which `at` lies. Times before year 1 and after 9999 count as the first and the last.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let day = Day::of(at);
        match u16::try_from(day.year()) {
            Err(_) if day.year() < 0 => Self { year: 0, half: 1 },
            Ok(year @ 0..=9999) => {
                let july = Day::new(year.into(), 7, 1).expect("every year has a July");
                Self { year, half: if day < july { 1 } else { 2 } }
            }
            _ => Self { year: 9999, half: 2 },
        }
    }

    /// The half-year of an entry made `at`, behind one of `self`. Never an earlier one: a clock that goes back, or a call that
    /// ends late, does not open a closed log again.
    #[must_use]
    pub fn then(self, at: Timestamp) -> Self {
        self.max(Self::of(at))
    }

    /// The first instant of the month that begins so many months after the half-year's end; with 0, the first instant behind it.
    #[must_use]
    pub fn months_after(self, months: u16) -> Timestamp {
        let index = i32::from(self.year) * 12 + i32::from(self.half) * 6 + i32::from(months);
        let month = u8::try_from(index % 12 + 1).expect("1 to 12");
        Day::new(index / 12, month, 1).expect("every month has a first").start()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}h{}", self.year, self.half)
    }
}

impl FromStr for Shard {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let parts = text.split_once('h').and_then(|(year, half)| {
            let year = year.trim_start_matches('0');
            Some((decimal(if year.is_empty() { "0" } else { year })?, decimal(half)?))
        });
        let shard = parts.and_then(|(year, half)| {
            Some(Self { year: u16::try_from(year).ok()?, half: u8::try_from(half).ok()? })
        });
        let shard = shard.filter(|shard| matches!(shard.half, 1 | 2) && shard.to_string() == text);
        shard.ok_or(Malformed("the name of a half-year"))
    }
}
