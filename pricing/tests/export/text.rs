//! The formats that are read back: what goes in comes out, and nothing becomes a formula.

use std::ops::ControlFlow;

use proptest::prelude::*;
use shuzha_pricing::export::{Format, check};

use crate::sample::{LAYOUT, Sample, any_sample, cells, expected, nasty_text, write, written};

const TEXT_FORMATS: [Format; 3] = [Format::Csv, Format::CsvGb18030, Format::JsonLines];

fn text(format: Format, rows: &[Sample]) -> String {
    String::from_utf8(written(format, rows)).expect("UTF-8")
}

#[test]
fn g4_a_csv_is_as_documented() {
    let credit =
        Sample { unit: "91370600123456789X".to_owned(), name: "=1+1".to_owned(), ..Sample::default() };
    let correction =
        Sample { name: "甲,\"乙\"".to_owned(), exact: -1, gross: -1, day: None, ..Sample::default() };
    let file = text(Format::Csv, &[credit, correction]);
    let lines: Vec<&str> = file.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "\u{feff}应用单位,名称,数量,金额(元),含税金额(元),税率,时间,日期,首序号,末序号,校验"
    );
    let at = "2026-01-01T00:00:00.000000+08:00";
    let row = format!("'91370600123456789X,'=1+1,3,0.150000,0.15,0.060000,{at},2026-01-01,7,10,");
    assert!(lines[1].starts_with(&row), "{}", lines[1]);
    let row = format!("'bank-a,\"甲,\"\"乙\"\"\",3,-0.000001,-0.01,0.060000,{at},,7,10,");
    assert!(lines[2].starts_with(&row), "{}", lines[2]);
    let totals = [
        "#set,'sample,,,,,,,,,",
        "#version,'1,,,,,,,,,",
        "#period,'2026-01,,,,,,,,,",
        "#rows,'2,,,,,,,,,",
        "#sum_quantity,'6,,,,,,,,,",
        "#sum_exact,'0.149999,,,,,,,,,",
        "#sum_gross,'0.14,,,,,,,,,",
        "#first_sequence,'7,,,,,,,,,",
        "#last_sequence,'10,,,,,,,,,",
    ];
    assert_eq!(lines[3..12], totals);
    assert!(lines[12].starts_with("#digest,'") && lines[13].is_empty() && lines.len() == 14);
}

#[test]
fn g4_json_lines_are_as_documented() {
    let file = text(Format::JsonLines, &[Sample { day: None, ..Sample::default() }]);
    let (row, totals) = file.split_once('\n').unwrap();
    assert!(row.starts_with(concat!(
        r#"{"unit":"bank-a","name":"烟台某银行","quantity":3,"exact":"0.150000","gross":"0.15","rate":"0.060000","#,
        r#""at":"2026-01-01T00:00:00.000000+08:00","day":null,"first":7,"last":10,"check":""#,
    )));
    assert!(
        totals.starts_with(r##"{"#totals":{"set":"sample","version":"1","period":"2026-01","rows":"1","##)
    );
}

#[test]
fn g4_an_export_of_nothing_has_totals_of_nothing() {
    for format in Format::ALL {
        let (_, totals) = write(format, &[]).unwrap();
        assert_eq!(totals.rows(), 0);
        let value =
            |name| totals.entries().iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        assert_eq!((value("sum_gross"), value("first_sequence")), (Some("0.00"), Some("")));
    }
}

/// Every sum, worked out a second way.
fn sums(rows: &[Sample]) -> [String; 3] {
    let exact: i128 = rows.iter().map(|row| i128::from(row.exact)).sum();
    let gross: i128 = rows.iter().map(|row| i128::from(row.gross)).sum();
    let yuan = |sum: i128, unit: u128, digits: usize| {
        let sign = if sum < 0 { "-" } else { "" };
        format!("{sign}{}.{:0digits$}", sum.unsigned_abs() / unit, sum.unsigned_abs() % unit)
    };
    let quantity: u64 = rows.iter().map(|row| row.quantity).sum();
    [quantity.to_string(), yuan(exact, 1_000_000, 6), yuan(gross, 100, 2)]
}

proptest! {
    /// R17: re-importing gives the very rows, whatever they hold; all formats state the same totals.
    #[test]
    fn g4_what_is_exported_reads_back(rows in proptest::collection::vec(any_sample(), 0..8)) {
        let mut seen_totals = Vec::new();
        for format in TEXT_FORMATS {
            let (file, totals) = write(format, &rows).unwrap();
            let mut seen = Vec::new();
            let read = check(format, &LAYOUT, file.as_slice(), &mut |_, row| {
                seen.push(cells(row));
                ControlFlow::Continue(())
            });
            prop_assert_eq!(read.unwrap(), totals.clone(), "{:?}", format);
            prop_assert_eq!(&seen, &rows.iter().map(expected).collect::<Vec<_>>(), "{:?}", format);
            seen_totals.push(totals);
        }
        seen_totals.push(write(Format::Xlsx, &rows).unwrap().1);
        seen_totals.push(write(Format::Parquet, &rows).unwrap().1);
        prop_assert!(seen_totals.windows(2).all(|pair| pair[0] == pair[1]));
        let stated: Vec<&str> = seen_totals[0].entries()[4..7].iter().map(|(_, value)| value.as_str()).collect();
        prop_assert_eq!(stated, sums(&rows));
    }

    /// R17: no cell of a text or an id can be taken for a formula, nor an id for a number.
    #[test]
    fn g4_no_text_becomes_a_formula(unit in nasty_text(), name in nasty_text()) {
        let row = Sample { unit: unit.clone(), name, ..Sample::default() };
        let file = text(Format::Csv, &[row]);
        let mut reader = csv::ReaderBuilder::new().from_reader(file.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        prop_assert!(record[0].starts_with('\'') || unit.is_empty());
        let name = record[1].trim_start();
        prop_assert!(!name.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '#']), "{:?}", name);
        prop_assert!(!record[1].starts_with(['\t', '\r', '\n']));
    }
}
