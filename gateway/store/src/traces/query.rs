//! Questions to the index.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension as _, params};
use shuzha_core::{Id, RequestId, Timestamp};
use shuzha_evidence::Decision;

use super::{Traces, integer};
use crate::StoreError;

/// Most ranges of the index that one question may join. Each costs a seek, so that a page stays well under a second.
pub const SOURCES_MAX: usize = 20_000;

/// Least and most uses that are read ahead of one range.
const AHEAD_MIN: usize = 8;
const AHEAD_MAX: usize = 256;

/// What uses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'a> {
    /// Of every product that was made of this data set.
    DataSet(&'a str),
    /// Of this product, in every version.
    Product(&'a str),
    /// By this unit.
    Unit(&'a str),
    /// Under this grant.
    Grant(&'a str),
}

/// Where a page ended: time and sequence of its last use. Prints as `micros.sequence`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    at: i64,
    seq: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, seq) = text.split_once('.').ok_or("is not a cursor")?;
        let cursor = at.parse().ok().zip(seq.parse().ok()).map(|(at, seq)| Self { at, seq });
        cursor.ok_or("is not a cursor")
    }
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// What is asked for.
    pub of: Of<'a>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only of products made of data of this provider.
    pub provider: Option<&'a Id>,
    /// Only by these units.
    pub units: Option<&'a [Id]>,
    /// Only after this use: the cursor.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: usize,
}

/// One use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedUse {
    /// When the request was received.
    pub at: Timestamp,
    /// Sequence of its record in the journal.
    pub seq: u64,
    /// The request.
    pub request: RequestId,
    /// What came of it.
    pub decision: Decision,
    /// The unit.
    pub unit: String,
    /// The product.
    pub product: String,
    /// Its version.
    pub version: u32,
    /// The operation.
    pub operation: String,
    /// The scenario; empty where the call was refused before it was known. So are those that follow.
    pub scenario: String,
    /// The grant.
    pub grant: String,
    /// The agreement.
    pub agreement: String,
    /// The price.
    pub price: String,
}

/// A page of uses in order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The uses.
    pub uses: Vec<TracedUse>,
    /// Where the next page begins, where there is more.
    pub next: Option<Cursor>,
    /// The last record of the journal that was considered.
    pub reached: u64,
}

/// A version of a product, as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// 运营机构, where it was known.
    pub operator: Option<String>,
    /// Whether the register stood at this very version whenever it was written down.
    pub exact: bool,
    /// Data sets and their providers.
    pub data_sets: Vec<(String, String)>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It joins more than [`SOURCES_MAX`] ranges, and is to be narrowed.
    #[error("the question is too wide")]
    TooWide,
    /// The database failed, or holds what this software has not written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// One range of the index, and what was read of it ahead.
struct Source {
    edition: i64,
    unit: Option<i64>,
    ahead: VecDeque<(Cursor, Found)>,
    ended: bool,
}

#[derive(Clone, Copy)]
struct Found {
    trail: i64,
    decision: u8,
    request: [u8; 16],
}

impl Traces {
    /// A page of uses.
    ///
    /// # Errors
    /// [`QueryError`].
    pub fn uses(&self, query: &Query<'_>) -> Result<Page, QueryError> {
        let connection = self.lock();
        let reached = super::reached(&connection)?.seq;
        let mut sources = sources(&connection, query)?;
        let ahead = (query.limit / sources.len().max(1)).clamp(AHEAD_MIN, AHEAD_MAX);
        // One more than the page has, to know whether there is more.
        let (mut places, mut after) = (Vec::new(), start(query));
        while places.len() <= query.limit {
            // Every source has its next use at hand before the earliest of them is taken.
            for source in &mut sources {
                source.fill(&connection, query, after, ahead)?;
            }
            sources.retain(|source| !source.ahead.is_empty());
            take(&mut sources, query.limit + 1, &mut places);
            match places.last() {
                Some((last, _)) if !sources.is_empty() => after = *last,
                _ => break,
            }
        }
        let more = places.len() > query.limit;
        places.truncate(query.limit);
        let next = if more { places.last().map(|(last, _)| *last) } else { None };
        let uses = places.into_iter().map(|(place, found)| shown(&connection, place, found));
        Ok(Page { uses: uses.collect::<Result<_, _>>()?, next, reached })
    }

    /// What a version of a product was made of; none where no call of it and no change of it was read yet.
    ///
    /// # Errors
    /// Of the database.
    pub fn edition(&self, product: &str, version: u32) -> Result<Option<Edition>, StoreError> {
        let connection = self.lock();
        let found = connection
            .prepare_cached("SELECT id, operator, exact FROM editions WHERE product = ?1 AND version = ?2")?
            .query_row((product, version), |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, operator, exact)) = found else { return Ok(None) };
        let mut statement = connection
            .prepare_cached("SELECT data_set, provider FROM made_of WHERE edition = ?1 ORDER BY data_set")?;
        let data_sets = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Some(Edition { operator, exact, data_sets: data_sets.collect::<Result<_, _>>()? }))
    }
}

/// Behind which place the first page begins.
fn start(query: &Query<'_>) -> Cursor {
    let before = |from: Timestamp| Cursor { at: from.micros(), seq: 0 };
    let from = query.from.map_or(Cursor { at: i64::MIN, seq: 0 }, before);
    query.after.map_or(from, |after| after.max(from))
}

/// Which ranges of the index hold what is asked for.
fn sources(connection: &Connection, query: &Query<'_>) -> Result<Vec<Source>, QueryError> {
    let most = i64::try_from(SOURCES_MAX + 1).expect("a small number");
    // Of the editions and the units that are meant, the pairs that ever met.
    let (of, name, by_unit) = match query.of {
        Of::DataSet(name) => ("e.id IN (SELECT edition FROM made_of WHERE data_set = ?1)", name, false),
        Of::Product(name) => ("e.product = ?1", name, false),
        Of::Unit(name) => ("u.name = ?1", name, true),
        Of::Grant(name) => ("t.grant_name = ?1", name, true),
    };
    let units = query.units.map(|units| {
        let quoted: Vec<String> = units.iter().map(|unit| format!("\"{unit}\"")).collect();
        // Names have nothing that needs quoting.
        format!("[{}]", quoted.join(","))
    });
    let provider = query.provider.map(Id::as_str);
    let provided = "(?2 IS NULL OR e.id IN (SELECT edition FROM made_of WHERE provider = ?2))";
    let sql = if by_unit || units.is_some() {
        format!(
            "SELECT DISTINCT e.id, u.id FROM trails t JOIN editions e ON e.id = t.edition JOIN units u ON u.id = t.unit
             WHERE {of} AND {provided} AND (?3 IS NULL OR u.name IN (SELECT value FROM json_each(?3))) LIMIT ?4"
        )
    } else {
        format!("SELECT e.id, NULL FROM editions e WHERE {of} AND {provided} AND ?3 IS NULL LIMIT ?4")
    };
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(params![name, provider, units, most], |row| {
        Ok(Source { edition: row.get(0)?, unit: row.get(1)?, ahead: VecDeque::new(), ended: false })
    })?;
    let found = found.collect::<Result<Vec<_>, _>>()?;
    if found.len() > SOURCES_MAX { Err(QueryError::TooWide) } else { Ok(found) }
}

/// Takes uses in order until a source may have more than it has at hand, or there are `limit`.
fn take(sources: &mut [Source], limit: usize, places: &mut Vec<(Cursor, Found)>) {
    let head = |source: &Source, at| source.ahead.front().map(|(head, _)| Reverse((*head, at)));
    let mut heads: BinaryHeap<_> =
        sources.iter().enumerate().filter_map(|(at, source)| head(source, at)).collect();
    while places.len() < limit
        && let Some(Reverse((_, at))) = heads.pop()
    {
        let source = &mut sources[at];
        places.extend(source.ahead.pop_front());
        match head(source, at) {
            Some(next) => heads.push(next),
            None if source.ended => {}
            None => return,
        }
    }
}

impl Source {
    /// Reads ahead where nothing is at hand: what follows `after`, the last use taken of all sources. A source that has nothing
    /// at hand has had everything up to there taken.
    fn fill(
        &mut self,
        connection: &Connection,
        query: &Query<'_>,
        after: Cursor,
        count: usize,
    ) -> Result<(), StoreError> {
        if !self.ahead.is_empty() || self.ended {
            return Ok(());
        }
        let grant = if let Of::Grant(grant) = query.of { Some(grant) } else { None };
        let by_unit = "SELECT at, seq, trail, decision, request FROM uses INDEXED BY uses_by_unit
             WHERE unit = ?6 AND edition = ?1 AND (at, seq) > (?2, ?3) AND at < ?4
             AND (?7 IS NULL OR trail IN (SELECT id FROM trails WHERE grant_name = ?7)) ORDER BY at, seq LIMIT ?5";
        let by_edition = "SELECT at, seq, trail, decision, request FROM uses
             WHERE edition = ?1 AND (at, seq) > (?2, ?3) AND at < ?4 AND ?6 IS NULL AND ?7 IS NULL
             ORDER BY at, seq LIMIT ?5";
        let sql = if self.unit.is_some() { by_unit } else { by_edition };
        let until = query.until.map_or(i64::MAX, Timestamp::micros);
        let most = i64::try_from(count).map_err(|_| StoreError::Range("uses"))?;
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![
            self.edition,
            after.at,
            integer(after.seq)?,
            until,
            most,
            self.unit,
            grant
        ])?;
        while let Some(row) = rows.next()? {
            let seq = u64::try_from(row.get::<_, i64>(1)?).map_err(|_| StoreError::BadRow("uses"))?;
            let found = Found { trail: row.get(2)?, decision: row.get(3)?, request: row.get(4)? };
            self.ahead.push_back((Cursor { at: row.get(0)?, seq }, found));
        }
        self.ended = self.ahead.len() < count;
        Ok(())
    }
}

fn shown(connection: &Connection, place: Cursor, found: Found) -> Result<TracedUse, StoreError> {
    let bad = || StoreError::BadRow("uses");
    let decision = Decision::ALL.get(usize::from(found.decision)).copied().ok_or_else(bad)?;
    let mut statement = connection.prepare_cached(
        "SELECT u.name, e.product, e.version, t.operation, t.scenario, t.grant_name, t.agreement, t.price
         FROM trails t JOIN editions e ON e.id = t.edition JOIN units u ON u.id = t.unit WHERE t.id = ?1",
    )?;
    let shown = statement.query_row([found.trail], |row| {
        Ok(TracedUse {
            at: Timestamp::from_micros(place.at),
            seq: place.seq,
            request: RequestId::from_bytes(found.request),
            decision,
            unit: row.get(0)?,
            product: row.get(1)?,
            version: row.get(2)?,
            operation: row.get(3)?,
            scenario: row.get(4)?,
            grant: row.get(5)?,
            agreement: row.get(6)?,
            price: row.get(7)?,
        })
    });
    Ok(shown?)
}
