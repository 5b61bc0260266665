//! The embedded store: the projection of the journal, releases of statistics and sealed secrets, in one database.

use std::sync::{Arc, Mutex};

use rusqlite::Connection;

use crate::StoreError;
use crate::database::{Database, to_read};
use crate::sealable::embedded;

/// Every migration, in order.; never edited once applied.
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

embedded!(Store);

impl Store {
    pub(crate) fn of(database: Database) -> Result<Self, StoreError> {
        Ok(Self { database, lookups: Arc::default() })
    }

    /// Runs `read` on a connection that nobody writes by, and that sees everything committed before. A database in memory has
    /// one connection only.
    pub(crate) fn look_up<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(path) = self.database.path() else { return read(&self.lock()) };
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
