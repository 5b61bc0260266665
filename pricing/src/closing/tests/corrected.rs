//! A line that was charged above a ceiling, and the correction that brings it under.

use super::*;
use crate::Ceiling;

/// One price of 0.30, under a ceiling of 0.50 that was lowered to 0.20 on the 15th.
fn lowered() -> Terms {
    let ceiling = |name: &str, most: &str, from: &str, until: Option<&str>| Ceiling {
        id: id(name),
        act: "1号".to_owned(),
        product: id("company-check"),
        per_call_max: yuan(most),
        annual_max: None,
        effective: Effective::of_dates(from, until).unwrap(),
    };
    let always = Effective::of_dates("2025-01-01", None).unwrap();
    let price = Price::per_call(id("p0"), "2号".to_owned(), id("company-check"), yuan("0.30"), always);
    let ceilings = vec![
        ceiling("high", "0.50", "2025-01-01", Some("2026-01-15")),
        ceiling("low", "0.20", "2026-01-15", None),
    ];
    Terms { book: PriceBook::build(vec![price], ceilings).unwrap(), ..terms() }
}

fn closed(corrections: &[Correction]) -> Result<Closing, Vec<CloseFault>> {
    let (before, trees, terms) = (Before::new(), BTreeMap::new(), lowered());
    let line = Line { price: id("p0"), ..line("bank", "agr-bank", "company-check", Basis::Price) };
    let at = |day: &str| Effective::of_dates(day, None).unwrap().from();
    // 10 calls while 0.50 was permitted, 10 when 0.20 was.
    let rows =
        [row(line.clone(), at("2026-01-10"), 10, yuan("3")), row(line, at("2026-01-20"), 10, yuan("3"))];
    let month = month("2026-01");
    close(&Input { month, rows: &rows, before: &before, trees: &trees, corrections, terms: &terms })
}

fn correction(exact: &str) -> Correction {
    let line = Line { price: id("p0"), ..line("bank", "agr-bank", "company-check", Basis::Price) };
    let act = "更正1：超过上限".to_owned();
    Correction { line, month: month("2026-01"), exact: yuan(exact), notional: MicroYuan::ZERO, act }
}

#[test]
fn f2_a_line_above_its_ceiling_keeps_a_month_open_until_it_is_corrected() {
    let is_above = |closed: Result<Closing, Vec<CloseFault>>| {
        matches!(closed.unwrap_err().as_slice(), [CloseFault::AboveCeiling(..)])
    };
    // 6.00 is charged, and even so under 10 × 0.50 + 10 × 0.20: it is the price that is above, not the sum.
    assert!(is_above(closed(&[])));
    let up = closed(&[correction("1.01")]);
    assert!(is_above(up), "the sum would be above as well");
    let closing = closed(&[correction("-1")]).unwrap();
    assert_eq!(closing.statements[0].taxed.gross.to_string(), "5.00");
    let sum: i64 =
        closing.transactions.iter().flat_map(|one| &one.entries).map(|one| one.amount.micros()).sum();
    assert_eq!(sum, 0);
    // Of another line, it lifts nothing.
    let mut other = correction("-1");
    other.line.scenario = id("other");
    assert!(is_above(closed(&[other])));
}
