//! Synthetic enterprises: index ↔ 统一社会信用代码, and what a register keeps about each.
//!
//! A code is `91` (registered by the market authority, an enterprise), the area, the organisation code of GB
//! 11714 (`MA`, six characters, its own check character) and the check character of GB 32100: 14 billion
//! possible codes, of which the permutation picks fifty thousand.

use shuzha_core::identity;

use super::area::{self, AREAS, Area, CITY};
use super::date::{Date, days_of_years};
use super::person;
use super::words::{BRANDS, TRADES};
use crate::shuffle::{Draws, Permutation};

/// How many enterprises there are.
pub const ENTERPRISES: u32 = 50_000;

/// Registering authority and kind: market authority, enterprise (GB 32100-2015).
const KIND: &str = "91";
/// How organisation codes begin since they are given out with the unified code.
const ORGANISATION_PREFIX: &str = "MA";
/// The characters of GB 32100-2015; all of them are also characters of GB 11714.
const SET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Free characters of an organisation code, in two halves of three.
const HALF: u64 = 31 * 31 * 31;
/// First and last year of founding.
const FOUNDED: (u32, u32) = (1992, 2024);
const SEED: u64 = 0x5EED_0000_0003;
const ATTRIBUTE_SEED: u64 = 0x5EED_0000_0004;
const CODES: Permutation = Permutation::new(AREAS.len() as u64 * HALF, HALF, SEED);
/// Registered capital in ten thousand yuan, small firms first.
const CAPITAL_WAN: [u64; 12] = [10, 50, 100, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 80_000];
const LEGAL_FORMS: [&str; 8] = [
    "有限公司",
    "有限公司",
    "有限公司",
    "有限公司",
    "有限公司",
    "有限责任公司",
    "有限责任公司",
    "股份有限公司",
];

/// What the register says of an enterprise's life (登记状态).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 存续: in business.
    Active,
    /// 注销: deregistered at its own request.
    Deregistered,
    /// 吊销: licence revoked.
    Revoked,
    /// 迁出: moved to another register.
    MovedOut,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Active, Self::Deregistered, Self::Revoked, Self::MovedOut];

    /// The register's own word.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Active => "存续",
            Self::Deregistered => "注销",
            Self::Revoked => "吊销",
            Self::MovedOut => "迁出",
        }
    }
}

/// An enterprise that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enterprise {
    /// 统一社会信用代码, 18 characters, both check characters valid.
    pub uscc: String,
    /// Name.
    pub name: String,
    /// Status.
    pub status: Status,
    /// Day of founding.
    pub established: Date,
    /// Where it is registered.
    pub area: Area,
    /// Section of GB/T 4754-2017.
    pub section: char,
    /// Legal representative (法定代表人), synthetic.
    pub legal_person: String,
    /// Eleven digits beginning with `100`. Mobile numbers begin with 13–19, so it rings nowhere.
    pub phone: String,
    /// Registered capital in yuan.
    pub registered_capital_yuan: u64,
    /// A mark of the register's own staff; no part of any product.
    pub at_risk: bool,
}

/// The three characters of `half`, written in base 31.
fn characters(half: u64) -> [u8; 3] {
    let at = |place: u64| SET[usize::try_from(place % 31).expect("below 31")];
    [at(half / 961), at(half / 31), at(half)]
}

/// The number that three characters write in base 31.
fn half(characters: &[u8]) -> Option<u64> {
    characters.iter().try_fold(0, |value, character| {
        let digit = SET.iter().position(|known| known == character)?;
        Some(value * 31 + u64::try_from(digit).ok()?)
    })
}

/// The check character of an organisation code's first eight characters (GB 11714-1997, MOD 11): digits
/// count as themselves, letters from A = 10 to Z = 35.
fn organisation_code_check(first_8: &[u8]) -> char {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let value = |c: u8| u32::from(if c.is_ascii_digit() { c - b'0' } else { c - b'A' + 10 });
    let sum: u32 = first_8.iter().zip(WEIGHTS).map(|(&character, weight)| value(character) * weight).sum();
    match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from_digit(digit, 10).expect("1 to 9"),
    }
}

/// The code of the area at position `area` with these two halves.
fn code(area: usize, halves: [u64; 2]) -> String {
    let mut organisation = String::from(ORGANISATION_PREFIX);
    organisation.extend(halves.iter().flat_map(|&half| characters(half)).map(char::from));
    organisation.push(organisation_code_check(organisation.as_bytes()));
    let mut code = format!("{KIND}{}{organisation}", AREAS[area].code);
    let check = identity::organisation_check(code.as_bytes()).expect("2 + 6 + 9 characters of the set");
    code.push(char::from(check));
    code
}

/// The enterprise at `index`.
///
/// # Panics
/// When `index` is not below [`ENTERPRISES`].
#[must_use]
pub fn enterprise(index: u32) -> Enterprise {
    assert!(index < ENTERPRISES, "there are {ENTERPRISES} enterprises");
    let (place, low) = CODES.place(u64::from(index));
    let at = usize::try_from(place / HALF).expect("below the number of areas");
    let area = AREAS[at];

    let mut draws = Draws::new(ATTRIBUTE_SEED, u64::from(index));
    let (trade, section) = draws.pick(&TRADES);
    let brand = [draws.pick(&BRANDS), draws.pick(&BRANDS)].concat();
    let name = format!("{CITY}{}{brand}{trade}{}", area.name, draws.pick(&LEGAL_FORMS));
    let status = match draws.below(100) {
        0..88 => Status::Active,
        88..95 => Status::Deregistered,
        95..98 => Status::Revoked,
        _ => Status::MovedOut,
    };
    let days = days_of_years(FOUNDED.0, FOUNDED.1) as usize;
    let day = u32::try_from(draws.below(days)).expect("below the days of some decades");
    let female = draws.below(3) == 0;
    Enterprise {
        uscc: code(at, [place % HALF, low]),
        name,
        status,
        established: Date::after(FOUNDED.0, day),
        area,
        section,
        legal_person: person::name(&mut draws, female),
        phone: format!("100{:08}", draws.below(100_000_000)),
        registered_capital_yuan: draws.pick_early(&CAPITAL_WAN) * 10_000,
        at_risk: draws.below(20) == 0,
    }
}

/// The index of the enterprise with this code, or `None` when there is none. Codes that are not well-formed
/// are nobody's.
#[must_use]
pub fn enterprise_index(uscc: &str) -> Option<u32> {
    identity::check_organisation(uscc).ok()?;
    let at = area::position(uscc.get(2..8)?)?;
    let raw = uscc.as_bytes();
    let halves = [half(&raw[10..13])?, half(&raw[13..16])?];
    // Prefixes and the inner check character have one right value each: whatever spells the code otherwise is
    // another.
    if code(at, halves) != uscc {
        return None;
    }
    let place = u64::try_from(at).ok()? * HALF + halves[0];
    u32::try_from(CODES.index((place, halves[1]))).ok().filter(|&index| index < ENTERPRISES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The organisation code inside the worked example of GB 32100-2015, `91350100M000100Y43`.
    #[test]
    fn the_standards_example_has_our_inner_check() {
        assert_eq!(organisation_code_check(b"M000100Y"), '4');
    }

    #[test]
    fn halves_are_written_and_read_in_base_31() {
        assert_eq!((characters(0), characters(HALF - 1)), (*b"000", *b"YYY"));
        assert!((0..HALF).all(|number| half(&characters(number)) == Some(number)));
        assert_eq!(half(b"0I0"), None);
    }
}
