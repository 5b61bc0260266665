//! How fast money is counted: calls to roll-ups, the roll-ups of a month of a hundred million calls to statements, ten
//! million splits, a million rated lines against their ceiling. Every figure is printed after its result was checked.
//!
//! Run with `cargo bench -p shuzha-pricing --bench close`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shuzha_core::{Fen, Id, MicroYuan, PurposeClass, Timestamp};
use shuzha_pricing::closing::{Before, Input, Terms, close};
use shuzha_pricing::form::{Tier, Tiers};
use shuzha_pricing::metering::{Dimensions, Line, Rollup, Row, Sums, Use};
use shuzha_pricing::split::{Base, Contributions, Split, largest_remainder};
use shuzha_pricing::vat::{VatRate, VatRates};
use shuzha_pricing::{Basis, Ceiling, Effective, Form, Hour, Month, Price, PriceBook};

const UNITS: usize = 200;
const PRODUCTS: usize = 20;
const HOURS: i64 = 720;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let done = work();
    (done, began.elapsed())
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn say(line: &str) {
    println!("{line}");
}

fn id(text: &str) -> Id {
    Id::new(text).expect("a name")
}

fn yuan(text: &str) -> MicroYuan {
    text.parse().expect("a sum")
}

fn month() -> Month {
    "2026-03".parse().expect("a month")
}

fn products() -> impl Iterator<Item = (usize, Id)> {
    (0..PRODUCTS).map(|at| (at, id(&format!("product-{at}"))))
}

/// Half of the products by the call, half graduated; all under a ceiling.
fn terms() -> Terms {
    let always = Effective::of_dates("2025-01-01", None).expect("a date");
    let tier = |up_to, each| Tier { up_to, each: yuan(each) };
    let (mut prices, mut ceilings) = (Vec::new(), Vec::new());
    for (at, product) in products() {
        let name = id(&format!("p-{at}"));
        let mut price = Price::per_call(name, "1号".into(), product.clone(), yuan("0.067"), always);
        if at % 2 == 1 {
            let tiers = Tiers::new(vec![tier(Some(10_000), "0.08"), tier(None, "0.05")]);
            price.tariff = Form::Graduated(tiers.expect("tiers")).into();
        }
        prices.push(price);
        let (act, per_call_max) = ("2号".into(), yuan("0.08"));
        let name = id(&format!("c-{at}"));
        ceilings.push(Ceiling { id: name, act, product, per_call_max, annual_max: None, effective: always });
    }
    let parties = [(id("provider"), 4_000), (id("operator"), 3_500), (id("platform"), 1_500)];
    let split = Split::new(Base::Net, parties, 1_000).expect("a whole");
    let sources = Contributions::from([(id("provider"), 2), (id("tax-bureau"), 1)]);
    let vat = VatRate { parts: 600, source: "增值税法".into(), effective: always };
    Terms {
        book: PriceBook::build(prices, ceilings).expect("stands"),
        vat: VatRates::new(vec![vat]).expect("stands"),
        splits: (0..UNITS).map(|at| (id(&format!("agreement-{at}")), split.clone())).collect(),
        sources: products().map(|(_, product)| (product, sources.clone())).collect(),
        operators: products().map(|(_, product)| (product, id("operator"))).collect(),
    }
}

fn line(unit: usize, product: usize) -> Line {
    Line {
        unit: id(&format!("unit-{unit}")),
        agreement: id(&format!("agreement-{unit}")),
        scenario: id("credit"),
        product: id(&format!("product-{product}")),
        price: id(&format!("p-{product}")),
        purpose: PurposeClass::Industry,
        basis: Basis::Price,
    }
}

fn rollups() {
    const CALLS: u64 = 4_000_000;
    let lines: Vec<Line> = (0..UNITS).map(|unit| line(unit, unit % PRODUCTS)).collect();
    let begin = month().begin().micros();
    let (rollup, taken) = timed(|| {
        let mut rollup = Rollup::default();
        for seq in 1..=CALLS {
            let line =
                &lines[usize::try_from(seq.wrapping_mul(2_654_435_761) % 1_000_003).expect("small") % UNITS];
            let passed = i64::try_from(seq * 2_600_000_000_000 / CALLS).expect("within the month");
            let call = Use {
                at: Timestamp::from_micros(begin + passed),
                unit: line.unit.as_str(),
                agreement: line.agreement.as_str(),
                scenario: line.scenario.as_str(),
                product: line.product.as_str(),
                operation: "query",
                price: line.price.as_str(),
                purpose: line.purpose,
                basis: line.basis,
                quantity: 1,
                amount: MicroYuan::from_micros(67_000),
                seq,
            };
            rollup.add(&call).expect("counts");
        }
        rollup
    });
    let rows = rollup.into_rows();
    assert_eq!(rows.iter().map(|(_, sums)| sums.calls).sum::<u64>(), CALLS);
    let rate = u128::from(CALLS) * 1_000_000 / taken.as_micros().max(1);
    say(&format!("roll-up: {CALLS} calls into {} rows, {rate} calls/s on one core", rows.len()));
}

fn whole_month() {
    let terms = terms();
    let begin = Hour::of(month().begin()).number();
    let groups = UNITS * PRODUCTS * usize::try_from(HOURS).expect("small");
    let calls = u64::try_from(100_000_000 / groups + 1).expect("small");
    let sums = Sums { calls, quantity: calls, amount: yuan("0.067"), first_seq: 1, last_seq: 2 };
    let mut rows: Vec<Row> = Vec::with_capacity(groups);
    for unit in 0..UNITS {
        for product in 0..PRODUCTS {
            let line = line(unit, product);
            let row = |hour| {
                let hour = Hour::new(begin + hour);
                (Dimensions { line: line.clone(), hour, operation: id("query") }, sums)
            };
            rows.extend((0..HOURS).map(row));
        }
    }
    let total: u64 = rows.iter().map(|(_, sums)| sums.calls).sum();
    assert!(total >= 100_000_000);
    let (before, trees) = (Before::new(), BTreeMap::new());
    let input = Input {
        month: month(),
        rows: &rows,
        before: &before,
        trees: &trees,
        corrections: &[],
        terms: &terms,
    };
    let (closing, taken) = timed(|| close(&input).expect("closes"));
    assert_eq!(closing.statements.len(), UNITS);
    assert_eq!(closing.lines.iter().map(|line| line.calls).sum::<u64>(), total);
    say(&format!("close: {total} calls in {} roll-ups to {UNITS} statements in {taken:?}", rows.len()));
}

fn splits() {
    const SPLITS: u32 = 10_000_000;
    let parts = [("a", 4_000), ("b", 3_333), ("c", 2_666), ("d", 1)];
    let weights: BTreeMap<Id, u128> = parts.map(|(name, weight)| (id(name), weight)).into();
    let mut state = 88_172_645_463_325_252_u64;
    let ((), taken) = timed(|| {
        for _ in 0..SPLITS {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let total = Fen::new(i64::try_from(state % 10_000_000_000).expect("small") - 5_000_000_000);
            let shares = largest_remainder(total, &weights);
            assert_eq!(shares.values().map(|share| share.count()).sum::<i64>(), total.count());
        }
    });
    say(&format!("splits: {SPLITS} conserved in {taken:?}"));
}

fn lines_under_ceilings() {
    const LINES: u64 = 1_000_000;
    let terms = terms();
    let (above, taken) = timed(|| {
        let above = |number: &u64| {
            let price = &terms.book.prices(&format!("product-{}", number % 20))[0];
            let calls = number.wrapping_mul(7_919) % 1_000_000;
            let most = yuan("0.08").checked_mul(calls).expect("in range");
            price.bill(calls, false, false).expect("in range") > most
        };
        (0..LINES).filter(above).count()
    });
    assert_eq!(above, 0, "no line is above its ceiling");
    say(&format!("rated lines: {LINES}, none above its ceiling, in {taken:?}"));
}

fn main() {
    rollups();
    whole_month();
    splits();
    lines_under_ceilings();
}
