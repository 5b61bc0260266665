//! Acts: who did what, when and why; and the outbox from which the journal is fed.

use rusqlite::{Row, params};
use shuzha_core::{Id, RequestId, Role, Timestamp};

use super::{Register, at, id, id_or_none, integer, number, rows};
use crate::StoreError;

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The account.
    pub account: Id,
    /// The organisation they acted for.
    pub organisation: Id,
    /// The role they acted in.
    pub role: Role,
}

/// An accepted act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Its identity, in the register and in the journal.
    pub id: RequestId,
    /// Makes the act's digest in the journal unguessable; kept here alone.
    pub salt: [u8; 16],
    /// When.
    pub at: Timestamp,
    /// Who; none when time itself acted.
    pub by: Option<Author>,
    /// Its duty in the separation of duties, where it has one.
    pub duty: Option<String>,
    /// What was done.
    pub verb: String,
    /// Kind of the object.
    pub kind: String,
    /// Name of the object.
    pub name: Id,
    /// State of the case afterwards.
    pub state: Option<String>,
    /// Why.
    pub reason: String,
    /// Names, sizes and digests of attachments, JSON.
    pub attachments: String,
}

/// An act as it stands in the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the order of all acts; the version of what it wrote.
    pub revision: u64,
    /// The act.
    pub act: Act,
    /// Where it stands in the journal, once that is known.
    pub journal_seq: Option<u64>,
}

/// Which acts to list, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActFilter<'a> {
    /// Only before this revision.
    pub before: Option<u64>,
    /// Only on objects of this kind.
    pub kind: Option<&'a str>,
    /// Only on objects of this name.
    pub name: Option<&'a str>,
    /// Only by this account.
    pub actor: Option<&'a str>,
    /// Only this verb.
    pub verb: Option<&'a str>,
    /// Only at or after.
    pub from: Option<Timestamp>,
    /// Only before.
    pub until: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

const COLUMNS: &str = "revision, id, salt, at_micros, actor, organisation, role, duty, verb, kind, name, state_name, reason, attachments, journal_seq";

fn recorded(row: &Row<'_>) -> Result<Recorded, StoreError> {
    let role = |text: String| text.parse::<Role>().map_err(|_| StoreError::BadRow("acts"));
    let by =
        match (id_or_none(row, 4, "acts")?, id_or_none(row, 5, "acts")?, row.get::<_, Option<String>>(6)?) {
            (Some(account), Some(organisation), Some(text)) => {
                Some(Author { account, organisation, role: role(text)? })
            }
            _ => None,
        };
    let act = Act {
        id: RequestId::from_bytes(row.get(1)?),
        salt: row.get(2)?,
        at: at(row, 3)?,
        by,
        duty: row.get(7)?,
        verb: row.get(8)?,
        kind: row.get(9)?,
        name: id(row, 10, "acts")?,
        state: row.get(11)?,
        reason: row.get(12)?,
        attachments: row.get(13)?,
    };
    let journal_seq = row.get::<_, Option<i64>>(14)?.map(|seq| number(seq, "acts")).transpose()?;
    Ok(Recorded { revision: number(row.get(0)?, "acts")?, act, journal_seq })
}

impl Register {
    /// Acts that meet `filter`, newest first.
    ///
    /// # Errors
    /// Of the database.
    pub fn acts(&self, filter: &ActFilter<'_>) -> Result<Vec<Recorded>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM acts WHERE (?1 IS NULL OR revision < ?1)
             AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR name = ?3)
             AND (?4 IS NULL OR actor = ?4) AND (?5 IS NULL OR verb = ?5)
             AND (?6 IS NULL OR at_micros >= ?6) AND (?7 IS NULL OR at_micros < ?7)
             ORDER BY revision DESC LIMIT ?8"
        );
        let before = filter.before.map(|before| integer(before, "acts")).transpose()?;
        let limit = i64::try_from(filter.limit).map_err(|_| StoreError::Range("acts"))?;
        let micros = |at: Option<Timestamp>| at.map(Timestamp::micros);
        let parameters = params![
            before,
            filter.kind,
            filter.name,
            filter.actor,
            filter.verb,
            micros(filter.from),
            micros(filter.until),
            limit
        ];
        rows(&self.lock(), &sql, parameters, recorded)
    }

    /// Who has which duties on the case, as (account, duty), each pair once.
    ///
    /// # Errors
    /// Of the database.
    pub fn duties(&self, kind: &str, name: &str) -> Result<Vec<(Id, String)>, StoreError> {
        let sql = "SELECT DISTINCT actor, duty FROM acts
                   WHERE kind = ?1 AND name = ?2 AND actor IS NOT NULL AND duty IS NOT NULL";
        rows(&self.lock(), sql, [kind, name], |row| Ok((id(row, 0, "acts")?, row.get(1)?)))
    }

    /// Acts that are not yet known to be in the journal, oldest first.
    ///
    /// # Errors
    /// Of the database.
    pub fn outbox(&self) -> Result<Vec<Recorded>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM acts WHERE journal_seq IS NULL ORDER BY revision");
        rows(&self.lock(), &sql, [], recorded)
    }

    /// The furthest place in the journal at which an act is known to stand; 0 before the first.
    ///
    /// # Errors
    /// Of the database.
    pub fn journalled(&self) -> Result<u64, StoreError> {
        let sql = "SELECT journal_seq FROM acts WHERE journal_seq IS NOT NULL ORDER BY revision DESC LIMIT 1";
        let found = super::first(&self.lock(), sql, [], |row| number(row.get(0)?, "acts"))?;
        Ok(found.unwrap_or(0))
    }

    /// Notes where acts stand in the journal, as (revision, sequence). An act that was noted before stays as it is.
    ///
    /// # Errors
    /// Of the database; nothing is changed then.
    pub fn mark_journalled(&self, places: &[(u64, u64)]) -> Result<(), StoreError> {
        if places.is_empty() {
            return Ok(());
        }
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        mark(&transaction, places)?;
        Ok(transaction.commit()?)
    }
}

pub(super) fn mark(connection: &rusqlite::Connection, places: &[(u64, u64)]) -> Result<(), StoreError> {
    let mut statement = connection
        .prepare_cached("UPDATE acts SET journal_seq = ?2 WHERE revision = ?1 AND journal_seq IS NULL")?;
    for &(revision, seq) in places {
        statement.execute((integer(revision, "acts")?, integer(seq, "acts")?))?;
    }
    Ok(())
}
