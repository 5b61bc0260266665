//! A month computed by hand agrees to the 分.

use super::*;

const REFERENCE: &str = include_str!("../../../testdata/reference-month.tsv");

fn rows_of(kind: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    REFERENCE
        .lines()
        .map(|text| text.split('\t').collect::<Vec<_>>())
        .filter(move |cells| cells[0] == kind)
        .map(|cells| cells[1..].to_vec())
}

fn basis(name: &str) -> Basis {
    Basis::ALL.into_iter().find(|basis| basis.as_str() == name).unwrap()
}

fn usage(kind: &'static str) -> Vec<Row> {
    rows_of(kind)
        .map(|cells| {
            let line = line(cells[0], cells[1], cells[2], basis(cells[3]));
            row(line, month(cells[4]).begin(), cells[5].parse().unwrap(), yuan(cells[6]))
        })
        .collect()
}

fn closed(period: &str, rows: &[Row], before: &Before) -> Closing {
    let (trees, terms) = (BTreeMap::new(), terms());
    close(&Input { month: month(period), rows, before, trees: &trees, corrections: &[], terms: &terms })
        .unwrap()
}

/// The reference month, closed.
pub(in crate::closing) fn january() -> Closing {
    closed("2026-01", &usage("row"), &Before::new())
}

fn check_lines(closing: &Closing, kind: &'static str) {
    let expected: Vec<_> = rows_of(kind).collect();
    assert_eq!(closing.lines.len(), expected.len());
    for cells in expected {
        let found = closing.lines.iter().find(|one| {
            let line = &one.line;
            (line.unit.as_str(), line.product.as_str(), line.basis) == (cells[0], cells[1], basis(cells[2]))
                && one.month == month(cells[3])
        });
        let one = found.unwrap_or_else(|| panic!("no line {cells:?}"));
        let figures = [one.exact, one.adjustment, one.notional];
        assert_eq!(figures, [cells[4], cells[5], cells[6]].map(yuan), "{cells:?}");
        let fen = [one.taxed.gross, one.taxed.net, one.taxed.tax];
        assert_eq!(fen, [cells[7], cells[8], cells[9]].map(|text| text.parse().unwrap()), "{cells:?}");
        assert_eq!(one.residue, yuan(cells[10]), "{cells:?}");
    }
}

#[test]
fn g3_the_reference_month_agrees_to_the_fen() {
    let closing = january();
    check_lines(&closing, "line");
    let statements = closing.statements.iter().map(|one| {
        let Taxed { gross, net, tax } = one.taxed;
        (one.unit.to_string(), [gross, net, tax])
    });
    let fen = |text: &str| text.parse::<Fen>().unwrap();
    let expected = rows_of("statement")
        .map(|cells| (cells[0].to_owned(), [fen(cells[1]), fen(cells[2]), fen(cells[3])]));
    assert_eq!(statements.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert_eq!(closing.shares.len(), rows_of("share").count());
    for cells in rows_of("share") {
        let found = closing.shares.iter().find(|one| {
            (one.party.as_str(), one.agreement.as_str(), one.product.as_str())
                == (cells[0], cells[1], cells[2])
        });
        assert_eq!(found.map(|one| one.amount), Some(fen(cells[3])), "{cells:?}");
    }
    let bills = closing.bills.iter().map(|bill| (bill.party.to_string(), bill.amount));
    let expected = rows_of("bill").map(|cells| (cells[0].to_owned(), fen(cells[1])));
    assert_eq!(bills.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let revenue = rows_of("revenue").map(|cells| (id(cells[0]), yuan(cells[1])));
    assert_eq!(closing.revenue, revenue.collect());
    let expected = rows_of("balance").map(|cells| (cells[0].to_owned(), yuan(cells[1])));
    assert_eq!(balances(&closing.transactions), expected.collect());
}

#[test]
fn g3_late_calls_go_on_where_their_month_ended_and_name_it() {
    let january = closed("2026-01", &usage("row"), &Before::new());
    let before = after(Before::new(), &january);
    let february = closed("2026-02", &usage("late"), &before);
    check_lines(&february, "late-line");
}

#[test]
fn g3_every_reason_not_to_close_is_named() {
    let mut terms = terms();
    let (trees, before) = (BTreeMap::new(), Before::new());
    let at = month("2026-01").begin();
    let mut unknown = line("bank-a", "agr-bank", "credit-score", Basis::Price);
    unknown.price = id("nobody");
    let dear = line("bank-a", "agr-bank", "census-report", Basis::Price);
    let rows = [
        row(unknown, at, 1, MicroYuan::ZERO),
        row(line("bank-a", "agr-none", "credit-score", Basis::Price), at, 1, MicroYuan::ZERO),
        row(line("bank-a", "agr-ins", "credit-score", Basis::Price), at, 1, MicroYuan::ZERO),
        row(dear.clone(), at, 1, MicroYuan::ZERO),
        row(
            line("bank-a", "agr-bank", "person-check", Basis::Price),
            month("2026-02").begin(),
            1,
            yuan("400"),
        ),
    ];
    let ceiling = crate::Ceiling {
        id: id("low"),
        act: "1号".to_owned(),
        product: id("census-report"),
        per_call_max: yuan("45"),
        annual_max: None,
        effective: Effective::of_dates("2026-01-01", None).unwrap(),
    };
    let prices = |product: &str| terms.book.prices(product).to_vec();
    let all = ["credit-score", "census-report", "person-check"].map(prices).concat();
    terms.book = PriceBook::build(all, vec![ceiling]).unwrap();
    terms.operators.remove("person-check");
    let faults = |terms: &Terms| {
        close(&Input {
            month: month("2026-01"),
            rows: &rows,
            before: &before,
            trees: &trees,
            corrections: &[],
            terms,
        })
        .unwrap_err()
    };
    let found = faults(&terms);
    for expected in [
        CloseFault::Price(id("nobody"), id("credit-score")),
        CloseFault::AboveCeiling(dear.price, id("low"), Hour::of(at)),
        CloseFault::Operator(id("person-check")),
        CloseFault::Future(month("2026-02")),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    let rows = &rows[1..3];
    let input = Input {
        month: month("2026-01"),
        rows,
        before: &before,
        trees: &trees,
        corrections: &[],
        terms: &terms,
    };
    let expected =
        [CloseFault::Split(id("agr-none")), CloseFault::Contribution(id("agr-ins"), id("credit-score"))];
    assert_eq!(close(&input).unwrap_err(), expected);
    let untaxed = Terms { vat: VatRates::default(), ..terms.clone() };
    let input = Input { terms: &untaxed, ..input };
    assert_eq!(close(&input).unwrap_err(), [CloseFault::Vat(month("2026-01"))]);
}
