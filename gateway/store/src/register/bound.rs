//! What an act binds: everything that it left behind, by salted digests, and the act before it.
//!
//! The digest of an act covers the act's own words, what it left of each thing it touched, and the digest of the act before,
//! so that the last one says what the whole register is. It stands in the journal, and from there in the evidence log.
//! Every digest is salted with the act's salt, which stays in the register: nobody outside can confirm a guess.

use std::collections::BTreeSet;

use ring::digest::{Context, SHA256};
use rusqlite::{Connection, Row, params};

use super::acts::{self, Act};
use super::{Register, first, integer, number};
use crate::StoreError;

/// A digest of an act.
pub type ActDigest = [u8; 32];

/// Bytes of the digest of one part: enough against a second content for a salt that is drawn when the act is accepted.
const PART_BYTES: usize = 16;

/// What stands for a part where the thing was taken away.
const ABSENT: &str = "absent";

/// The kind of the acts by which everything present is bound: at the first start of software that binds, and when a register
/// is taken over as it stands.
pub const REGISTER: &str = "Register";
/// The verb of an act by which a register is taken over as it stands: what was before it is not asked about any more.
pub const ADOPT: &str = "adopt";
/// Stands among what such an act binds for all acts before it that bind nothing.
const ACTS_BEFORE: &str = "Acts";

/// A kind of thing that acts touch besides objects.
pub(super) struct Table {
    /// Its name among bindings.
    pub(super) kind: &'static str,
    /// Names of the parts, and the columns in each.
    parts: &'static [(&'static str, usize)],
    /// Name of the thing, then the columns of all parts.
    pub(super) rows: &'static str,
    /// The condition for one thing.
    one: &'static str,
    /// Whether a row may go without an act, because it only takes something away.
    pub(super) expires: bool,
}

/// Everything that acts bind besides objects. What is in none of these tables is covered by the seal alone.
pub(super) const TABLES: [Table; 6] = [
    Table {
        kind: "Account",
        parts: &[
            ("organisation", 1),
            ("person", 1),
            ("roles", 1),
            ("disabled", 1),
            ("identity", 1),
            ("sign-ons", 1),
        ],
        rows: "SELECT name, organisation, person, roles, disabled, person_key, epoch FROM accounts",
        one: "name = ?1",
        expires: false,
    },
    Table {
        kind: "Password",
        parts: &[("password", 6)],
        rows: "SELECT account, memory_kib, passes, lanes, salt, hash, temporary FROM passwords",
        one: "account = ?1",
        expires: false,
    },
    Table {
        kind: "OneTimeCodes",
        parts: &[("secret", 2), ("confirmed", 1)],
        rows: "SELECT account, nonce, sealed, confirmed FROM one_time_secrets",
        one: "account = ?1",
        expires: false,
    },
    Table {
        kind: "Link",
        parts: &[("account", 1)],
        rows: "SELECT hex(issuer) || ' ' || hex(subject), account FROM links",
        one: "hex(issuer) || ' ' || hex(subject) = ?1",
        expires: false,
    },
    Table {
        kind: "Token",
        parts: &[("token", 1), ("roles", 1), ("term", 4)],
        rows: "SELECT account || '/' || name, hash, roles, read_only, created_micros, until_micros, epoch FROM tokens",
        one: "account || '/' || name = ?1",
        expires: true,
    },
    Table {
        kind: "CredentialSecret",
        parts: &[("secret", 3)],
        rows: "SELECT credential, algorithm, nonce, sealed FROM credential_secrets",
        one: "credential = ?1",
        expires: false,
    },
];

/// Parts of an object and the columns in each, after kind, name and version.
const OBJECT_PARTS: &[(&str, usize)] = &[("owner", 1), ("spec", 1), ("state", 3)];

/// Hashes values, each with its length before it.
struct Hasher(Context);

impl Hasher {
    fn new(domain: &str) -> Self {
        let mut hasher = Self(Context::new(&SHA256));
        hasher.bytes(domain.as_bytes());
        hasher
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn finish(self) -> [u8; 32] {
        self.0.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }
}

/// Which thing.
#[derive(Clone, Copy)]
pub(super) struct Thing<'a> {
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
}

/// The salted digests of the parts of a thing, whose columns stand in `row` from `column` on.
pub(super) fn of_row(
    salt: &[u8; 16],
    thing: Thing<'_>,
    parts: &[(&str, usize)],
    row: &Row<'_>,
    mut column: usize,
) -> Result<Vec<u8>, StoreError> {
    use rusqlite::types::ValueRef;

    let mut digest = Vec::with_capacity(parts.len() * PART_BYTES);
    for (part, columns) in parts {
        let mut hasher = part_of(salt, thing, part);
        for at in column..column + columns {
            // A tag keeps an absent value apart from an empty one, and a number from its digits.
            match row.get_ref(at)? {
                ValueRef::Null => hasher.bytes(b"n"),
                ValueRef::Integer(value) => hasher.bytes(&[b"i", &value.to_be_bytes()[..]].concat()),
                ValueRef::Real(value) => hasher.bytes(&[b"r", &value.to_bits().to_be_bytes()[..]].concat()),
                ValueRef::Text(text) => hasher.bytes(&[b"t", text].concat()),
                ValueRef::Blob(bytes) => hasher.bytes(&[b"b", bytes].concat()),
            }
        }
        column += columns;
        digest.extend_from_slice(&hasher.finish()[..PART_BYTES]);
    }
    Ok(digest)
}

fn part_of(salt: &[u8; 16], thing: Thing<'_>, part: &str) -> Hasher {
    let mut hasher = Hasher::new("shuzha part 1");
    for field in [&salt[..], thing.kind.as_bytes(), thing.name.as_bytes(), part.as_bytes()] {
        hasher.bytes(field);
    }
    hasher
}

/// What is bound of a thing that is not there.
pub(super) fn absent(salt: &[u8; 16], thing: Thing<'_>) -> Vec<u8> {
    part_of(salt, thing, ABSENT).finish()[..PART_BYTES].to_vec()
}

/// What kind of thing besides objects this is.
pub(super) fn table(kind: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.kind == kind)
}

impl Table {
    pub(super) const fn parts(&self) -> &'static [(&'static str, usize)] {
        self.parts
    }
}

/// The names of the parts of a thing of this kind.
pub(super) fn parts(kind: &str) -> &'static [(&'static str, usize)] {
    table(kind).map_or(OBJECT_PARTS, Table::parts)
}

/// What the thing is now, with its version where it has one.
pub(super) fn present(
    connection: &Connection,
    salt: &[u8; 16],
    thing: Thing<'_>,
) -> Result<(Vec<u8>, Option<i64>), StoreError> {
    let found = match table(thing.kind) {
        Some(table) => {
            let sql = format!("{} WHERE {}", table.rows, table.one);
            first(connection, &sql, [thing.name], |row| {
                Ok((of_row(salt, thing, table.parts, row, 1)?, None))
            })?
        }
        None => first(
            connection,
            "SELECT version, owner, spec, state_name, state, editable FROM objects WHERE kind = ?1 AND name = ?2",
            [thing.kind, thing.name],
            |row| Ok((of_row(salt, thing, OBJECT_PARTS, row, 1)?, Some(row.get(0)?))),
        )?,
    };
    Ok(found.unwrap_or_else(|| (absent(salt, thing), None)))
}

/// Binds `things` as they stand now to the act of `revision`, and answers the act's digest.
pub(super) fn bind(
    connection: &Connection,
    act: &Act,
    revision: i64,
    things: &BTreeSet<(String, String)>,
) -> Result<ActDigest, StoreError> {
    for (kind, name) in things {
        let (digest, _) = present(connection, &act.salt, Thing { kind, name })?;
        put(connection, Thing { kind, name }, (revision, revision), &digest)?;
    }
    digest(connection, act, revision)
}

fn put(
    connection: &Connection,
    thing: Thing<'_>,
    (version, act): (i64, i64),
    digest: &[u8],
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT INTO bindings VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![thing.kind, thing.name, version, act, digest])?;
    Ok(())
}

/// The digest of the act of `revision`, with what the bindings say it left.
pub(super) fn digest(connection: &Connection, act: &Act, revision: i64) -> Result<ActDigest, StoreError> {
    let sql = "SELECT digest FROM acts WHERE revision < ?1 ORDER BY revision DESC LIMIT 1";
    let before = first(connection, sql, [revision], |row| Ok(row.get::<_, Option<ActDigest>>(0)?))?.flatten();
    let mut hasher = Hasher::new("shuzha act 2");
    hasher.bytes(&before.unwrap_or_default());
    hasher.bytes(&revision.to_be_bytes());
    hasher.bytes(&acts::words(act));
    let sql = "SELECT kind, name, version, digest FROM bindings WHERE act = ?1 ORDER BY kind, name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([revision])?;
    while let Some(row) = rows.next()? {
        hasher.bytes(row.get_ref(0)?.as_bytes().map_err(|_| StoreError::BadRow("bindings"))?);
        hasher.bytes(row.get_ref(1)?.as_bytes().map_err(|_| StoreError::BadRow("bindings"))?);
        hasher.bytes(&row.get::<_, i64>(2)?.to_be_bytes());
        hasher.bytes(row.get_ref(3)?.as_bytes().map_err(|_| StoreError::BadRow("bindings"))?);
    }
    Ok(hasher.finish())
}

/// One digest over all acts before the one of `revision` that bind nothing; where it adopts a register, over all acts before.
pub(super) fn acts_before(connection: &Connection, act: &Act, revision: i64) -> Result<Vec<u8>, StoreError> {
    let mut hasher = part_of(&act.salt, Thing { kind: ACTS_BEFORE, name: "" }, "acts");
    acts::each(connection, |recorded| {
        let counts = recorded.digest.is_none() || act.verb == ADOPT;
        if counts && integer(recorded.revision, "acts")? < revision {
            hasher.bytes(&acts::words(&recorded.act));
        }
        Ok(())
    })?;
    Ok(hasher.finish()[..PART_BYTES].to_vec())
}

/// The last act by which the register was taken over as it stood; 0 where there is none.
pub(super) fn adopted_at(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(revision), 0) FROM acts WHERE kind = ?1 AND verb = ?2";
    Ok(connection.query_row(sql, [REGISTER, ADOPT], |row| row.get(0))?)
}

/// Whether a binding is of the acts before, and not of a thing.
pub(super) fn is_acts(kind: &str) -> bool {
    kind == ACTS_BEFORE
}

/// Binds everything that is present to the act of `revision`.
pub(super) fn bind_all(connection: &Connection, act: &Act, revision: i64) -> Result<ActDigest, StoreError> {
    let acts = acts_before(connection, act, revision)?;
    put(connection, Thing { kind: ACTS_BEFORE, name: "" }, (revision, revision), &acts)?;
    let sql = "SELECT name, kind, version, owner, spec, state_name, state, editable FROM objects";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (name, kind): (String, String) = (row.get(0)?, row.get(1)?);
        let thing = Thing { kind: &kind, name: &name };
        let digest = of_row(&act.salt, thing, OBJECT_PARTS, row, 3)?;
        put(connection, thing, (row.get(2)?, revision), &digest)?;
    }
    for table in &TABLES {
        let mut statement = connection.prepare(table.rows)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let thing = Thing { kind: table.kind, name: &name };
            put(connection, thing, (revision, revision), &of_row(&act.salt, thing, table.parts, row, 1)?)?;
        }
    }
    // What stood once and stands no more: an earlier binding must not go on saying that it does.
    let sql = "SELECT kind, name FROM bindings GROUP BY kind, name HAVING max(act) < ?1";
    let gone = super::rows(connection, sql, [revision], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    for (kind, name) in gone.iter().filter(|(kind, _)| !is_acts(kind)) {
        let thing = Thing { kind, name };
        put(connection, thing, (revision, revision), &absent(&act.salt, thing))?;
    }
    digest(connection, act, revision)
}

impl Register {
    /// Whether acts or things stand here that no act binds: a register of software before acts bound.
    ///
    /// # Errors
    /// Of the database.
    pub fn is_unbound(&self) -> Result<bool, StoreError> {
        let sql = "SELECT digest IS NULL FROM acts ORDER BY revision DESC LIMIT 1";
        Ok(first(&self.lock(), sql, [], |row| Ok(row.get(0)?))?.unwrap_or(false))
    }

    /// Accepts an act that binds everything that is present. Answers its revision, which is above `above`.
    ///
    /// # Errors
    /// Of the database; nothing has changed then.
    pub fn bind_all(&self, act: &Act, above: u64) -> Result<u64, StoreError> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let sql = "UPDATE revision SET value = max(value, ?1) + 1 RETURNING value";
        let revision: i64 = transaction.query_row(sql, [integer(above, "revision")?], |row| row.get(0))?;
        acts::record(&transaction, act, revision)?;
        let digest = bind_all(&transaction, act, revision)?;
        acts::put_digest(&transaction, revision, &digest)?;
        transaction.commit()?;
        number(revision, "revision")
    }

    /// Kind and name of everything that acts after `revision` touched, each once.
    ///
    /// # Errors
    /// Of the database.
    pub fn touched_after(&self, revision: u64) -> Result<Vec<(String, String)>, StoreError> {
        // The first act that binds only writes down what stood before.
        let sql = "SELECT DISTINCT b.kind, b.name FROM bindings b JOIN acts a ON a.revision = b.act
                   WHERE b.act > ?1 AND NOT (a.kind = ?2 AND a.verb = 'bind')";
        super::rows(&self.lock(), sql, (integer(revision, "bindings")?, REGISTER), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }
}

/// Whether what is bound under this kind is an object, and not an account or the like.
#[must_use]
pub fn is_object(kind: &str) -> bool {
    table(kind).is_none() && !is_acts(kind)
}
