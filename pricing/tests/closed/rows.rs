//! The rows of every set, of the month that is closed here.

use std::convert::Infallible;
use std::ops::ControlFlow;

use shuzha_core::{Lang, MicroYuan, Timestamp};
use shuzha_pricing::Fen;
use shuzha_pricing::closing::{Assessment, Closing, Contribution, Quality};
use shuzha_pricing::export::sets::{
    ContributionRow, FocusPart, FocusRow, LedgerRow, LineRow, PermittedRow, ShareRow, StatementRow,
};
use shuzha_pricing::export::{Format, Job, Record, Set, export};
use shuzha_pricing::ledger::{Account, Chart, Template, Transaction};
use shuzha_pricing::metering::{self, Dimensions, Sums};
use shuzha_pricing::permitted::PermittedRevenue;

use crate::month::id;

/// A file of these rows.
fn written<R: Record>(format: Format, rows: impl IntoIterator<Item = R>) -> Vec<u8> {
    let job = Job { format, lang: Lang::Zh, period: "2026-08" };
    let rows = rows.into_iter().map(Ok::<_, Infallible>);
    let mut file = Vec::new();
    export(&job, rows, &mut file, &mut |_| ControlFlow::Continue(())).unwrap();
    file
}

/// A payment, for the ledger.
pub(crate) fn payment() -> Transaction {
    Transaction::simple(
        (Template::Pay, "pay/1".to_owned(), "2026-08".parse().unwrap()),
        "=收款".to_owned(),
        (Account::new(Chart::Bank, &[]), Account::new(Chart::Receivable, &[&id("bank-a")])),
        Fen::new(867_000),
    )
    .unwrap()
}

/// An hour's calls.
pub(crate) fn usage(closing: &Closing) -> metering::Row {
    let line = closing.lines[0].line.clone();
    let hour = shuzha_pricing::Hour::of(closing.month.begin());
    let sums =
        Sums { calls: 3, quantity: 4, amount: MicroYuan::from_micros(200_000), first_seq: 8, last_seq: 11 };
    (Dimensions { line, hour, operation: id("score") }, sums)
}

/// What a provider's data did.
pub(crate) fn contribution() -> Contribution {
    Contribution {
        party: id("gjj-center"),
        product: id("person-check"),
        calls: 56_200,
        records: 112_400,
        charged: 55_000,
        revenue: Fen::new(368_500),
        notional: MicroYuan::from_micros(8_040_000),
        share: Fen::new(157_217),
        assessment: Some(Assessment { units: 3, scenarios: 4, quality: Quality { tickets: 2, faults: 1 } }),
    }
}

/// A year's permitted revenue.
pub(crate) fn permitted() -> PermittedRevenue {
    PermittedRevenue {
        id: id("r-2026"),
        act: "烟发改价格〔2026〕1号".to_owned(),
        operator: id("yantai-data"),
        amount: MicroYuan::from_micros(1_000_000_000),
        carried: MicroYuan::from_micros(100_000_000),
        cycle: shuzha_pricing::Effective::of_dates("2026-01-01", Some("2027-01-01")).unwrap(),
    }
}

/// A set's file, as this software writes it.
pub(crate) fn file(set: Set, format: Format, closing: &Closing) -> Vec<u8> {
    let (period, statement) = (closing.month, closing.statements[0].number.as_str());
    let of_line = closing.lines.iter().map(|line| LineRow { period, statement, line });
    match set {
        Set::Usage => written(format, [usage(closing)]),
        Set::Lines => written(format, of_line),
        Set::Ledger => written(format, LedgerRow::of(17, Timestamp::from_seconds(1_788_000_000), payment())),
        Set::Statements => {
            written(format, [StatementRow { period, statement: &closing.statements[0], state: "issued" }])
        }
        Set::Shares => {
            let bill = &closing.bills[0];
            written(format, closing.shares.iter().map(|share| ShareRow { period, bill, share }))
        }
        Set::Contributions => written(format, [ContributionRow { period, contribution: &contribution() }]),
        Set::Permitted => {
            let (permitted, taken) = (permitted(), MicroYuan::from_micros(900_000_000));
            let level = permitted.level(taken, period.begin()).unwrap();
            written(format, [PermittedRow { permitted: &permitted, taken, level }])
        }
        Set::Focus => written(
            format,
            of_line.flat_map(|LineRow { period, statement, line }| {
                [FocusPart::Usage, FocusPart::Tax].map(|part| FocusRow {
                    period,
                    statement,
                    operator: "运营机构",
                    line,
                    part,
                })
            }),
        ),
    }
}
