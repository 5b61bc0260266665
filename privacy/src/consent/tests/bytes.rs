//! Tokens by the byte: a seeded fuzzer that runs with the tests, so that it needs no toolchain of its own and no night.
//! It changes good tokens and their payloads — flips, cuts, repetitions, words that JSON and JWS know — and holds the
//! readers to two things: they never panic, and what they accept obeys the rules.

use shuzha_testkit::Seeded;

use super::*;

/// Changed payloads read by the reader of claims and the rules.
const PAYLOADS: u32 = 150_000;
/// Changed tokens verified, signature and all.
const TOKENS: u32 = 30_000;

/// Words that change what a text means.
const WORDS: &[&str] = &[
    "*",
    "null",
    "{}",
    "[]",
    "\"",
    "\\u0000",
    "\\ud800",
    "1e999",
    "-1",
    "0",
    "18446744073709551616",
    "true",
    ",",
    ":",
    "\"use\":",
    "\"parent\":",
    "\"status\":",
    "\"authorization_details\":",
    "/",
    "//",
    "~",
    "~2",
    "p1:",
    "１２３",
    ".",
    "..",
    "=",
    "none",
    "HS256",
    "eyJhbGciOiJub25lIn0",
    "A",
    "\u{202e}",
];

/// What a reader accepts must be bounded, listed and single.
fn holds(claims: &Claims) -> bool {
    let [details] = &*claims.authorization_details else { return false };
    let uses = claims.r#use.as_ref().and_then(|uses| uses.max);
    let lifetime = claims.exp.map(|exp| exp - claims.nbf);
    uses.is_some_and(|uses| (1..=USES_MAX).contains(&uses))
        && lifetime.is_some_and(|lifetime| (1..=LIFETIME_MAX).contains(&lifetime))
        && (1..=PRODUCTS_MAX).contains(&details.products.len())
        && !details.products.iter().any(|product| product.contains('*'))
        && !details.fields.iter().any(|field| field.ends_with('*'))
}

#[test]
fn d2_changed_payloads_are_refused_or_obey_the_rules() {
    try_payloads(0x5eed_0001, PAYLOADS);
}

#[test]
#[ignore = "a million payloads: a minute"]
fn d2_a_million_changed_payloads_are_refused_or_obey_the_rules() {
    try_payloads(0x5eed_0003, 1_000_000);
}

fn try_payloads(seed: u64, cases: u32) {
    let seeded = Seeded::new(seed);
    let good = payload().to_string().into_bytes();
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..cases {
        let bytes = seeded.changed(&good, WORDS);
        let read = claims::read::<Claims>(&bytes).and_then(|claims| rules::check(&claims).map(|()| claims));
        match read {
            Ok(claims) => {
                assert!(holds(&claims), "{}", String::from_utf8_lossy(&bytes));
                accepted += 1;
            }
            Err(code) => {
                assert!(matches!(code, Code::C402 | Code::C409), "{code}");
                refused += 1;
            }
        }
    }
    // Both sides were tried: changes inside of texts leave a payload good.
    assert!(accepted > 1_000 && refused > cases / 2, "{accepted} accepted, {refused} refused");
}

#[test]
fn d6_changed_tokens_are_refused() {
    try_tokens(0x5eed_0002, TOKENS);
}

#[test]
#[ignore = "a million tokens, three readers each: some minutes"]
fn d6_a_million_changed_tokens_are_refused() {
    try_tokens(0x5eed_0004, 1_000_000);
}

fn try_tokens(seed: u64, cases: u32) {
    let seeded = Seeded::new(seed);
    let good = good();
    let withdrawal = issue_withdrawal("AAAAAAAAAAAAAAAAAAAAAA", None, at(NOW), &signer()).unwrap();
    for _ in 0..cases {
        let bytes = seeded.changed(good.as_bytes(), WORDS);
        let token = String::from_utf8_lossy(&bytes);
        assert_eq!(verify(&token, &issuers(), GATE, at(NOW)).is_ok(), token == good, "{token}");
        let bytes = seeded.changed(withdrawal.as_bytes(), WORDS);
        let token = String::from_utf8_lossy(&bytes);
        assert_eq!(verify_withdrawal(&token, &issuers()).is_ok(), token == withdrawal, "{token}");
        assert!(verify_receipt(&token, &issuers()).is_err());
    }
}
