//! What is at fault is left out alone, and denies; what is taken away while a call is under way does not leave.

use shuzha_policy::{Delta, Snapshot};
use shuzha_products::World;
use shuzha_testkit::unhex;

use crate::calls::Ask;
use crate::deltas::{Key, Objects, block_on, delta, key, objects, whole};
use crate::gateway::{TestGateway, outcome};
use crate::upstream::{Fake, Say};
use crate::world;

/// Points of small order in every encoding that is 32 bytes of zeros and ones at the ends, and two of order eight.
const WEAK: [&str; 6] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
];

/// 32 bytes that are no point of the curve.
fn no_point() -> Vec<u8> {
    let point = |bytes: &[u8; 32]| ed25519_dalek::VerifyingKey::from_bytes(bytes).is_ok();
    let found = (0_u8..=255)
        .map(|first| [first, 9, 9, 9].repeat(8))
        .find(|bytes| !point(bytes.as_slice().try_into().expect("32 bytes")));
    found.expect("half of all strings are none")
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

fn credential(name: &str, key: &[u8]) -> (Key, String) {
    let text = format!(
        "apiVersion: shuzha/v1\nkind: Credential\nmetadata: {{name: {name}}}\nspec: {{unit: bank, algorithm: ed25519, publicKey: \"{}\", window: {{from: 2025-01-01, until: 2031-01-01}}}}\n",
        base64(key)
    );
    (this("Credential", name), text)
}

fn issuer(name: &str, algorithm: &str, key: &[u8]) -> (Key, String) {
    let text = format!(
        "apiVersion: shuzha/v1\nkind: ConsentIssuer\nmetadata: {{name: {name}}}\nspec: {{kid: {name}-1, algorithm: {algorithm}, publicKey: \"{}\"}}\n",
        base64(key)
    );
    (this("ConsentIssuer", name), text)
}

fn this(kind: &'static str, name: &str) -> Key {
    (kind, name.parse().expect("a name"))
}

/// Everything that reads as an object and that no stage could use.
fn bad() -> Vec<(Key, String)> {
    let mut all: Vec<_> =
        WEAK.iter().enumerate().map(|(at, hex)| credential(&format!("weak-{at}"), &unhex(hex))).collect();
    all.push(credential("no-point", &no_point()));
    all.push(issuer("weak-issuer", "EdDSA", &unhex(WEAK[0])));
    all.push(issuer("no-point-issuer", "EdDSA", &no_point()));
    for algorithm in ["ES256", "SM2-SM3"] {
        for length in [33, 65] {
            let name = format!("{}-{length}", algorithm.to_lowercase());
            all.push(issuer(&name, algorithm, &vec![4; length]));
        }
    }
    all
}

fn with(mut objects: Objects, more: &[(Key, String)]) -> Objects {
    for ((kind, name), text) in more {
        objects.insert(((*kind).to_owned(), name.to_string()), text.clone());
    }
    objects
}

fn read(objects: &Objects) -> World {
    let text: String = objects.values().flat_map(|text| ["---\n", text]).collect();
    World::parse(&[("world", text)]).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

fn company(credential: &str) -> Ask {
    Ask::new(credential, "company-check", "verify", "bank-onboarding")
}

#[test]
fn what_cannot_be_put_in_force_is_left_out_alone() {
    let bad = bad();
    for one in &bad {
        let objects = with(objects(), std::slice::from_ref(one));
        let faults =
            Snapshot::compile(read(&objects), &world::key_ring()).err().expect("as a whole it is refused");
        let (kind, name) = &one.0;
        let named: Vec<_> = faults.iter().map(shuzha_policy::CompileError::object).collect();
        assert_eq!(named, [format!("{kind}/{name}")]);
        let (sound, faults) = Snapshot::compile_sound(read(&objects), &world::key_ring());
        assert_eq!(faults.len(), 1);
        assert_eq!(sound.digest(), whole(&self::objects()).digest(), "{kind}/{name}: all else is in force");
    }
    // All of them at once take nothing else along either, and calls are answered.
    let objects = with(objects(), &bad);
    let (sound, faults) = Snapshot::compile_sound(read(&objects), &world::key_ring());
    assert_eq!(faults.len(), bad.len(), "{faults:?}");
    let house = TestGateway::new();
    house.gate.install(sound);
    assert_eq!(outcome(&block_on(house.call(&company("bank-1"), &Fake::new([])))), "answered");
}

/// A change with a stop and an object at fault: the stop is in force, and what the object was before is not any more.
#[test]
fn a_stop_is_in_force_beside_what_is_at_fault() {
    let stop = "apiVersion: shuzha/v1\nkind: Suspension\nmetadata: {name: stop}\nspec: {target: {kind: Everything}, since: 2025-03-03T09:00:00+08:00, reason: 测试}\n";
    let changed = with(
        objects(),
        &[credential("bank-ed25519", &unhex(WEAK[0])), (this("Suspension", "stop"), stop.to_owned())],
    );
    let before = whole(&objects());
    let touched = [key("Credential", "bank-ed25519"), key("Suspension", "stop")];
    let (after, faults) = before.with_sound(delta(&before, &changed, &touched), &world::key_ring());
    assert_eq!(faults.len(), 1, "{faults:?}");
    let house = TestGateway::new();
    house.gate.install(after);
    assert_eq!(outcome(&block_on(house.call(&company("bank-1"), &Fake::new([])))), "C208");
    assert_eq!(outcome(&block_on(house.call(&company("bank-ed25519"), &Fake::new([])))), "C103");
}

/// A revocation stands even where the key is none.
#[test]
fn a_revoked_credential_needs_no_key() {
    let (at, text) = credential("weak", &unhex(WEAK[0]));
    let revoked = text.replace("ed25519,", "ed25519, revoked: true,");
    let objects = with(objects(), &[(at, revoked)]);
    assert!(Snapshot::compile(read(&objects), &world::key_ring()).is_ok());
}

/// Whatever a call stands on is asked again before its answer leaves.
#[test]
fn what_was_taken_away_meanwhile_does_not_leave() {
    let gone = |kind: &'static str, name: &str| Delta {
        world: World::default(),
        changed: Vec::new(),
        removed: vec![key(kind, name)],
        mark: None,
    };
    let changed = |kind: &'static str, name: &str, from: &str, to: &str| {
        let mut all = objects();
        let text = all.get_mut(&(kind.to_owned(), name.to_owned())).expect("there");
        assert!(text.contains(from), "{text}");
        *text = text.replace(from, to);
        delta(&whole(&objects()), &all, &[key(kind, name)])
    };
    let window = "until: 2031-01-01";
    let cases: Vec<(&str, Delta)> = vec![
        ("grant", gone("Grant", "bank-company")),
        ("agreement", gone("Agreement", "bank-2025")),
        ("scenario", gone("Scenario", "bank-onboarding")),
        ("credential", gone("Credential", "bank-1")),
        ("unit", gone("ApplicationUnit", "bank")),
        ("product", gone("Product", "company-check")),
        ("revoked", changed("Credential", "bank-1", "unit: bank\n", "unit: bank\n  revoked: true\n")),
        ("expired", changed("Credential", "bank-1", window, "until: 2025-01-02")),
        ("certificates", {
            let all = objects();
            let of_it = all
                .iter()
                .filter(|((kind, _), text)| kind == "Certificate" && text.contains("company-check"));
            let removed = of_it.map(|((_, name), _)| key("Certificate", name)).collect();
            Delta { world: World::default(), changed: Vec::new(), removed, mark: None }
        }),
    ];
    for (what, change) in cases {
        assert!(!change.removed.is_empty() || !change.changed.is_empty(), "{what}");
        let house = TestGateway::new();
        house.gate.install(whole(&objects()));
        let (ask, waiting) = (company("bank-1"), Fake::new([Say::Wait(crate::upstream::CONSISTENT)]));
        let reply = block_on(async {
            let (reply, ()) = tokio::join!(house.call(&ask, &waiting), async {
                waiting.arrived().await;
                house.gate.apply(change, &world::key_ring()).expect("it stands");
                waiting.go();
            });
            reply
        });
        assert_eq!(outcome(&reply), "C903", "{what}");
    }
    // A snapshot that was compiled anew numbers names anew, and what stands still stands.
    let house = TestGateway::new();
    house.gate.install(whole(&objects()));
    let (ask, waiting) = (company("bank-1"), Fake::new([Say::Wait(crate::upstream::CONSISTENT)]));
    let reply = block_on(async {
        let (reply, ()) = tokio::join!(house.call(&ask, &waiting), async {
            waiting.arrived().await;
            let more = with(objects(), &[credential("another", &unhex(WEAK[0]))]);
            let (anew, _) = Snapshot::compile_sound(read(&more), &world::key_ring());
            house.gate.install(anew);
            waiting.go();
        });
        reply
    });
    assert_eq!(outcome(&reply), "answered");
}

/// However long refunds look for their calls in the journal, a stop is in force meanwhile.
#[test]
fn a_stop_is_in_force_while_refunds_are_looked_for() {
    let house = TestGateway::new();
    let refund = "---\napiVersion: shuzha/v1\nkind: PrivacyRefund\nmetadata: {name: refund-1}\nspec: {dataSet: ward-a, request: 019a2b3c-4d5e-7f00-8a1b-2c3d4e5f6071}\n";
    house.gate.install(world::snapshot(refund));
    let ((reached, is_reached), (word, says)) =
        (std::sync::mpsc::channel(), std::sync::mpsc::channel::<()>());
    std::thread::scope(|scope| {
        let gate = &house.gate;
        scope.spawn(move || {
            // It is asked for each record that is read.
            gate.make_refunds(&|| {
                let _ = reached.send(());
                says.recv().is_err()
            })
        });
        is_reached.recv().expect("it reads");
        house
            .gate
            .install(world::snapshot(&format!("{refund}{}", world::suspension("Product", "company-check"))));
        assert_eq!(outcome(&block_on(house.call(&company("bank-1"), &Fake::new([])))), "C208");
        drop(word);
    });
}
