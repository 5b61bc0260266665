//! The register of consents (授权登记): what persons have agreed to, through whom, and what they took back.
//!
//! A SQLite file of its own: it has its own readers, its own retention, and names nobody. A person is a keyed index, or
//! a unit's pairwise pseudonym; a consent is kept without its signature.
//!
//! Guarantees, by SQLite's write-ahead log with `synchronous=FULL`: a call that writes is one transaction, durable on
//! return. A consent, its receipt and its place in a status list stand together or not at all; a withdrawal takes the
//! consents derived from it along, and stands in the feed exactly once,
//! until the consent has ended.

mod feed;

use rusqlite::{ErrorCode, OptionalExtension as _, Row, TransactionBehavior};
use shuzha_core::{Id, Timestamp};

use crate::StoreError;
use crate::database::Database;
use crate::sealable::embedded;

pub use feed::Withdrawn;

/// Every migration, in order; never edited once applied.
const MIGRATIONS: [(&str, &str); 2] = [
    ("V0001__consents", include_str!("../migrations/consents/V0001__consents.sql")),
    ("V0002__seal", include_str!("../migrations/consents/V0002__seal.sql")),
];

const COLUMNS: &str = "seq, jti, issuer, subject, unit, parent, claims, given_micros, \
                       expires_micros, withdrawn_micros";

/// A person, as the consent service knows them: a keyed index.
pub type Holder = [u8; 32];

/// A consent to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConsent {
    /// Its identifier.
    pub jti: String,
    /// Its issuer.
    pub issuer: String,
    /// Whose it is.
    pub holder: Holder,
    /// The person's pseudonym towards the unit in the scenario.
    pub subject: [u8; 32],
    /// The unit that may use it.
    pub unit: String,
    /// The consent that it narrows.
    pub parent: Option<String>,
    /// The token's claims, as JSON.
    pub claims: String,
    /// Its place in a status list: list and index.
    pub status: Option<(u32, u32)>,
    /// When it was given.
    pub given: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// The signed receipt.
    pub receipt: Option<String>,
}

/// A consent as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptConsent {
    /// Its place in the order of giving.
    pub seq: u64,
    /// Its identifier.
    pub jti: String,
    /// Its issuer.
    pub issuer: String,
    /// The person's pseudonym towards the unit in the scenario.
    pub subject: [u8; 32],
    /// The unit that may use it.
    pub unit: String,
    /// The consent that it narrows.
    pub parent: Option<String>,
    /// The token's claims, as JSON.
    pub claims: String,
    /// When it was given.
    pub given: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was withdrawn.
    pub withdrawn: Option<Timestamp>,
}

/// Why a consent was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// There is one of this identifier.
    Jti,
    /// The place in the status list is another's.
    Status,
}

/// The register of consents. Clones share one connection, and calls take turns on it.
#[derive(Clone)]
pub struct ConsentStore {
    database: Database,
}

embedded!(ConsentStore);

impl ConsentStore {
    fn of(database: Database) -> Result<Self, StoreError> {
        Ok(Self { database })
    }

    /// Notes which person an account is; false where the account is bound already, or the person has another one.
    ///
    /// # Errors
    /// Of the database.
    pub fn bind(&self, account: &Id, holder: &Holder, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "INSERT INTO holders VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let bound = self.lock().execute(sql, (account.as_str(), holder, at.micros()))?;
        Ok(bound == 1)
    }

    /// Takes a binding back.
    ///
    /// # Errors
    /// Of the database.
    pub fn unbind(&self, account: &Id) -> Result<(), StoreError> {
        self.lock().execute("DELETE FROM holders WHERE account = ?1", [account.as_str()])?;
        Ok(())
    }

    /// The person that an account is.
    ///
    /// # Errors
    /// Of the database.
    pub fn holder(&self, account: &Id) -> Result<Option<Holder>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT holder FROM holders WHERE account = ?1")?;
        Ok(statement.query_one([account.as_str()], |row| row.get(0)).optional()?)
    }

    /// Whether some account is this person already.
    ///
    /// # Errors
    /// Of the database.
    pub fn is_bound(&self, holder: &Holder) -> Result<bool, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT 1 FROM holders WHERE holder = ?1")?;
        Ok(statement.exists([holder])?)
    }

    /// Keeps a consent with its receipt.
    ///
    /// # Errors
    /// Of the database; `Ok(Err(_))` says what is taken, and nothing was kept.
    pub fn give(&self, consent: &NewConsent) -> Result<Result<(), Taken>, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known = "SELECT 1 FROM consents WHERE jti = ?1";
        if transaction.prepare_cached(known)?.exists([&consent.jti])? {
            return Ok(Err(Taken::Jti));
        }
        let sql = "INSERT INTO consents (jti, issuer, holder, subject, unit, parent, claims, list, idx, \
                   given_micros, expires_micros) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let inserted = transaction.prepare_cached(sql)?.execute((
            &consent.jti,
            &consent.issuer,
            &consent.holder,
            &consent.subject,
            &consent.unit,
            &consent.parent,
            &consent.claims,
            consent.status.map(|(list, _)| list),
            consent.status.map(|(_, idx)| idx),
            consent.given.micros(),
            consent.expires.micros(),
        ));
        match inserted {
            Err(rusqlite::Error::SqliteFailure(why, _)) if why.code == ErrorCode::ConstraintViolation => {
                return Ok(Err(Taken::Status));
            }
            other => other?,
        };
        if let Some(receipt) = &consent.receipt {
            let sql = "INSERT INTO receipts VALUES (?1, 'given', ?2)";
            transaction.prepare_cached(sql)?.execute((&consent.jti, receipt))?;
        }
        transaction.commit()?;
        Ok(Ok(()))
    }

    /// The holder's consent `jti`; none where it is another's.
    ///
    /// # Errors
    /// Of the database.
    pub fn get(&self, holder: &Holder, jti: &str) -> Result<Option<KeptConsent>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM consents WHERE jti = ?1 AND holder = ?2");
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query((jti, holder))?;
        rows.next()?.map(read).transpose()
    }

    /// The holder's consents, newest first, those before `before` where it is given; at most `limit`. Of one unit where it
    /// is given.
    ///
    /// # Errors
    /// Of the database.
    pub fn list(
        &self,
        holder: &Holder,
        unit: Option<&str>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<KeptConsent>, StoreError> {
        let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "SELECT {COLUMNS} FROM consents WHERE holder = ?1 AND seq < ?2 AND (?3 IS NULL OR unit = ?3) \
             ORDER BY seq DESC LIMIT ?4"
        );
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query((holder, before, unit, limit))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    /// Identifiers of the consents that were derived from `jti`.
    ///
    /// # Errors
    /// Of the database.
    pub fn derived_from(&self, jti: &str) -> Result<Vec<String>, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT jti FROM consents WHERE parent = ?1")?;
        let found = statement.query_map([jti], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// Withdraws the holder's consent `jti` at `at`, and those derived from it, with the receipt of that; false where there
    /// is none in force. All of it then stands in the feed.
    ///
    /// # Errors
    /// Of the database.
    pub fn withdraw(
        &self,
        holder: &Holder,
        jti: &str,
        at: Timestamp,
        receipt: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let of_these = "withdrawn_micros IS NULL AND holder = ?1 AND (jti = ?2 OR parent = ?2)";
        let feed = format!(
            "INSERT INTO withdrawals (issuer, jti) SELECT issuer, jti FROM consents WHERE {of_these}"
        );
        if transaction.prepare_cached(&feed)?.execute((holder, jti))? == 0 {
            return Ok(false);
        }
        let mark = format!("UPDATE consents SET withdrawn_micros = ?3 WHERE {of_these}");
        transaction.prepare_cached(&mark)?.execute((holder, jti, at.micros()))?;
        if let Some(receipt) = receipt {
            let sql = "INSERT INTO receipts VALUES (?1, 'withdrawn', ?2) ON CONFLICT DO NOTHING";
            transaction.prepare_cached(sql)?.execute((jti, receipt))?;
        }
        transaction.commit()?;
        Ok(true)
    }

    /// The receipts of a consent: of the giving, and of the withdrawal.
    ///
    /// # Errors
    /// Of the database.
    pub fn receipts(&self, jti: &str) -> Result<[Option<String>; 2], StoreError> {
        let connection = self.lock();
        let sql = "SELECT receipt FROM receipts WHERE jti = ?1 AND event = ?2";
        let mut statement = connection.prepare_cached(sql)?;
        let mut one = |event: &str| {
            statement.query_one((jti, event), |row| row.get(0)).optional().map_err(StoreError::from)
        };
        Ok([one("given")?, one("withdrawn")?])
    }

    /// How many places of status list `list` are given out.
    ///
    /// # Errors
    /// Of the database.
    pub fn places_given(&self, list: u32) -> Result<u32, StoreError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT count(*) FROM consents WHERE list = ?1")?;
        Ok(statement.query_one([list], |row| row.get(0))?)
    }

    /// The places of status list `list` whose consents were withdrawn.
    ///
    /// # Errors
    /// Of the database.
    pub fn places_withdrawn(&self, list: u32) -> Result<Vec<u32>, StoreError> {
        let connection = self.lock();
        let sql = "SELECT idx FROM consents WHERE list = ?1 AND withdrawn_micros IS NOT NULL";
        let mut statement = connection.prepare_cached(sql)?;
        let found = statement.query_map([list], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(found)
    }

    /// The latest status list that has a consent in it.
    ///
    /// # Errors
    /// Of the database.
    pub fn last_list(&self) -> Result<Option<u32>, StoreError> {
        Ok(self.lock().query_row("SELECT max(list) FROM consents", [], |row| row.get(0))?)
    }
}

fn number(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| StoreError::BadRow("consents"))
}

fn read(row: &Row<'_>) -> Result<KeptConsent, StoreError> {
    Ok(KeptConsent {
        seq: number(row, 0)?,
        jti: row.get(1)?,
        issuer: row.get(2)?,
        subject: row.get(3)?,
        unit: row.get(4)?,
        parent: row.get(5)?,
        claims: row.get(6)?,
        given: Timestamp::from_micros(row.get(7)?),
        expires: Timestamp::from_micros(row.get(8)?),
        withdrawn: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_micros),
    })
}

#[cfg(test)]
mod tests;
