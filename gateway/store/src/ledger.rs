//! The books (账簿): roll-ups gathered from the journal, periods and their closes, statements, share bills, and the
//! double-entry ledger. One SQLite file of its own.
//!
//! Guarantees:
//! - [`Books::gather`] moves the position in the transaction of its roll-ups: every record counts exactly once.
//! - [`Books::close`] is one transaction: a period is closed with everything that follows from it, or open as before.
//! - What is closed or posted is never changed. Triggers refuse it, to this software too, and the ledger is a chain of
//!   hashes: [`Books::verify`] finds what was changed past them.
//! - Posting a key again is the same transaction, or refused.

mod closing;
mod credit;
mod error;
mod gather;
mod line_columns;
mod line_corrections;
mod meter;
mod payments;
mod periods;
mod proposals;
mod read;
mod reratings;
mod snapshot;
mod statements;
mod transactions;

use std::sync::LazyLock;

use rusqlite::{Connection, Row};
use shuzha_core::{Id, MicroYuan, PurposeClass};
use shuzha_pricing::closing::rated::FIELDS;
use shuzha_pricing::metering::Line;
use shuzha_pricing::{Basis, Fen, Month};

pub use closing::{Gatherings, Stand};
pub use error::BooksError;
pub use gather::{Gathered, counted};
pub use line_corrections::{LineChange, LineCorrection};
pub use meter::{Meter, MeterHandle, Options as MeterOptions};
pub use payments::Booked;
pub use periods::{Period, PeriodState};
pub use proposals::{Posting, PostingDecision, PostingProposal};
pub use read::{LedgerPage, Posted};
pub use reratings::{Proposal, Rerating};
pub use snapshot::Snapshot;
pub use statements::{Stated, StatementAct, StatementState, Word};
pub use transactions::{Broken, Verified};

use crate::StoreError;
use crate::database::Database;
use crate::sealable::embedded;

/// The migrations in files; never edited once applied.
const FILES: [(&str, &str); 6] = [
    ("V0001__books", include_str!("../migrations/finance/V0001__books.sql")),
    ("V0002__reratings", include_str!("../migrations/finance/V0002__reratings.sql")),
    ("V0003__seal", include_str!("../migrations/finance/V0003__seal.sql")),
    ("V0004__postings", include_str!("../migrations/finance/V0004__postings.sql")),
    ("V0005__assessments", include_str!("../migrations/finance/V0005__assessments.sql")),
    ("V0006__line_corrections", include_str!("../migrations/finance/V0006__line_corrections.sql")),
];

/// Every migration, in order: those in files, and a column for each field of a line that came later.
static MIGRATIONS: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let mut all = [FILES.to_vec(), line_columns::migrations(FIELDS)].concat();
    all.sort_unstable();
    all
});

/// The books. Clones share one connection, and calls take turns on it.
#[derive(Clone)]
pub struct Books {
    database: Database,
}

embedded!(Books);

impl Books {
    fn of(database: Database) -> Result<Self, StoreError> {
        // So that a REPLACE meets the triggers against deleting.
        database.lock().pragma_update(None, "recursive_triggers", true)?;
        Ok(Self { database })
    }
}

/// A count or sequence for the database.
fn integer(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Range("books"))
}

/// Reads columns one after the other; what cannot be one of ours is [`StoreError::BadRow`].
struct Columns<'r, 's> {
    row: &'r Row<'s>,
    at: usize,
}

impl<'r, 's> Columns<'r, 's> {
    fn of(row: &'r Row<'s>) -> Self {
        Self { row, at: 0 }
    }

    fn next<T: rusqlite::types::FromSql>(&mut self) -> Result<T, StoreError> {
        self.at += 1;
        Ok(self.row.get(self.at - 1)?)
    }

    /// The next value, which stays the next.
    fn peek<T: rusqlite::types::FromSql>(&self) -> Result<T, StoreError> {
        Ok(self.row.get(self.at)?)
    }

    fn text(&mut self) -> Result<String, StoreError> {
        self.next()
    }

    fn id(&mut self) -> Result<Id, StoreError> {
        Id::new(&self.text()?).map_err(|_| StoreError::BadRow("books"))
    }

    fn count(&mut self) -> Result<u64, StoreError> {
        u64::try_from(self.next::<i64>()?).map_err(|_| StoreError::BadRow("books"))
    }

    fn position(&mut self) -> Result<usize, StoreError> {
        usize::try_from(self.next::<i64>()?).map_err(|_| StoreError::BadRow("books"))
    }

    fn fen(&mut self) -> Result<Fen, StoreError> {
        Ok(Fen::new(self.next()?))
    }

    fn yuan(&mut self) -> Result<MicroYuan, StoreError> {
        Ok(MicroYuan::from_micros(self.next()?))
    }

    fn month(&mut self) -> Result<Month, StoreError> {
        Month::from_index(self.next()?).map_err(|_| StoreError::BadRow("books"))
    }

    /// The seven columns of a line.
    fn line(&mut self) -> Result<Line, StoreError> {
        let (unit, agreement, scenario) = (self.id()?, self.id()?, self.id()?);
        let (product, price) = (self.id()?, self.id()?);
        let purpose = PurposeClass::ALL.get(usize::from(self.next::<u8>()?)).copied();
        let basis = Basis::from_number(self.next()?);
        let (Some(purpose), Some(basis)) = (purpose, basis) else { return Err(StoreError::BadRow("books")) };
        Ok(Line { unit, agreement, scenario, product, price, purpose, basis })
    }
}

/// Calls `each` with every row of a query, one at a time.
fn each_row<E: From<StoreError>>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    mut each: impl FnMut(&mut Columns<'_, '_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement = connection.prepare_cached(sql).map_err(StoreError::from)?;
    let mut rows = statement.query(parameters).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        each(&mut Columns::of(row))?;
    }
    Ok(())
}

/// Every row of a query.
fn rows<T>(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&mut Columns<'_, '_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut all = Vec::new();
    each_row(connection, sql, parameters, |columns| {
        all.push(read(columns)?);
        Ok::<_, StoreError>(())
    })?;
    Ok(all)
}

#[cfg(test)]
mod tests;
