//! Identity numbers of persons (公民身份号码, GB 11643-1999) and organisations (统一社会信用代码, GB 32100-2015).
//!
//! Only the canonical form is accepted: ASCII digits, upper-case letters and, for persons, an upper-case `X`.
//! Full-width digits, lower-case letters and the old 15-digit form are refused, never converted: two spellings
//! of one person must not become two subjects.

use std::collections::HashSet;
use std::sync::OnceLock;

/// Why an identity number was refused. Never carries the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Wrong number of characters.
    #[error("wrong length")]
    Length,
    /// A character that this position may not hold.
    #[error("a character is not allowed at position {0}")]
    Character(usize),
    /// The date of birth does not exist.
    #[error("the date of birth does not exist")]
    Date,
    /// No area has this code (positions 3 to 8).
    #[error("positions 3 to 8 are no area (GB/T 2260)")]
    Area,
    /// The check character of the 组织机构代码 inside does not match.
    #[error("the check character of the 组织机构代码 (position 17) does not match")]
    Entity,
    /// It is a person's number.
    #[error("it is a person's number (GB 11643)")]
    Person,
    /// The check character does not match.
    #[error("the check character (last position) does not match")]
    Check,
}

const PERSON_WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const PERSON_CHECKS: &[u8; 11] = b"10X98765432";

/// The check character of the first 17 digits of a person's number (GB 11643-1999 §5, ISO 7064 MOD 11-2), or
/// `None` when they are not 17 digits.
#[must_use]
pub fn person_check(first_17: &[u8]) -> Option<u8> {
    if first_17.len() != 17 || !first_17.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: u32 = first_17.iter().zip(PERSON_WEIGHTS).map(|(&digit, w)| u32::from(digit - b'0') * w).sum();
    Some(PERSON_CHECKS[(sum % 11) as usize])
}

/// Checks a person's 18-character number: digits, date of birth, check character.
///
/// # Errors
/// [`IdentityError`] names the fault, by position and never by value.
pub fn check_person(number: &str) -> Result<(), IdentityError> {
    let raw = number.as_bytes();
    if raw.len() != 18 {
        return Err(IdentityError::Length);
    }
    if let Some(at) = raw[..17].iter().position(|b| !b.is_ascii_digit()) {
        return Err(IdentityError::Character(at + 1));
    }
    if !(raw[17].is_ascii_digit() || raw[17] == b'X') {
        return Err(IdentityError::Character(18));
    }
    let number_at = |range: std::ops::Range<usize>| {
        raw[range].iter().fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'))
    };
    if !date_exists(number_at(6..10), number_at(10..12), number_at(12..14)) {
        return Err(IdentityError::Date);
    }
    if person_check(&raw[..17]) == Some(raw[17]) { Ok(()) } else { Err(IdentityError::Check) }
}

fn date_exists(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return false,
    };
    (1800..2200).contains(&year) && (1..=days).contains(&day)
}

const ENTITY_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
/// By remainder of the sum by 11.
const ENTITY_CHECKS: &[u8; 11] = b"0X987654321";

/// Departments of registration and their categories (GB 32100-2015 Table 1, with its amendments).
const DEPARTMENTS: [(u8, &[u8]); 12] = [
    (b'1', b"1239"),
    (b'2', b"19"),
    (b'3', b"123459"),
    (b'4', b"19"),
    (b'5', b"1239"),
    (b'6', b"129"),
    (b'7', b"129"),
    (b'8', b"19"),
    (b'9', b"123"),
    (b'A', b"19"),
    (b'N', b"1239"),
    (b'Y', b"1"),
];

const ORGANISATION_SET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const ORGANISATION_WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// The value of a character in GB 32100's set (`I`, `O`, `S`, `V`, `Z` are not in it).
fn organisation_value(character: u8) -> Option<u32> {
    ORGANISATION_SET.iter().position(|&c| c == character).and_then(|at| u32::try_from(at).ok())
}

/// The check character of the first 17 characters of a 统一社会信用代码 (GB 32100-2015 §4.5), or `None` when one
/// of them is not in the set.
#[must_use]
pub fn organisation_check(first_17: &[u8]) -> Option<u8> {
    if first_17.len() != 17 {
        return None;
    }
    let mut sum = 0;
    for (&character, weight) in first_17.iter().zip(ORGANISATION_WEIGHTS) {
        sum += organisation_value(character)? * weight;
    }
    Some(ORGANISATION_SET[((31 - sum % 31) % 31) as usize])
}

/// The check character of the first 8 characters of a 组织机构代码 (GB 11714-1997 §3), which stands at positions 9 to 17 of a
/// 统一社会信用代码; or `None` when one of them is neither a digit nor a capital letter.
#[must_use]
pub fn entity_check(first_8: &[u8]) -> Option<u8> {
    if first_8.len() != ENTITY_WEIGHTS.len() {
        return None;
    }
    let mut sum = 0;
    for (&character, weight) in first_8.iter().zip(ENTITY_WEIGHTS) {
        let value = match character {
            b'0'..=b'9' => character - b'0',
            b'A'..=b'Z' => character - b'A' + 10,
            _ => return None,
        };
        sum += u32::from(value) * weight;
    }
    Some(ENTITY_CHECKS[(sum % 11) as usize])
}

/// Checks the form of a 统一社会信用代码: character set, digits of the area, check character. What was declared before the
/// whole code was looked at is read so.
///
/// # Errors
/// [`IdentityError`] names the fault by position.
pub fn check_organisation_form(code: &str) -> Result<(), IdentityError> {
    let raw = code.as_bytes();
    if raw.len() != 18 {
        return Err(IdentityError::Length);
    }
    if let Some(at) = raw.iter().position(|&c| organisation_value(c).is_none()) {
        return Err(IdentityError::Character(at + 1));
    }
    if let Some(at) = raw[2..8].iter().position(|c| !c.is_ascii_digit()) {
        return Err(IdentityError::Character(at + 3));
    }
    if organisation_check(&raw[..17]) == Some(raw[17]) { Ok(()) } else { Err(IdentityError::Check) }
}

/// Checks an 18-character 统一社会信用代码 (GB 32100-2015): its form, its department and category, its area in the form of GB/T
/// 2260, and the 组织机构代码 inside. One person's number in 31 has the form; it is no code, even where all of that fits by
/// accident. Codes that were really issued otherwise pass where they were excepted ([`except_organisations`]).
///
/// # Errors
/// [`IdentityError`] names the fault by position.
pub fn check_organisation(code: &str) -> Result<(), IdentityError> {
    if EXCEPTED.get().is_some_and(|excepted| excepted.contains(code)) {
        return Ok(());
    }
    check_organisation_form(code)?;
    let raw = code.as_bytes();
    let (_, categories) = DEPARTMENTS
        .iter()
        .find(|(department, _)| *department == raw[0])
        .ok_or(IdentityError::Character(1))?;
    if !categories.contains(&raw[1]) {
        return Err(IdentityError::Character(2));
    }
    if !area_is_possible(&raw[2..8]) {
        return Err(IdentityError::Area);
    }
    if entity_check(&raw[8..16]) != Some(raw[16]) {
        return Err(IdentityError::Entity);
    }
    if check_person(code).is_ok() { Err(IdentityError::Person) } else { Ok(()) }
}

/// Whether six digits have the form of an area (GB/T 2260): one of the eight regions, a province in it; `100000` stands for
/// the whole state.
fn area_is_possible(area: &[u8]) -> bool {
    let province = matches!(area[0], b'1'..=b'8') && (area[1] != b'0' || area.starts_with(b"50"));
    province || area == b"100000"
}

/// Codes that pass though they do not keep the standard. Set once, by whoever reads the configuration, before anything is
/// checked; never changed after.
static EXCEPTED: OnceLock<HashSet<String>> = OnceLock::new();

/// Excepts codes that were really issued otherwise, mostly before 2016. The first list counts for the whole process;
/// answers whether this was it.
///
/// # Errors
/// The place in the list of the first that can be no code: another length or character set, or a person's number.
pub fn except_organisations(codes: &[String]) -> Result<bool, usize> {
    let possible = |code: &String| {
        let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        code.len() == 18 && code.bytes().all(plain) && check_person(code).is_err()
    };
    match codes.iter().position(|code| !possible(code)) {
        Some(at) => Err(at),
        None => Ok(EXCEPTED.set(codes.iter().cloned().collect()).is_ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of GB 11643-1999 (a number assigned to nobody).
    #[test]
    fn the_standards_example_person_passes() {
        assert_eq!(check_person("11010519491231002X"), Ok(()));
        assert_eq!(check_person("440524188001010014"), Ok(()));
    }

    #[test]
    fn persons_are_refused_by_position() {
        assert_eq!(check_person("11010519491231002x"), Err(IdentityError::Character(18)));
        assert_eq!(check_person("110105194912310021"), Err(IdentityError::Check));
        assert_eq!(check_person("110105194913310025"), Err(IdentityError::Date));
        assert_eq!(check_person("110105490101002"), Err(IdentityError::Length));
        assert_eq!(check_person("1101051949123100２X"), Err(IdentityError::Length));
        assert_eq!(check_person("1101A519491231002X"), Err(IdentityError::Character(5)));
    }

    /// The worked example of GB 32100-2015.
    #[test]
    fn organisations_are_checked() {
        assert_eq!(check_organisation("91350100M000100Y43"), Ok(()));
        assert_eq!(check_organisation("91350100M000100Y44"), Err(IdentityError::Check));
        assert_eq!(check_organisation("91350100M000100I43"), Err(IdentityError::Character(16)));
        assert_eq!(check_organisation("9135010"), Err(IdentityError::Length));
    }

    /// Public reports F11: a person's number that satisfies MOD 31 too, and a code of zeros.
    #[test]
    fn a_persons_number_is_no_code_of_an_organisation() {
        assert_eq!(check_person("690113199802030014"), Ok(()), "a number that satisfies both checks");
        for code in ["690113199802030014", "000000000000000000"] {
            assert_eq!(check_organisation_form(code), Ok(()), "{code}: the form alone let it pass");
            assert!(check_organisation(code).is_err(), "{code}");
        }
        // Every person's number that has the form: born on each day of a year, in every province.
        let mut met = 0;
        for area in ["110101", "131102", "310115", "320102", "340103", "440305", "510104", "520102", "690113"]
        {
            for month in 1..=12 {
                for day in 1..=28 {
                    for serial in 0..100 {
                        let mut number = format!("{area}1990{month:02}{day:02}{serial:03}").into_bytes();
                        number.extend(person_check(&number));
                        let number = String::from_utf8(number).expect("ASCII");
                        if check_organisation_form(&number).is_ok() {
                            met += 1;
                            assert!(check_organisation(&number).is_err(), "{number}");
                        }
                    }
                }
            }
        }
        assert!(met > 1_000, "{met} numbers had the form");
    }

    /// Each part of GB 32100 is looked at; the check characters are made right, so that nothing else is at fault.
    #[test]
    fn each_part_of_a_code_is_checked() {
        let made = |start: &str, entity: &str| {
            let mut code = format!("{start}{entity}").into_bytes();
            code.extend(entity_check(entity.as_bytes()));
            code.extend(organisation_check(&code));
            String::from_utf8(code).expect("ASCII")
        };
        assert_eq!(check_organisation(&made("91690114", "MAC4UCDX")), Ok(()));
        for (start, expected) in [
            ("01690114", IdentityError::Character(1)),
            ("B1690114", IdentityError::Character(1)),
            ("94690114", IdentityError::Character(2)),
            ("Y2690114", IdentityError::Character(2)),
            ("91011319", IdentityError::Area),
            ("91900000", IdentityError::Area),
            ("91100001", IdentityError::Area),
            ("91200000", IdentityError::Area),
        ] {
            assert_eq!(check_organisation(&made(start, "MAC4UCDX")), Err(expected), "{start}");
        }
        for start in ["11100000", "91500000", "N2370100", "A1110105", "35440300"] {
            assert_eq!(check_organisation(&made(start, "MAC4UCDX")), Ok(()), "{start}");
        }
        let mut inner = b"91690114MAC4UCDX2".to_vec();
        inner.extend(organisation_check(&inner));
        let inner = String::from_utf8(inner).expect("ASCII");
        assert_eq!(check_organisation(&inner), Err(IdentityError::Entity));
        assert_eq!(entity_check(b"D2143569"), Some(b'X'), "the worked example of GB 11714");
    }

    /// The only test of this binary that excepts anything: the list counts for the whole process.
    #[test]
    fn codes_that_were_issued_otherwise_pass_where_they_are_excepted() {
        let old = "91690114123456789X".to_owned();
        assert!(check_organisation(&old).is_err());
        assert_eq!(except_organisations(&["690113199802030014".to_owned()]), Err(0), "never a person");
        assert_eq!(except_organisations(&[old.clone(), "short".to_owned()]), Err(1));
        assert_eq!(except_organisations(std::slice::from_ref(&old)), Ok(true));
        assert_eq!(check_organisation(&old), Ok(()));
        assert_eq!(except_organisations(&[]), Ok(false), "the first list counts");
    }

    #[test]
    fn every_single_digit_error_is_caught() {
        let good = *b"11010519491231002X";
        for at in 0..17 {
            for digit in b'0'..=b'9' {
                let mut bad = good;
                bad[at] = digit;
                if bad != good {
                    let text = std::str::from_utf8(&bad).expect("ascii");
                    assert!(check_person(text).is_err(), "{at}");
                }
            }
        }
    }
}
