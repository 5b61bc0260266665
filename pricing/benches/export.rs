//! Rows a second, and the most memory, of an export in every format.
//!
//! Run with `cargo bench -p shuzha-pricing --bench export`, optionally with the number of rows (1,000,000 without):
//! `cargo bench -p shuzha-pricing --bench export -- 10000000`. Each format runs in a process of its own, so that the memory
//! is its own, and writes into a file; what can be read back is read back, and must state the same totals.

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use shuzha_core::{Id, Lang, MicroYuan, PurposeClass};
use shuzha_pricing::export::{Format, Job, Set, check, export};
use shuzha_pricing::metering::{Dimensions, Line, Row, Sums};
use shuzha_pricing::{Basis, Hour};

const ROWS: u64 = 1_000_000;

/// The first hour: 2026-08-01 in Asia/Shanghai.
const FIRST_HOUR: i64 = 495_976;

/// R17.
const MEMORY_MAX_MIB: u64 = 512;
const TEN_MILLION_SECONDS_MAX: u128 = 600;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn say(line: &str) {
    println!("{line}");
}

fn id(name: &str) -> Id {
    Id::new(name).expect("a name")
}

/// Roll-ups of 500 units and 40 products, as a month of calls gives them.
fn rows(count: u64) -> impl Iterator<Item = Result<Row, Infallible>> {
    let names = |prefix: &str, count: u32| -> Vec<Id> {
        (0..count).map(|number| id(&format!("{prefix}-{number:03}"))).collect()
    };
    let (units, products) = (names("unit", 500), names("product", 40));
    let of = |names: &[Id], number: u64| names[usize::try_from(number).expect("small") % names.len()].clone();
    (0..count).map(move |number| {
        let line = Line {
            unit: of(&units, number / 40),
            agreement: id("agreement-2026-017"),
            scenario: id("sme-credit"),
            product: of(&products, number),
            price: id("price-2026"),
            purpose: PurposeClass::Industry,
            basis: Basis::Price,
        };
        let hour = Hour::new(FIRST_HOUR + i64::try_from(number / 20_000).expect("small"));
        let calls = number % 977 + 1;
        let amount = MicroYuan::from_micros(i64::try_from(calls).expect("small") * 50_000);
        let sums =
            Sums { calls, quantity: calls, amount, first_seq: number * 7, last_seq: number * 7 + calls };
        Ok((Dimensions { line, hour, operation: id("score") }, sums))
    })
}

/// The most memory this process ever had, in MiB.
fn memory_max() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1_024
}

fn one(format: Format, count: u64) {
    let path = std::env::temp_dir().join(format!("shuzha-export-{}.{}", std::process::id(), format.as_str()));
    let kept = Removed(path);
    let file = File::create(&kept.0).expect("the folder for temporary files can be written");
    let job = Job { format, lang: Lang::Zh, period: "2026-08" };
    let begun = now();
    let totals = export(&job, rows(count), BufWriter::new(file), &mut |_| ControlFlow::Continue(()));
    let totals = totals.expect("rows that every format holds");
    let took = begun.elapsed().as_millis().max(1);
    assert_eq!(totals.rows(), count, "every row was written");
    let bytes = std::fs::metadata(&kept.0).expect("the file is there").len();
    let memory = memory_max();
    let mut read = "not read back".to_owned();
    if matches!(format, Format::Csv | Format::CsvGb18030 | Format::JsonLines) {
        let begun = now();
        let file = BufReader::new(File::open(&kept.0).expect("the file is there"));
        let again = check(format, Set::Usage.layout(), file, &mut |_, _| ControlFlow::Continue(()));
        assert_eq!(again.expect("it is as it was exported"), totals);
        read = format!("read back in {} ms", begun.elapsed().as_millis());
    }
    let rate = u128::from(count) * 1_000 / took;
    let ten_million = 10_000_000 * took / u128::from(count.max(1)) / 1_000;
    let verdict =
        if memory <= MEMORY_MAX_MIB && ten_million <= TEN_MILLION_SECONDS_MAX { "met" } else { "MISSED" };
    say(&format!(
        "{:>12} {count} rows in {took} ms, {rate} rows/s, {bytes} bytes, at most {memory} MiB; ten million at this pace \
         {ten_million} s: {verdict}; {read}",
        format.as_str()
    ));
}

/// A file that is taken away again.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let count = words.iter().find_map(|word| word.parse().ok()).unwrap_or(ROWS);
    if let Some(format) = words.iter().find_map(|word| Format::from_name(word)) {
        one(format, count);
        return;
    }
    let program = std::env::current_exe().expect("a program knows where it is");
    for format in Format::ALL {
        let ended = Command::new(&program).args([format.as_str(), &count.to_string()]).status();
        assert!(ended.expect("the benchmark can run itself").success(), "{} failed", format.as_str());
    }
}
