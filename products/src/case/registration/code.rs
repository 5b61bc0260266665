//! The code of a certificate (一证一码): `DJ-20260305-PERSON-CHECK-K`.
//!
//! `DJ` for 登记, the day of issue, the registration's name, a check character. Names are unique in the register and a
//! registration is certified once, so no two certificates share a code, and a code leads to its registration without an index.

use shuzha_core::{Id, Timestamp};

use super::term;

const PREFIX: &str = "DJ";
const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// The code of the certificate issued at `at` for the registration `name`.
pub(super) fn issue(name: &Id, at: Timestamp) -> String {
    let body = format!("{PREFIX}-{}-{}", term::compact_date(at), name.as_str().to_ascii_uppercase());
    let check = check_character(&body);
    format!("{body}-{check}")
}

/// The registration whose certificate carries `code`, or `None` where the code is not well-formed or its check character
/// does not match.
#[must_use]
pub fn registration_of(code: &str) -> Option<Id> {
    let (body, check) = code.rsplit_once('-')?;
    let (date, name) = body.strip_prefix(PREFIX)?.strip_prefix('-')?.split_once('-')?;
    let dated = date.len() == 8 && date.bytes().all(|digit| digit.is_ascii_digit());
    let right =
        check.chars().eq([check_character(body)]) && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    if dated && right { Id::new(&name.to_ascii_lowercase()).ok() } else { None }
}

/// ISO 7064 MOD 37,36 over letters and digits: finds every single wrong character and nearly every swapped pair. The
/// signs between them are not covered.
fn check_character(body: &str) -> char {
    let mut sum = 36;
    for byte in body.bytes() {
        let Some(value) = ALPHABET.iter().position(|known| *known == byte) else { continue };
        sum = (sum + value) % 36;
        sum = if sum == 0 { 36 } else { sum } * 2 % 37;
    }
    char::from(ALPHABET[(37 - sum) % 36])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b5_a_code_names_its_registration_and_every_wrong_character_is_found() {
        let name = Id::new("person-check.2").expect("a name");
        let code = issue(&name, Timestamp::from_seconds(1_767_196_800));
        assert!(code.starts_with("DJ-20260101-PERSON-CHECK.2-"), "{code}");
        assert_eq!(registration_of(&code), Some(name));
        for (at, byte) in code.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric()) {
            for other in ALPHABET.iter().filter(|other| **other != byte) {
                let mut wrong = code.clone().into_bytes();
                wrong[at] = *other;
                let wrong = String::from_utf8(wrong).expect("ASCII");
                assert_eq!(registration_of(&wrong), None, "{wrong}");
            }
        }
        for wrong in ["", "DJ", "DJ-1-A-0", "DJ-20260101-a-0"] {
            assert_eq!(registration_of(wrong), None, "{wrong}");
        }
    }
}
