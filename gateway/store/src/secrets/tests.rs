//! What is sealed opens under its own key, name and algorithm, and under nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use shuzha_core::OsRng;

use super::*;

fn id(name: &str) -> Id {
    Id::new(name).expect("well-formed")
}

fn key() -> (tempfile::TempDir, MasterKey) {
    let dir = tempfile::tempdir().expect("a directory");
    let key = MasterKey::load_or_create(&dir.path().join("keys").join("master"), &OsRng).expect("made");
    (dir, key)
}

#[test]
fn secrets_come_back_and_are_not_stored_in_the_clear() {
    let (dir, master) = key();
    let path = dir.path().join("shuzha.db");
    let secret = b"a secret that must not be found in the file";
    {
        let store = Store::open(&path).expect("opens");
        store.put_secret(&master, &OsRng, &id("bank-a-1"), "hmac-sha256", b"before").expect("sealed");
        store.put_secret(&master, &OsRng, &id("bank-a-1"), "hmac-sha256", secret).expect("sealed");
        store.put_secret(&master, &OsRng, &id("bank-b-1"), "hmac-sm3", b"").expect("sealed");
    }
    let again = MasterKey::load_or_create(&dir.path().join("keys").join("master"), &OsRng).expect("read");
    let store = Store::open(&path).expect("opens");
    let opened = store.secrets(&again).expect("opens");
    let shown = opened.iter().map(|s| {
        let secret = s.secret.as_ref().expect("opens");
        (s.credential.as_str(), s.algorithm.as_str(), secret.expose())
    });
    let shown: Vec<_> = shown.collect();
    assert_eq!(shown, [("bank-a-1", "hmac-sha256", &secret[..]), ("bank-b-1", "hmac-sm3", b"")]);
    for file in fs::read_dir(dir.path()).expect("lists") {
        let path = file.expect("lists").path();
        if path.is_file() {
            let bytes = fs::read(&path).expect("reads");
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{path:?}");
        }
    }
}

#[test]
fn another_key_or_a_changed_row_does_not_open() {
    let (_dir, master) = key();
    let (_other_dir, other) = key();
    let store = Store::in_memory().expect("opens");
    store.put_secret(&master, &OsRng, &id("bank-a-1"), "hmac-sha256", b"secret").expect("sealed");
    let unopened = |master: &MasterKey| {
        let kept = store.secrets(master).expect("answers");
        kept.into_iter().map(|kept| (kept.credential.to_string(), kept.secret.is_none())).collect::<Vec<_>>()
    };
    assert_eq!(unopened(&other), [("bank-a-1".to_owned(), true)]);
    let changes = [
        "UPDATE secrets SET credential = 'bank-b-1'",
        "UPDATE secrets SET algorithm = 'hmac-sm3'",
        "UPDATE secrets SET nonce = zeroblob(12)",
        "UPDATE secrets SET sealed = zeroblob(length(sealed))",
        "UPDATE secrets SET sealed = zeroblob(3)",
    ];
    for change in changes {
        store.put_secret(&master, &OsRng, &id("bank-a-1"), "hmac-sha256", b"secret").expect("sealed");
        assert_eq!(
            store.secrets(&master).expect("opens")[0].secret.as_ref().expect("opens").expose(),
            b"secret"
        );
        assert_eq!(store.lock().execute(change, []).expect("changes"), 1);
        // One that does not open is that credential's alone.
        store.put_secret(&master, &OsRng, &id("other"), "hmac-sha256", b"another").expect("sealed");
        assert_eq!(unopened(&master).iter().filter(|(_, unopened)| *unopened).count(), 1, "{change}");
        assert_eq!(unopened(&master).last(), Some(&("other".to_owned(), false)), "{change}");
        store.lock().execute("DELETE FROM secrets", []).expect("deletes");
    }
}

#[test]
fn the_master_key_is_made_once_and_kept_from_others() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("keys").join("master");
    let load = || MasterKey::load_or_create(&path, &OsRng);
    load().expect("made");
    let bytes = fs::read(&path).expect("there");
    assert_eq!(bytes.len(), 32);
    assert_ne!(bytes, [0; 32]);
    load().expect("read");
    assert_eq!(fs::read(&path).expect("there"), bytes);
    let entries = fs::read_dir(path.parent().expect("has one")).expect("lists").count();
    assert_eq!(entries, 1, "nothing is left beside it");

    let set_mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("sets");
    for mode in [0o640, 0o604, 0o660] {
        set_mode(mode);
        assert!(matches!(load(), Err(StoreError::KeyExposed(_))), "{mode:o}");
    }
    set_mode(0o600);
    for length in [0, 31, 33, 4_096] {
        fs::write(&path, vec![1; length]).expect("writes");
        assert!(matches!(load(), Err(StoreError::KeyMalformed(_))), "{length}");
    }
}
