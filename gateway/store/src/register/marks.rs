//! Marks: what an object claims so that no other object does. What they mean is the control plane's business; that two
//! never meet is kept here, in the transaction that writes the object.

use rusqlite::{Connection, Transaction, params};
use shuzha_core::{Id, Timestamp};

use super::objects::{Reference, reference};
use super::{Register, first};
use crate::StoreError;

/// What one object claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What kind of thing.
    pub of: String,
    /// The thing.
    pub key: String,
    /// When, half open; at any time where none is given.
    pub window: Option<(Timestamp, Timestamp)>,
    /// Objects that say the same here may claim a thing together.
    pub shared_as: Option<String>,
}

impl Mark {
    fn micros(&self) -> (i64, i64) {
        self.window.map_or((i64::MIN, i64::MAX), |(from, until)| (from.micros(), until.micros()))
    }
}

/// Which of `marks`, those of object `kind`, `name`, another object has, and which object that is.
pub(super) fn clash(
    connection: &Connection,
    kind: &str,
    name: &str,
    marks: &[Mark],
) -> Result<Option<(usize, Reference)>, StoreError> {
    let sql = "SELECT kind, name FROM marks
        WHERE of = ?1 AND key = ?2 AND from_micros < ?4 AND until_micros > ?3 AND NOT (kind = ?5 AND name = ?6)
        AND (shared_as IS NULL OR ?7 IS NULL OR shared_as <> ?7) LIMIT 1";
    for (at, mark) in marks.iter().enumerate() {
        let (from, until) = mark.micros();
        let parameters = params![mark.of, mark.key, from, until, kind, name, mark.shared_as];
        if let Some(other) = first(connection, sql, parameters, reference)? {
            return Ok(Some((at, other)));
        }
    }
    Ok(None)
}

/// Writes the marks of an object in place of all it had.
pub(super) fn replace(
    transaction: &Transaction<'_>,
    kind: &str,
    name: &str,
    marks: &[Mark],
) -> Result<(), StoreError> {
    transaction.prepare_cached("DELETE FROM marks WHERE kind = ?1 AND name = ?2")?.execute([kind, name])?;
    let mut put =
        transaction.prepare_cached("INSERT OR IGNORE INTO marks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for mark in marks {
        let (from, until) = mark.micros();
        put.execute(params![mark.of, mark.key, from, until, mark.shared_as, kind, name])?;
    }
    Ok(())
}

impl Register {
    /// Which of `marks`, those that object `kind`, `name` has or would have, another object has; and which object.
    ///
    /// # Errors
    /// Of the database.
    pub fn clash(
        &self,
        kind: &str,
        name: &Id,
        marks: &[Mark],
    ) -> Result<Option<(usize, Reference)>, StoreError> {
        clash(&self.lock(), kind, name.as_str(), marks)
    }

    /// Whether no object has a mark.
    ///
    /// # Errors
    /// Of the database.
    pub fn unmarked(&self) -> Result<bool, StoreError> {
        Ok(!self.lock().prepare_cached("SELECT 1 FROM marks")?.exists([])?)
    }

    /// Writes the marks of objects that were accepted before marks were kept, all of them or none.
    ///
    /// # Errors
    /// Of the database.
    pub fn mark(&self, objects: &[(Reference, Vec<Mark>)]) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        for ((kind, name), marks) in objects {
            replace(&transaction, kind, name.as_str(), marks)?;
        }
        Ok(transaction.commit()?)
    }
}
