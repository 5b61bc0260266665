//! `shuzha verify reconcile`: bills against the log, as an auditor has them, and every way in which they can disagree.

mod differing;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shuzha_core::clock::ManualClock;
use shuzha_core::{Id, IdRng, Lang, MicroYuan, PurposeClass, RequestId, Timestamp};
use shuzha_evidence::log::{LogKeys as _, SeedKeys};
use shuzha_evidence::{Call, Decision, Entry, Outcome, Terms};
use shuzha_journal::Journal;
use shuzha_pricing::closing::rated::{FIELDS, Figure};
use shuzha_pricing::closing::{self, Closing, Input, close};
use shuzha_pricing::export::sets::{ContributionRow, LineRow, ShareRow, StatementRow};
use shuzha_pricing::export::{Format, Job, export};
use shuzha_pricing::metering::Line;
use shuzha_pricing::rerating::Correction;
use shuzha_pricing::split::{Base, Split};
use shuzha_pricing::vat::{VatRate, VatRates};
use shuzha_pricing::{Basis, Effective, Month, Price, PriceBook};
use shuzha_store::Books;
use shuzha_store::ledger::{MeterOptions, Proposal};
use shuzha_store::tiles::Options;

use crate::home::{WORLD, shuzha, text};

const ORIGIN: &str = "log.example/gate-1";
const GRACE: Duration = Duration::from_hours(48);

/// Units, each with its scenario and agreement; the second has half the calls.
const UNITS: [&str; 2] = ["bank", "insurer"];

/// Products with what a call costs, in micro-yuan.
const PRODUCTS: [(&str, i64); 2] = [("person-check", 500_000), ("company-check", 300_000)];

fn id(text: &str) -> Id {
    Id::new(text).expect("a name")
}

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

/// A log and books of the same calls, and the files that an auditor is given. January is closed, some of its calls come late,
/// and February is closed too.
struct Case {
    dir: tempfile::TempDir,
    january: Closing,
    february: Closing,
    periods: Vec<Value>,
}

/// The terms, made by hand: what the world's files say, and a split and a tax rate.
fn terms() -> closing::Terms {
    let always = Effective::of_dates("2025-01-01", None).expect("a day");
    let price = |(product, micros): (&str, i64)| {
        let act = "云数运〔2025〕7号".to_owned();
        Price::per_call(id(product), act, id(product), MicroYuan::from_micros(micros), always)
    };
    let vat = VatRate { parts: 600, source: "增值税法".to_owned(), effective: always };
    let split = |part: u32| {
        let parties = [(id("police"), part), (id("yunze-data"), 10_000 - part)];
        Split::new(Base::Net, parties, 0).expect("a whole")
    };
    closing::Terms {
        book: PriceBook::build(PRODUCTS.map(price).to_vec(), vec![]).expect("no contradiction"),
        vat: VatRates::new(vec![vat]).expect("one"),
        splits: [("bank-agreement", 3_000), ("insurer-agreement", 3_333)]
            .map(|(name, part)| (id(name), split(part)))
            .into(),
        sources: [("person-check", "police"), ("company-check", "market-regulator")]
            .map(|(product, party)| (id(product), [(id(party), 1)].into()))
            .into(),
        operators: PRODUCTS.map(|(product, _)| (id(product), id("yunze-data"))).into(),
        ..closing::Terms::default()
    }
}

/// A difference of January that two persons re-rated, billed in February.
fn corrections_of(month_name: &str) -> Vec<Correction> {
    if month_name == "2026-01" {
        return Vec::new();
    }
    let line = Line {
        unit: id("bank"),
        agreement: id("bank-agreement"),
        scenario: id("bank-scenario"),
        product: id("person-check"),
        price: id("person-check"),
        purpose: PurposeClass::Industry,
        basis: Basis::Price,
    };
    let (exact, act) = (MicroYuan::from_micros(-1_230_000), "云数运〔2026〕9号".to_owned());
    vec![Correction { line, month: month("2026-01"), exact, notional: MicroYuan::ZERO, act }]
}

/// The same terms as the register's files state them.
fn terms_file() -> String {
    let signed = "window: {from: 2025-01-01, until: 2099-01-01}, signed: true";
    let mut world = WORLD.to_owned();
    for (name, part) in [("bank", 3_000), ("insurer", 3_333)] {
        let before = format!("unit: {name}, {signed}");
        assert!(world.contains(&before));
        let split = format!("splitBase: net, split: [{{party: police, parts: {part}}}, ");
        let split = format!("{split}{{party: yunze-data, parts: {}}}]", 10_000 - part);
        world = world.replace(&before, &format!("{before}, {split}"));
    }
    format!(
        "{world}\n---\napiVersion: shuzha/v1\nkind: TaxRate\nmetadata: {{name: vat}}\n\
         spec: {{parts: 600, source: 增值税法, window: {{from: 2025-01-01, until: 2099-01-01}}}}\n"
    )
    .replace("UPSTREAM", "127.0.0.1:1")
}

fn call(number: u64, received: Timestamp) -> Entry<'static> {
    let unit = UNITS[usize::from(number % 3 == 2)];
    let (product, price) = PRODUCTS[usize::from(number % 5 < 2)];
    let (scenario, agreement) = match unit {
        "bank" => ("bank-scenario", "bank-agreement"),
        _ => ("insurer-scenario", "insurer-agreement"),
    };
    let free = number % 7 == 6;
    let decision = if number % 11 == 10 { Decision::Refused } else { Decision::Answered };
    Entry::Call(Box::new(Call {
        terms: Terms {
            unit,
            product,
            operation: "verify",
            scenario,
            grant: "g",
            agreement,
            purpose: Some(PurposeClass::Industry),
            price: product,
            ..Terms::default()
        },
        quantity: 1,
        amount: MicroYuan::from_micros(if free { 0 } else { price }),
        decision,
        outcome: if free { Outcome::Uncharged } else { Outcome::Charged },
        ..Call::of(RequestId::generate(&ManualClock::at(received), &IdRng), received)
    }))
}

impl Case {
    fn new(calls: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::at(month("2026-01").begin()));
        let options = shuzha_journal::Options::new(dir.path().join("journal"), id("gate-1"), "test");
        let journal = Journal::open(options, Arc::clone(&clock) as _).expect("opens");
        let books = Books::open(&dir.path().join("finance.db")).expect("opens");
        let meter = MeterOptions::default().build(books.clone(), journal.clone()).expect("in step");
        let meter = meter.handle();
        let step = Duration::from_secs(20 * 86_400 / calls.max(1));
        let mut at = month("2026-01").begin();
        let mut some = |count: u64, from: Option<Timestamp>| {
            at = from.unwrap_or(at);
            for number in 0..count {
                let entry = call(number, at);
                // The queue is bounded; a disk that is slower than this loop is waited for.
                while journal.append(&entry).is_err() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                at = at.plus(step);
            }
            let last = call(10, at);
            journal.append_durable(&last).expect("serves").wait().expect("a disk");
        };
        let mut periods = Vec::new();
        let mut closed = |name: &str, by: [&str; 2]| {
            meter.catch_up().expect("gathers");
            let from = books.gatherings(month(name)).expect("readable");
            let rules = terms();
            let corrections = corrections_of(name);
            let input = Input {
                month: month(name),
                rows: &from.rows,
                before: &from.before,
                trees: &from.trees,
                corrections: &corrections,
                terms: &rules,
            };
            let closing = close(&input).expect("rated");
            let end = month(name).end();
            books.soft_close(month(name), &id(by[0]), end).expect("closed softly");
            let at = end.plus(GRACE);
            let period = books.close(&closing, from.stand, (&id(by[1]), at, GRACE)).expect("closed");
            let digest: String = shuzha_core::hex::encode(&closing.digest);
            periods
                .push(json!({"month": name, "state": "closed", "reached": period.reached, "digest": digest}));
            closing
        };
        some(calls, None);
        let january = closed("2026-01", ["li", "wang"]);
        let differences = corrections_of("2026-02");
        let (changes, reason) = ("[]", "价格有误");
        let proposal = Proposal { month: month("2026-01"), changes, reason, corrections: &differences };
        let at = month("2026-02").begin();
        let proposed = books.propose(proposal, &id("li"), at).expect("January is closed");
        books.approve(proposed.number, &differences, (&id("wang"), at)).expect("another person");
        some(calls / 10, Some(month("2026-01").begin()));
        some(calls, Some(month("2026-02").begin()));
        let february = closed("2026-02", ["li", "wang"]);
        some(calls / 10, Some(month("2026-02").begin()));

        let log = Options {
            folder: dir.path().join("evidence"),
            origin: ORIGIN.to_owned(),
            keys: Arc::new(keys()),
            interval: Duration::from_millis(1),
            clock,
        };
        let follower = log.build(journal.clone()).expect("a log");
        follower.handle().drain();
        follower.run();
        journal.close();
        let case = Self { dir, january, february, periods };
        case.file("terms.yaml", &terms_file());
        let public: Vec<String> = keys().known().iter().map(ToString::to_string).collect();
        case.file("log.keys", &public.join("\n"));
        case.file("periods.json", &json!({"items": case.periods}).to_string());
        case
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Writes the bills of a month as exports in `format`, and gives their files.
    fn bills(&self, closing: &Closing, format: Format) -> Vec<PathBuf> {
        let period = closing.month;
        let text = period.to_string();
        let job = Job { format, lang: Lang::Zh, period: &text };
        let on = |at: usize| closing.statements.iter().find(|one| one.lines.contains(&at)).expect("on one");
        let lines = closing.lines.iter().enumerate();
        let lines: Vec<_> =
            lines.map(|(at, line)| LineRow { period, statement: &on(at).number, line }).collect();
        let statements = closing.statements.iter();
        let statements: Vec<_> =
            statements.map(|statement| StatementRow { period, statement, state: "issued" }).collect();
        let bills = closing.bills.iter();
        let shares: Vec<_> = bills
            .flat_map(|bill| closing.shares[bill.shares.clone()].iter().map(move |share| (bill, share)))
            .map(|(bill, share)| ShareRow { period, bill, share })
            .collect();
        let contributed =
            closing.contributions.iter().map(|contribution| ContributionRow { period, contribution });
        let mut files = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        let progress = &mut |_| ControlFlow::Continue(());
        export(&job, lines.into_iter().map(Ok::<_, Infallible>), &mut files[0], progress).expect("written");
        export(&job, statements.into_iter().map(Ok::<_, Infallible>), &mut files[1], progress)
            .expect("written");
        export(&job, shares.into_iter().map(Ok::<_, Infallible>), &mut files[2], progress).expect("written");
        export(&job, contributed.map(Ok::<_, Infallible>), &mut files[3], progress).expect("written");
        let named = ["lines", "statements", "shares", "contributions"].into_iter().zip(files);
        named
            .map(|(set, bytes)| {
                let path = self.dir.path().join(format!("{set}-{period}.{}", format.as_str()));
                std::fs::write(&path, bytes).expect("written");
                path
            })
            .collect()
    }

    fn reconcile(&self, month: &str, bills: &[PathBuf]) -> (Option<i32>, String) {
        self.with(month, bills, &["--periods", &self.path("periods.json")])
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn with(&self, month: &str, bills: &[PathBuf], more: &[&str]) -> (Option<i32>, String) {
        let mut command = shuzha();
        command.args(["verify", "reconcile"]).arg(self.dir.path().join("evidence"));
        command.args(["--keys", &self.path("log.keys"), "--terms", &self.path("terms.yaml")]);
        command.args(["--month", month]).args(more);
        for bill in bills {
            command.arg("--bill").arg(bill);
        }
        let done = command.output().expect("the program starts");
        (done.status.code(), format!("{}{}", text(&done.stdout), text(&done.stderr)))
    }
}

fn keys() -> SeedKeys {
    SeedKeys::new(ORIGIN, [1; 32], [1; 32], []).expect("a name")
}

fn taxed(of: &shuzha_pricing::vat::Taxed) -> Value {
    json!({"gross": of.gross.to_string(), "net": of.net.to_string(), "tax": of.tax.to_string()})
}

/// A statement with its lines, and a share bill, as the API answers them.
fn answered(closing: &Closing) -> (Value, Value) {
    let one = &closing.statements[0];
    let tree = one.tree.expect("of its calls");
    let hex = |bytes: &[u8]| shuzha_core::hex::encode(bytes);
    let lines: Vec<Value> = closing.lines[one.lines.clone()]
        .iter()
        .map(|line| {
            let mut document = json!({"amounts": {}, "sequences": [line.first_seq, line.last_seq]});
            for field in FIELDS.iter().filter(|field| !field.path.starts_with("sequences")) {
                let value = match field.of(line) {
                    None => Value::Null,
                    Some(Figure::Id(id)) => id.as_str().into(),
                    Some(Figure::Text(text)) => text.into(),
                    Some(Figure::Month(month)) => month.to_string().into(),
                    Some(Figure::Purpose(purpose)) => purpose.as_str().into(),
                    Some(Figure::Basis(basis)) => basis.as_str().into(),
                    Some(Figure::Count(count)) => count.into(),
                    Some(Figure::MicroYuan(amount)) => amount.to_string().into(),
                    Some(Figure::Fen(amount)) => amount.to_string().into(),
                    Some(Figure::Parts(parts)) => parts.into(),
                };
                match field.path.split_once('.') {
                    Some((outer, inner)) => document[outer][inner] = value,
                    None => document[field.path] = value,
                }
            }
            document
        })
        .collect();
    let statement = json!({
        "number": one.number, "month": closing.month.to_string(), "unit": one.unit.as_str(),
        "state": "issued", "amounts": taxed(&one.taxed), "acts": [], "lines": lines,
        "calls": {"root": hex(&tree.root), "size": tree.size, "sequences": [tree.first_seq, tree.last_seq]},
    });
    let bill = &closing.bills[0];
    let shares: Vec<Value> = closing.shares[bill.shares.clone()]
        .iter()
        .map(|share| {
            json!({
                "agreement": share.agreement.as_str(), "product": share.product.as_str(),
                "base": share.base.to_string(), "weight": share.weight.to_string(),
                "whole": share.whole.to_string(), "amount": share.amount.to_string(),
            })
        })
        .collect();
    let bill = json!({
        "number": bill.number, "party": bill.party.as_str(), "amount": bill.amount.to_string(), "shares": shares,
    });
    (statement, bill)
}

/// R16, G3: whatever form the bills come in, they are what the log's entries come to, late calls of a closed month included.
#[test]
fn g3_bills_are_what_the_entries_come_to() {
    let case = Case::new(2_000);
    for closing in [&case.january, &case.february] {
        let month = closing.month.to_string();
        for format in [Format::Csv, Format::CsvGb18030, Format::JsonLines] {
            let (code, said) = case.reconcile(&month, &case.bills(closing, format));
            assert_eq!(code, Some(0), "{format:?} {said}");
            let gross: i64 = closing.statements.iter().map(|one| one.taxed.gross.count()).sum();
            assert!(said.contains(&format!("{}.{:02} 元", gross / 100, gross % 100)), "{said}");
        }
    }
    // Late calls of January stand in February, as lines of January.
    let late = case.february.lines.iter().filter(|line| line.month == month("2026-01")).count();
    assert!(late > 0);
    let (_, said) = case.reconcile("2026-02", &case.bills(&case.february, Format::JsonLines));
    assert!(said.contains("1 corrections are taken as they are stated"), "{said}");
    let (statement, bill) = answered(&case.february);
    let files = [case.file("s.json", &statement.to_string()), case.file("b.json", &bill.to_string())];
    let (code, said) = case.reconcile("2026-02", &files);
    assert_eq!(code, Some(0), "{said}");
    // Without knowing what was closed when, the late calls count in their own month.
    let (code, said) = case.with("2026-02", &files, &[]);
    assert_eq!(code, Some(1), "{said}");
    // Its own unit's statement is not whole for everyone.
    let own = case.file("own.json", &json!({"items": [statement]}).to_string());
    let (code, said) = case.reconcile("2026-02", std::slice::from_ref(&own));
    assert!(code == Some(1) && said.contains("left out") && said.contains("insurer"), "{said}");
    let only = ["--periods", &case.path("periods.json"), "--only", "bank"];
    assert_eq!(case.with("2026-02", &[own], &only).0, Some(0));
}

/// R16 at its size.
#[test]
#[ignore = "a million entries: minutes"]
fn g3_r16_a_million_entries_come_to_their_bills() {
    let case = Case::new(480_000);
    let (code, said) = case.reconcile("2026-02", &case.bills(&case.february, Format::JsonLines));
    assert_eq!(code, Some(0), "{said}");
    println!("{said}");
    let counted: BTreeMap<&str, u64> =
        case.february.statements.iter().map(|one| (one.unit.as_str(), one.tree.expect("one").size)).collect();
    println!("{counted:?}");
}
