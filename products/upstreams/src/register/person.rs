//! Synthetic persons: index ↔ 公民身份号码, and a name for each.
//!
//! An identity number is area (16) × date of birth (24,472 days) × sequence (001–999, odd for men, even for
//! women) and a check character: 391 million possible numbers, of which the permutation picks one million
//! without pattern. A well-formed number of these areas made up by a caller is therefore in the register once
//! in about 391 times.

use shuzha_core::identity;

use super::area::{self, AREAS};
use super::date::{Date, days_of_years};
use super::words::{MEN, SURNAMES, WOMEN};
use crate::shuffle::{Draws, Permutation};

/// How many persons there are.
pub const PERSONS: u32 = 1_000_000;

/// First and last year of birth: everyone is of age in 2025.
const BORN: (u32, u32) = (1940, 2006);
/// Sequence numbers of one area and day: 001–999.
const SEQUENCES: u64 = 999;
const SEED: u64 = 0x5EED_0000_0001;
const NAME_SEED: u64 = 0x5EED_0000_0002;
const DAYS: u64 = days_of_years(BORN.0, BORN.1) as u64;
const NUMBERS: Permutation = Permutation::new(AREAS.len() as u64 * SEQUENCES, DAYS, SEED);

/// A person who does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// 公民身份号码, 18 characters, check character valid.
    pub id_number: String,
    /// Name: one surname, one or two characters.
    pub name: String,
    /// Date of birth, as in the number.
    pub born: Date,
    /// Whether the number's sequence is even (GB 11643-1999 §4.2.3).
    pub female: bool,
}

fn number(value: u64) -> u32 {
    u32::try_from(value).expect("areas, days and sequences are below 2³²")
}

/// The person at `index`.
///
/// # Panics
/// When `index` is not below [`PERSONS`].
#[must_use]
pub fn person(index: u32) -> Person {
    assert!(index < PERSONS, "there are {PERSONS} persons");
    let (place, day) = NUMBERS.place(u64::from(index));
    let (area, sequence) = (number(place / SEQUENCES), number(place % SEQUENCES) + 1);
    let born = Date::after(BORN.0, number(day));
    let female = sequence.is_multiple_of(2);
    let mut id_number = format!("{}{}{sequence:03}", AREAS[area as usize].code, born.digits());
    let check = identity::person_check(id_number.as_bytes()).expect("6 + 8 + 3 digits");
    id_number.push(char::from(check));
    Person { id_number, name: name(&mut Draws::new(NAME_SEED, u64::from(index)), female), born, female }
}

/// The index of the person with this number, or `None` when nobody has it. Numbers that are not well-formed
/// are nobody's.
#[must_use]
pub fn person_index(id_number: &str) -> Option<u32> {
    identity::check_person(id_number).ok()?;
    let area = u64::try_from(area::position(id_number.get(..6)?)?).ok()?;
    let digits = |range: std::ops::Range<usize>| id_number.get(range)?.parse::<u32>().ok();
    let born = Date { year: digits(6..10)?, month: digits(10..12)?, day: digits(12..14)? };
    let day = u64::from(born.days_since(BORN.0)?);
    let sequence = u64::from(digits(14..17)?).checked_sub(1)?;
    if day >= DAYS {
        return None;
    }
    u32::try_from(NUMBERS.index((area * SEQUENCES + sequence, day))).ok().filter(|&index| index < PERSONS)
}

/// A name: surname, then one character (one in four) or two different ones.
pub(super) fn name(draws: &mut Draws, female: bool) -> String {
    let given = if female { &WOMEN } else { &MEN };
    let mut name = String::from(draws.pick_early(&SURNAMES));
    let first = draws.below(given.len());
    name.push_str(given[first]);
    if draws.below(4) > 0 {
        let step = 1 + draws.below(given.len() - 1);
        name.push_str(given[(first + step) % given.len()]);
    }
    name
}
