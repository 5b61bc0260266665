//! What must never be written: identifiers of persons, tokens, secrets, answers about persons (law 5).
//!
//! Calls are made with known canaries in every place a caller can put them; then every byte that the gateway wrote is
//! searched: its log, its data folder, its metrics, the refusals it sent.

use shuzha_core::hex;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, PERSON};
use crate::node::Node;
use crate::service::WRONG_NAME;

/// A word that no part of the gateway uses.
const CANARY: &str = "canary-7f3a91";

/// Files below `folder`, with what is in them.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if entry.is_file() {
            found.push((entry.display().to_string(), std::fs::read(&entry).expect("ours")));
        }
    }
    found
}

pub(crate) fn holds(content: &[u8], canary: &[u8]) -> bool {
    content.windows(canary.len()).any(|window| window == canary)
}

#[test]
fn nothing_a_caller_says_is_written_anywhere() {
    let home = Home::new();
    let node = Node::start_with(&home, &[]);
    let (caller, operations) = (Caller::new(node.data), Caller::new(node.operations));
    let bank = home.credential("bank-1");
    let token = home.consent(PERSON.0, 2);
    let key = format!("{CANARY}-idempotency");
    let person = |token: Option<&str>| Ask::person(token.map(str::to_owned));
    let calls = [
        (Ask { idempotency: Some(key), ..person(Some(&token)) }, None),
        (Ask { body: json!({"id_number": PERSON.0, "name": WRONG_NAME}), ..person(Some(&token)) }, None),
        (person(Some(&token)), Some("C407")),
        (person(None), Some("C401")),
        (person(Some(&format!("{CANARY}.token.x"))), Some("C402")),
        (
            Ask { body: json!({"id_number": PERSON.0, "name": CANARY, CANARY: 1}), ..person(Some(&token)) },
            Some("C302"),
        ),
        (
            Ask { body: json!({"id_number": "690113200205284260", "name": CANARY}), ..person(Some(&token)) },
            Some("C305"),
        ),
        (Ask { scenario: "canary-7f3a91", ..person(Some(&token)) }, Some("C204")),
        (Ask::company("bank-scenario", COMPANY.1), None),
    ];
    let mut refusals = String::new();
    for (ask, code) in calls {
        let answer = caller.call(&bank, &ask);
        assert_eq!(answer.code().as_deref(), code, "{answer:?}");
        if code.is_some() {
            refusals.push_str(&answer.body);
        }
    }
    let mut forged = person(None).signed(&bank);
    forged.headers.retain(|(name, _)| *name != "X-App-Key");
    forged.headers.push(("X-App-Key", CANARY.to_owned()));
    let refused = caller.send(&forged).expect("an answer");
    assert_eq!(refused.code().as_deref(), Some("C103"), "{refused:?}");
    refusals.push_str(&refused.body);
    let astray = caller.get(&format!("/v1/{CANARY}"));
    assert_eq!(astray.status, 404);
    refusals.push_str(&astray.body);
    let metrics = operations.get("/metrics").body;
    let status = operations.get("/status").body;
    let (ended, log) = node.drain();
    assert!(ended.success(), "{log:#?}");
    for line in &log {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }

    let texts = [("refusals", refusals), ("metrics", metrics), ("status", status), ("log", log.join("\n"))];
    let texts = texts.map(|(name, text)| (name.to_owned(), text.into_bytes()));
    let written = files(&home.data());
    assert!(written.iter().any(|(name, content)| name.ends_with(".journal") && content.len() > 1_000));
    let secret = BASE64_STANDARD.encode(&bank.secret);
    let signature = token.rsplit('.').next().expect("a compact token");
    let canaries = [CANARY, PERSON.0, PERSON.1, WRONG_NAME, COMPANY.0, COMPANY.1, &token, signature, &secret];
    let canaries = canaries.map(str::as_bytes).into_iter().chain([&*bank.secret]);
    for canary in canaries.chain([hex::encode(&bank.secret).as_bytes(), b"inconsistent"]) {
        for (name, content) in texts.iter().chain(&written) {
            // What an answer can be is no answer: the pages of metrics name classes of outcome.
            let named = canary == b"inconsistent" && name == "metrics";
            assert!(named || !holds(content, canary), "{name} holds {}", String::from_utf8_lossy(canary));
        }
    }
}
