//! What the books promise: every record counts once, a close is whole or not at all, nothing closed or posted changes.

mod chain;
mod closes;
mod line_corrections;
mod metering;
mod shards;

use std::collections::BTreeMap;
use std::time::Duration;

use shuzha_core::{Code, Id, MicroYuan, Timestamp};
use shuzha_evidence::{Call, Decision, Entry, Terms};
use shuzha_journal::{Position, RawRecord};
use shuzha_pricing::closing::{Closing, Terms as Rules, close};
use shuzha_pricing::split::{Base, Split};
use shuzha_pricing::vat::{VatRate, VatRates};
use shuzha_pricing::{Effective, Month, Price, PriceBook};

use super::*;
use crate::reduce::tests as entries;

/// The month the calls of these tests are made in; they begin half-way through it.
const MONTH: &str = "2023-11";
const GRACE: Duration = Duration::from_hours(48);
const UNITS: [&str; 3] = ["bank-a", "insurer-b", "lender-c"];

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

/// The answer to a call of a unit, `minute` minutes after the first.
fn answer(unit: usize, minute: i64, fen: i64) -> Call<'static> {
    Call {
        received: entries::at(minute * 60_000_000),
        amount: MicroYuan::from_micros(fen * 10_000),
        terms: Terms { unit: UNITS[unit], price: "price-1", ..entries::terms(UNITS[unit]) },
        ..entries::call(1, Decision::Answered)
    }
}

fn record(seq: u64, entry: &Entry<'_>) -> RawRecord {
    let mut bytes = Vec::new();
    entry.encode_into(&mut bytes).unwrap();
    RawRecord { position: Position { epoch: 1, seq }, bytes: bytes.into() }
}

fn records(calls: &[Call<'static>], first: u64) -> Vec<RawRecord> {
    let numbered = calls.iter().zip(first..);
    numbered.map(|(call, seq)| record(seq, &Entry::Call(Box::new(call.clone())))).collect()
}

fn gather(books: &Books, records: &[RawRecord]) -> Result<(), BooksError> {
    let mut gathered = books.gathering()?;
    records.iter().try_for_each(|record| gathered.add(record))?;
    books.gather(gathered)
}

/// One call at 0.67 元, shared 70 : 30.
fn rules() -> Rules {
    let always = Effective::of_dates("2020-01-01", None).unwrap();
    let each = MicroYuan::from_micros(670_000);
    let price = Price::per_call(id("price-1"), "1号".to_owned(), id("report"), each, always);
    let vat = VatRate { parts: 600, source: "增值税法".to_owned(), effective: always };
    let split = Split::new(Base::Net, [(id("bureau"), 3_000), (id("operator"), 7_000)], 0).unwrap();
    Rules {
        book: PriceBook::build(vec![price], vec![]).unwrap(),
        vat: VatRates::new(vec![vat]).unwrap(),
        splits: BTreeMap::from([(id("agreement-1"), split)]),
        sources: BTreeMap::new(),
        operators: BTreeMap::from([(id("report"), id("operator"))]),
        ..Rules::default()
    }
}

fn worked_out(books: &Books, month: Month) -> (Closing, Stand) {
    let from = books.gatherings(month).unwrap();
    let rules = rules();
    let input = from.input(month, &rules);
    (close(&input).unwrap(), from.stand)
}

/// A day on which the month may be closed.
fn after(month: Month) -> Timestamp {
    month.end().plus(GRACE).plus(Duration::from_hours(1))
}

/// Closes a month by two persons.
fn close_month(books: &Books, month: Month) -> Period {
    books.soft_close(month, &id("li"), month.end()).unwrap();
    let (closing, reached) = worked_out(books, month);
    books.close(&closing, reached, (&id("wang"), after(month), GRACE)).unwrap()
}

fn refused<T: std::fmt::Debug>(result: Result<T, BooksError>) -> Code {
    result.expect_err("refused").code()
}
