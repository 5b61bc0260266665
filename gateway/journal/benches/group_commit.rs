//! Durable appends per second, and how long a caller waits, with 1, 64, 512 and 4,096 callers at once on a real file system.
//!
//! Twice: on the disk as it is, and with every sync stretched to four milliseconds.
//!
//! Run with `cargo bench -p shuzha-journal`, optionally with the directory to use and the seconds per row:
//! `cargo bench -p shuzha-journal -- /var/lib/shuzha-bench 5`. Every row reads the journal back and asserts that each
//! record promised durable is in it, and that nothing else is.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use prometheus::Registry;
use shuzha_core::{Id, MicroYuan, RequestId, SystemClock, Timestamp};
use shuzha_evidence::{Call, Decision, Entry, Outcome, PurposeClass, Terms};
use shuzha_journal::disk::{Directory, Disk, DiskFile};
use shuzha_journal::{Journal, Options, read, verify};
use tokio::task::JoinSet;

const CALLERS: [usize; 4] = [1, 64, 512, 4_096];
const SECONDS: u64 = 4;

/// The disk that the targets of DESIGN §13 are stated for.
const SYNC_FLOOR: Duration = Duration::from_millis(4);

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn say(line: &str) {
    println!("{line}");
}

/// A call as the gateway writes it, with a number that tells it from every other.
fn call(number: u128) -> Entry<'static> {
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
        consent: Some([2; 16]),
        subject: Some([3; 16]),
        quantity: 1,
        amount: MicroYuan::from_micros(500_000),
        decision: Decision::Answered,
        outcome: Outcome::Charged,
        request_bytes: 300,
        response_bytes: 180,
        request_commitment: Some([4; 16]),
        response_commitment: Some([5; 16]),
        ..Call::of(RequestId::from_bytes(number.to_be_bytes()), Timestamp::from_seconds(1_700_000_000))
    }))
}

/// The median of 50 single writes with `fdatasync`, in milliseconds, into a file that grows or one with its space set
/// aside: what the disk itself takes.
fn disk_ms(dir: &Path, reserve: bool) -> f64 {
    let mut file = File::create(dir.join("probe")).expect("a file");
    if reserve {
        let flags = rustix::fs::FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(&file, flags, 0, 1 << 20).expect("space");
        file.sync_all().expect("a disk");
    }
    let mut times: Vec<_> = (0..50)
        .map(|_| {
            file.write_all(&[7; 400]).expect("space");
            let begun = now();
            file.sync_data().expect("a disk");
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[25].as_secs_f64() * 1e3
}

fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        text.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores")
}

/// One caller: appends and waits until the time is over.
async fn caller(journal: Journal, waits: Arc<Mutex<Histogram<u64>>>, index: usize, until: Instant) -> u64 {
    let mut promised = 0;
    while now() < until {
        let begun = now();
        let entry = call((index as u128) << 64 | u128::from(promised));
        let position =
            journal.append_durable(&entry).expect("the queue is large enough").await.expect("a disk");
        assert!(position.seq > 0);
        promised += 1;
        let waited = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        waits.lock().expect("no caller panics").saturating_record(waited);
    }
    promised
}

/// Asserts that exactly the promised records are in the journal.
fn check(dir: &Path, promised: &[u64]) {
    let mut found = vec![0_u64; promised.len()];
    for record in read(dir, 1).expect("sound") {
        let record = record.expect("sound");
        let entry = record.entry().expect("known");
        let Entry::Call(call) = entry else { continue };
        let number = u128::from_be_bytes(*call.request.as_bytes());
        let index = usize::try_from(number >> 64).expect("an index of a caller");
        assert_eq!(
            number & u128::from(u64::MAX),
            u128::from(found[index]),
            "each caller's records are in order"
        );
        found[index] += 1;
    }
    assert_eq!(found, promised);
}

/// Opens the journal again, which reads it whole; megabytes per second.
fn recover(dir: &Path) -> f64 {
    let begun = now();
    let journal = Journal::open(options(dir), Arc::new(SystemClock)).expect("a sound journal");
    let elapsed = begun.elapsed().as_secs_f64();
    journal.close();
    verify(dir).expect("sound").bytes as f64 / 1e6 / elapsed
}

fn options(dir: &Path) -> Options {
    Options { free_bytes_min: 0, ..Options::new(dir, Id::new("bench").expect("well-formed"), "bench") }
}

/// A directory each of whose syncs takes [`SYNC_FLOOR`] at least: disks differ, and one disk differs from minute to minute.
struct SlowDisk(Directory);

struct SlowFile(Arc<dyn DiskFile>);

impl Disk for SlowDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn create(&self, name: &str, reserve: u64) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(SlowFile(self.0.create(name, reserve)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(SlowFile(self.0.open(name)?)))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.0.free_bytes()
    }
}

impl DiskFile for SlowFile {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        let begun = now();
        self.0.sync()?;
        std::thread::sleep(SYNC_FLOOR.saturating_sub(begun.elapsed()));
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }
}

/// How often the journal synced, and how long one took on average in milliseconds.
fn syncs(registry: &Registry) -> (u64, f64) {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == "shuzha_journal_sync_duration_seconds");
    let metric = &family.expect("registered").get_metric()[0];
    let histogram = metric.get_histogram();
    let count = histogram.get_sample_count();
    (count, histogram.get_sample_sum() * 1e3 / count as f64)
}

fn row(base: &Path, callers: usize, seconds: u64, slow: bool) {
    let dir = base.join(format!("journal-{callers}-{slow}"));
    let journal = if slow {
        let disk = SlowDisk(Directory::create(&dir).expect("a directory"));
        Journal::open_on(Arc::new(disk), options(&dir), Arc::new(SystemClock)).expect("a journal")
    } else {
        Journal::open(options(&dir), Arc::new(SystemClock)).expect("a journal")
    };
    let registry = Registry::new();
    journal.register(&registry).expect("registers once");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    let begun = now();
    let until = begun + Duration::from_secs(seconds);
    let waits = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).expect("valid bounds");
    let waits = Arc::new(Mutex::new(waits));
    let mut promised = vec![0; callers];
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for index in 0..callers {
            let calling = caller(journal.clone(), Arc::clone(&waits), index, until);
            tasks.spawn_on(async move { (index, calling.await) }, runtime.handle());
        }
        while let Some(done) = tasks.join_next().await {
            let (index, count) = done.expect("no caller panics");
            promised[index] = count;
        }
    });
    let elapsed = begun.elapsed().as_secs_f64();
    journal.close();
    check(&dir, &promised);
    let recovery = recover(&dir);
    let waits = waits.lock().expect("no caller panics");
    let rate = waits.len() as f64 / elapsed;
    let ms = |quantile| waits.value_at_quantile(quantile) as f64 / 1e3;
    let (count, mean) = syncs(&registry);
    say(&format!(
        "{callers:>7} {rate:>11.0} {:>9.2} {:>9.2} {:>9.2} {count:>8} {mean:>12.2} {recovery:>15.0}",
        ms(0.5),
        ms(0.99),
        waits.max() as f64 / 1e3
    ));
}

fn main() {
    // Cargo passes `--bench`, and test runners may pass other flags; a directory and seconds are all that is looked at.
    let mut given = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let base = given.next().map_or_else(|| PathBuf::from("target/journal-bench"), PathBuf::from);
    let seconds = given.next().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    std::fs::create_dir_all(&base).expect("a directory");
    let scratch = tempfile::tempdir_in(&base).expect("a directory");
    say(&format!("machine: {}", machine()));
    let (head, build) = (call(0), if cfg!(debug_assertions) { "debug" } else { "release" });
    let mut bytes = Vec::new();
    head.encode_into(&mut bytes).expect("short names");
    say(&format!("config: {build}, {} B per record, {seconds} s per row, 1 runtime thread", bytes.len()));
    say(&format!(
        "fdatasync after one 400 B write, median: {:.2} ms growing, {:.2} ms in space set aside",
        disk_ms(scratch.path(), false),
        disk_ms(scratch.path(), true)
    ));
    for slow in [false, true] {
        say(if slow { "every sync at least 4 ms:" } else { "the disk as it is:" });
        say("callers   durable/s    p50 ms    p99 ms    max ms    syncs sync mean ms   recovery MB/s");
        for callers in CALLERS {
            row(scratch.path(), callers, seconds, slow);
        }
    }
}
