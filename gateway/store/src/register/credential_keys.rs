//! What credentials hold for good: public keys, and the names of those that were revoked. Nothing of it comes back.

use rusqlite::Connection;
use shuzha_core::Id;

use super::{Register, first, id};
use crate::StoreError;

/// What a credential holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A public key, in base 64.
    Key(String),
    /// Its own name.
    Name,
}

impl Held {
    fn key(&self, credential: &Id) -> String {
        match self {
            Self::Key(key) => format!("key:{key}"),
            Self::Name => format!("name:{credential}"),
        }
    }
}

/// Notes that `credential` holds the key. One that is another's, or gone, is not given: 0.
pub(super) fn claim(connection: &Connection, credential: &Id, held: &Held) -> Result<usize, rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO credential_keys VALUES (?1, ?2, 0)
             ON CONFLICT (key) DO UPDATE SET gone = 0 WHERE credential = ?2 AND gone = 0",
        )?
        .execute([held.key(credential).as_str(), credential.as_str()])
}

/// Notes that all keys of `credential` are gone, but for `keep`.
pub(super) fn retire(
    connection: &Connection,
    credential: &Id,
    keep: Option<&str>,
) -> Result<usize, rusqlite::Error> {
    let keep = keep.map(|key| format!("key:{key}"));
    connection
        .prepare_cached("UPDATE credential_keys SET gone = 1 WHERE credential = ?1 AND key IS NOT ?2")?
        .execute(rusqlite::params![credential.as_str(), keep])
}

/// Notes that no credential of this name is in force any more.
pub(super) fn retire_name(connection: &Connection, credential: &Id) -> Result<usize, rusqlite::Error> {
    connection
        .prepare_cached("REPLACE INTO credential_keys VALUES (?1, ?2, 1)")?
        .execute([Held::Name.key(credential).as_str(), credential.as_str()])
}

impl Register {
    /// Whether `credential` may hold this: neither another credential has it, nor is it gone.
    ///
    /// # Errors
    /// Of the database.
    pub fn may_hold(&self, credential: &Id, held: &Held) -> Result<bool, StoreError> {
        let sql = "SELECT gone, credential FROM credential_keys WHERE key = ?1";
        let found = first(&self.lock(), sql, [held.key(credential).as_str()], |row| {
            Ok((row.get::<_, bool>(0)?, id(row, 1, "credential_keys")?))
        })?;
        Ok(found.is_none_or(|(gone, other)| !gone && other == *credential))
    }
}
