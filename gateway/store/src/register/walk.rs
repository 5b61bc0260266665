//! The walk over a whole register: acts, what they bind, what stands there now, what stood there before, and what the journal
//! says of the acts.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};
use std::path::Path;

use super::acts::{self, Recorded};
use super::bound::{self, ActDigest, TABLES, Thing};
use super::{Register, first, integer, number};
use crate::StoreError;
use crate::database::Database;

/// Something that is not as the acts left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What: `ApplicationUnit/bank`, `act 12`.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

/// An act as the journal, or a copy of the evidence log, has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InJournal {
    /// Its place in the register; 0 for one outside, or of software that did not bind.
    pub revision: u64,
    /// Its identity.
    pub id: [u8; 16],
    /// Its digest.
    pub digest: ActDigest,
    /// Where it stands.
    pub seq: u64,
}

/// What a walk saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Acts.
    pub acts: u64,
    /// Of those, acts that bind what they left.
    pub bound: u64,
    /// Of those, acts that were found in the journal.
    pub journalled: u64,
    /// Objects, accounts and what belongs to them.
    pub things: u64,
    /// Former versions of objects.
    pub versions: u64,
    /// What is wrong: the first hundred.
    pub findings: Vec<Finding>,
    /// How many findings there are in all.
    pub wrong: u64,
}

/// Most findings that are kept; the rest is counted.
pub(super) const FINDINGS_MAX: usize = 100;

impl Walked {
    fn found(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.wrong += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { what: what.into(), why: why.into() });
        }
    }
}

/// The latest binding of a thing.
struct Latest {
    version: i64,
    digest: Vec<u8>,
    act: i64,
    salt: Option<[u8; 16]>,
}

fn latest(row: &Row<'_>, from: usize) -> Result<Latest, StoreError> {
    Ok(Latest {
        version: row.get(from)?,
        digest: row.get(from + 1)?,
        act: row.get(from + 2)?,
        salt: row.get(from + 3)?,
    })
}

impl Register {
    /// Walks over the whole register as it stands at one moment. `journal` answers its acts, oldest first, from the record
    /// `first_seq` on; none leaves them out.
    ///
    /// # Errors
    /// Of the database or of `journal`; what is wrong with the register is in the answer.
    pub fn walk<E: From<StoreError>>(
        &self,
        journal: Option<&mut dyn Iterator<Item = Result<InJournal, E>>>,
    ) -> Result<Walked, E> {
        let mut walked = self.database.at_one_moment(walk)?;
        if let Some(journal) = journal {
            self.compare_with(journal, &mut walked)?;
        }
        Ok(walked)
    }

    /// A register for reading alone, as it is: nothing is migrated or made.
    ///
    /// # Errors
    /// [`StoreError::Unbound`] when software wrote it that did not bind; of the database.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let database = Database::to_read(path)?;
        let bound = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'bindings'";
        let bound = database.lock().prepare(bound)?.exists([])?;
        if !bound {
            return Err(StoreError::Unbound);
        }
        Self::of(database)
    }

    /// Compares acts with those of a journal.
    fn compare_with<E: From<StoreError>>(
        &self,
        journal: &mut dyn Iterator<Item = Result<InJournal, E>>,
        walked: &mut Walked,
    ) -> Result<(), E> {
        // Acts that say where they stand, until they are found there.
        let mut waiting = self.places()?;
        let adopted = number(bound::adopted_at(&self.lock())?, "acts")?;
        for act in journal {
            let act = act?;
            let standing = match act.revision {
                0 => self.act_of(&act.id)?,
                revision => self.act(revision)?,
            };
            let what = format!("act {}", act.revision);
            match standing {
                // Acts outside the register stand in the journal alone.
                None if act.revision < adopted.max(1) => {}
                None => walked.found(what, format!("is in the journal at record {} and not here", act.seq)),
                Some(here) => {
                    let digest = here.digest.unwrap_or_else(|| acts::digest(&here.act));
                    waiting.remove(&here.revision);
                    if here.revision < adopted {
                        continue;
                    }
                    if *here.act.id.as_bytes() != act.id || digest != act.digest {
                        let what = format!("act {}", here.revision);
                        walked.found(what, format!("is another than record {} of the journal says", act.seq));
                    } else {
                        walked.journalled += 1;
                    }
                }
            }
        }
        for (revision, seq) in waiting.into_iter().filter(|(revision, _)| *revision >= adopted) {
            walked.found(
                format!("act {revision}"),
                format!("is not in the journal, where record {seq} should have it"),
            );
        }
        Ok(())
    }

    /// Where acts stand in the journal by their own word.
    fn places(&self) -> Result<BTreeMap<u64, u64>, StoreError> {
        let sql = "SELECT revision, journal_seq FROM acts WHERE journal_seq IS NOT NULL";
        let all = super::rows(&self.lock(), sql, [], |row| {
            Ok((number(row.get(0)?, "acts")?, number(row.get(1)?, "acts")?))
        })?;
        Ok(all.into_iter().collect())
    }

    fn act_of(&self, id: &[u8; 16]) -> Result<Option<Recorded>, StoreError> {
        let sql = "SELECT revision FROM acts WHERE id = ?1";
        let revision = first(&self.lock(), sql, [id], |row| number(row.get(0)?, "acts"))?;
        revision.map_or(Ok(None), |revision| self.act(revision))
    }
}

fn walk(connection: &Connection) -> Result<Walked, StoreError> {
    let mut walked = Walked::default();
    walk_acts(connection, &mut walked)?;
    if walked.bound > 0 {
        walk_present(connection, &mut walked)?;
        walk_absent(connection, &mut walked)?;
        walk_versions(connection, &mut walked)?;
    }
    Ok(walked)
}

/// The chain of acts, and that none is there without being bound once acts bind.
fn walk_acts(connection: &Connection, walked: &mut Walked) -> Result<(), StoreError> {
    let (mut last, adopted) = (0, bound::adopted_at(connection)?);
    let acts_before = "SELECT digest FROM bindings WHERE act = ?1 AND kind = ?2";
    acts::each(connection, |recorded| {
        let revision = integer(recorded.revision, "acts")?;
        let (what, act) = (format!("act {revision}"), &recorded.act);
        walked.acts += 1;
        let expected = last + 1;
        last = recorded.revision;
        if revision < adopted {
            return Ok(());
        }
        if recorded.revision != expected && revision != adopted {
            walked.found(format!("act {expected}"), "is missing");
        }
        let Some(digest) = recorded.digest else {
            if walked.bound > 0 {
                walked.found(what, "binds nothing, though acts before it do");
            }
            return Ok(());
        };
        walked.bound += 1;
        if bound::digest(connection, act, revision)? != digest {
            walked.found(
                what,
                "is not what its digest was made over: it, what it bound, or the act before was changed",
            );
        } else if act.kind == bound::REGISTER {
            let kept =
                first(connection, acts_before, (revision, "Acts"), |row| Ok(row.get::<_, Vec<u8>>(0)?))?;
            if kept != Some(bound::acts_before(connection, act, revision)?) {
                walked.found(what, "an act before it was changed, added or taken away");
            }
        }
        Ok(())
    })?;
    let revision: i64 = connection.query_row("SELECT value FROM revision", [], |row| row.get(0))?;
    if number(revision, "revision")? != last {
        walked.found(format!("act {revision}"), format!("is missing: the last one is {last}"));
    }
    Ok(())
}

/// Everything that stands there, beside what acts bound.
fn walk_present(connection: &Connection, walked: &mut Walked) -> Result<(), StoreError> {
    let objects = "SELECT kind, name, version, owner, spec, state_name, state, editable FROM objects";
    each(connection, objects, |row| {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        compare(connection, walked, Thing { kind: &kind, name: &name }, (row, 3), Some(row.get(2)?))
    })?;
    for table in &TABLES {
        each(connection, table.rows, |row| {
            let name: String = row.get(0)?;
            compare(connection, walked, Thing { kind: table.kind, name: &name }, (row, 1), None)
        })?;
    }
    Ok(())
}

fn compare(
    connection: &Connection,
    walked: &mut Walked,
    thing: Thing<'_>,
    (row, column): (&Row<'_>, usize),
    version: Option<i64>,
) -> Result<(), StoreError> {
    walked.things += 1;
    let what = shown(thing, version);
    let sql =
        "SELECT b.version, b.digest, b.act, a.salt FROM bindings b LEFT JOIN acts a ON a.revision = b.act
               WHERE b.kind = ?1 AND b.name = ?2 ORDER BY b.act DESC LIMIT 1";
    let Some(bound) = first(connection, sql, [thing.kind, thing.name], |row| latest(row, 0))? else {
        walked.found(what, "no act made it");
        return Ok(());
    };
    let Some(salt) = bound.salt else {
        walked.found(what, format!("act {}, which bound it, is missing", bound.act));
        return Ok(());
    };
    let parts = bound::parts(thing.kind);
    let digest = bound::of_row(&salt, thing, parts, row, column)?;
    if digest != bound.digest {
        let differ: Vec<_> = parts
            .iter()
            .zip(digest.chunks(16).zip(bound.digest.chunks(16)))
            .filter(|(_, (now, then))| now != then)
            .map(|((part, _), _)| *part)
            .collect();
        let why = if bound.digest.len() == digest.len() {
            format!("{} not as act {} left it", differ.join(", "), bound.act)
        } else {
            format!("act {} took it away", bound.act)
        };
        walked.found(what, why);
    } else if version.is_some_and(|version| version != bound.version) {
        walked.found(what, format!("its version is {} by act {}", bound.version, bound.act));
    }
    Ok(())
}

/// What acts bound and nobody took away, and is not there.
fn walk_absent(connection: &Connection, walked: &mut Walked) -> Result<(), StoreError> {
    let sql = "SELECT b.kind, b.name, b.version, b.digest, b.act, a.salt FROM bindings b LEFT JOIN acts a ON a.revision = b.act
               WHERE b.act = (SELECT max(n.act) FROM bindings n WHERE n.kind = b.kind AND n.name = b.name)";
    each(connection, sql, |row| {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        let (thing, bound) = (Thing { kind: &kind, name: &name }, latest(row, 2)?);
        let Some(salt) = bound.salt else { return Ok(()) };
        let expires = bound::table(&kind).is_some_and(|table| table.expires);
        if bound::is_acts(&kind) || expires || bound.digest == bound::absent(&salt, thing) {
            return Ok(());
        }
        if bound::present(connection, &salt, thing)?.0 == bound::absent(&salt, thing) {
            walked.found(
                shown(thing, Some(bound.version)),
                format!("is gone, and no act after {} took it away", bound.act),
            );
        }
        Ok(())
    })
}

/// Former versions, beside what the acts bound that made them.
fn walk_versions(connection: &Connection, walked: &mut Walked) -> Result<(), StoreError> {
    let bound_as =
        "SELECT b.version, b.digest, b.act, a.salt FROM bindings b LEFT JOIN acts a ON a.revision = b.act
                    WHERE b.kind = ?1 AND b.name = ?2 AND b.version = ?3 ORDER BY b.act DESC LIMIT 1";
    let adopted = bound::adopted_at(connection)?;
    let kept = "SELECT kind, name, version, owner, spec, state_name, state, editable FROM versions";
    each(connection, kept, |row| {
        walked.versions += 1;
        let (kind, name, version): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let thing = Thing { kind: &kind, name: &name };
        let bound = first(connection, bound_as, (&kind, &name, version), |row| latest(row, 0))?;
        let sound = match bound {
            Some(Latest { act, .. }) if act < adopted => true,
            None if version < adopted => true,
            Some(Latest { digest, salt: Some(salt), .. }) => {
                digest == bound::of_row(&salt, thing, bound::parts(&kind), row, 3)?
            }
            _ => false,
        };
        if !sound {
            walked.found(shown(thing, Some(version)), "this former version is not what an act left");
        }
        Ok(())
    })?;
    let lost = "SELECT b.kind, b.name, b.version, b.digest, b.act, a.salt FROM bindings b JOIN acts a ON a.revision = b.act
                WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE v.kind = b.kind AND v.name = b.name AND v.version = b.version)
                AND NOT EXISTS (SELECT 1 FROM objects o WHERE o.kind = b.kind AND o.name = b.name AND o.version = b.version)
                AND EXISTS (SELECT 1 FROM bindings n WHERE n.kind = b.kind AND n.name = b.name AND n.act > b.act)";
    each(connection, lost, |row| {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        let (thing, bound) = (Thing { kind: &kind, name: &name }, latest(row, 2)?);
        let taken_away = bound.salt.is_some_and(|salt| bound.digest == bound::absent(&salt, thing));
        if bound::is_object(&kind) && !taken_away && bound.act >= adopted {
            walked.found(shown(thing, Some(bound.version)), "this former version is gone");
        }
        Ok(())
    })
}

fn shown(thing: Thing<'_>, version: Option<i64>) -> String {
    let Thing { kind, name } = thing;
    version.map_or_else(|| format!("{kind}/{name}"), |version| format!("{kind}/{name} version {version}"))
}

fn each(
    connection: &Connection,
    sql: &str,
    mut take: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
