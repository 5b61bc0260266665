//! The evidence log beside a busy journal: how long a caller waits for its durable record at 20,000 leaves a second, how late a
//! checkpoint covers it (E2, E3), how fast a copy of the log is checked (E7), and how long a receipt is at 10⁸ leaves.
//!
//! Run with `cargo bench -p shuzha-store --bench evidence`, optionally with seconds, entries and leaves offered in a second:
//! `cargo bench -p shuzha-store --bench evidence -- 60 10000000 20000`. Every leaf that was promised durable is asserted to be proved at the
//! end; machine, commit and configuration are printed with the figures.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use shuzha_core::{Clock, Id, IdRng, MicroYuan, RequestId, SystemClock};
use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::commit::Opening;
use shuzha_evidence::log::{Files, LogKeys, LogReader, LogWriter, SeedKeys};
use shuzha_evidence::merkle::{Digest, Sha256, Sm3};
use shuzha_evidence::note::{CosignatureSigner, Note};
use shuzha_evidence::policy::Policy;
use shuzha_evidence::receipt::{Enclosed, Receipt};
use shuzha_evidence::verify::{check_range, head};
use shuzha_evidence::{Call, Decision, Entry, Outcome, PurposeClass, Terms};
use shuzha_journal::Journal;
use shuzha_store::tiles::{CHECKPOINT_INTERVAL, Directory, Options};

const ORIGIN: &str = "log.example/gate-1";

/// Leaves offered in a second, unless told otherwise (E2).
const OFFERED: u64 = 20_000;

/// How often a part of them is offered.
const TICK: Duration = Duration::from_millis(5);

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn say(line: &str) {
    println!("{line}");
}

/// A call as the gateway writes it.
fn call() -> Entry<'static> {
    Entry::Call(Box::new(Call {
        admitted_after: 120,
        sent_after: 140,
        answered_after: 2_400,
        terms: Terms {
            unit: "bank-a",
            credential: "bank-a-key-1",
            product: "enterprise-check",
            version: 3,
            operation: "verify",
            scenario: "sme-credit",
            grant: "bank-a-sme-credit",
            agreement: "agreement-2026-017",
            purpose: Some(PurposeClass::Industry),
            price: "enterprise-check-2026",
            data_set: "",
            snapshot: [7; 8],
        },
        nonce: [1; 8],
        subject: Some([3; 16]),
        quantity: 1,
        amount: MicroYuan::from_micros(500_000),
        decision: Decision::Answered,
        outcome: Outcome::Charged,
        request_bytes: 300,
        response_bytes: 180,
        request_commitment: Some([4; 16]),
        response_commitment: Some([5; 16]),
        ..Call::of(RequestId::generate(&SystemClock, &IdRng), SystemClock.now())
    }))
}

fn keys() -> SeedKeys {
    SeedKeys::new(ORIGIN, [1; 32], [1; 32], []).expect("a name")
}

fn policy() -> Policy {
    Policy { log: keys().known().to_vec(), ..Policy::default() }
}

fn ms(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1e3
}

/// Offers leaves at a steady rate while the follower publishes.
fn beside_a_journal(dir: &Path, seconds: u64, rate: u64) {
    let node = Id::new("gate-1").expect("a name");
    let options = shuzha_journal::Options::new(dir.join("journal"), node, "bench");
    let journal = Journal::open(options, Arc::new(SystemClock)).expect("a journal");
    let follower = Options {
        folder: dir.join("evidence"),
        origin: ORIGIN.to_owned(),
        keys: Arc::new(keys()),
        interval: CHECKPOINT_INTERVAL,
        clock: Arc::new(SystemClock),
    };
    let follower = follower.build(journal.clone()).expect("a log");
    let (handle, library) = (follower.handle(), follower.library());
    let thread = std::thread::spawn(move || follower.run());

    let (sender, receiver) = std::sync::mpsc::channel::<(Instant, shuzha_journal::Durable)>();
    let waits = std::thread::spawn(move || {
        let mut waits = Histogram::<u64>::new(3).expect("three digits");
        let mut last = 0;
        for (begun, durable) in receiver {
            last = durable.wait().expect("a disk").seq;
            waits.saturating_record(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
        (waits, last)
    });
    let watch = handle.clone();
    let (watched, until) = (journal.clone(), now() + Duration::from_secs(seconds));
    // A leaf is late by the time from its being durable to a checkpoint over it.
    let lateness = std::thread::spawn(move || {
        let mut slowest = Duration::ZERO;
        while now() < until {
            let (durable, seen) = (watched.durable_seq(), now());
            while watch.reached() < durable {
                std::thread::sleep(Duration::from_millis(1));
            }
            slowest = slowest.max(seen.elapsed());
        }
        slowest
    });
    let (begun, mut offered, mut refused) = (now(), 0, 0_u64);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let due = u64::try_from(begun.elapsed().as_micros()).expect("short") * rate / 1_000_000;
        while offered < due {
            match journal.append_durable(&call()) {
                Ok(durable) => sender.send((now(), durable)).expect("it listens"),
                Err(_) => refused += 1,
            }
            offered += 1;
        }
        std::thread::sleep(TICK);
    }
    let elapsed = begun.elapsed().as_secs_f64();
    drop(sender);
    let (waits, last) = waits.join().expect("it waits");
    let slowest = lateness.join().expect("it watches");
    handle.drain();
    thread.join().expect("it ends");
    assert_eq!(handle.reached(), last, "every leaf that was promised durable is published");
    assert!(library.at(last).expect("readable").is_some());
    say(&format!(
        "{:.0} durable leaves/s for {elapsed:.0} s, {refused} refused; wait p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms; \
         a checkpoint after at most {:.2} s",
        waits.len() as f64 / elapsed,
        ms(waits.value_at_quantile(0.5)),
        ms(waits.value_at_quantile(0.99)),
        ms(waits.value_at_quantile(0.999)),
        slowest.as_secs_f64()
    ));
}

/// Writes a log of so many entries and checks it whole, in both trees.
fn checking(dir: &Path, entries: u64) {
    let files = Arc::new(Directory::new(&dir.join("copy"))) as Arc<dyn Files>;
    let shard = "2026h2".parse().expect("a half-year");
    let mut writer = LogWriter::open(Arc::clone(&files), ORIGIN, shard, &keys()).expect("new");
    let mut bytes = Vec::new();
    let begun = now();
    for _ in 0..entries {
        bytes.clear();
        call().encode_into(&mut bytes).expect("short");
        writer.append(&bytes).expect("written");
    }
    writer.publish().expect("written");
    let rate = entries as f64 / begun.elapsed().as_secs_f64();
    say(&format!(
        "{entries} entries of {} bytes appended to both trees: {rate:.0}/s on one thread",
        bytes.len()
    ));
    let reader = LogReader::new(files, "2026h2");
    time::<Sha256>(&reader, "SHA-256", entries);
    time::<Sm3>(&reader, "SM3", entries);
}

fn time<D: Digest>(reader: &LogReader, name: &str, entries: u64) {
    const TEN_MILLION: f64 = 1e7;
    let head = head::<D>(reader, &policy()).expect("signed");
    let threads = NonZeroUsize::new(2).expect("not zero");
    let begun = now();
    let checked = check_range::<D>(reader, &head, 0..head.size, threads).expect("sound");
    assert_eq!((checked.entries, checked.unknown), (entries, 0));
    let seconds = begun.elapsed().as_secs_f64();
    let projected = seconds * TEN_MILLION / entries as f64;
    say(&format!(
        "verify range, {name}, two threads: {seconds:.2} s; 10,000,000 entries at this rate: {projected:.0} s"
    ));
}

/// Hashes in the proof of a leaf on the left of 10⁸.
const PATH: usize = 27;

/// How long a receipt of a usual call is at 10⁸ leaves, without and with three witnesses.
fn receipts() {
    let log = keys();
    let origin = format!("{ORIGIN}/2026h2");
    let tree = Checkpoint { origin: origin.clone(), size: 100_000_000, root: [1; 32] };
    let mut note = Note::unsigned(tree.to_string()).expect("lines");
    note.sign(&*log.sha256(&origin).expect("signs")).expect("signs");
    let mut entry = Vec::new();
    call().encode_into(&mut entry).expect("short");
    let opening = Opening::from_bytes([2; 16]);
    for witnesses in 0..=3_u8 {
        let enclosed = Some(Enclosed { entry: entry.clone(), request: opening, answer: opening });
        let whole = Receipt {
            enclosed,
            others: None,
            index: 12_345_678,
            path: vec![[3; 32]; PATH],
            note: note.clone(),
        };
        let bare = Receipt { enclosed: None, ..whole.clone() };
        let bytes = |receipt: &Receipt| receipt.to_string().len();
        say(&format!(
            "receipt at 10^8 leaves, {witnesses} witnesses: {} bytes with its entry of {}, {} without",
            bytes(&whole),
            entry.len(),
            bytes(&bare)
        ));
        let name = format!("witness.example/w{witnesses}");
        let clock = Arc::new(SystemClock);
        note.sign(&CosignatureSigner::new(&name, &[witnesses; 32], clock).expect("a name")).expect("signs");
    }
}

/// The first line of what a command says; empty where there is none.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let said = std::process::Command::new(program).args(arguments).output();
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default();
    said.lines().next().unwrap_or_default().to_owned()
}

/// Machine, commit and configuration.
fn conditions(dir: &Path, seconds: u64, entries: u64, rate: u64) {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, NonZeroUsize::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let built = if cfg!(debug_assertions) { "debug" } else { "release" };
    let commit = first_line("git", &["describe", "--always", "--dirty"]);
    let root = dir.to_str().unwrap_or_default();
    let disk = first_line("findmnt", &["-no", "SOURCE,FSTYPE", "-T", root]);
    let model = model.trim_start_matches([' ', '\t', ':']);
    say(&format!("machine: {model}, {cores} cores; disk {disk}; load average before: {}", load.trim()));
    say(&format!("commit {commit}, {built}; {seconds} s at {rate} leaves/s, {entries} entries checked"));
}

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let (seconds, entries) =
        (numbers.first().copied().unwrap_or(10), numbers.get(1).copied().unwrap_or(200_000));
    let rate = numbers.get(2).copied().unwrap_or(OFFERED);
    let dir = tempfile::tempdir().expect("a folder");
    conditions(dir.path(), seconds, entries, rate);
    receipts();
    beside_a_journal(dir.path(), seconds, rate);
    checking(dir.path(), entries);
}
