//! Finance at the terminal, over the books of calls that were made: what was used, taken as a file whose seals hold, and
//! paid for by nobody who may not see it.

use std::process::Command;

use super::privacy::{give, verify};
use super::world::TestWorld;
use crate::caller::Caller;
use crate::home::PERSON;
use crate::node::patiently;

#[test]
fn g4_usage_is_exported_with_seals_that_a_changed_file_breaks() {
    let town = TestWorld::open();
    let root = town.by("root");
    town.house.member(&root, "tang", "yunze-data", &["finance"]);
    let bound = root.told(&["consent", "bind", "zhang"], PERSON.0);
    assert!(bound.status.success(), "{bound:?}");
    super::consents::confirm(&town.house, &bound);
    let (_, token) = give(&town, "1");
    let answered = verify(&town, &Caller::new(town.house.data_plane), &token);
    assert_eq!(answered.json()["result"].as_str().map(str::trim_end), Some("consistent"), "{answered:?}");

    let tang = town.by("tang");
    let month = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(8)).strftime("%Y-%m").to_string();
    let used = || tang.done(&["finance", "usage", &month]);
    let used =
        patiently("the call in the books", || Some(used()).filter(|used| used.contains("person-check")));
    assert!(used.contains("bank"));

    for format in ["csv", "gb18030.csv", "jsonl"] {
        let out = town.house.data().join(format!("ex-usage.{format}"));
        let path = out.to_str().expect("UTF-8");
        tang.done(&["finance", "export", "usage", "--period", &month, "--format", format, "--out", path]);
        let check = || {
            // The file says itself what it is; its name says how it is written.
            let arguments = ["finance", "check-export", path];
            Command::new(env!("CARGO_BIN_EXE_shuzha")).args(arguments).output().expect("it runs")
        };
        let checked = check();
        assert!(checked.status.success(), "{format}: {checked:?}");
        let mut bytes = std::fs::read(&out).expect("the file");
        let at = bytes.windows(12).position(|part| part == b"person-check").expect("the product is named");
        bytes[at] = b'q';
        std::fs::write(&out, bytes).expect("written");
        let checked = check();
        assert!(!checked.status.success(), "{format}: {checked:?}");
    }
    tang.done(&["finance", "verify-ledger"]);
    tang.done(&["finance", "stopped-prices"]);
    let refused = town.by("wu").run(&["finance", "usage", &month]);
    assert!(!refused.status.success(), "a unit sees its statements, not the books: {refused:?}");
}

/// The bank as it stands, with another limit.
const UNIT: &str = "---
apiVersion: shuzha/v1
kind: ApplicationUnit
metadata: {name: bank}
spec: {organisation: yunze-bank, securityOfficer: 林望舒, creditLimit: '0.00'}
";

/// Logic M8: what a unit had paid did not let it call again, and a start knew of nothing but calls.
#[test]
fn g3_what_is_paid_can_be_spent_at_the_gate_at_once_and_after_a_crash() {
    let mut town = TestWorld::open();
    let root = town.by("root");
    for name in ["tang", "tao"] {
        town.house.member(&root, name, "yunze-data", &["finance"]);
    }
    let bound = root.told(&["consent", "bind", "zhang"], PERSON.0);
    assert!(bound.status.success(), "{bound:?}");
    super::consents::confirm(&town.house, &bound);
    let (_, token) = give(&town, "9");
    let limited = town.by("sun").apply(UNIT);
    assert!(limited.status.success(), "{limited:?}");
    let code = |town: &TestWorld| verify(town, &Caller::new(town.house.data_plane), &token).code();
    assert_eq!(code(&town).as_deref(), Some("C704"), "no credit");
    let pay = |town: &TestWorld, kind: &str, amount: &str, key: &str| {
        let what = ["finance", "pay", kind, "--of", "bank", "--amount", amount];
        town.by("tang").done(&[&what[..], &["--key", key, "--reason", "预付款"]].concat())
    };
    pay(&town, "prepay", "10.00", "ICBC-1");
    assert_eq!(code(&town), None, "the very next call");
    pay(&town, "refund", "8.90", "ICBC-2");
    assert_eq!(code(&town), None, "nothing moves before the second person");
    town.by("tao").done(&["finance", "approve-posting", "1"]);
    assert_eq!(code(&town).as_deref(), Some("C704"), "it was paid back");
    pay(&town, "prepay", "0.50", "ICBC-3");
    town.house.crash();
    town.house.start_again();
    assert_eq!(code(&town), None, "the books know what was paid");
    assert_eq!(code(&town).as_deref(), Some("C704"), "and the journal what was called");
}
