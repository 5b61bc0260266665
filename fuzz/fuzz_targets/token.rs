//! Consent tokens, withdrawals and receipts: without a signature under the registered key, nothing is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shuzha_core::Timestamp;
use shuzha_privacy::consent::{self, Algorithm, Issuers, Signer};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let signer = Signer::from_seed("consent-service", "key-2026", &[7; 32]);
    let mut issuers = Issuers::new();
    issuers.register("key-2026", "consent-service", Algorithm::EdDsa, &signer.public_key()).expect("a sound key");
    let now = Timestamp::from_seconds(1_700_000_500);
    assert!(consent::verify(&text, &issuers, "gate-1", now).is_err());
    assert!(consent::verify_withdrawal(&text, &issuers).is_err());
    assert!(consent::verify_receipt(&text, &issuers).is_err());
});
