//! Attempts to sign on, counted before anything is compared: of any number at once each is counted.

use ring::digest::{SHA256, digest};
use rusqlite::{Connection, params};
use shuzha_core::Timestamp;

use super::{Register, at, first};
use crate::StoreError;

/// One failure in the unit of a score.
const ONE: i64 = 1_000;
/// Most things tried that are remembered; the oldest make room at [`Register::forget_attempts`].
const ATTEMPTS_MAX: i64 = 100_000;

/// How attempts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptRules {
    /// Failures of a pair after which it is locked.
    pub pair_max: u32,
    /// The first lock in microseconds; each further failure doubles it.
    pub lock_first: u64,
    /// The longest lock in microseconds.
    pub lock_max: u64,
    /// Microseconds in which one failure of a pair is forgotten.
    pub pair_decay: u64,
    /// Failures from one address beyond which it waits.
    pub address_max: u32,
    /// Microseconds in which one failure of an address is forgotten.
    pub address_decay: u64,
    /// Microseconds for which a place is known after a success.
    pub known: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    score: i64,
    until: Timestamp,
    last: Timestamp,
    known_until: Timestamp,
}

impl Row {
    /// What is left of the score at `now`.
    fn score_at(&self, now: Timestamp, decay: u64) -> i64 {
        let passed = u128::try_from(now.micros_since(self.last)).unwrap_or(0);
        let forgotten = passed.saturating_mul(1_000) / u128::from(decay.max(1));
        self.score.saturating_sub(i64::try_from(forgotten).unwrap_or(i64::MAX)).max(0)
    }
}

/// Whole failures in a score; one that has just begun to be forgotten counts.
const fn failures(score: i64) -> i64 {
    (score + ONE - 1) / ONE
}

impl Register {
    /// Counts one attempt by `pair`, a name and where it is tried from, and by `address` alone, in one transaction. Answers
    /// the instant until which it is refused, where it is; then it is not counted. An address does not bind a pair that has
    /// signed on before.
    ///
    /// # Errors
    /// Of the database.
    pub fn attempt(
        &self,
        pair: &str,
        address: Option<&str>,
        rules: &AttemptRules,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let key = key(&transaction, pair)?;
        let mut row = read(&transaction, &key)?;
        if now < row.until {
            return Ok(Some(row.until));
        }
        if let Some(address) = address.filter(|_| now >= row.known_until) {
            let key = self::key(&transaction, address)?;
            let mut row = read(&transaction, &key)?;
            let score = row.score_at(now, rules.address_decay);
            if failures(score) >= i64::from(rules.address_max) {
                return Ok(Some(now.plus(std::time::Duration::from_micros(rules.address_decay))));
            }
            (row.score, row.last) = (score + ONE, now);
            write(&transaction, &key, row)?;
        }
        row.score = row.score_at(now, rules.pair_decay) + ONE;
        row.last = now;
        let beyond = failures(row.score) - i64::from(rules.pair_max);
        if let Ok(beyond) = u32::try_from(beyond) {
            let micros = rules.lock_first.saturating_mul(1 << beyond.min(16)).min(rules.lock_max);
            row.until = now.plus(std::time::Duration::from_micros(micros));
        }
        write(&transaction, &key, row)?;
        transaction.commit()?;
        Ok(None)
    }

    /// The attempt was right after all: what it counted is taken back, and the pair is known for a while.
    ///
    /// # Errors
    /// Of the database.
    pub fn succeeded(
        &self,
        pair: &str,
        address: Option<&str>,
        rules: &AttemptRules,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let key = key(&transaction, pair)?;
        let was_known = now < read(&transaction, &key)?.known_until;
        let known_until = now.plus(std::time::Duration::from_micros(rules.known));
        write(&transaction, &key, Row { score: 0, until: now, last: now, known_until })?;
        if let Some(address) = address.filter(|_| !was_known) {
            let key = self::key(&transaction, address)?;
            let mut row = read(&transaction, &key)?;
            (row.score, row.last) = ((row.score_at(now, rules.address_decay) - ONE).max(0), now);
            write(&transaction, &key, row)?;
        }
        Ok(transaction.commit()?)
    }

    /// Forgets what was tried longest ago, beyond the bound.
    ///
    /// # Errors
    /// Of the database.
    pub fn forget_attempts(&self) -> Result<(), StoreError> {
        let sql = "DELETE FROM attempts WHERE key IN
                   (SELECT key FROM attempts ORDER BY last_micros DESC LIMIT -1 OFFSET ?1)";
        self.lock().execute(sql, [ATTEMPTS_MAX])?;
        Ok(())
    }
}

fn read(connection: &Connection, key: &[u8; 16]) -> Result<Row, StoreError> {
    let sql = "SELECT score, until_micros, last_micros, known_until_micros FROM attempts WHERE key = ?1";
    let found = first(connection, sql, [key], |row| {
        Ok(Row { score: row.get(0)?, until: at(row, 1)?, last: at(row, 2)?, known_until: at(row, 3)? })
    })?;
    Ok(found.unwrap_or_default())
}

fn write(connection: &Connection, key: &[u8; 16], row: Row) -> Result<(), StoreError> {
    connection.prepare_cached("REPLACE INTO attempts VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
        key,
        row.score,
        row.until.micros(),
        row.last.micros(),
        row.known_until.micros()
    ])?;
    Ok(())
}

fn key(connection: &Connection, tried: &str) -> Result<[u8; 16], StoreError> {
    let mut input: Vec<u8> = connection.query_one("SELECT pepper FROM revision", [], |row| row.get(0))?;
    input.extend_from_slice(tried.as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(&digest(&SHA256, &input).as_ref()[..16]);
    Ok(key)
}
