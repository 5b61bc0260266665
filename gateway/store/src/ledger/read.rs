//! Reading what was closed and posted.

use rusqlite::Connection;
use shuzha_core::{Id, Timestamp};
use shuzha_pricing::closing::{
    Assessment, CallTree, Contribution, Quality, RatedLine, Share, ShareBill, Statement,
};
use shuzha_pricing::ledger::Transaction;
use shuzha_pricing::vat::Taxed;
use shuzha_pricing::{Basis, Fen, Month};

use super::{Books, Columns, Stated, each_row, integer, line_columns, rows, statements, transactions};
use crate::StoreError;

/// A transaction as it was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its place in the chain.
    pub number: u64,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// The transaction.
    pub transaction: Transaction,
    /// Its link of the chain.
    pub hash: shuzha_pricing::closing::Digest,
}

/// A page of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerPage {
    /// Transactions, in order.
    pub items: Vec<Posted>,
    /// After which number the next page begins.
    pub next: Option<u64>,
}

fn taxed(columns: &mut Columns<'_, '_>) -> Result<Taxed, StoreError> {
    Ok(Taxed { gross: columns.fen()?, net: columns.fen()?, tax: columns.fen()? })
}

/// Calls `each` with every rated line of a closed period, in the order of statements, and the number of its statement.
pub(super) fn each_line<E: From<StoreError>>(
    connection: &Connection,
    month: Month,
    mut each: impl FnMut(&str, RatedLine) -> Result<(), E>,
) -> Result<(), E> {
    let sql = format!(
        "SELECT {}, s.number FROM line l JOIN statement s ON s.period = l.period AND s.unit = l.unit
         WHERE l.period = ?1 ORDER BY l.number",
        line_columns::selected()
    );
    each_row(connection, &sql, [month.index()], |columns| each_of(columns, &mut each))
}

fn each_of<E: From<StoreError>>(
    columns: &mut Columns<'_, '_>,
    each: &mut impl FnMut(&str, RatedLine) -> Result<(), E>,
) -> Result<(), E> {
    let line = line_columns::read(columns)?;
    each(&columns.text()?, line)
}

const STATEMENT: &str = "SELECT period, number, unit, gross_fen, net_fen, tax_fen, first_line, end_line,
    root, size, first_seq, last_seq FROM statement";

pub(super) fn stated(
    connection: &Connection,
    filter: &str,
    key: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Stated>, StoreError> {
    let found = rows(connection, &format!("{STATEMENT} {filter}"), key, |columns| {
        let (month, number, unit) = (columns.month()?, columns.text()?, columns.id()?);
        let (taxed, lines) = (taxed(columns)?, columns.position()?..columns.position()?);
        let root: Option<shuzha_pricing::closing::Digest> = columns.next()?;
        let tree = match root {
            None => None,
            Some(root) => {
                let (size, first_seq, last_seq) = (columns.count()?, columns.count()?, columns.count()?);
                Some(CallTree { root, size, first_seq, last_seq })
            }
        };
        Ok((month, Statement { number, unit, taxed, lines, tree }))
    })?;
    let with_acts = |(month, statement): (Month, Statement)| {
        let (state, acts) = statements::acts(connection, &statement.number)?;
        Ok(Stated { month, statement, state, acts })
    };
    found.into_iter().map(with_acts).collect()
}

pub(super) fn statement(connection: &Connection, number: &str) -> Result<Option<Stated>, StoreError> {
    Ok(stated(connection, "WHERE number = ?1", &[&number])?.pop())
}

pub(super) fn shares(connection: &Connection, month: Month) -> Result<Vec<Share>, StoreError> {
    let sql = "SELECT party, agreement, product, base_fen, weight, whole, amount_fen FROM share
               WHERE period = ?1 ORDER BY number";
    rows(connection, sql, [month.index()], |columns| {
        let (party, agreement, product) = (columns.id()?, columns.id()?, columns.id()?);
        let base = columns.fen()?;
        let mut wide = || columns.text()?.parse().map_err(|_| StoreError::BadRow("share"));
        let (weight, whole) = (wide()?, wide()?);
        Ok(Share { party, agreement, product, base, weight, whole, amount: columns.fen()? })
    })
}

const BILL: &str = "SELECT number, party, amount_fen, first_share, end_share, period FROM bill";

fn bill(columns: &mut Columns<'_, '_>) -> Result<ShareBill, StoreError> {
    let (number, party, amount): (String, Id, Fen) = (columns.text()?, columns.id()?, columns.fen()?);
    Ok(ShareBill { number, party, amount, shares: columns.position()?..columns.position()? })
}

pub(super) fn bills(connection: &Connection, month: Month) -> Result<Vec<ShareBill>, StoreError> {
    rows(connection, &format!("{BILL} WHERE period = ?1 ORDER BY party"), [month.index()], bill)
}

pub(super) fn contributions(connection: &Connection, month: Month) -> Result<Vec<Contribution>, StoreError> {
    let sql = "SELECT party, product, calls, records, charged, revenue_fen, notional, share_fen,
               units, scenarios, tickets, faults FROM contribution WHERE period = ?1 ORDER BY party, product";
    rows(connection, sql, [month.index()], |columns| {
        Ok(Contribution {
            party: columns.id()?,
            product: columns.id()?,
            calls: columns.count()?,
            records: columns.count()?,
            charged: columns.count()?,
            revenue: columns.fen()?,
            notional: columns.yuan()?,
            share: columns.fen()?,
            assessment: assessment(columns)?,
        })
    })
}

fn assessment(columns: &mut Columns<'_, '_>) -> Result<Option<Assessment>, StoreError> {
    let mut next = || {
        let count: Option<i64> = columns.next()?;
        count.map(|count| u64::try_from(count).map_err(|_| StoreError::BadRow("contribution"))).transpose()
    };
    let (units, scenarios, tickets, faults) = (next()?, next()?, next()?, next()?);
    Ok(units.zip(scenarios).zip(tickets.zip(faults)).map(|((units, scenarios), (tickets, faults))| {
        Assessment { units, scenarios, quality: Quality { tickets, faults } }
    }))
}

impl Books {
    /// The rated lines of a closed period, in the order of statements.
    ///
    /// # Errors
    /// Of the database.
    pub fn lines(&self, month: Month) -> Result<Vec<RatedLine>, StoreError> {
        let columns = line_columns::selected();
        let sql = format!("SELECT {columns} FROM line l WHERE period = ?1 ORDER BY number");
        rows(&self.lock(), &sql, [month.index()], line_columns::read)
    }

    /// The rated lines of one statement.
    ///
    /// # Errors
    /// Of the database.
    pub fn lines_of(&self, stated: &Stated) -> Result<Vec<RatedLine>, StoreError> {
        let (first, end) = (stated.statement.lines.start, stated.statement.lines.end);
        let place = |at: usize| i64::try_from(at).map_err(|_| StoreError::Range("line"));
        let columns = line_columns::selected();
        let sql = format!(
            "SELECT {columns} FROM line l WHERE period = ?1 AND number >= ?2 AND number < ?3 ORDER BY number"
        );
        rows(&self.lock(), &sql, (stated.month.index(), place(first)?, place(end)?), line_columns::read)
    }

    /// The statements of a closed period, by unit.
    ///
    /// # Errors
    /// Of the database.
    pub fn statements(&self, month: Month) -> Result<Vec<Stated>, StoreError> {
        stated(&self.lock(), "WHERE period = ?1 ORDER BY unit", &[&month.index()])
    }

    /// The statement of this number.
    ///
    /// # Errors
    /// Of the database.
    pub fn statement(&self, number: &str) -> Result<Option<Stated>, StoreError> {
        statement(&self.lock(), number)
    }

    /// The shares of a closed period, by party.
    ///
    /// # Errors
    /// Of the database.
    pub fn shares(&self, month: Month) -> Result<Vec<Share>, StoreError> {
        shares(&self.lock(), month)
    }

    /// The share bills of a closed period, by party.
    ///
    /// # Errors
    /// Of the database.
    pub fn bills(&self, month: Month) -> Result<Vec<ShareBill>, StoreError> {
        bills(&self.lock(), month)
    }

    /// The share bill of this number, with its period and its shares.
    ///
    /// # Errors
    /// Of the database.
    pub fn bill(&self, number: &str) -> Result<Option<(Month, ShareBill, Vec<Share>)>, StoreError> {
        let connection = self.lock();
        let sql = format!("{BILL} WHERE number = ?1");
        let found =
            rows(&connection, &sql, [number], |columns| Ok((bill(columns)?, columns.month()?)))?.pop();
        let Some((bill, month)) = found else { return Ok(None) };
        let mut shares = shares(&connection, month)?;
        let own = bill.shares.start.min(shares.len())..bill.shares.end.min(shares.len());
        Ok(Some((month, bill, shares.drain(own).collect())))
    }

    /// Calls of a month by product, charged and free.
    ///
    /// # Errors
    /// Of the database.
    pub fn use_by_product(&self, month: Month) -> Result<Vec<(Id, Basis, u64)>, StoreError> {
        let sql =
            "SELECT product, basis, sum(calls) FROM rollup WHERE period = ?1 GROUP BY 1, 2 ORDER BY 1, 2";
        rows(&self.lock(), sql, [month.index()], |columns| {
            let (product, basis) = (columns.id()?, Basis::from_number(columns.next()?));
            Ok((product, basis.ok_or(StoreError::BadRow("rollup"))?, columns.count()?))
        })
    }

    /// The contributions of a closed period, by party.
    ///
    /// # Errors
    /// Of the database.
    pub fn contributions(&self, month: Month) -> Result<Vec<Contribution>, StoreError> {
        contributions(&self.lock(), month)
    }

    /// Transactions after `after`, at most `limit`.
    ///
    /// # Errors
    /// Of the database.
    pub fn ledger(&self, after: u64, limit: usize) -> Result<LedgerPage, StoreError> {
        let connection = self.lock();
        let limit_and_one = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let sql = "SELECT number FROM txn WHERE number > ?1 ORDER BY number LIMIT ?2";
        let numbers = rows(&connection, sql, (integer(after)?, limit_and_one), |columns| columns.count())?;
        let items = numbers.iter().take(limit).map(|&number| transactions::posted(&connection, number));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let next = if numbers.len() > limit { items.last().map(|last| last.number) } else { None };
        Ok(LedgerPage { items, next })
    }
}
