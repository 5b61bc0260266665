//! Payments: booked against what is due, what was prepaid and the bank's references, judged in the step that posts them.

use rusqlite::{Connection, OptionalExtension, Transaction as Sql};
use shuzha_core::{Code, MicroYuan, Timestamp};
use shuzha_pricing::ledger::{Account, Chart, Transaction};

use super::{Books, BooksError, PeriodState, periods, transactions};
use crate::StoreError;

/// What is to be booked.
#[derive(Clone, Copy, Debug)]
pub struct Booked<'a> {
    /// The transaction.
    pub transaction: &'a Transaction,
    /// The bank's reference, where money moves at the bank.
    pub reference: Option<&'a str>,
}

/// Another payment of this reference that still stands: not one that was taken back.
const REFERENCE: &str = "SELECT 1 FROM txn t
    WHERE lower(substr(substr(key, instr(key, '/') + 1), instr(substr(key, instr(key, '/') + 1), '/') + 1)) = lower(?1)
      AND corrects IS NULL AND template IN ('prepay', 'pay', 'pay-out', 'refund')
      AND NOT EXISTS (SELECT 1 FROM txn r WHERE r.corrects = t.key) LIMIT 1";

const CORRECTED: &str = "SELECT 1 FROM txn WHERE corrects = ?1 LIMIT 1";

/// Whether the transaction may be posted by what stands in the books.
///
/// # Errors
/// C1602 where its period is closed, C1607 where its key is posted, C1617 for more than is due, C1618 for more than was
/// prepaid, C1619 where the bank's reference is booked.
fn check(connection: &Connection, booked: Booked<'_>) -> Result<(), BooksError> {
    let transaction = booked.transaction;
    if periods::period(connection, transaction.period)?.state == PeriodState::Closed {
        return Err(Code::C1602.into());
    }
    if transactions::find(connection, &transaction.key)?.is_some() {
        return Err(Code::C1607.into());
    }
    if let Some(reference) = booked.reference {
        let taken = connection.prepare_cached(REFERENCE)?.exists([reference])?;
        if taken {
            return Err(Code::C1619.into());
        }
    }
    for entry in &transaction.entries {
        let before = balance(connection, &entry.account)?;
        let after = before.checked_add(entry.amount).ok_or(StoreError::Range("entry"))?;
        let debit = entry.amount > MicroYuan::ZERO;
        // What somebody is owed, owes, or paid ahead is only used up as far as it goes.
        let short = match entry.account.chart() {
            Chart::SharePayable if debit => (after > MicroYuan::ZERO).then_some(Code::C1617),
            Chart::Receivable if !debit => (after < MicroYuan::ZERO).then_some(Code::C1617),
            Chart::Prepaid if debit => (after > MicroYuan::ZERO).then_some(Code::C1618),
            _ => None,
        };
        if let Some(code) = short {
            return Err(code.into());
        }
    }
    Ok(())
}

fn balance(connection: &Connection, account: &Account) -> Result<MicroYuan, StoreError> {
    let sum: Option<i64> = connection
        .prepare_cached("SELECT sum(amount) FROM entry WHERE account = ?1")?
        .query_row([account.to_string()], |row| row.get(0))?;
    Ok(MicroYuan::from_micros(sum.unwrap_or(0)))
}

/// Judges and posts, within the step of the caller.
pub(super) fn book(sql: &Sql<'_>, booked: Booked<'_>, at: Timestamp) -> Result<(), BooksError> {
    check(sql, booked)?;
    transactions::post(sql, std::slice::from_ref(booked.transaction), at)?;
    Ok(())
}

impl Books {
    /// Posts a payment against what is due, in one step.
    ///
    /// # Errors
    /// C1602 where its period is closed, C1607 where its key is posted, C1608 where it may not be posted, C1617 for more
    /// than is due, C1618 for more than was prepaid, C1619 where the bank's reference is booked; nothing is posted then.
    pub fn book(&self, booked: Booked<'_>, at: Timestamp) -> Result<(), BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        book(&sql, booked, at)?;
        sql.commit()?;
        Ok(())
    }

    /// Whether [`Self::book`] would post it now.
    ///
    /// # Errors
    /// As [`Self::book`].
    pub fn bookable(&self, booked: Booked<'_>) -> Result<(), BooksError> {
        check(&self.lock(), booked)
    }

    /// Whether a transaction was taken back.
    ///
    /// # Errors
    /// Of the database.
    pub fn taken_back(&self, key: &str) -> Result<bool, StoreError> {
        let connection = self.lock();
        let found = connection.prepare_cached(CORRECTED)?.query_row([key], |_| Ok(())).optional()?;
        Ok(found.is_some())
    }
}
