//! Secrets of credentials as the register has them: issued by an act, sealed, and taken back with the credential.

use rusqlite::{Connection, params};
use shuzha_core::Id;

use super::accounts::exists;
use super::{Register, id, rows};
use crate::StoreError;
use crate::secrets::{NONCE_BYTES, SealedSecret};

pub(super) fn put(connection: &Connection, secret: &SealedSecret) -> Result<usize, rusqlite::Error> {
    // A secret is never replaced: what callers hold stays good until its credential is revoked.
    connection
        .prepare_cached(
            "INSERT INTO credential_secrets VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (credential) DO UPDATE SET algorithm = ?2, nonce = ?3, sealed = ?4 WHERE sealed IS NULL",
        )?
        .execute(params![secret.credential.as_str(), secret.algorithm, secret.nonce, secret.sealed])
}

pub(super) fn forget(connection: &Connection, credential: &Id) -> Result<usize, rusqlite::Error> {
    connection
        // A row even where there was none: whoever mirrors the secrets drops one that was put there by another way.
        .prepare_cached(
            "INSERT INTO credential_secrets VALUES (?1, '', NULL, NULL)
             ON CONFLICT (credential) DO UPDATE SET nonce = NULL, sealed = NULL",
        )?
        .execute([credential.as_str()])
}

impl Register {
    /// Whether a secret was issued for the credential.
    ///
    /// # Errors
    /// Of the database.
    pub fn has_secret(&self, credential: &Id) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM credential_secrets WHERE credential = ?1 AND sealed IS NOT NULL";
        exists(&self.lock(), sql, [credential.as_str()])
    }

    /// Every credential that a secret was issued for, with the secret, or none where it was taken back.
    ///
    /// # Errors
    /// Of the database.
    pub fn sealed_secrets(&self) -> Result<Vec<(Id, Option<SealedSecret>)>, StoreError> {
        let sql = "SELECT credential, algorithm, nonce, sealed FROM credential_secrets";
        rows(&self.lock(), sql, [], |row| {
            let credential = id(row, 0, "credential_secrets")?;
            let algorithm: String = row.get(1)?;
            let sealed: (Option<[u8; NONCE_BYTES]>, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
            let secret = sealed.0.zip(sealed.1).map(|(nonce, sealed)| SealedSecret {
                credential: credential.clone(),
                algorithm,
                nonce,
                sealed,
            });
            Ok((credential, secret))
        })
    }
}
