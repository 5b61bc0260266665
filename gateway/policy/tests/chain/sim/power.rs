//! R3, exhaustively: one trace of two hundred calls, and a power cut at every byte of what it wrote. Whatever suffix was lost
//! or torn, a journal that kept what was on disk when an answer left holds that answer, what it took, and no more than was
//! allowed.

use std::sync::Arc;

use shuzha_core::clock::ManualClock;
use shuzha_core::{Clock, Id};
use shuzha_journal::disk::Disk;
use shuzha_journal::disk::memory::{MemoryDisk, SECTOR_BYTES};
use shuzha_journal::{Journal, Options};

use super::audit::{Audit, Given};
use crate::calls::{Ask, PERSON, histogram};
use crate::consents::Consent;
use crate::gateway::{NOON, TestGateway, replayed};
use crate::upstream::{Fake, Say, WARD};

/// Calls of the trace.
const STEPS: usize = 200;
/// Uses of its consent.
const USES: u32 = 40;
/// Every so many bytes there is a cut; a prime, so that it falls everywhere within a record.
const STRIDE: usize = 131;

/// What the trace left.
struct Trace {
    disk: MemoryDisk,
    file: String,
    consent: Consent,
    /// Every answer, with the bytes that were on disk when it was given.
    given: Vec<(Given, usize)>,
}

impl Trace {
    async fn new() -> Self {
        let house = TestGateway::new();
        let consent = house.consent(PERSON.0, "bank", USES);
        let segments = house.disk.list().expect("a listing");
        let [file] = &*segments else { panic!("one segment: {segments:?}") };
        let mut given = Vec::new();
        for step in 0..STEPS {
            let ward = if step % 8 < 4 { "ward-report-a" } else { "ward-report-b" };
            // No two alike: an answer that was released before would take nothing.
            let epsilon = format!("0.{:06}", 9_000 + step);
            let (ask, of) = match step % 4 {
                0 => (
                    Ask::new("study-1", ward, "query", "study-sample").body(&histogram("sex", &epsilon)),
                    None,
                ),
                1 => (Ask::new("bank-1", "company-check", "verify", "bank-onboarding"), None),
                2 => (
                    Ask::new("bank-1", "person-check", "verify", "bank-onboarding")
                        .with("x-consent", &consent.token),
                    Some(0),
                ),
                _ => (Ask::new("bank-1", "nowhere", "verify", "bank-onboarding"), None),
            };
            let sent = ask.send(house.clock.now());
            let says = (step % 4 == 0).then_some(Say::Json(200, WARD));
            let reply = house.gate.serve(&sent.inbound(), &Fake::new(says)).await;
            house.clock.advance(std::time::Duration::from_millis(100));
            if let Some(answer) = Given::of(&reply, sent.request, of) {
                given.push((answer, house.disk.cut_power(|| 0).length(file)));
            }
        }
        // Ends the journal: all that was appended is written.
        house.records().await;
        Self { disk: house.disk.killed(), file: file.clone(), consent, given }
    }

    /// The law that is broken after a power cut that left `kept` bytes, and behind them `zeros` that never arrived.
    fn broken_at(&self, kept: usize, zeros: usize) -> Result<(), String> {
        let disk = self.disk.killed();
        disk.tamper(&self.file, |content| {
            let length = (kept + zeros).min(content.len());
            content[kept..].fill(0);
            content.truncate(length);
        });
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOON));
        let mut options = Options::new("", Id::new("test").expect("a name"), "test");
        options.free_bytes_min = 0;
        let journal = Journal::open_on(Arc::new(disk), options, clock)
            .map_err(|damage| format!("refused: {damage}"))?;
        let mut audit = Audit::new(&[(self.consent.clone(), USES)]);
        let before = self.given.iter().filter(|(_, on_disk)| *on_disk <= kept);
        before.for_each(|(given, _)| audit.given(given.clone()));
        let spent = audit.check_journal(&journal)?;
        // What a node would go on with is what the auditor added up.
        let state = replayed(&journal);
        let node: u64 = ["ward-a", "ward-b"].map(|set| state.budgets.of_data_set(set).nanos()).iter().sum();
        if node == spent { Ok(()) } else { Err(format!("{spent} is debited, and the node believes {node}")) }
    }

    fn length(&self) -> usize {
        self.disk.length(&self.file)
    }

    /// Tries the cuts on two threads.
    fn try_all(&self, cuts: impl Iterator<Item = usize>) -> usize {
        let cuts: Vec<usize> = cuts.collect();
        let part = |from: usize| {
            for cut in cuts.iter().skip(from).step_by(2) {
                for zeros in [0, 1, SECTOR_BYTES, usize::MAX / 2] {
                    self.broken_at(*cut, zeros).unwrap_or_else(|why| {
                        panic!("power lost at byte {cut} of {}, {zeros} zeros: {why}", self.length())
                    });
                }
            }
        };
        std::thread::scope(|scope| {
            let parts = [0, 1].map(|from| {
                let part = &part;
                scope.spawn(move || part(from))
            });
            parts.into_iter().for_each(|part| part.join().expect("no law is broken"));
        });
        cuts.len()
    }
}

/// Where the first record may begin: what is before it is written when the node starts.
fn first(trace: &Trace) -> usize {
    trace.given.first().expect("an answer").1
}

#[tokio::test]
async fn e6_power_may_fail_anywhere_in_two_hundred_calls() {
    let trace = Trace::new().await;
    assert!(trace.given.len() > 130, "hardly anything was answered: {}", trace.given.len());
    // The end of what was on disk at each answer, the bytes around it, and others everywhere between.
    let ends = trace.given.iter().step_by(3).flat_map(|(_, end)| [end - 1, *end, end + 1]);
    let strides = (first(&trace)..trace.length()).step_by(STRIDE);
    let tried = trace.try_all(ends.chain(strides));
    assert!(tried > 400, "{tried} cuts");
    // The test can fail: an answer that is said to have been on disk before it was, is missed.
    let (answer, before) = (trace.given[50].0.clone(), trace.given[49].1);
    let early = Trace { given: vec![(answer, before)], ..trace };
    assert!(early.broken_at(before, 0).is_err());
}

#[tokio::test]
#[ignore = "every byte of the trace, four ways each: some minutes"]
async fn e6_power_may_fail_at_every_byte() {
    let trace = Trace::new().await;
    let tried = trace.try_all(first(&trace)..=trace.length());
    println!("{tried} cuts, four ways each");
}
