//! Reading an export back: every cell as its kind is written, every row's seal, every control total.
//!
//! What has been edited is refused by the number of the first row that is not what was exported. The seals show edits, not
//! forgery: whoever can run this program can seal a file of their own. Against forgery compare the digest with the one
//! that the exporter recorded.
//!
//! A file is checked by the version of its set that it was written in: its heading, or the keys of its first row, say which.
//! A heading of no known version is another version, and nothing is said about its rows.

use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use ::csv::StringRecord;
use serde_json::{Map, Value};
use shuzha_core::{Code, Lang};

use super::columns::{Kind, Layout};
use super::row::Row;
use super::totals::{Check, Tally, Totals};
use super::{Format, csv, gb18030, jsonl};

/// Bytes of one row that are read. A row of the longest texts is far shorter.
const RECORD_BYTES_MAX: u64 = 4 << 20;

/// Why a file is not the export it says it is.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A format that is not read back.
    #[error("only CSV and JSON lines are read back")]
    Format,
    /// No heading, or no control totals at the end: another set, or a cut file.
    #[error("not a whole export of this set: {0}")]
    NotWhole(&'static str),
    /// Columns, or a stated version, that this software does not know of this set: written by another version of it.
    #[error("an export of another version, which this software does not know")]
    Version,
    /// The row is not what was exported: changed, added, moved, or one before it taken out.
    #[error("row {0} is not as it was exported")]
    Row(u64),
    /// A control total does not agree with the rows.
    #[error("the control total {0} does not agree with the rows")]
    Total(String),
    /// Whoever watched the progress stopped it.
    #[error("stopped")]
    Stopped,
    /// The file could not be read.
    #[error("the file could not be read")]
    Read(#[from] io::Error),
}

impl CheckError {
    /// The refusal code, where the file is at fault.
    #[must_use]
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Format | Self::NotWhole(_) => Some(Code::C1653),
            Self::Version => Some(Code::C1656),
            Self::Row(_) => Some(Code::C1654),
            Self::Total(_) => Some(Code::C1655),
            Self::Stopped | Self::Read(_) => None,
        }
    }
}

/// What is shown each good row, with its number; it may stop the reading.
pub type Visitor<'a> = dyn FnMut(u64, &Row) -> ControlFlow<()> + 'a;

/// Reads an export of the set `layout` and compares it with its own control totals. Every good row is shown to `each`;
/// rows count only once the whole file has been read without an error.
///
/// # Errors
/// [`CheckError`].
pub fn check(
    format: Format,
    layout: &'static Layout,
    from: impl BufRead,
    each: &mut Visitor<'_>,
) -> Result<Totals, CheckError> {
    let reading = Reading {
        set: layout,
        layout: *layout,
        tally: Tally::new(*layout),
        row: Row::new(layout),
        stated: Vec::new(),
        each,
    };
    match format {
        Format::Csv => reading.csv(from),
        Format::CsvGb18030 => reading.csv(gb18030::Decoding::new(from)),
        Format::JsonLines => reading.lines(from),
        Format::Xlsx | Format::Parquet => Err(CheckError::Format),
    }
}

/// The rows read so far, then the control totals that the file states.
struct Reading<'a, 'v> {
    /// The set as it is today.
    set: &'static Layout,
    /// The version of it that the file is of.
    layout: Layout,
    tally: Tally,
    row: Row,
    stated: Vec<(String, String)>,
    each: &'a mut Visitor<'v>,
}

impl Reading<'_, '_> {
    /// Goes on by a version of the set, before its first row.
    fn begin(&mut self, layout: Layout) {
        (self.layout, self.tally, self.row) = (layout, Tally::new(layout), Row::new(&layout));
    }

    /// The version of the set whose columns are these.
    fn version(&self, is_it: impl Fn(&Layout) -> bool) -> Option<Layout> {
        self.set.versions().find(is_it)
    }

    fn csv(mut self, from: impl Read) -> Result<Totals, CheckError> {
        let mut from = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(Bounded { from, left: RECORD_BYTES_MAX });
        let mut record = StringRecord::new();
        if !self.next_record(&mut from, &mut record)? {
            return Err(CheckError::NotWhole("there is no heading"));
        }
        match self.version(|layout| is_heading(layout, &record)) {
            Some(layout) => self.begin(layout),
            None if is_sealed(&record) => return Err(CheckError::Version),
            None => return Err(CheckError::NotWhole("the heading is another")),
        }
        while self.next_record(&mut from, &mut record)? {
            let first = record.get(0).unwrap_or_default();
            match first.strip_prefix(csv::TOTAL_MARK) {
                Some(name) => {
                    let value = record.get(1).and_then(|field| csv::unguarded(Kind::Id, field));
                    self.stated.push((name.to_owned(), value.unwrap_or_default().to_owned()));
                }
                None => self.csv_row(&record)?,
            }
        }
        self.compare()
    }

    /// Reads the next record; false at the end of the file.
    fn next_record<R: Read>(
        &self,
        from: &mut ::csv::Reader<Bounded<R>>,
        record: &mut StringRecord,
    ) -> Result<bool, CheckError> {
        from.get_mut().left = RECORD_BYTES_MAX;
        from.read_record(record).map_err(|error| match error.into_kind() {
            ::csv::ErrorKind::Io(cause) => self.broken(cause),
            _ => CheckError::Row(self.tally.rows() + 1),
        })
    }

    fn csv_row(&mut self, record: &StringRecord) -> Result<(), CheckError> {
        let wrong = CheckError::Row(self.tally.rows() + 1);
        self.row.clear();
        let mut fields = record.iter();
        for (column, field) in self.layout.columns.iter().zip(&mut fields) {
            let text = csv::unguarded(column.kind, field);
            if text.and_then(|text| self.row.read(text)).is_none() {
                return Err(wrong);
            }
        }
        let (check, more) = (fields.next(), fields.next());
        if more.is_some() || check != self.seal().as_ref().map(Check::as_str) {
            return Err(wrong);
        }
        self.show()
    }

    fn lines(mut self, mut from: impl BufRead) -> Result<Totals, CheckError> {
        let (mut line, mut again) = (Vec::new(), Vec::new());
        loop {
            line.clear();
            let mut bounded = Read::by_ref(&mut from).take(RECORD_BYTES_MAX);
            bounded.read_until(b'\n', &mut line).map_err(|error| self.broken(error))?;
            if line.is_empty() {
                return self.compare();
            }
            let wrong = CheckError::Row(self.tally.rows() + 1);
            let Ok(mut object) = serde_json::from_slice::<Map<String, Value>>(&line) else {
                return Err(wrong);
            };
            if let Some(Value::Object(totals)) = object.remove(jsonl::TOTALS_KEY) {
                // Without a row, the totals alone say which version it is.
                if self.tally.rows() == 0 {
                    let stated = totals.get("version").map(text_of).unwrap_or_default();
                    let layout = self.version(|layout| layout.version().to_string() == stated);
                    self.begin(layout.ok_or(CheckError::Version)?);
                }
                let stated = totals.into_iter().map(|(name, value)| (name, text_of(&value)));
                self.stated.extend(stated);
                continue;
            }
            if self.tally.rows() == 0 && self.stated.is_empty() {
                match self.version(|layout| has_keys(layout, &object)) {
                    Some(layout) => self.begin(layout),
                    None if object.contains_key(jsonl::CHECK_KEY) => return Err(CheckError::Version),
                    None => return Err(wrong),
                }
            }
            self.row.clear();
            for column in self.layout.columns {
                let text = object.get(column.key).map(text_of);
                if text.and_then(|text| self.row.read(&text)).is_none() {
                    return Err(wrong);
                }
            }
            let Some(check) = self.seal() else { return Err(wrong) };
            again.clear();
            jsonl::push_row(&mut again, &self.row, check.as_str())?;
            if line.strip_suffix(b"\n") != Some(&again) {
                return Err(wrong);
            }
            self.show()?;
        }
    }

    /// The seal of the row just read. `None` where it lacks a cell, or stands behind the control totals.
    fn seal(&mut self) -> Option<Check> {
        let whole = self.row.is_full() && self.stated.is_empty();
        whole.then(|| self.tally.row(&self.row))
    }

    fn show(&mut self) -> Result<(), CheckError> {
        match (self.each)(self.tally.rows(), &self.row) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CheckError::Stopped),
        }
    }

    /// Bytes that are no text are the file's fault, everything else the disk's.
    fn broken(&self, error: io::Error) -> CheckError {
        match error.kind() {
            io::ErrorKind::InvalidData => CheckError::Row(self.tally.rows() + 1),
            _ => CheckError::Read(error),
        }
    }

    fn compare(self) -> Result<Totals, CheckError> {
        let stated =
            |name: &str| self.stated.iter().find(|(stated, _)| stated == name).map(|(_, value)| value);
        let Some(period) = stated("period") else {
            return Err(CheckError::NotWhole("the control totals are missing"));
        };
        let totals = self.tally.finish(period);
        for (name, value) in totals.entries() {
            match stated(name) {
                None => return Err(CheckError::NotWhole("a control total is missing")),
                Some(stated) if stated == value => {}
                Some(_) if name == "set" => return Err(CheckError::NotWhole("it is of another set")),
                Some(_) if name == "version" => return Err(CheckError::Version),
                Some(_) => return Err(CheckError::Total(name.clone())),
            }
        }
        match self.stated.len() == totals.entries().len() {
            true => Ok(totals),
            false => Err(CheckError::NotWhole("there are more control totals than there should be")),
        }
    }
}

/// The text of a JSON value as a cell has it. What no cell holds reads as no cell's text.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_heading(layout: &Layout, record: &StringRecord) -> bool {
    [Lang::Zh, Lang::En].into_iter().any(|lang| {
        let columns = layout.columns.iter().map(|column| column.heading(lang));
        columns.chain([csv::check_heading(lang)]).eq(record.iter())
    })
}

/// Whether the record ends as headings of exports do, of whatever columns.
fn is_sealed(heading: &StringRecord) -> bool {
    let last = heading.iter().next_back();
    [Lang::Zh, Lang::En].into_iter().any(|lang| last == Some(csv::check_heading(lang)))
}

/// Whether the object has a cell for each column and a seal, and nothing else.
fn has_keys(layout: &Layout, object: &Map<String, Value>) -> bool {
    let mut keys = layout.columns.iter().map(|column| column.key).chain([jsonl::CHECK_KEY]);
    object.len() == layout.columns.len() + 1 && keys.all(|key| object.contains_key(key))
}

/// Stops at a record that is longer than any of ours, so that a file from outside cannot fill the memory.
struct Bounded<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(out)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a record is too long"))?;
        Ok(count)
    }
}
