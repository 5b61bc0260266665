//! One row: its cells' numbers, and their exact text.

use std::fmt::Write as _;

use shuzha_core::calendar::Day;
use shuzha_core::{MicroYuan, Timestamp};

use super::columns::{Column, Kind, Layout};
use super::error::{CellFault, Fault};
use crate::Fen;

/// Something that fills a row of an export.
pub trait Record {
    /// The columns it fills.
    const LAYOUT: &'static Layout;

    /// Fills `row`, which is empty, from the first column to the last.
    fn fill(&self, row: &mut Row);
}

/// A row that is being filled, from the first column to the last. One is used for all rows of an export.
#[derive(Debug)]
pub struct Row {
    layout: Layout,
    /// Where each cell's text ends, and its number where its kind is one.
    cells: Vec<(usize, i64)>,
    text: String,
    /// The first cell whose value no format holds.
    fault: Option<&'static str>,
}

/// First and last day with a year of four digits.
const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

impl Row {
    /// An empty row.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let cells = Vec::with_capacity(layout.columns.len());
        Self { layout: *layout, cells, text: String::new(), fault: None }
    }

    /// Puts a text or an id. An empty one is an empty cell.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.column(&[Kind::Text, Kind::Id]);
        self.text.push_str(text);
        self.end(0)
    }

    /// Puts a whole number.
    pub fn count(&mut self, count: u64) -> &mut Self {
        let column = self.column(&[Kind::Count]);
        let Ok(number) = i64::try_from(count) else { return self.out_of_range(column) };
        self.number(number, 0)
    }

    /// Puts an amount in micro-yuan.
    pub fn micro_yuan(&mut self, amount: MicroYuan) -> &mut Self {
        self.column(&[Kind::MicroYuan]);
        self.number(amount.micros(), 6)
    }

    /// Puts an amount in 分.
    pub fn fen(&mut self, amount: Fen) -> &mut Self {
        self.column(&[Kind::Fen]);
        self.number(amount.count(), 2)
    }

    /// Puts a ratio in millionths.
    pub fn ratio(&mut self, millionths: i64) -> &mut Self {
        self.column(&[Kind::Ratio]);
        self.number(millionths, 6)
    }

    /// Puts an instant.
    pub fn instant(&mut self, at: Timestamp) -> &mut Self {
        let column = self.column(&[Kind::Instant]);
        let day = Day::of(at);
        if !DAYS.contains(&day.days()) {
            return self.out_of_range(column);
        }
        let micros = at.micros_since(day.start());
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(self.text, "{day}T{hour:02}:{minute:02}:{second:02}.{micros:06}+08:00").expect(NO_IO);
        self.end(at.micros())
    }

    /// Puts a day.
    pub fn day(&mut self, day: Day) -> &mut Self {
        let column = self.column(&[Kind::Day]);
        if !DAYS.contains(&day.days()) {
            return self.out_of_range(column);
        }
        write!(self.text, "{day}").expect(NO_IO);
        self.end(day.days())
    }

    /// Leaves a cell empty, of whatever kind it is.
    pub fn empty(&mut self) -> &mut Self {
        self.end(0)
    }

    /// The columns of the row.
    #[must_use]
    pub const fn columns(&self) -> &'static [Column] {
        self.layout.columns
    }

    /// The exact text of a cell; empty for an empty cell.
    ///
    /// # Panics
    /// Where there is no such column.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        let start = column.checked_sub(1).map_or(0, |before| self.cells[before].0);
        &self.text[start..self.cells[column].0]
    }

    /// The cell's number — whole, micro-yuan, 分, millionths, microseconds or days — where it is one and not empty.
    ///
    /// # Panics
    /// Where there is no such column.
    #[must_use]
    pub fn value(&self, column: usize) -> Option<i64> {
        let number = !matches!(self.layout.columns[column].kind, Kind::Text | Kind::Id);
        (number && !self.cell(column).is_empty()).then(|| self.cells[column].1)
    }

    /// Columns and texts of the cells, in order.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, &'static Column, &str)> {
        self.layout.columns.iter().enumerate().map(|(index, column)| (index, column, self.cell(index)))
    }

    /// All texts, one behind the other.
    pub(super) fn whole(&self) -> &str {
        &self.text
    }

    /// Makes the row empty again.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.text.clear();
        self.fault = None;
    }

    /// Whether every column has a cell.
    pub(super) fn is_full(&self) -> bool {
        self.cells.len() == self.layout.columns.len()
    }

    /// Says whether every value can be written at all.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        assert!(self.is_full(), "a row of {} lacks a cell", self.layout.set);
        match self.fault {
            Some(column) => Err(Fault::Cell(column, CellFault::OutOfRange)),
            None => Ok(()),
        }
    }

    /// Puts the next cell from its exact text. `None` where that is not how its kind is written.
    pub(super) fn read(&mut self, text: &str) -> Option<()> {
        let column = self.layout.columns.get(self.cells.len())?;
        if text.is_empty() {
            self.empty();
            return Some(());
        }
        match column.kind {
            Kind::Text | Kind::Id => self.text(text),
            Kind::Count => self.count(text.parse().ok()?),
            Kind::MicroYuan => self.micro_yuan(text.parse().ok()?),
            Kind::Fen => self.fen(text.parse().ok()?),
            Kind::Ratio => self.ratio(text.parse::<MicroYuan>().ok()?.micros()),
            Kind::Instant => self.instant(read_instant(text)?),
            Kind::Day => self.day(read_day(text)?),
        };
        (self.fault.is_none() && self.cell(self.cells.len() - 1) == text).then_some(())
    }

    fn column(&self, kinds: &[Kind]) -> &'static Column {
        let column = &self.layout.columns[self.cells.len()];
        assert!(kinds.contains(&column.kind), "{} of {} is a {:?}", column.key, self.layout.set, column.kind);
        column
    }

    fn number(&mut self, number: i64, decimals: usize) -> &mut Self {
        push_fixed(&mut self.text, number.into(), decimals);
        self.end(number)
    }

    fn out_of_range(&mut self, column: &'static Column) -> &mut Self {
        self.fault.get_or_insert(column.key);
        self.end(0)
    }

    fn end(&mut self, number: i64) -> &mut Self {
        self.cells.push((self.text.len(), number));
        self
    }
}

const NO_IO: &str = "writing to a String cannot fail";

/// Appends `number` × 10^-`decimals` with exactly that many decimals.
pub(super) fn push_fixed(out: &mut String, number: i128, decimals: usize) {
    let start = out.len();
    // i64 is much faster to print, and all but sums fit.
    match i64::try_from(number) {
        Ok(number) => write!(out, "{}", number.unsigned_abs()).expect(NO_IO),
        Err(_) => write!(out, "{}", number.unsigned_abs()).expect(NO_IO),
    }
    if decimals > 0 {
        while out.len() - start <= decimals {
            out.insert(start, '0');
        }
        out.insert(out.len() - decimals, '.');
    }
    if number < 0 {
        out.insert(start, '-');
    }
}

/// The number that the digits of `text` are; whatever else it holds is found when the value is written again.
fn digits(text: &str, range: std::ops::Range<usize>) -> Option<i64> {
    text.get(range)?.parse().ok()
}

fn read_day(text: &str) -> Option<Day> {
    let year = i32::try_from(digits(text, 0..4)?).ok()?;
    let part = |range| digits(text, range).and_then(|number| u8::try_from(number).ok());
    Day::new(year, part(5..7)?, part(8..10)?)
}

fn read_instant(text: &str) -> Option<Timestamp> {
    let part = |range| digits(text, range);
    let seconds = part(11..13)? * 3_600 + part(14..16)? * 60 + part(17..19)?;
    let micros = seconds * 1_000_000 + part(20..26)?;
    Some(Timestamp::from_micros(read_day(text)?.start().micros() + micros))
}
