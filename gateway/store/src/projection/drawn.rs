//! The rows of drawn answers.

use rusqlite::Transaction;

use super::rows::{count, each, integer};
use crate::StoreError;
use crate::reduce::{Changes, DrawnKey, State};

/// The table of this file.
pub(super) const TABLE: &str = "drawn";

pub(super) fn load(transaction: &Transaction<'_>, state: &mut State) -> Result<(), StoreError> {
    each(transaction, "SELECT product, operation, unit, version, quarter, quantity FROM drawn", |row| {
        let (product, operation, unit) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let key = DrawnKey { product, operation, unit, version: row.get(3)?, quarter: row.get(4)? };
        state.drawn.insert(key, count(row.get(5)?, TABLE)?);
        Ok(())
    })
}

pub(super) fn save(
    transaction: &Transaction<'_>,
    state: &State,
    changes: &Changes,
) -> Result<(), StoreError> {
    let mut put = transaction.prepare_cached("REPLACE INTO drawn VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut forget = transaction.prepare_cached(
        "DELETE FROM drawn WHERE product = ?1 AND operation = ?2 AND unit = ?3 AND version = ?4 AND quarter = ?5",
    )?;
    for key in &changes.drawn {
        let DrawnKey { product, operation, unit, version, quarter } = key;
        match state.drawn.get(key) {
            Some(drawn) => {
                put.execute((product, operation, unit, version, quarter, integer(*drawn, TABLE)?))?
            }
            None => forget.execute((product, operation, unit, version, quarter))?,
        };
    }
    Ok(())
}
