//! What privacy debits cost (privacy research R5): the check in memory, and durable debits through the real journal on
//! the disk that holds the temporary folder. Run with `cargo bench -p shuzha-policy --bench budget`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shuzha_core::{Id, Measure, MicroYuan, NanoCharge, RequestId, SystemClock, Timestamp};
use shuzha_evidence::{Entry, Intent, Terms};
use shuzha_journal::{Journal, Options};
use shuzha_privacy::budget::{Account, Caps, Debit, Ledger, Pace};
use shuzha_store::{Changes, State};

/// Accounts of one person-space.
const ACCOUNTS: usize = 1_000;
/// Debits that are timed in memory.
const CHECKS: u32 = 200_000;
/// Threads that debit durably.
const THREADS: u64 = 4;
/// Debits of a thread that may be waiting for the disk.
const WAITING_MAX: usize = 256;
/// Durable debits of a thread.
const DEBITS: u64 = 50_000;

use shuzha_testkit::printed::{heading, number};

const CAPS: Caps = Caps {
    space: NanoCharge::from_nanos(u64::MAX),
    data_set: NanoCharge::from_nanos(u64::MAX),
    quota: NanoCharge::from_nanos(u64::MAX),
    pace: Some(Pace { max: NanoCharge::from_nanos(u64::MAX), days: 7 }),
    per_query: NanoCharge::from_nanos(1_000_000_000),
};

fn accounts() -> Vec<Account> {
    let account = |at: usize| Account {
        space: "people".into(),
        data_set: "census".into(),
        unit: format!("unit-{at}").into(),
        scenario: "study".into(),
    };
    (0..ACCOUNTS).map(account).collect()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

fn checks() -> Duration {
    let accounts = accounts();
    let mut ledger = Ledger::default();
    let start = now();
    for (number, account) in (0..CHECKS).zip(accounts.iter().cycle()) {
        let day = i64::from(number / (CHECKS / 20));
        let charge = NanoCharge::from_nanos(100_000);
        let debit = Debit { account: account.clone(), measure: Measure::Rho, day, charge };
        ledger.charge(&CAPS, &debit).expect("it fits");
    }
    let spent = start.elapsed();
    assert_eq!(ledger.of_space("people").nanos(), u64::from(CHECKS) * 100_000, "every debit counts");
    spent / CHECKS
}

/// Debits of one thread: each checked in the shared ledger, written, and awaited; waits of all.
fn debits(journal: &Journal, ledger: &std::sync::Mutex<Ledger>, thread: u64) -> Vec<Duration> {
    let accounts = accounts();
    let mut waiting = VecDeque::new();
    let mut waits = Vec::new();
    for number in 0..DEBITS {
        if waiting.len() == WAITING_MAX {
            let (begun, durable): (Instant, shuzha_journal::Durable) = waiting.pop_front().expect("full");
            durable.wait().expect("durable");
            waits.push(begun.elapsed());
        }
        let begun = now();
        let account = accounts[usize::try_from(number).expect("small") % ACCOUNTS].clone();
        let charge = NanoCharge::from_nanos(1_000);
        let debit = Debit { account, measure: Measure::Rho, day: 20_000, charge };
        ledger.lock().expect("no holder panics").charge(&CAPS, &debit).expect("it fits");
        let mut request = [0; 16];
        request[..8].copy_from_slice(&(thread << 40 | number).to_be_bytes());
        let intent = Intent {
            request: RequestId::from_bytes(request),
            received: Timestamp::from_seconds(1_800_000_000),
            terms: Terms {
                unit: &debit.account.unit,
                product: "census-report",
                operation: "query",
                scenario: "study",
                data_set: "census",
                ..Terms::default()
            },
            nonce: [1; 8],
            idempotency: None,
            request_commitment: [2; 16],
            consent: None,
            consent_parent: None,
            charge,
            amount: MicroYuan::ZERO,
            space: "people",
            measure: Some(Measure::Rho),
            release: Some([3; 16]),
        };
        waiting
            .push_back((begun, journal.append_durable(&Entry::Intent(intent)).expect("the journal serves")));
    }
    for (begun, durable) in waiting {
        durable.wait().expect("durable");
        waits.push(begun.elapsed());
    }
    waits
}

fn main() {
    heading(&format!(
        "{ACCOUNTS} accounts; {THREADS} threads of {WAITING_MAX} waiting; journal in {}",
        std::env::temp_dir().display()
    ));
    number("check and debit in memory", checks().as_secs_f64() * 1e6, "µs", Some(0.0..=5.0));
    let dir = tempfile::tempdir().expect("a directory");
    let options =
        Options { free_bytes_min: 0, ..Options::new(dir.path(), Id::new("bench").expect("a name"), "0") };
    let journal = Journal::open(options, Arc::new(SystemClock)).expect("opens");
    let ledger = std::sync::Mutex::new(Ledger::default());
    let start = now();
    let mut waits: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                scope.spawn({
                    let (journal, ledger) = (&journal, &ledger);
                    move || debits(journal, ledger, thread)
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let spent = start.elapsed();
    waits.sort_unstable();
    let per_second = (THREADS * DEBITS) as f64 / spent.as_secs_f64();
    number("durable debits, grouped", per_second, "/s", Some(20_000.0..=f64::INFINITY));
    let at = |part: usize| waits[waits.len() * part / 100].as_secs_f64() * 1e3;
    number("a debit until it is durable, median", at(50), "ms", None);
    number("a debit until it is durable, p99", at(99), "ms", Some(0.0..=15.0));
    // What the journal holds is what the ledger says.
    let mut state = State::default();
    state.replay(journal.reader(1).expect("reads"), &mut Changes::default()).expect("sound");
    let total = THREADS * DEBITS * 1_000;
    assert_eq!(
        (state.budgets.of_space("people").nanos(), state.open.len() as u64),
        (total, THREADS * DEBITS)
    );
}
