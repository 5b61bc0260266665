//! The embedded database: one SQLite file, created and migrated at first start.
//!
//! Every connection to a database file is opened here, for one of these purposes:
//!
//! | function | for | may write |
//! |---|---|---|
//! | [`Database::open`], [`Database::open_sealed`], [`Database::open_resealed`], [`Database::reopened`] | a store | yes |
//! | [`to_read`] | reading beside whoever writes | no |
//! | [`at_rest`] | a file that nobody changes, as a copy on read-only media | no, not beside it either |
//! | [`to_wait`] | keeping others from writing for a moment | no |
//! | [`blank`] | the migrations up to one of before, in memory | yes |

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

/// Migrations by name, in order. One that was applied is never edited; refinery compares checksums.
pub(crate) type Migrations = [(&'static str, &'static str)];

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
    pub(crate) fn open(path: &Path, migrations: &Migrations) -> Result<Self, StoreError> {
        let (connection, _) = Self::file(path)?;
        Self::prepared(connection, migrations, Some(path.into()), None)
    }

    /// The same, with the key of its seal.
    pub(crate) fn open_sealed(
        path: &Path,
        migrations: &Migrations,
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
    pub(crate) fn reopened(&self, migrations: &Migrations) -> Result<Self, StoreError> {
        let path = self.path.as_ref().ok_or(StoreError::Unkeyed)?;
        let (connection, _) = Self::file(path)?;
        Self::prepared(connection, migrations, Some(Arc::clone(path)), self.key.clone())
    }

    /// Brings what the write-ahead log holds into the file, and empties it.
    pub(crate) fn checkpoint(&self) -> Result<(), StoreError> {
        checkpoint(&self.lock())
    }

    /// A database that ends with the process.
    pub(crate) fn in_memory(migrations: &Migrations) -> Result<Self, StoreError> {
        Self::prepared(Connection::open_in_memory()?, migrations, None, None)
    }

    /// The same, whatever its seal says: what stands there is taken as it is and sealed anew.
    pub(crate) fn open_resealed(
        path: &Path,
        migrations: &Migrations,
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

    /// The file at `path` as it is, for reading alone.
    pub(crate) fn to_read(path: &Path) -> Result<Self, StoreError> {
        let connection = Arc::new(Mutex::new(to_read(path)?));
        Ok(Self { connection, path: Some(path.into()), key: None })
    }

    /// Where the file is; nowhere in memory.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether the database carries a seal.
    pub(crate) fn is_sealed(&self) -> Result<bool, StoreError> {
        seal::is_sealed(&self.lock())
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
        migrations: &Migrations,
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
        let known = read(migrations)?;
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
        let Some(path) = self.path() else {
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

/// A connection by which nothing is written, that can keep others from writing; it waits for them no longer than `patience`.
pub(crate) fn to_wait(path: &Path, patience: Duration) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.busy_timeout(patience)?;
    Ok(connection)
}

/// A database in memory that has `migrations` and nothing else.
pub(crate) fn blank(migrations: &Migrations) -> Result<Connection, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    Runner::new(&read(migrations)?).run(&mut connection).map_err(Box::new)?;
    Ok(connection)
}

/// Brings what the write-ahead log holds into the file, and empties it.
pub(crate) fn checkpoint(connection: &Connection) -> Result<(), StoreError> {
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

fn read(migrations: &Migrations) -> Result<Vec<Migration>, StoreError> {
    let read = migrations.iter().map(|(name, sql)| Migration::unapplied(name, sql));
    Ok(read.collect::<Result<_, _>>().map_err(Box::new)?)
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

#[cfg(test)]
mod tests;
