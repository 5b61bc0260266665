//! The table `line` as the table of a line's fields has it: which columns there are, what is written into them and read back.

use rusqlite::Statement;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use shuzha_pricing::closing::RatedLine;
use shuzha_pricing::closing::rated::{FIELDS, FieldKind, Figure, LineField};
use shuzha_pricing::{Fen, Month};

use super::{Columns, integer};
use crate::StoreError;

/// Columns that say where a line stands; the rest is the line.
const PLACE: [&str; 2] = ["period", "number"];

/// A migration for each field that came later: its column, which is null in lines that were closed before.
pub(super) fn migrations(fields: &[LineField]) -> Vec<(&'static str, &'static str)> {
    let one = |field: &LineField| {
        let (number, column) = (field.migration?, field.column);
        let kind = if matches!(field.kind, FieldKind::Id | FieldKind::Text) { "TEXT" } else { "INTEGER" };
        let name = format!("V{number:04}__line_{column}");
        // They last as long as those in files.
        Some((&*name.leak(), &*format!("ALTER TABLE line ADD COLUMN {column} {kind};").leak()))
    };
    fields.iter().filter_map(one).collect()
}

/// The statement that adds a line.
pub(super) fn insert() -> String {
    let columns: Vec<_> = PLACE.into_iter().chain(FIELDS.iter().map(|field| field.column)).collect();
    let marks = vec!["?"; columns.len()].join(", ");
    format!("INSERT INTO line ({}) VALUES ({marks})", columns.join(", "))
}

/// Adds a line by [`insert`].
pub(super) fn put(
    statement: &mut Statement<'_>,
    (period, number): (Month, i64),
    line: &RatedLine,
) -> Result<(), StoreError> {
    statement.raw_bind_parameter(1, period.index())?;
    statement.raw_bind_parameter(2, number)?;
    for (at, field) in (PLACE.len() + 1..).zip(FIELDS) {
        statement.raw_bind_parameter(at, written(field.of(line))?)?;
    }
    statement.raw_execute()?;
    Ok(())
}

fn written(figure: Option<Figure<'_>>) -> Result<ToSqlOutput<'_>, StoreError> {
    let number = |number: i64| ToSqlOutput::Owned(Value::Integer(number));
    Ok(match figure {
        None => ToSqlOutput::Owned(Value::Null),
        Some(Figure::Id(id)) => ToSqlOutput::Borrowed(ValueRef::Text(id.as_str().as_bytes())),
        Some(Figure::Text(of)) => ToSqlOutput::Borrowed(ValueRef::Text(of.as_bytes())),
        Some(Figure::Month(month)) => number(month.index().into()),
        Some(Figure::Purpose(purpose)) => number((purpose as u8).into()),
        Some(Figure::Basis(basis)) => number(basis.number().into()),
        Some(Figure::Count(count)) => number(integer(count)?),
        Some(Figure::MicroYuan(amount)) => number(amount.micros()),
        Some(Figure::Fen(amount)) => number(amount.count()),
        Some(Figure::Parts(parts)) => number(parts.into()),
    })
}

/// What a query reads of a line, in the order in which [`read`] takes it; the table is called `l`.
pub(super) fn selected() -> String {
    // What the line is about comes first, as it does wherever lines are read.
    const ABOUT: [&str; 8] =
        ["unit", "agreement", "scenario", "product", "price", "purpose", "basis", "month"];
    let rest = FIELDS.iter().filter(|field| !field.is_known()).map(|field| field.column);
    let columns: Vec<_> = ABOUT.into_iter().chain(rest).map(|column| format!("l.{column}")).collect();
    columns.join(", ")
}

/// Reads what [`selected`] names.
pub(super) fn read(columns: &mut Columns<'_, '_>) -> Result<RatedLine, StoreError> {
    let mut line = RatedLine::of(columns.line()?, columns.month()?);
    for field in FIELDS.iter().filter(|field| !field.is_known()) {
        if field.kind == FieldKind::Text {
            match columns.next::<Option<String>>()? {
                Some(text) => field.put(&mut line, Figure::Text(&text)),
                None => missing(field)?,
            }
            continue;
        }
        let Some(number) = columns.next::<Option<i64>>()? else {
            missing(field)?;
            continue;
        };
        let wrong = |_| StoreError::BadRow("line");
        let figure = match field.kind {
            FieldKind::Count => Figure::Count(u64::try_from(number).map_err(wrong)?),
            FieldKind::MicroYuan => Figure::MicroYuan(shuzha_core::MicroYuan::from_micros(number)),
            FieldKind::Fen => Figure::Fen(Fen::new(number)),
            FieldKind::Parts => Figure::Parts(u32::try_from(number).map_err(wrong)?),
            // Names and what is counted by number say what a line is about; no figure of it is one.
            FieldKind::Id | FieldKind::Text | FieldKind::Month | FieldKind::Purpose | FieldKind::Basis => {
                return Err(StoreError::BadRow("line"));
            }
        };
        field.put(&mut line, figure);
    }
    Ok(line)
}

/// Only lines that were closed before there was a field lack it.
fn missing(field: &LineField) -> Result<(), StoreError> {
    field.migration.map(drop).ok_or(StoreError::BadRow("line"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Books, rows};
    use super::*;

    #[test]
    fn g4_the_books_have_a_column_for_every_field_of_a_line() {
        let books = Books::in_memory().unwrap();
        let there =
            rows(&books.lock(), "SELECT name FROM pragma_table_info('line')", [], |columns| columns.text())
                .unwrap();
        let there: BTreeSet<_> = there.iter().map(String::as_str).collect();
        let wanted: BTreeSet<_> = PLACE.into_iter().chain(FIELDS.iter().map(|field| field.column)).collect();
        assert_eq!(
            there, wanted,
            "the table `line` and FIELDS of pricing/src/closing/rated.rs differ: a field that came later names its migration by \
             came(since, digest, migration), the next number after those in gateway/store/migrations/finance"
        );
    }

    #[test]
    fn g4_a_field_that_came_later_brings_its_column() {
        let mut later = *FIELDS.iter().find(|field| field.key == "calls").unwrap();
        later.column = "later";
        let later = later.came(2, 3, 7);
        let [(name, sql)] = *migrations(&[FIELDS[0], later]) else { panic!("one migration") };
        assert_eq!((name, sql), ("V0007__line_later", "ALTER TABLE line ADD COLUMN later INTEGER;"));
        Books::in_memory().unwrap().lock().execute_batch(sql).unwrap();
        assert!(missing(&later).is_ok() && missing(&FIELDS[0]).is_err());
    }
}
