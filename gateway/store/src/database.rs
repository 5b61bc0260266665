//! The embedded database: one SQLite file, created and migrated at first start.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use refinery::{Migration, Runner};
use rusqlite::{Connection, OpenFlags};

use crate::StoreError;
use crate::seal::{self, SealKey, Sealed};

/// How long a statement waits for another process that has the file locked (a backup, an inspection).
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Size to which a write-ahead log is cut back once nobody reads an old state any more.
const WAL_BYTES: i64 = 64 << 20;

/// Prepared statements that are kept.
const STATEMENTS_MAX: usize = 64;

/// Every migration, in order. One that was applied is never edited; refinery compares checksums.
pub(crate) const MIGRATIONS: [(&str, &str); 13] = [
    ("V0001__projection", include_str!("../migrations/V0001__projection.sql")),
    ("V0002__releases_and_secrets", include_str!("../migrations/V0002__releases_and_secrets.sql")),
    ("V0003__consents", include_str!("../migrations/V0003__consents.sql")),
    ("V0004__budgets", include_str!("../migrations/V0004__budgets.sql")),
    ("V0005__abuse", include_str!("../migrations/V0005__abuse.sql")),
    ("V0006__meters", include_str!("../migrations/V0006__meters.sql")),
    ("V0007__register_head", include_str!("../migrations/V0007__register_head.sql")),
    ("V0008__marks", include_str!("../migrations/V0008__marks.sql")),
    ("V0009__ended", include_str!("../migrations/V0009__ended.sql")),
    ("V0010__projection_checkpoint", include_str!("../migrations/V0010__projection_checkpoint.sql")),
    ("V0011__withdrawals_end", include_str!("../migrations/V0011__withdrawals_end.sql")),
    ("V0012__dated_releases", include_str!("../migrations/V0012__dated_releases.sql")),
    ("V0013__drawn", include_str!("../migrations/V0013__drawn.sql")),
];

/// The embedded database. Clones share one connection, and calls take turns on it.
///
/// Guarantees, all by SQLite's write-ahead log with `synchronous=FULL`:
/// - A call that writes is one transaction: whole or not at all, and durable on return.
/// - [`Store::project`] moves the position in the transaction of its rows: every record counts exactly once.
/// - [`Store::release_put`] keeps the first answer for a query and hands it back to everyone.
/// - An applied migration that was edited, or that this software does not know, stops [`Store::open`].
/// - [`Store::release_get`] reads by a connection of its own: it waits for nobody who writes.
#[derive(Clone)]
pub struct Store {
    pub(crate) database: Database,
    /// To look releases up; opened when the first is.
    lookups: Arc<Mutex<Option<Connection>>>,
}

impl Store {
    /// Opens the database at `path`, for its owner only; creates file and directory if they are missing.
    ///
    /// # Errors
    /// [`StoreError`] of the file system, the database or its migrations.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Database::open(path, &MIGRATIONS).map(Self::of)
    }

    /// The same, with the key of its seal: see [`SealKey`]. A database that is made here is sealed at once.
    ///
    /// # Errors
    /// As [`Store::open`]; [`StoreError::Edited`] when what is to be migrated does not agree with its seal.
    pub fn open_sealed(path: &Path, key: &SealKey) -> Result<Self, StoreError> {
        Database::open_sealed(path, &MIGRATIONS, key).map(Self::of)
    }

    /// The same, whatever its seal says: what stands there is taken as it is and sealed anew. For whoever builds the
    /// projection again.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn dangerous_open_resealed(path: &Path, key: &SealKey) -> Result<Self, StoreError> {
        Database::open_resealed(path, &MIGRATIONS, key).map(Self::of)
    }

    /// Whether the database carries a seal.
    ///
    /// # Errors
    /// Of the database.
    pub fn is_sealed(&self) -> Result<bool, StoreError> {
        seal::is_sealed(&self.lock())
    }

    /// Seals the database as it stands.
    ///
    /// # Errors
    /// Of the database; [`StoreError::Unkeyed`] where it was opened without a key.
    pub fn seal(&self) -> Result<(), StoreError> {
        self.database.seal()
    }

    /// Compares the database with its seal, tables of at most `rows_max` rows; the others are named as left.
    ///
    /// # Errors
    /// As [`Store::seal`].
    pub fn check_seal(&self, rows_max: u64) -> Result<Sealed, StoreError> {
        self.database.check_seal(rows_max)
    }

    /// Brings what the write-ahead log holds into the file, and empties it: a copy of the file alone is whole then.
    ///
    /// # Errors
    /// Of the database.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        self.database.checkpoint()
    }

    /// A database in memory, for tests and simulations.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn in_memory() -> Result<Self, StoreError> {
        Database::in_memory(&MIGRATIONS).map(Self::of)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.database.lock()
    }

    pub(crate) fn of(database: Database) -> Self {
        Self { database, lookups: Arc::default() }
    }

    /// Runs `read` on a connection that nobody writes by, and that sees everything committed before. A database in memory has
    /// one connection only.
    pub(crate) fn look_up<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(path) = &self.database.path else { return read(&self.lock()) };
        let mut lookups = self.lookups.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let connection = match lookups.take() {
            Some(connection) => connection,
            None => to_read(path)?,
        };
        // One that failed is not used again.
        let found = read(&connection)?;
        *lookups = Some(connection);
        Ok(found)
    }
}

/// A file with its migrations, behind one connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Database {
    connection: Arc<Mutex<Connection>>,
    /// None in memory.
    path: Option<Arc<Path>>,
    key: Option<SealKey>,
}

impl Database {
    /// Opens the file at `path`, for its owner only; creates file and directory if they are missing. One that carries a seal
    /// is opened for reading: without the key its seal would be broken.
    pub(crate) fn open(path: &Path, migrations: &[(&str, &str)]) -> Result<Self, StoreError> {
        let (connection, _) = Self::file(path)?;
        Self::prepared(connection, migrations, Some(path.into()), None)
    }

    /// The same, with the key of its seal.
    pub(crate) fn open_sealed(
        path: &Path,
        migrations: &[(&str, &str)],
        key: &SealKey,
    ) -> Result<Self, StoreError> {
        let (connection, is_new) = Self::file(path)?;
        let database = Self::prepared(connection, migrations, Some(path.into()), Some(key.clone()))?;
        if is_new {
            database.seal()?;
        }
        Ok(database)
    }

    /// The same file by a connection of its own, with the same key.
    pub(crate) fn reopened(&self, migrations: &[(&str, &str)]) -> Result<Self, StoreError> {
        let path = self.path.as_ref().ok_or(StoreError::Unkeyed)?;
        let (connection, _) = Self::file(path)?;
        Self::prepared(connection, migrations, Some(Arc::clone(path)), self.key.clone())
    }

    /// Brings what the write-ahead log holds into the file, and empties it.
    pub(crate) fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(self.lock().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// A database that ends with the process.
    pub(crate) fn in_memory(migrations: &[(&str, &str)]) -> Result<Self, StoreError> {
        Self::prepared(Connection::open_in_memory()?, migrations, None, None)
    }

    /// The same, whatever its seal says: what stands there is taken as it is and sealed anew.
    pub(crate) fn open_resealed(
        path: &Path,
        migrations: &[(&str, &str)],
        key: &SealKey,
    ) -> Result<Self, StoreError> {
        let (connection, is_new) = Self::file(path)?;
        if !is_new && seal::is_sealed(&connection)? {
            connection.execute("UPDATE seal SET value = NULL", [])?;
        }
        drop(connection);
        let database = Self::open_sealed(path, migrations, key)?;
        database.seal()?;
        Ok(database)
    }

    /// An open connection to the file at `path`, as it is.
    pub(crate) fn of(connection: Connection, path: &Path) -> Self {
        Self { connection: Arc::new(Mutex::new(connection)), path: Some(path.into()), key: None }
    }

    /// The file, and whether it was made now.
    pub(crate) fn file(path: &Path) -> Result<(Connection, bool), StoreError> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            let created = fs::DirBuilder::new().recursive(true).mode(0o700).create(parent);
            created.map_err(StoreError::io("create", parent))?;
        }
        // SQLite gives the files beside the database the mode of the database.
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = file.map_err(StoreError::io("open", path))?;
        let is_new = file.metadata().map_err(StoreError::io("inspect", path))?.len() == 0;
        Ok((Connection::open(path)?, is_new))
    }

    /// Sets the connection to durable commits and applies the migrations that are still missing.
    pub(crate) fn prepared(
        mut connection: Connection,
        migrations: &[(&str, &str)],
        path: Option<Arc<Path>>,
        key: Option<SealKey>,
    ) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "journal_size_limit", WAL_BYTES)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        let known = migrations.iter().map(|(name, sql)| Migration::unapplied(name, sql));
        let known = known.collect::<Result<Vec<_>, _>>().map_err(Box::new)?;
        // A migration changes rows, and their seal with them: what it starts from must be what was sealed.
        let reseal = match &key {
            Some(key) if seal::is_sealed(&connection)? && applied(&connection)? < count(&known) => {
                let found = seal::check(&connection, key, u64::MAX)?;
                if !found.differ.is_empty() {
                    return Err(StoreError::Edited(found.differ.join(", ")));
                }
                true
            }
            None if seal::is_sealed(&connection)? && applied(&connection)? < count(&known) => {
                return Err(StoreError::Unkeyed);
            }
            _ => false,
        };
        Runner::new(&known).run(&mut connection).map_err(Box::new)?;
        match &key {
            Some(key) => {
                if reseal {
                    seal::seal(&connection, key)?;
                }
                seal::follow(&connection, key)?;
            }
            None if seal::is_sealed(&connection)? => connection.pragma_update(None, "query_only", true)?,
            None => {}
        }
        Ok(Self { connection: Arc::new(Mutex::new(connection)), path, key })
    }

    /// Seals the database as it stands.
    pub(crate) fn seal(&self) -> Result<(), StoreError> {
        let key = self.key.as_ref().ok_or(StoreError::Unkeyed)?;
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        seal::seal(&transaction, key)?;
        Ok(transaction.commit()?)
    }

    /// Compares the database with its seal, see [`seal::check`]. Changes go on meanwhile where it is a file.
    pub(crate) fn check_seal(&self, rows_max: u64) -> Result<Sealed, StoreError> {
        let key = self.key.clone().ok_or(StoreError::Unkeyed)?;
        self.at_one_moment(|connection| seal::check(connection, &key, rows_max))
    }

    /// Runs `read` on the database as it stands at one moment, without keeping others from changing it.
    pub(crate) fn at_one_moment<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(path) = &self.path else {
            let mut connection = self.lock();
            return read(&*connection.transaction()?);
        };
        read(&*to_read(path)?.transaction()?)
    }

    /// The connection, for as long as its holder keeps it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().expect("nothing panics while it holds the connection")
    }
}

/// A connection for reading alone. A folder that nobody writes, as a copy on read-only media, has no place for the index that
/// SQLite keeps beside a write-ahead log: there the file is read as one that does not change.
pub(crate) fn to_read(path: &Path) -> Result<Connection, StoreError> {
    let open = |name: &str, flags| -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(name, OpenFlags::SQLITE_OPEN_READ_ONLY | flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
        Ok(connection)
    };
    let name = path.to_str().ok_or(StoreError::Range("path"))?;
    let error = match open(name, OpenFlags::empty()) {
        Err(StoreError::Database(error)) if cannot_write_beside(&error) => error,
        opened => return opened,
    };
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        // What stands in it alone would not be seen.
        return Err(error.into());
    }
    at_rest(path)
}

/// A connection to a file that nobody changes: nothing is written beside it either.
pub(crate) fn at_rest(path: &Path) -> Result<Connection, StoreError> {
    let name = path.to_str().ok_or(StoreError::Range("path"))?;
    let escaped = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    Ok(connection)
}

fn cannot_write_beside(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | ReadOnly))
}

/// Runs `sql` on the database at `path` as another program would, without the key of its seal and beside whoever has it open:
/// for tests of what notices that.
///
/// # Errors
/// Of the database.
pub fn dangerous_edit(path: &Path, sql: &str) -> Result<(), StoreError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection.execute_batch(sql)?)
}

fn count(migrations: &[Migration]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// How many migrations were applied.
pub(crate) fn applied(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("SELECT count(*) FROM refinery_schema_history", [], |row| row.get(0))?)
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
