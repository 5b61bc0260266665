//! The sets: what they sum to, and that the documentation names every column.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::Path;

use shuzha_core::{Lang, MicroYuan, Timestamp};
use shuzha_pricing::closing::Closing;
use shuzha_pricing::export::sets::{
    ContributionRow, FocusPart, FocusRow, LedgerRow, LineRow, PermittedRow, ShareRow, StatementRow,
};
use shuzha_pricing::export::{Column, Format, Job, Kind, Layout, Record, Set, Totals, check, export};
use shuzha_pricing::metering;

use crate::month::august;
use crate::rows::{payment, permitted, usage};

/// The rows' texts as a CSV of them reads back, and its control totals.
fn read_back<R: Record>(rows: impl IntoIterator<Item = R>) -> (Vec<BTreeMap<&'static str, String>>, Totals) {
    let job = Job { format: Format::Csv, lang: Lang::En, period: "2026-08" };
    let (mut file, mut cells) = (Vec::new(), Vec::new());
    let rows = rows.into_iter().map(Ok::<_, Infallible>);
    let totals = export(&job, rows, &mut file, &mut |_| ControlFlow::Continue(())).unwrap();
    let read = check(Format::Csv, R::LAYOUT, file.as_slice(), &mut |_, row| {
        let columns = row.columns().iter().enumerate();
        cells.push(columns.map(|(at, column)| (column.key, row.cell(at).to_owned())).collect());
        ControlFlow::Continue(())
    });
    assert_eq!(read.unwrap(), totals);
    (cells, totals)
}

fn total(totals: &Totals, name: &str) -> String {
    totals.entries().iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()).unwrap()
}

fn lines(closing: &Closing) -> Vec<LineRow<'_>> {
    let statement = closing.statements[0].number.as_str();
    closing.lines.iter().map(|line| LineRow { period: closing.month, statement, line }).collect()
}

#[test]
fn g4_lines_and_statements_sum_to_one_amount() {
    let closing = august();
    let (rows, of_lines) = read_back(lines(&closing));
    let statement =
        StatementRow { period: closing.month, statement: &closing.statements[0], state: "issued" };
    let (statements, of_statements) = read_back([statement]);
    for name in ["sum_gross", "sum_net", "sum_tax"] {
        assert_eq!(total(&of_lines, name), total(&of_statements, name), "{name}");
    }
    assert_eq!(total(&of_lines, "sum_gross"), "8670.00");
    assert_eq!((rows[1]["vat_rate"].as_str(), rows[4]["month"].as_str()), ("0.060000", "2026-07"));
    assert_eq!((rows[4]["gross"].as_str(), rows[2]["basis"].as_str()), ("-15.00", "free-outcome"));
    assert_eq!(statements[0]["merkle_root"], "a7".repeat(32));
    assert_eq!(total(&of_lines, "first_sequence"), "10000");
    assert_eq!(total(&of_lines, "last_sequence"), "110000");
    assert_eq!(total(&of_statements, "last_sequence"), "412345");
}

/// FOCUS: the sum of BilledCost by invoice is the invoice.
#[test]
fn g4_focus_costs_sum_to_the_statement() {
    let closing = august();
    let rows = lines(&closing).into_iter().flat_map(|LineRow { period, statement, line }| {
        [FocusPart::Usage, FocusPart::Tax].map(|part| FocusRow {
            period,
            statement,
            operator: "运营机构",
            line,
            part,
        })
    });
    let (rows, totals) = read_back(rows);
    assert_eq!(total(&totals, "sum_BilledCost"), "8670.00");
    assert_eq!(total(&totals, "sum_ConsumedQuantity"), "168300");
    assert_eq!((rows[0]["BilledCost"].as_str(), rows[1]["BilledCost"].as_str()), ("4716.98", "283.02"));
    assert_eq!((rows[7]["ChargeClass"].as_str(), rows[8]["ChargeClass"].as_str()), ("", "Correction"));
    assert_eq!(rows[8]["ChargePeriodStart"], "2026-07-01T00:00:00.000000+08:00");
    assert_eq!(rows[8]["BillingPeriodEnd"], "2026-09-01T00:00:00.000000+08:00");
}

#[test]
fn g4_shares_sum_to_their_bill() {
    let closing = august();
    let bill = &closing.bills[0];
    let shares = closing.shares.iter().map(|share| ShareRow { period: closing.month, bill, share });
    let (rows, totals) = read_back(shares);
    assert_eq!(total(&totals, "sum_amount"), bill.amount.to_string());
    assert_eq!((rows[1]["weight"].as_str(), rows[1]["whole"].as_str()), ("3333", "10000"));
}

#[test]
fn g4_debits_and_credits_sum_to_one_amount() {
    let (rows, totals) = read_back(LedgerRow::of(17, Timestamp::from_seconds(1_788_000_000), payment()));
    assert_eq!(total(&totals, "sum_debit"), "8670.000000");
    assert_eq!(total(&totals, "sum_credit"), "8670.000000");
    assert_eq!((rows[0]["account"].as_str(), rows[0]["credit"].as_str()), ("1002", ""));
    assert_eq!((rows[1]["account"].as_str(), rows[1]["debit"].as_str()), ("1122/bank-a", ""));
    assert_eq!(rows[1]["reason"], "=收款");
}

#[test]
fn g4_usage_contributions_and_permitted_revenue_are_exported() {
    let august = august();
    let (rows, totals) = read_back([usage(&august)]);
    assert_eq!(rows[0]["hour"], "2026-08-01T00:00:00.000000+08:00");
    assert_eq!(
        (total(&totals, "sum_amount"), total(&totals, "last_sequence")),
        ("0.200000".into(), "11".into())
    );
    let none: [ContributionRow<'_>; 0] = [];
    assert_eq!(read_back(none).1.rows(), 0);
    let permitted = permitted();
    let taken = MicroYuan::from_micros(900_000_000);
    let level = permitted.level(taken, august.month.begin()).unwrap();
    let (rows, _) = read_back([PermittedRow { permitted: &permitted, taken, level }]);
    assert_eq!((rows[0]["from"].as_str(), rows[0]["until"].as_str()), ("2026-01-01", "2027-01-01"));
    assert_eq!((rows[0]["permitted"].as_str(), rows[0]["alert_percent"].as_str()), ("900.000000", "100"));
}

/// A set's columns as the documentation lists them.
fn described(layout: &Layout) -> String {
    let kind = |column: &Column| match column.kind {
        Kind::Text => "text",
        Kind::Id => "id",
        Kind::Count => "count",
        Kind::MicroYuan => "amount, 10⁻⁶ 元",
        Kind::Fen => "amount, 分",
        Kind::Ratio => "ratio",
        Kind::Instant => "instant",
        Kind::Day => "day",
    };
    let row = |column: &Column| {
        let mark = if column.is_summed() { " Σ" } else { "" };
        let since = match column.version() {
            1 => String::new(),
            version => format!(", since version {version}"),
        };
        format!("| `{}` | {} | {}{mark}{since} |\n", column.key, column.zh, kind(column))
    };
    let rows: String = layout.columns.iter().map(row).collect();
    format!("### `{}` {}\n\n| column | 中文 | kind |\n|---|---|---|\n{rows}", layout.set, layout.zh)
}

/// The page with this set's columns in place of those that it has.
fn with(page: &str, layout: &Layout) -> Option<String> {
    let heading = format!("### `{}` ", layout.set);
    let (before, rest) = page.split_once(&heading)?;
    // Behind the heading stands the table, then an empty line.
    let (_, table) = rest.split_once("\n\n")?;
    let (_, after) = table.split_once("\n\n")?;
    Some(format!("{before}{}\n{after}", described(layout)))
}

/// Written anew with `SHUZHA_WRITE_GOLDEN=1`.
#[test]
fn g4_the_documentation_names_every_column() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/exports.md");
    let kept = std::fs::read_to_string(&path).unwrap();
    let mut page = kept.clone();
    for set in Set::ALL {
        assert_eq!(Set::from_name(set.as_str()), Some(set));
        page =
            with(&page, set.layout()).unwrap_or_else(|| panic!("docs/exports.md lacks `{}`", set.as_str()));
    }
    #[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the tests")]
    if page != kept && std::env::var("SHUZHA_WRITE_GOLDEN").is_ok() {
        std::fs::write(path, &page).unwrap();
        return;
    }
    assert!(page == kept, "docs/exports.md names other columns: write it anew with SHUZHA_WRITE_GOLDEN=1");
}

#[test]
fn g4_columns_of_a_set_have_different_names() {
    for set in Set::ALL {
        let columns = set.layout().columns;
        for (at, column) in columns.iter().enumerate() {
            let same = |other: &Column| other.key == column.key || other.zh == column.zh;
            assert!(!columns[..at].iter().any(same), "{} of {}", column.key, set.as_str());
            // A former version is the columns before.
            let before = at.checked_sub(1).map_or(1, |before| columns[before].version());
            assert!((before..=before + 1).contains(&column.version()), "{} of {}", column.key, set.as_str());
        }
    }
}

#[test]
fn a_set_without_rows_is_a_whole_file() {
    let (rows, totals) = read_back(std::iter::empty::<metering::Row>());
    assert_eq!((rows.len(), total(&totals, "rows")), (0, "0".to_owned()));
}
