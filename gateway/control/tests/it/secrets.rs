//! Secrets of credentials (REQUIREMENTS A4): issued once, shown once, sealed at rest, in force when answered; rotated by pairs.

use serde_json::json;
use shuzha_control::Error;
use shuzha_control::accounts::Issued;
use shuzha_core::{Code, Id, Role};
use shuzha_testkit_control::{TestWorld, by, code, example, id, person};

fn issue(town: &TestWorld, who: &str, credential: &str, key: Option<&str>) -> Result<Issued, Error> {
    town.plane.accounts.issue_secret(&by(who), &id(credential), "首次签发", key)
}

/// What was put in force by the latest act.
fn latest(town: &TestWorld) -> Vec<(&'static str, Id)> {
    let deltas = town.plane.gate.seen.lock().expect("answers");
    let last = deltas.last().expect("something was put in force");
    last.put.iter().map(|held| (held.kind, held.name.clone())).collect()
}

#[test]
fn a4_a_secret_is_issued_once_shown_once_and_sealed() {
    let town = TestWorld::new();
    let issued = issue(&town, "wu", "bank-1", Some("k")).expect("the unit's own");
    assert_eq!(issued.algorithm, "hmac-sha256");
    let secret = issued.secret.expect("shown");
    assert_eq!(secret.len(), 44, "32 bytes in base 64");
    assert_eq!(latest(&town), [("Credential", id("bank-1"))], "in force when it is answered");
    let kept = town.plane.register.sealed_secrets().expect("answers");
    assert!(matches!(&kept[..], [(name, Some(_))] if name.as_str() == "bank-1"));
    // Neither at rest nor in any act.
    let dump = town.plane.dump();
    assert!(!dump.contains(&*secret) && !dump.contains(secret.trim_end_matches('=')));
    let acts = town.plane.register.acts(&shuzha_store::register::ActFilter {
        verb: Some("issue-secret"),
        limit: 9,
        ..Default::default()
    });
    assert_eq!(acts.expect("answers")[0].act.reason, "首次签发");
    // A retry is told that it was shown; another request, that there is one.
    let before = town.plane.dump();
    assert!(issue(&town, "wu", "bank-1", Some("k")).expect("a retry").secret.is_none());
    assert_eq!(code(issue(&town, "wu", "bank-1", None)), Code::C1015);
    assert_eq!(code(issue(&town, "wu", "bank-2", Some("k"))), Code::C1009, "another request with that key");
    assert_eq!(town.plane.dump(), before);
}

#[test]
fn a4_who_may_not_write_a_credential_gets_no_secret_of_it() {
    let town = TestWorld::new();
    let before = town.plane.dump();
    assert_eq!(code(issue(&town, "he", "bank-1", None)), Code::C1003, "another unit does not see it");
    assert_eq!(code(issue(&town, "zheng", "bank-1", None)), Code::C1104);
    assert_eq!(code(issue(&town, "wu", "nothing", None)), Code::C1003);
    let reads = shuzha_control::Caller { read_only: true, ..by("wu") };
    assert_eq!(code(town.plane.accounts.issue_secret(&reads, &id("bank-1"), "", None)), Code::C1106);
    assert_eq!(town.plane.dump(), before);
    let stranger = person("sre", "ops", &[Role::Sre]);
    let shown = town.plane.accounts.issue_secret(&stranger, &id("bank-1"), "", None);
    assert_eq!(code(shown), Code::C1023, "whoever holds the secret acts as the unit");
    assert_eq!(code(issue(&town, "sun", "bank-1", None)), Code::C1023, "the operator of the unit neither");
    assert_eq!(code(issue(&town, "wang", "bank-1", None)), Code::C1023);
}

#[test]
fn a4_credentials_rotate_in_pairs_and_a_new_one_of_the_name_is_not_opened_by_the_old_secret() {
    let town = TestWorld::new();
    issue(&town, "wu", "bank-1", None).expect("the first");
    let mut second = example("Credential", "bank-1");
    town.put("wu", "Credential", "bank-b", &second).expect("declared beside it");
    issue(&town, "wu", "bank-b", None).expect("the second; the first still holds");
    second["revoked"] = json!(true);
    town.put("sun", "Credential", "bank-b", &second).expect("the operator of the unit revokes it");
    assert_eq!(latest(&town), [("Credential", id("bank-b"))]);
    town.remove("wu", "Credential", "bank-1").expect("removed");
    let kept = town.plane.register.sealed_secrets().expect("answers");
    assert!(kept.iter().any(|(name, secret)| name.as_str() == "bank-1" && secret.is_none()), "taken back");
    town.put("wu", "Credential", "bank-1", &example("Credential", "bank-1")).expect("of the same name");
    assert!(!town.plane.register.has_secret(&id("bank-1")).expect("answers"));
    issue(&town, "wu", "bank-1", None).expect("a secret of its own");
}

#[test]
fn a4_a_key_pair_or_a_revoked_credential_has_no_secret_to_issue() {
    let town = TestWorld::new();
    let mut own = example("Credential", "bank-1");
    own["algorithm"] = json!("ed25519");
    own["publicKeyFile"] = json!("keys/bank.pub");
    town.put("wu", "Credential", "bank-pair", &own).expect("declared");
    assert_eq!(code(issue(&town, "wu", "bank-pair", None)), Code::C1016);
    let mut gone = example("Credential", "bank-1");
    gone["revoked"] = json!(true);
    town.put("wu", "Credential", "bank-gone", &gone).expect("declared as revoked");
    assert_eq!(code(issue(&town, "wu", "bank-gone", None)), Code::C1016);
}

/// What was handed out to try things with never opens real data.
#[test]
fn k1_a_test_credential_stays_one() {
    let town = TestWorld::new();
    let mut spec = example("Credential", "bank-1");
    spec["sandbox"] = json!(true);
    town.put("wu", "Credential", "bank-try", &spec).expect("declared");
    for after in [json!(false), serde_json::Value::Null] {
        let mut real = spec.clone();
        match after {
            serde_json::Value::Null => drop(real.as_object_mut().expect("a spec").remove("sandbox")),
            after => real["sandbox"] = after,
        }
        let before = town.plane.dump();
        assert_eq!(code(town.put("root", "Credential", "bank-try", &real)), Code::C1014);
        assert_eq!(code(town.put("wu", "Credential", "bank-try", &real)), Code::C1014);
        assert_eq!(town.plane.dump(), before);
    }
    spec["window"] = json!({"from": "2025-01-01", "until": "2029-01-01"});
    town.put("wu", "Credential", "bank-try", &spec).expect("other fields may change");
}

/// It is shown only once: whoever is told that it is not in force yet (C1018) needs it as much as anybody.
#[test]
fn a4_a_secret_that_is_not_in_force_yet_reaches_its_caller() {
    let town = TestWorld::new();
    town.plane.gate.fails.store(true, std::sync::atomic::Ordering::SeqCst);
    let issued = issue(&town, "wu", "bank-1", Some("k")).expect("it is issued");
    assert!(!issued.in_force && issued.secret.is_some());
    town.plane.gate.fails.store(false, std::sync::atomic::Ordering::SeqCst);
    let retried = issue(&town, "wu", "bank-1", Some("k")).expect("a retry");
    assert!(retried.in_force && retried.secret.is_none());
}
