//! The release cache: answers under differential privacy. The same query over the same data is answered with the same
//! bytes, and charged to the person-space once (DESIGN §9).

use rusqlite::{Connection, OptionalExtension};
use shuzha_core::{NanoCharge, Timestamp};
use shuzha_evidence::Commitment;

use crate::{Store, StoreError};

/// A query that has a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedRelease {
    /// The query.
    pub query: [u8; 32],
    /// Who was the first to ask it, where that is known.
    pub asked_by: Option<Commitment>,
    /// Of a table: its family, and when it was released.
    pub dated: Option<Dating>,
}

/// The family of tables that a release is of, and when it was made.
pub type Dating = ([u8; 32], Timestamp);

/// A released answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Release {
    /// The answer's bytes, as they left.
    pub answer: Vec<u8>,
    /// What it was charged.
    pub charge: NanoCharge,
}

impl std::fmt::Debug for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Release").field("bytes", &self.answer.len()).field("charge", &self.charge).finish()
    }
}

fn get(connection: &Connection, query: &[u8; 32]) -> Result<Option<Release>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT answer, nanos FROM releases WHERE query = ?1")?;
    let found: Option<(Vec<u8>, i64)> =
        statement.query_row([query], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((answer, nanos)) = found else { return Ok(None) };
    let nanos = u64::try_from(nanos).map_err(|_| StoreError::BadRow("releases"))?;
    Ok(Some(Release { answer, charge: NanoCharge::from_nanos(nanos) }))
}

impl Store {
    /// The answer that was released for `query`: the digest of the canonical query and the data's version. Waits for nobody who
    /// writes.
    ///
    /// # Errors
    /// Of the database.
    pub fn release_get(&self, query: &[u8; 32]) -> Result<Option<Release>, StoreError> {
        self.look_up(|connection| get(connection, query))
    }

    /// Up to `most` queries that have a release, in order, from the first after `last` on.
    ///
    /// # Errors
    /// Of the database.
    pub fn releases_after(
        &self,
        last: Option<&[u8; 32]>,
        most: usize,
    ) -> Result<Vec<AskedRelease>, StoreError> {
        let connection = self.lock();
        let sql = "SELECT query, asked_by, family, at_micros FROM releases WHERE query > ?1 ORDER BY query LIMIT ?2";
        let mut statement = connection.prepare_cached(sql)?;
        // No key is as short as nothing, so all come after it.
        let last = last.map_or(&[][..], |last| last);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map((last, most), |row| {
            let (family, at): (Option<[u8; 32]>, Option<i64>) = (row.get(2)?, row.get(3)?);
            let dated = family.zip(at.map(Timestamp::from_micros));
            Ok(AskedRelease { query: row.get(0)?, asked_by: row.get(1)?, dated })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps `answer` as the one for `query`, durable on return, unless there is one. Returns the one that is kept: it,
    /// and no other, may be released.
    ///
    /// # Errors
    /// Of the database, or [`StoreError::Range`]; nothing may be released then.
    pub fn release_put(
        &self,
        query: &[u8; 32],
        answer: &[u8],
        charge: NanoCharge,
        asked_by: &Commitment,
        dated: Option<Dating>,
    ) -> Result<Release, StoreError> {
        let nanos = i64::try_from(charge.nanos()).map_err(|_| StoreError::Range("releases"))?;
        let (family, at) = dated.unzip();
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction
            .prepare_cached(
                "INSERT INTO releases (query, answer, nanos, asked_by, family, at_micros) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
            )?
            .execute((query, answer, nanos, asked_by, family, at.map(Timestamp::micros)))?;
        let kept = get(&transaction, query)?.ok_or(StoreError::BadRow("releases"))?;
        transaction.commit()?;
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logic M2: a look-up waited for the projector's transaction, 291 ms of a blocked worker. Before, this waited for ever.
    #[test]
    fn a_look_up_waits_for_nobody_who_writes() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(&dir.path().join("shuzha.db")).expect("opens");
        let kept = store.release_put(&[1; 32], b"{}", NanoCharge::ZERO, &[5; 16], None).expect("kept");
        let mut connection = store.lock();
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let transaction = connection.transaction_with_behavior(behavior).expect("begins");
        transaction.execute("UPDATE position SET seq = seq + 1", []).expect("written");
        transaction
            .execute("INSERT INTO releases (query, answer, nanos) VALUES (?1, ?2, 0)", ([2; 32], b"{}"))
            .expect("written");
        assert_eq!(store.release_get(&[1; 32]).expect("answers"), Some(kept));
        assert_eq!(store.release_get(&[2; 32]).expect("answers"), None, "nothing that is not committed");
        transaction.commit().expect("committed");
        drop(connection);
        assert!(store.release_get(&[2; 32]).expect("answers").is_some());
    }

    #[test]
    fn the_first_answer_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("shuzha.db");
        let charge = NanoCharge::from_nanos(250_000_000);
        let first = Release { answer: b"{\"count\":41}".to_vec(), charge };
        let dated = Some(([9; 32], Timestamp::from_seconds(7)));
        {
            let store = Store::open(&path).expect("opens");
            assert_eq!(store.release_get(&[1; 32]).expect("answers"), None);
            let kept = store.release_put(&[1; 32], &first.answer, charge, &[5; 16], dated).expect("kept");
            assert_eq!(kept, first);
        }
        let store = Store::open(&path).expect("opens");
        let again = store
            .release_put(&[1; 32], b"{\"count\":43}", NanoCharge::ZERO, &[6; 16], None)
            .expect("answers");
        assert_eq!(again, first);
        assert_eq!(store.release_get(&[1; 32]).expect("answers"), Some(first));
        assert_eq!(store.release_get(&[2; 32]).expect("answers"), None);
        let asked = AskedRelease { query: [1; 32], asked_by: Some([5; 16]), dated };
        assert_eq!(store.releases_after(None, 9).expect("answers"), [asked]);
        assert_eq!(store.releases_after(Some(&[1; 32]), 9).expect("answers"), []);
        assert_eq!(store.releases_after(Some(&[0; 32]), 0).expect("answers"), []);
        let past = store.release_put(&[2; 32], b"", NanoCharge::from_nanos(u64::MAX), &[5; 16], None);
        assert!(matches!(past, Err(StoreError::Range("releases"))));
    }
}
