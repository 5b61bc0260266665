//! Reading what was closed and posted.

use rusqlite::Connection;
use shuzha_core::{Id, Timestamp};
use shuzha_pricing::closing::{CallTree, Contribution, RatedLine, Share, ShareBill, Statement};
use shuzha_pricing::ledger::Transaction;
use shuzha_pricing::vat::Taxed;
use shuzha_pricing::{Fen, Month};

use super::{Books, Columns, Stated, integer, rows, statements, transactions};
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

fn line(columns: &mut Columns<'_, '_>) -> Result<RatedLine, StoreError> {
    Ok(RatedLine {
        line: columns.line()?,
        month: columns.month()?,
        calls: columns.count()?,
        quantity: columns.count()?,
        exact: columns.yuan()?,
        adjustment: columns.yuan()?,
        notional: columns.yuan()?,
        taxed: taxed(columns)?,
        residue: columns.yuan()?,
        vat_parts: columns.next()?,
        act: columns.text()?,
        first_seq: columns.count()?,
        last_seq: columns.count()?,
    })
}

const STATEMENT: &str = "SELECT period, number, unit, gross_fen, net_fen, tax_fen, first_line, end_line,
    root, size, first_seq, last_seq FROM statement";

fn stated(
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

impl Books {
    /// The rated lines of a closed period, in the order of statements.
    ///
    /// # Errors
    /// Of the database.
    pub fn lines(&self, month: Month) -> Result<Vec<RatedLine>, StoreError> {
        let sql = "SELECT unit, agreement, scenario, product, price, purpose, basis, month, calls, quantity, exact,
                   adjustment, notional, gross_fen, net_fen, tax_fen, residue, vat_parts, act, first_seq, last_seq
                   FROM line WHERE period = ?1 ORDER BY number";
        rows(&self.lock(), sql, [month.index()], line)
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
        let sql = "SELECT number, party, amount_fen, first_share, end_share FROM bill
                   WHERE period = ?1 ORDER BY party";
        rows(&self.lock(), sql, [month.index()], |columns| {
            let (number, party, amount): (String, Id, Fen) = (columns.text()?, columns.id()?, columns.fen()?);
            Ok(ShareBill { number, party, amount, shares: columns.position()?..columns.position()? })
        })
    }

    /// The contributions of a closed period, by party.
    ///
    /// # Errors
    /// Of the database.
    pub fn contributions(&self, month: Month) -> Result<Vec<Contribution>, StoreError> {
        let sql = "SELECT party, product, calls, records, charged, revenue_fen, notional, share_fen
                   FROM contribution WHERE period = ?1 ORDER BY party, product";
        rows(&self.lock(), sql, [month.index()], |columns| {
            Ok(Contribution {
                party: columns.id()?,
                product: columns.id()?,
                calls: columns.count()?,
                records: columns.count()?,
                charged: columns.count()?,
                revenue: columns.fen()?,
                notional: columns.yuan()?,
                share: columns.fen()?,
            })
        })
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
        let mut items = Vec::new();
        for &number in numbers.iter().take(limit) {
            let (transaction, recorded, _, hash) = transactions::read(&connection, integer(number)?)?;
            items.push(Posted { number, recorded: Timestamp::from_micros(recorded), transaction, hash });
        }
        let next = if numbers.len() > limit { items.last().map(|last| last.number) } else { None };
        Ok(LedgerPage { items, next })
    }
}
