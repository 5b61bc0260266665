//! What one answered call costs the gate: allocations and time of `Gate::serve`, all ten stages on, consent cached,
//! against a product service that answers at once and a journal on a disk in memory.
//!
//! Run with `cargo bench -p shuzha-policy --bench chain`; with `-- where` it also says where the allocations of one
//! call come from. It asserts that every call it counts is in the journal.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use shuzha_core::Clock;

#[path = "scaffold/scaffold.rs"]
mod scaffold;

use scaffold::{AtOnce, now, say};
use shuzha_testkit::printed::{heading, number};
use shuzha_testkit_policy::gateway::TestGateway;
use shuzha_testkit_policy::{calls, gateway};

/// Calls before anything is counted.
const WARM_UP: usize = 200;
/// Calls that are counted.
const CALLS: usize = 1_000;
/// Most allocations of the gate's side of a call (DESIGN §13).
const ALLOCATIONS_MAX: u64 = 40;
/// Moves the clock from call to call, so that the grant's rate is kept.
const PAUSE: Duration = Duration::from_millis(20);

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static TRACE: Cell<bool> = const { Cell::new(false) };
}

static PLACES: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());

/// The system's allocator, which counts what the thread that asks allocates.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator is an unsafe trait; every call is handed on unchanged")]
// SAFETY: all four functions are the system allocator's own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        unsafe { System.realloc(at, layout, size) }
    }
}

fn note() {
    COUNT.set(COUNT.get() + 1);
    if TRACE.replace(false) {
        let place = place(&std::backtrace::Backtrace::force_capture().to_string());
        *PLACES.lock().expect("no holder panics").entry(place).or_default() += 1;
        TRACE.set(true);
    }
}

/// The innermost place in this workspace that `trace` went through.
fn place(trace: &str) -> String {
    // Paths are shown from this package's folder on.
    let places = trace.lines().filter_map(|line| line.trim().strip_prefix("at "));
    let ours = ["gateway/", "privacy/", "pricing/", "products/", "evidence/"];
    let own = |place: &str| {
        if let Some(here) = place.strip_prefix("./src/") {
            return Some(format!("gateway/policy/src/{here}"));
        }
        let from = ours.iter().filter_map(|part| place.find(&format!("/{part}"))).min()?;
        Some(place[from + 1..].to_owned())
    };
    let found = places.filter(|place| !place.contains("/benches/")).find_map(own);
    found.unwrap_or_else(|| "outside the workspace".to_owned())
}

/// Nanoseconds this thread has run on a processor.
fn on_cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

/// What was counted.
#[derive(Default)]
struct Cost {
    allocations: u64,
    wall: Duration,
    cpu_nanos: u64,
}

/// Makes `calls` calls and counts what is within `Gate::serve`.
async fn measure(house: &TestGateway, token: &str, calls: usize, trace: bool) -> Cost {
    let mut cost = Cost::default();
    for _ in 0..calls {
        house.clock.advance(PAUSE);
        let ask =
            calls::Ask::new("bank-1", "person-check", "verify", "bank-onboarding").with("x-consent", token);
        let sent = ask.send(house.clock.now());
        let inbound = sent.inbound();
        let (count, cpu, start) = (COUNT.get(), on_cpu(), now());
        let before = COUNT.get() - count;
        TRACE.set(trace);
        let reply = house.gate.serve(&inbound, &AtOnce).await;
        TRACE.set(false);
        cost.allocations += COUNT.get() - count - before;
        cost.wall += start.elapsed();
        cost.cpu_nanos += on_cpu() - cpu;
        assert_eq!(gateway::outcome(&reply), "answered");
    }
    cost
}

/// Consents that are presented twice, and withdrawn.
const CONSENTS: usize = 200;
/// Verifications a second that are aimed at, and the part of them whose consent is known (R17).
const MIX: (f64, f64) = (50_000.0, 0.95);

/// The processor's time for one call about a company, which needs nobody's consent, in microseconds.
async fn without_consent(house: &TestGateway) -> f64 {
    let mut nanos = 0;
    for _ in 0..CALLS {
        house.clock.advance(PAUSE);
        let ask = calls::Ask::new("bank-1", "company-check", "verify", "bank-onboarding");
        let sent = ask.send(house.clock.now());
        let inbound = sent.inbound();
        let cpu = on_cpu();
        let reply = house.gate.serve(&inbound, &AtOnce).await;
        nanos += on_cpu() - cpu;
        assert_eq!(gateway::outcome(&reply), "answered");
    }
    nanos as f64 / CALLS as f64 / 1e3
}

/// What a consent costs when it is known, all that is asked and held because of it included, and when it is seen for the
/// first time; and how long it takes from a withdrawal to the first refusal, with the bytes that left after it.
async fn consents(house: &TestGateway) {
    let (mut first, mut again) = (0, 0);
    let (mut refused_after, mut bytes_after) = (Vec::new(), 0);
    for _ in 0..CONSENTS {
        let consent = house.consent(calls::PERSON.0, "bank", 3);
        first += measure(house, &consent.token, 1, false).await.cpu_nanos;
        again += measure(house, &consent.token, 1, false).await.cpu_nanos;
        let ask = calls::Ask::new("bank-1", "person-check", "verify", "bank-onboarding")
            .with("x-consent", &consent.token);
        let start = now();
        house.withdraw(&consent).await;
        let sent = ask.send(house.clock.now());
        let reply = house.gate.serve(&sent.inbound(), &AtOnce).await;
        refused_after.push(start.elapsed());
        assert_eq!(gateway::outcome(&reply), "C408");
        bytes_after += gateway::body(&reply).len();
    }
    refused_after.sort_unstable();
    let each = |nanos: u64| nanos as f64 / CONSENTS as f64 / 1e3;
    let known = (each(again) - without_consent(house).await).max(0.0);
    let fresh = known + (each(first) - each(again)).max(0.0);
    number("a consent that is known, on the processor", known, "µs", Some(0.0..=2.0));
    number("a consent never seen (Ed25519), on the processor", fresh, "µs", Some(0.0..=80.0));
    let cores = MIX.0 * (MIX.1 * known + (1.0 - MIX.1) * fresh) / 1e6;
    number("50,000 consents a second, 95 of 100 known", cores, "cores", Some(0.0..=2.0));
    let p99 = refused_after[CONSENTS * 99 / 100].as_secs_f64() * 1e3;
    number("from a withdrawal to its refusal, p99", p99, "ms", Some(0.0..=1_000.0));
    number("bytes that left after a withdrawal", bytes_after as f64, "bytes", Some(0.0..=0.0));
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let traced = std::env::args().any(|argument| argument == "where");
    runtime.block_on(async {
        let house = TestGateway::new();
        let consent = house.consent(calls::PERSON.0, "bank", 5_000);
        measure(&house, &consent.token, WARM_UP, false).await;
        let cost = measure(&house, &consent.token, CALLS, false).await;
        if traced {
            measure(&house, &consent.token, 1, true).await;
        }
        let made = WARM_UP + CALLS + usize::from(traced);
        let records = house.records().await;
        assert_eq!(gateway::counted(&records), (made, made), "every call has its intent and its record");
        let calls = CALLS as u64;
        heading(
            "ten stages, consent known, product service that answers at once, journal on a disk in memory",
        );
        let each = cost.allocations as f64 / CALLS as f64;
        number("allocations per answered call", each, "", Some(0.0..=ALLOCATIONS_MAX as f64));
        number("on the processor, per call", cost.cpu_nanos as f64 / CALLS as f64 / 1e3, "µs", None);
        let durable = cost.wall.as_secs_f64() / CALLS as f64 * 1e6;
        number("until the record is durable, per call", durable, "µs", None);
        for (place, count) in PLACES.lock().expect("no holder panics").iter() {
            say(&format!("  {count:3}  {place}"));
        }
        consents(&house).await;
        assert!(
            cost.allocations <= ALLOCATIONS_MAX * calls,
            "more than {ALLOCATIONS_MAX} allocations a call"
        );
    });
}
