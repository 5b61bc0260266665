//! What was decided, in an SQLite file of its own.

use rusqlite::{Row, params};
use shuzha_core::{Id, Timestamp};
use shuzha_evidence::RetentionAct;
use shuzha_evidence::log::Shard;

use crate::StoreError;
use crate::database::Database;
use crate::sealable::embedded;

/// Every migration, in order; never edited once applied.
const MIGRATIONS: [(&str, &str); 2] = [
    ("V0001__retention", include_str!("../../migrations/retention/V0001__retention.sql")),
    ("V0002__seal", include_str!("../../migrations/retention/V0002__seal.sql")),
];

/// A sealing or a destruction, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The half-year.
    pub shard: Shard,
    /// What it is.
    pub what: RetentionAct,
    /// Who asked for it, and when.
    pub asked: (Id, Timestamp),
    /// Why.
    pub reason: String,
    /// The decision; none while a second person is waited for.
    pub decision: Option<Decision>,
    /// When all of it was done and checked.
    pub finished: Option<Timestamp>,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who decided, and when.
    pub by: (Id, Timestamp),
    /// The signed manifest or certificate.
    pub document: String,
    /// The journal stood here then.
    pub from_seq: u64,
}

/// The decisions. Clones share one connection, and calls take turns on it.
///
/// Guarantee: what was decided is neither changed nor taken back; triggers refuse it.
#[derive(Clone)]
pub struct Decisions {
    database: Database,
}

const fn number(what: RetentionAct) -> u8 {
    match what {
        RetentionAct::Sealed => 1,
        RetentionAct::Destroyed => 2,
    }
}

const COLUMNS: &str =
    "shard, what, asked_by, asked_at, reason, decided_by, decided_at, document, from_seq, finished_at";

fn decided(row: &Row<'_>) -> Result<Decided, StoreError> {
    let bad = || StoreError::BadRow("acts");
    let id = |text: String| Id::new(&text).map_err(|_| bad());
    let at = |column| Ok::<_, StoreError>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros));
    let what = match row.get::<_, u8>(1)? {
        1 => RetentionAct::Sealed,
        2 => RetentionAct::Destroyed,
        _ => return Err(bad()),
    };
    let decision = match (row.get(5)?, at(6)?, row.get(7)?, row.get::<_, Option<i64>>(8)?) {
        (Some(by), Some(when), Some(document), Some(seq)) => {
            Some(Decision { by: (id(by)?, when), document, from_seq: u64::try_from(seq).map_err(|_| bad())? })
        }
        _ => None,
    };
    Ok(Decided {
        shard: row.get::<_, String>(0)?.parse().map_err(|_| bad())?,
        what,
        asked: (id(row.get(2)?)?, at(3)?.ok_or_else(bad)?),
        reason: row.get(4)?,
        decision,
        finished: at(9)?,
    })
}

embedded!(Decisions);

impl Decisions {
    fn of(database: Database) -> Result<Self, StoreError> {
        Ok(Self { database })
    }

    /// Every sealing and destruction, by half-year.
    pub(super) fn all(&self) -> Result<Vec<Decided>, StoreError> {
        let connection = self.lock();
        let sql = format!("SELECT {COLUMNS} FROM acts ORDER BY shard, what");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(decided(row)?);
        }
        Ok(all)
    }

    /// Notes that something was asked for; answers whether it was not before.
    pub(super) fn ask(
        &self,
        shard: Shard,
        what: RetentionAct,
        (by, at, reason): (&Id, Timestamp, &str),
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO acts (shard, what, asked_by, asked_at, reason) VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT DO NOTHING";
        let parameters = params![shard.to_string(), number(what), by.as_str(), at.micros(), reason];
        Ok(self.lock().execute(sql, parameters)? == 1)
    }

    /// Takes back what was asked for and not decided; answers whether there was any.
    pub(super) fn withdraw(&self, shard: Shard, what: RetentionAct) -> Result<bool, StoreError> {
        let sql = "DELETE FROM acts WHERE shard = ?1 AND what = ?2 AND document IS NULL";
        Ok(self.lock().execute(sql, (shard.to_string(), number(what)))? == 1)
    }

    /// Notes the decision, durable on return; answers whether it was open.
    pub(super) fn decide(
        &self,
        shard: Shard,
        what: RetentionAct,
        decision: &Decision,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE acts SET decided_by = ?3, decided_at = ?4, document = ?5, from_seq = ?6
                   WHERE shard = ?1 AND what = ?2 AND document IS NULL";
        let seq = i64::try_from(decision.from_seq).map_err(|_| StoreError::Range("acts"))?;
        let (by, at) = &decision.by;
        let parameters =
            params![shard.to_string(), number(what), by.as_str(), at.micros(), decision.document, seq];
        Ok(self.lock().execute(sql, parameters)? == 1)
    }

    /// Notes that all of it was done.
    pub(super) fn finish(&self, shard: Shard, what: RetentionAct, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE acts SET finished_at = ?3 WHERE shard = ?1 AND what = ?2 AND finished_at IS NULL";
        self.lock().execute(sql, (shard.to_string(), number(what), at.micros()))?;
        Ok(())
    }
}
