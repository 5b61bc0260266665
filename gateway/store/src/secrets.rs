//! HMAC secrets of credentials, sealed at rest: AES-256-GCM under the master key, bound to the credential's name and
//! algorithm, so that no row opens under another name.

mod master;

use ring::aead::{Aad, Nonce};
use shuzha_core::{Id, Rng};
use zeroize::Zeroizing;

pub use master::MasterKey;

use crate::{Store, StoreError};

/// Bytes of a GCM nonce.
pub(crate) const NONCE_BYTES: usize = 12;

/// A secret in the clear; zeroed when dropped, and never shown.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The secret's bytes, for making an HMAC key and nothing else.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// The secret of a credential, and what it is for.
pub struct CredentialSecret {
    /// The credential.
    pub credential: Id,
    /// The signature algorithm it is for, for example `hmac-sha256`.
    pub algorithm: String,
    /// The secret; none where it does not open.
    pub secret: Option<Secret>,
}

/// The secret of a credential, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    pub(crate) credential: Id,
    pub(crate) algorithm: String,
    pub(crate) nonce: [u8; NONCE_BYTES],
    pub(crate) sealed: Vec<u8>,
}

impl SealedSecret {
    /// Seals `secret` as the one of `credential` for `algorithm`.
    ///
    /// # Errors
    /// [`StoreError::Sealing`].
    pub fn seal(
        master: &MasterKey,
        rng: &(impl Rng + ?Sized),
        credential: &Id,
        algorithm: &str,
        secret: &[u8],
    ) -> Result<Self, StoreError> {
        let (nonce, sealed) = seal(master, rng, credential.as_str(), algorithm, secret)?;
        let (credential, algorithm) = (credential.clone(), algorithm.to_owned());
        Ok(Self { credential, algorithm, nonce, sealed: sealed.to_vec() })
    }
}

/// Names the credential and algorithm that a secret belongs to; lengths first, so no two pairs run together.
fn bound_to(credential: &str, algorithm: &str) -> Aad<Vec<u8>> {
    let mut bytes = Vec::with_capacity(credential.len() + algorithm.len() + 16);
    for part in [credential, algorithm] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    Aad::from(bytes)
}

/// Seals `secret` for `whose` and `what`; answers the nonce and the sealed bytes.
pub(crate) fn seal(
    master: &MasterKey,
    rng: &(impl Rng + ?Sized),
    whose: &str,
    what: &str,
    secret: &[u8],
) -> Result<([u8; NONCE_BYTES], Zeroizing<Vec<u8>>), StoreError> {
    let mut nonce = [0; NONCE_BYTES];
    rng.fill(&mut nonce);
    // With room for the tag from the start: growing would leave a copy of the secret behind.
    let mut sealed = Zeroizing::new(Vec::with_capacity(secret.len() + ring::aead::MAX_TAG_LEN));
    sealed.extend_from_slice(secret);
    let aad = bound_to(whose, what);
    let done = master.key().seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut *sealed);
    done.map_err(|_| StoreError::Sealing)?;
    Ok((nonce, sealed))
}

/// Opens what [`seal`] sealed.
pub(crate) fn open(
    master: &MasterKey,
    whose: &str,
    what: &str,
    nonce: [u8; NONCE_BYTES],
    mut sealed: Zeroizing<Vec<u8>>,
) -> Result<Secret, StoreError> {
    let aad = bound_to(whose, what);
    let opened = master.key().open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
    let length = opened.map_err(|_| StoreError::Unsealing(whose.to_owned()))?.len();
    sealed.truncate(length);
    Ok(Secret(sealed))
}

impl Store {
    /// Seals `secret` as the one of `credential` for `algorithm`, in place of any before; durable on return.
    ///
    /// # Errors
    /// [`StoreError::Sealing`], or of the database.
    pub fn put_secret(
        &self,
        master: &MasterKey,
        rng: &(impl Rng + ?Sized),
        credential: &Id,
        algorithm: &str,
        secret: &[u8],
    ) -> Result<(), StoreError> {
        let sealed = SealedSecret::seal(master, rng, credential, algorithm, secret)?;
        self.mirror_secrets(&[(credential.clone(), Some(sealed))])
    }

    /// Keeps sealed secrets in place of any before, and removes those of credentials that have none; all or nothing,
    /// durable on return.
    ///
    /// # Errors
    /// Of the database.
    pub fn mirror_secrets(&self, secrets: &[(Id, Option<SealedSecret>)]) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for (credential, secret) in secrets {
            match secret {
                Some(secret) => {
                    transaction.prepare_cached("REPLACE INTO secrets VALUES (?1, ?2, ?3, ?4)")?.execute((
                        credential.as_str(),
                        &secret.algorithm,
                        secret.nonce,
                        &secret.sealed,
                    ))?
                }
                None => transaction
                    .prepare_cached("DELETE FROM secrets WHERE credential = ?1")?
                    .execute([credential.as_str()])?,
            };
        }
        Ok(transaction.commit()?)
    }

    /// Opens every secret. One that does not open keeps no other from being opened; one that is under no well-formed name
    /// belongs to no credential and is passed over.
    ///
    /// # Errors
    /// Of the database.
    pub fn secrets(&self, master: &MasterKey) -> Result<Vec<CredentialSecret>, StoreError> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT credential, algorithm, nonce, sealed FROM secrets")?;
        let mut rows = statement.query([])?;
        let mut secrets = Vec::new();
        while let Some(row) = rows.next()? {
            let (credential, algorithm): (String, String) = (row.get(0)?, row.get(1)?);
            let nonce: Vec<u8> = row.get(2)?;
            let sealed = Zeroizing::new(row.get::<_, Vec<u8>>(3)?);
            let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).ok();
            let secret = nonce.and_then(|nonce| open(master, &credential, &algorithm, nonce, sealed).ok());
            let Ok(credential) = Id::new(&credential) else { continue };
            secrets.push(CredentialSecret { credential, algorithm, secret });
        }
        Ok(secrets)
    }
}

#[cfg(test)]
mod tests;
