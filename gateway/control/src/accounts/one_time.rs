//! One-time codes (RFC 6238: HMAC-SHA-1, 6 digits, 30 seconds) and recovery codes for when the device is lost.

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use shuzha_core::{Code, Id, Timestamp};
use shuzha_store::register::{Effect, OneTimeSecret};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Accounts, author, conflict_is, hash};
use crate::{Caller, Error};

/// Seconds of one time step.
const STEP_SECONDS: i64 = 30;
/// Digits of a code, as the power of ten they count to.
const DIGITS: u32 = 6;
/// Time steps before and after the present one whose codes are taken: clocks differ.
const STEPS_AROUND: i64 = 1;
/// Bytes of a secret: as many as the hash has (RFC 4226 §4, R6).
pub(super) const SECRET_BYTES: usize = 20;
/// Recovery codes given out at once.
const RECOVERY_CODES: usize = 10;

/// What a person needs for setting their device up; shown once.
pub struct Enrolment {
    /// The secret in base 32.
    pub secret: Zeroizing<String>,
    /// The same as an address that devices read, `otpauth://totp/…`.
    pub address: Zeroizing<String>,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enrolment")
    }
}

/// What a device is set up with.
pub(super) fn enrolment(account: &Id, secret: &[u8]) -> Enrolment {
    let secret = Zeroizing::new(base32(secret));
    let address = format!("otpauth://totp/Shuzha:{account}?secret={}&issuer=Shuzha", *secret);
    Enrolment { secret, address: Zeroizing::new(address) }
}

/// Base 32 (RFC 4648 §6) without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for &byte in bytes {
        held = held << 8 | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(LETTERS[(held >> bits & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(LETTERS[(held << (5 - bits) & 31) as usize]));
    }
    text
}

/// The code of counter `step` (RFC 4226 §5.3), as a number of `digits` digits.
fn code(secret: &[u8], step: u64, digits: u32) -> u32 {
    let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret), &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[tag.len() - 1] & 15);
    let word = u32::from_be_bytes(tag[at..at + 4].try_into().expect("four bytes"));
    (word & 0x7fff_ffff) % 10_u32.pow(digits)
}

/// The code that a person's device shows at `now`, from the secret that it was set up with; none for a secret that is not
/// in base 32.
#[must_use]
pub fn device_code(secret: &str, now: Timestamp) -> Option<String> {
    let mut key = Zeroizing::new(Vec::with_capacity(SECRET_BYTES));
    let (mut held, mut bits) = (0_u32, 0_u32);
    for letter in secret.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        held = held << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            key.push(u8::try_from(held >> bits & 255).expect("eight bits"));
        }
    }
    let step = u64::try_from(step_of(now)).ok()?;
    Some(format!("{:06}", code(&key, step, DIGITS)))
}

fn step_of(now: Timestamp) -> i64 {
    now.seconds().div_euclid(STEP_SECONDS)
}

/// The time step near `now` whose code `text` is.
pub(super) fn matching_step(secret: &[u8], text: &str, now: Timestamp) -> Option<u64> {
    let present = step_of(now);
    // Every step is compared, so that the time taken does not tell which one it was.
    let mut found = None;
    for step in present - STEPS_AROUND..=present + STEPS_AROUND {
        let Ok(step) = u64::try_from(step) else { continue };
        let expected = format!("{:06}", code(secret, step, DIGITS));
        if bool::from(expected.as_bytes().ct_eq(text.as_bytes())) {
            found = Some(step);
        }
    }
    found
}

impl Accounts {
    /// Makes a secret for one-time codes, which counts once [`Accounts::confirm_one_time`] has seen a code of it.
    ///
    /// # Errors
    /// C1007 where one-time codes are in use already; C1106 by token.
    pub fn enrol_one_time(&self, caller: &Caller) -> Result<Enrolment, Error> {
        let account = self.own_account(caller)?;
        let secret = Zeroizing::new(self.control.random::<SECRET_BYTES>());
        let sealed = OneTimeSecret::seal(&self.master, &*self.control.rng, &account.name, &*secret)?;
        self.accept(author(&account), "one-time-enrol", &account.name, vec![Effect::OneTime(sealed)])
            .map_err(conflict_is(Code::C1007))?;
        Ok(enrolment(&account.name, &*secret))
    }

    /// Puts one-time codes into use, by a first code. Answers recovery codes, each good once; shown once. Every other
    /// sign-on of the account ends; the session that asks, where it is given, goes on.
    ///
    /// # Errors
    /// C1102 when the code is not right, C1103 after too many; C1007 where nothing waits to be confirmed.
    pub fn confirm_one_time(
        &self,
        caller: &Caller,
        code: &str,
        session: Option<&str>,
    ) -> Result<Vec<Zeroizing<String>>, Error> {
        let account = self.own_account(caller)?;
        let tried = format!("code {}", account.name);
        self.attempt(&tried, None)?;
        let kept = self.control.register.one_time_secret(&self.master, &account.name)?;
        let Some((secret, false)) = kept else { return Err(Code::C1007.into()) };
        let step = matching_step(secret.expose(), code, self.control.now()).ok_or(Code::C1102)?;
        if !self.control.register.take_step(&account.name, step)? {
            return Err(Code::C1102.into());
        }
        self.succeeded(&tried, None)?;
        let (codes, hashes) = self.recovery_codes();
        let effects = vec![
            Effect::ConfirmOneTime(account.name.clone()),
            Effect::RecoveryCodes(account.name.clone(), hashes),
            Effect::EndSignOns(account.name.clone(), session.map(hash)),
        ];
        self.accept(author(&account), "one-time-confirm", &account.name, effects)
            .map_err(conflict_is(Code::C1007))?;
        Ok(codes)
    }

    /// Takes one's own one-time codes out of use, with a last code; ends every sign-on. Those of somebody whose device is
    /// lost are taken out by [`Accounts::reset_one_time`].
    ///
    /// # Errors
    /// C1102 when the code is not right, C1103 after too many; C1007 where none are in use.
    pub fn remove_one_time(&self, caller: &Caller, code: &str) -> Result<(), Error> {
        let own = self.own_account(caller)?;
        let tried = format!("code {}", own.name);
        self.attempt(&tried, None)?;
        if !self.takes_code(&own.name, code)? {
            return Err(Code::C1102.into());
        }
        self.succeeded(&tried, None)?;
        let effects =
            vec![Effect::RemoveOneTime(own.name.clone()), Effect::EndSignOns(own.name.clone(), None)];
        let removed = self.accept(author(&own), "one-time-remove", &own.name, effects);
        removed.map(drop).map_err(conflict_is(Code::C1007))
    }

    /// Whether `text` is a one-time code of the account, or one of its recovery codes; either is good once.
    pub(super) fn takes_code(&self, account: &Id, text: &str) -> Result<bool, Error> {
        let register = &self.control.register;
        let Some((secret, true)) = register.one_time_secret(&self.master, account)? else { return Ok(false) };
        if let Some(step) = matching_step(secret.expose(), text, self.control.now()) {
            return Ok(register.take_step(account, step)?);
        }
        Ok(register.take_recovery_code(account, &hash(&folded(text)))?)
    }

    /// Recovery codes, and the hashes under which they are kept.
    pub(super) fn recovery_codes(&self) -> (Vec<Zeroizing<String>>, Vec<[u8; 32]>) {
        let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| self.recovery_code()).collect();
        let hashes = codes.iter().map(|code| hash(&folded(code))).collect();
        (codes, hashes)
    }

    fn recovery_code(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.control.random::<10>());
        let text = Zeroizing::new(base32(&*bytes));
        Zeroizing::new(format!("{}-{}-{}-{}", &text[..4], &text[4..8], &text[8..12], &text[12..]))
    }
}

/// A recovery code as it is hashed, however a person typed it.
pub(super) fn folded(code: &str) -> Zeroizing<String> {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    Zeroizing::new(letters.map(|c| c.to_ascii_uppercase()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, the column of SHA-1: eight digits.
    #[test]
    fn a3_codes_are_those_of_rfc_6238() {
        let secret = b"12345678901234567890";
        let vectors = [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ];
        for (seconds, expected) in vectors {
            let step = u64::try_from(step_of(Timestamp::from_seconds(seconds))).expect("after 1970");
            assert_eq!(code(secret, step, 8), expected, "at {seconds} s");
        }
    }

    /// RFC 4648 §10.
    #[test]
    fn base_32_is_that_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (plain, expected) in vectors {
            assert_eq!(base32(plain.as_bytes()), expected);
        }
    }

    #[test]
    fn a_device_shows_the_code_that_is_taken() {
        let secret = [9; SECRET_BYTES];
        let now = Timestamp::from_seconds(1_770_000_000);
        let shown = device_code(&base32(&secret), now).expect("base 32");
        assert!(matching_step(&secret, &shown, now).is_some());
        assert_eq!(device_code("not base 32", now), None);
    }

    #[test]
    fn a_code_holds_for_its_step_and_its_neighbours() {
        let secret = [7; SECRET_BYTES];
        let at = |seconds| Timestamp::from_seconds(seconds);
        let text = format!("{:06}", code(&secret, 100, DIGITS));
        for (seconds, expected) in
            [(2_969, None), (2_970, Some(100)), (3_000, Some(100)), (3_059, Some(100)), (3_060, None)]
        {
            assert_eq!(matching_step(&secret, &text, at(seconds)), expected, "at {seconds} s");
        }
        assert_eq!(matching_step(&secret, "", at(3_000)), None);
    }
}
