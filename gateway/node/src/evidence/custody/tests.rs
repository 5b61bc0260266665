//! Keys in every form, and those that wait.

use std::os::unix::fs::PermissionsExt as _;

use shuzha_evidence::log::LogKeys as _;
use shuzha_evidence::note::Sm2Signer;

use super::*;

const NAME: &str = "log.example/g";

fn with<T>(dir: &Path, passphrase: &str, use_it: impl FnOnce(&Custody<'_>) -> T) -> T {
    let passphrase = || Ok(Zeroizing::new(passphrase.to_owned()));
    use_it(&Custody { data_dir: dir, origin: NAME, passphrase: &passphrase })
}

/// What the keys sign is verified by what they say they are.
fn signs(keys: &ProvidedKeys) -> Vec<String> {
    let mut note = Note::unsigned("a\n").expect("lines");
    note.sign(&*keys.sha256(NAME).expect("usable")).expect("signs");
    note.sign(&*keys.sm3(NAME).expect("usable")).expect("signs");
    assert!(keys.present().iter().all(|key| note.verified_by(key).is_ok()));
    keys.present().iter().map(ToString::to_string).collect()
}

fn private(path: &Path, content: &[u8]) {
    std::fs::write(path, content).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("changed");
}

#[test]
fn h1_sealed_keys_sign_as_before_and_open_under_their_passphrase_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let plain = with(dir.path(), "unused", |custody| signs(&custody.present().expect("made")));
    with(dir.path(), "correct horse", |custody| custody.seal("correct horse")).expect("sealed");
    for name in PRESENT {
        let text = std::fs::read(dir.path().join(name)).expect("there");
        assert!(text.starts_with(SEALED.as_bytes()) && text.len() < 400);
    }
    let same = with(dir.path(), "correct horse", |custody| signs(&custody.present().expect("opened")));
    assert_eq!(same, plain);
    let wrong = with(dir.path(), "correct horse ", |custody| custody.present().map(drop));
    assert!(format!("{:#}", wrong.expect_err("another")).contains("passphrase is another"));
    // Every line is bound to what is sealed; one tree's key is not the other's.
    let path = dir.path().join(PRESENT[0]);
    let good = std::fs::read_to_string(&path).expect("there");
    for (a, b) in
        [("key ed25519", "key sm2"), ("argon2id 65536 3", "argon2id 65536 2"), ("sealed ", "sealed A")]
    {
        private(&path, good.replace(a, b).as_bytes());
        assert!(with(dir.path(), "correct horse", |custody| custody.present().map(drop)).is_err(), "{a}");
    }
    let greedy = good.replace("argon2id 65536", "argon2id 99999999");
    private(&path, greedy.as_bytes());
    let refused = with(dir.path(), "correct horse", |custody| custody.present().map(drop));
    assert!(format!("{:#}", refused.expect_err("too dear")).contains("not a seal"));
    private(&path, &std::fs::read(dir.path().join(PRESENT[1])).expect("there"));
    assert!(with(dir.path(), "correct horse", |custody| custody.present().map(drop)).is_err(), "exchanged");
}

#[test]
fn h1_a_key_file_that_is_open_to_others_or_in_no_form_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    with(dir.path(), "", |custody| custody.present().map(drop)).expect("made");
    let path = dir.path().join(PRESENT[0]);
    let good = std::fs::read(&path).expect("there");
    for mode in [0o640, 0o604, 0o620] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("changed");
        assert!(with(dir.path(), "", |custody| custody.present().map(drop)).is_err(), "{mode:o}");
    }
    for bad in [&good[..31], b"", b"shuzha.key-command/v2\n", b"shuzha.key-command/v1\npublic x\ncommand y\n"]
    {
        private(&path, bad);
        assert!(with(dir.path(), "", |custody| custody.present().map(drop)).is_err());
    }
}

#[test]
fn h1_a_command_signs_and_what_it_answers_is_checked() {
    let dir = tempfile::tempdir().expect("a folder");
    with(dir.path(), "", |custody| custody.present().map(drop)).expect("made");
    let signer = Sm2Signer::new(NAME, &[7; 32]).expect("a key");
    let answer = BASE64.encode(signer.sign("a\n").expect("signs"));
    let script = dir.path().join("sign.sh");
    let public = signer.verifier();
    let key = format!("{COMMAND}\npublic {public}\ncommand /bin/sh {}\n", script.display());
    private(&dir.path().join(PRESENT[1]), key.as_bytes());
    std::fs::write(&script, format!("cat >/dev/null; [ \"$1\" = sm2 ] && echo {answer}")).expect("written");
    with(dir.path(), "", |custody| signs(&custody.present().expect("read")));
    let refused = |content: &str| {
        std::fs::write(&script, content).expect("written");
        let keys = with(dir.path(), "", |custody| custody.present()).expect("read");
        let mut note = Note::unsigned("a\n").expect("lines");
        note.sign(&*keys.sm3(NAME).expect("usable")).expect_err("no signature").reason
    };
    assert!(refused("cat >/dev/null; echo AAAA").contains("no signature by this key"));
    assert!(refused(&format!("echo {answer}; exit 3")).contains("exit status: 3"));
    assert!(refused("cat >/dev/null; head -c 100000 /dev/zero").contains("bytes"));
    // A key of the wrong kind does not become one of the right kind by standing in its place.
    private(&dir.path().join(PRESENT[0]), key.as_bytes());
    assert!(with(dir.path(), "", |custody| custody.present().map(drop)).is_err());
}

#[test]
fn h1_new_keys_wait_once_and_are_new() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = with(dir.path(), "", |custody| signs(&custody.present().expect("made")));
    let files = PRESENT.map(|name| dir.path().join(name));
    let same = with(dir.path(), "", |custody| custody.prepare(Some([&files[0], &files[1]])).map(drop));
    assert!(format!("{:#}", same.expect_err("the same")).contains("cannot be the new one"));
    with(dir.path(), "", |custody| {
        assert!(custody.next().expect("readable").is_none());
        let new: Vec<String> = custody.prepare(None).expect("made").iter().map(ToString::to_string).collect();
        assert!(custody.prepare(None).is_err(), "once");
        assert_eq!(signs(&custody.next().expect("readable").expect("they wait")), new);
        assert_eq!(signs(&custody.present().expect("readable")), old, "nothing has changed yet");
        // A process that ended between the two renames.
        std::fs::rename(dir.path().join(NEXT[0]), dir.path().join(PRESENT[0])).expect("moved");
        assert_eq!(signs(&custody.next().expect("readable").expect("one of them")), new);
        custody.replace().expect("moved");
        assert_eq!(signs(&custody.present().expect("readable")), new);
        assert!(custody.next().expect("readable").is_none());
    });
}
