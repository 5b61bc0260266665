//! Finance at the terminal, over the books of calls that were made: what was used, taken as a file whose seals hold, and
//! paid for by nobody who may not see it.

use std::process::Command;

use super::privacy::{give, verify};
use super::town::Town;
use crate::caller::Caller;
use crate::home::PERSON;
use crate::node::patiently;

#[test]
fn g4_usage_is_exported_with_seals_that_a_changed_file_breaks() {
    let town = Town::open();
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
