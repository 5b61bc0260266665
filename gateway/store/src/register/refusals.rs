//! The record of refused acts and failed sign-ons: so many of one account and minute one by one, the rest as a count.

use rusqlite::{Row, params};
use shuzha_core::{Id, Role, Timestamp};

use super::accounts::words;
use super::{Register, at, id_or_none, integer, number, rows};
use crate::StoreError;

/// Refusals of one account that stand one by one, in one minute.
const PER_MINUTE: i64 = 20;
/// Most rows that are kept; the oldest make room.
const ROWS_MAX: i64 = 1_000_000;
const MINUTE_MICROS: i64 = 60_000_000;

/// A refused act, or several of one account and minute together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the record.
    pub id: u64,
    /// When; of several, the first.
    pub at: Timestamp,
    /// Who; none for sign-ons by names that nobody has.
    pub account: Option<Id>,
    /// For which organisation.
    pub organisation: Option<Id>,
    /// In which roles they were signed on.
    pub roles: Vec<Role>,
    /// What was to be done; empty for several together.
    pub verb: String,
    /// To which kind of object.
    pub kind: String,
    /// To which object; empty where the request named none.
    pub name: String,
    /// The code of the refusal.
    pub code: String,
    /// How many.
    pub count: u64,
}

/// Which refusals to list, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct RefusedFilter<'a> {
    /// Only before this place.
    pub before: Option<u64>,
    /// Only of this account.
    pub account: Option<&'a str>,
    /// Only with this code.
    pub code: Option<&'a str>,
    /// Only at or after.
    pub from: Option<Timestamp>,
    /// Only before.
    pub until: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

fn refused(row: &Row<'_>) -> Result<Refused, StoreError> {
    let roles: String = row.get(4)?;
    let roles = roles.split_whitespace().map(|word| word.parse().map_err(|_| StoreError::BadRow("refusals")));
    Ok(Refused {
        id: number(row.get(0)?, "refusals")?,
        at: at(row, 1)?,
        account: id_or_none(row, 2, "refusals")?,
        organisation: id_or_none(row, 3, "refusals")?,
        roles: roles.collect::<Result<_, _>>()?,
        verb: row.get(5)?,
        kind: row.get(6)?,
        name: row.get(7)?,
        code: row.get(8)?,
        count: number(row.get(9)?, "refusals")?,
    })
}

impl Register {
    /// Notes a refusal; its id and count are ignored. Beyond so many of the account in the same minute, and for nobody's
    /// account, it is counted with the others of its code.
    ///
    /// # Errors
    /// Of the database.
    pub fn note_refusal(&self, refused: &Refused) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let minute = refused.at.micros().div_euclid(MINUTE_MICROS);
        let account = refused.account.as_ref().map(Id::as_str);
        let organisation = refused.organisation.as_ref().map(Id::as_str);
        let written: i64 = transaction
            .prepare_cached(
                "SELECT count(*) FROM refusals WHERE account IS ?1 AND minute = ?2 AND verb <> ''",
            )?
            .query_one(params![account, minute], |row| row.get(0))?;
        let alone = account.is_some() && written < PER_MINUTE;
        let counted = if alone {
            0
        } else {
            transaction
                .prepare_cached(
                    "UPDATE refusals SET count = count + 1
                     WHERE account IS ?1 AND minute = ?2 AND verb = '' AND code = ?3",
                )?
                .execute(params![account, minute, refused.code])?
        };
        if counted == 0 {
            let told = if alone {
                [&refused.verb, &refused.kind, &refused.name].map(String::as_str)
            } else {
                [""; 3]
            };
            transaction
                .prepare_cached(
                    "INSERT INTO refusals (minute, at_micros, account, organisation, roles, verb, kind, name, code, count)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1)",
                )?
                .execute(params![
                    minute,
                    refused.at.micros(),
                    account,
                    organisation,
                    words(&refused.roles),
                    told[0],
                    told[1],
                    told[2],
                    refused.code
                ])?;
            // Numbers grow by one: the oldest row is that far behind.
            let oldest = transaction.last_insert_rowid() - ROWS_MAX;
            transaction.prepare_cached("DELETE FROM refusals WHERE id <= ?1")?.execute([oldest])?;
        }
        Ok(transaction.commit()?)
    }

    /// Refusals that meet `filter`, newest first.
    ///
    /// # Errors
    /// Of the database.
    pub fn refusals(&self, filter: &RefusedFilter<'_>) -> Result<Vec<Refused>, StoreError> {
        let sql = "SELECT id, at_micros, account, organisation, roles, verb, kind, name, code, count FROM refusals
                   WHERE (?1 IS NULL OR id < ?1) AND (?2 IS NULL OR account = ?2) AND (?3 IS NULL OR code = ?3)
                   AND (?4 IS NULL OR at_micros >= ?4) AND (?5 IS NULL OR at_micros < ?5)
                   ORDER BY id DESC LIMIT ?6";
        let before = filter.before.map(|before| integer(before, "refusals")).transpose()?;
        let limit = i64::try_from(filter.limit).map_err(|_| StoreError::Range("refusals"))?;
        let micros = |at: Option<Timestamp>| at.map(Timestamp::micros);
        let given =
            params![before, filter.account, filter.code, micros(filter.from), micros(filter.until), limit];
        rows(&self.lock(), sql, given, refused)
    }
}
