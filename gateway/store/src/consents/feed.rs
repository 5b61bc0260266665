//! The feed of withdrawals: what the gate is told, until the consent has ended.

use shuzha_core::Timestamp;

use super::{ConsentStore, number};
use crate::StoreError;

/// A withdrawal, as the gate is fed with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// Its place in the feed.
    pub seq: u64,
    /// Issuer of the consent.
    pub issuer: String,
    /// The consent.
    pub jti: String,
}

impl ConsentStore {
    /// Takes up to `limit` withdrawals out of the feed whose consents ended before `ended`: nobody needs to hear of them any more. The
    /// consents themselves stay. Says how many it took.
    ///
    /// # Errors
    /// Of the database.
    pub fn end_withdrawals(&self, ended: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM withdrawals WHERE seq IN (SELECT one.seq FROM withdrawals AS one
                   JOIN consents ON consents.jti = one.jti WHERE consents.expires_micros < ?1 LIMIT ?2)";
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let taken = transaction
            .prepare_cached(sql)?
            .execute((ended.micros(), i64::try_from(limit).unwrap_or(i64::MAX)))?;
        transaction.commit()?;
        Ok(taken)
    }

    /// Withdrawals after place `after` of the feed, in order, of consents that end at `ended` or later; at most `limit`.
    ///
    /// # Errors
    /// Of the database.
    pub fn withdrawn_after(
        &self,
        after: u64,
        ended: Timestamp,
        limit: usize,
    ) -> Result<Vec<Withdrawn>, StoreError> {
        let connection = self.lock();
        let sql = "SELECT one.seq, one.issuer, one.jti FROM withdrawals AS one JOIN consents ON consents.jti = one.jti
                   WHERE one.seq > ?1 AND consents.expires_micros >= ?2 ORDER BY one.seq LIMIT ?3";
        let mut statement = connection.prepare_cached(sql)?;
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut rows = statement.query((after, ended.micros(), limit))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(Withdrawn { seq: number(row, 0)?, issuer: row.get(1)?, jti: row.get(2)? });
        }
        Ok(found)
    }
}
