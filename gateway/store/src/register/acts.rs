//! Acts: who did what, when and why; and the outbox from which the journal is fed.

use rusqlite::{Connection, Row, params};
use shuzha_core::{Clock, Id, RequestId, Rng, Role, Timestamp};

use super::bound::ActDigest;
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

impl Act {
    /// An act of now that nobody answers for: who, why and what else there is is set by whoever makes it.
    #[must_use]
    pub fn new(clock: &dyn Clock, rng: &dyn Rng, verb: &str, kind: &str, name: Id) -> Self {
        let mut salt = [0; 16];
        rng.fill(&mut salt);
        Self {
            id: RequestId::generate(clock, rng),
            salt,
            at: clock.now(),
            by: None,
            duty: None,
            verb: verb.to_owned(),
            kind: kind.to_owned(),
            name,
            state: None,
            reason: String::new(),
            attachments: "[]".to_owned(),
        }
    }
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
    /// Its digest, with all that it binds; none of software that did not bind, and of an act outside every register.
    pub digest: Option<ActDigest>,
}

impl Recorded {
    /// An act outside the register, which changes nothing in it.
    #[must_use]
    pub const fn outside(act: Act) -> Self {
        Self { revision: 0, act, journal_seq: None, digest: None }
    }
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

const COLUMNS: &str = "revision, id, salt, at_micros, actor, organisation, role, duty, verb, kind, name, state_name, reason, attachments, journal_seq, digest";

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
    Ok(Recorded { revision: number(row.get(0)?, "acts")?, act, journal_seq, digest: row.get(15)? })
}

/// An act's own words: every field of it, each with its length before it.
pub(super) fn words(act: &Act) -> Vec<u8> {
    let by = act.by.as_ref();
    let at = act.at.micros().to_be_bytes();
    let fields: [&[u8]; 13] = [
        &act.salt,
        act.id.as_bytes(),
        &at,
        by.map_or("", |by| by.account.as_str()).as_bytes(),
        by.map_or("", |by| by.organisation.as_str()).as_bytes(),
        by.map_or("", |by| by.role.as_str()).as_bytes(),
        act.duty.as_deref().unwrap_or_default().as_bytes(),
        act.verb.as_bytes(),
        act.kind.as_bytes(),
        act.name.as_str().as_bytes(),
        act.state.as_deref().unwrap_or_default().as_bytes(),
        act.reason.as_bytes(),
        act.attachments.as_bytes(),
    ];
    let mut words = Vec::new();
    for field in fields {
        words.extend_from_slice(&(field.len() as u64).to_be_bytes());
        words.extend_from_slice(field);
    }
    words
}

/// The digest of an act by itself: SHA-256 over its salt and every field. It stands in the journal for acts outside the
/// register, and for those of software that did not bind what an act left.
#[must_use]
pub fn digest(act: &Act) -> ActDigest {
    let digest = ring::digest::digest(&ring::digest::SHA256, &words(act));
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// Calls `take` with every act, oldest first.
pub(super) fn each(
    connection: &Connection,
    mut take: impl FnMut(Recorded) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM acts ORDER BY revision"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(recorded(row)?)?;
    }
    Ok(())
}

/// Writes down an act, which binds nothing yet.
pub(super) fn record(connection: &Connection, act: &Act, revision: i64) -> Result<(), StoreError> {
    let by = act.by.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO acts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, NULL, NULL)",
        )?
        .execute(params![
            revision,
            act.id.as_bytes(),
            act.salt,
            act.at.micros(),
            by.map(|by| by.account.as_str()),
            by.map(|by| by.organisation.as_str()),
            by.map(|by| by.role.as_str()),
            act.duty,
            act.verb,
            act.kind,
            act.name.as_str(),
            act.state,
            act.reason,
            act.attachments
        ])?;
    Ok(())
}

/// Writes down the digest of an act.
pub(super) fn put_digest(
    connection: &Connection,
    revision: i64,
    digest: &ActDigest,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE acts SET digest = ?2 WHERE revision = ?1")?
        .execute(params![revision, digest])?;
    Ok(())
}

impl Register {
    /// The act of this revision.
    ///
    /// # Errors
    /// Of the database.
    pub fn act(&self, revision: u64) -> Result<Option<Recorded>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM acts WHERE revision = ?1");
        super::first(&self.lock(), &sql, [integer(revision, "acts")?], recorded)
    }

    /// The first act after `revision` that binds what it left and says that it is in the journal, with its place there.
    ///
    /// # Errors
    /// Of the database.
    pub fn journalled_after(&self, revision: u64) -> Result<Option<(u64, u64)>, StoreError> {
        let sql = "SELECT revision, journal_seq FROM acts WHERE revision > ?1 AND digest IS NOT NULL
                   AND journal_seq IS NOT NULL ORDER BY revision LIMIT 1";
        super::first(&self.lock(), sql, [integer(revision, "acts")?], |row| {
            Ok((number(row.get(0)?, "acts")?, number(row.get(1)?, "acts")?))
        })
    }

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
