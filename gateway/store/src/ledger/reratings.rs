//! Re-ratings (重新计费): proposed by one person, approved by another, billed in the period that is open then.

use rusqlite::Connection;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_pricing::Month;
use shuzha_pricing::closing::Digest;
use shuzha_pricing::rerating::{Billed, BilledLine, Correction, FirstBilled, digest};

use super::{Books, BooksError, Columns, PeriodState, integer, periods, rows};
use crate::StoreError;

/// What one person proposes.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    /// The closed month.
    pub month: Month,
    /// The corrected prices, as JSON.
    pub changes: &'a str,
    /// Why.
    pub reason: &'a str,
    /// What it comes to.
    pub corrections: &'a [Correction],
}

/// A re-rating and who did what to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rerating {
    /// Its number.
    pub number: u64,
    /// The closed month.
    pub month: Month,
    /// The corrected prices, as JSON.
    pub changes: String,
    /// Why.
    pub reason: String,
    /// Digest of the differences.
    pub digest: Digest,
    /// How many there are.
    pub lines: u64,
    /// Who proposed it, and when.
    pub proposed: (Id, Timestamp),
    /// Who approved it, and when.
    pub approved: Option<(Id, Timestamp)>,
    /// The period in which the differences are billed.
    pub period: Option<Month>,
}

impl Rerating {
    fn read(columns: &mut Columns<'_, '_>) -> Result<Self, StoreError> {
        let (number, month) = (columns.count()?, columns.month()?);
        let (changes, reason) = (columns.text()?, columns.text()?);
        let (digest, lines) = (columns.next()?, columns.count()?);
        let proposed = (columns.id()?, Timestamp::from_micros(columns.next()?));
        let by: Option<String> = columns.next()?;
        let by = by.map(|by| Id::new(&by)).transpose().map_err(|_| StoreError::BadRow("rerating"))?;
        let at: Option<i64> = columns.next()?;
        let period: Option<i32> = columns.next()?;
        let period = period.map(Month::from_index).transpose().map_err(|_| StoreError::BadRow("rerating"))?;
        let approved = by.zip(at.map(Timestamp::from_micros));
        Ok(Self { number, month, changes, reason, digest, lines, proposed, approved, period })
    }
}

const RERATING: &str = "SELECT number, month, changes, reason, digest, lines, proposed_by, proposed_at,
    approved_by, approved_at, period FROM rerating";

const CORRECTION: &str =
    "SELECT unit, agreement, scenario, product, price, purpose, basis, month, exact, notional, act
    FROM correction";

/// What a line and month was billed for, in closed periods and by corrections that wait for one, but for what two persons
/// corrected of the line alone: a re-rating takes nothing of that back.
const BILLED: &str = "SELECT unit, agreement, scenario, product, price, purpose, basis,
    sum(quantity), sum(exact), sum(notional)
    FROM (
        SELECT unit, agreement, scenario, product, price, purpose, basis, quantity, exact, notional
        FROM line WHERE month = ?1
        UNION ALL
        SELECT unit, agreement, scenario, product, price, purpose, basis, 0, exact, notional
        FROM correction WHERE month = ?1 AND period NOT IN (SELECT month FROM period WHERE state = 2)
        UNION ALL
        SELECT unit, agreement, scenario, product, price, purpose, basis, 0, -exact, 0
        FROM line_correction WHERE month = ?1 AND period IN (SELECT month FROM period WHERE state = 2)
    )
    GROUP BY unit, agreement, scenario, product, price, purpose, basis";

/// When calls of a line and month of a year were billed first.
const FIRST_BILLED: &str =
    "SELECT unit, agreement, scenario, product, price, purpose, basis, month, min(period)
    FROM line WHERE month BETWEEN ?1 AND ?1 + 11 AND quantity > 0
    GROUP BY unit, agreement, scenario, product, price, purpose, basis, month";

/// The differences that are billed in a period, in the order of their re-ratings.
pub(super) fn corrections(connection: &Connection, period: Month) -> Result<Vec<Correction>, StoreError> {
    let sql = format!("{CORRECTION} WHERE period = ?1 ORDER BY rerating, number");
    rows(connection, &sql, [period.index()], |columns| {
        let (line, month) = (columns.line()?, columns.month()?);
        let (exact, notional, act) = (columns.yuan()?, columns.yuan()?, columns.text()?);
        Ok(Correction { line, month, exact, notional, act })
    })
}

fn rerating(connection: &Connection, number: u64) -> Result<Option<Rerating>, StoreError> {
    let sql = format!("{RERATING} WHERE number = ?1");
    Ok(rows(connection, &sql, [integer(number)?], Rerating::read)?.pop())
}

impl Books {
    /// What was billed for a month so far.
    ///
    /// # Errors
    /// Of the database.
    pub fn billed(&self, month: Month) -> Result<Billed, StoreError> {
        let connection = self.lock();
        let lines = rows(&connection, BILLED, [month.index()], |columns| {
            Ok(BilledLine {
                line: columns.line()?,
                quantity: columns.count()?,
                exact: columns.yuan()?,
                notional: columns.yuan()?,
            })
        })?;
        let january = month.index() - i32::from(month.number()) + 1;
        let year = rows(&connection, FIRST_BILLED, [january], |columns| {
            let (line, month, period) = (columns.line()?, columns.month()?, columns.month()?);
            Ok(FirstBilled { line, month, period })
        })?;
        Ok(Billed { lines, year })
    }

    /// Keeps a proposal.
    ///
    /// # Errors
    /// C1600 where the month is not closed.
    pub fn propose(&self, proposal: Proposal<'_>, by: &Id, at: Timestamp) -> Result<Rerating, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        if periods::period(&sql, proposal.month)?.state != PeriodState::Closed {
            return Err(Code::C1600.into());
        }
        sql.execute(
            "INSERT INTO rerating (number, month, changes, reason, digest, lines, proposed_by, proposed_at)
             SELECT coalesce(max(number), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM rerating",
            (
                proposal.month.index(),
                proposal.changes,
                proposal.reason,
                digest(proposal.corrections),
                integer(proposal.corrections.len() as u64)?,
                by.as_str(),
                at.micros(),
            ),
        )?;
        let number = u64::try_from(sql.last_insert_rowid()).map_err(|_| StoreError::BadRow("rerating"))?;
        let kept = rerating(&sql, number)?.ok_or(StoreError::BadRow("rerating"))?;
        sql.commit()?;
        Ok(kept)
    }

    /// Approves a proposal whose differences are still the same, to be billed in the first period that is not closed; whole
    /// or not at all.
    ///
    /// # Errors
    /// C1003 where there is none; C1614 for who proposed it; C1615 where it is approved, or comes to something else now.
    pub fn approve(
        &self,
        number: u64,
        corrections: &[Correction],
        (by, at): (&Id, Timestamp),
    ) -> Result<Rerating, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        let before = rerating(&sql, number)?.ok_or(Code::C1003)?;
        if before.proposed.0 == *by {
            return Err(Code::C1614.into());
        }
        if before.approved.is_some() || before.digest != digest(corrections) {
            return Err(Code::C1615.into());
        }
        let period = periods::first_open(&sql)?.ok_or(StoreError::BadRow("period"))?;
        let mut put = sql.prepare_cached(
            "INSERT INTO correction VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        for (at, one) in (0_i64..).zip(corrections) {
            let line = &one.line;
            put.execute(rusqlite::params![
                integer(number)?,
                at,
                period.index(),
                line.unit.as_str(),
                line.agreement.as_str(),
                line.scenario.as_str(),
                line.product.as_str(),
                line.price.as_str(),
                line.purpose as u8,
                line.basis.number(),
                one.month.index(),
                one.exact.micros(),
                one.notional.micros(),
                one.act,
            ])?;
        }
        drop(put);
        sql.execute(
            "UPDATE rerating SET approved_by = ?2, approved_at = ?3, period = ?4 WHERE number = ?1",
            (integer(number)?, by.as_str(), at.micros(), period.index()),
        )?;
        let after = rerating(&sql, number)?.ok_or(StoreError::BadRow("rerating"))?;
        sql.commit()?;
        Ok(after)
    }

    /// The re-rating of this number.
    ///
    /// # Errors
    /// Of the database.
    pub fn rerating(&self, number: u64) -> Result<Option<Rerating>, StoreError> {
        rerating(&self.lock(), number)
    }

    /// Every re-rating, the latest first.
    ///
    /// # Errors
    /// Of the database.
    pub fn reratings(&self) -> Result<Vec<Rerating>, StoreError> {
        rows(&self.lock(), &format!("{RERATING} ORDER BY number DESC"), [], Rerating::read)
    }
}
