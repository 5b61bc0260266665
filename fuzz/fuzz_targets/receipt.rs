//! Receipts: what is read is written again as it stood.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shuzha_evidence::receipt::Receipt;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(receipt) = Receipt::parse(bytes) {
        assert_eq!(receipt.to_string().as_bytes(), bytes);
    }
});
