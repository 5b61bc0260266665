//! The content of the package: bands and indices derived from the register of enterprises.
//!
//! A row is an enterprise, not a person. What the register knows exactly — the day of founding, the capital,
//! who answers for the firm and on which telephone — is not in the package; what is derived from it is.

use std::fmt::Write as _;

use crate::register::{ENTERPRISES, Enterprise, enterprise};

/// The year the package speaks of: ages are counted to its first day.
const YEAR: u32 = 2025;

/// The first line.
const HEADER: &str = "uscc,name,area,area_name,section,status,founding_period,age_band,capital_band,size_grade,vitality_index,activity_index\n";

/// Room for one row, so that the text is not moved while it grows.
const ROW_BYTES: usize = 140;

/// The package: CSV (RFC 4180 but for the line ends, which are line feeds), UTF-8, one row per enterprise in
/// the register's order. The same on every machine.
pub(super) fn csv() -> String {
    let mut text = String::with_capacity(HEADER.len() + ENTERPRISES as usize * ROW_BYTES);
    text.push_str(HEADER);
    for index in 0..ENTERPRISES {
        row(&mut text, &enterprise(index));
    }
    text
}

fn row(text: &mut String, firm: &Enterprise) {
    let age = YEAR - firm.established.year;
    writeln!(
        text,
        "{},{},{},{},{},{},{},{},{},{},{},{}",
        firm.uscc,
        firm.name,
        firm.area.code,
        firm.area.name,
        firm.section,
        firm.status.text(),
        period(firm.established.year),
        age_band(age),
        capital_band(firm.registered_capital_yuan),
        size_grade(firm.registered_capital_yuan),
        vitality(firm, age),
        activity(firm, age),
    )
    .expect("writing to a string cannot fail");
}

/// The five-year period of a year, by its first and last year.
fn period(year: u32) -> String {
    let first = year - year % 5;
    format!("{first}-{}", first + 4)
}

const fn age_band(years: u32) -> &'static str {
    match years {
        0..3 => "0-2年",
        3..5 => "3-4年",
        5..10 => "5-9年",
        10..20 => "10-19年",
        _ => "20年以上",
    }
}

const fn capital_band(yuan: u64) -> &'static str {
    match yuan {
        0..1_000_000 => "100万以下",
        1_000_000..5_000_000 => "100-500万",
        5_000_000..10_000_000 => "500-1000万",
        10_000_000..100_000_000 => "1000万-1亿",
        _ => "1亿以上",
    }
}

const fn size_grade(yuan: u64) -> char {
    match yuan {
        0..1_000_000 => 'D',
        1_000_000..10_000_000 => 'C',
        10_000_000..100_000_000 => 'B',
        _ => 'A',
    }
}

/// A finer index, from 100 to 10,199: a hundred times the vitality, and what is made up of the firm's code. Its last digit
/// means nothing, and carries the mark of whom a file is for.
fn activity(firm: &Enterprise, age: u32) -> u32 {
    let made_up = firm.uscc.bytes().fold(0_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 100);
    (vitality(firm, age) + 1) * 100 + made_up
}

/// An index from 0 to 100 in steps of 5: 0 for a firm out of business, else more for age (to 50) and size (to
/// 50).
fn vitality(firm: &Enterprise, age: u32) -> u32 {
    if firm.status != crate::register::Status::Active {
        return 0;
    }
    let size = match size_grade(firm.registered_capital_yuan) {
        'A' => 50,
        'B' => 40,
        'C' => 25,
        _ => 10,
    };
    size + (age * 5).min(50)
}
