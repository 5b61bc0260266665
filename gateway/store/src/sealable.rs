//! Databases that carry a seal: one way to open, to seal and to compare them, whatever they hold.

use std::path::Path;

use crate::seal::{self, SealKey, Sealed};
use crate::{StoreError, database};

/// A database that is opened with the key of its seal, see [`SealKey`].
pub trait Sealable: Sized + Send + 'static {
    /// Opens the database at `path` with the key of its seal. One that is made here is sealed at once.
    ///
    /// # Errors
    /// Of the file system, the database or its migrations; [`StoreError::Edited`] when what is to be migrated does not agree
    /// with its seal.
    fn open_sealed(path: &Path, key: &SealKey) -> Result<Self, StoreError>;

    /// The same, whatever its seal says: what stands there is taken as it is and sealed anew.
    ///
    /// # Errors
    /// As [`Sealable::open_sealed`].
    fn dangerous_open_resealed(path: &Path, key: &SealKey) -> Result<Self, StoreError>;

    /// The same database by a connection of its own, with the same key.
    ///
    /// # Errors
    /// Of the database.
    fn reopened(&self) -> Result<Self, StoreError>;

    /// Whether the database carries a seal.
    ///
    /// # Errors
    /// Of the database.
    fn is_sealed(&self) -> Result<bool, StoreError>;

    /// Seals the database as it stands.
    ///
    /// # Errors
    /// Of the database; [`StoreError::Unkeyed`] where it was opened without a key.
    fn seal(&self) -> Result<(), StoreError>;

    /// Compares the database with its seal, tables of at most `rows_max` rows; the others are named as left.
    ///
    /// # Errors
    /// As [`Sealable::seal`].
    fn check_seal(&self, rows_max: u64) -> Result<Sealed, StoreError>;

    /// Brings what the write-ahead log holds into the file, and empties it: a copy of the file alone is whole then.
    ///
    /// # Errors
    /// Of the database.
    fn checkpoint(&self) -> Result<(), StoreError>;
}

/// [`Sealable`] for a store that is one database in its field `database`, with its `MIGRATIONS`; made by its function where
/// one is named.
macro_rules! sealable {
    (made $database:expr) => {
        Ok(Self { database: $database })
    };
    (made $database:expr, $of:ident) => {
        Self::$of($database)
    };
    ($store:ty $(, $of:ident)?) => {
        impl crate::Sealable for $store {
            fn open_sealed(path: &std::path::Path, key: &crate::SealKey) -> Result<Self, crate::StoreError> {
                sealable!(made crate::database::Database::open_sealed(path, &MIGRATIONS, key)? $(, $of)?)
            }

            fn dangerous_open_resealed(
                path: &std::path::Path,
                key: &crate::SealKey,
            ) -> Result<Self, crate::StoreError> {
                sealable!(made crate::database::Database::open_resealed(path, &MIGRATIONS, key)? $(, $of)?)
            }

            fn reopened(&self) -> Result<Self, crate::StoreError> {
                sealable!(made self.database.reopened(&MIGRATIONS)? $(, $of)?)
            }

            fn is_sealed(&self) -> Result<bool, crate::StoreError> {
                crate::seal::is_sealed(&self.database.lock())
            }

            fn seal(&self) -> Result<(), crate::StoreError> {
                self.database.seal()
            }

            fn check_seal(&self, rows_max: u64) -> Result<crate::Sealed, crate::StoreError> {
                self.database.check_seal(rows_max)
            }

            fn checkpoint(&self) -> Result<(), crate::StoreError> {
                self.database.checkpoint()
            }
        }
    };
}
pub(crate) use sealable;

/// Compares the database at `path` with its seal, whoever has it open; nothing is written.
///
/// # Errors
/// Of the database.
pub fn check_seal_of(path: &Path, key: &SealKey) -> Result<Sealed, StoreError> {
    let mut connection = database::to_read(path)?;
    seal::check(&*connection.transaction()?, key, u64::MAX)
}
