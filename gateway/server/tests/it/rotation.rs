//! The evidence log's keys handed over while receipts of before and after are in people's hands.

use std::path::{Path, PathBuf};

use shuzha_evidence::checkpoint::Checkpoint;
use shuzha_evidence::log::{LogKeys as _, SeedKeys};
use shuzha_evidence::note::Note;
use shuzha_evidence::policy::Policy;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, shuzha, text};
use crate::node::Node;
use crate::receipts::receipt;

/// A node answers a call; the file of its receipt.
fn called(home: &Home, arguments: &[&str], name: &str) -> PathBuf {
    let node = Node::start_with(home, arguments);
    let caller = Caller::new(node.data);
    let bank = home.credential("bank-1");
    let answer = caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1));
    assert_eq!(answer.status, 200, "{answer:?}");
    let proof = receipt(&caller, &bank, &format!("/v1/receipts/{}", answer.request));
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");
    home.file(name, &proof.to_string())
}

fn verify(arguments: &[&Path]) -> (Option<i32>, String) {
    let done = shuzha().arg("verify").args(arguments).output().expect("the program starts");
    (done.status.code(), format!("{}{}", text(&done.stdout), text(&done.stderr)))
}

fn half_year(home: &Home) -> PathBuf {
    let folders = std::fs::read_dir(home.data().join("evidence")).expect("there");
    let mut folders = folders.map(|entry| entry.expect("there").path());
    folders.find(|path| path.join("checkpoint").exists()).expect("a half-year")
}

#[test]
fn h1_keys_are_handed_over_and_everything_signed_before_stays_good() {
    let home = Home::new();
    let before = called(&home, &[], "before.tlog-proof");
    let log = |name: &str, more: &[&str]| {
        let said = home.run(&[&["keys", "log"], more].concat());
        assert!(said.status.success(), "{said:?}");
        home.file(name, text(&said.stdout))
    };
    let old = log("old.keys", &[]);
    let seed = |name: &str| std::fs::read(home.data().join("keys").join(name)).expect("there");
    let stolen = [seed("log-ed25519.key"), seed("log-sm2.key")];
    assert!(home.run(&["keys", "rotate-log"]).status.success());
    assert!(!home.run(&["keys", "rotate-log"]).status.success(), "some wait already");
    let after = called(&home, &[], "after.tlog-proof");
    let new = log("new.keys", &[]);
    let handovers = log("handovers", &["--handovers"]);
    assert_ne!(seed("log-ed25519.key"), stolen[0], "the old private key is gone");
    let only_new = std::fs::read_to_string(&new).expect("there");
    assert_eq!(only_new.lines().count(), 4, "two keys, and two former ones");
    let two: Vec<&str> = only_new.lines().take(2).collect();
    let only_new = home.file("only-new.keys", &two.join("\n"));

    let (p, evidence) = (|text: &'static str| Path::new(text), home.data().join("evidence"));
    let receipt = |file: &Path, keys: &Path, more: &[&Path]| {
        verify(&[&[p("receipt"), file, p("--keys"), keys], more].concat())
    };
    assert_eq!(receipt(&before, &old, &[]).0, Some(0), "the old signature stays good");
    assert_eq!(receipt(&before, &new, &[p("--handovers"), &handovers]).0, Some(0));
    assert_eq!(receipt(&after, &old, &[]).0, Some(1), "no key that is known signed it");
    let (code, said) = receipt(&after, &old, &[p("--handovers"), &handovers]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(receipt(&after, &only_new, &[]).0, Some(0));
    // A copy of the log has its handovers: the keys of before are enough for all of it.
    for folder in [&evidence, &half_year(&home)] {
        for command in ["range", "suspension", "keys"] {
            let (code, said) = verify(&[p(command), folder, p("--keys"), &old]);
            assert_eq!(code, Some(0), "{command} {said}");
        }
    }
    let (_, said) = verify(&[p("keys"), &evidence, p("--keys"), &old]);
    assert!(said.contains("→") && said.contains(two[0]), "{said}");

    // Whoever has the old keys can sign nothing newer with them.
    let name = two[0].split('+').next().expect("a name");
    let [ed25519, sm2] = stolen.map(|seed| seed.try_into().expect("32 bytes"));
    let forger = SeedKeys::new(name, ed25519, sm2, []).expect("keys");
    let path = half_year(&home).join("checkpoint");
    let good = std::fs::read(&path).expect("there");
    let tree = Checkpoint::parse(Note::parse(&good).expect("a note").text()).expect("a checkpoint");
    let mut forged = Note::unsigned(tree.to_string()).expect("lines");
    forged.sign(&*forger.sha256(&tree.origin).expect("signs")).expect("signs");
    let policy = Policy { log: forger.known().to_vec(), ..Policy::default() };
    assert!(policy.open(&forged).is_ok(), "by itself it is perfect");
    std::fs::write(&path, forged.to_string()).expect("written");
    let (code, said) = verify(&[p("range"), &evidence, p("--keys"), &old]);
    assert!(code == Some(1) && said.contains("handed over before"), "{said}");
    std::fs::write(&path, good).expect("written");
    // A handover that the old keys did not sign is none; neither is one that the log does not have.
    let statement = std::fs::read_to_string(&handovers).expect("there");
    let cut: Vec<&str> =
        statement.lines().enumerate().filter(|(at, _)| *at != 10).map(|(_, line)| line).collect();
    let unsigned = home.file("unsigned", &format!("{}\n", cut.join("\n")));
    let (code, said) = receipt(&after, &old, &[p("--handovers"), &unsigned]);
    assert!(code == Some(1) && said.contains("did not sign"), "{said}");
    let file = evidence.join("handovers/0001.handover");
    let kept = std::fs::read_to_string(&file).expect("there");
    std::fs::write(&file, kept.replacen("size ", "size 1", 1)).expect("written");
    assert_eq!(verify(&[p("keys"), &evidence, p("--keys"), &old]).0, Some(1));
    std::fs::write(&file, kept).expect("written");
    // And once more, and the node still knows its own log.
    assert!(home.run(&["keys", "rotate-log"]).status.success());
    let third = called(&home, &[], "third.tlog-proof");
    let handovers = log("handovers", &["--handovers"]);
    assert_eq!(receipt(&third, &old, &[p("--handovers"), &handovers]).0, Some(0));
    assert_eq!(verify(&[p("keys"), &evidence, p("--keys"), &old]).0, Some(0));
}

/// Keys under a passphrase, and a new key that a command signs with: `openssl`, as a device's program would.
#[test]
fn h1_sealed_keys_and_a_command_that_signs() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let private = |name: &str, content: &str| {
        let path = home.file(name, content);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("changed");
        path
    };
    let passphrase = private("passphrase", "an unlikely sentence\n");
    let config = format!("[evidence]\nkey_passphrase_file = \"{}\"\n", passphrase.display());
    let config = home.file("shuzha.toml", &config);
    let config = ["--config", config.to_str().expect("UTF-8")];
    assert!(home.run(&["keys", "log"]).status.success());
    let sealed = home.run(&[&["keys", "seal-log"], &config[..]].concat());
    assert!(sealed.status.success(), "{sealed:?}");
    let receipt = called(&home, &config, "sealed.tlog-proof");
    let mut without = Node::spawn(&home, &[]);
    let (status, log) = without.ended();
    assert!(!status.success() && log.iter().any(|line| line.contains("is sealed")), "{log:#?}");

    let dir = home.data().join("../device");
    std::fs::create_dir_all(&dir).expect("made");
    let openssl = |arguments: &[&str]| {
        let done = std::process::Command::new("openssl").args(arguments).current_dir(&dir).output();
        let done = done.expect("openssl is installed");
        assert!(done.status.success(), "{}", text(&done.stderr));
        done.stdout
    };
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "k.pem"]);
    let public = openssl(&["pkey", "-in", "k.pem", "-pubout", "-outform", "DER"]);
    let name = "shuzha.local/gate-1";
    let keys = home.run(&[&["keys", "log"], &config[..]].concat());
    assert!(text(&keys.stdout).starts_with(name), "{keys:?}");
    let public = &public[public.len() - 32..];
    let algorithm = shuzha_evidence::note::Algorithm::Ed25519;
    let public = shuzha_evidence::note::Verifier::new(name, algorithm, public).expect("a key");
    let script =
        "f=$(mktemp); cat > $f; openssl pkeyutl -sign -inkey \"$1\" -rawin -in $f | base64 -w0; rm $f";
    std::fs::write(dir.join("sign.sh"), script).expect("written");
    let form = format!(
        "shuzha.key-command/v1\npublic {public}\ncommand /bin/sh {0}/sign.sh {0}/k.pem\n",
        dir.display()
    );
    let command = private("device.key", &form);
    let other = private("other.key", "12345678901234567890123456789012");
    let more = [
        "keys",
        "rotate-log",
        "--ed25519",
        command.to_str().expect("UTF-8"),
        "--sm2",
        other.to_str().expect("UTF-8"),
    ];
    let rotated = home.run(&[&more[..], &config[..]].concat());
    assert!(rotated.status.success(), "{rotated:?}");
    let after = called(&home, &config, "device.tlog-proof");
    let trusted = home.file("old.keys", text(&keys.stdout));
    let handovers = home.run(&[&["keys", "log", "--handovers"], &config[..]].concat());
    let handovers = home.file("handovers", text(&handovers.stdout));
    for file in [&receipt, &after] {
        let p = Path::new;
        let (code, said) = verify(&[p("receipt"), file, p("--keys"), &trusted, p("--handovers"), &handovers]);
        assert_eq!(code, Some(0), "{said}");
    }
}
