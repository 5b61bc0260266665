//! Records to roll-ups.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction};
use shuzha_core::Id;
use shuzha_evidence::merkle::{Digest as _, Frontier, Hash, Sha256};
use shuzha_evidence::{Call, Decision, Entry};
use shuzha_journal::{Position, RawRecord};
use shuzha_pricing::Month;
use shuzha_pricing::metering::{Rollup, Row, Use};

use super::{Books, BooksError, Columns, integer};
use crate::StoreError;
use crate::reduce::basis;

/// Records gathered and not yet written.
#[derive(Debug, Default)]
pub struct Gathered {
    after: Position,
    reached: Position,
    /// The first month that is not closed: calls of earlier ones are late, and posted there.
    first_open: Option<Month>,
    rollups: BTreeMap<Month, Rollup>,
    /// By period and unit.
    trees: BTreeMap<(Month, Id), Tree>,
}

/// The records of a unit's calls, to be appended to its tree.
#[derive(Debug, Default)]
struct Tree {
    first_seq: u64,
    last_seq: u64,
    leaves: Vec<Hash>,
}

impl Gathered {
    /// Nothing yet, from where the books stand.
    pub(super) fn after(after: Position, first_open: Option<Month>) -> Self {
        Self { after, reached: after, first_open, ..Self::default() }
    }

    /// The last record gathered.
    #[must_use]
    pub const fn reached(&self) -> Position {
        self.reached
    }

    /// Adds the record that follows.
    ///
    /// # Errors
    /// [`StoreError::Contradiction`] for a gap in the sequence, or a record that cannot be counted; the journal's own.
    pub fn add(&mut self, record: &RawRecord) -> Result<(), StoreError> {
        let contradiction = |what| StoreError::Contradiction { seq: record.position.seq, what };
        if record.position.seq != self.reached.seq + 1 {
            return Err(contradiction("the sequence has a gap"));
        }
        let entry = record.entry()?;
        if let Some(use_of) = counted(&entry, record.position.seq).map_err(contradiction)? {
            self.count(use_of, record)?;
        }
        self.reached = record.position;
        Ok(())
    }

    fn count(&mut self, (own, one): (Month, Use<'_>), record: &RawRecord) -> Result<(), StoreError> {
        let contradiction = |what| StoreError::Contradiction { seq: one.seq, what };
        let period = self.first_open.map_or(own, |first| own.max(first));
        let rollup = self.rollups.entry(period).or_default();
        rollup.add(&one).map_err(|_| contradiction("an answer that cannot be counted"))?;
        let unit = Id::new(one.unit).map_err(|_| contradiction("an answer without a unit"))?;
        let tree = self.trees.entry((period, unit)).or_default();
        if tree.leaves.is_empty() {
            tree.first_seq = one.seq;
        }
        tree.last_seq = one.seq;
        tree.leaves.push(Sha256::leaf(&record.bytes));
        Ok(())
    }
}

/// How a record is counted, and the month that its call was received in. None where it is not one of use: not an answer, one given
/// before, or a trial.
///
/// # Errors
/// Why a record of use cannot be counted.
pub fn counted<'a>(entry: &'a Entry<'_>, seq: u64) -> Result<Option<(Month, Use<'a>)>, &'static str> {
    let Entry::Call(call) = entry else { return Ok(None) };
    if !counts(call) {
        return Ok(None);
    }
    let terms = &call.terms;
    let one = Use {
        at: call.received,
        unit: terms.unit,
        agreement: terms.agreement,
        scenario: terms.scenario,
        product: terms.product,
        operation: terms.operation,
        price: terms.price,
        purpose: terms.purpose.ok_or("an answer without a purpose")?,
        basis: basis(call).ok_or("an unknown basis")?,
        quantity: call.quantity.into(),
        amount: call.amount,
        seq,
    };
    let month = Month::of(call.received).map_err(|_| "a time that cannot be meant")?;
    Ok(Some((month, one)))
}

/// Whether a record is one of use: an answer, the first time it is given, and not a trial.
fn counts(call: &Call<'_>) -> bool {
    call.decision == Decision::Answered && !call.sandbox && !call.terms.unit.is_empty()
}

impl Books {
    /// The last record that roll-ups count.
    ///
    /// # Errors
    /// Of the database.
    pub fn reached(&self) -> Result<Position, StoreError> {
        let mut connection = self.lock();
        reached(&connection.transaction()?)
    }

    /// To gather what follows.
    ///
    /// # Errors
    /// Of the database.
    pub fn gathering(&self) -> Result<Gathered, StoreError> {
        let first_open = self.first_open()?;
        Ok(Gathered::after(self.reached()?, first_open))
    }

    /// Writes what was gathered, and how far, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::OutOfStep`] where the books stand elsewhere than the gathering began, or a period was closed since it
    /// began; nothing is written then: gather again.
    pub fn gather(&self, gathered: Gathered) -> Result<(), BooksError> {
        let mut connection = self.lock();
        let transaction = connection.transaction().map_err(StoreError::from)?;
        let stored = reached(&transaction)?;
        let first_open = super::periods::first_open(&transaction)?;
        if stored != gathered.after || first_open != gathered.first_open {
            let (stored, expected) = (stored.seq, gathered.after.seq);
            return Err(StoreError::OutOfStep { stored, expected }.into());
        }
        for (period, rollup) in gathered.rollups {
            rollup.into_rows().iter().try_for_each(|row| add_row(&transaction, period, row))?;
        }
        for ((period, unit), tree) in &gathered.trees {
            append(&transaction, *period, unit, tree)?;
        }
        let Position { epoch, seq } = gathered.reached;
        transaction.execute("UPDATE position SET epoch = ?1, seq = ?2", (epoch, integer(seq)?))?;
        transaction.commit()?;
        Ok(())
    }
}

fn reached(transaction: &Transaction<'_>) -> Result<Position, StoreError> {
    transaction.query_one("SELECT epoch, seq FROM position", [], |row| {
        let mut columns = Columns::of(row);
        Ok(columns.next().and_then(|epoch| Ok(Position { epoch, seq: columns.count()? })))
    })?
}

fn add_row(transaction: &Transaction<'_>, period: Month, (dimensions, sums): &Row) -> Result<(), StoreError> {
    let line = &dimensions.line;
    transaction
        .prepare_cached(
            "INSERT INTO rollup VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, quantity = quantity + excluded.quantity,
                 amount = amount + excluded.amount, first_seq = min(first_seq, excluded.first_seq),
                 last_seq = max(last_seq, excluded.last_seq)",
        )?
        .execute(rusqlite::params![
            period.index(),
            line.unit.as_str(),
            line.agreement.as_str(),
            line.scenario.as_str(),
            line.product.as_str(),
            line.price.as_str(),
            line.purpose as u8,
            line.basis.number(),
            dimensions.hour.number(),
            dimensions.operation.as_str(),
            integer(sums.calls)?,
            integer(sums.quantity)?,
            sums.amount.micros(),
            integer(sums.first_seq)?,
            integer(sums.last_seq)?,
        ])?;
    Ok(())
}

fn append(transaction: &Transaction<'_>, period: Month, unit: &Id, tree: &Tree) -> Result<(), StoreError> {
    let key = (period.index(), unit.as_str());
    let before = transaction
        .prepare_cached("SELECT size, edge FROM call_tree WHERE period = ?1 AND unit = ?2")?
        .query_row(key, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    let mut frontier = match before {
        None => Frontier::default(),
        Some((size, edge)) => u64::try_from(size)
            .ok()
            .and_then(|size| Frontier::read(size, &edge))
            .ok_or(StoreError::BadRow("call_tree"))?,
    };
    tree.leaves.iter().for_each(|leaf| frontier.push::<Sha256>(*leaf));
    transaction
        .prepare_cached(
            "INSERT INTO call_tree VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET size = excluded.size, edge = excluded.edge, last_seq = excluded.last_seq",
        )?
        .execute((
            key.0,
            key.1,
            integer(frontier.size())?,
            frontier.bytes(),
            integer(tree.first_seq)?,
            integer(tree.last_seq)?,
        ))?;
    Ok(())
}
