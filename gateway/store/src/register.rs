//! The register (登记簿): everything declared, every case, every act, and the accounts of those who act.
//!
//! One SQLite file of its own, so that the data plane can go on serving while it is away. Specs and states are JSON text
//! that this crate does not look into; what they mean is the control plane's business.
//!
//! Guarantees:
//! - [`Register::commit`] is one transaction: the act, its objects, deadlines, index rows and the idempotency answer stand
//!   together or not at all, and are durable on return.
//! - Of any number of commits that expect the same version of an object, one succeeds; the others change nothing.
//! - No two objects hold marks that meet: of two that claim the same code, or the same right at the same time, one is written.
//! - Versions only grow: an object that is removed and made again goes on above its old version. Each one is kept.
//! - An act binds what it leaves: [`Register::walk`] finds what was changed by anything but an act.

mod accounts;
mod acts;
mod attempts;
mod bound;
mod commit;
mod counts;
mod credential_keys;
mod deadlines;
mod marks;
mod objects;
mod refusals;
mod requests;
mod secrets;
mod sign_on;
mod touched;
mod walk;

use rusqlite::{Connection, Row};
use shuzha_core::{Id, Timestamp};

pub use accounts::{Account, Link, Password, Session, Token};
pub use acts::{Act, ActFilter, Author, Recorded, digest};
pub use attempts::AttemptRules;
pub use bound::{ADOPT, ActDigest, REGISTER, is_object};
pub use commit::{Answer, Batch, Change, CommitError, Content, Effect};
pub use credential_keys::Held;
pub use deadlines::{Deadline, Notice};
pub use marks::Mark;
pub use objects::{CaseState, Filter, Object, Reach, Reference};
pub use refusals::{Refused, RefusedFilter};
pub use requests::{AccountRequest, Invitation, RequestDecision, RequestState};
pub use sign_on::OneTimeSecret;
pub use walk::{Finding, InJournal, Walked};

use crate::StoreError;
use crate::database::Database;
use crate::sealable::embedded;

/// Every migration, in order; never edited once applied.
const MIGRATIONS: [(&str, &str); 9] = [
    ("V0001__register", include_str!("../migrations/control/V0001__register.sql")),
    ("V0002__accounts", include_str!("../migrations/control/V0002__accounts.sql")),
    ("V0003__marks", include_str!("../migrations/control/V0003__marks.sql")),
    ("V0004__secrets", include_str!("../migrations/control/V0004__secrets.sql")),
    ("V0005__credential_keys", include_str!("../migrations/control/V0005__credential_keys.sql")),
    ("V0006__accounts_by_two", include_str!("../migrations/control/V0006__accounts_by_two.sql")),
    ("V0007__bindings", include_str!("../migrations/control/V0007__bindings.sql")),
    ("V0008__promises", include_str!("../migrations/control/V0008__promises.sql")),
    ("V0009__operating", include_str!("../migrations/control/V0009__operating.sql")),
];

/// The register. Clones share one connection, and calls take turns on it.
#[derive(Clone)]
pub struct Register {
    database: Database,
}

embedded!(Register);

impl Register {
    fn of(database: Database) -> Result<Self, StoreError> {
        Ok(Self { database })
    }

    /// How many acts were accepted so far.
    ///
    /// # Errors
    /// Of the database.
    pub fn revision(&self) -> Result<u64, StoreError> {
        let value = self.lock().query_one("SELECT value FROM revision", [], |row| row.get(0))?;
        number(value, "revision")
    }

    /// From when an operator that never had an operating agreement needs one: in a register from before there were any, a time
    /// of transition after it was brought to this version; none in one that began with them.
    ///
    /// # Errors
    /// Of the database.
    pub fn operating_binds_from(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT binds_from_micros FROM operating";
        first(&self.lock(), sql, [], |row| at(row, 0))
    }

    /// Every row of every table as text, for tests that compare the whole register before and after.
    ///
    /// # Errors
    /// Of the database.
    pub fn dump(&self) -> Result<String, StoreError> {
        use std::fmt::Write as _;

        let connection = self.lock();
        let mut tables = connection.prepare(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'refinery%' ORDER BY name",
        )?;
        let tables = tables.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let mut text = String::new();
        for table in tables {
            let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                text.push_str(&table);
                for column in 0..columns {
                    write!(text, " {:?}", row.get_ref(column)?).expect("a string takes all text");
                }
                text.push('\n');
            }
        }
        Ok(text)
    }
}

/// A count or sequence from the database.
fn number(value: i64, table: &'static str) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::BadRow(table))
}

/// A count or sequence for the database.
fn integer(value: u64, table: &'static str) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Range(table))
}

/// The name in a column.
fn id(row: &Row<'_>, column: usize, table: &'static str) -> Result<Id, StoreError> {
    Id::new(row.get_ref(column)?.as_str().map_err(|_| StoreError::BadRow(table))?)
        .map_err(|_| StoreError::BadRow(table))
}

/// The name in a column that may be empty.
fn id_or_none(row: &Row<'_>, column: usize, table: &'static str) -> Result<Option<Id>, StoreError> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| Id::new(&text).map_err(|_| StoreError::BadRow(table))).transpose()
}

/// The instant in a column.
fn at(row: &Row<'_>, column: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_micros(row.get(column)?))
}

/// Every row of a query as a value.
fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// The first row of a query as a value.
fn first<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    rows.next()?.map(read).transpose()
}

#[cfg(test)]
mod tests;
