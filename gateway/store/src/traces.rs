//! Traces (REQUIREMENTS H4: 来源可溯、去向可查): which calls used a product, what it was made of, a unit or a grant. One SQLite file
//! of its own, kept close behind the journal.
//!
//! Guarantees:
//! - The position moves in the transaction of its rows: every call is there exactly once.
//! - A page costs a few seeks per version of a product, however many calls there are.
//!
//! The file is an index: lost, it is made again from what the journal still holds. What it then cannot say again is what former
//! versions of products were made of; such a version is marked as not exact.

mod follower;
mod gather;
mod query;

use rusqlite::Connection;
use shuzha_core::Id;
use shuzha_journal::Position;

pub use follower::{Options, Tracer, TracerHandle};
pub use query::{Cursor, Edition, Of, Page, Query, QueryError, SOURCES_MAX, TracedUse};

use crate::StoreError;
use crate::database::Database;
use crate::sealable::embedded;

/// Every migration, in order; never edited once applied.
const MIGRATIONS: [(&str, &str); 1] =
    [("V0001__traces", include_str!("../migrations/traces/V0001__traces.sql"))];

/// What a product is made of, as the register has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its version.
    pub version: u32,
    /// 运营机构.
    pub operator: Id,
    /// Its data sets, each with its provider (数据提供单位).
    pub data_sets: Vec<(Id, Id)>,
}

/// Where it stands what products are made of: the register.
pub trait Catalogue: Send + Sync + 'static {
    /// The product as it is now; none where there is none, or none that can be read.
    ///
    /// # Errors
    /// Of the store.
    fn made(&self, product: &str) -> Result<Option<Made>, StoreError>;
}

/// The index. Clones share one connection, and calls take turns on it.
#[derive(Clone)]
pub struct Traces {
    database: Database,
}

embedded!(Traces);

impl Traces {
    fn of(database: Database) -> Result<Self, StoreError> {
        Ok(Self { database })
    }

    /// The last record that is in the index.
    ///
    /// # Errors
    /// Of the database.
    pub fn reached(&self) -> Result<Position, StoreError> {
        reached(&self.lock())
    }

    /// Forgets all uses up to and with record `through`, a part at a time; what was forgotten is overwritten.
    ///
    /// # Errors
    /// Of the database; what was forgotten by then stays so.
    pub(crate) fn forget(&self, through: u64) -> Result<(), StoreError> {
        const PART: &str = "DELETE FROM uses WHERE (edition, at, seq) IN
             (SELECT edition, at, seq FROM uses WHERE edition = ?1 AND seq <= ?2 LIMIT 10000)";
        self.lock().pragma_update(None, "secure_delete", true)?;
        let editions = {
            let connection = self.lock();
            let mut statement = connection.prepare("SELECT id FROM editions")?;
            let ids = statement.query_map([], |row| row.get::<_, i64>(0))?;
            ids.collect::<Result<Vec<_>, _>>()?
        };
        for edition in editions {
            while self.lock().execute(PART, (edition, integer(through)?))? > 0 {}
        }
        // Pages of before lie in the write-ahead log until then.
        self.database.checkpoint()
    }

    /// Whether a use up to record `through` is in the index.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) fn holds(&self, through: u64) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM uses WHERE seq <= ?1)";
        Ok(self.lock().query_one(sql, [integer(through)?], |row| row.get(0))?)
    }
}

fn reached(connection: &Connection) -> Result<Position, StoreError> {
    let (epoch, seq) = connection
        .query_one("SELECT epoch, seq FROM position", [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
    Ok(Position { epoch, seq: u64::try_from(seq).map_err(|_| StoreError::BadRow("position"))? })
}

/// A sequence for the database.
fn integer(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Range("uses"))
}

#[cfg(test)]
mod tests;
