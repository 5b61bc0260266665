//! An output contract and an answer under it, split at the first line feed: what leaves is JSON and holds no leaf that the
//! contract does not list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use shuzha_privacy::output::Contract;

fuzz_target!(|bytes: &[u8]| {
    let mut halves = bytes.splitn(2, |byte| *byte == b'\n');
    let (declared, answer) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    let declared: Value = serde_json::from_slice(declared)
        .unwrap_or_else(|_| json!({"/score": {"type": "integer", "minimum": 0, "maximum": 1000, "required": false}}));
    let Ok(contract) = Contract::compile(&declared) else { return };
    if let Ok(projected) = contract.project(contract.all(), answer) {
        serde_json::from_slice::<Value>(&projected.bytes).expect("what leaves is JSON");
    }
});
