//! The projection in a canonical form: what the journal adds up to at one record, as bytes whose digest the log is told before
//! older records are given up (docs/adr/0027), and from which the projection is built again.
//!
//! `SHUZHAP1`, the number of migrations, and table by table its name, its columns and its rows, in the order of all columns. Uses of
//! persons' data are left out: nothing is decided by them. The form is that of the tables: software with more migrations reads
//! it into a database of its time and migrates that.

use ring::digest::SHA256;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};
use shuzha_evidence::Entry;
use shuzha_journal::{Journal, JournalError, Position, Reader};

use super::{position, rows};
use crate::database::{Database, applied, blank};
use crate::reduce::{ProjectionCheckpoint, State};
use crate::seal::put_value;
use crate::store::MIGRATIONS;
use crate::{Store, StoreError};

const MAGIC: &[u8; 8] = b"SHUZHAP1";
const ROW: u8 = b'r';
const END: u8 = b'e';

/// SHA-256 of a canonical form, as its record has it.
#[must_use]
pub fn projection_digest(bytes: &[u8]) -> [u8; 32] {
    ring::digest::digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

fn tables() -> impl Iterator<Item = &'static str> {
    std::iter::once("position").chain(rows::tables())
}

fn columns(connection: &Connection, table: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    Ok(statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

fn canonical(connection: &Connection) -> Result<Vec<u8>, StoreError> {
    let mut out = MAGIC.to_vec();
    put_value(&mut out, ValueRef::Integer(applied(connection)?));
    for table in tables() {
        let columns = columns(connection, table)?;
        put_value(&mut out, ValueRef::Text(table.as_bytes()));
        put_value(&mut out, ValueRef::Text(columns.join(",").as_bytes()));
        let order: Vec<String> = (1..=columns.len()).map(|at| at.to_string()).collect();
        let sql = format!("SELECT {} FROM {table} ORDER BY {}", columns.join(","), order.join(","));
        let mut statement = connection.prepare(&sql)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            out.push(ROW);
            for at in 0..columns.len() {
                put_value(&mut out, row.get_ref(at)?);
            }
        }
        out.push(END);
    }
    Ok(out)
}

/// Reads what [`canonical`] wrote.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    const BAD: StoreError = StoreError::BadRow("projection checkpoint");

    fn take(&mut self, count: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Self::BAD)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, StoreError> {
        Ok(self.take(1)?[0])
    }

    fn value(&mut self) -> Result<Value, StoreError> {
        let tag = self.byte()?;
        if tag == 0 {
            return Ok(Value::Null);
        }
        let length = u64::from_be_bytes(self.take(8)?.try_into().map_err(|_| Self::BAD)?);
        let bytes = self.take(usize::try_from(length).map_err(|_| Self::BAD)?)?;
        let number = || <[u8; 8]>::try_from(bytes).map_err(|_| Self::BAD);
        Ok(match tag {
            1 => Value::Integer(i64::from_be_bytes(number()?)),
            3 => Value::Text(str::from_utf8(bytes).map_err(|_| Self::BAD)?.to_owned()),
            4 => Value::Blob(bytes.to_vec()),
            _ => return Err(Self::BAD),
        })
    }

    /// A name that is put into a statement.
    fn name(&mut self) -> Result<String, StoreError> {
        let plain = |name: &str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b','));
        match self.value()? {
            Value::Text(name) if plain(&name) => Ok(name),
            _ => Err(Self::BAD),
        }
    }

    fn fill(&mut self, connection: &Connection) -> Result<(), StoreError> {
        while !self.0.is_empty() {
            let (table, columns) = (self.name()?, self.name()?);
            let count = columns.split(',').count();
            let places = vec!["?"; count].join(",");
            let mut put =
                connection.prepare(&format!("REPLACE INTO {table} ({columns}) VALUES ({places})"))?;
            while self.byte()? == ROW {
                let row = (0..count).map(|_| self.value()).collect::<Result<Vec<_>, _>>()?;
                put.execute(params_from_iter(row))?;
            }
        }
        Ok(())
    }
}

impl Store {
    /// The projection in its canonical form, and the last record that is in it. Others go on writing meanwhile.
    ///
    /// # Errors
    /// Of the database.
    pub fn canonical_projection(&self) -> Result<(Position, Vec<u8>), StoreError> {
        self.database.at_one_moment(|connection| Ok((position(connection)?.0, canonical(connection)?)))
    }

    /// What the log was last told of the projection; none where it never was.
    ///
    /// # Errors
    /// Of the database.
    pub fn projection_checkpoint(&self) -> Result<Option<ProjectionCheckpoint>, StoreError> {
        let mut connection = self.lock();
        rows::load_checkpoint(&connection.transaction()?)
    }

    /// A store in memory whose projection is the one in `bytes`.
    ///
    /// # Errors
    /// [`StoreError::BadRow`] where they are no projection of this software or older.
    pub fn of_projection(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut cursor = Cursor(bytes);
        if cursor.take(MAGIC.len())? != MAGIC {
            return Err(Cursor::BAD);
        }
        let Value::Integer(begun) = cursor.value()? else { return Err(Cursor::BAD) };
        let begun = usize::try_from(begun).ok().filter(|begun| *begun <= MIGRATIONS.len());
        let begun = begun.ok_or(Cursor::BAD)?;
        let connection = blank(&MIGRATIONS[..begun])?;
        cursor.fill(&connection)?;
        Self::of(Database::prepared(connection, &MIGRATIONS, None, None)?)
    }

    /// Puts the projection in `bytes` in the place of the one that stands here. Releases and secrets stay, and so do uses of data
    /// up to there.
    ///
    /// # Errors
    /// As [`Store::of_projection`]; nothing is changed then.
    pub fn put_projection(&self, bytes: &[u8]) -> Result<State, StoreError> {
        let from = Self::of_projection(bytes)?;
        let (reached, bytes) = from.canonical_projection()?;
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        rows::clear(&transaction)?;
        transaction
            .execute("DELETE FROM data_uses WHERE seq > ?1", [rows::integer(reached.seq, "position")?])?;
        let mut cursor = Cursor(&bytes[MAGIC.len()..]);
        cursor.value()?;
        cursor.fill(&transaction)?;
        transaction.commit()?;
        drop(connection);
        self.load_state()
    }
}

/// Where a journal is read from that may not begin with its first record any more.
pub(crate) struct Source<'a> {
    /// Its first record.
    pub(crate) first_seq: u64,
    /// Places for which a projection is kept.
    pub(crate) places: Vec<u64>,
    /// What is kept for one of them.
    pub(crate) kept: &'a dyn Fn(u64) -> Result<Option<Vec<u8>>, JournalError>,
    /// Its records from one on.
    pub(crate) records: &'a dyn Fn(u64) -> Result<Reader, JournalError>,
}

impl Source<'_> {
    /// The projection that takes the place of the records that are gone: the last whose record, behind it, has its digest. None
    /// where no record is gone.
    ///
    /// # Errors
    /// [`StoreError::NoProjection`] where there is none.
    pub(crate) fn base(&self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.first_seq <= 1 {
            return Ok(None);
        }
        for seq in self.places.iter().rev().filter(|seq| *seq + 1 >= self.first_seq) {
            let Some(bytes) = (self.kept)(*seq)? else { continue };
            let digest = projection_digest(&bytes);
            for record in (self.records)(seq + 1)? {
                if let Entry::Projected(projected) = record?.entry()?
                    && projected.last_seq == *seq
                    && projected.digest == digest
                {
                    return Ok(Some(bytes));
                }
            }
        }
        Err(StoreError::NoProjection { first: self.first_seq })
    }
}

/// The projection that takes the place of the records that `journal` has given up, see [`Store::put_projection`]; none where it
/// begins with its first.
///
/// # Errors
/// [`StoreError::NoProjection`] where there is none; of the journal.
pub fn projection_before(journal: &Journal) -> Result<Option<Vec<u8>>, StoreError> {
    let source = Source {
        first_seq: journal.first_seq()?,
        places: journal.projections()?,
        kept: &|seq| journal.projection(seq),
        records: &|seq| journal.reader(seq),
    };
    source.base()
}
