//! Laws of a close over random months.

use proptest::prelude::*;

use super::*;
use crate::metering::{Rollup, Use};
use crate::money::InFen as _;

fn fen(all: impl IntoIterator<Item = Fen>) -> Result<Fen, Overflow> {
    all.into_iter().try_fold(Fen::ZERO, |sum, one| sum.plus(one))
}

const PRODUCTS: [&str; 6] =
    ["credit-score", "company-check", "person-check", "census-report", "company-profile", "address-check"];
const UNITS: [(&str, &str); 3] =
    [("bank-a", "agr-bank"), ("insurer-b", "agr-bank"), ("broker-c", "agr-bank")];

/// Calls of a unit for a product, by the hour of the month they are made in.
type Call = (usize, usize, i64, bool);

fn any_calls() -> impl Strategy<Value = Vec<Call>> {
    prop::collection::vec((0..UNITS.len(), 0..PRODUCTS.len(), 0_i64..700, any::<bool>()), 1..400)
}

/// The calls in their order as the gate charges them: each what the price's running sum grows by.
fn charged(calls: &[Call], begin: Timestamp) -> Vec<Use<'static>> {
    let book = Box::leak(Box::new(book()));
    let mut counts = BTreeMap::new();
    let mut charge = |seq: usize, &(unit, product, hour, free): &Call| {
        let price = &book.prices(PRODUCTS[product])[0];
        let count: &mut u64 = counts.entry((unit, product)).or_default();
        let mut amount = MicroYuan::ZERO;
        if !free {
            let before = price.running(*count, true, false).unwrap();
            *count += 1;
            amount = price.running(*count, true, false).unwrap().checked_sub(before).unwrap();
        }
        Use {
            at: Timestamp::from_micros(begin.micros() + hour * 3_600_000_000),
            unit: UNITS[unit].0,
            agreement: UNITS[unit].1,
            scenario: "credit",
            product: PRODUCTS[product],
            operation: "query",
            price: price.id.as_str(),
            purpose: PurposeClass::Industry,
            basis: if free { Basis::FreeOutcome } else { Basis::Price },
            quantity: 1,
            amount,
            seq: seq as u64 + 1,
        }
    };
    calls.iter().enumerate().map(|(seq, call)| charge(seq, call)).collect()
}

fn rows(uses: &[Use<'_>], shards: usize) -> Vec<Row> {
    let mut parts = vec![Rollup::default(); shards];
    for (at, one) in uses.iter().enumerate() {
        parts[at % shards].add(one).unwrap();
    }
    let mut whole = Rollup::default();
    parts.into_iter().rev().for_each(|part| whole.merge(part).unwrap());
    whole.into_rows()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn g3_a_close_adds_up_and_is_the_same_on_any_number_of_shards(calls in any_calls()) {
        let (period, terms, trees, before) = (month("2026-03"), terms(), BTreeMap::new(), Before::new());
        let uses = charged(&calls, period.begin());
        let whole = rows(&uses, 1);
        let closing = close(&Input { month: period, rows: &whole, before: &before, trees: &trees, corrections: &[], terms: &terms }).unwrap();
        for shards in [2, 8] {
            let sharded = rows(&uses, shards);
            let again = close(&Input { rows: &sharded, month: period, before: &before, trees: &trees, corrections: &[], terms: &terms });
            prop_assert_eq!(again.unwrap().digest, closing.digest);
        }
        // Every call is on a line, and only volume tiers adjust what the gate charged, downwards.
        prop_assert_eq!(closing.lines.iter().map(|line| line.calls).sum::<u64>(), calls.len() as u64);
        for line in &closing.lines {
            let volume = line.line.product.as_str() == "census-report";
            prop_assert!(line.adjustment == MicroYuan::ZERO || (volume && line.adjustment < MicroYuan::ZERO));
            prop_assert_eq!(line.taxed.net.plus(line.taxed.tax), Ok(line.taxed.gross));
        }
        // Statements and share bills are sums; all that is taken is shared.
        let gross = fen(closing.statements.iter().map(|one| one.taxed.gross)).unwrap();
        prop_assert_eq!(fen(closing.lines.iter().map(|one| one.taxed.gross)).unwrap(), gross);
        prop_assert_eq!(fen(closing.bills.iter().map(|one| one.amount)).unwrap(), gross);
        prop_assert_eq!(fen(closing.shares.iter().map(|one| one.amount)).unwrap(), gross);
        // The ledger: nothing in sum, nothing left unbilled, the residue within half a 分 a line.
        let balances = balances(&closing.transactions);
        prop_assert_eq!(balances.values().map(|one| one.micros()).sum::<i64>(), 0);
        prop_assert!(balances.keys().all(|account| !account.starts_with("1124U")));
        let residue = balances.get("6711R").map_or(0, |one| one.micros());
        prop_assert!(residue.abs() <= 5_000 * closing.lines.len() as i64);
        let revenue = closing.revenue.values().map(|one| one.micros()).sum::<i64>();
        prop_assert_eq!(revenue - residue, gross.exact().unwrap().micros());
    }

    /// R12: a month closed in two parts, the second late, is in sum what it is closed in one: exactly, and to the 分 but for
    /// the one rounding that each line has.
    #[test]
    fn g3_late_calls_come_to_what_they_would_have_come_to(calls in any_calls(), cut in 0_usize..400) {
        let (terms, trees) = (terms(), BTreeMap::new());
        let (first, second) = (month("2026-03"), month("2026-04"));
        let uses = charged(&calls, first.begin());
        let (early, late) = uses.split_at(cut.min(uses.len()));
        let closed = |period, uses: &[Use<'_>], before: &Before| {
            let rows = rows(uses, 1);
            close(&Input { month: period, rows: &rows, before, trees: &trees, corrections: &[], terms: &terms }).unwrap()
        };
        let whole = closed(first, &uses, &Before::new());
        let part = closed(first, early, &Before::new());
        let rest = closed(second, late, &after(Before::new(), &part));
        prop_assert!(rest.lines.iter().all(|line| line.month == first));
        let exact = |closing: &Closing| closing.lines.iter().map(|line| line.exact.micros()).sum::<i64>();
        prop_assert_eq!(exact(&part) + exact(&rest), exact(&whole));
        // Running it again over the same input posts the same keys: nothing new.
        let again = closed(second, late, &after(Before::new(), &part));
        prop_assert_eq!(again.digest, rest.digest);
    }
}
