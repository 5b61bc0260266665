//! Exports, papers and charts of a closed month.

use std::ops::ControlFlow;

use shuzha_control::finance::{Chart, Wanted};
use shuzha_core::Lang;
use shuzha_pricing::export::{Format, Set, check};
use shuzha_pricing::statement_page::FORM;

use super::*;

fn wanted(set: Set, period: Option<Month>, format: Format) -> Wanted {
    Wanted { set, period, format, lang: Lang::Zh }
}

fn total<'t>(totals: &'t shuzha_pricing::export::Totals, name: &str) -> &'t str {
    let found = totals.entries().iter().find(|(known, _)| known == name);
    found.map_or("", |(_, value)| value)
}

/// Closes February over 333 charged and 40 free calls: 99.90.
fn closed() -> (Treasury, Month) {
    let (treasury, february) = (Treasury::new(), month("2026-02"));
    treasury.calls(333, 40);
    treasury.at(february.end());
    treasury.finance.soft_close(&li(), february).expect("the first person");
    treasury.at(february.end().plus(GRACE));
    treasury.finance.close(&wang(), february, false).expect("the second person");
    (treasury, february)
}

#[test]
fn g4_every_set_is_exported_in_every_format_and_adds_up() {
    let (treasury, february) = closed();
    let finance = &treasury.finance;
    for (set, rows, name, sum) in [
        (Set::Usage, 2, "sum_calls", "373"),
        (Set::Lines, 2, "sum_gross", "99.90"),
        (Set::Ledger, 0, "sum_debit", ""),
        (Set::Statements, 1, "sum_gross", "99.90"),
        (Set::Shares, 2, "sum_amount", "99.90"),
        (Set::Contributions, 1, "sum_calls", "373"),
        (Set::Permitted, 1, "sum_taken", "99.900000"),
        (Set::Focus, 4, "sum_BilledCost", "99.90"),
    ] {
        let period = (set != Set::Permitted).then_some(february);
        let mut digests = Vec::new();
        for format in Format::ALL {
            let export = finance.export(&li(), wanted(set, period, format)).expect("finance exports");
            let (mut once, mut again) = (Vec::new(), Vec::new());
            let stated = export.write(&mut once).expect("writes");
            export.write(&mut again).expect("writes");
            assert!(once == again, "{set:?} {format:?}: twice the same bytes");
            assert_eq!(&stated, export.totals());
            if !matches!(format, Format::Xlsx | Format::Parquet) {
                let each = &mut |_, _: &shuzha_pricing::export::Row| ControlFlow::Continue(());
                let read = check(format, set.layout(), once.as_slice(), each).expect("reads back");
                assert_eq!(&read, export.totals());
            }
            digests.push(stated.digest());
            if rows > 0 {
                assert_eq!((stated.rows(), total(&stated, name)), (rows, sum), "{set:?}");
            } else {
                assert_eq!(total(&stated, "sum_debit"), total(&stated, "sum_credit"));
                assert_ne!(total(&stated, "sum_debit"), sum);
            }
        }
        assert!(digests.iter().all(|one| *one == digests[0]), "{set:?}: one digest in all formats");
    }
}

#[test]
fn g4_an_export_is_of_one_instant_whatever_is_counted_meanwhile() {
    let (treasury, march) = (Treasury::new(), month("2026-03"));
    treasury.at(march.begin());
    treasury.calls(5, 0);
    let export =
        treasury.finance.export(&li(), wanted(Set::Usage, Some(march), Format::Csv)).expect("exports");
    treasury.calls(7, 1);
    let now = treasury.finance.export(&li(), wanted(Set::Usage, Some(march), Format::Csv)).expect("exports");
    let mut file = Vec::new();
    assert_eq!(&export.write(&mut file).expect("writes"), export.totals());
    assert_eq!((total(export.totals(), "sum_calls"), total(now.totals(), "sum_calls")), ("5", "13"));
}

#[test]
fn a3_g4_exports_are_for_finance_and_the_auditor_and_put_on_record() {
    let (treasury, february) = (Treasury::new(), month("2026-02"));
    let finance = &treasury.finance;
    let asked = |who: &Caller, set, period| finance.export(who, wanted(set, period, Format::Csv)).map(drop);
    for who in [by("wu"), by("sun"), by("zheng")] {
        assert_eq!(code(asked(&who, Set::Usage, Some(february))), Code::C1104);
    }
    assert_eq!(code(asked(&li(), Set::Usage, None)), Code::C1001);
    assert_eq!(code(asked(&li(), Set::Permitted, Some(february))), Code::C1001);
    asked(&li(), Set::Ledger, None).expect("the ledger may be had whole");
    let export = finance.export(&li(), wanted(Set::Lines, Some(february), Format::Csv)).expect("exports");
    let kept = || treasury.town.plane.log.kept.lock().expect("answers").len();
    let before = kept();
    finance.exported(&li(), &export).expect("goes on record");
    assert_eq!(kept(), before + 1);
    assert_eq!(code(finance.exported(&by("wu"), &export)), Code::C1104);
}

#[test]
fn g2_g3_papers_and_charts_show_what_the_books_hold() {
    let (treasury, february) = closed();
    let finance = &treasury.finance;
    let statement =
        finance.statement_paper(&by("wu"), "JS-2026-02-bank", None).expect("a unit prints its own");
    // What was handed out is printed again in the form it had.
    let form = |form| finance.statement_paper(&by("wu"), "JS-2026-02-bank", Some(form)).expect("a form");
    assert!(form(1).contains("99.90"), "the first form");
    assert_eq!(form(FORM), statement);
    assert_eq!(code(finance.statement_paper(&by("wu"), "JS-2026-02-bank", Some(0))), Code::C1001);
    assert_eq!(code(finance.bill_paper(&by("sun"), "FP-2026-02-yunze-data", Some(99))), Code::C1001);
    for part in ["99.90", "94.25", "人民币玖拾玖元玖角", "企业"] {
        assert!(statement.contains(part), "{part}");
    }
    assert!(!statement.contains("视为确认"), "silence is not taken for consent");
    assert_eq!(code(finance.statement_paper(&by("he"), "JS-2026-02-bank", None)), Code::C1003);
    let bill = finance.bill_paper(&by("sun"), "FP-2026-02-yunze-data", None).expect("a party prints its own");
    assert!(bill.contains("69.93") && bill.contains("70.00%"));
    assert_eq!(code(finance.bill_paper(&by("sun"), "FP-2026-02-data-bureau", None)), Code::C1003);
    assert_eq!(code(finance.bill(&by("wu"), "FP-2026-02-yunze-data")), Code::C1104);
    let (_, view) = finance.bill(&by("sun"), "FP-2026-02-yunze-data").expect("a party reads its own");
    assert_eq!(view.units, [Some(id("bank"))], "whose calls its shares are of");
    let chart = |who: &Caller, chart: Chart| finance.chart(who, &chart, Lang::Zh);
    let revenue = chart(&by("zheng"), Chart::Revenue(id("yunze-2026"))).expect("pricing looks");
    assert!(revenue.contains("99.9") && revenue.contains("2026-02") && revenue.starts_with("<svg"));
    assert!(chart(&li(), Chart::Shares(february)).expect("finance looks").contains("69.93"));
    assert!(chart(&li(), Chart::Usage(february)).expect("finance looks").contains("373"));
    assert_eq!(code(chart(&li(), Chart::Revenue(id("nobody")))), Code::C1003);
    assert_eq!(code(chart(&by("wu"), Chart::Usage(february))), Code::C1104);
}

/// What is made of a closed month is made again as it was, whatever is called otherwise since.
#[test]
fn g3_g4_papers_and_exports_of_a_closed_month_stay_as_they_were_handed_out() {
    let (treasury, february) = closed();
    let finance = &treasury.finance;
    let made = || {
        let focus = finance.export(&li(), wanted(Set::Focus, Some(february), Format::Csv)).expect("exports");
        (
            finance.statement_paper(&by("wu"), "JS-2026-02-bank", None).expect("prints"),
            finance.bill_paper(&by("sun"), "FP-2026-02-yunze-data", None).expect("prints"),
            focus.totals().digest(),
        )
    };
    let before = made();
    treasury.at(month("2026-06").begin());
    for (organisation, name) in [("yunze-bank", "东海商业银行股份有限公司"), ("yunze-data", "北辰信息集团")]
    {
        let mut spec = shuzha_testkit_control::example("Organisation", organisation);
        spec["name"] = json!(name);
        treasury.town.put("wang", "Organisation", organisation, &spec).expect("is called otherwise");
    }
    assert_eq!(made(), before);
}
