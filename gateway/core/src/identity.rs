//! Identity numbers of persons (公民身份号码, GB 11643-1999) and organisations (统一社会信用代码, GB 32100-2015).
//!
//! Only the canonical form is accepted: ASCII digits, upper-case letters and, for persons, an upper-case `X`.
//! Full-width digits, lower-case letters and the old 15-digit form are refused, never converted: two spellings
//! of one person must not become two subjects.

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

/// Checks an 18-character 统一社会信用代码: character set, area digits, check character.
///
/// # Errors
/// [`IdentityError`] names the fault by position.
pub fn check_organisation(code: &str) -> Result<(), IdentityError> {
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
