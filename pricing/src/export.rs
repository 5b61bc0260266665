//! Exports for finance (财务导出): rows of a declared layout, streamed into CSV, XLSX, Parquet or JSON lines
//! (REQUIREMENTS G4; research R17). Format and columns are described in `docs/exports.md`.
//!
//! What every format shares: amounts are exact decimals of integers, ids are text, no cell can become a formula, and the
//! end of the file states control totals — rows, sums, first and last sequence, digest over all rows. The same rows give the
//! same bytes. Memory does not grow with the number of rows: 100 million would need what 100,000 need.
//!
//! [`export()`] writes a file and [`check()`] reads it back; both return the same totals.

mod check;
mod columns;
mod csv;
mod error;
mod gb18030;
mod jsonl;
mod parquet;
mod row;
pub mod sets;
mod totals;
mod xlsx;

use std::io::Write;
use std::ops::ControlFlow;

use shuzha_core::Lang;

pub use check::{CheckError, Visitor, check};
pub use columns::{Column, Kind, Layout};
pub use error::{CellFault, ExportError};
pub use row::{Record, Row};
pub use sets::Set;
pub use totals::Totals;

use error::Fault;
use totals::Tally;

/// Rows between two reports of progress.
pub const PROGRESS_ROWS: u64 = 10_000;

/// Version of how rows are sealed, which every seal covers. The version that a file states is that of its set's columns.
const SEAL_VERSION: u32 = 1;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// CSV in UTF-8 with a byte order mark, which spreadsheets need to see that it is UTF-8.
    Csv,
    /// CSV in GB 18030, for older Chinese software.
    CsvGb18030,
    /// An Office Open XML workbook.
    Xlsx,
    /// Apache Parquet, Snappy-compressed.
    Parquet,
    /// One JSON object a line.
    JsonLines,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Csv, Self::CsvGb18030, Self::Xlsx, Self::Parquet, Self::JsonLines];

    /// The format's name, which is also how its files end: `csv`, `gb18030.csv`, `xlsx`, `parquet`, `jsonl`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::CsvGb18030 => "gb18030.csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
            Self::JsonLines => "jsonl",
        }
    }

    /// The format with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// The media type of its files.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::CsvGb18030 => "text/csv; charset=gb18030; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::JsonLines => "application/jsonl",
        }
    }
}

/// What to write, beside the rows.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The file's format.
    pub format: Format,
    /// The language of the headings people read; the column keys are the English ones.
    pub lang: Lang,
    /// The period that the rows are of, stated in the control totals: `2026-01`.
    pub period: &'a str,
}

/// One format's writer: a heading when made, then rows, then the control totals.
trait Sheet {
    fn row(&mut self, row: &Row, check: &str) -> Result<(), Fault>;
    fn finish(self: Box<Self>, totals: &Totals) -> Result<(), Fault>;
}

/// An export that is being written, row by row, by whoever has the rows.
pub struct Exporter<'w> {
    layout: &'static Layout,
    tally: Tally,
    sheet: Box<dyn Sheet + 'w>,
    row: Row,
    period: String,
}

impl<'w> Exporter<'w> {
    /// Begins a file of the set `layout` with its heading.
    ///
    /// # Errors
    /// [`ExportError::Write`].
    pub fn new<E>(
        job: &Job<'_>,
        layout: &'static Layout,
        out: impl Write + Send + 'w,
    ) -> Result<Self, ExportError<E>> {
        let sheet = open(job, layout, out).map_err(|fault| fault.at_row(0))?;
        Ok(Self {
            layout,
            tally: Tally::new(*layout),
            sheet,
            row: Row::new(layout),
            period: job.period.to_owned(),
        })
    }

    /// Writes the next row and answers its number.
    ///
    /// # Errors
    /// [`ExportError`]; the export is over then.
    ///
    /// # Panics
    /// For a record of another set.
    pub fn put<R: Record, E>(&mut self, record: &R) -> Result<u64, ExportError<E>> {
        assert_eq!(self.layout.set, R::LAYOUT.set, "a row of one set, in another");
        self.row.clear();
        record.fill(&mut self.row);
        let number = self.tally.rows() + 1;
        self.row.finish().map_err(|fault| fault.at_row(number))?;
        let check = self.tally.row(&self.row);
        self.sheet.row(&self.row, check.as_str()).map_err(|fault| fault.at_row(number))?;
        Ok(number)
    }

    /// Writes the control totals and answers them.
    ///
    /// # Errors
    /// [`ExportError`]; the file has no control totals then.
    pub fn finish<E>(self) -> Result<Totals, ExportError<E>> {
        let totals = self.tally.finish(&self.period);
        self.sheet.finish(&totals).map_err(|fault| fault.at_row(totals.rows()))?;
        Ok(totals)
    }
}

/// Writes all `rows` to `out` and returns the control totals that the file states.
///
/// `progress` is told the rows written so far, every [`PROGRESS_ROWS`] and at the end; it may stop the export.
///
/// # Errors
/// [`ExportError`]. What was written before an error has no control totals, by which a reader knows that it is cut.
pub fn export<R: Record, E>(
    job: &Job<'_>,
    rows: impl IntoIterator<Item = Result<R, E>>,
    out: impl Write + Send,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Totals, ExportError<E>> {
    let mut file = Exporter::new(job, R::LAYOUT, out)?;
    for record in rows {
        let number = file.put(&record.map_err(ExportError::Source)?)?;
        if number.is_multiple_of(PROGRESS_ROWS) && progress(number).is_break() {
            return Err(ExportError::Stopped);
        }
    }
    let totals = file.finish()?;
    if progress(totals.rows()).is_break() {
        return Err(ExportError::Stopped);
    }
    Ok(totals)
}

fn open<'w>(
    job: &Job<'_>,
    layout: &'static Layout,
    out: impl Write + Send + 'w,
) -> Result<Box<dyn Sheet + 'w>, Fault> {
    Ok(match job.format {
        Format::Csv | Format::CsvGb18030 => Box::new(csv::Csv::new(job.format, layout, job.lang, out)?),
        Format::Xlsx => Box::new(xlsx::Xlsx::new(layout, job.lang, out)?),
        Format::Parquet => Box::new(parquet::Parquet::new(layout, out)?),
        Format::JsonLines => Box::new(jsonl::JsonLines::new(out)),
    })
}
