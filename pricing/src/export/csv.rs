//! CSV (RFC 4180) as spreadsheets open it without harm.
//!
//! Excel takes a cell that begins with `=`, `+`, `-`, `@` for a formula, and an id of digits for a number of fifteen. So an
//! apostrophe goes before every id, and before a text that a spreadsheet could take for a formula; before one that begins
//! with an apostrophe or `#` too, so that taking one apostrophe off always gives the text back, and only control totals
//! begin with `#`. Numbers are written plainly: they are ours, and cannot be formulas.

use std::io::Write;

use shuzha_core::Lang;
use shuzha_core::text::needs_guard_in_a_sheet;

use super::columns::{Kind, Layout};
use super::error::{CellFault, Fault};
use super::gb18030;
use super::row::Row;
use super::totals::Totals;
use super::{Format, Sheet};

/// Tells a spreadsheet that the file is UTF-8.
pub(super) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Goes before what a spreadsheet must not interpret.
const GUARD: &str = "'";

/// Begins a line of control totals.
pub(super) const TOTAL_MARK: &str = "#";

/// Heading of the last column: each row's seal.
pub(super) const fn check_heading(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "校验",
        Lang::En => "check",
    }
}

/// Writes CSV.
pub(super) struct Csv<W> {
    out: W,
    format: Format,
    /// Fields a line has, so that the control totals have as many.
    width: usize,
    line: String,
    encoded: Vec<u8>,
}

impl<W: Write> Csv<W> {
    /// Writes the heading to `out`; `format` is one of the two CSV formats.
    pub(super) fn new(
        format: Format,
        layout: &'static Layout,
        lang: Lang,
        mut out: W,
    ) -> Result<Self, Fault> {
        if format == Format::Csv {
            out.write_all(BYTE_ORDER_MARK.as_bytes())?;
        }
        let width = layout.columns.len() + 1;
        let mut csv = Self { out, format, width, line: String::new(), encoded: Vec::new() };
        for column in layout.columns {
            csv.field(Kind::Text, column.heading(lang));
        }
        csv.field(Kind::Text, check_heading(lang));
        csv.write_line(layout.set)?;
        Ok(csv)
    }

    /// Adds a field and a comma to the line.
    fn field(&mut self, kind: Kind, text: &str) {
        let guard = if is_guarded(kind, text) { GUARD } else { "" };
        if text.contains(['"', ',', '\r', '\n']) {
            self.line.extend(["\"", guard, &text.replace('"', "\"\""), "\","]);
        } else {
            self.line.extend([guard, text, ","]);
        }
    }

    /// Ends the line and writes it. `place` is named where it holds a character that GB 18030 cannot hold.
    fn write_line(&mut self, place: &'static str) -> Result<(), Fault> {
        self.line.pop();
        self.line.push_str("\r\n");
        if self.format == Format::CsvGb18030 {
            self.encoded.clear();
            if !gb18030::encode(&self.line, &mut self.encoded) {
                return Err(Fault::Cell(place, CellFault::NotInGb18030));
            }
            self.out.write_all(&self.encoded)?;
        } else {
            self.out.write_all(self.line.as_bytes())?;
        }
        self.line.clear();
        Ok(())
    }
}

impl<W: Write> Sheet for Csv<W> {
    fn row(&mut self, row: &Row, check: &str) -> Result<(), Fault> {
        for (_, column, text) in row.cells() {
            self.field(column.kind, text);
        }
        self.field(Kind::Text, check);
        self.write_line("").map_err(|fault| match fault {
            Fault::Cell(_, cause) => {
                let guilty = row.cells().find(|(_, _, text)| !gb18030::encode(text, &mut Vec::new()));
                Fault::Cell(guilty.map_or("", |(_, column, _)| column.key), cause)
            }
            other => other,
        })
    }

    fn finish(mut self: Box<Self>, totals: &Totals) -> Result<(), Fault> {
        for (name, value) in totals.entries() {
            self.line.extend([TOTAL_MARK, name, ","]);
            self.field(Kind::Id, value);
            for _ in 2..self.width {
                self.line.push(',');
            }
            self.write_line("period")?;
        }
        self.out.flush()?;
        Ok(())
    }
}

/// Whether a spreadsheet must be kept from interpreting the cell, or the apostrophe must be told from a guard.
fn is_guarded(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Id => !text.is_empty(),
        Kind::Text => needs_guard_in_a_sheet(text),
        _ => false,
    }
}

/// The text of a cell without the guard that [`Csv`] put before it.
pub(super) fn unguarded(kind: Kind, field: &str) -> Option<&str> {
    let guarded = field.strip_prefix(GUARD);
    let text = match kind {
        Kind::Text | Kind::Id => guarded.unwrap_or(field),
        _ => field,
    };
    (is_guarded(kind, text) == (text.len() != field.len())).then_some(text)
}
