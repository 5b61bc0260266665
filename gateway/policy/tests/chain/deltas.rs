//! A world reached change by change is the world compiled whole: the same digest, the same decisions. What counts
//! survives every change, and what was kept on disk comes back the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use shuzha_core::Id;
use shuzha_policy::kept::{self, Keeper, Kept};
use shuzha_policy::{CompileError, Delta, Snapshot};
use shuzha_products::World;

use crate::calls::Ask;
use crate::gateway::{TestGateway, body, outcome};
use crate::upstream::Fake;
use crate::world;

pub(crate) type Key = (&'static str, Id);

/// Objects by kind and name, as text.
pub(crate) type Objects = BTreeMap<(String, String), String>;

fn after<'t>(text: &'t str, word: &str) -> &'t str {
    let (_, rest) = text.split_once(word).expect("an object has kind and name");
    let end = rest.trim_start().find([',', '}', '\n', ' ']);
    &rest.trim_start()[..end.unwrap_or(rest.trim_start().len())]
}

/// The world of these tests, object by object.
pub(crate) fn objects() -> Objects {
    let mut all = Objects::new();
    for (_, text) in world::files("") {
        for document in text.split("---\n").filter(|document| document.contains("\nkind:")) {
            let (_, metadata) = document.split_once("\nmetadata:").expect("an object has a name");
            let key = (after(document, "\nkind:").to_owned(), after(metadata, "name:").to_owned());
            all.insert(key, document.to_owned());
        }
    }
    all.insert(("ExitReview".to_owned(), REVIEW.to_owned()), review(REVIEW, "company-check", &all));
    all
}

/// A review that `product` passed as it is among `objects`.
pub(crate) fn review(name: &str, product: &str, objects: &Objects) -> String {
    let digest = parse(objects).products[product].reviewable.digest;
    format!(
        "apiVersion: shuzha/v1\nkind: ExitReview\nmetadata: {{name: {name}}}\nspec: {{product: {product}, digest: \"{digest}\"}}\n"
    )
}

fn parse(objects: &Objects) -> World {
    let text: String = objects.values().flat_map(|text| ["---\n", text]).collect();
    World::parse(&[("world", text)]).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

pub(crate) fn whole(objects: &Objects) -> Snapshot {
    Snapshot::compile(parse(objects), &world::key_ring()).expect("it compiles")
}

/// Something that happens to one object: another text, or its going and coming.
enum Edit {
    Text(&'static str, &'static str, &'static str, &'static str),
    Absent(&'static str, &'static str),
}

const ADDED_LEAF: &str = "output:\n        /aa: {type: string, max_length: 5, required: false}";
const EDITS: &[Edit] = &[
    Edit::Text("Scenario", "bank-onboarding", "approved: true", "approved: false"),
    Edit::Text("Scenario", "bank-credit", "until: 2031-01-01", "until: 2026-01-01"),
    Edit::Text("Agreement", "bank-2025", "signed: true", "signed: false"),
    Edit::Text("ApplicationUnit", "bank", "\"10000.00\"", "\"0.01\""),
    // No certificate is asked for there, and an exit review is.
    Edit::Text("Jurisdiction", "yunze", "certificateRequired: true", "rules: yantai"),
    Edit::Absent("ExitReview", REVIEW),
    Edit::Text("Credential", "bank-sandbox", "sandbox: true", "sandbox: false"),
    Edit::Text("Product", "company-profile", "name: 云泽市示例科技有限公司", "name: 示例"),
    Edit::Text("Grant", "bank-company", "until: 2030-01-01", "until: 2026-01-01"),
    Edit::Text("Grant", "bank-person", "scenario: bank-onboarding", "scenario: bank-credit"),
    // A leaf before the others moves the place of each.
    Edit::Text("Product", "company-profile", "output:", ADDED_LEAF),
    Edit::Text("Product", "company-check", "version: 1", "version: 2"),
    Edit::Text("Price", "company-check-2025", "\"0.30\"", "\"0.40\""),
    Edit::Text("Upstream", "register", "timeout: 2s", "timeout: 3s"),
    Edit::Text("Suspension", "lender-2025", "name: lender}", "name: bank}"),
    Edit::Absent("Suspension", "lender-2025"),
    Edit::Absent("Grant", "bank-company"),
    Edit::Absent("Grant", "bank-profile"),
    Edit::Absent("Certificate", "company-check-2025"),
    Edit::Absent("Listing", "company-check-listing"),
    Edit::Text("OperatingAgreement", "yunze-2025", "inForce: true", "inForce: false"),
    Edit::Absent("OperatingAgreement", "yunze-2025"),
    Edit::Text("DataSet", "enterprises", "provider: market-regulator", "provider: ndrc"),
    Edit::Absent("Price", "company-profile-2025"),
    Edit::Absent("Credential", "bank-1"),
    Edit::Absent("ConsentIssuer", "yunze-consent"),
];

/// The exit review of `company-check`, as it is in the world of these tests.
const REVIEW: &str = "company-check-review";

const KINDS: [&str; 20] = [
    "Jurisdiction",
    "Organisation",
    "ApplicationUnit",
    "Credential",
    "ConsentIssuer",
    "Scenario",
    "Agreement",
    "PersonSpace",
    "DataSet",
    "OperatingAgreement",
    "Upstream",
    "Product",
    "Certificate",
    "Listing",
    "PriceAct",
    "Ceiling",
    "Price",
    "Grant",
    "Suspension",
    "ExitReview",
];

pub(crate) fn key(kind: &str, name: &str) -> Key {
    let kind = KINDS.into_iter().find(|known| *known == kind).expect("a kind");
    (kind, Id::new(name).expect("a name"))
}

impl Edit {
    /// Does it, or undoes it; says which object it was.
    fn act(&self, objects: &mut Objects, original: &Objects) -> Key {
        let (kind, name) = match self {
            Self::Text(kind, name, ..) | Self::Absent(kind, name) => (*kind, *name),
        };
        let at = (kind.to_owned(), name.to_owned());
        let first = original.get(&at).unwrap_or_else(|| panic!("no {kind}/{name} in the world"));
        match (self, objects.get(&at)) {
            (Self::Absent(..), Some(_)) => {
                objects.remove(&at);
            }
            (Self::Text(_, _, from, to), Some(text)) => {
                let changed = if text.contains(to) { text.replace(to, from) } else { text.replace(from, to) };
                assert_ne!(*text, changed, "the edit of {kind}/{name} changes nothing");
                objects.insert(at, changed);
            }
            (_, None) => {
                objects.insert(at, first.clone());
            }
        }
        key(kind, name)
    }
}

/// What `touched` objects of `objects` are as a change of `snapshot`, with what has to be read again.
pub(crate) fn delta(snapshot: &Snapshot, objects: &Objects, touched: &[Key]) -> Delta {
    let here = |(kind, name): &Key| objects.contains_key(&((*kind).to_owned(), name.to_string()));
    let mut changed: Vec<Key> = touched.iter().filter(|key| here(key)).cloned().collect();
    let mut at = 0;
    while let Some((kind, name)) = changed.get(at).cloned() {
        for dependent in snapshot.dependents(kind, &name) {
            if here(&dependent) && !changed.contains(&dependent) {
                changed.push(dependent);
            }
        }
        at += 1;
    }
    let removed = touched.iter().filter(|key| !here(key)).cloned().collect();
    Delta { world: parse(objects), changed, removed, mark: None }
}

/// What the gate says to one call of each kind.
async fn decisions(house: &TestGateway, consent: &str) -> Vec<(String, String)> {
    let mut said = Vec::new();
    // The sandbox has a rate.
    house.clock.advance(std::time::Duration::from_secs(1));
    for (credential, product, operation, scenario) in [
        ("bank-1", "company-check", "verify", "bank-onboarding"),
        ("bank-2", "company-check", "verify", "bank-onboarding"),
        ("bank-ed25519", "company-check", "verify", "bank-onboarding"),
        ("bank-2", "person-check", "verify", "bank-onboarding"),
        ("bank-2", "person-check", "verify", "bank-credit"),
        ("bank-2", "company-profile", "lookup", "bank-credit"),
        ("bank-2", "credit-score", "score", "bank-credit"),
        ("lender-1", "person-check", "verify", "lender-loans"),
        ("study-1", "enterprise-list", "download", "study-sample"),
        ("bank-sandbox", "company-profile", "lookup", "bank-credit"),
    ] {
        let ask = Ask::new(credential, product, operation, scenario);
        let ask = if product == "person-check" { ask.with("x-consent", consent) } else { ask };
        let reply = house.call(&ask, &Fake::new([])).await;
        // The journal's word for it, what it cost, and what of the answer left.
        let fee = reply.fee.map_or_else(String::new, |fee| fee.to_string());
        said.push((format!("{} {fee}", outcome(&reply)), String::from_utf8_lossy(body(&reply)).into_owned()));
    }
    said
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

#[test]
fn a_world_reached_by_changes_is_the_world_compiled_whole() {
    let original = objects();
    let house = TestGateway::new();
    let consent = house.consent(crate::calls::PERSON.0, "bank", 5_000);
    // A package is paid for once; from then on its probe decides alike.
    block_on(decisions(&house, &consent.token));
    let ring = world::key_ring();
    let mut seen = std::collections::BTreeSet::new();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let steps = prop::collection::vec(prop::collection::vec(0..EDITS.len(), 1..4), 1..7);
    let law = |steps: Vec<Vec<usize>>| {
        let mut objects = original.clone();
        house.gate.install(whole(&objects));
        for step in steps {
            let touched: Vec<Key> = step.iter().map(|at| EDITS[*at].act(&mut objects, &original)).collect();
            let change = delta(&house.gate.snapshot(), &objects, &touched);
            house.gate.apply(change, &ring).map_err(|faults| TestCaseError::fail(format!("{faults:?}")))?;
        }
        let by_changes = house.gate.snapshot();
        let said = block_on(decisions(&house, &consent.token));
        let compiled = whole(&objects);
        prop_assert_eq!(by_changes.digest(), compiled.digest());
        prop_assert_eq!(by_changes.grant_count(), compiled.grant_count());
        house.gate.install(compiled);
        prop_assert_eq!(&said, &block_on(decisions(&house, &consent.token)));
        Ok(())
    };
    runner.run(&steps, law).unwrap_or_else(|fault| panic!("{fault}"));
    // The probes can tell worlds apart: each edit of the list alone changes the digest, and most change a decision.
    house.gate.install(whole(&original));
    let usual = block_on(decisions(&house, &consent.token));
    let mut felt = 0;
    for edit in EDITS {
        let mut objects = original.clone();
        edit.act(&mut objects, &original);
        let changed = whole(&objects);
        assert!(seen.insert(*changed.digest()), "two edits, one digest");
        house.gate.install(changed);
        felt += usize::from(block_on(decisions(&house, &consent.token)) != usual);
    }
    assert!(felt >= 12, "only {felt} of {} edits are felt by a probe", EDITS.len());
}

/// Changes take and give back a grant; the calls it counted stay counted.
#[test]
fn counters_survive_changes() {
    let original = objects();
    let house = TestGateway::new();
    house.gate.install(whole(&original));
    let consent = house.consent(crate::calls::PERSON.0, "probe", 100);
    let call = || {
        let ask =
            Ask::new("probe-1", "person-check", "verify", "probe-kyc").with("x-consent", &consent.token);
        outcome(&block_on(house.call(&ask, &Fake::new([]))))
    };
    let edit = Edit::Absent("Grant", "probe-person");
    let mut objects = original.clone();
    // Four a day, and the credit pays for four.
    for _ in 0..4 {
        assert_eq!(call(), "answered");
        for expected in ["C206", "C206"] {
            let touched = edit.act(&mut objects, &original);
            let change = delta(&house.gate.snapshot(), &objects, &[touched]);
            house.gate.apply(change, &world::key_ring()).expect("it stands");
            if !objects.contains_key(&("Grant".to_owned(), "probe-person".to_owned())) {
                assert_eq!(call(), expected);
            }
        }
    }
    assert_eq!(call(), "C503");
}

/// What must be read again and was not is named, and nothing changes.
#[test]
fn a_change_without_its_dependents_is_refused() {
    let original = objects();
    let before = whole(&original);
    let mut objects = original.clone();
    let edit = Edit::Text("Upstream", "register", "timeout: 2s", "timeout: 3s");
    let touched = edit.act(&mut objects, &original);
    let change = Delta { world: parse(&objects), changed: vec![touched], removed: Vec::new(), mark: None };
    let faults = before.with(change, &world::key_ring()).err().expect("products take its time limit");
    assert!(faults.iter().all(|fault| matches!(fault, CompileError::Dependent { .. })), "{faults:?}");
    let missing =
        Delta { world: World::default(), changed: vec![key("Grant", "x")], removed: Vec::new(), mark: None };
    let faults = before.with(missing, &world::key_ring()).err().expect("it is not there");
    assert!(matches!(&faults[..], [CompileError::Missing(_)]), "{faults:?}");
}

#[test]
fn what_was_kept_decides_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kept.world");
    let house = TestGateway::new();
    let consent = house.consent(crate::calls::PERSON.0, "bank", 5_000);
    let compiled = whole(&objects());
    kept::write(&path, &compiled).expect("written");
    let said = |snapshot: Snapshot| {
        house.gate.install(snapshot);
        block_on(decisions(&house, &consent.token))
    };
    let digest = *compiled.digest();
    // The first call for a package pays for it.
    block_on(decisions(&house, &consent.token));
    let usual = said(compiled);
    let first = std::fs::read(&path).expect("a file");
    let kept = Kept::read(&path).expect("readable");
    assert!(kept.left_out().is_empty());
    let restored = kept.compile(&world::key_ring()).expect("it compiles");
    assert_eq!(*restored.digest(), digest);
    kept::write(&path, &restored).expect("written");
    assert_eq!(std::fs::read(&path).expect("a file"), first, "one world, one file");
    assert_eq!(said(restored), usual);
    for name in ["bank-1", "insurer-1"] {
        let secret = world::secret(name);
        assert!(first.windows(32).all(|window| window != secret), "no key is in the file");
    }
}

/// A removed object leaves some behind that refer to it: they are kept, read no more, and grant nothing.
#[test]
fn what_dangles_does_not_keep_a_node_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kept.world");
    let house = TestGateway::new();
    let gate = whole(&objects());
    let gone = Delta {
        world: World::default(),
        changed: Vec::new(),
        removed: vec![key("Scenario", "bank-onboarding"), key("ApplicationUnit", "insurer")],
        mark: None,
    };
    let after = gate.with(gone, &world::key_ring()).expect("a removal is never refused");
    kept::write(&path, &after).expect("written");
    let kept = Kept::read(&path).expect("readable");
    assert!(kept.left_out().contains(&"Scenario/insurer-claims".to_owned()), "{:?}", kept.left_out());
    house.gate.install(kept.compile(&world::key_ring()).expect("it compiles"));
    for (credential, scenario, expected) in [
        ("bank-1", "bank-onboarding", "C204"),
        ("insurer-1", "insurer-claims", "C103"),
        ("bank-1", "bank-credit", "C206"),
    ] {
        let ask = Ask::new(credential, "company-check", "verify", scenario);
        assert_eq!(outcome(&block_on(house.call(&ask, &Fake::new([])))), expected, "{credential} {scenario}");
    }
}

#[test]
fn the_keeper_follows_what_is_in_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kept.world");
    let house = TestGateway::new();
    let gate = std::sync::Arc::clone(&house.gate);
    let pause = std::time::Duration::from_millis(5);
    let keeper =
        Keeper::start(std::sync::Arc::clone(&gate), path.clone(), pause, None, None).expect("a thread");
    let gone = Delta {
        world: World::default(),
        changed: Vec::new(),
        removed: vec![key("Grant", "bank-company")],
        mark: None,
    };
    let last = *gate.apply(gone, &world::key_ring()).expect("it stands").digest();
    drop(keeper);
    assert_eq!(Kept::read(&path).expect("kept").digest(), &last);
}
