//! The close of a month of a hundred million calls in the books as they are kept — a sealed SQLite file — beside the calls of the
//! next month, which the journal takes and the meter gathers meanwhile (R17, G3). As finance does it: catch up, gather, work out,
//! record the act durably, store. A close that is refused because calls came in meanwhile is tried again and counted.
//!
//! Run with `cargo bench -p shuzha-store --bench close`, optionally with the month's calls and those offered in a second:
//! `cargo bench -p shuzha-store --bench close -- calls=100000000 rate=2000`. What is measured is asserted: every call of the month is
//! on a line, the period is closed, the ledger sums to nothing, and every call of the next month is counted once. The roll-ups
//! are made in the file beforehand, not from records; terms are made by hand, not read from a register.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use shuzha_core::clock::ManualClock;
use shuzha_core::{Clock as _, Code, Id, IdRng, MicroYuan, PurposeClass, RequestId, Timestamp};
use shuzha_evidence::{Boot, Call, Decision, Entry, Outcome, Terms as CallTerms};
use shuzha_journal::Journal;
use shuzha_pricing::closing::{Closing, Terms, close};
use shuzha_pricing::form::{Tier, Tiers};
use shuzha_pricing::split::{Base, Contributions, Split};
use shuzha_pricing::vat::{VatRate, VatRates};
use shuzha_pricing::{Ceiling, Effective, Form, Hour, Month, Price, PriceBook};
use shuzha_store::ledger::{MeterHandle, MeterOptions, PeriodState};
use shuzha_store::{Books, SealKey, Sealable as _, dangerous_edit};

const UNITS: u64 = 200;
const PRODUCTS: u64 = 20;
const HOURS: u64 = 720;
const GRACE: Duration = Duration::from_hours(48);
/// What the issue asks for.
const CLOSE_MAX: Duration = Duration::from_mins(10);
/// How often a part of the next month's calls is offered.
const TICK: Duration = Duration::from_millis(5);

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
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

/// A count by its name on the command line (`calls=1000`), or this one.
fn count(name: &str, otherwise: u64) -> u64 {
    let given = std::env::args().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
    given.unwrap_or(otherwise)
}

/// Machine, commit and configuration, so that figures can be compared.
fn whereabouts(calls: u64, rate: u64) {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let commit = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let profile = if cfg!(debug_assertions) { "debug: figures mean nothing" } else { "optimised" };
    say(&format!(
        "machine:{} × {cores}; load {}; commit {commit}; {profile}",
        model.trim_start_matches([' ', '\t', ':']),
        load.split(' ').next().unwrap_or_default()
    ));
    say(&format!(
        "configuration: {calls} calls of {UNITS} units and {PRODUCTS} products in {} roll-ups; {rate} calls/s of the next month; \
         sealed database, synchronous=FULL",
        UNITS * PRODUCTS * HOURS
    ));
}

/// Half of the products by the call, half graduated; all under a ceiling.
fn terms() -> Terms {
    let always = Effective::of_dates("2025-01-01", None).expect("a date");
    let tier = |up_to, each| Tier { up_to, each: yuan(each) };
    let (mut prices, mut ceilings) = (Vec::new(), Vec::new());
    for at in 0..PRODUCTS {
        let product = id(&format!("product-{at}"));
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
    let products = || (0..PRODUCTS).map(|at| id(&format!("product-{at}")));
    Terms {
        book: PriceBook::build(prices, ceilings).expect("stands"),
        vat: VatRates::new(vec![vat]).expect("stands"),
        splits: (0..UNITS).map(|at| (id(&format!("agreement-{at}")), split.clone())).collect(),
        sources: products().map(|product| (product, sources.clone())).collect(),
        operators: products().map(|product| (product, id("operator"))).collect(),
        ..Terms::default()
    }
}

/// Fills the file with a month's roll-ups and the trees over its calls; `each` calls in every roll-up.
fn fill(path: &Path, each: u64) {
    let (period, hour) = (month().index(), Hour::of(month().begin()).number());
    let size = PRODUCTS * HOURS * each;
    let upto = |name: &str, count: u64| {
        format!("{name}(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM {name} WHERE n < {})", count - 1)
    };
    let sql = format!(
        "WITH RECURSIVE {}, {}, {}
         INSERT INTO rollup SELECT {period}, 'unit-' || u.n, 'agreement-' || u.n, 'credit', 'product-' || p.n, 'p-' || p.n, 2, 0,
             {hour} + h.n, 'query', {each}, {each}, {each} * 67000, 1, 2 FROM u, p, h ORDER BY 2, 3, 4, 5, 6, 9;
         WITH RECURSIVE {}
         INSERT INTO call_tree SELECT {period}, 'unit-' || u.n, {size}, zeroblob({}), 1, 2 FROM u;",
        upto("u", UNITS),
        upto("p", PRODUCTS),
        upto("h", HOURS),
        upto("u", UNITS),
        32 * size.count_ones(),
    );
    dangerous_edit(path, &sql).expect("a database");
}

/// The number-th call of the next month.
fn call(number: u64, clock: &ManualClock) -> Entry<'static> {
    const UNIT: [&str; 4] = ["unit-0", "unit-1", "unit-2", "unit-3"];
    const AGREEMENT: [&str; 4] = ["agreement-0", "agreement-1", "agreement-2", "agreement-3"];
    let at = usize::try_from(number % 4).expect("small");
    Entry::Call(Box::new(Call {
        admitted_after: 120,
        sent_after: 140,
        answered_after: 2_400,
        terms: CallTerms {
            unit: UNIT[at],
            product: "product-0",
            operation: "query",
            scenario: "credit",
            grant: "grant",
            agreement: AGREEMENT[at],
            purpose: Some(PurposeClass::Industry),
            price: "p-0",
            ..CallTerms::default()
        },
        quantity: 1,
        amount: MicroYuan::from_micros(67_000),
        decision: Decision::Answered,
        outcome: Outcome::Charged,
        request_bytes: 300,
        response_bytes: 180,
        ..Call::of(RequestId::generate(clock, &IdRng), clock.now())
    }))
}

/// Calls of the next month, at a steady rate, each waited for until it is durable.
struct Traffic {
    stop: Arc<AtomicBool>,
    offering: std::thread::JoinHandle<u64>,
    waiting: std::thread::JoinHandle<Histogram<u64>>,
}

impl Traffic {
    fn begin(journal: &Journal, clock: &Arc<ManualClock>, rate: u64) -> Self {
        let (journal, clock, stop) = (journal.clone(), Arc::clone(clock), Arc::new(AtomicBool::new(false)));
        let (sender, receiver) = std::sync::mpsc::channel::<(Instant, shuzha_journal::Durable)>();
        let stopped = Arc::clone(&stop);
        let offering = std::thread::spawn(move || {
            let (begun, mut offered) = (now(), 0);
            while !stopped.load(Ordering::Relaxed) {
                let due = u64::try_from(begun.elapsed().as_micros()).expect("short") * rate / 1_000_000;
                while offered < due {
                    let durable = journal.append_durable(&call(offered, &clock)).expect("room in the queue");
                    sender.send((now(), durable)).expect("it listens");
                    offered += 1;
                }
                std::thread::sleep(TICK);
            }
            offered
        });
        let waiting = std::thread::spawn(move || {
            let mut waits = Histogram::<u64>::new(3).expect("three digits");
            for (begun, durable) in receiver {
                durable.wait().expect("a disk");
                waits.saturating_record(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            waits
        });
        Self { stop, offering, waiting }
    }

    fn end(self) -> (u64, Histogram<u64>) {
        self.stop.store(true, Ordering::Relaxed);
        (self.offering.join().expect("offers"), self.waiting.join().expect("waits"))
    }
}

/// How long each part of a close took.
#[derive(Default)]
struct Taken {
    catching_up: Duration,
    gathering: Duration,
    rating: Duration,
    storing: Duration,
}

/// Closes the month as finance does; answers the close, how often it was tried, and how long the parts of the last try took.
fn closed(
    (books, meter, journal): (&Books, &MeterHandle, &Journal),
    terms: &Terms,
    at: Timestamp,
) -> (Closing, u32, Taken) {
    for tries in 1.. {
        let mut taken = Taken::default();
        let timed = |part: &mut Duration, begun: Instant| *part = begun.elapsed();
        let begun = now();
        meter.catch_up().expect("gathers");
        timed(&mut taken.catching_up, begun);
        let begun = now();
        let from = books.gatherings(month()).expect("readable");
        timed(&mut taken.gathering, begun);
        let begun = now();
        let closing = close(&from.input(month(), terms)).expect("rated");
        timed(&mut taken.rating, begun);
        let begun = now();
        let act = Entry::Boot(Boot { at, node: "gate-1", version: "close" });
        journal.append_durable(&act).expect("serves").wait().expect("a disk");
        let stored = books.close(&closing, from.stand, (&id("wang"), at, GRACE));
        timed(&mut taken.storing, begun);
        match stored {
            Ok(period) => {
                assert_eq!((period.state, period.digest), (PeriodState::Closed, Some(closing.digest)));
                return (closing, tries, taken);
            }
            Err(error) => assert_eq!(error.code(), Code::C1606, "{error}"),
        }
    }
    unreachable!("it closes or fails")
}

fn main() {
    let (calls, rate) = (count("calls", 100_000_000), count("rate", 2_000));
    let each = calls.div_ceil(UNITS * PRODUCTS * HOURS);
    whereabouts(each * UNITS * PRODUCTS * HOURS, rate);
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("finance.db");
    let begun = now();
    drop(Books::open(&path).expect("opens"));
    fill(&path, each);
    let books = Books::dangerous_open_resealed(&path, &SealKey::new(&[7; 32])).expect("sealed");
    say(&format!(
        "made in {:?}, {} MiB",
        begun.elapsed(),
        std::fs::metadata(&path).map_or(0, |of| of.len() >> 20)
    ));

    let at = month().end().plus(GRACE).plus(Duration::from_hours(1));
    let clock = Arc::new(ManualClock::at(at));
    let options = shuzha_journal::Options::new(dir.path().join("journal"), id("gate-1"), "bench");
    let journal = Journal::open(options, Arc::clone(&clock) as _).expect("a journal");
    let meter = MeterOptions::default().build(books.clone(), journal.clone()).expect("in step");
    let handle = meter.handle();
    let gathering = std::thread::spawn(move || meter.run());
    books.soft_close(month(), &id("li"), month().end()).expect("the first person");
    let traffic = Traffic::begin(&journal, &clock, rate);
    std::thread::sleep(Duration::from_secs(3));

    let terms = terms();
    let begun = now();
    let (closing, tries, parts) = closed((&books, &handle, &journal), &terms, at);
    let taken = begun.elapsed();
    let behind = journal.durable_seq() - books.reached().expect("readable").seq;
    std::thread::sleep(Duration::from_secs(2));
    let (offered, waits) = traffic.end();

    assert_eq!(closing.statements.len() as u64, UNITS);
    let total: u64 = closing.lines.iter().map(|line| line.calls).sum();
    assert_eq!(total, each * UNITS * PRODUCTS * HOURS, "every call of the month is on a line");
    assert_eq!(books.trial_balance().expect("readable"), 0);
    handle.catch_up().expect("gathers");
    let next: BTreeMap<_, u64> = books
        .use_by_product(month().next())
        .expect("readable")
        .into_iter()
        .map(|(product, _, calls)| (product, calls))
        .collect();
    assert_eq!(next.values().sum::<u64>(), offered, "every call of the next month counts once");
    handle.drain();
    gathering.join().expect("ends").expect("gathers");
    journal.close();

    let met = if taken <= CLOSE_MAX && tries == 1 { "met" } else { "MISSED" };
    say(&format!(
        "close: {total} calls in {} roll-ups to {UNITS} statements in {taken:?}, try {tries}; aim {CLOSE_MAX:?}, first try: {met}",
        UNITS * PRODUCTS * HOURS
    ));
    let Taken { catching_up, gathering, rating, storing } = parts;
    say(&format!(
        "  catching up {catching_up:?}, gathering {gathering:?}, rating {rating:?}, storing {storing:?}"
    ));
    let ms = |quantile| Duration::from_micros(waits.value_at_quantile(quantile));
    say(&format!(
        "beside it {offered} calls of the next month, durable after {:?} (p50), {:?} (p99), {:?} at most; {behind} records not yet in the \
         books at the end of the close",
        ms(0.5),
        ms(0.99),
        ms(1.0)
    ));
}
