//! What an administrator asked for and a second person decides, and the invitations by which persons set their own
//! passwords.

use rusqlite::{Connection, Row, params};
use shuzha_core::{Id, Rng, Timestamp};
use zeroize::Zeroizing;

use super::accounts::exists;
use super::commit::CommitError;
use super::{Register, at, first, id, id_or_none, number, rows};
use crate::secrets::{NONCE_BYTES, Secret, open, seal};
use crate::{MasterKey, StoreError};

/// Binds a sealed secret to its use, so that none opens as another.
const PURPOSE: &str = "one-time codes of an invitation";

/// How a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// It waits for a second person.
    Open,
    /// It was done.
    Confirmed,
    /// The second person refused it.
    Refused,
    /// Whoever asked took it back.
    Withdrawn,
}

impl RequestState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Confirmed => "confirmed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn read(word: &str) -> Result<Self, StoreError> {
        [Self::Open, Self::Confirmed, Self::Refused, Self::Withdrawn]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or(StoreError::BadRow("account_requests"))
    }
}

/// Something about an account that waits for, or had, a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRequest {
    /// Its name.
    pub name: Id,
    /// What is to be done.
    pub verb: String,
    /// To which account.
    pub account: Id,
    /// All of it, JSON.
    pub wanted: String,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub by: Id,
    /// For which organisation.
    pub by_organisation: Id,
    /// When.
    pub created: Timestamp,
    /// Until when it can be decided.
    pub expires: Timestamp,
    /// How it stands.
    pub state: RequestState,
    /// Who decided, for which organisation, when.
    pub decided: Option<(Id, Id, Timestamp)>,
}

/// A decision on a request that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDecision {
    /// Which.
    pub name: Id,
    /// What it becomes.
    pub state: RequestState,
    /// Who decides.
    pub by: Id,
    /// For which organisation.
    pub organisation: Id,
}

/// A one-time link for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Whose.
    pub account: Id,
    /// SHA-256 of the link's token.
    pub hash: [u8; 32],
    /// SHA-256 of the code that is needed beside it.
    pub code_hash: Option<[u8; 32]>,
    /// Until when it holds.
    pub until: Timestamp,
    /// Wrong codes that were tried.
    pub failures: u32,
}

const REQUEST: &str = "name, verb, account, wanted, reason, by_account, by_organisation, created_micros, expires_micros, \
                       state, decided_by, decided_organisation, decided_micros";

fn request(row: &Row<'_>) -> Result<AccountRequest, StoreError> {
    const TABLE: &str = "account_requests";
    let state: String = row.get(9)?;
    let decided = match (id_or_none(row, 10, TABLE)?, id_or_none(row, 11, TABLE)?) {
        (Some(by), Some(organisation)) => Some((by, organisation, at(row, 12)?)),
        _ => None,
    };
    Ok(AccountRequest {
        name: id(row, 0, TABLE)?,
        verb: row.get(1)?,
        account: id(row, 2, TABLE)?,
        wanted: row.get(3)?,
        reason: row.get(4)?,
        by: id(row, 5, TABLE)?,
        by_organisation: id(row, 6, TABLE)?,
        created: at(row, 7)?,
        expires: at(row, 8)?,
        state: RequestState::read(&state)?,
        decided,
    })
}

pub(super) fn put_request(connection: &Connection, new: &AccountRequest) -> Result<usize, CommitError> {
    Ok(connection
        .prepare_cached(
            "INSERT INTO account_requests VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'open', NULL, NULL, NULL)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            new.name.as_str(),
            new.verb,
            new.account.as_str(),
            new.wanted,
            new.reason,
            new.by.as_str(),
            new.by_organisation.as_str(),
            new.created.micros(),
            new.expires.micros()
        ])?)
}

pub(super) fn decide(
    connection: &Connection,
    decision: &RequestDecision,
    now: Timestamp,
) -> Result<usize, CommitError> {
    Ok(connection
        .prepare_cached(
            "UPDATE account_requests SET state = ?2, decided_by = ?3, decided_organisation = ?4, decided_micros = ?5
             WHERE name = ?1 AND state = 'open' AND expires_micros > ?5",
        )?
        .execute(params![
            decision.name.as_str(),
            decision.state.as_str(),
            decision.by.as_str(),
            decision.organisation.as_str(),
            now.micros()
        ])?)
}

pub(super) fn invite(connection: &Connection, invitation: &Invitation) -> Result<usize, CommitError> {
    Ok(connection
        .prepare_cached("REPLACE INTO invitations VALUES (?1, ?2, ?3, ?4, 0, NULL, NULL)")?
        .execute(params![
            invitation.account.as_str(),
            invitation.hash,
            invitation.code_hash,
            invitation.until.micros()
        ])?)
}

impl Register {
    /// The request of this name.
    ///
    /// # Errors
    /// Of the database.
    pub fn account_request(&self, name: &str) -> Result<Option<AccountRequest>, StoreError> {
        let sql = format!("SELECT {REQUEST} FROM account_requests WHERE name = ?1");
        first(&self.lock(), &sql, [name], request)
    }

    /// Requests after `after` in order of name, at most `limit`; only those that can be decided at `open_at`, where given.
    ///
    /// # Errors
    /// Of the database.
    pub fn account_requests(
        &self,
        open_at: Option<Timestamp>,
        after: Option<&Id>,
        limit: usize,
    ) -> Result<Vec<AccountRequest>, StoreError> {
        let limit = i64::try_from(limit).map_err(|_| StoreError::Range("account_requests"))?;
        let sql = format!(
            "SELECT {REQUEST} FROM account_requests WHERE (?1 IS NULL OR (state = 'open' AND expires_micros > ?1))
             AND (?2 IS NULL OR name > ?2) ORDER BY name LIMIT ?3"
        );
        let given = params![open_at.map(Timestamp::micros), after.map(Id::as_str), limit];
        rows(&self.lock(), &sql, given, request)
    }

    /// How many requests of an account wait to be decided at `now`.
    ///
    /// # Errors
    /// Of the database.
    pub fn open_requests(&self, by: &Id, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM account_requests WHERE by_account = ?1 AND state = 'open' AND expires_micros > ?2";
        let count = self.lock().query_one(sql, params![by.as_str(), now.micros()], |row| row.get(0))?;
        number(count, "account_requests")
    }

    /// The invitation with this hash.
    ///
    /// # Errors
    /// Of the database.
    pub fn invitation(&self, hash: &[u8; 32]) -> Result<Option<Invitation>, StoreError> {
        let sql = "SELECT account, code_hash, until_micros, failures FROM invitations WHERE hash = ?1";
        first(&self.lock(), sql, [hash], |row| {
            Ok(Invitation {
                account: id(row, 0, "invitations")?,
                hash: *hash,
                code_hash: row.get(1)?,
                until: at(row, 2)?,
                failures: row.get(3)?,
            })
        })
    }

    /// Counts a try at an invitation's code, before it is compared; false when `failures_max` were tried, or there is none.
    ///
    /// # Errors
    /// Of the database.
    pub fn try_invitation(&self, hash: &[u8; 32], failures_max: u32) -> Result<bool, StoreError> {
        let sql = "UPDATE invitations SET failures = failures + 1 WHERE hash = ?1 AND failures < ?2";
        Ok(self.lock().execute(sql, params![hash, failures_max])? == 1)
    }

    /// The code was right: what [`Register::try_invitation`] counted is taken back.
    ///
    /// # Errors
    /// Of the database.
    pub fn right_code(&self, hash: &[u8; 32]) -> Result<(), StoreError> {
        self.lock().execute("UPDATE invitations SET failures = failures - 1 WHERE hash = ?1", [hash])?;
        Ok(())
    }

    /// The secret for one-time codes that goes with an invitation: the one shown before, or `fresh`, kept from now on.
    ///
    /// # Errors
    /// [`StoreError::Sealing`], [`StoreError::Unsealing`], or of the database.
    pub fn invitation_secret(
        &self,
        master: &MasterKey,
        rng: &(impl Rng + ?Sized),
        invitation: &Invitation,
        fresh: &[u8],
    ) -> Result<Secret, StoreError> {
        let (account, hash) = (invitation.account.as_str(), &invitation.hash);
        let (nonce, sealed) = seal(master, rng, account, PURPOSE, fresh)?;
        let connection = self.lock();
        let sql = "UPDATE invitations SET nonce = ?2, sealed = ?3 WHERE hash = ?1 AND nonce IS NULL";
        connection.execute(sql, params![hash, nonce, sealed.to_vec()])?;
        let sql = "SELECT nonce, sealed FROM invitations WHERE hash = ?1 AND nonce IS NOT NULL";
        let row = first(&connection, sql, [hash], |row| {
            Ok((row.get::<_, [u8; NONCE_BYTES]>(0)?, row.get::<_, Vec<u8>>(1)?))
        })?;
        let (nonce, sealed) = row.ok_or(StoreError::BadRow("invitations"))?;
        open(master, account, PURPOSE, nonce, Zeroizing::new(sealed))
    }

    /// The keyed hash of the person behind an account, where it was told.
    ///
    /// # Errors
    /// Of the database.
    pub fn person_key(&self, account: &Id) -> Result<Option<[u8; 32]>, StoreError> {
        let sql = "SELECT person_key FROM accounts WHERE name = ?1";
        Ok(first(&self.lock(), sql, [account.as_str()], |row| Ok(row.get::<_, Option<[u8; 32]>>(0)?))?
            .flatten())
    }

    /// Accounts of one natural person.
    ///
    /// # Errors
    /// Of the database.
    pub fn accounts_of_person(&self, key: &[u8; 32]) -> Result<Vec<super::Account>, StoreError> {
        let sql = format!("SELECT {} FROM accounts WHERE person_key = ?1", super::accounts::ACCOUNT);
        rows(&self.lock(), &sql, [key], super::accounts::account)
    }

    /// Whether there is an account, closed ones too, with one of `roles` in another organisation than `organisation`.
    ///
    /// # Errors
    /// Of the database.
    pub fn role_elsewhere(&self, role: &str, organisation: Option<&Id>) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM accounts WHERE (' ' || roles || ' ') LIKE ('% ' || ?1 || ' %')
                   AND (?2 IS NULL OR organisation <> ?2) LIMIT 1";
        exists(&self.lock(), sql, params![role, organisation.map(Id::as_str)])
    }

    /// How many accounts with this role are open.
    ///
    /// # Errors
    /// Of the database.
    pub fn open_with_role(&self, role: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM accounts
                   WHERE disabled = 0 AND (' ' || roles || ' ') LIKE ('% ' || ?1 || ' %')";
        number(self.lock().query_one(sql, [role], |row| row.get(0))?, "accounts")
    }
}
