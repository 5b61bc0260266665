//! Which keys of older declarations are taken over, and which never.

use std::collections::HashMap;
use std::path::Path;

use shuzha_files::secret;
use shuzha_products::World;

use crate::node::upstreams::options;

/// Services by name, each with more of its spec.
fn world(services: &[(&str, &str)]) -> World {
    let text: String = services
        .iter()
        .map(|(name, more)| {
            format!(
                "---\napiVersion: shuzha/v1\nkind: Upstream\nmetadata: {{name: {name}}}\nspec: {{endpoints: [\"10.0.0.1:80\"], \
                 timeout: 2s, {more}}}\n"
            )
        })
        .collect();
    World::parse(&[("world", text)]).expect("a world")
}

/// The key of each service, by name.
fn keys(data: &Path, services: &[(&str, &str)]) -> HashMap<String, Vec<u8>> {
    let (options, _) = options(&world(services), data, &HashMap::new(), true);
    options.into_iter().map(|service| (service.name.to_string(), service.key)).collect()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    secret::private_dir(&folder.path().join("keys")).expect("made");
    folder
}

#[test]
fn a_key_is_in_a_file_called_after_its_service() {
    let folder = folder();
    let made = keys(folder.path(), &[("one", ""), ("two", "")]);
    assert_ne!(made["one"], made["two"]);
    let file = secret::load(&folder.path().join("keys/upstreams/one.key")).expect("a key");
    assert_eq!(made["one"], file);
    assert_eq!(keys(folder.path(), &[("one", ""), ("two", "")]), made, "it stays");
}

/// Services of the last version go on with the key that they have, also when the old file is gone afterwards.
#[test]
fn a_service_declared_with_a_key_file_keeps_its_key() {
    let folder = folder();
    let shared = folder.path().join("keys/gateway.key");
    secret::write_new(&shared, &[7; 32]).expect("written");
    let services = [("one", "keyFile: keys/gateway.key"), ("two", "keyFile: keys/gateway.key")];
    let made = keys(folder.path(), &services);
    assert_eq!((&made["one"], &made["two"]), (&vec![7; 32], &vec![7; 32]));
    std::fs::remove_file(shared).expect("removed");
    assert_eq!(keys(folder.path(), &services), made);
}

/// No declaration reaches a key of the node, another file of it, or another operator's key.
#[test]
fn a_key_file_that_is_not_the_services_own_is_not_taken_over() {
    let folder = folder();
    let named = [
        "keys/master.key",
        "keys/commit.key",
        "keys/commit-2026h2.key",
        "keys/pseudonym.key",
        "keys/watermark.key",
        "keys/consent-issuer.seed",
        "keys/consent-holders.key",
        "keys/log-ed25519.key",
        "keys/log-sm2.key",
        "keys/upstreams/other.key",
        "control.db",
        "journal/00000001.log",
    ];
    for file in named {
        let path = folder.path().join(file);
        secret::private_dir(path.parent().expect("a folder")).expect("made");
        secret::write_new(&path, &[9; 32]).expect("written");
        let more = format!("keyFile: {file}");
        let key = keys(folder.path(), &[("mallory", &more)]).remove("mallory").expect("a key of its own");
        assert_ne!(key, vec![9; 32], "{file}");
        std::fs::remove_file(folder.path().join("keys/upstreams/mallory.key")).expect("removed");
    }
    std::os::unix::fs::symlink("master.key", folder.path().join("keys/mine.key")).expect("linked");
    let key = keys(folder.path(), &[("mallory", "keyFile: keys/mine.key")]).remove("mallory");
    assert_ne!(key.expect("a key of its own"), vec![9; 32], "a link");
}

#[test]
fn a_key_file_that_two_operators_name_is_nobodys() {
    let folder = folder();
    secret::write_new(&folder.path().join("keys/gateway.key"), &[7; 32]).expect("written");
    let made = keys(
        folder.path(),
        &[
            ("sun", "keyFile: keys/gateway.key, operator: yunze-data"),
            ("mallory", "keyFile: keys/gateway.key, operator: evil-op"),
        ],
    );
    assert!(made.values().all(|key| *key != vec![7; 32]));
    assert_ne!(made["sun"], made["mallory"]);
}

/// A service whose key is not the declared one, or cannot be used, is left out alone.
#[test]
fn a_key_that_cannot_be_used_takes_out_its_own_service_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let zeros = "0".repeat(64);
    let made = keys(folder.path(), &[("good", ""), ("open", ""), ("other", "")]);
    let digest = ring::digest::digest(&ring::digest::SHA256, &made["good"]);
    let digest: String = shuzha_core::hex::encode(digest.as_ref());
    let open = folder.path().join("keys/upstreams/open.key");
    std::fs::set_permissions(open, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let good = format!("keyDigest: \"{digest}\"");
    let other = format!("keyDigest: \"{zeros}\"");
    let left = keys(folder.path(), &[("good", &good), ("open", ""), ("other", &other)]);
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["good"]);
}
