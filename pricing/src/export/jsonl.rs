//! JSON lines: one object a row, then one with the control totals.
//!
//! Counts are numbers; amounts, ratios and ids are strings, so that no reader makes binary fractions of them.

use std::io::{self, Write};

use super::Sheet;
use super::columns::Kind;
use super::error::Fault;
use super::row::Row;
use super::totals::Totals;

/// Key of the row's seal.
pub(super) const CHECK_KEY: &str = "check";

/// Key of the last line's object.
pub(super) const TOTALS_KEY: &str = "#totals";

/// Writes JSON lines.
pub(super) struct JsonLines<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> JsonLines<W> {
    pub(super) const fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }
}

/// Appends a row's line without its end.
pub(super) fn push_row(line: &mut Vec<u8>, row: &Row, check: &str) -> io::Result<()> {
    line.push(b'{');
    for (_, column, text) in row.cells() {
        write!(line, "\"{}\":", column.key)?;
        match column.kind {
            _ if text.is_empty() => line.extend_from_slice(b"null"),
            Kind::Count => line.extend_from_slice(text.as_bytes()),
            _ => serde_json::to_writer(&mut *line, text)?,
        }
        line.push(b',');
    }
    write!(line, "\"{CHECK_KEY}\":\"{check}\"}}")
}

/// Appends the last line without its end.
pub(super) fn push_totals(line: &mut Vec<u8>, totals: &Totals) -> io::Result<()> {
    write!(line, "{{\"{TOTALS_KEY}\":{{")?;
    for (index, (name, value)) in totals.entries().iter().enumerate() {
        write!(line, "{}\"{name}\":", if index == 0 { "" } else { "," })?;
        serde_json::to_writer(&mut *line, value)?;
    }
    line.extend_from_slice(b"}}");
    Ok(())
}

impl<W: Write> Sheet for JsonLines<W> {
    fn row(&mut self, row: &Row, check: &str) -> Result<(), Fault> {
        self.line.clear();
        push_row(&mut self.line, row, check)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)?;
        Ok(())
    }

    fn finish(mut self: Box<Self>, totals: &Totals) -> Result<(), Fault> {
        self.line.clear();
        push_totals(&mut self.line, totals)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)?;
        self.out.flush()?;
        Ok(())
    }
}
