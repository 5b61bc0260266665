//! The books as they stood at one instant, for reading much without holding up those who write.

use rusqlite::Connection;
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Contribution, RatedLine, Share, ShareBill};
use shuzha_pricing::metering::Row;

use super::closing::{ROLLUP, rollup_row};
use super::read::{self, Posted};
use super::{Books, Stated, Verified, each_row, transactions};
use crate::StoreError;
use crate::database::to_read;

/// The books as they stood when it was taken. Reading it twice gives the same, whatever is posted meanwhile.
///
/// It has a connection of its own, which may only read. While it lives, the write-ahead log of the file grows.
pub struct Snapshot {
    connection: Connection,
    reached: u64,
}

impl Books {
    /// The books as they stand now.
    ///
    /// # Errors
    /// Of the database.
    ///
    /// # Panics
    /// For books in memory, which only tests have.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let connection = to_read(self.database.path().expect("the books are a file"))?;
        // The first read of a transaction fixes what all others see.
        connection.execute_batch("BEGIN")?;
        let reached: i64 = connection.query_one("SELECT seq FROM position", [], |row| row.get(0))?;
        let reached = u64::try_from(reached).map_err(|_| StoreError::BadRow("position"))?;
        Ok(Snapshot { connection, reached })
    }
}

impl Snapshot {
    /// The last record that its roll-ups count.
    #[must_use]
    pub const fn reached(&self) -> u64 {
        self.reached
    }

    /// Calls `each` with every roll-up of a period: by unit, agreement, scenario, product, price, purpose, basis, hour and
    /// operation.
    ///
    /// # Errors
    /// Of the database, or of `each`.
    pub fn each_usage<E: From<StoreError>>(
        &self,
        month: Month,
        mut each: impl FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!("{ROLLUP} WHERE period = ?1 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9");
        each_row(&self.connection, &sql, [month.index()], |columns| each(rollup_row(columns)?))
    }

    /// Calls `each` with every rated line of a closed period, in the order of statements, and the number of its statement.
    ///
    /// # Errors
    /// Of the database, or of `each`.
    pub fn each_line<E: From<StoreError>>(
        &self,
        month: Month,
        each: impl FnMut(&str, RatedLine) -> Result<(), E>,
    ) -> Result<(), E> {
        read::each_line(&self.connection, month, each)
    }

    /// Calls `each` with every transaction of the ledger, in order; only those posted in `month` where one is given.
    ///
    /// # Errors
    /// Of the database, or of `each`.
    pub fn each_transaction<E: From<StoreError>>(
        &self,
        month: Option<Month>,
        mut each: impl FnMut(Posted) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT number FROM txn WHERE ?1 IS NULL OR period = ?1 ORDER BY number";
        each_row(&self.connection, sql, [month.map(Month::index)], |columns| {
            each(transactions::posted(&self.connection, columns.count()?)?)
        })
    }

    /// Reads the whole ledger and checks every link of its chain, every sum and every route.
    ///
    /// # Errors
    /// Of the database. What is wrong with the ledger is no error, and named in the answer.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        transactions::verify(&self.connection)
    }

    /// The statements of a closed period, by unit.
    ///
    /// # Errors
    /// Of the database.
    pub fn statements(&self, month: Month) -> Result<Vec<Stated>, StoreError> {
        read::stated(&self.connection, "WHERE period = ?1 ORDER BY unit", &[&month.index()])
    }

    /// The share bills of a closed period and their shares, by party.
    ///
    /// # Errors
    /// Of the database.
    pub fn bills(&self, month: Month) -> Result<(Vec<ShareBill>, Vec<Share>), StoreError> {
        Ok((read::bills(&self.connection, month)?, read::shares(&self.connection, month)?))
    }

    /// The contributions of a closed period, by party.
    ///
    /// # Errors
    /// Of the database.
    pub fn contributions(&self, month: Month) -> Result<Vec<Contribution>, StoreError> {
        read::contributions(&self.connection, month)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot")
    }
}
