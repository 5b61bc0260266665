//! The ledger: a chain of transactions that is only appended to.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction as Sql};
use shuzha_core::{Code, MicroYuan, Timestamp};
use shuzha_pricing::Overflow;
use shuzha_pricing::closing::{Digest, Digester};
use shuzha_pricing::ledger::{Account, Entry, Template, Transaction};

use super::{Books, BooksError, Columns, Posted, each_row, integer, rows};
use crate::StoreError;

/// What [`Books::verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Transactions looked at.
    pub transactions: u64,
    /// Entries looked at.
    pub entries: u64,
    /// What all of them sum to (试算平衡): nothing, always.
    pub balance: i128,
    /// The first transaction that is not what was posted.
    pub broken: Option<Broken>,
}

/// A transaction that is not what was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its number.
    pub number: u64,
    /// What is wrong with it.
    pub why: &'static str,
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
pub(super) fn find(connection: &Connection, key: &str) -> Result<Option<Transaction>, StoreError> {
    let number: Option<i64> = connection
        .prepare_cached("SELECT number FROM txn WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    number.map(|number| read(connection, number).map(|one| one.transaction)).transpose()
}

/// A transaction by its number, with when it was recorded, the hash before, and its own.
fn read(connection: &Connection, number: i64) -> Result<Stored, StoreError> {
    let mut entries = Vec::new();
    let sql = "SELECT txn, account, amount FROM entry WHERE txn = ?1 ORDER BY number";
    each_row(connection, sql, [number], |columns| {
        entries.push(entry(columns)?.1?);
        Ok::<_, StoreError>(())
    })?;
    let mut found = None;
    each_row(connection, &format!("{TRANSACTION} WHERE number = ?1"), [number], |columns| {
        found = Some(stored(columns, std::mem::take(&mut entries))?);
        Ok::<_, StoreError>(())
    })?;
    found.ok_or(StoreError::BadRow("txn"))
}

/// A transaction as it was posted, by its number.
pub(super) fn posted(connection: &Connection, number: u64) -> Result<Posted, StoreError> {
    let Stored { transaction, recorded, hash, .. } = read(connection, integer(number)?)?;
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
        sums(&self.lock(), "SELECT account, sum(amount) FROM entry GROUP BY account", [])
    }

    /// The balances as they stood at some instant: of what was recorded up to then.
    ///
    /// # Errors
    /// Of the database.
    pub fn balances_at(&self, at: Timestamp) -> Result<BTreeMap<Account, MicroYuan>, StoreError> {
        let sql = "SELECT account, sum(amount) FROM entry JOIN txn ON txn.number = entry.txn
                   WHERE recorded_at <= ?1 GROUP BY account";
        sums(&self.lock(), sql, [at.micros()])
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
    #[cfg(test)]
    pub(super) fn verify(&self) -> Result<Verified, StoreError> {
        verify(&self.lock())
    }
}

fn sums(
    connection: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<BTreeMap<Account, MicroYuan>, StoreError> {
    let of = |columns: &mut Columns<'_, '_>| {
        let account = columns.text()?.parse().map_err(|_| StoreError::BadRow("entry"))?;
        Ok((account, columns.yuan()?))
    };
    Ok(rows(connection, sql, parameters, of)?.into_iter().collect())
}

/// What every transaction is read from; [`stored`] reads it.
const TRANSACTION: &str =
    "SELECT number, template, key, period, reason, corrects, recorded_at, previous, hash FROM txn";

/// A row of a transaction, as it stands in the file, and its entries.
struct Stored {
    number: u64,
    transaction: Transaction,
    recorded: i64,
    previous: Digest,
    hash: Digest,
}

fn stored(columns: &mut Columns<'_, '_>, entries: Vec<Entry>) -> Result<Stored, StoreError> {
    const BAD: StoreError = StoreError::BadRow("txn");
    let number = columns.count()?;
    let template = Template::from_name(&columns.text()?).ok_or(BAD)?;
    let (key, period, reason) = (columns.text()?, columns.month()?, columns.text()?);
    let (corrects, recorded) = (columns.next()?, columns.next()?);
    let transaction = Transaction { template, key, period, reason, corrects, entries };
    Ok(Stored { number, transaction, recorded, previous: columns.next()?, hash: columns.next()? })
}

/// Goes over the ledger from its first transaction to its last; see [`super::Snapshot::verify`].
pub(super) fn verify(connection: &Connection) -> Result<Verified, StoreError> {
    let mut found = Verified { transactions: 0, entries: 0, balance: 0, broken: None };
    let orphans =
        "SELECT min(e.txn) FROM entry e WHERE NOT EXISTS (SELECT 1 FROM txn t WHERE t.number = e.txn)";
    let orphan: Option<i64> = connection.query_one(orphans, [], |row| row.get(0))?;
    let mut statement = connection.prepare("SELECT txn, account, amount FROM entry ORDER BY txn, number")?;
    let mut entries = Entries { rows: statement.query([])?, next: None };
    let (mut previous, mut expected) = ([0; 32], 1);
    let checked = each_row(connection, &format!("{TRANSACTION} ORDER BY number"), [], |columns| {
        let number = u64::try_from(columns.peek::<i64>()?).map_err(|_| StoreError::BadRow("txn"))?;
        let one = entries.of(number).and_then(|entries| stored(columns, entries));
        let why = match &one {
            Err(StoreError::BadRow(_)) => Some("a value that this software does not write"),
            Err(_) => return one.map(drop).map_err(Ended::Failed),
            Ok(one) => fault(one, expected, &previous),
        };
        found.transactions += 1;
        if let Some(why) = why {
            return Err(Ended::Broken(Broken { number: expected, why }));
        }
        let one = one.expect("it was found to be sound");
        found.entries += one.transaction.entries.len() as u64;
        found.balance +=
            one.transaction.entries.iter().map(|entry| i128::from(entry.amount.micros())).sum::<i128>();
        (previous, expected) = (one.hash, expected + 1);
        Ok(())
    });
    match checked {
        Ok(()) => {}
        Err(Ended::Broken(broken)) => found.broken = Some(broken),
        Err(Ended::Failed(error)) => return Err(error),
    }
    let orphan = orphan.map(|number| u64::try_from(number).unwrap_or(0));
    let orphan = orphan.map(|number| Broken { number, why: "entries without their transaction" });
    found.broken = found.broken.or(orphan);
    Ok(found)
}

/// What is wrong with a transaction that should have this number and follow this link.
fn fault(one: &Stored, expected: u64, previous: &Digest) -> Option<&'static str> {
    if one.number != expected {
        return Some("a transaction is missing");
    }
    if one.previous != *previous || link(previous, one.number, one.recorded, &one.transaction) != one.hash {
        return Some("its link of the chain does not fit");
    }
    one.transaction.check().err().map(|_| "it does not balance, or its accounts may not face each other")
}

/// Why going over the ledger ended early.
enum Ended {
    Broken(Broken),
    Failed(StoreError),
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Entries in the order of their transactions, read once from the first to the last.
struct Entries<'s> {
    rows: rusqlite::Rows<'s>,
    next: Option<(u64, Result<Entry, StoreError>)>,
}

impl Entries<'_> {
    /// Those of the transaction, which follows all that were asked for before; those of numbers in between are passed over.
    fn of(&mut self, number: u64) -> Result<Vec<Entry>, StoreError> {
        let (mut found, mut bad) = (Vec::new(), None);
        loop {
            let next = match self.next.take() {
                Some(next) => Some(next),
                None => self.rows.next()?.map(|row| entry(&mut Columns::of(row))).transpose()?,
            };
            match next {
                Some((of, entry)) if of == number => match entry {
                    Ok(entry) => found.push(entry),
                    Err(error) => bad = Some(error),
                },
                Some((of, _)) if of < number => {}
                other => {
                    self.next = other;
                    return bad.map_or(Ok(found), Err);
                }
            }
        }
    }
}

fn entry(columns: &mut Columns<'_, '_>) -> Result<(u64, Result<Entry, StoreError>), StoreError> {
    let (number, account, amount) = (columns.count()?, columns.text()?, columns.yuan()?);
    let account = account.parse::<Account>().map_err(|_| StoreError::BadRow("entry"));
    Ok((number, account.map(|account| Entry { account, amount })))
}

impl From<Overflow> for BooksError {
    fn from(_: Overflow) -> Self {
        Code::C1604.into()
    }
}
