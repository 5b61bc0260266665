//! Periods: open, soft-closed with a time of grace, closed.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use shuzha_core::{Code, Id, Timestamp};
use shuzha_pricing::Month;
use shuzha_pricing::closing::Digest;

use super::{Books, BooksError, Columns, rows};
use crate::StoreError;

/// Where a period stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeriodState {
    /// Calls are posted in it.
    Open,
    /// Its month is over; late calls are still posted in it until it is closed.
    SoftClosed,
    /// Final. What comes later is posted later, and names it.
    Closed,
}

impl PeriodState {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::SoftClosed => "soft-closed",
            Self::Closed => "closed",
        }
    }
}

/// A period and who brought it where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// The month.
    pub month: Month,
    /// Where it stands.
    pub state: PeriodState,
    /// Who soft-closed it, and when.
    pub soft: Option<(Id, Timestamp)>,
    /// Who closed it, and when.
    pub closed: Option<(Id, Timestamp)>,
    /// The record up to which it was closed.
    pub reached: Option<u64>,
    /// Digest of all that its close brought about.
    pub digest: Option<Digest>,
}

impl Period {
    const fn open(month: Month) -> Self {
        Self { month, state: PeriodState::Open, soft: None, closed: None, reached: None, digest: None }
    }

    fn read(columns: &mut Columns<'_, '_>) -> Result<Self, StoreError> {
        let (month, state) = (columns.month()?, columns.next::<u8>()?);
        let soft = Some((columns.id()?, Timestamp::from_micros(columns.next()?)));
        let by: Option<String> = columns.next()?;
        let by = by.map(|by| Id::new(&by)).transpose().map_err(|_| StoreError::BadRow("period"))?;
        let at: Option<i64> = columns.next()?;
        let reached: Option<i64> = columns.next()?;
        Ok(Self {
            month,
            state: if state == 2 { PeriodState::Closed } else { PeriodState::SoftClosed },
            soft,
            closed: by.zip(at.map(Timestamp::from_micros)),
            reached: reached.and_then(|seq| u64::try_from(seq).ok()),
            digest: columns.next()?,
        })
    }
}

const COLUMNS: &str = "month, state, soft_by, soft_at, closed_by, closed_at, reached, digest";

/// The period of a month.
pub(super) fn period(connection: &Connection, month: Month) -> Result<Period, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM period WHERE month = ?1");
    let found = rows(connection, &sql, [month.index()], Period::read)?.pop();
    Ok(found.unwrap_or(Period::open(month)))
}

/// The month after the last that is closed.
pub(super) fn first_open(connection: &Connection) -> Result<Option<Month>, StoreError> {
    let last: Option<i32> =
        connection.query_one("SELECT max(month) FROM period WHERE state = 2", [], |row| row.get(0))?;
    last.map(|index| Month::from_index(index).map(Month::next))
        .transpose()
        .map_err(|_| StoreError::BadRow("period"))
}

/// Whether calls or corrections were posted in an earlier month that is not closed.
pub(super) fn earlier_open(connection: &Connection, month: Month) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM (SELECT period FROM rollup UNION ALL SELECT period FROM correction
                         UNION ALL SELECT period FROM line_correction WHERE period IS NOT NULL)
               WHERE period < ?1 AND period NOT IN (SELECT month FROM period WHERE state = 2) LIMIT 1";
    let found = connection.query_row(sql, [month.index()], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

/// Whether nothing will be posted in `month` any more: a later one is closed, or it lies before everything in the books; in
/// books that hold nothing, before the month that ended last.
fn begins_after(connection: &Connection, month: Month, at: Timestamp) -> Result<bool, StoreError> {
    if first_open(connection)?.is_some_and(|open| month < open) {
        return Ok(true);
    }
    let sql = "SELECT min(period) FROM (SELECT period FROM rollup UNION ALL SELECT period FROM correction
                         UNION ALL SELECT period FROM line_correction WHERE period IS NOT NULL)";
    let first: Option<i32> = connection.query_one(sql, [], |row| row.get(0))?;
    Ok(match first {
        Some(index) => month.index() < index,
        None => month.next().end() <= at,
    })
}

impl Books {
    /// The month after the last that is closed; none where none is.
    ///
    /// # Errors
    /// Of the database.
    pub fn first_open(&self) -> Result<Option<Month>, StoreError> {
        first_open(&self.lock())
    }

    /// The period of a month.
    ///
    /// # Errors
    /// Of the database.
    pub fn period(&self, month: Month) -> Result<Period, StoreError> {
        period(&self.lock(), month)
    }

    /// Every month with calls or acts, the latest first.
    ///
    /// # Errors
    /// Of the database.
    pub fn periods(&self) -> Result<Vec<Period>, StoreError> {
        let connection = self.lock();
        let sql = "SELECT month FROM period UNION SELECT DISTINCT period FROM rollup
                   UNION SELECT DISTINCT period FROM correction
                   UNION SELECT DISTINCT period FROM line_correction WHERE period IS NOT NULL ORDER BY 1 DESC";
        let months = rows(&connection, sql, [], |columns| columns.month())?;
        months.into_iter().map(|month| period(&connection, month)).collect()
    }

    /// Soft-closes a month that is over (预结账). Doing so again is the same.
    ///
    /// # Errors
    /// C1623 for a month before the books begin, or before one that is closed.
    /// C1602 where it is closed, C1611 where the month is not over.
    pub fn soft_close(&self, month: Month, by: &Id, at: Timestamp) -> Result<Period, BooksError> {
        if at < month.end() {
            return Err(Code::C1611.into());
        }
        let connection = self.lock();
        let before = period(&connection, month)?;
        match before.state {
            PeriodState::Closed => Err(Code::C1602.into()),
            PeriodState::SoftClosed => Ok(before),
            PeriodState::Open => {
                if begins_after(&connection, month, at)? {
                    return Err(Code::C1623.into());
                }
                let sql = "INSERT INTO period (month, state, soft_by, soft_at) VALUES (?1, 1, ?2, ?3)";
                connection.execute(sql, (month.index(), by.as_str(), at.micros()))?;
                Ok(period(&connection, month)?)
            }
        }
    }

    /// Whether `by` may close the month now.
    ///
    /// # Errors
    /// C1600 before it is soft-closed, C1601 for who soft-closed it, C1602 where it is closed, C1603 within the time of
    /// grace, C1605 where an earlier month with calls is open.
    pub fn may_close(&self, month: Month, by: &Id, at: Timestamp, grace: Duration) -> Result<(), BooksError> {
        let connection = self.lock();
        may_close(&connection, &period(&connection, month)?, by, at, grace)
    }
}

pub(super) fn may_close(
    connection: &Connection,
    period: &Period,
    by: &Id,
    at: Timestamp,
    grace: Duration,
) -> Result<(), BooksError> {
    if period.state == PeriodState::Closed {
        return Err(Code::C1602.into());
    }
    let Some((soft_by, soft_at)) = &period.soft else { return Err(Code::C1600.into()) };
    if soft_by == by {
        return Err(Code::C1601.into());
    }
    if at < soft_at.plus(grace) {
        return Err(Code::C1603.into());
    }
    if earlier_open(connection, period.month)? { Err(Code::C1605.into()) } else { Ok(()) }
}
