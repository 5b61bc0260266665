//! A closed month, small enough to add up by hand.

use std::collections::BTreeMap;

use shuzha_core::{Id, MicroYuan, PurposeClass};
use shuzha_pricing::closing::{CallTree, Closing, RatedLine, Share, ShareBill, Statement};
use shuzha_pricing::metering::Line;
use shuzha_pricing::vat::Taxed;
use shuzha_pricing::{Basis, Fen};

pub(crate) fn id(name: &str) -> Id {
    Id::new(name).unwrap()
}

pub(crate) fn line(product: &str, basis: Basis, month: &str, quantity: u64, gross: i64) -> RatedLine {
    let seq = 10_000;
    let line = Line {
        unit: id("bank-a"),
        agreement: id("xy-2026-003"),
        scenario: id("loan-review"),
        product: id(product),
        price: id("p1"),
        purpose: PurposeClass::Industry,
        basis,
    };
    RatedLine {
        calls: quantity,
        quantity,
        exact: MicroYuan::from_micros(gross * 10_000),
        taxed: Taxed::inclusive(Fen::new(gross), 600),
        vat_parts: 600,
        act: "烟发改价格〔2026〕12号".to_owned(),
        first_seq: seq,
        last_seq: seq + quantity,
        ..RatedLine::of(line, month.parse().unwrap())
    }
}

pub(crate) fn closing(lines: Vec<RatedLine>) -> Closing {
    let sum = |part: fn(&Taxed) -> Fen| Fen::new(lines.iter().map(|line| part(&line.taxed).count()).sum());
    let taxed =
        Taxed { gross: sum(|taxed| taxed.gross), net: sum(|taxed| taxed.net), tax: sum(|taxed| taxed.tax) };
    let tree = CallTree { root: [0xa7; 32], size: 168_300, first_seq: 10_000, last_seq: 412_345 };
    let share = |product: &str, weight, amount| Share {
        party: id("gjj-center"),
        agreement: id("xy-2026-003"),
        product: id(product),
        base: Fen::new(471_698),
        weight,
        whole: 10_000,
        amount: Fen::new(amount),
    };
    let shares = vec![share("credit-score", 4_000, 188_679), share("person-check", 3_333, 157_217)];
    Closing {
        month: "2026-08".parse().unwrap(),
        statements: vec![Statement {
            number: "JS-2026-08-bank-a".to_owned(),
            unit: id("bank-a"),
            taxed,
            lines: 0..lines.len(),
            tree: Some(tree),
        }],
        lines,
        bills: vec![ShareBill {
            number: "FP-2026-08-gjj-center".to_owned(),
            party: id("gjj-center"),
            amount: Fen::new(345_896),
            shares: 0..2,
        }],
        shares,
        contributions: vec![],
        revenue: BTreeMap::new(),
        transactions: vec![],
        digest: [0x3c; 32],
    }
}

pub(crate) fn august() -> Closing {
    closing(vec![
        line("credit-score", Basis::Price, "2026-08", 100_000, 500_000),
        line("person-check", Basis::Preferred, "2026-08", 55_000, 368_500),
        line("person-check", Basis::FreeOutcome, "2026-08", 1_200, 0),
        line("company-check", Basis::FreePurpose, "2026-08", 12_000, 0),
        line("credit-score", Basis::Price, "2026-07", 100, -1_500),
    ])
}
