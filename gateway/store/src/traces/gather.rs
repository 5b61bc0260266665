//! Records to rows.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use shuzha_evidence::{Call, Decision, Entry};
use shuzha_journal::{Position, RawRecord};

use super::{Catalogue, Made, Traces, integer, reached};
use crate::StoreError;

/// Most trails whose numbers are remembered between records.
const KNOWN_MAX: usize = 65_536;

/// The kind of an act's object whose change may change what a product is made of.
const PRODUCT: &str = "Product";

/// A trail as its row has it.
#[derive(Clone, Copy)]
struct Trail {
    id: i64,
    edition: i64,
    unit: i64,
}

/// Numbers of trails, by their terms. Forgotten whole when there are too many, or when a transaction came to nothing.
#[derive(Default)]
pub(super) struct Known(HashMap<Box<[u8]>, Trail>);

impl Traces {
    /// Reads the records that follow into the index, in one transaction; answers the last one read.
    ///
    /// # Errors
    /// [`StoreError::Contradiction`] for a gap in the sequence; of the journal, the catalogue or the database. Nothing is
    /// written then.
    pub(super) fn read(
        &self,
        records: impl Iterator<Item = Result<RawRecord, shuzha_journal::JournalError>>,
        catalogue: &dyn Catalogue,
        known: &mut Known,
    ) -> Result<Position, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let read = Reading { transaction: &transaction, catalogue, known }.all(records);
        match read.and_then(|at| Ok(transaction.commit().map(|()| at)?)) {
            Ok(at) => Ok(at),
            Err(error) => {
                // What was numbered in this transaction has no row.
                known.0.clear();
                Err(error)
            }
        }
    }
}

struct Reading<'t> {
    transaction: &'t Transaction<'t>,
    catalogue: &'t dyn Catalogue,
    known: &'t mut Known,
}

impl Reading<'_> {
    fn all(
        mut self,
        records: impl Iterator<Item = Result<RawRecord, shuzha_journal::JournalError>>,
    ) -> Result<Position, StoreError> {
        let mut at = reached(self.transaction)?;
        for record in records {
            let record = record?;
            if record.position.seq != at.seq + 1 {
                let what = "the sequence has a gap";
                return Err(StoreError::Contradiction { seq: record.position.seq, what });
            }
            match record.entry()? {
                // A trial touches no real data, and what names no product used none.
                Entry::Call(call) if !call.sandbox && !call.terms.product.is_empty() => {
                    self.call(&call, record.position.seq)?;
                }
                // Every version that the register ever has is written down while it has it.
                Entry::Registered(act) if act.kind == PRODUCT => {
                    if let Some(made) = self.catalogue.made(act.object)? {
                        edition(self.transaction, act.object, made.version, Some(&made))?;
                    }
                }
                _ => {}
            }
            at = record.position;
        }
        self.transaction.execute("UPDATE position SET epoch = ?1, seq = ?2", (at.epoch, integer(at.seq)?))?;
        Ok(at)
    }

    fn call(&mut self, call: &Call<'_>, seq: u64) -> Result<(), StoreError> {
        let trail = self.trail(call)?;
        let decision = (0_u8..).zip(Decision::ALL).find(|(_, one)| *one == call.decision);
        self.transaction.prepare_cached("INSERT INTO uses VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(
            params![
                trail.edition,
                call.received.micros(),
                integer(seq)?,
                trail.id,
                trail.unit,
                decision.expect("it lists every decision").0,
                call.request.as_bytes()
            ],
        )?;
        Ok(())
    }

    fn trail(&mut self, call: &Call<'_>) -> Result<Trail, StoreError> {
        let terms = &call.terms;
        // Names have no byte 0.
        let names = [terms.product, terms.unit, terms.operation, terms.scenario, terms.grant];
        let mut key = terms.version.to_be_bytes().to_vec();
        for name in names.into_iter().chain([terms.agreement, terms.price]) {
            key.extend_from_slice(name.as_bytes());
            key.push(0);
        }
        if let Some(trail) = self.known.0.get(&*key) {
            return Ok(*trail);
        }
        let made = self.catalogue.made(terms.product)?;
        let edition = edition(self.transaction, terms.product, terms.version, made.as_ref())?;
        let unit = numbered(
            self.transaction,
            "SELECT id FROM units WHERE name = ?1",
            "INSERT INTO units (name) VALUES (?1)",
            [terms.unit],
        )?;
        let id = numbered(
            self.transaction,
            "SELECT id FROM trails WHERE edition = ?1 AND unit = ?2 AND operation = ?3 AND scenario = ?4
             AND grant_name = ?5 AND agreement = ?6 AND price = ?7",
            "INSERT INTO trails (edition, unit, operation, scenario, grant_name, agreement, price)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                edition,
                unit,
                terms.operation,
                terms.scenario,
                terms.grant,
                terms.agreement,
                terms.price
            ],
        )?;
        if self.known.0.len() >= KNOWN_MAX {
            self.known.0.clear();
        }
        let trail = Trail { id, edition, unit };
        self.known.0.insert(key.into(), trail);
        Ok(trail)
    }
}

/// The number of a row, which is made where there is none.
fn numbered(
    connection: &Connection,
    find: &str,
    make: &str,
    key: impl rusqlite::Params + Clone,
) -> Result<i64, StoreError> {
    let found = connection.prepare_cached(find)?.query_row(key.clone(), |row| row.get(0)).optional()?;
    match found {
        Some(id) => Ok(id),
        None => Ok(connection.prepare_cached(make)?.insert(key)?),
    }
}

/// The number of a product's version, with what it is made of by `made`. What was written down before stays: a use is never lost
/// from view because a product no longer says what it was made of.
fn edition(
    connection: &Connection,
    product: &str,
    version: u32,
    made: Option<&Made>,
) -> Result<i64, StoreError> {
    let before = connection
        .prepare_cached("SELECT id, exact FROM editions WHERE product = ?1 AND version = ?2")?
        .query_row((product, version), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))
        .optional()?;
    let same = made.filter(|made| made.version == version);
    let id = match (before, same) {
        // Of a version that is past the register cannot say more than before.
        (Some((id, _)), None) => return Ok(id),
        (Some((id, _)), Some(_)) => id,
        (None, _) => {
            let operator = made.map(|made| made.operator.as_str());
            connection
                .prepare_cached(
                    "INSERT INTO editions (product, version, operator, exact) VALUES (?1, ?2, ?3, ?4)",
                )?
                .insert((product, version, operator, same.is_some()))?
        }
    };
    let mut added = 0;
    for (set, provider) in made.iter().flat_map(|made| &made.data_sets) {
        added += connection
            .prepare_cached("INSERT INTO made_of VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
            .execute((set.as_str(), id, provider.as_str()))?;
    }
    let of = "SELECT count(*) FROM made_of WHERE edition = ?1";
    let all: i64 = connection.prepare_cached(of)?.query_row([id], |row| row.get(0))?;
    let now = made.map_or(0, |made| made.data_sets.len());
    // One version that was made of different things at different times does not say of what it was at a call.
    let changed = before.is_some_and(|(_, exact)| exact) && (added > 0 || usize::try_from(all) != Ok(now));
    if changed {
        connection.execute("UPDATE editions SET exact = 0 WHERE id = ?1", [id])?;
    }
    Ok(id)
}
