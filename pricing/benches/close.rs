//! How fast money is counted: calls to roll-ups, the roll-ups of a month of a hundred million calls to statements, ten
//! million splits, a million rated lines against their ceiling. Every figure is printed after its result was checked.
//!
//! Run with `cargo bench -p shuzha-pricing --bench close`, optionally with counts:
//! `cargo bench -p shuzha-pricing --bench close -- calls=4000000 month=100000000 splits=10000000 lines=1000000`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use shuzha_core::{Fen, Id, MicroYuan, PurposeClass, Timestamp};
use shuzha_pricing::closing::{Before, Input, Terms, close};
use shuzha_pricing::form::{Tier, Tiers};
use shuzha_pricing::metering::{Dimensions, Line, Rollup, Row, Sums, Use};
use shuzha_pricing::split::{Base, Contributions, Split, largest_remainder};
use shuzha_pricing::vat::{VatRate, VatRates};
use shuzha_pricing::{Basis, Ceiling, Effective, Form, Hour, Month, Price, PriceBook};
use shuzha_testkit::Seeded;

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
        ..Terms::default()
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

/// What the issue asks for.
const ROLLUP_RATE_MIN: u128 = 500_000;
const CLOSE_MAX: Duration = Duration::from_mins(10);

/// A count by its name on the command line (`calls=1000`), or this one.
fn count(name: &str, otherwise: u64) -> u64 {
    let given = std::env::args().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
    given.unwrap_or(otherwise)
}

const fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// Machine, commit and configuration, so that figures can be compared.
fn whereabouts() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let commit = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
    let profile = if cfg!(debug_assertions) { "debug: figures mean nothing" } else { "optimised" };
    say(&format!(
        "machine:{} × {cores}; commit {commit}; {profile}",
        model.trim_start_matches([' ', '\t', ':'])
    ));
    say(&format!("configuration: {UNITS} units, {PRODUCTS} products, {HOURS} hours"));
}

fn rollups() {
    let all = count("calls", 4_000_000);
    let lines: Vec<Line> = (0..UNITS).map(|unit| line(unit, unit % PRODUCTS)).collect();
    let begin = month().begin().micros();
    let (rollup, taken) = timed(|| {
        let mut rollup = Rollup::default();
        for seq in 1..=all {
            let line =
                &lines[usize::try_from(seq.wrapping_mul(2_654_435_761) % 1_000_003).expect("small") % UNITS];
            let passed = i64::try_from(seq * 2_600_000_000_000 / all).expect("within the month");
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
    assert_eq!(rows.iter().map(|(_, sums)| sums.calls).sum::<u64>(), all);
    let rate = u128::from(all) * 1_000_000 / taken.as_micros().max(1);
    let met = verdict(rate >= ROLLUP_RATE_MIN);
    say(&format!(
        "roll-up: {all} calls into {} rows, {rate} calls/s on one core; aim {ROLLUP_RATE_MIN}: {met}",
        rows.len()
    ));
}

fn whole_month() {
    let terms = terms();
    let begin = Hour::of(month().begin()).number();
    let groups = UNITS * PRODUCTS * usize::try_from(HOURS).expect("small");
    let month_calls = count("month", 100_000_000);
    let calls = month_calls / u64::try_from(groups).expect("small") + 1;
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
    assert!(total >= month_calls);
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
    let met = verdict(taken <= CLOSE_MAX);
    say(&format!(
        "close: {total} calls in {} roll-ups to {UNITS} statements in {taken:?}; aim {CLOSE_MAX:?}: {met}",
        rows.len()
    ));
}

/// Random totals among random parts: nothing is lost, and nobody is a whole 分 from what is theirs.
fn splits() {
    let all = count("splits", 10_000_000);
    let mut weights: BTreeMap<Id, u128> = ["a", "b", "c", "d"].map(|name| (id(name), 0)).into();
    let rng = Seeded::new(88_172_645_463_325_252);
    let ((), taken) = timed(|| {
        for _ in 0..all {
            let drawn = rng.u64();
            let parts = weights.values_mut().zip([0, 16, 32, 48]);
            parts.for_each(|(weight, shift)| *weight = u128::from((drawn >> shift) % (1 << 16)));
            let whole: i128 = weights.values().map(|weight| i128::try_from(*weight).expect("small")).sum();
            if whole == 0 {
                continue;
            }
            let total = Fen::new(i64::try_from(rng.below(10_000_000_000)).expect("small") - 5_000_000_000);
            let shares = largest_remainder(total, &weights);
            assert_eq!(shares.values().map(|share| share.count()).sum::<i64>(), total.count(), "conserves");
            for (party, share) in &shares {
                let exact = i128::from(total.count()) * i128::try_from(weights[party]).expect("small");
                let off = i128::from(share.count()) * whole - exact;
                assert!(off.abs() < whole, "{party} is a whole 分 off");
            }
        }
    });
    say(&format!("splits: {all} conserve and are fair, in {taken:?}"));
}

fn lines_under_ceilings() {
    let all = count("lines", 1_000_000);
    let terms = terms();
    let (above, taken) = timed(|| {
        let above = |number: &u64| {
            let price = &terms.book.prices(&format!("product-{}", number % 20))[0];
            let calls = number.wrapping_mul(7_919) % 1_000_000;
            let most = yuan("0.08").checked_mul(calls).expect("in range");
            price.bill(calls, false, false).expect("in range") > most
        };
        (0..all).filter(above).count()
    });
    assert_eq!(above, 0, "no line is above its ceiling");
    say(&format!("rated lines: {all}, none above its ceiling, in {taken:?}"));
}

fn main() {
    whereabouts();
    rollups();
    whole_month();
    splits();
    lines_under_ceilings();
}
