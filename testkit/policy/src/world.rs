//! The world of these tests: the demo's, and units with small limits (`world.yaml`).

use ring::digest::{SHA256, digest};
use shuzha_policy::{KeyRing, Snapshot};
use shuzha_products::World;

macro_rules! demo {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../../config/examples/demo/", $name, ".yaml")))),*]
    };
}

/// Seed and key id of the issuer of consents.
pub const ISSUER: &str = "yunze-consent-1";

/// The files of the demo's world.
const DEMO: [(&str, &str); 13] = demo!(
    "data-sets" "grants" "jurisdiction" "operating" "organisations" "prices" "products-data" "products-verification"
    "registration" "scenarios" "suspensions" "units" "upstreams"
);

/// HMAC credentials that have a key; all others were never deposited.
const SECRETS: [&str; 15] = [
    "bank-old-client",
    "bank-1",
    "bank-2",
    "bank-2024",
    "insurer-1",
    "insurer-office",
    "charity-1",
    "civil-affairs-1",
    "lender-1",
    "startup-1",
    "probe-1",
    "study-1",
    "bank-sandbox",
    "study-sandbox",
    "lender-sandbox",
];

/// A suspension of `kind` `name` from the beginning of time.
pub fn suspension(kind: &str, name: &str) -> String {
    format!(
        "---\napiVersion: shuzha/v1\nkind: Suspension\nmetadata: {{name: stop}}\nspec:\n  \
         target: {{kind: {kind}, name: {name}}}\n  since: 2025-03-03T09:00:00+08:00\n  reason: 测试\n"
    )
}

/// The files of this world with `more` objects.
pub fn files(more: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> =
        DEMO.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    files.push(("tests".to_owned(), include_str!("world.yaml").to_owned()));
    if !more.is_empty() {
        files.push(("more".to_owned(), more.to_owned()));
    }
    files
}

/// The compiled world with `more` objects.
pub fn snapshot(more: &str) -> Snapshot {
    compiled(&files(more))
}

/// The compiled world with texts of its own files replaced wherever they stand.
pub fn with(changes: &[(&str, &str)]) -> Snapshot {
    let mut files = files("");
    let (_, tests) = files.iter_mut().find(|(name, _)| name == "tests").expect("its own");
    for (from, to) in changes {
        assert!(tests.contains(from), "{from}");
        *tests = tests.replace(from, to);
    }
    compiled(&files)
}

/// The compiled world under the rules of a pack.
pub fn under(pack: &str) -> Snapshot {
    let mut files = files("");
    let (_, rules) = files.iter_mut().find(|(name, _)| name == "jurisdiction").expect("its rules");
    *rules = rules.replace("certificateRequired: true", &format!("rules: {pack}"));
    compiled(&files)
}

/// The compiled world with `from` in one of the demo's files replaced by `to`, everywhere.
pub fn changed(file: &str, from: &str, to: &str) -> Snapshot {
    let mut files = files("");
    let (_, text) = files.iter_mut().find(|(name, _)| name == file).expect("a file of the demo");
    assert!(text.contains(from), "{file} has no {from}");
    *text = text.replace(from, to);
    compiled(&files)
}

/// The world as a register that took its objects before gives it: some rules are for what is declared now.
pub fn accepted(files: &[(String, String)]) -> Snapshot {
    let kinds: Vec<&'static str> = shuzha_products::world::KINDS.iter().map(|kind| kind.name).collect();
    let documents = shuzha_products::world::documents(files, &kinds).expect("they have envelopes");
    let specs: Vec<_> = documents.iter().map(|one| (one.kind, &one.name, one.spec.to_string())).collect();
    let world = World::from_specs(specs.iter().map(|(kind, name, spec)| (*kind, *name, &**spec)));
    Snapshot::compile(world.expect("it reads"), &key_ring()).expect("it compiles")
}

/// The compiled world of `files`.
pub fn compiled(files: &[(String, String)]) -> Snapshot {
    let world = World::parse(files).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("the world of the tests is at fault:\n{}", lines.join("\n"))
    });
    Snapshot::compile(world, &key_ring()).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// The keys of this world.
pub fn key_ring() -> KeyRing {
    let mut ring = KeyRing::default();
    for name in SECRETS {
        ring.secrets.insert(name.to_owned(), secret(name).to_vec());
    }
    for (name, seed) in [("bank-ed25519", "bank-ed25519"), ("yunze-consent-1", ISSUER)] {
        let key = ed25519_dalek::SigningKey::from_bytes(&secret(seed)).verifying_key();
        ring.public_keys.insert(format!("keys/{name}.pub"), key.to_bytes().to_vec());
    }
    ring
}

/// The secret, or the seed, that belongs to `name` in these tests.
pub fn secret(name: &str) -> [u8; 32] {
    digest(&SHA256, name.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Every product of this world with each of its operations.
pub fn operations() -> Vec<(String, String)> {
    let world = World::parse(&files("")).expect("the world of the tests");
    let of = |(name, product): (&shuzha_core::Id, &shuzha_products::product::Product)| {
        let operations: Vec<_> = product.operations.iter().map(|one| one.name.to_string()).collect();
        operations.into_iter().map(|operation| (name.to_string(), operation)).collect::<Vec<_>>()
    };
    world.products.iter().flat_map(of).collect()
}
