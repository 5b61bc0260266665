//! Passwords: argon2id, and the rules for new ones.

use argon2::{Algorithm, Argon2, Params, Version};
use shuzha_core::{Code, Id};
use shuzha_store::register::{Account, Password};
use subtle::ConstantTimeEq;

use super::Accounts;
use crate::Error;

/// Shortest password in characters.
const CHARS_MIN: usize = 12;
/// Longest password in bytes: hashing takes time by length.
const BYTES_MAX: usize = 256;
/// Fewest different characters.
const DIFFERENT_MIN: usize = 5;

/// Passwords that everybody tries, in lower case; those below [`CHARS_MIN`] need no mention.
const COMMON: &str = include_str!("common.txt");

/// Argon2's lanes. One: hashes are computed on one thread.
const LANES: u32 = 1;

fn compute(password: &str, salt: &[u8; 16], memory_kib: u32, passes: u32, lanes: u32) -> Option<[u8; 32]> {
    let params = Params::new(memory_kib, passes, lanes, Some(32)).ok()?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; 32];
    argon.hash_password_into(password.as_bytes(), salt, &mut hash).ok()?;
    Some(hash)
}

impl Accounts {
    /// Hashes a new password, in a turn of [`Accounts::turns`].
    pub(super) fn hashed(&self, account: &Id, password: &str, temporary: bool) -> Password {
        let salt = self.control.random();
        let (memory_kib, passes, lanes) = (self.options.memory_kib, self.options.passes, LANES);
        let hash = compute(password, &salt, memory_kib, passes, lanes);
        let hash = hash.expect("the options and the password are within argon2's bounds");
        Password { account: account.clone(), memory_kib, passes, lanes, salt, hash, temporary }
    }

    /// Whether `password` is the one kept, in a turn of [`Accounts::turns`]. Without one, the same work is done for nothing.
    pub(super) fn matches(&self, kept: Option<&Password>, password: &str) -> bool {
        if password.len() > BYTES_MAX {
            return false;
        }
        let (salt, memory_kib, passes, lanes) = match kept {
            Some(kept) => (kept.salt, kept.memory_kib, kept.passes, kept.lanes),
            None => ([0; 16], self.options.memory_kib, self.options.passes, LANES),
        };
        let hash = compute(password, &salt, memory_kib, passes, lanes);
        let kept = kept.map_or([0; 32], |kept| kept.hash);
        hash.is_some_and(|hash| bool::from(hash.ct_eq(&kept))) && kept != [0; 32]
    }
}

/// Whether `password` may be the account's.
///
/// # Errors
/// C1107 with the rule that it breaks.
pub(super) fn check(account: &Account, password: &str) -> Result<(), Error> {
    let folded = password.to_lowercase();
    let different: std::collections::BTreeSet<char> = folded.chars().collect();
    let reason = if password.chars().count() < CHARS_MIN {
        format!("has at least {CHARS_MIN} characters")
    } else if password.len() > BYTES_MAX {
        format!("has at most {BYTES_MAX} bytes")
    } else if different.len() < DIFFERENT_MIN {
        format!("has at least {DIFFERENT_MIN} different characters")
    } else if folded.contains(account.name.as_str()) || folded.contains(&account.person.to_lowercase()) {
        "does not hold the account's or the person's name".to_owned()
    } else if COMMON.lines().any(|common| common == folded) {
        "is not one that everybody tries".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::fault(Code::C1107, "password", reason))
}
