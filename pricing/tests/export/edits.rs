//! Files that are not what was exported, and rows that no file can hold.

use std::convert::Infallible;
use std::io::{self, Write};
use std::ops::ControlFlow;

use proptest::prelude::*;
use shuzha_core::Code;
use shuzha_pricing::export::{
    self, CellFault, CheckError, ExportError, Format, PROGRESS_ROWS, Totals, check,
};

use crate::sample::{LAYOUT, Sample, job, write, written};

fn rows(count: u64) -> Vec<Sample> {
    (0..count).map(|first| Sample { first, ..Sample::default() }).collect()
}

fn reread(format: Format, file: &[u8]) -> Result<Totals, CheckError> {
    check(format, &LAYOUT, file, &mut |_, _| ControlFlow::Continue(()))
}

fn lines(format: Format, count: u64) -> Vec<String> {
    let file = String::from_utf8(written(format, &rows(count))).expect("a text format");
    file.split_inclusive('\n').map(str::to_owned).collect()
}

/// What the file is refused for: the row, or what else.
fn refused(format: Format, lines: &[String]) -> String {
    match reread(format, lines.concat().as_bytes()).expect_err("it was edited") {
        CheckError::Row(row) => row.to_string(),
        other => format!("{other}"),
    }
}

#[test]
fn g4_an_edited_row_is_named() {
    for (format, heading) in [(Format::Csv, 1), (Format::JsonLines, 0)] {
        let good = lines(format, 9);
        let edited = |edit: &dyn Fn(&mut Vec<String>)| {
            let mut lines = good.clone();
            edit(&mut lines);
            assert_ne!(lines, good);
            refused(format, &lines)
        };
        let row = |number: usize| number - 1 + heading;
        let swap = |lines: &mut Vec<String>| lines.swap(row(3), row(4));
        let again = |lines: &mut Vec<String>| lines.insert(row(5), good[row(5)].clone());
        assert_eq!(edited(&|lines| lines[row(4)] = lines[row(4)].replace("0.15", "0.16")), "4");
        assert_eq!(edited(&|lines| lines[row(1)] = lines[row(1)].replace("bank-a", "bank-b")), "1");
        assert_eq!(edited(&|lines| drop(lines.remove(row(6)))), "6");
        assert_eq!(edited(&swap), "3");
        assert_eq!(edited(&again), "6");
        assert_eq!(edited(&|lines| lines[row(9)] = lines[row(9)].replace("0.150000", "0.15")), "9");
        assert_eq!(edited(&|lines| lines[row(2)] = lines[row(2)].replace("2026-01-01T", "2026-02-30T")), "2");
        assert_eq!(edited(&|lines| lines[row(7)].clear()), "7");
        assert_eq!(edited(&|lines| lines.push(good[row(9)].clone())), "10");
        assert_eq!(
            edited(&|lines| drop(lines.remove(row(9)))),
            "the control total rows does not agree with the rows"
        );
        assert_eq!(
            edited(&|lines| lines.truncate(row(9))),
            "not a whole export of this set: the control totals are missing"
        );
    }
}

#[test]
fn g4_control_totals_are_compared_one_by_one() {
    let good = lines(Format::Csv, 3);
    for (at, what) in [
        ("#set", "not a whole export of this set: it is of another set"),
        ("#version", "an export of another version, which this software does not know"),
        ("#period", "the control total digest does not agree with the rows"),
        ("#rows", "the control total rows does not agree with the rows"),
        ("#sum_quantity", "the control total sum_quantity does not agree with the rows"),
        ("#sum_gross", "the control total sum_gross does not agree with the rows"),
        ("#first_sequence", "the control total first_sequence does not agree with the rows"),
        ("#last_sequence", "the control total last_sequence does not agree with the rows"),
        ("#digest", "the control total digest does not agree with the rows"),
    ] {
        let mut edited = good.clone();
        let line = edited.iter_mut().find(|line| line.starts_with(&format!("{at},"))).unwrap();
        *line = line.replacen(",'", ",'9", 1);
        assert_eq!(refused(Format::Csv, &edited), what, "{at}");
        let missing: Vec<String> =
            good.iter().filter(|line| !line.starts_with(&format!("{at},"))).cloned().collect();
        assert!(refused(Format::Csv, &missing).starts_with("not a whole export"), "{at}");
    }
    let mut more = good.clone();
    more.push("#seal,'1,,,,,,,,,\r\n".to_owned());
    assert!(refused(Format::Csv, &more).contains("more control totals"));
    let mut other = good;
    other[0] = other[0].replace("应用单位", "单位");
    assert!(refused(Format::Csv, &other).contains("another version"));
}

#[test]
fn g4_json_may_not_say_a_thing_twice() {
    let mut file = lines(Format::JsonLines, 2);
    file[1] = file[1].replace("\"gross\":", "\"gross\":\"9.99\",\"gross\":");
    assert_eq!(refused(Format::JsonLines, &file), "2");
    let mut file = lines(Format::JsonLines, 2);
    file[0] = file[0].replace("\"quantity\":3", "\"quantity\":3.0");
    assert_eq!(refused(Format::JsonLines, &file), "1");
}

#[test]
fn g4_files_from_outside_do_not_fill_the_memory() {
    let endless = |start: &str| io::Read::chain(io::Cursor::new(start.as_bytes().to_vec()), io::repeat(b'a'));
    let heading = lines(Format::Csv, 0)[0].clone();
    for (format, start) in [(Format::Csv, heading + "\""), (Format::JsonLines, "{\"unit\":\"".to_owned())] {
        let from = io::BufReader::new(endless(&start));
        let error = check(format, &LAYOUT, from, &mut |_, _| ControlFlow::Continue(())).unwrap_err();
        assert!(matches!(error, CheckError::Row(1)), "{error:?}");
    }
    for format in [Format::Xlsx, Format::Parquet] {
        assert_eq!(reread(format, b"").unwrap_err().code(), Some(Code::C1653));
    }
}

proptest! {
    /// Whatever one changes in a file, it is refused or reads as what was exported.
    #[test]
    fn g4_no_edit_goes_unseen(at in any::<prop::sample::Index>(), byte in any::<u8>(), which in 0_usize..3) {
        let format = [Format::Csv, Format::CsvGb18030, Format::JsonLines][which];
        let (mut file, totals) = write(format, &rows(4)).unwrap();
        let at = at.index(file.len());
        file[at] = byte;
        if let Ok(read) = reread(format, &file) {
            prop_assert_eq!(read, totals);
        }
    }
}

/// An export that is expected to fail.
fn fault(format: Format, rows: &[Sample]) -> ExportError<Infallible> {
    write(format, rows).expect_err("a row that cannot be written")
}

#[test]
fn g4_a_character_that_gb18030_cannot_hold_is_named() {
    let mut three = rows(3);
    three[1].name = "里\u{e5e5}".to_owned();
    let error = fault(Format::CsvGb18030, &three);
    assert_eq!(error.code(), Some(Code::C1650));
    assert_eq!(error.to_string(), "row 2, column name: a character that GB 18030 cannot hold");
    write(Format::Csv, &three).unwrap();
    // Characters of four bytes are in it.
    three[1].name = "𠮷㐀😀".to_owned();
    let file = written(Format::CsvGb18030, &three);
    assert!(reread(Format::CsvGb18030, &file).is_ok());
    assert!(String::from_utf8(file).is_err());
}

#[test]
fn g4_what_a_format_cannot_hold_is_named() {
    let mut rows = rows(2);
    rows[1].name = "长".repeat(32_768);
    let is_name =
        |error| matches!(error, ExportError::Cell { row: 2, column: "name", fault: CellFault::TooLong });
    assert!(is_name(fault(Format::Xlsx, &rows)));
    write(Format::Csv, &rows).unwrap();
    rows[1].name = "长".repeat(32_767);
    write(Format::Xlsx, &rows).unwrap();
    rows[1].exact = 1_000_000_000_000_000_000;
    let error = fault(Format::Parquet, &rows);
    assert_eq!(error.code(), Some(Code::C1651));
    assert!(matches!(error, ExportError::Cell { row: 2, column: "exact", fault: CellFault::OutOfRange }));
    rows[1].exact = i64::MIN;
    write(Format::Csv, &rows).unwrap();
    rows[1].quantity = 1 << 63;
    rows[1].first = 0;
    for format in Format::ALL {
        assert!(matches!(fault(format, &rows), ExportError::Cell { row: 2, column: "quantity", .. }));
    }
    rows[1].quantity = 1;
    rows[1].at = i64::MAX;
    assert!(matches!(fault(Format::Csv, &rows), ExportError::Cell { row: 2, column: "at", .. }));
}

/// A sink that is full after some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn g4_a_full_disk_is_told() {
    for format in Format::ALL {
        let whole = written(format, &rows(50)).len();
        for room in (0..whole).step_by(97) {
            let rows = rows(50).into_iter().map(Ok::<_, Infallible>);
            let error = export::export(&job(format), rows, Full(room), &mut |_| ControlFlow::Continue(()));
            match error {
                Err(ExportError::Write(cause)) => {
                    assert_eq!(cause.kind(), io::ErrorKind::StorageFull, "{format:?}")
                }
                other => panic!("{format:?} with room for {room} of {whole}: {other:?}"),
            }
        }
    }
}

#[test]
fn g4_an_export_can_be_stopped_and_fails_with_its_source() {
    let mut reports = Vec::new();
    let endless = std::iter::repeat_with(|| Ok::<_, Infallible>(Sample::default()));
    let stopped = export::export(&job(Format::Csv), endless, io::sink(), &mut |rows| {
        reports.push(rows);
        if rows < 3 * PROGRESS_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert!(matches!(stopped, Err(ExportError::Stopped)));
    assert_eq!(reports, [PROGRESS_ROWS, 2 * PROGRESS_ROWS, 3 * PROGRESS_ROWS]);
    let rows = [Ok(Sample::default()), Err("the ledger is gone")];
    let mut file = Vec::new();
    let error = export::export(&job(Format::Csv), rows, &mut file, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(error, Err(ExportError::Source("the ledger is gone"))));
    assert!(matches!(reread(Format::Csv, &file), Err(CheckError::NotWhole(_))));
}
