//! Traces over many records: how fast they are indexed, how many bytes each takes, and how long a page of uses and the way back from
//! one call take (aim: one second each over 10 million). Databases and logs on disk. Asserts what it found.
//!
//! `SHUZHA_TRACES=10000000 cargo bench -p shuzha-store --bench traces`; 100,000 records where nothing is said. Needs about one
//! kilobyte of disk a record.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shuzha_core::clock::ManualClock;
use shuzha_core::{Clock as _, Id, IdRng, PurposeClass, RequestId, Timestamp};
use shuzha_evidence::log::SeedKeys;
use shuzha_evidence::{Call, Decision, Entry, Terms};
use shuzha_journal::Journal;
use shuzha_store::tiles::{self, Library};
use shuzha_store::traces::{Catalogue, Made, Of, Options, Query};
use shuzha_store::{StoreError, Traces};

/// Records where nothing is said.
const RECORDS: u64 = 100_000;
/// Units, products and data sets. Every product is made of four data sets, so a data set is in a fifth of them.
const UNITS: u64 = 200;
const PRODUCTS: u64 = 100;
const DATA_SETS: u64 = 20;
/// Questions of each kind.
const QUESTIONS: u64 = 500;
/// Uses of a page.
const PAGE: usize = 200;
const ORIGIN: &str = "log.example/gate-1";

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

struct Shelf;

impl Catalogue for Shelf {
    fn made(&self, product: &str) -> Result<Option<Made>, StoreError> {
        let number: u64 = product.trim_start_matches("product-").parse().unwrap_or(0);
        let set = |offset: u64| format!("data-{}", (number + offset * 5) % DATA_SETS);
        let data_sets = (0..4).map(|offset| (id(&set(offset)), id("bureau")));
        Ok(Some(Made { version: 1, operator: id("operating"), data_sets: data_sets.collect() }))
    }
}

fn id(text: &str) -> Id {
    Id::new(text).expect("a name")
}

/// Where the pseudo-random walk of units and products stands at `number`.
fn mixed(number: u64) -> u64 {
    (number ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 17
}

/// A journal of `records` calls, about four in a millisecond, and its log. Answers every `records / QUESTIONS`th request.
fn record(dir: &Path, records: u64, clock: &Arc<ManualClock>) -> (Journal, Library, Vec<RequestId>) {
    let options = shuzha_journal::Options::new(dir.join("journal"), id("gate-1"), "bench");
    let journal = Journal::open(options, clock.clone()).expect("a journal");
    let names = |of: &str, count| (0..count).map(|at| format!("{of}-{at}")).collect::<Vec<_>>();
    let (units, products) = (names("unit", UNITS), names("product", PRODUCTS));
    let mut sample = Vec::new();
    for number in 0..records {
        let (unit, product) = (mixed(number) % UNITS, mixed(number) / UNITS % PRODUCTS);
        let grant = format!("grant-{unit}-{product}");
        let terms = Terms {
            unit: &units[usize::try_from(unit).expect("small")],
            credential: "key-1",
            product: &products[usize::try_from(product).expect("small")],
            version: 1,
            operation: "verify",
            scenario: "scenario-1",
            grant: &grant,
            agreement: "agreement-1",
            purpose: Some(PurposeClass::Industry),
            price: "price-1",
            ..Terms::default()
        };
        clock.advance(Duration::from_micros(250));
        let request = RequestId::generate(&**clock, &IdRng);
        let call = Call { terms, decision: Decision::Answered, ..Call::of(request, clock.now()) };
        let entry = Entry::Call(Box::new(call));
        while journal.append(&entry).is_err() {
            let _ = journal.wait_durable_beyond(journal.durable_seq(), Duration::from_millis(5));
        }
        if number % (records / QUESTIONS).max(1) == 0 {
            sample.push(request);
        }
    }
    while journal.durable_seq() <= records {
        let _ = journal.wait_durable_beyond(journal.durable_seq(), Duration::from_millis(5));
    }
    let follower = tiles::Options {
        folder: dir.join("evidence"),
        origin: ORIGIN.to_owned(),
        keys: Arc::new(SeedKeys::new(ORIGIN, [1; 32], [1; 32], []).expect("a name")),
        interval: tiles::CHECKPOINT_INTERVAL,
        clock: clock.clone(),
    };
    let follower = follower.build(journal.clone()).expect("a log");
    let library = follower.library();
    follower.handle().drain();
    follower.run();
    (journal, library, sample)
}

fn measure(name: &str, mut ask: impl FnMut(u64)) {
    let mut times: Vec<Duration> = (0..QUESTIONS)
        .map(|number| {
            let begun = now();
            ask(number);
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |parts: usize| times[times.len() * parts / 100];
    say(&format!("{name:<44} p50 {:>10.3?}  p99 {:>10.3?}  (aim 1 s)", at(50), at(99)));
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is told its size by the environment")]
fn main() {
    let told = std::env::var("SHUZHA_TRACES").ok().and_then(|text| text.parse().ok());
    let records: u64 = told.unwrap_or(RECORDS);
    let ran = |program: &str, arguments: &[&str]| {
        let done = std::process::Command::new(program).args(arguments).output();
        done.map_or_else(|_| "?".to_owned(), |done| String::from_utf8_lossy(&done.stdout).trim().to_owned())
    };
    say(&format!(
        "machine {}, commit {}",
        ran("uname", &["-srm"]),
        ran("git", &["rev-parse", "--short", "HEAD"])
    ));
    say(&format!(
        "{records} calls, {UNITS} units, {PRODUCTS} products, {DATA_SETS} data sets, pages of {PAGE}"
    ));
    let dir = tempfile::tempdir().expect("a folder");
    let start = Timestamp::from_seconds(1_790_000_000);
    let clock = Arc::new(ManualClock::at(start));
    let (journal, library, sample) = record(dir.path(), records, &clock);
    let path = dir.path().join("traces.db");
    let traces = Traces::open(&path).expect("opens");
    let tracer =
        Options::default().build(traces.clone(), journal, Arc::new(Shelf)).expect("in step").handle();
    let begun = now();
    let reached = tracer.catch_up().expect("reads");
    let rate = reached as f64 / begun.elapsed().as_secs_f64();
    let wal = std::fs::metadata(path.with_extension("db-wal")).map_or(0, |file| file.len());
    let bytes = std::fs::metadata(&path).expect("there").len() + wal;
    say(&format!("indexed {rate:.0} records/s, {} bytes a record", bytes / reached));

    let span = clock.now().micros_since(start);
    let from = |number: u64| {
        let part = mixed(number) % 1_000;
        Some(start.plus(Duration::from_micros(span.unsigned_abs() / 2_000 * part)))
    };
    let ask = |of: Of<'_>, number: u64| {
        let query = Query {
            of,
            from: from(number),
            until: None,
            provider: None,
            units: None,
            after: None,
            limit: PAGE,
        };
        let page = traces.uses(&query).expect("reads");
        assert_eq!(page.uses.len(), PAGE, "{of:?} has more than a page in the latter half");
        assert!(page.uses.is_sorted_by_key(|one| (one.at, one.seq)));
    };
    measure("a page of a data set's uses", |number| {
        ask(Of::DataSet(&format!("data-{}", number % DATA_SETS)), number)
    });
    measure("a page of a product's uses", |number| {
        ask(Of::Product(&format!("product-{}", number % PRODUCTS)), number)
    });
    measure("a page of a unit's calls", |number| ask(Of::Unit(&format!("unit-{}", number % UNITS)), number));
    measure("from a call back", |number| {
        let request = &sample[usize::try_from(number).expect("small") % sample.len()];
        let found = library.call(request).expect("readable").expect("published");
        let Ok(Entry::Call(call)) = Entry::decode(&found.entry) else { panic!("it is a call") };
        let edition = traces.edition(call.terms.product, call.terms.version).expect("reads").expect("known");
        assert!(call.request == *request && edition.data_sets.len() == 4);
    });
}
