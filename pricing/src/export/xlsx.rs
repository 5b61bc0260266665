//! Office Open XML workbooks (ISO/IEC 29500), written while the rows come.
//!
//! Written here and not by a library because the rows must flow into a socket with neither a temporary file nor a
//! binary fraction in between (ADR 0009). A number of at most fifteen digits is a number cell, whose text is the exact
//! decimal; a longer one, which Excel would round, is a text cell. Texts and ids are inline strings, which are never
//! formulas. No property of the file depends on when it was made.

mod parts;
mod zip;

use std::io::Write;

use shuzha_core::Lang;

use super::Sheet;
use super::columns::{Column, Kind, Layout};
use super::error::{CellFault, Fault};
use super::row::Row;
use super::totals::Totals;
use parts::{Style, push_escaped};
use zip::Zip;

/// Rows of a sheet, the heading's among them.
const SHEET_ROWS_MAX: u32 = 1_048_576;

/// A sheet ends early past so many bytes of XML, so that no entry needs the 64-bit form of ZIP, which not every reader knows.
const SHEET_BYTES_MAX: u64 = 3 << 30;

/// Longest text of a cell, in UTF-16 units.
const CELL_UNITS_MAX: usize = 32_767;

/// Digits that a spreadsheet's number keeps.
const NUMBER_DIGITS_MAX: u32 = 15;

/// Days from the spreadsheet's day 0, 1899-12-30, to 1970-01-01.
const EPOCH_SERIAL: i64 = 25_569;

/// The first day that a spreadsheet numbers as the calendar does: it takes 1900 for a leap year.
const FIRST_SERIAL: i64 = 61;

/// Writes a workbook.
pub(super) struct Xlsx<W: Write> {
    zip: Zip<W>,
    layout: &'static Layout,
    lang: Lang,
    /// Sheets begun so far, and rows and bytes of the one that is open.
    sheets: u32,
    rows: u32,
    bytes: u64,
    xml: String,
    names: Vec<String>,
}

impl<W: Write> Xlsx<W> {
    pub(super) fn new(layout: &'static Layout, lang: Lang, out: W) -> Result<Self, Fault> {
        let names = (0..layout.columns.len()).map(column_name).collect();
        let zip = Zip::new(out);
        let mut book = Self { zip, layout, lang, sheets: 0, rows: 0, bytes: 0, xml: String::new(), names };
        book.begin_sheet()?;
        Ok(book)
    }

    fn begin_sheet(&mut self) -> Result<(), Fault> {
        self.sheets += 1;
        (self.rows, self.bytes) = (0, 0);
        self.zip.begin(&parts::sheet_path(self.sheets))?;
        self.xml.push_str(parts::SHEET_HEAD);
        parts::push_widths(&mut self.xml, self.layout.columns);
        self.xml.push_str("<sheetData>");
        self.begin_row();
        for (index, column) in self.layout.columns.iter().enumerate() {
            self.text_cell(index, Style::Heading, column.heading(self.lang));
        }
        self.end_row()
    }

    fn end_sheet(&mut self) -> Result<(), Fault> {
        self.xml.push_str(parts::SHEET_TAIL);
        self.write()?;
        self.zip.end()
    }

    fn write(&mut self) -> Result<(), Fault> {
        self.bytes += self.xml.len() as u64;
        self.zip.write(self.xml.as_bytes())?;
        self.xml.clear();
        Ok(())
    }

    fn begin_row(&mut self) {
        self.rows += 1;
        self.xml.extend(["<row r=\"", &self.rows.to_string(), "\">"]);
    }

    fn end_row(&mut self) -> Result<(), Fault> {
        self.xml.push_str("</row>");
        self.write()
    }

    fn text_cell(&mut self, index: usize, style: Style, text: &str) {
        self.open_cell(index, style);
        self.xml.push_str(" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
        push_escaped(&mut self.xml, text);
        self.xml.push_str("</t></is></c>");
    }

    fn number_cell(&mut self, index: usize, style: Style, number: &str) {
        self.open_cell(index, style);
        self.xml.extend(["><v>", number, "</v></c>"]);
    }

    fn open_cell(&mut self, index: usize, style: Style) {
        let name = self.names.get(index).map_or("A", String::as_str);
        self.xml.extend(["<c r=\"", name, &self.rows.to_string(), "\" s=\"", style.number(), "\""]);
    }

    fn cell(
        &mut self,
        index: usize,
        column: &'static Column,
        text: &str,
        value: Option<i64>,
    ) -> Result<(), Fault> {
        let style = Style::of(column.kind);
        match (column.kind, value) {
            _ if text.is_empty() => {}
            (Kind::Day, Some(days)) if days + EPOCH_SERIAL >= FIRST_SERIAL => {
                self.number_cell(index, style, &(days + EPOCH_SERIAL).to_string());
            }
            (Kind::Count | Kind::MicroYuan | Kind::Fen | Kind::Ratio, Some(value))
                if value.unsigned_abs() < 10_u64.pow(NUMBER_DIGITS_MAX) =>
            {
                self.number_cell(index, style, text);
            }
            _ => {
                if text.len() > CELL_UNITS_MAX && text.encode_utf16().count() > CELL_UNITS_MAX {
                    return Err(Fault::Cell(column.key, CellFault::TooLong));
                }
                self.text_cell(index, Style::Text, text);
            }
        }
        Ok(())
    }

    /// The last sheet: names and values of the control totals.
    fn totals(&mut self, totals: &Totals) -> Result<(), Fault> {
        self.zip.begin(&parts::sheet_path(self.sheets + 1))?;
        self.rows = 0;
        self.xml.push_str(parts::TOTALS_HEAD);
        for (name, value) in totals.entries() {
            self.begin_row();
            self.text_cell(0, Style::Heading, name);
            self.text_cell(1, Style::Text, value);
            self.end_row()?;
        }
        self.end_sheet()
    }
}

impl<W: Write> Sheet for Xlsx<W> {
    fn row(&mut self, row: &Row, _check: &str) -> Result<(), Fault> {
        if self.rows == SHEET_ROWS_MAX || self.bytes > SHEET_BYTES_MAX {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        self.begin_row();
        for (index, column, text) in row.cells() {
            self.cell(index, column, text, row.value(index))?;
        }
        self.end_row()
    }

    fn finish(mut self: Box<Self>, totals: &Totals) -> Result<(), Fault> {
        self.end_sheet()?;
        self.totals(totals)?;
        for (path, xml) in parts::fixed(self.layout, self.sheets) {
            self.zip.begin(path)?;
            self.zip.write(xml.as_bytes())?;
            self.zip.end()?;
        }
        self.zip.finish()
    }
}

/// `A`, `B`, … `Z`, `AA`, …: a column's name.
fn column_name(index: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(index % 26).expect("below 26"));
    match index / 26 {
        0 => letter.to_string(),
        more => column_name(more - 1) + &letter.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_have_their_names() {
        for (index, name) in
            [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
        {
            assert_eq!(super::column_name(index), name);
        }
    }
}
