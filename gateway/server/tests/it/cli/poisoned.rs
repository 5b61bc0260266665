//! Accepted means in force, in the binary: what could not be put in force is not accepted, and a register of an older version in
//! which such an object stands keeps nobody from deciding, nor a decision from being in force.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shuzha_core::{Id, OsRng, SystemClock};
use shuzha_products::world::KINDS;
use shuzha_store::register::{Act, Batch, Change, Content};
use shuzha_store::{Register, SealKey, Sealable as _, dangerous_edit};

use super::world::TestWorld;
use crate::caller::{Ask, Caller};
use crate::home::text;
use crate::node::patiently;

/// A credential of the bank with a public key as given.
fn credential(name: &str, key: &str) -> String {
    format!(
        "---\napiVersion: shuzha/v1\nkind: Credential\nmetadata: {{name: {name}}}\nspec: {{unit: bank, algorithm: ed25519, {key}, window: {{from: 2025-01-01, until: 2031-01-01}}}}\n"
    )
}

fn zeros() -> String {
    "A".repeat(43) + "="
}

/// Writes an object into the register, as a version that did not look at it would have.
fn plant(town: &TestWorld, kind: &str, name: &str, spec: &Value) {
    let key =
        std::fs::read(town.house.data().join("keys/register-seal.key")).expect("made at the first start");
    let key = SealKey::new(&key.try_into().expect("32 bytes"));
    let register = Register::open_sealed(&town.house.data().join("control.db"), &key).expect("opens");
    let id = |text: &str| Id::new(text).expect("a name");
    let to = Content { owner: Some(id("yunze-bank")), spec: spec.to_string(), ..Content::default() };
    let act = Act::new(&SystemClock, &OsRng, "put", kind, id(name));
    let change = Change { kind: kind.to_owned(), name: id(name), expected: None, to: Some(to) };
    register.commit(&Batch { changes: vec![change], ..Batch::of(act) }).expect("it stands");
}

/// I1: an emergency stop is in force when it is answered, whatever else stands in the register, and whoever answers for the node
/// clears it.
#[test]
fn i1_a_register_with_an_object_at_fault_starts_stops_everything_and_is_cleared() {
    let mut town = TestWorld::open();
    std::fs::write(town.house.data().join("keys/words.pub"), "not a key").expect("written");
    for (key, place) in [
        (format!("publicKey: \"{}\"", zeros()), "spec.publicKey"),
        ("publicKeyFile: control.db".to_owned(), "spec.publicKeyFile"),
        ("publicKeyFile: keys/master.key".to_owned(), "spec.publicKeyFile"),
        ("publicKeyFile: keys/words.pub".to_owned(), "spec.publicKeyFile"),
    ] {
        let refused = town.by("wu").apply(&credential("evil-1", &key));
        let told = format!("{}{}", text(&refused.stdout), text(&refused.stderr));
        assert!(!refused.status.success() && told.contains("C1002") && told.contains(place), "{told}");
    }
    let report = Ask { scenario: "bank-research", ..Ask::report((20, 60), "0.05") };
    let call = |town: &TestWorld| Caller::new(town.house.data_plane).call(&town.credential, &report).code();
    assert_eq!(call(&town), None, "nothing of it harmed anybody");

    town.house.end();
    let spec = json!({"unit": "bank", "algorithm": "ed25519", "publicKey": zeros(),
        "window": {"from": "2025-01-01", "until": "2031-01-01"}});
    plant(&town, "Credential", "evil-1", &spec);
    let status = town.house.start_again();
    assert_eq!(status["world"], "register", "the control plane runs: {status}");
    let left_out = &status["not_in_force"]["objects"][0];
    assert_eq!((&left_out["kind"], &left_out["name"]), (&json!("Credential"), &json!("evil-1")), "{status}");
    let ready = |town: &TestWorld| Caller::new(town.house.operations.expect("started again")).get("/readyz");
    let unready = ready(&town);
    assert_eq!(unready.status, 503, "{unready:?}");
    assert!(unready.body.contains("Credential/evil-1"), "{unready:?}");
    let metrics = Caller::new(town.house.operations.expect("started again")).get("/metrics").body;
    assert!(metrics.contains("shuzha_decisions_not_in_force 1"), "the gauge says how many");
    assert_eq!(call(&town), None, "all else is in force");
    town.by("li").done(&["suspend", "everything", "--reason", "演练"]);
    assert_eq!(call(&town).as_deref(), Some("C208"), "the very next call");
    let root = town.by("root");
    root.done(&["credential", "delete", "evil-1", "--reason", "密钥不是公钥"]);
    assert!(!ready(&town).body.contains("evil-1"));
    assert_eq!(call(&town).as_deref(), Some("C208"));
}

/// What cannot be read at all, of every kind there is: the node starts with its control plane, leaves out each of them, alone,
/// and the authority clears them away.
#[test]
fn i1_an_unreadable_object_of_any_kind_is_left_out_alone_and_cleared_by_the_authority() {
    let mut town = TestWorld::open();
    let report = Ask { scenario: "bank-research", ..Ask::report((20, 60), "0.05") };
    let call = |town: &TestWorld| Caller::new(town.house.data_plane).call(&town.credential, &report).code();
    town.house.end();
    let kinds = KINDS.iter().filter(|kind| kind.declared && kind.name != "Jurisdiction");
    let kinds: Vec<_> = kinds.collect();
    for kind in &kinds {
        plant(&town, kind.name, "evil-1", &json!({"unit": 7, "product": "nothing-there"}));
    }
    let status = town.house.start_again();
    assert_eq!(status["world"], "register", "the control plane runs: {status}");
    let objects = status["not_in_force"]["objects"].as_array().expect("a list");
    let left_out: BTreeSet<_> = objects.iter().map(|one| one["kind"].as_str().expect("a kind")).collect();
    assert_eq!(left_out, kinds.iter().map(|kind| kind.name).collect(), "{status}");
    assert!(objects.iter().all(|one| one["name"] == "evil-1"), "nothing else is left out: {status}");
    assert_eq!(call(&town), None, "all else is in force");
    let li = town.by("li");
    for kind in &kinds {
        let word = kind.plural.strip_suffix('s').expect("a plural");
        li.done(&[word, "delete", "evil-1", "--reason", "无法读取"]);
    }
    let ready = Caller::new(town.house.operations.expect("started again")).get("/readyz");
    assert_eq!(ready.status, 200, "{ready:?}");
    assert_eq!(call(&town), None);
}

/// A node that cannot put an act in force says so to whoever did it (C1018), to its probe and to its gauge; a stop is in force
/// meanwhile; and what was not in force is, once what kept it out is gone.
#[test]
fn i1_an_act_that_the_node_cannot_put_in_force_is_told_and_mended() {
    let mut town = TestWorld::open();
    // A start of its own tells where its probe is.
    town.house.end();
    town.house.start_again();
    let operations = town.house.operations.expect("started again");
    let report = Ask { scenario: "bank-research", ..Ask::report((20, 60), "0.05") };
    let hmac = "---\napiVersion: shuzha/v1\nkind: Credential\nmetadata: {name: NAME}\nspec: {unit: bank, algorithm: hmac-sha256, window: {from: 2025-01-01, until: 2031-01-01}}\n";
    let wu = town.by("wu");
    assert!(wu.apply(&hmac.replace("NAME", "first-1")).status.success());
    wu.done(&["credential", "issue-secret", "first-1"]);
    // The store that calls are checked against takes no secret any more; it can still be read.
    let store = town.house.data().join("shuzha.db");
    let away = "CREATE TRIGGER away BEFORE INSERT ON secrets BEGIN SELECT RAISE(ABORT, 'away'); END;";
    dangerous_edit(&store, away).expect("made");
    let told = wu.apply(&hmac.replace("NAME", "second-1"));
    let told = format!("{}{}", text(&told.stdout), text(&told.stderr));
    assert!(told.contains("C1018"), "{told}");
    let get = |path: &str| Caller::new(operations).get(path);
    let unready = get("/readyz");
    assert_eq!(unready.status, 503, "{unready:?}");
    assert!(unready.body.contains("Credential/second-1"), "{unready:?}");
    assert!(get("/metrics").body.contains("shuzha_decisions_not_in_force 1"), "the gauge says how many");
    let call = |town: &TestWorld| Caller::new(town.house.data_plane).call(&town.credential, &report).code();
    assert_eq!(call(&town), None, "all else is in force");
    town.by("li").done(&["suspend", "everything", "--reason", "演练"]);
    assert_eq!(call(&town).as_deref(), Some("C208"), "a stop is in force meanwhile");
    dangerous_edit(&store, "DROP TRIGGER away").expect("gone");
    patiently("the mending", || (get("/readyz").status == 200).then_some(()));
    assert!(get("/metrics").body.contains("shuzha_decisions_not_in_force 0"));
}
