//! The seal of a database: a keyed digest over every row of every table, changed in the transaction that changes the rows.
//!
//! Guarantees, for a database that is opened with its key:
//! - A row that was changed, added or taken away by whoever has the file and not the key no longer adds up: [`check`]
//!   names the tables.
//! - The seal stands for one state of the whole database. It does not say that this is the latest: an older copy of the
//!   file has a sound seal too. That is for the journal to show.
//!
//! Each table has the count of its rows and the sum, modulo 2^256, of HMAC-SHA256 over each of them; an HMAC over all
//! tables' sums closes it. A change costs two digests of rows and two of the sums, whatever the size of the table.
//! Temporary triggers of our own connections keep it: a program that writes without them breaks the seal.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use ring::hmac;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _};

use crate::StoreError;

const HASH_BYTES: usize = 32;
/// Bytes of a table's count and sum.
const ENTRY_BYTES: usize = 8 + HASH_BYTES;
const ROW: u8 = b'r';
const SUMS: u8 = b's';
/// The table that holds the seal, which the seal does not cover.
const TABLE: &str = "seal";

/// The key of a database's seal.
#[derive(Clone)]
pub struct SealKey(Arc<hmac::Key>);

impl SealKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    fn mac(&self, bytes: &[u8]) -> [u8; HASH_BYTES] {
        hmac::sign(&self.0, bytes).as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes")
    }

    /// Writes the MAC of `value`'s sums in front of them.
    fn close(&self, value: &mut [u8]) {
        let (mac, sums) = value.split_at_mut(HASH_BYTES);
        mac.copy_from_slice(&self.mac(&[&[SUMS], &*sums].concat()));
    }

    fn closes(&self, value: &[u8]) -> bool {
        let Some((mac, sums)) = value.split_at_checked(HASH_BYTES) else { return false };
        hmac::verify(&self.0, &[&[SUMS], sums].concat(), mac).is_ok()
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealKey(withheld)")
    }
}

/// What comparing a database with its seal showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Tables whose rows are not those that were sealed; [`BROKEN`] when the seal itself is not ours.
    pub differ: Vec<String>,
    /// Tables that were too large to be looked at.
    pub left: Vec<String>,
}

/// Stands among tables that differ for the seal itself.
pub const BROKEN: &str = "seal";

/// The count of a table's rows, and the sum of their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    lanes: [u64; 4],
}

impl Sum {
    fn read(bytes: &[u8]) -> Self {
        let word = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        Self { rows: word(0), lanes: [word(8), word(16), word(24), word(32)] }
    }

    fn write(self, bytes: &mut [u8]) {
        let words = std::iter::once(self.rows).chain(self.lanes);
        for (word, place) in words.zip(bytes.chunks_exact_mut(8)) {
            place.copy_from_slice(&word.to_be_bytes());
        }
    }

    fn change(&mut self, row: &[u8; HASH_BYTES], added: bool) {
        let mut carry = false;
        for (lane, word) in self.lanes.iter_mut().zip(row.chunks_exact(8)) {
            let word = u64::from_be_bytes(word.try_into().expect("eight bytes"));
            let step = if added { u64::overflowing_add } else { u64::overflowing_sub };
            let (value, over) = step(*lane, word);
            let (value, over_by_carry) = step(value, carry.into());
            (*lane, carry) = (value, over | over_by_carry);
        }
        self.rows = if added { self.rows.wrapping_add(1) } else { self.rows.wrapping_sub(1) };
    }
}

/// The place of `table` in the sums of a sealed value.
fn place<'v>(value: &'v mut [u8], table: &str) -> Option<&'v mut [u8]> {
    let mut rest = value.get_mut(HASH_BYTES..)?;
    loop {
        let (length, after) = rest.split_first_mut()?;
        let (name, after) = after.split_at_mut_checked(usize::from(*length))?;
        let (entry, after) = after.split_at_mut_checked(ENTRY_BYTES)?;
        if name == table.as_bytes() {
            return Some(entry);
        }
        rest = after;
    }
}

fn sum_of(value: &[u8], table: &str) -> Option<Sum> {
    place(&mut value.to_vec(), table).map(|entry| Sum::read(entry))
}

pub(crate) fn put_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    let mut long = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    match value {
        ValueRef::Null => out.push(0),
        ValueRef::Integer(number) => long(1, &number.to_be_bytes()),
        ValueRef::Real(number) => long(2, &number.to_bits().to_be_bytes()),
        ValueRef::Text(text) => long(3, text),
        ValueRef::Blob(bytes) => long(4, bytes),
    }
}

/// The digest of a row of `table`.
fn row_digest<'v>(
    key: &SealKey,
    table: &str,
    columns: impl Iterator<Item = ValueRef<'v>>,
    buffer: &mut Vec<u8>,
) -> [u8; HASH_BYTES] {
    buffer.clear();
    buffer.push(ROW);
    put_value(buffer, ValueRef::Text(table.as_bytes()));
    columns.for_each(|column| put_value(buffer, column));
    key.mac(buffer)
}

/// Tables that the seal covers, with their columns.
fn tables(connection: &Connection) -> Result<Vec<(String, Vec<String>)>, rusqlite::Error> {
    let sql =
        "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
               AND name NOT LIKE 'refinery%' AND name <> ?1 ORDER BY name";
    let mut named = connection.prepare(sql)?;
    let names = named.query_map([TABLE], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let mut columns = connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    names
        .into_iter()
        .map(|name| {
            let found = columns.query_map([&name], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Ok((name, found))
        })
        .collect()
}

/// The seal that is kept; none where the database was never sealed.
fn kept(connection: &Connection) -> Result<Option<Vec<u8>>, StoreError> {
    let there = connection
        .prepare("SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = ?1")?
        .exists([TABLE])?;
    if !there {
        return Ok(None);
    }
    let value = connection.query_row("SELECT value FROM seal", [], |row| row.get(0)).optional()?;
    Ok(value.flatten())
}

/// Whether the database carries a seal.
pub(crate) fn is_sealed(connection: &Connection) -> Result<bool, StoreError> {
    Ok(kept(connection)?.is_some())
}

/// The columns' names, quoted, each with `row` in front of it.
fn quoted(columns: &[String], row: &str) -> Vec<String> {
    columns.iter().map(|column| format!("{row}\"{column}\"")).collect()
}

fn add_up(
    connection: &Connection,
    key: &SealKey,
    (table, columns): &(String, Vec<String>),
) -> Result<Sum, StoreError> {
    let mut statement =
        connection.prepare(&format!("SELECT {} FROM {table}", quoted(columns, "").join(", ")))?;
    let (mut rows, mut buffer, mut sum) = (statement.query([])?, Vec::new(), Sum::default());
    while let Some(row) = rows.next()? {
        let cells = (0..columns.len()).map(|at| row.get_ref(at)).collect::<Result<Vec<_>, _>>()?;
        sum.change(&row_digest(key, table, cells.into_iter(), &mut buffer), true);
    }
    Ok(sum)
}

/// Seals the database as it stands.
pub(crate) fn seal(connection: &Connection, key: &SealKey) -> Result<(), StoreError> {
    let mut value = vec![0; HASH_BYTES];
    for table in tables(connection)? {
        let mut entry = [0; ENTRY_BYTES];
        add_up(connection, key, &table)?.write(&mut entry);
        value.push(u8::try_from(table.0.len()).map_err(|_| StoreError::Range(TABLE))?);
        value.extend_from_slice(table.0.as_bytes());
        value.extend_from_slice(&entry);
    }
    key.close(&mut value);
    connection.execute("REPLACE INTO seal VALUES (1, ?1)", [value])?;
    Ok(())
}

/// Compares the database with its seal. Tables of more than `rows_max` rows are left, when their number is right.
pub(crate) fn check(connection: &Connection, key: &SealKey, rows_max: u64) -> Result<Sealed, StoreError> {
    let mut found = Sealed::default();
    let Some(value) = kept(connection)?.filter(|value| key.closes(value)) else {
        found.differ.push(BROKEN.to_owned());
        return Ok(found);
    };
    for table in tables(connection)? {
        let sealed = sum_of(&value, &table.0);
        if sealed.is_some_and(|sum| sum.rows > rows_max) {
            found.left.push(table.0);
        } else if sealed != Some(add_up(connection, key, &table)?) {
            found.differ.push(table.0);
        }
    }
    Ok(found)
}

/// From now on every change by this connection changes the seal too, where there is one.
pub(crate) fn follow(connection: &Connection, key: &SealKey) -> Result<(), StoreError> {
    // Without it REPLACE takes rows away unseen.
    connection.pragma_update(None, "recursive_triggers", true)?;
    let (key, last) = (key.clone(), Mutex::new(Vec::new()));
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("sealed_row", -1, flags, move |call| changed(call, &key, &last))?;
    let mut sql = String::new();
    for (table, columns) in tables(connection)? {
        let of = |row: &str| format!(", {}", quoted(&columns, row).join(", "));
        for (event, step, cells) in [
            ("INSERT", 1, of("NEW.")),
            ("DELETE", -1, of("OLD.")),
            ("UPDATE", 0, format!("{}{}", of("OLD."), of("NEW."))),
        ] {
            let _ = write!(
                sql,
                "CREATE TEMP TRIGGER sealed_{table}_{event} AFTER {event} ON main.{table} BEGIN
                 UPDATE seal SET value = sealed_row(value, '{table}', {step}{cells}) WHERE value IS NOT NULL; END;"
            );
        }
    }
    Ok(connection.execute_batch(&sql)?)
}

/// `sealed_row(value, table, step, cells…)`: the seal after a row came (1), went (-1) or changed (0: cells of both).
fn changed(call: &Context<'_>, key: &SealKey, last: &Mutex<Vec<u8>>) -> Result<Vec<u8>, rusqlite::Error> {
    let wrong = |what: &str| rusqlite::Error::UserFunctionError(what.into());
    let mut value: Vec<u8> = call.get(0)?;
    let mut last = last.lock().map_err(|_| wrong("the seal's last value"))?;
    if *last != value && !key.closes(&value) {
        return Err(wrong("the seal of this database is not of its key"));
    }
    let table = call.get_raw(1).as_str().map_err(|_| wrong("a table"))?;
    let step: i64 = call.get(2)?;
    let cells = call.len() - 3;
    let (old, new) = match step {
        1 => (0, cells),
        -1 => (cells, 0),
        _ => (cells / 2, cells / 2),
    };
    let entry = place(&mut value, table).ok_or_else(|| wrong("a table without a seal"))?;
    let (mut sum, mut buffer) = (Sum::read(entry), Vec::new());
    let mut digest = |from: usize, count: usize| {
        row_digest(key, table, (from..from + count).map(|at| call.get_raw(at)), &mut buffer)
    };
    if old > 0 {
        sum.change(&digest(3, old), false);
    }
    if new > 0 {
        sum.change(&digest(3 + old, new), true);
    }
    sum.write(entry);
    key.close(&mut value);
    last.clone_from(&value);
    Ok(value)
}

#[cfg(test)]
mod tests;
