//! What was handed out stays checkable when its set gets another column.

use std::convert::Infallible;
use std::ops::ControlFlow;

use shuzha_core::{Code, Lang};
use shuzha_pricing::export::{CheckError, Column, Format, Job, Kind, Layout, Record, Row, check, export};

use crate::sample::{LAYOUT, Sample, written};

/// The set of the samples with one column more.
static NEXT: Layout = Layout {
    columns: &{
        let mut columns = [Column::new(Kind::Fen, "each", "单价(元)").summed().since(2); 11];
        let mut at = 0;
        while at < LAYOUT.columns.len() {
            columns[at] = LAYOUT.columns[at];
            at += 1;
        }
        columns
    },
    ..LAYOUT
};

/// A sample as the next version of this software would write it.
struct Later(Sample);

impl Record for Later {
    const LAYOUT: &'static Layout = &NEXT;

    fn fill(&self, row: &mut Row) {
        self.0.fill(row);
        row.fen(shuzha_pricing::Fen::new(5));
    }
}

const READ_BACK: [Format; 3] = [Format::Csv, Format::CsvGb18030, Format::JsonLines];

fn later(format: Format, lang: Lang, count: u64) -> Vec<u8> {
    let mut file = Vec::new();
    let rows = (0..count).map(|first| Ok::<_, Infallible>(Later(Sample { first, ..Sample::default() })));
    let job = Job { format, lang, period: "2026-01" };
    export(&job, rows, &mut file, &mut |_| ControlFlow::Continue(())).expect("writes");
    file
}

fn earlier(format: Format, count: u64) -> Vec<u8> {
    let rows: Vec<Sample> = (0..count).map(|first| Sample { first, ..Sample::default() }).collect();
    written(format, &rows)
}

/// The version that the file states, and the columns that its rows were shown with.
fn read(format: Format, layout: &'static Layout, file: &[u8]) -> Result<(String, usize), CheckError> {
    let mut columns = 0;
    let totals = check(format, layout, file, &mut |_, row| {
        columns = row.columns().len();
        ControlFlow::Continue(())
    })?;
    let version = totals.entries().iter().find(|(name, _)| name == "version");
    Ok((version.expect("is stated").1.clone(), columns))
}

fn edited(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = file.windows(from.len()).position(|window| window == from.as_bytes()).expect("it is there");
    [&file[..at], to.as_bytes(), &file[at + from.len()..]].concat()
}

#[test]
fn g4_a_new_column_leaves_older_exports_as_good_as_they_were() {
    assert_eq!((LAYOUT.version(), NEXT.version()), (1, 2));
    for format in READ_BACK {
        let (old, new) = (earlier(format, 3), later(format, Lang::Zh, 3));
        assert_eq!(read(format, &NEXT, &old).expect("as it was"), ("1".to_owned(), 10), "{format:?}");
        assert_eq!(read(format, &NEXT, &new).expect("and the new one"), ("2".to_owned(), 11), "{format:?}");
        // One that was altered is still altered, by its row.
        let altered = edited(&old, "0.15", "0.16");
        assert!(matches!(read(format, &NEXT, &altered), Err(CheckError::Row(1))), "{format:?}");
        let total = edited(&old, "0.45", "0.46");
        assert!(matches!(read(format, &NEXT, &total), Err(CheckError::Total(name)) if name == "sum_exact"));
    }
}

#[test]
fn g4_a_set_without_rows_is_read_by_the_version_that_it_states() {
    for format in READ_BACK {
        assert_eq!(read(format, &NEXT, &earlier(format, 0)).expect("whole"), ("1".to_owned(), 0));
        assert_eq!(read(format, &NEXT, &later(format, Lang::En, 0)).expect("whole"), ("2".to_owned(), 0));
    }
}

/// Nobody is told that a file was changed which this software merely does not know.
#[test]
fn g4_an_unknown_heading_is_another_version_and_never_a_changed_file() {
    for format in READ_BACK {
        for (lang, rows) in [(Lang::Zh, 3), (Lang::En, 3), (Lang::Zh, 0)] {
            let refused = read(format, &LAYOUT, &later(format, lang, rows)).expect_err("is not known here");
            assert!(matches!(refused, CheckError::Version), "{format:?}: {refused}");
            assert_eq!(refused.code(), Some(Code::C1656));
        }
    }
}

#[test]
fn g4_former_versions_are_the_columns_before() {
    let counts: Vec<_> = NEXT.versions().map(|one| (one.version(), one.columns.len())).collect();
    assert_eq!(counts, [(2, 11), (1, 10)]);
    assert!(NEXT.at(3).is_none() && NEXT.at(0).is_none());
}
