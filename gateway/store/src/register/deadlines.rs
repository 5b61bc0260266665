//! Deadlines of cases and the notices that come of them.

use rusqlite::{Connection, Row, params};
use shuzha_core::{Id, Timestamp};

use super::{Register, at, first, id, number, rows};
use crate::StoreError;

/// By when something is due on a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Kind of the case.
    pub kind: String,
    /// Name of the case.
    pub name: Id,
    /// Which deadline: a word of the kind's.
    pub what: String,
    /// The first instant that is too late.
    pub at: Timestamp,
    /// Whether it was computed past the loaded calendar.
    pub provisional: bool,
    /// Whether it has passed and was dealt with.
    pub passed: bool,
}

/// A notice for whoever's desk the case is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its place in the order of notices.
    pub id: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Kind of the case.
    pub kind: String,
    /// Name of the case.
    pub name: Id,
    /// The deadline that passed.
    pub what: String,
    /// When that was due.
    pub due: Timestamp,
}

const COLUMNS: &str = "kind, name, what, at_micros, provisional, passed";

fn deadline(row: &Row<'_>) -> Result<Deadline, StoreError> {
    Ok(Deadline {
        kind: row.get(0)?,
        name: id(row, 1, "deadlines")?,
        what: row.get(2)?,
        at: at(row, 3)?,
        provisional: row.get(4)?,
        passed: row.get(5)?,
    })
}

/// Makes the deadlines of a case those in `list`, as (what, at, provisional). One that stays the same keeps its mark.
pub(super) fn replace(
    connection: &Connection,
    kind: &str,
    name: &Id,
    list: &[(String, Timestamp, bool)],
) -> Result<(), StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM deadlines WHERE kind = ?1 AND name = ?2");
    let before = rows(connection, &sql, [kind, name.as_str()], deadline)?;
    let mut remove =
        connection.prepare_cached("DELETE FROM deadlines WHERE kind = ?1 AND name = ?2 AND what = ?3")?;
    for old in before.iter().filter(|old| !list.iter().any(|(what, ..)| *what == old.what)) {
        remove.execute((kind, name.as_str(), &old.what))?;
    }
    let mut put = connection.prepare_cached("REPLACE INTO deadlines VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (what, at, provisional) in list {
        let passed = before.iter().any(|old| old.what == *what && old.at == *at && old.passed);
        put.execute(params![kind, name.as_str(), what, at.micros(), provisional, passed])?;
    }
    Ok(())
}

/// Marks a deadline as dealt with, if it still stands as given.
pub(super) fn pass(connection: &Connection, deadline: &Deadline) -> Result<bool, StoreError> {
    let mut mark = connection.prepare_cached(
        "UPDATE deadlines SET passed = 1 WHERE kind = ?1 AND name = ?2 AND what = ?3 AND at_micros = ?4 AND passed = 0",
    )?;
    let marked =
        mark.execute(params![deadline.kind, deadline.name.as_str(), deadline.what, deadline.at.micros()])?;
    Ok(marked == 1)
}

/// Writes a notice about an object.
pub(super) fn note(
    connection: &Connection,
    (kind, name): (&str, &str),
    what: &str,
    due: Timestamp,
    now: Timestamp,
) -> Result<usize, rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT INTO notices (at_micros, kind, name, what, due_micros) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![now.micros(), kind, name, what, due.micros()])
}

impl Register {
    /// Deadlines up to `until` that nothing has dealt with, in order of time, at most `limit`.
    ///
    /// # Errors
    /// Of the database.
    pub fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Deadline>, StoreError> {
        let limit = i64::try_from(limit).map_err(|_| StoreError::Range("deadlines"))?;
        let sql = format!(
            "SELECT {COLUMNS} FROM deadlines WHERE passed = 0 AND at_micros <= ?1
             ORDER BY at_micros, kind, name, what LIMIT ?2"
        );
        rows(&self.lock(), &sql, params![until.micros(), limit], deadline)
    }

    /// When the next deadline passes that nothing has dealt with.
    ///
    /// # Errors
    /// Of the database.
    pub fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT at_micros FROM deadlines WHERE passed = 0 ORDER BY at_micros LIMIT 1";
        first(&self.lock(), sql, [], |row| at(row, 0))
    }

    /// The deadlines of one case.
    ///
    /// # Errors
    /// Of the database.
    pub fn deadlines(&self, kind: &str, name: &str) -> Result<Vec<Deadline>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM deadlines WHERE kind = ?1 AND name = ?2 ORDER BY at_micros");
        rows(&self.lock(), &sql, [kind, name], deadline)
    }

    /// Cases with provisional deadlines, each once.
    ///
    /// # Errors
    /// Of the database.
    pub fn provisional(&self) -> Result<Vec<super::Reference>, StoreError> {
        let sql = "SELECT DISTINCT kind, name FROM deadlines WHERE provisional = 1";
        rows(&self.lock(), sql, [], |row| Ok((row.get(0)?, id(row, 1, "deadlines")?)))
    }

    /// Marks a deadline as passed and writes its notice, together; says whether it was still open.
    ///
    /// # Errors
    /// Of the database; nothing is changed then.
    pub fn overdue(&self, deadline: &Deadline, now: Timestamp) -> Result<bool, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        if !pass(&transaction, deadline)? {
            return Ok(false);
        }
        note(&transaction, (&deadline.kind, deadline.name.as_str()), &deadline.what, deadline.at, now)?;
        transaction.commit()?;
        Ok(true)
    }

    /// Makes the deadlines of a case those in `list`, as (what, at, provisional): after a year was added to the calendar.
    ///
    /// # Errors
    /// Of the database; nothing is changed then.
    pub fn redate(
        &self,
        kind: &str,
        name: &Id,
        list: &[(String, Timestamp, bool)],
    ) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        replace(&transaction, kind, name, list)?;
        Ok(transaction.commit()?)
    }

    /// Notices before `before`, newest first.
    ///
    /// # Errors
    /// Of the database.
    pub fn notices(&self, before: Option<u64>, limit: usize) -> Result<Vec<Notice>, StoreError> {
        let before = before.map(|before| super::integer(before, "notices")).transpose()?;
        let limit = i64::try_from(limit).map_err(|_| StoreError::Range("notices"))?;
        let sql = "SELECT id, at_micros, kind, name, what, due_micros FROM notices
                   WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2";
        rows(&self.lock(), sql, params![before, limit], |row| {
            Ok(Notice {
                id: number(row.get(0)?, "notices")?,
                at: at(row, 1)?,
                kind: row.get(2)?,
                name: id(row, 3, "notices")?,
                what: row.get(4)?,
                due: at(row, 5)?,
            })
        })
    }
}
