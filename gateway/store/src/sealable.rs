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

/// How a store is opened that is one database in its field `database`, with the `MIGRATIONS` beside it, and how it is sealed. Its
/// function `of` makes it of the database.
macro_rules! embedded {
    ($store:ident) => {
        impl $store {
            /// Opens the database at `path`, for its owner only; creates file and directory if they are missing. One that carries
            /// a seal is opened for reading.
            ///
            /// # Errors
            /// [`StoreError`](crate::StoreError) of the file system, the database or its migrations.
            pub fn open(path: &std::path::Path) -> Result<Self, crate::StoreError> {
                Self::of(crate::database::Database::open(path, &MIGRATIONS)?)
            }

            /// A database in memory, for tests and simulations.
            ///
            /// # Errors
            /// Of the database or its migrations.
            pub fn in_memory() -> Result<Self, crate::StoreError> {
                Self::of(crate::database::Database::in_memory(&MIGRATIONS)?)
            }

            pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, rusqlite::Connection> {
                self.database.lock()
            }
        }

        impl crate::Sealable for $store {
            fn open_sealed(path: &std::path::Path, key: &crate::SealKey) -> Result<Self, crate::StoreError> {
                Self::of(crate::database::Database::open_sealed(path, &MIGRATIONS, key)?)
            }

            fn dangerous_open_resealed(
                path: &std::path::Path,
                key: &crate::SealKey,
            ) -> Result<Self, crate::StoreError> {
                Self::of(crate::database::Database::open_resealed(path, &MIGRATIONS, key)?)
            }

            fn reopened(&self) -> Result<Self, crate::StoreError> {
                Self::of(self.database.reopened(&MIGRATIONS)?)
            }

            fn is_sealed(&self) -> Result<bool, crate::StoreError> {
                self.database.is_sealed()
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

        impl std::fmt::Debug for $store {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($store))
            }
        }
    };
}
pub(crate) use embedded;

/// Compares the database at `path` with its seal, whoever has it open; nothing is written.
///
/// # Errors
/// Of the database.
pub fn check_seal_of(path: &Path, key: &SealKey) -> Result<Sealed, StoreError> {
    let mut connection = database::to_read(path)?;
    seal::check(&*connection.transaction()?, key, u64::MAX)
}
