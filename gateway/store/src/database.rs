//! The embedded database: one SQLite file, created and migrated at first start.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use refinery::{Migration, Runner};
use rusqlite::Connection;

use crate::StoreError;

/// How long a statement waits for another process that has the file locked (a backup, an inspection).
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements that are kept.
const STATEMENTS_MAX: usize = 64;

/// Every migration, in order. One that was applied is never edited; refinery compares checksums.
const MIGRATIONS: [(&str, &str); 6] = [
    ("V0001__projection", include_str!("../migrations/V0001__projection.sql")),
    ("V0002__releases_and_secrets", include_str!("../migrations/V0002__releases_and_secrets.sql")),
    ("V0003__consents", include_str!("../migrations/V0003__consents.sql")),
    ("V0004__budgets", include_str!("../migrations/V0004__budgets.sql")),
    ("V0005__abuse", include_str!("../migrations/V0005__abuse.sql")),
    ("V0006__meters", include_str!("../migrations/V0006__meters.sql")),
];

/// The embedded database. Clones share one connection, and calls take turns on it.
///
/// Guarantees, all by SQLite's write-ahead log with `synchronous=FULL`:
/// - A call that writes is one transaction: whole or not at all, and durable on return.
/// - [`Store::project`] moves the position in the transaction of its rows: every record counts exactly once.
/// - [`Store::release_put`] keeps the first answer for a query and hands it back to everyone.
/// - An applied migration that was edited, or that this software does not know, stops [`Store::open`].
#[derive(Clone)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the database at `path`, for its owner only; creates file and directory if they are missing.
    ///
    /// # Errors
    /// [`StoreError`] of the file system, the database or its migrations.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open(path, &MIGRATIONS)? })
    }

    /// A database in memory, for tests and simulations.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self { database: Database::in_memory(&MIGRATIONS)? })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.database.lock()
    }
}

/// A file with its migrations, behind one connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Database(Arc<Mutex<Connection>>);

impl Database {
    /// Opens the file at `path`, for its owner only; creates file and directory if they are missing.
    pub(crate) fn open(path: &Path, migrations: &[(&str, &str)]) -> Result<Self, StoreError> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
            created.map_err(StoreError::io("create", parent))?;
        }
        // SQLite gives the files beside the database the mode of the database.
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        file.map_err(StoreError::io("open", path))?;
        Self::prepared(Connection::open(path)?, migrations)
    }

    /// A database that ends with the process.
    pub(crate) fn in_memory(migrations: &[(&str, &str)]) -> Result<Self, StoreError> {
        Self::prepared(Connection::open_in_memory()?, migrations)
    }

    /// Sets the connection to durable commits and applies the migrations that are still missing.
    fn prepared(mut connection: Connection, migrations: &[(&str, &str)]) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        let known = migrations.iter().map(|(name, sql)| Migration::unapplied(name, sql));
        let known = known.collect::<Result<Vec<_>, _>>().map_err(Box::new)?;
        Runner::new(&known).run(&mut connection).map_err(Box::new)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// The connection, for as long as its holder keeps it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().expect("nothing panics while it holds the connection")
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_its_owners_and_opens_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state").join("shuzha.db");
        for _ in 0..2 {
            let store = Store::open(&path).expect("opens");
            let pragma = |name| store.lock().pragma_query_value(None, name, |row| row.get::<_, String>(0));
            assert_eq!(pragma("journal_mode").expect("answers"), "wal");
            let full: i64 =
                store.lock().pragma_query_value(None, "synchronous", |row| row.get(0)).expect("answers");
            assert_eq!(full, 2);
        }
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("has one"))), (0o600, 0o700));
    }

    #[test]
    fn edited_and_unknown_migrations_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("shuzha.db");
        drop(Store::open(&path).expect("opens"));
        let with = |migrations: &[(&str, &str)]| Database::open(&path, migrations);
        let edited = [MIGRATIONS[0], (MIGRATIONS[1].0, "CREATE TABLE other (a INTEGER) STRICT;")];
        assert!(matches!(with(&edited), Err(StoreError::Migration(_))));
        assert!(
            matches!(with(&MIGRATIONS[..1]), Err(StoreError::Migration(_))),
            "older software, newer file"
        );
        assert!(with(&MIGRATIONS).is_ok());
    }
}
