//! Credentials that somebody else declared, until the unit has its word.

use super::*;

fn pair() -> (Ed25519KeyPair, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&shuzha_core::Rng::bytes::<32>(&shuzha_core::OsRng))
        .expect("a seed");
    let public = STANDARD.encode(pair.public_key().as_ref());
    (pair, public)
}

fn credential(key: &str) -> Value {
    json!({"unit": "bank", "algorithm": "ed25519", "publicKey": key,
        "window": {"from": "2026-01-01", "until": "2027-01-01"}})
}

fn held(town: &TestWorld, name: &str) -> Option<Value> {
    town.plane.control.force().spec("Credential", &id(name)).expect("answers")
}

fn confirm(town: &TestWorld, who: &str, name: &str, signature: &str) -> Result<Outcome, Error> {
    town.plane.control.confirm(&by(who), &id(name), signature, &Request::default())
}

fn challenge(town: &TestWorld, who: &str, name: &str) -> String {
    let view = town.plane.control.get(&by(who), "Credential", &id(name)).expect("seen");
    let (_, details) = view.state.expect("it waits");
    details["challenge"].as_str().expect("a text").to_owned()
}

#[test]
fn a4_a_credential_that_others_declare_is_in_force_when_the_unit_proves_its_key() {
    for declares in ["sun", "root"] {
        let town = TestWorld::new();
        let (own, public) = pair();
        town.put(declares, "Credential", "bank-9", &credential(&public)).expect("declared");
        assert!(held(&town, "bank-9").is_none(), "not before the unit's word");
        assert!(
            town.plane
                .gate
                .seen
                .lock()
                .expect("answers")
                .iter()
                .all(|delta| { delta.put.iter().all(|put| put.name != id("bank-9")) })
        );
        let text = challenge(&town, "wu", "bank-9");
        for part in ["bank-9", "unit: bank", public.as_str(), "nonce: "] {
            assert!(text.contains(part), "{text}");
        }
        let before = town.plane.dump();
        let sign = |text: &str| STANDARD.encode(own.sign(text.as_bytes()).as_ref());
        assert_eq!(
            code(confirm(&town, declares, "bank-9", &sign(&text))),
            Code::C1104,
            "not by who declared it"
        );
        assert_eq!(code(confirm(&town, "he", "bank-9", &sign(&text))), Code::C1003);
        assert_eq!(code(confirm(&town, "wu", "bank-9", &sign("another text"))), Code::C1024);
        let stranger = pair().0;
        let forged = STANDARD.encode(stranger.sign(text.as_bytes()).as_ref());
        assert_eq!(code(confirm(&town, "wu", "bank-9", &forged)), Code::C1024);
        assert_eq!(town.plane.dump(), before);
        confirm(&town, "wu", "bank-9", &sign(&text)).expect("proved");
        assert!(held(&town, "bank-9").is_some(), "in force");
        assert_eq!(code(confirm(&town, "wu", "bank-9", &sign(&text))), Code::C1007, "once");
        // From here on only the unit changes it.
        let mut wider = credential(&public);
        wider["window"]["until"] = json!("2029-01-01");
        assert_eq!(code(town.put(declares, "Credential", "bank-9", &wider)), Code::C1022);
        town.put(declares, "Credential", "bank-9", &credential(&public)).expect("the same file again");
        town.put("wu", "Credential", "bank-9", &wider).expect("its own");
        assert!(held(&town, "bank-9").is_some());
    }
}

/// A signature over the text of before does not confirm what was declared since.
#[test]
fn a4_the_challenge_is_new_whenever_the_credential_is_written_again() {
    let town = TestWorld::new();
    let (own, public) = pair();
    town.put("sun", "Credential", "bank-9", &credential(&public)).expect("declared");
    let old = challenge(&town, "wu", "bank-9");
    town.put("sun", "Credential", "bank-9", &credential(&public)).expect("again");
    assert_ne!(challenge(&town, "wu", "bank-9"), old);
    let signature = STANDARD.encode(own.sign(old.as_bytes()).as_ref());
    assert_eq!(code(confirm(&town, "wu", "bank-9", &signature)), Code::C1024);
}

#[test]
fn a4_the_secret_of_a_credential_that_others_declared_goes_to_the_unit_and_confirms_it() {
    let town = TestWorld::new();
    let spec = example("Credential", "bank-1");
    town.put("sun", "Credential", "bank-9", &spec).expect("declared");
    assert!(held(&town, "bank-9").is_none());
    let issue = |who: &str| town.plane.accounts.issue_secret(&by(who), &id("bank-9"), "", None);
    assert_eq!(code(issue("sun")), Code::C1023);
    assert_eq!(code(issue("root")), Code::C1023);
    assert!(held(&town, "bank-9").is_none());
    issue("wu").expect("to the unit");
    assert!(held(&town, "bank-9").is_some(), "in force");
    assert_eq!(code(confirm(&town, "wu", "bank-9", "AAAA")), Code::C1007);
}

#[test]
fn a4_what_was_revoked_does_not_come_back_by_any_way() {
    for who in ["wu", "sun", "wang", "root"] {
        let town = TestWorld::new();
        let (_, public) = pair();
        town.put("wu", "Credential", "bank-9", &credential(&public)).expect("its own, at once");
        assert!(held(&town, "bank-9").is_some());
        town.plane.control.revoke(&by(who), &id("bank-9"), &Request::default()).expect("revoked");
        let again = town.plane.control.revoke(&by(who), &id("bank-9"), &Request::default());
        assert_eq!(code(again), Code::C1007, "once");
        let mut longer = credential(&public);
        for back in ["wu", "sun", "root"] {
            assert_eq!(code(town.put(back, "Credential", "bank-9", &longer)), Code::C1020, "{back}");
            longer["window"]["until"] = json!("2028-01-01");
        }
        // Neither under another name, nor by removing it first.
        assert_eq!(code(town.put("wu", "Credential", "bank-10", &credential(&public))), Code::C1021);
        town.remove("wu", "Credential", "bank-9").expect("removed");
        assert_eq!(code(town.put("wu", "Credential", "bank-10", &credential(&public))), Code::C1021);
        assert_eq!(
            code(town.put("wu", "Credential", "bank-9", &credential(&pair().1))),
            Code::C1020,
            "its name"
        );
        assert_eq!(
            code(town.put("wu", "Credential", "bank-9", &example("Credential", "bank-1"))),
            Code::C1020
        );
    }
}

#[test]
fn a4_a_key_belongs_to_one_credential_and_a_removed_one_is_spent() {
    let town = TestWorld::new();
    let (_, public) = pair();
    town.put("wu", "Credential", "bank-9", &credential(&public)).expect("declared");
    assert_eq!(
        code(town.put("wu", "Credential", "bank-10", &credential(&public))),
        Code::C1021,
        "two of one key"
    );
    town.put("wu", "Credential", "bank-9", &credential(&pair().1)).expect("another key");
    assert_eq!(code(town.put("wu", "Credential", "bank-9", &credential(&public))), Code::C1021, "given up");
    town.remove("wu", "Credential", "bank-9").expect("removed");
    town.put("wu", "Credential", "bank-9", &credential(&pair().1)).expect("another credential of the name");
    // What somebody only declared claims nothing.
    let victim = pair();
    town.put("sun", "Credential", "squat", &credential(&victim.1)).expect("waits");
    town.put("wu", "Credential", "bank-11", &credential(&victim.1)).expect("its owner is not kept out");
}

#[test]
fn a4_a_window_that_has_ended_does_not_begin_again() {
    let town = TestWorld::new();
    let (_, public) = pair();
    let mut spec = credential(&public);
    town.put("wu", "Credential", "bank-9", &spec).expect("declared");
    spec["window"]["until"] = json!("2026-02-01T00:00:00Z");
    town.put("wu", "Credential", "bank-9", &spec).expect("cut off at once");
    for who in ["wu", "root"] {
        let later = town.put(who, "Credential", "bank-9", &credential(&public));
        assert!(matches!(code(later), Code::C1020 | Code::C1022), "{who}");
    }
}

/// A secret that was deposited at the node's command line counts: no second one kills it.
#[test]
fn a4_a_secret_that_the_node_holds_already_is_not_replaced() {
    let town = TestWorld::new();
    town.plane.gate.holds_secrets.store(true, std::sync::atomic::Ordering::SeqCst);
    let issued = town.plane.accounts.issue_secret(&by("wu"), &id("bank-1"), "", None);
    assert_eq!(code(issued), Code::C1015);
}
