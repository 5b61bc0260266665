//! What acceptance takes, publication takes: both are this module, and the whole register compiles after any of it.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use shuzha_control::{Control, Delta, Force, NotInForce, Parts, Publish, Request, Rules, Unfit};
use shuzha_core::{Code, OsRng, Role, SystemClock};
use shuzha_policy::kept::{Specs, read_world};
use shuzha_store::{Register, SealedSecret};
use shuzha_testkit_control::{ActLogDouble, id, person};

mod kinds;

use super::*;
use crate::node::Prepared;
use crate::store::open_store;

/// The snapshot that changes are judged against and put into, and what was ever left out of one.
struct Judge {
    data: DataStore,
    folder: tempfile::TempDir,
    snapshot: Mutex<Snapshot>,
    flaws: Mutex<Vec<Flaw>>,
}

impl Judge {
    fn compiled(&self, delta: &Delta, force: &Force<'_>, trial: bool) -> (Snapshot, Vec<Flaw>) {
        let snapshot = self.snapshot.lock().expect("answers");
        let endpoints = HashMap::new();
        let compiler = Compiler { data: &self.data, data_dir: self.folder.path(), endpoints: &endpoints };
        let compiled = compiler.compile(&snapshot, delta, &[], force, trial).expect("the register is here");
        compiled.on(&snapshot, None)
    }
}

impl Publish for Judge {
    fn check(&self, delta: &Delta, force: &Force<'_>) -> Result<(), Unfit> {
        let (_, flaws) = self.compiled(delta, force, true);
        let faults: Vec<_> = flaws.iter().map(|flaw| flaw.told(&delta.put)).collect();
        if faults.is_empty() { Ok(()) } else { Err(Unfit::Faults(faults)) }
    }

    fn publish(&self, delta: &Delta, force: &Force<'_>) -> Result<(), NotInForce> {
        let (next, flaws) = self.compiled(delta, force, false);
        *self.snapshot.lock().expect("answers") = next;
        self.flaws.lock().expect("answers").extend(flaws);
        Ok(())
    }
}

/// A control plane whose changes a compiler judges.
struct Judged {
    register: Register,
    judge: Arc<Judge>,
    control: Control,
}

/// A key file that is one, one that is none, one that is not there, and files that hold no public key at all.
const FILES: [&str; 6] =
    ["keys/good.pub", "keys/words.pub", "keys/none.pub", "shuzha.db", "keys/master.key", "keys/folder.pub"];

impl Judged {
    /// With a unit.
    fn new() -> Self {
        let town = Self::empty();
        let bank = json!({"kind": "unit", "uscc": "91690000MA0001333Q", "name": "某银行"});
        town.put("Organisation", "bank", &bank).expect("accepted");
        town.put("ApplicationUnit", "u", &json!({"organisation": "bank", "securityOfficer": "甲"}))
            .expect("accepted");
        town
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = open_store(folder.path()).expect("opens");
        let seed = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let good = BASE64_STANDARD.encode(seed.verifying_key().as_bytes());
        std::fs::write(folder.path().join(FILES[0]), good).expect("written");
        std::fs::write(folder.path().join(FILES[1]), "words").expect("written");
        std::fs::create_dir(folder.path().join(FILES[5])).expect("made");
        let (snapshot, flaws) = (Mutex::default(), Mutex::default());
        let judge = Arc::new(Judge { data, folder, snapshot, flaws });
        let register = Register::in_memory().expect("opens");
        let control = Control::new(Parts {
            register: register.clone(),
            clock: Arc::new(SystemClock),
            rng: Arc::new(OsRng),
            log: Arc::new(ActLogDouble::default()),
            publish: judge.clone(),
            rules: Rules::default(),
        });
        Self { register, judge, control: control.expect("the journal serves") }
    }

    /// Declares an object, or replaces it.
    fn put(&self, kind: &str, name: &str, spec: &Value) -> Result<(), Code> {
        self.put_as("bank", kind, name, spec)
    }

    /// The same, as a person of `organisation` in every role that declares.
    fn put_as(&self, organisation: &str, kind: &str, name: &str, spec: &Value) -> Result<(), Code> {
        use Role::{ApplicationUnit, Authority, Finance, Operator, Pricing, Provider};
        let roles = [Authority, ApplicationUnit, Operator, Provider, Pricing, Finance];
        let caller = person("a", organisation, &roles);
        let expected = self.register.get(kind, name).expect("answers").map(|object| object.version);
        let request = Request { expected, ..Request::default() };
        let put = self.control.put(&caller, kind, &id(name), spec, &request);
        put.map(drop).map_err(|error| error.code())
    }

    /// What the whole register leaves out, and the digest of what it puts in force.
    fn whole(&self) -> (Vec<LeftOut>, String) {
        let mut objects = Specs::new();
        self.control
            .force()
            .each(|held| {
                drop(objects.insert((held.kind.to_owned(), held.name), held.spec.to_string().into()))
            })
            .expect("the register is whole");
        let (world, mut left_out) = read_world(objects).expect("a world");
        let (prepared, failed) =
            Prepared::sound(&self.judge.data, world, self.judge.folder.path(), &HashMap::new())
                .expect("keys");
        left_out.extend(failed);
        (left_out, prepared.snapshot.short_hash())
    }
}

/// Bytes that may be a key: random, a point, or of small order.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let point = any::<[u8; 32]>()
        .prop_map(|seed| ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().as_bytes().to_vec());
    let weak = prop::sample::select(vec![0_u8, 1]).prop_map(|first| {
        let mut bytes = vec![0; 32];
        bytes[0] = first;
        bytes
    });
    let long =
        (prop::sample::select(vec![33_usize, 65]), any::<u8>(), prop::sample::select(vec![2_u8, 3, 4]));
    let long = long.prop_map(|(length, fill, first)| {
        let mut bytes = vec![fill; length];
        bytes[0] = first;
        bytes
    });
    prop_oneof![any::<[u8; 32]>().prop_map(|bytes| bytes.to_vec()), point, weak, long]
}

fn with_key(mut spec: Value, inline: bool, key: &[u8], file: usize) -> Value {
    if inline {
        spec["publicKey"] = BASE64_STANDARD.encode(key).into();
    } else {
        spec["publicKeyFile"] = FILES[file].into();
    }
    spec
}

/// An object that may or may not be in order: kind, name, spec.
fn object() -> impl Strategy<Value = (&'static str, String, Value)> {
    let names = 0..4_u8;
    let credential = (names.clone(), any::<bool>(), key(), 0..FILES.len(), 0..4_u8).prop_map(
        |(name, inline, key, file, algorithm)| {
            let mut spec = json!({"unit": "u", "window": {"from": "2025-01-01", "until": "2031-01-01"}});
            if algorithm == 0 {
                spec["algorithm"] = json!("hmac-sm3");
            } else {
                spec["algorithm"] = json!("ed25519");
                spec = with_key(spec, inline, &key, file);
            }
            ("Credential", format!("c{name}"), spec)
        },
    );
    let algorithms = prop::sample::select(vec!["EdDSA", "ES256", "SM2-SM3"]);
    let issuer = (names, algorithms, any::<bool>(), key(), 0..FILES.len(), 0..3_u8).prop_map(
        |(name, algorithm, inline, key, file, kid)| {
            let spec = json!({"kid": format!("k{kid}"), "algorithm": algorithm});
            ("ConsentIssuer", format!("i{name}"), with_key(spec, inline, &key, file))
        },
    );
    prop_oneof![credential, issuer]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What is accepted is in force, alone and with everything that was accepted before it.
    #[test]
    fn whatever_acceptance_takes_publication_takes(objects in prop::collection::vec(object(), 1..24)) {
        let town = Judged::new();
        for (kind, name, spec) in objects {
            let accepted = town.put(kind, &name, &spec);
            let flaws = town.judge.flaws.lock().expect("answers").clone();
            prop_assert!(flaws.is_empty(), "{kind}/{name} {spec}: {flaws:?}");
            if let Err(code) = accepted {
                prop_assert!(matches!(code, Code::C1002 | Code::C1013), "{code}");
            }
        }
        let (left_out, digest) = town.whole();
        prop_assert_eq!(left_out, Vec::new());
        prop_assert_eq!(digest, town.judge.snapshot.lock().expect("answers").short_hash());
    }
}

#[test]
fn a_key_that_is_none_is_refused_with_its_place_and_a_trial_leaves_no_file() {
    let town = Judged::new();
    let spec =
        json!({"unit": "u", "algorithm": "ed25519", "window": {"from": "2025-01-01", "until": "2031-01-01"}});
    for (inline, file) in [(true, 0), (false, 1), (false, 3), (false, 4), (false, 5)] {
        let spec = with_key(spec.clone(), inline, &[0; 32], file);
        assert_eq!(town.put("Credential", "c", &spec), Err(Code::C1002), "{spec}");
    }
    assert_eq!(
        town.put("Credential", "c", &with_key(spec.clone(), false, &[], 2)),
        Ok(()),
        "a key that comes later"
    );
    assert_eq!(town.put("Credential", "c", &with_key(spec, false, &[], 0)), Ok(()));
}

/// A sealed secret under another master key, or damaged: its credential is at fault, and no other.
#[test]
fn a_secret_that_does_not_open_fails_its_credential_alone() {
    let town = Judged::new();
    let spec = json!({"unit": "u", "algorithm": "hmac-sm3", "window": {"from": "2025-01-01", "until": "2031-01-01"}});
    let elsewhere = tempfile::tempdir().expect("a folder");
    let foreign = open_store(elsewhere.path()).expect("opens");
    for (name, master) in [("good", &town.judge.data.master), ("bad", &foreign.master)] {
        let name = Id::new(name).expect("a name");
        let sealed = SealedSecret::seal(master, &OsRng, &name, "hmac-sm3", &[7; 32]).expect("sealed");
        town.judge.data.store.mirror_secrets(&[(name, Some(sealed))]).expect("kept");
    }
    assert_eq!(town.put("Credential", "good", &spec), Ok(()));
    assert_eq!(town.put("Credential", "bad", &spec), Err(Code::C1002), "it could not be in force");
    let (left_out, _) = town.whole();
    assert_eq!(left_out, Vec::new());
    let name = Id::new("good").expect("a name");
    let sealed = SealedSecret::seal(&foreign.master, &OsRng, &name, "hmac-sm3", &[7; 32]).expect("sealed");
    town.judge.data.store.mirror_secrets(&[(name, Some(sealed))]).expect("kept");
    assert_eq!(town.put("Credential", "other", &spec), Ok(()), "another credential is declared all the same");
    let (left_out, _) = town.whole();
    let names: Vec<_> = left_out.iter().map(|one| (one.object(), one.dangling)).collect();
    assert_eq!(names, [("Credential/good".to_owned(), false)]);
}

/// A change that cannot be compiled at all: what it takes away is in force, and what it would put is not, as it was before neither.
#[test]
fn what_is_taken_away_depends_on_nothing_else() {
    let town = Judged::new();
    let before = town.judge.snapshot.lock().expect("answers").clone();
    let stop = json!({"target": {"kind": "Product", "name": "away"}, "since": "2025-01-01T00:00:00Z", "reason": "x"});
    let put = |kind: &'static str, name: &str, spec: Value| Declared {
        kind,
        name: name.parse().expect("a name"),
        spec,
    };
    let delta = Delta {
        revision: 1,
        put: vec![
            put("Suspension", "stop", stop),
            put("ApplicationUnit", "u", json!({"organisation": "away"})),
        ],
        removed: vec![("Organisation", Id::new("bank").expect("a name"))],
    };
    let (after, flaws) = take_away(&before, &delta, &anyhow!("the register is away"));
    let counts = after.counts();
    assert_eq!(counts.get("Suspension"), Some(&1), "its target cannot be read, and is stopped");
    assert_eq!((counts.get("Organisation"), counts.get("ApplicationUnit")), (None, None));
    assert_eq!(flaws.len(), 1);
    assert!(flaws[0].is_of(&delta.put[1]));
}

/// The worked example's objects of these kinds, by kind and name, as a register has them in force.
fn worked_example(change: impl Fn(&str, &str, &mut Value)) -> Specs {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples/demo");
    let files = ["organisations", "data-sets", "upstreams", "products-verification"];
    let files = files.map(|name| {
        let text = std::fs::read_to_string(format!("{folder}/{name}.yaml")).expect("the worked example");
        (name, text)
    });
    let kinds: Vec<_> = shuzha_products::world::KINDS.iter().map(|kind| kind.name).collect();
    let mut objects = Specs::new();
    for mut document in shuzha_products::world::documents(&files, &kinds).expect("it reads") {
        // Its quota names a scenario that nobody has approved here.
        if document.name.as_str() != "census" {
            change(document.kind, document.name.as_str(), &mut document.spec);
            let key = (document.kind.to_owned(), document.name);
            drop(objects.insert(key, document.spec.to_string().into()));
        }
    }
    objects
}

/// What is left out of these objects, and the snapshot of the others.
fn put_in_force(objects: Specs) -> (Vec<LeftOut>, Snapshot) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = open_store(folder.path()).expect("opens");
    let (world, mut left_out) = read_world(objects).expect("a world");
    let (prepared, failed) =
        Prepared::sound(&data, world, folder.path(), &HashMap::new()).expect("the secrets are read");
    left_out.extend(failed);
    (left_out, prepared.snapshot)
}

/// As a register of a version that did not compare owners may hold it.
#[test]
fn a_product_over_anothers_service_is_left_out_alone() {
    let (none, before) = put_in_force(worked_example(|_, _, _| {}));
    assert_eq!(none, Vec::new());
    let (left_out, after) = put_in_force(worked_example(|kind, name, spec| match (kind, name) {
        ("Upstream", "packages") => spec["operator"] = "data-bureau".into(),
        ("Product", "person-check") => spec["upstream"] = "packages".into(),
        _ => {}
    }));
    let named: Vec<_> = left_out.iter().map(LeftOut::object).collect();
    assert_eq!(named, ["Product/person-check"]);
    assert!(left_out[0].reason.contains("another operator's product service"), "{left_out:?}");
    let products = |snapshot: &Snapshot| snapshot.counts().get("Product").copied().unwrap_or(0);
    assert_eq!(products(&after) + 1, products(&before), "all others are in force");
}
