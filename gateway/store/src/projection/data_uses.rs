//! Uses of data about persons as rows: written once, never changed, read by the person's tags.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Row, Transaction};
use shuzha_core::{Code, PurposeClass, Timestamp};
use shuzha_evidence::{Commitment, Decision};

use super::Difference;
use super::rows::integer;
use crate::reduce::DataUse;
use crate::{Store, StoreError};

const TABLE: &str = "data_uses";
const COLUMNS: &str =
    "seq, at_micros, subject, consent, unit, scenario, product, operation, purpose, decision, code";

/// Whose uses are asked for: all that carry one of these tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsesOf {
    /// Tags of the person, one for each unit, scenario and period.
    pub subjects: Vec<Commitment>,
    /// Commitments to consents.
    pub consents: Vec<Commitment>,
}

impl Store {
    /// Uses of data about a person, newest first, those before record `before` where it is given; at most `limit`.
    ///
    /// # Errors
    /// Of the database.
    pub fn data_uses(
        &self,
        of: &UsesOf,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<DataUse>, StoreError> {
        let before = integer(before.unwrap_or(i64::MAX as u64), TABLE)?;
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let connection = self.lock();
        let mut found = BTreeMap::new();
        for (column, tags) in [("subject", &of.subjects), ("consent", &of.consents)] {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM data_uses WHERE {column} = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
            ))?;
            for tag in tags {
                let mut rows = statement.query((tag, before, most))?;
                while let Some(row) = rows.next()? {
                    let one = read(row)?;
                    found.insert(one.seq, one);
                }
            }
        }
        Ok(found.into_values().rev().take(limit).collect())
    }
}

fn read(row: &Row<'_>) -> Result<DataUse, StoreError> {
    let bad = || StoreError::BadRow(TABLE);
    let purpose: Option<String> = row.get(8)?;
    let purpose = purpose
        .map(|name| PurposeClass::ALL.into_iter().find(|class| class.as_str() == name).ok_or_else(bad))
        .transpose()?;
    let decision: String = row.get(9)?;
    let decision = Decision::ALL.into_iter().find(|one| one.as_str() == decision).ok_or_else(bad)?;
    let code: Option<u16> = row.get(10)?;
    Ok(DataUse {
        seq: u64::try_from(row.get::<_, i64>(0)?).map_err(|_| bad())?,
        at: Timestamp::from_micros(row.get(1)?),
        subject: row.get(2)?,
        consent: row.get(3)?,
        unit: row.get(4)?,
        scenario: row.get(5)?,
        product: row.get(6)?,
        operation: row.get(7)?,
        purpose,
        decision,
        code: code.map(|number| Code::from_number(number).ok_or_else(bad)).transpose()?,
    })
}

/// Appends the rows of a batch.
pub(super) fn save(transaction: &Transaction<'_>, uses: &[DataUse]) -> Result<(), StoreError> {
    let sql =
        format!("INSERT INTO data_uses ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    let mut put = transaction.prepare_cached(&sql)?;
    for one in uses {
        put.execute((
            integer(one.seq, TABLE)?,
            one.at.micros(),
            one.subject,
            one.consent,
            &one.unit,
            &one.scenario,
            &one.product,
            &one.operation,
            one.purpose.map(PurposeClass::as_str),
            one.decision.as_str(),
            one.code.map(Code::number),
        ))?;
    }
    Ok(())
}

/// Rows compared with the journal while it is read: there is no room for all of them at once.
#[derive(Default)]
pub(super) struct Checked {
    /// Those up to this record are not looked at.
    after: u64,
    found: i64,
    wrong: usize,
}

impl Checked {
    pub(super) fn after(seq: u64) -> Self {
        Self { after: seq, ..Self::default() }
    }

    /// Looks the uses up that the journal shows.
    pub(super) fn check(
        &mut self,
        store: &Store,
        uses: impl Iterator<Item = DataUse>,
    ) -> Result<(), StoreError> {
        for one in uses {
            let connection = store.lock();
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM data_uses WHERE seq = ?1"))?;
            let stored = statement.query_one([integer(one.seq, TABLE)?], |row| Ok(read(row)));
            let stored = stored.optional()?.transpose()?;
            self.found += i64::from(stored.is_some());
            self.wrong += usize::from(stored.as_ref() != Some(&one));
        }
        Ok(())
    }

    /// What differs once the journal is read: also rows that no record stands behind.
    pub(super) fn difference(self, store: &Store) -> Result<Option<Difference>, StoreError> {
        let (sql, after) = ("SELECT count(*) FROM data_uses WHERE seq > ?1", integer(self.after, TABLE)?);
        let rows: i64 = store.lock().query_row(sql, [after], |row| row.get(0))?;
        let superfluous = usize::try_from(rows - self.found).unwrap_or(0);
        let wrong = self.wrong + superfluous;
        Ok((wrong > 0).then_some(Difference { table: TABLE, rows: wrong }))
    }
}
