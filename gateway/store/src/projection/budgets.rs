//! The rows of privacy budgets: person-spaces, accounts, refunds, and the debits of calls under way.

use std::collections::BTreeMap;

use rusqlite::{Row, Transaction};
use shuzha_core::{Measure, NanoCharge, RequestId};
use shuzha_privacy::budget::{Account, Debit, LedgerFault, Spending};

use super::rows::{count, each, integer};
use crate::StoreError;
use crate::reduce::{Changes, State};

/// The tables of this file.
pub(super) const TABLES: [&str; 4] = ["privacy_spaces", "privacy_accounts", "privacy_refunds", "open_debits"];

/// Bytes of one day in a row: the day and what was spent on it.
const DAY_BYTES: usize = 16;

const EPSILON: u8 = 1;
const RHO: u8 = 2;

const fn number(measure: Measure) -> u8 {
    match measure {
        Measure::PureEps => EPSILON,
        Measure::Rho => RHO,
    }
}

fn measure(number: u8, table: &'static str) -> Result<Measure, StoreError> {
    match number {
        EPSILON => Ok(Measure::PureEps),
        RHO => Ok(Measure::Rho),
        _ => Err(StoreError::BadRow(table)),
    }
}

fn packed(days: &BTreeMap<i64, NanoCharge>) -> Vec<u8> {
    let parts = days.iter().flat_map(|(day, charge)| [day.to_be_bytes(), charge.nanos().to_be_bytes()]);
    parts.flatten().collect()
}

fn unpacked(bytes: &[u8], table: &'static str) -> Result<BTreeMap<i64, NanoCharge>, StoreError> {
    let days = bytes.chunks_exact(DAY_BYTES);
    if !days.remainder().is_empty() {
        return Err(StoreError::BadRow(table));
    }
    let day = |part: &[u8]| {
        let (day, nanos) = part.split_at(8);
        let day = i64::from_be_bytes(day.try_into().expect("eight bytes"));
        let nanos = u64::from_be_bytes(nanos.try_into().expect("eight bytes"));
        (day, NanoCharge::from_nanos(nanos))
    };
    Ok(days.map(day).collect())
}

/// Reads `space, data_set, unit, scenario` from column `first` on.
fn account(row: &Row<'_>, first: usize) -> rusqlite::Result<Account> {
    Ok(Account {
        space: row.get(first)?,
        data_set: row.get(first + 1)?,
        unit: row.get(first + 2)?,
        scenario: row.get(first + 3)?,
    })
}

fn bad(table: &'static str) -> impl Fn(LedgerFault) -> StoreError {
    move |_| StoreError::BadRow(table)
}

/// Reads the ledger.
pub(super) fn load(transaction: &Transaction<'_>, state: &mut State) -> Result<(), StoreError> {
    each(transaction, "SELECT space, measure, refunded FROM privacy_spaces", |row| {
        let refunded: Vec<u8> = row.get(2)?;
        let refunded = unpacked(&refunded, "privacy_spaces")?;
        state.budgets.restore_space(row.get(0)?, measure(row.get(1)?, "privacy_spaces")?, refunded);
        Ok(())
    })?;
    let sql = "SELECT space, data_set, unit, scenario, nanos, days FROM privacy_accounts";
    each(transaction, sql, |row| {
        let days: Vec<u8> = row.get(5)?;
        let spending = Spending {
            spent: NanoCharge::from_nanos(count(row.get(4)?, "privacy_accounts")?),
            days: unpacked(&days, "privacy_accounts")?,
        };
        state.budgets.restore_account(account(row, 0)?, spending).map_err(bad("privacy_accounts"))
    })?;
    each(transaction, "SELECT request FROM privacy_refunds", |row| {
        state.budgets.restore_refund(RequestId::from_bytes(row.get(0)?));
        Ok(())
    })
}

/// Reads the debits of calls under way.
pub(super) fn load_open(transaction: &Transaction<'_>) -> Result<BTreeMap<RequestId, Debit>, StoreError> {
    let mut debits = BTreeMap::new();
    let sql = "SELECT request, space, data_set, unit, scenario, measure, day, nanos FROM open_debits";
    each(transaction, sql, |row| {
        let debit = Debit {
            account: account(row, 1)?,
            measure: measure(row.get(5)?, "open_debits")?,
            day: row.get(6)?,
            charge: NanoCharge::from_nanos(count(row.get(7)?, "open_debits")?),
        };
        debits.insert(RequestId::from_bytes(row.get(0)?), debit);
        Ok(())
    })?;
    Ok(debits)
}

/// Writes the rows that `changes` names.
pub(super) fn save(
    transaction: &Transaction<'_>,
    state: &State,
    changes: &Changes,
) -> Result<(), StoreError> {
    let mut put = transaction.prepare_cached("REPLACE INTO privacy_spaces VALUES (?1, ?2, ?3)")?;
    for name in &changes.spaces {
        if let Some(space) = state.budgets.spaces().get(name) {
            put.execute((name, number(space.measure), packed(&space.refunded)))?;
        }
    }
    let mut put =
        transaction.prepare_cached("REPLACE INTO privacy_accounts VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for key in &changes.accounts {
        let Some(spending) = state.budgets.accounts().get(key) else { continue };
        let nanos = integer(spending.spent.nanos(), "privacy_accounts")?;
        put.execute((&key.space, &key.data_set, &key.unit, &key.scenario, nanos, packed(&spending.days)))?;
    }
    let mut put = transaction.prepare_cached("REPLACE INTO privacy_refunds VALUES (?1)")?;
    for request in &changes.refunds {
        put.execute([request.as_bytes()])?;
    }
    Ok(())
}

/// Writes or removes the debit of one call under way.
pub(super) fn save_open(
    transaction: &Transaction<'_>,
    request: &RequestId,
    debit: Option<&Debit>,
) -> Result<(), StoreError> {
    let key = request.as_bytes();
    let Some(debit) = debit else {
        transaction.prepare_cached("DELETE FROM open_debits WHERE request = ?1")?.execute([key])?;
        return Ok(());
    };
    let Account { space, data_set, unit, scenario } = &debit.account;
    let nanos = integer(debit.charge.nanos(), "open_debits")?;
    transaction
        .prepare_cached("REPLACE INTO open_debits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute((key, space, data_set, unit, scenario, number(debit.measure), debit.day, nanos))?;
    Ok(())
}
