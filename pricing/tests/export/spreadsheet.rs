//! XLSX and Parquet, read back by other readers.

use std::convert::Infallible;
use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use calamine::{Data, Reader, Xlsx};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, RowAccessor};
use proptest::prelude::*;
use shuzha_pricing::export::{self, Column, Format, Kind, Layout, Record, Row};

use crate::sample::{LAYOUT, Sample, any_sample, expected, job, write, written};

fn book(file: Vec<u8>) -> Xlsx<Cursor<Vec<u8>>> {
    Xlsx::new(Cursor::new(file)).expect("a workbook")
}

/// The text that a cell shows.
fn shown(cell: Option<&Data>) -> String {
    match cell {
        None | Some(Data::Empty) => String::new(),
        Some(Data::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[test]
fn g4_a_workbook_has_headings_rows_and_totals() {
    let negative =
        Sample { name: "=HYPERLINK(\"x\")".to_owned(), exact: -1, gross: -1_234_567, ..Sample::default() };
    let (file, totals) = write(Format::Xlsx, &[Sample::default(), negative]).unwrap();
    let mut book = book(file);
    assert_eq!(book.sheet_names(), ["sample", "totals 合计"]);
    let sheet = book.worksheet_range("sample").unwrap();
    assert_eq!(sheet.get_size(), (3, LAYOUT.columns.len()));
    let headings: Vec<String> = sheet.rows().next().unwrap().iter().map(|cell| shown(Some(cell))).collect();
    assert_eq!(headings, LAYOUT.columns.iter().map(|column| column.zh).collect::<Vec<_>>());
    let cell = |row: u32, column: u32| sheet.get_value((row, column)).unwrap();
    assert_eq!(cell(1, 0), &Data::String("bank-a".to_owned()));
    assert_eq!(cell(2, 1), &Data::String("=HYPERLINK(\"x\")".to_owned()));
    assert_eq!(cell(1, 2).to_string(), "3");
    assert_eq!(cell(1, 3).to_string(), "0.15");
    assert_eq!(cell(2, 3).to_string(), "-0.000001");
    assert_eq!(cell(2, 4).to_string(), "-12345.67");
    assert_eq!(cell(1, 6), &Data::String("2026-01-01T00:00:00.000000+08:00".to_owned()));
    assert!(matches!(cell(1, 7), Data::DateTime(day) if day.to_string() == "46023"), "{:?}", cell(1, 7));
    let stated = book.worksheet_range("totals 合计").unwrap();
    let stated: Vec<(String, String)> =
        stated.rows().map(|row| (shown(row.first()), shown(row.get(1)))).collect();
    assert_eq!(stated, totals.entries());
}

/// A row of one column, to fill a sheet soon.
struct Narrow(u64);

impl Record for Narrow {
    const LAYOUT: &'static Layout =
        &Layout { set: "narrow", zh: "窄", columns: &[Column::new(Kind::Count, "number", "序号")] };

    fn fill(&self, row: &mut Row) {
        row.count(self.0);
    }
}

#[test]
fn g4_more_rows_than_a_sheet_holds_go_to_the_next() {
    const SHEET: u64 = 1_048_575;
    let rows = (0..SHEET + 2).map(|number| Ok::<_, Infallible>(Narrow(number)));
    let mut file = Vec::new();
    export::export(&job(Format::Xlsx), rows, &mut file, &mut |_| ControlFlow::Continue(())).unwrap();
    let mut book = book(file);
    assert_eq!(book.sheet_names(), ["narrow", "narrow 2", "totals 合计"]);
    assert_eq!(book.worksheet_range("narrow").unwrap().get_size().0, 1_048_576);
    let second = book.worksheet_range("narrow 2").unwrap();
    assert_eq!(second.get_size().0, 3);
    assert_eq!(second.get_value((1, 0)).unwrap().to_string(), SHEET.to_string());
}

#[test]
fn g4_numbers_past_fifteen_digits_are_text() {
    let rows =
        [999_999_999_999_999, 1_000_000_000_000_000].map(|exact| Sample { exact, ..Sample::default() });
    let mut book = book(written(Format::Xlsx, &rows));
    let sheet = book.worksheet_range("sample").unwrap();
    assert_eq!(sheet.get_value((1, 3)).unwrap().to_string(), "999999999.999999");
    assert!(!matches!(sheet.get_value((1, 3)), Some(Data::String(_))));
    assert_eq!(sheet.get_value((2, 3)), Some(&Data::String("1000000000.000000".to_owned())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every text arrives as it was, and no cell is a formula.
    #[test]
    fn g4_a_workbook_reads_back(rows in proptest::collection::vec(any_sample(), 1..5)) {
        let file = written(Format::Xlsx, &rows);
        let mut book = book(file);
        prop_assert!(book.worksheet_formula("sample").unwrap().is_empty());
        let sheet = book.worksheet_range("sample").unwrap();
        for (number, row) in rows.iter().enumerate() {
            let at = u32::try_from(number).unwrap() + 1;
            for (column, text) in [(0, &row.unit), (1, &row.name)] {
                prop_assert_eq!(&shown(sheet.get_value((at, column))), text);
            }
        }
    }

    /// Parquet's own reader finds every value and the control totals.
    #[test]
    fn g4_parquet_reads_back(rows in proptest::collection::vec(any_sample(), 0..5)) {
        let (file, totals) = write(Format::Parquet, &rows).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(file)).unwrap();
        let metadata = reader.metadata().file_metadata().key_value_metadata().unwrap().clone();
        for (name, value) in totals.entries() {
            let key = format!("shuzha.{name}");
            prop_assert!(metadata.iter().any(|own| own.key == key && own.value.as_ref() == Some(value)));
        }
        let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(read.len(), rows.len());
        for (read, row) in read.iter().zip(&rows) {
            let text = |at: usize| read.get_string(at).map_or("", String::as_str);
            prop_assert_eq!((text(0), text(1)), (row.unit.as_str(), row.name.as_str()));
            prop_assert_eq!(read.get_long(2).unwrap(), i64::try_from(row.quantity).unwrap());
            prop_assert_eq!(read.get_timestamp_micros(6).unwrap(), row.at);
            let fields: Vec<&Field> = read.get_column_iter().map(|(_, field)| field).collect();
            let Field::Decimal(decimal) = fields[3] else { panic!("{:?}", fields[3]) };
            prop_assert_eq!((decimal.precision(), decimal.scale()), (18, 6));
            prop_assert_eq!(decimal.data(), row.exact.to_be_bytes());
            prop_assert_eq!(fields[7].to_string(), row.day.map_or("null".to_owned(), |_| expected(row)[7].clone()));
        }
    }
}

/// The archive as a plain unzipper sees it: the parts, whole, with the checksums the reader verifies.
#[test]
fn g4_a_workbook_is_the_same_archive_every_time() {
    let rows = [Sample::default()];
    assert_eq!(written(Format::Xlsx, &rows), written(Format::Xlsx, &rows));
    let mut first = Vec::new();
    written(Format::Xlsx, &rows).as_slice().take(4).read_to_end(&mut first).unwrap();
    assert_eq!(first, b"PK\x03\x04");
}
