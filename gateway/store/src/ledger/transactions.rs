//! The ledger: a chain of transactions that is only appended to.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction as Sql};
use shuzha_core::{Code, MicroYuan, Timestamp};
use shuzha_pricing::closing::{Digest, Digester};
use shuzha_pricing::ledger::{Account, Entry, Template, Transaction};
use shuzha_pricing::{Month, Overflow};

use super::{Books, BooksError, Posted, integer};
use crate::StoreError;

/// What [`Books::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Transactions looked at.
    pub transactions: u64,
    /// Entries looked at.
    pub entries: u64,
    /// The first transaction that is not what was posted.
    pub broken: Option<u64>,
}

/// The link of a chain: everything a transaction says, after the hash of the one before.
fn link(previous: &Digest, number: u64, recorded: i64, transaction: &Transaction) -> Digest {
    let mut to = Digester::default();
    to.bytes(previous).number(number).number(recorded).transaction(transaction);
    to.finish()
}

/// Posts transactions, each once. One whose key is posted already, with the same content, is left alone.
pub(super) fn post(sql: &Sql<'_>, transactions: &[Transaction], at: Timestamp) -> Result<u64, BooksError> {
    let last = sql
        .query_row("SELECT number, hash FROM txn ORDER BY number DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Digest>(1)?))
        })
        .optional()?;
    let (mut number, mut previous) = match last {
        Some((number, hash)) => (u64::try_from(number).map_err(|_| StoreError::BadRow("txn"))?, hash),
        None => (0, [0; 32]),
    };
    let mut posted = 0;
    for transaction in transactions {
        if let Some(before) = find(sql, &transaction.key)? {
            if before != *transaction {
                return Err(Code::C1607.into());
            }
            continue;
        }
        transaction.check().map_err(|why| BooksError::Unbalanced { key: transaction.key.clone(), why })?;
        number += 1;
        let hash = link(&previous, number, at.micros(), transaction);
        insert(sql, number, at, transaction, (&previous, &hash))?;
        previous = hash;
        posted += 1;
    }
    Ok(posted)
}

fn insert(
    sql: &Sql<'_>,
    number: u64,
    at: Timestamp,
    transaction: &Transaction,
    (previous, hash): (&Digest, &Digest),
) -> Result<(), StoreError> {
    let number = integer(number)?;
    sql.prepare_cached("INSERT INTO txn VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?.execute((
        number,
        &transaction.key,
        transaction.template.as_str(),
        transaction.period.index(),
        at.micros(),
        &transaction.reason,
        &transaction.corrects,
        previous,
        hash,
    ))?;
    let mut put = sql.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3, ?4)")?;
    for (at, entry) in transaction.entries.iter().enumerate() {
        let at = i64::try_from(at).map_err(|_| StoreError::Range("entry"))?;
        put.execute((number, at, entry.account.to_string(), entry.amount.micros()))?;
    }
    Ok(())
}

/// The transaction of a key.
fn find(connection: &Connection, key: &str) -> Result<Option<Transaction>, StoreError> {
    let number: Option<i64> = connection
        .prepare_cached("SELECT number FROM txn WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    number.map(|number| read(connection, number).map(|(transaction, ..)| transaction)).transpose()
}

/// A transaction by its number, with when it was recorded, the hash before, and its own.
fn read(connection: &Connection, number: i64) -> Result<(Transaction, i64, Digest, Digest), StoreError> {
    const BAD: StoreError = StoreError::BadRow("txn");
    let mut statement = connection.prepare_cached(
        "SELECT template, key, period, reason, corrects, recorded_at, previous, hash FROM txn WHERE number = ?1",
    )?;
    let mut found = statement.query([number])?;
    let row = found.next()?.ok_or(BAD)?;
    let template = Template::from_name(row.get_ref(0)?.as_str().map_err(|_| BAD)?).ok_or(BAD)?;
    let period = Month::from_index(row.get(2)?).map_err(|_| BAD)?;
    let (key, reason, corrects) = (row.get(1)?, row.get(3)?, row.get(4)?);
    let mut entries = Vec::new();
    let mut statement =
        connection.prepare_cached("SELECT account, amount FROM entry WHERE txn = ?1 ORDER BY number")?;
    let mut sides = statement.query([number])?;
    while let Some(side) = sides.next()? {
        let account: Account = side.get::<_, String>(0)?.parse().map_err(|_| BAD)?;
        entries.push(Entry { account, amount: MicroYuan::from_micros(side.get(1)?) });
    }
    let transaction = Transaction { template, key, period, reason, corrects, entries };
    Ok((transaction, row.get(5)?, row.get(6)?, row.get(7)?))
}

/// A transaction as it was posted, by its number.
pub(super) fn posted(connection: &Connection, number: u64) -> Result<Posted, StoreError> {
    let (transaction, recorded, _, hash) = read(connection, integer(number)?)?;
    Ok(Posted { number, recorded: Timestamp::from_micros(recorded), transaction, hash })
}

impl Books {
    /// Posts transactions in one step, each once; answers how many were new.
    ///
    /// # Errors
    /// C1607 where a key names another transaction, C1608 for one that may not be posted, C1602 for one in a closed
    /// period; nothing is posted then.
    pub fn post(&self, transactions: &[Transaction], at: Timestamp) -> Result<u64, BooksError> {
        let mut connection = self.lock();
        let sql = connection.transaction()?;
        for transaction in transactions {
            let state = super::periods::period(&sql, transaction.period)?.state;
            if state == super::PeriodState::Closed && find(&sql, &transaction.key)?.is_none() {
                return Err(Code::C1602.into());
            }
        }
        let posted = post(&sql, transactions, at)?;
        sql.commit()?;
        Ok(posted)
    }

    /// The transaction of a key.
    ///
    /// # Errors
    /// Of the database.
    pub fn transaction(&self, key: &str) -> Result<Option<Transaction>, StoreError> {
        find(&self.lock(), key)
    }

    /// The balance of every account that has entries, debit positive.
    ///
    /// # Errors
    /// Of the database.
    pub fn balances(&self) -> Result<BTreeMap<Account, MicroYuan>, StoreError> {
        let connection = self.lock();
        let sql = "SELECT account, sum(amount) FROM entry GROUP BY account";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut balances = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let account = row.get::<_, String>(0)?.parse().map_err(|_| StoreError::BadRow("entry"))?;
            balances.insert(account, MicroYuan::from_micros(row.get(1)?));
        }
        Ok(balances)
    }

    /// The trial balance (试算平衡): the sum of all balances; nothing, always.
    ///
    /// # Errors
    /// Of the database.
    pub fn trial_balance(&self) -> Result<i128, StoreError> {
        Ok(self.balances()?.values().map(|balance| i128::from(balance.micros())).sum())
    }

    /// Reads the whole ledger and checks every link, every sum and every route.
    ///
    /// # Errors
    /// Of the database.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        let connection = self.lock();
        let last: i64 =
            connection.query_one("SELECT coalesce(max(number), 0) FROM txn", [], |row| row.get(0))?;
        let orphans: i64 = connection.query_one(
            "SELECT count(*) FROM entry WHERE txn NOT IN (SELECT number FROM txn)",
            [],
            |row| row.get(0),
        )?;
        let mut found = Verified { transactions: 0, entries: 0, broken: (orphans > 0).then_some(0) };
        let mut previous = [0; 32];
        for number in 1..=last {
            let number_read = u64::try_from(number).map_err(|_| StoreError::BadRow("txn"))?;
            let whole = match read(&connection, number) {
                Ok((transaction, recorded, before, hash)) => {
                    found.entries += transaction.entries.len() as u64;
                    let sound = before == previous
                        && transaction.check().is_ok()
                        && link(&previous, number_read, recorded, &transaction) == hash;
                    previous = hash;
                    sound
                }
                Err(StoreError::BadRow(_)) => false,
                Err(error) => return Err(error),
            };
            found.transactions += 1;
            if !whole {
                found.broken.get_or_insert(number_read);
                break;
            }
        }
        Ok(found)
    }
}

impl From<Overflow> for BooksError {
    fn from(_: Overflow) -> Self {
        Code::C1604.into()
    }
}
