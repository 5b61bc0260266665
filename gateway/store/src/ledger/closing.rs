//! The close of a period, stored whole or not at all.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction as Sql, params};
use shuzha_core::{Code, Id, Timestamp};
use shuzha_evidence::merkle::{Frontier, Sha256};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Before, CallTree, Closing, Input, Terms};
use shuzha_pricing::metering::{Dimensions, Row, Sums};
use shuzha_pricing::period::Hour;
use shuzha_pricing::rerating::Correction;

use super::periods::{Period, may_close, period};
use super::{
    Books, BooksError, Columns, PeriodState, integer, line_columns, line_corrections, reratings, rows,
    transactions,
};
use crate::StoreError;

/// What a period is closed from.
#[derive(Clone, Debug, Default)]
pub struct Gatherings {
    /// Its roll-ups.
    pub rows: Vec<Row>,
    /// What was billed before, of the lines in them.
    pub before: Before,
    /// Differences of closed periods that are billed in it.
    pub corrections: Vec<Correction>,
    /// The trees over its calls' records.
    pub trees: BTreeMap<Id, CallTree>,
    /// What of the period they are.
    pub stand: Stand,
}

/// What of a period was gathered when it was read. Metering goes on meanwhile, with the calls of other periods; a call of this
/// one that comes in changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stand {
    /// The record up to which everything was gathered.
    pub reached: u64,
    /// Calls of the period, and the last record of one.
    calls: u64,
    last_seq: u64,
}

impl Stand {
    fn of(sql: &Connection, month: Month) -> Result<Self, StoreError> {
        let number = |value: i64, row| u64::try_from(value).map_err(|_| StoreError::BadRow(row));
        let reached: i64 = sql.query_one("SELECT seq FROM position", [], |row| row.get(0))?;
        let (calls, last): (i64, i64) = sql.query_one(
            "SELECT coalesce(sum(size), 0), coalesce(max(last_seq), 0) FROM call_tree WHERE period = ?1",
            [month.index()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok(Self {
            reached: number(reached, "position")?,
            calls: number(calls, "call_tree")?,
            last_seq: number(last, "call_tree")?,
        })
    }

    /// Whether the period is still as it was.
    fn holds(self, now: Self) -> bool {
        (self.calls, self.last_seq) == (now.calls, now.last_seq) && self.reached <= now.reached
    }
}

impl Gatherings {
    /// What a close of `month` by these terms is worked out from.
    #[must_use]
    pub const fn input<'a>(&'a self, month: Month, terms: &'a Terms) -> Input<'a> {
        let Self { rows, before, corrections, trees, .. } = self;
        Input { month, rows: rows.as_slice(), before, trees, corrections: corrections.as_slice(), terms }
    }
}

pub(super) const ROLLUP: &str =
    "SELECT unit, agreement, scenario, product, price, purpose, basis, hour, operation,
    calls, quantity, amount, first_seq, last_seq FROM rollup";

pub(super) fn rollup_row(columns: &mut Columns<'_, '_>) -> Result<Row, StoreError> {
    let line = columns.line()?;
    let (hour, operation) = (Hour::new(columns.next()?), columns.id()?);
    let sums = Sums {
        calls: columns.count()?,
        quantity: columns.count()?,
        amount: columns.yuan()?,
        first_seq: columns.count()?,
        last_seq: columns.count()?,
    };
    Ok((Dimensions { line, hour, operation }, sums))
}

impl Books {
    /// The roll-ups of a period, and what a close of it goes on from.
    ///
    /// # Errors
    /// Of the database.
    pub fn gatherings(&self, month: Month) -> Result<Gatherings, StoreError> {
        let connection = self.lock();
        let found = rows(&connection, &format!("{ROLLUP} WHERE period = ?1"), [month.index()], rollup_row)?;
        let before = rows(
            &connection,
            "SELECT unit, agreement, scenario, product, price, purpose, basis, month, sum(quantity) FROM line
             WHERE period < ?1 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8",
            [month.index()],
            |columns| Ok(((columns.line()?, columns.month()?), columns.count()?)),
        )?;
        let trees = rows(
            &connection,
            "SELECT unit, size, edge, first_seq, last_seq FROM call_tree WHERE period = ?1",
            [month.index()],
            |columns| {
                let (unit, size, edge) = (columns.id()?, columns.count()?, columns.next::<Vec<u8>>()?);
                let edge = Frontier::read(size, &edge).ok_or(StoreError::BadRow("call_tree"))?;
                let (first_seq, last_seq) = (columns.count()?, columns.count()?);
                Ok((unit, CallTree { root: edge.root::<Sha256>(), size, first_seq, last_seq }))
            },
        )?;
        Ok(Gatherings {
            rows: found,
            before: before.into_iter().collect(),
            corrections: [
                reratings::corrections(&connection, month)?,
                line_corrections::billed_in(&connection, month)?,
            ]
            .concat(),
            trees: trees.into_iter().collect(),
            stand: Stand::of(&connection, month)?,
        })
    }

    /// Stores a close: the period's state and everything it brought about, in one transaction. Storing the same close
    /// again, by the same person, is the same.
    ///
    /// # Errors
    /// As [`Books::may_close`]; C1606 where calls of the period were gathered since `stand`, or a re-rating was approved: close
    /// again on what is there now.
    pub fn close(
        &self,
        closing: &Closing,
        stand: Stand,
        (by, at, grace): (&Id, Timestamp, Duration),
    ) -> Result<Period, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        let before = period(&sql, closing.month)?;
        if before.state == PeriodState::Closed
            && before.digest.is_some_and(|digest| closing.bears(&digest).is_some())
            && before.closed.as_ref().is_some_and(|(one, _)| one == by)
        {
            return Ok(before);
        }
        may_close(&sql, &before, by, at, grace)?;
        if !stand.holds(Stand::of(&sql, closing.month)?) || !holds(&sql, closing)? {
            return Err(Code::C1606.into());
        }
        store(&sql, closing)?;
        transactions::post(&sql, &closing.transactions, at)?;
        let closed = "UPDATE period SET state = 2, closed_by = ?2, closed_at = ?3, reached = ?4, digest = ?5
                      WHERE month = ?1";
        sql.execute(
            closed,
            (closing.month.index(), by.as_str(), at.micros(), integer(stand.reached)?, closing.digest),
        )?;
        let after = period(&sql, closing.month)?;
        sql.commit()?;
        Ok(after)
    }

    /// Revenue that counts towards an operator's permitted revenue, by closed period.
    ///
    /// # Errors
    /// Of the database.
    pub fn revenue(&self, operator: &Id) -> Result<Vec<(Month, shuzha_core::MicroYuan)>, StoreError> {
        let sql = "SELECT period, amount FROM revenue WHERE operator = ?1 ORDER BY period";
        rows(&self.lock(), sql, [operator.as_str()], |columns| Ok((columns.month()?, columns.yuan()?)))
    }

    /// Charged amounts by product of periods that are not closed: revenue that the next closes will bring.
    ///
    /// # Errors
    /// Of the database.
    pub fn open_revenue(&self) -> Result<Vec<(Month, Id, shuzha_core::MicroYuan)>, StoreError> {
        let sql = "SELECT period, product, sum(amount) FROM rollup
                   WHERE period NOT IN (SELECT month FROM period WHERE state = 2) GROUP BY 1, 2";
        rows(&self.lock(), sql, [], |columns| Ok((columns.month()?, columns.id()?, columns.yuan()?)))
    }

    /// The highest alert that was raised for a permitted revenue.
    ///
    /// # Errors
    /// Of the database.
    pub fn alert_raised(&self, permitted: &Id) -> Result<Option<u8>, StoreError> {
        let sql = "SELECT max(percent) FROM alert WHERE permitted = ?1";
        Ok(self.lock().query_one(sql, [permitted.as_str()], |row| row.get(0))?)
    }

    /// Notes that an alert is raised; answers whether it had not been.
    ///
    /// # Errors
    /// Of the database.
    pub fn raise_alert(&self, permitted: &Id, percent: u8, at: Timestamp) -> Result<bool, StoreError> {
        let connection = self.lock();
        let sql = "SELECT 1 FROM alert WHERE permitted = ?1 AND percent = ?2";
        if connection.query_row(sql, (permitted.as_str(), percent), |_| Ok(())).optional()?.is_some() {
            return Ok(false);
        }
        let row = (permitted.as_str(), percent, at.micros());
        connection.execute("INSERT INTO alert VALUES (?1, ?2, ?3)", row)?;
        Ok(true)
    }
}

/// Whether a close bills every difference that is to be billed in its period: none was approved since it was worked out.
fn holds(sql: &Sql<'_>, closing: &Closing) -> Result<bool, StoreError> {
    let asked: i64 =
        sql.query_one(
            "SELECT (SELECT count(*) FROM correction WHERE period = ?1) + (SELECT count(*) FROM line_correction WHERE period = ?1)",
            [closing.month.index()],
            |row| row.get(0),
        )?;
    let billed = closing.lines.iter().filter(|line| line.calls == 0).count();
    Ok(i64::try_from(billed) == Ok(asked))
}

fn store(sql: &Sql<'_>, closing: &Closing) -> Result<(), StoreError> {
    let month = closing.month.index();
    let number = |at: usize| i64::try_from(at).map_err(|_| StoreError::Range("books"));
    let values = |count: usize| {
        let marks: Vec<String> = (1..=count).map(|at| format!("?{at}")).collect();
        marks.join(", ")
    };
    let mut put = sql.prepare_cached(&line_columns::insert())?;
    for (at, line) in closing.lines.iter().enumerate() {
        line_columns::put(&mut put, (closing.month, number(at)?), line)?;
    }
    let mut put = sql.prepare_cached(&format!("INSERT INTO statement VALUES ({})", values(12)))?;
    for one in &closing.statements {
        let tree = one.tree.as_ref();
        put.execute(params![
            one.number,
            month,
            one.unit.as_str(),
            one.taxed.gross.count(),
            one.taxed.net.count(),
            one.taxed.tax.count(),
            number(one.lines.start)?,
            number(one.lines.end)?,
            tree.map(|tree| tree.root),
            tree.map(|tree| integer(tree.size)).transpose()?,
            tree.map(|tree| integer(tree.first_seq)).transpose()?,
            tree.map(|tree| integer(tree.last_seq)).transpose()?,
        ])?;
    }
    let mut put = sql.prepare_cached(&format!("INSERT INTO share VALUES ({})", values(9)))?;
    for (at, one) in closing.shares.iter().enumerate() {
        put.execute(params![
            month,
            number(at)?,
            one.party.as_str(),
            one.agreement.as_str(),
            one.product.as_str(),
            one.base.count(),
            one.weight.to_string(),
            one.whole.to_string(),
            one.amount.count(),
        ])?;
    }
    let mut put = sql.prepare_cached(&format!("INSERT INTO bill VALUES ({})", values(6)))?;
    for one in &closing.bills {
        let (first, end) = (number(one.shares.start)?, number(one.shares.end)?);
        put.execute((&one.number, month, one.party.as_str(), one.amount.count(), first, end))?;
    }
    let mut put = sql.prepare_cached(&format!("INSERT INTO contribution VALUES ({})", values(13)))?;
    for one in &closing.contributions {
        put.execute(params![
            month,
            one.party.as_str(),
            one.product.as_str(),
            integer(one.calls)?,
            integer(one.records)?,
            integer(one.charged)?,
            one.revenue.count(),
            one.notional.micros(),
            one.share.count(),
            one.assessment.map(|of| integer(of.units)).transpose()?,
            one.assessment.map(|of| integer(of.scenarios)).transpose()?,
            one.assessment.map(|of| integer(of.quality.tickets)).transpose()?,
            one.assessment.map(|of| integer(of.quality.faults)).transpose()?,
        ])?;
    }
    let mut put = sql.prepare_cached("INSERT INTO revenue VALUES (?1, ?2, ?3)")?;
    for (operator, amount) in &closing.revenue {
        put.execute((month, operator.as_str(), amount.micros()))?;
    }
    Ok(())
}
