//! What signing on reads and writes beside acts: sessions, one-time codes, failures, the first administrator's token.

use rusqlite::{Connection, params};
use shuzha_core::{Id, Rng, Timestamp};
use zeroize::Zeroizing;

use super::accounts::{Session, exists};
use super::commit::CommitError;
use super::{Register, at, first, id, integer, number};
use crate::secrets::{NONCE_BYTES, Secret, open, seal};
use crate::{MasterKey, StoreError};

/// Binds a sealed secret to its use, so that none opens as another.
const PURPOSE: &str = "one-time codes";

/// An account's secret for one-time codes, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeSecret {
    account: Id,
    nonce: [u8; NONCE_BYTES],
    sealed: Vec<u8>,
}

impl OneTimeSecret {
    /// Seals `secret` for `account`.
    ///
    /// # Errors
    /// [`StoreError::Sealing`].
    pub fn seal(
        master: &MasterKey,
        rng: &(impl Rng + ?Sized),
        account: &Id,
        secret: &[u8],
    ) -> Result<Self, StoreError> {
        let (nonce, sealed) = seal(master, rng, account.as_str(), PURPOSE, secret)?;
        Ok(Self { account: account.clone(), nonce, sealed: sealed.to_vec() })
    }

    /// Whose it is.
    pub(super) const fn account(&self) -> &Id {
        &self.account
    }
}

pub(super) fn put_one_time(connection: &Connection, secret: &OneTimeSecret) -> Result<usize, CommitError> {
    // A confirmed secret is replaced only after it was removed, which is an act of its own.
    let put = connection
        .prepare_cached(
            "INSERT INTO one_time_secrets VALUES (?1, ?2, ?3, 0, 0)
             ON CONFLICT (account) DO UPDATE SET nonce = ?2, sealed = ?3, last_step = 0 WHERE confirmed = 0",
        )?
        .execute(params![secret.account.as_str(), secret.nonce, secret.sealed])?;
    Ok(put)
}

impl Register {
    /// Opens the account's secret for one-time codes; says too whether it was confirmed.
    ///
    /// # Errors
    /// [`StoreError::Unsealing`], or of the database.
    pub fn one_time_secret(
        &self,
        master: &MasterKey,
        account: &Id,
    ) -> Result<Option<(Secret, bool)>, StoreError> {
        let sql = "SELECT nonce, sealed, confirmed FROM one_time_secrets WHERE account = ?1";
        let row = first(&self.lock(), sql, [account.as_str()], |row| {
            Ok((row.get::<_, [u8; NONCE_BYTES]>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, bool>(2)?))
        })?;
        let Some((nonce, sealed, confirmed)) = row else { return Ok(None) };
        let secret = open(master, account.as_str(), PURPOSE, nonce, Zeroizing::new(sealed))?;
        Ok(Some((secret, confirmed)))
    }

    /// Whether the account signs on with one-time codes.
    ///
    /// # Errors
    /// Of the database.
    pub fn uses_one_time(&self, account: &Id) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM one_time_secrets WHERE account = ?1 AND confirmed = 1";
        exists(&self.lock(), sql, [account.as_str()])
    }

    /// Takes time step `step` of the account's one-time codes; false when it, or a later one, was taken before.
    ///
    /// # Errors
    /// Of the database.
    pub fn take_step(&self, account: &Id, step: u64) -> Result<bool, StoreError> {
        let step = integer(step, "one_time_secrets")?;
        let sql = "UPDATE one_time_secrets SET last_step = ?2 WHERE account = ?1 AND last_step < ?2";
        Ok(self.lock().execute(sql, params![account.as_str(), step])? == 1)
    }

    /// Takes a recovery code by its hash; false when the account has no such code, or it was taken.
    ///
    /// # Errors
    /// Of the database.
    pub fn take_recovery_code(&self, account: &Id, hash: &[u8; 32]) -> Result<bool, StoreError> {
        let sql = "DELETE FROM recovery_codes WHERE hash = ?1 AND account = ?2";
        Ok(self.lock().execute(sql, params![hash, account.as_str()])? == 1)
    }

    /// Counts what ended every sign-on of the account so far; none where there is no such account.
    ///
    /// # Errors
    /// Of the database.
    pub fn epoch(&self, account: &Id) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT epoch FROM accounts WHERE name = ?1";
        first(&self.lock(), sql, [account.as_str()], |row| Ok(row.get(0)?))
    }

    /// Begins a session, and ends the account's oldest beyond `sessions_max`. False when the account's sign-ons were ended
    /// since it was at `epoch`: what was right then may not be now.
    ///
    /// # Errors
    /// Of the database.
    pub fn begin_session(
        &self,
        session: &Session,
        sessions_max: usize,
        epoch: i64,
    ) -> Result<bool, StoreError> {
        let keep = i64::try_from(sessions_max).map_err(|_| StoreError::Range("sessions"))?;
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let begun = transaction
            .prepare_cached(
                "INSERT INTO sessions SELECT ?1, ?2, ?3, ?4, ?5, ?6, epoch FROM accounts WHERE name = ?2 AND epoch = ?7",
            )?
            .execute(params![
                session.hash,
                session.account.as_str(),
                session.created.micros(),
                session.seen.micros(),
                session.until.micros(),
                session.linked,
                epoch
            ])?;
        transaction
            .prepare_cached(
                "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE account = ?1
                 ORDER BY created_micros DESC LIMIT -1 OFFSET ?2)",
            )?
            .execute(params![session.account.as_str(), keep])?;
        transaction.commit()?;
        Ok(begun == 1)
    }

    /// The session with this hash, while no change of the account has ended it.
    ///
    /// # Errors
    /// Of the database.
    pub fn session(&self, hash: &[u8; 32]) -> Result<Option<Session>, StoreError> {
        let sql =
            "SELECT account, created_micros, seen_micros, until_micros, linked FROM sessions WHERE hash = ?1
             AND epoch = (SELECT epoch FROM accounts WHERE name = sessions.account)";
        first(&self.lock(), sql, [hash], |row| {
            Ok(Session {
                hash: *hash,
                account: id(row, 0, "sessions")?,
                created: at(row, 1)?,
                seen: at(row, 2)?,
                until: at(row, 3)?,
                linked: row.get(4)?,
            })
        })
    }

    /// Notes that the session was used.
    ///
    /// # Errors
    /// Of the database.
    pub fn touch_session(&self, hash: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.lock()
            .execute("UPDATE sessions SET seen_micros = ?2 WHERE hash = ?1", params![hash, now.micros()])?;
        Ok(())
    }

    /// Ends one session; says whether there was one.
    ///
    /// # Errors
    /// Of the database.
    pub fn end_session(&self, hash: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.lock().execute("DELETE FROM sessions WHERE hash = ?1", [hash])? == 1)
    }

    /// Forgets sessions and tokens that ended before `now`, and sessions not used since `idle_since`.
    ///
    /// # Errors
    /// Of the database.
    pub fn forget_ended(&self, now: Timestamp, idle_since: Timestamp) -> Result<(), StoreError> {
        let connection = self.lock();
        connection.execute(
            "DELETE FROM sessions WHERE until_micros <= ?1 OR seen_micros <= ?2",
            params![now.micros(), idle_since.micros()],
        )?;
        connection.execute("DELETE FROM tokens WHERE until_micros <= ?1", [now.micros()])?;
        Ok(())
    }

    /// Keeps the hash of the first administrator's token, in place of any before.
    ///
    /// # Errors
    /// Of the database.
    pub fn put_first_token(&self, hash: &[u8; 32], until: Timestamp) -> Result<(), StoreError> {
        self.lock().execute("REPLACE INTO first_token VALUES (1, ?1, ?2)", params![hash, until.micros()])?;
        Ok(())
    }

    /// Until when the first administrator's token with this hash holds; none when there is no such token.
    ///
    /// # Errors
    /// Of the database.
    pub fn first_token(&self, hash: &[u8; 32]) -> Result<Option<Timestamp>, StoreError> {
        first(&self.lock(), "SELECT until_micros FROM first_token WHERE hash = ?1", [hash], |row| at(row, 0))
    }

    /// How many accounts there are.
    ///
    /// # Errors
    /// Of the database.
    pub fn account_count(&self) -> Result<u64, StoreError> {
        let count = self.lock().query_one("SELECT count(*) FROM accounts", [], |row| row.get(0))?;
        number(count, "accounts")
    }
}
