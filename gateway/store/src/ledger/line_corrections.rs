//! Corrections of single lines (单行更正): proposed by one person, decided by another, billed in the month itself while that is
//! open and in the first open one after.

use rusqlite::Connection;
use shuzha_core::{Code, Id, MicroYuan, Timestamp};
use shuzha_pricing::Month;
use shuzha_pricing::metering::Line;
use shuzha_pricing::rerating::Correction;

use super::{Books, BooksError, Columns, PeriodState, integer, periods, rows};
use crate::StoreError;

/// What one person proposes: a line is to come to more, or to less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// The line.
    pub line: Line,
    /// The month of its calls.
    pub month: Month,
    /// What is charged more, or less.
    pub exact: MicroYuan,
    /// Why.
    pub reason: String,
}

impl LineChange {
    /// What the close of its period bills as correction `number`, and the statement says: the case, and why.
    #[must_use]
    pub fn billed(&self, number: u64) -> Correction {
        let Self { line, month, exact, reason } = self;
        Correction {
            line: line.clone(),
            month: *month,
            exact: *exact,
            notional: MicroYuan::ZERO,
            act: format!("更正{number}：{reason}"),
        }
    }
}

/// A correction of a line, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineCorrection {
    /// Its number.
    pub number: u64,
    /// What is proposed.
    pub change: LineChange,
    /// Who proposed it, and when.
    pub proposed: (Id, Timestamp),
    /// Who decided, and when.
    pub decided: Option<(Id, Timestamp)>,
    /// The period that it is billed in; none where it waits or was declined.
    pub period: Option<Month>,
}

impl LineCorrection {
    fn read(columns: &mut Columns<'_, '_>) -> Result<Self, StoreError> {
        const BAD: StoreError = StoreError::BadRow("line_correction");
        let number = columns.count()?;
        let (line, month, exact, reason) =
            (columns.line()?, columns.month()?, columns.yuan()?, columns.text()?);
        let proposed = (columns.id()?, Timestamp::from_micros(columns.next()?));
        let (by, at): (Option<String>, Option<i64>) = (columns.next()?, columns.next()?);
        let by = by.map(|by| Id::new(&by)).transpose().map_err(|_| BAD)?;
        let period: Option<i32> = columns.next()?;
        let period = period.map(Month::from_index).transpose().map_err(|_| BAD)?;
        let decided = by.zip(at.map(Timestamp::from_micros));
        Ok(Self { number, change: LineChange { line, month, exact, reason }, proposed, decided, period })
    }
}

const CORRECTION: &str =
    "SELECT number, unit, agreement, scenario, product, price, purpose, basis, month, exact,
    reason, proposed_by, proposed_at, decided_by, decided_at, period FROM line_correction";

/// The corrections of lines that are billed in a period, in their order.
pub(super) fn billed_in(connection: &Connection, period: Month) -> Result<Vec<Correction>, StoreError> {
    let sql = format!("{CORRECTION} WHERE period = ?1 ORDER BY number");
    let found = rows(connection, &sql, [period.index()], LineCorrection::read)?;
    Ok(found.iter().map(|one| one.change.billed(one.number)).collect())
}

fn one(connection: &Connection, number: u64) -> Result<Option<LineCorrection>, StoreError> {
    let sql = format!("{CORRECTION} WHERE number = ?1");
    Ok(rows(connection, &sql, [integer(number)?], LineCorrection::read)?.pop())
}

/// A correction that nobody decided yet.
fn undecided(connection: &Connection, number: u64) -> Result<LineCorrection, BooksError> {
    let found = one(connection, number)?.ok_or(Code::C1003)?;
    if found.decided.is_some() { Err(Code::C1622.into()) } else { Ok(found) }
}

/// The period that a correction of `month` would be billed in now.
fn period_of(connection: &Connection, month: Month) -> Result<Month, StoreError> {
    if periods::period(connection, month)?.state != PeriodState::Closed {
        return Ok(month);
    }
    periods::first_open(connection)?.ok_or(StoreError::BadRow("period"))
}

impl Books {
    /// The period that a correction of a line of `month` would be billed in now: the month itself while it is open.
    ///
    /// # Errors
    /// Of the database.
    pub fn billed_with(&self, month: Month) -> Result<Month, StoreError> {
        period_of(&self.lock(), month)
    }

    /// What approved corrections of a line's calls of `month` come to.
    ///
    /// # Errors
    /// Of the database.
    pub fn corrected_by(&self, line: &Line, month: Month) -> Result<MicroYuan, StoreError> {
        let sql = format!("{CORRECTION} WHERE month = ?1 AND period IS NOT NULL");
        let found = rows(&self.lock(), &sql, [month.index()], LineCorrection::read)?;
        let of = found.iter().filter(|one| one.change.line == *line).map(|one| one.change.exact);
        of.into_iter().try_fold(MicroYuan::ZERO, MicroYuan::checked_add).ok_or(StoreError::Range("books"))
    }

    /// Keeps a proposal; the same that still waits is that one.
    ///
    /// # Errors
    /// Of the database.
    pub fn propose_line_correction(
        &self,
        change: &LineChange,
        (by, at): (&Id, Timestamp),
    ) -> Result<LineCorrection, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        let waiting = format!("{CORRECTION} WHERE decided_by IS NULL AND month = ?1");
        let waiting = rows(&sql, &waiting, [change.month.index()], LineCorrection::read)?;
        if let Some(same) = waiting.into_iter().find(|one| one.change == *change) {
            return Ok(same);
        }
        let line = &change.line;
        sql.execute(
            "INSERT INTO line_correction (number, unit, agreement, scenario, product, price, purpose, basis, month, exact,
             reason, proposed_by, proposed_at)
             SELECT coalesce(max(number), 0) + 1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM line_correction",
            rusqlite::params![
                line.unit.as_str(),
                line.agreement.as_str(),
                line.scenario.as_str(),
                line.product.as_str(),
                line.price.as_str(),
                line.purpose as u8,
                line.basis.number(),
                change.month.index(),
                change.exact.micros(),
                change.reason,
                by.as_str(),
                at.micros(),
            ],
        )?;
        let number =
            u64::try_from(sql.last_insert_rowid()).map_err(|_| StoreError::BadRow("line_correction"))?;
        let kept = one(&sql, number)?.ok_or(StoreError::BadRow("line_correction"))?;
        sql.commit()?;
        Ok(kept)
    }

    /// Approves a correction, to be billed in `period`.
    ///
    /// # Errors
    /// C1003 where there is none of this number; C1614 for who proposed it; C1622 where it is decided; C1615 where `period` is
    /// not the one that it is billed in by now.
    pub fn approve_line_correction(
        &self,
        number: u64,
        period: Month,
        (by, at): (&Id, Timestamp),
    ) -> Result<LineCorrection, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        let before = undecided(&sql, number)?;
        if before.proposed.0 == *by {
            return Err(Code::C1614.into());
        }
        if period_of(&sql, before.change.month)? != period {
            return Err(Code::C1615.into());
        }
        let update =
            "UPDATE line_correction SET decided_by = ?2, decided_at = ?3, period = ?4 WHERE number = ?1";
        sql.execute(update, (integer(number)?, by.as_str(), at.micros(), period.index()))?;
        let after = one(&sql, number)?.ok_or(StoreError::BadRow("line_correction"))?;
        sql.commit()?;
        Ok(after)
    }

    /// Declines a correction: nothing is billed.
    ///
    /// # Errors
    /// C1003 where there is none of this number; C1622 where it is decided.
    pub fn decline_line_correction(
        &self,
        number: u64,
        (by, at): (&Id, Timestamp),
    ) -> Result<LineCorrection, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        undecided(&sql, number)?;
        let update = "UPDATE line_correction SET decided_by = ?2, decided_at = ?3 WHERE number = ?1";
        sql.execute(update, (integer(number)?, by.as_str(), at.micros()))?;
        let after = one(&sql, number)?.ok_or(StoreError::BadRow("line_correction"))?;
        sql.commit()?;
        Ok(after)
    }

    /// The correction of this number.
    ///
    /// # Errors
    /// Of the database.
    pub fn line_correction(&self, number: u64) -> Result<Option<LineCorrection>, StoreError> {
        one(&self.lock(), number)
    }

    /// Every correction of a line, the latest first.
    ///
    /// # Errors
    /// Of the database.
    pub fn line_corrections(&self) -> Result<Vec<LineCorrection>, StoreError> {
        rows(&self.lock(), &format!("{CORRECTION} ORDER BY number DESC"), [], LineCorrection::read)
    }
}
