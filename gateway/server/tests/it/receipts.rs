//! Receipts of a running node, checked by whoever holds nothing but public keys.

use std::time::Duration;

use shuzha_core::{Clock, RequestId, SystemClock};
use shuzha_evidence::commit::Request;
use shuzha_evidence::merkle::{Digest, Sha256, Sm3};
use shuzha_evidence::policy::Policy;
use shuzha_evidence::receipt::Receipt;
use shuzha_evidence::{Call, Entry};

use crate::answers::Answer;
use crate::caller::{Ask, Caller, Credential};
use crate::home::{COMPANY, Home, text};
use crate::node::Node;

/// A checkpoint comes each second; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// The public keys that the node's operator gives out.
pub(crate) fn policy(home: &Home) -> Policy {
    let told = home.run(&["keys", "log"]);
    assert!(told.status.success(), "{told:?}");
    let log = text(&told.stdout).lines().map(|key| key.parse().expect("a key")).collect();
    Policy { log, ..Policy::default() }
}

/// The receipt, once a checkpoint covers the call.
pub(crate) fn receipt(caller: &Caller, credential: &Credential, path: &str) -> Receipt {
    let until = SystemClock.now().plus(PATIENCE);
    loop {
        let answer = caller.get_signed(credential, path);
        if answer.status == 200 {
            return Receipt::parse(answer.body.as_bytes()).expect("a receipt");
        }
        assert_eq!(answer.code().as_deref(), Some("C1702"), "{answer:?}");
        assert!(SystemClock.now() < until, "no checkpoint in time");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn call(receipt: &Receipt) -> Box<Call<'_>> {
    let enclosed = receipt.enclosed.as_ref().expect("the entry");
    match Entry::decode(&enclosed.entry) {
        Ok(Entry::Call(call)) => call,
        other => panic!("{other:?}"),
    }
}

/// The receipt shows its own entry and no other, and opens to this request and answer and to no other.
fn shows<D: Digest>(receipt: &Receipt, policy: &Policy, ask: &Ask, answer: &Answer) {
    let enclosed = receipt.enclosed.as_ref().expect("the entry");
    assert_eq!(receipt.check::<D>(&enclosed.entry, policy), Ok(()));
    let mut other = enclosed.entry.clone();
    *other.last_mut().expect("not empty") ^= 1;
    assert!(receipt.check::<D>(&other, policy).is_err());
    let call = call(receipt);
    let request: RequestId = answer.request.parse().expect("an id");
    assert_eq!((call.request, call.terms.unit), (request, "bank"));
    assert_eq!(call.response_commitment, Some(enclosed.answer.answer(&request, answer.body.as_bytes())));
    assert_ne!(call.response_commitment, Some(enclosed.answer.answer(&request, b"{}")));
    let body = ask.body.to_string();
    let digest = ring::digest::digest(&ring::digest::SHA256, body.as_bytes());
    let asked = |path| {
        let body_sha256 = digest.as_ref().try_into().expect("32 bytes");
        let request = Request { method: "POST", path, query: "", body_sha256 };
        match ask.idempotency {
            None => enclosed.request.request(&request),
            Some(_) => enclosed.request.retried(&request, "bank-scenario", ""),
        }
    };
    assert_eq!(call.request_commitment, Some(asked("/v1/products/company-check/verify")));
    assert_ne!(call.request_commitment, Some(asked("/v1/products/person-check/verify")));
}

#[test]
fn h1_a_receipt_is_for_the_unit_that_called_and_checks_offline() {
    let home = Home::new();
    let node = Node::start(&home);
    let caller = Caller::new(node.data);
    let bank = home.credential("bank-1");
    let once = Ask::company("bank-scenario", COMPANY.1);
    let retried = Ask { idempotency: Some("key-1".to_owned()), ..once.clone() };
    let policy = policy(&home);
    for ask in [&once, &retried] {
        let answer = caller.call(&bank, ask);
        assert_eq!(answer.status, 200, "{answer:?}");
        let handle = answer.receipt.clone().expect("a handle");
        let path = format!("/v1/receipts/{}", answer.request);
        let sha256 = receipt(&caller, &bank, &path);
        shows::<Sha256>(&sha256, &policy, ask, &answer);
        shows::<Sm3>(&receipt(&caller, &bank, &format!("{path}/sm3")), &policy, ask, &answer);
        let by_handle = receipt(&caller, &bank, &format!("/v1/receipts/{handle}"));
        assert_eq!(by_handle.enclosed, sha256.enclosed);
        // Another unit learns as little as a stranger.
        let theirs = caller.get_signed(&home.credential("insurer-1"), &path);
        assert_eq!((theirs.status, theirs.code().as_deref()), (404, Some("C1701")));
        assert_eq!(caller.get(&path).code().as_deref(), Some("C101"));
    }
    for id in ["0", "1.999999", "9.0", "x", "0190a5b4-7c00-7000-8000-000000000000", "1.2.3", "-1.2"] {
        let answer = caller.get_signed(&bank, &format!("/v1/receipts/{id}"));
        assert!(matches!(answer.code().as_deref(), Some("C1701" | "C1702")), "{id}: {answer:?}");
    }
    // A refused call has its receipt too (E10).
    let refused = caller.call(&bank, &Ask { scenario: "no-scenario", ..once });
    assert_eq!(refused.status, 403);
    let denial = receipt(&caller, &bank, &format!("/v1/receipts/{}", refused.request));
    let enclosed = denial.enclosed.as_ref().expect("the entry");
    assert_eq!(denial.check::<Sha256>(&enclosed.entry, &policy), Ok(()));
    assert_eq!(call(&denial).code.map(|code| code.to_string()), refused.code());
    node.drain();
}

/// What is served to everyone holds hashes and no entry; operators have the entries.
#[test]
fn h1_the_log_is_served_without_entries_but_to_operators() {
    let home = Home::new();
    let node = Node::start(&home);
    let caller = Caller::new(node.data);
    let bank = home.credential("bank-1");
    let answer = caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1));
    let handle = answer.receipt.expect("a handle");
    let receipt = receipt(&caller, &bank, &format!("/v1/receipts/{handle}"));
    let checkpoint = policy(&home).open(&receipt.note).expect("signed");
    let shard = checkpoint.origin.rsplit('/').next().expect("a half-year").to_owned();
    let head = caller.get(&format!("/log/{shard}/checkpoint"));
    assert_eq!(head.body, receipt.note.to_string());
    let size = checkpoint.size;
    let (status, tile) = caller.get_bytes(&format!("/log/{shard}/tile/0/000.p/{size}"));
    assert_eq!((status, tile.len()), (200, usize::try_from(size * 32).expect("small")));
    let entries = format!("/log/{shard}/tile/entries/000.p/{size}");
    assert_eq!(caller.get(&entries).code().as_deref(), Some("C006"));
    let operators = Caller::new(node.operations);
    let (status, bundle) = operators.get_bytes(&entries);
    assert_eq!(status, 200);
    let enclosed = receipt.enclosed.expect("the entry").entry;
    assert!(bundle.windows(enclosed.len()).any(|part| part == enclosed));
    let metrics = operators.get("/metrics").body;
    assert!(
        metrics.contains("\nshuzha_evidence_published_seq ")
            && metrics.contains("shuzha_evidence_overdue_seconds 0")
    );
    let status = operators.get("/status");
    assert!(status.json()["evidence"]["published_seq"].as_u64() >= Some(size), "{status:?}");
    node.drain();
}
