//! Copies of databases that belong together, taken beside whoever writes them.
//!
//! Guarantees:
//! - All copies of one [`Moment`] show their databases as they stood together: no transaction of any was committed between the
//!   first and the last of them being held.
//! - Whoever writes goes on writing. While a moment is held, the write-ahead logs grow.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::StoreError;
use crate::database::{Database, at_rest, checkpoint, to_read, to_wait};

/// Pages that are copied at once.
const PAGES: i32 = 4_096;
/// How long to wait for one database's turn before all are let go, so that nobody who needs two of them waits for us; and how
/// often to try.
const TURN: Duration = Duration::from_millis(250);
const TRIES: u32 = 240;

/// One database of a moment.
struct Held {
    path: PathBuf,
    reads: Connection,
}

/// Databases as they stood together at one moment.
pub struct Moment(Vec<Held>);

impl Moment {
    /// Holds the databases at `paths`, all of which are there. Whoever writes to one of them waits for as long as this takes, which
    /// is some milliseconds.
    ///
    /// # Errors
    /// [`StoreError::NeverQuiet`] where one of them was never free; of the databases.
    pub fn hold(paths: &[PathBuf]) -> Result<Self, StoreError> {
        let open = |path: &PathBuf| -> Result<Held, StoreError> {
            Ok(Held { path: path.clone(), reads: to_read(path)? })
        };
        let held = paths.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let turns = paths.iter().map(|path| to_wait(path, TURN)).collect::<Result<Vec<_>, _>>()?;
        let mut tries = 0;
        while !all(&turns)? {
            tries += 1;
            if tries == TRIES {
                return Err(StoreError::NeverQuiet);
            }
        }
        for held in &held {
            held.reads.execute_batch("BEGIN")?;
            // The first read holds it.
            held.reads.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
        }
        turns.iter().try_for_each(|turn| turn.execute_batch("ROLLBACK"))?;
        Ok(Self(held))
    }

    /// The last record of the journal that any of them knows of. A journal that ends before it does not belong to them.
    ///
    /// # Errors
    /// Of the databases.
    pub fn reached(&self) -> Result<u64, StoreError> {
        self.0.iter().try_fold(0, |most, held| Ok(reached(&held.reads)?.max(most)))
    }

    /// Copies each into the folder `into`, under its own name, for the owner only; durable on return.
    ///
    /// # Errors
    /// Of the databases and the file system.
    pub fn copy(&self, into: &Path) -> Result<(), StoreError> {
        for held in &self.0 {
            let path = into.join(held.path.file_name().unwrap_or_default());
            let (mut target, _) = Database::file(&path)?;
            let backup = Backup::new(&held.reads, &mut target)?;
            while backup.step(PAGES)? != StepResult::Done {}
            drop(backup);
            // Whole in its file.
            checkpoint(&target)?;
            target.close().map_err(|(_, error)| error)?;
            let file = std::fs::File::open(&path).map_err(StoreError::io("open", &path))?;
            file.sync_all().map_err(StoreError::io("sync", &path))?;
        }
        Ok(())
    }
}

/// Takes the turn at all of them, or at none.
fn all(turns: &[Connection]) -> Result<bool, StoreError> {
    for (at, turn) in turns.iter().enumerate() {
        match turn.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from) {
            Ok(()) => {}
            Err(error) if error.retryable() => {
                turns[..at].iter().try_for_each(|turn| turn.execute_batch("ROLLBACK"))?;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

impl std::fmt::Debug for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|held| &held.path)).finish()
    }
}

/// The last record of the journal that the database at `path`, which nobody changes, knows of; 0 where it knows of none.
///
/// # Errors
/// Of the database.
pub fn reached_of(path: &Path) -> Result<u64, StoreError> {
    reached(&at_rest(path)?)
}

/// By where it stands, or by the acts that it knows to be there.
fn reached(connection: &Connection) -> Result<u64, StoreError> {
    let mut most = 0;
    for (table, column) in [("position", "seq"), ("acts", "journal_seq")] {
        let there = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2";
        let there: i64 = connection.query_row(there, [table, column], |row| row.get(0))?;
        if there == 1 {
            let sql = format!("SELECT max({column}) FROM {table}");
            let seq: Option<i64> = connection.query_row(&sql, [], |row| row.get(0))?;
            most = most.max(u64::try_from(seq.unwrap_or(0)).unwrap_or(0));
        }
    }
    Ok(most)
}

/// Whether the database at `path`, which nobody changes, is sound in itself: pages, indexes, constraints. Nothing is written, not
/// beside it either.
///
/// # Errors
/// [`StoreError::Corrupt`] with what is wrong first; of the file.
pub fn check_file(path: &Path) -> Result<(), StoreError> {
    let found: String = at_rest(path)?.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Corrupt(found)) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn database(path: &Path) -> Connection {
        let (connection, _) = Database::file(path).expect("opens");
        connection.pragma_update(None, "journal_mode", "WAL").expect("set");
        connection.busy_timeout(TURN * TRIES).expect("set");
        connection.execute_batch("CREATE TABLE IF NOT EXISTS position (seq INTEGER)").expect("made");
        connection.execute("INSERT INTO position VALUES (0)", []).expect("written");
        connection
    }

    /// Somebody writes first to the one and then to the other, all the time: copies never show the second ahead of the first,
    /// nor the first by more than what is under way.
    #[test]
    fn copies_show_all_databases_at_one_moment() {
        let dir = tempfile::tempdir().expect("a folder");
        let paths = [dir.path().join("a.db"), dir.path().join("b.db")];
        let writers = [database(&paths[0]), database(&paths[1])];
        /// Says that it is over, also where the test fails.
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Release);
            }
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let over = &over;
            let _over = Over(over);
            scope.spawn(move || {
                while !over.load(Ordering::Acquire) {
                    for writer in &writers {
                        writer.execute("UPDATE position SET seq = seq + 1", []).expect("written");
                    }
                }
            });
            for number in 0..20 {
                let into = dir.path().join(format!("copy-{number}"));
                std::fs::create_dir(&into).expect("made");
                let moment = Moment::hold(&paths).expect("held");
                moment.copy(&into).expect("copied");
                let seq = |name: &str| -> i64 {
                    check_file(&into.join(name)).expect("sound");
                    let copy = at_rest(&into.join(name)).expect("opens");
                    copy.query_row("SELECT seq FROM position", [], |row| row.get(0)).expect("reads")
                };
                let (first, second) = (seq("a.db"), seq("b.db"));
                assert!(first == second || first == second + 1, "{first} {second}");
                assert_eq!(moment.reached().expect("reads"), u64::try_from(first).expect("positive"));
                let mode = std::fs::metadata(into.join("a.db")).expect("there").permissions().mode();
                assert_eq!(mode & 0o777, 0o600);
                assert!(!into.join("a.db-wal").exists());
            }
        });
    }
}
