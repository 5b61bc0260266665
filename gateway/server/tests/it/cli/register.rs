//! A register that another program changed is named, and nothing starts on it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use super::gateway::TestGateway;
use crate::home::{shuzha, text};

/// Changes text in a file of the database as an editor of bytes would: the new one is as long.
fn edit(path: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let mut bytes = std::fs::read(path).expect("there");
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "{from} stands in the file");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    std::fs::write(path, bytes).expect("written");
}

/// Puts a copy of a database back, alone.
pub(super) fn restore(house: &TestGateway, file: &str, copy: &Path) {
    for beside in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(house.data().join(format!("{file}{beside}")));
    }
    std::fs::copy(copy, house.data().join(file)).expect("copied");
}

pub(super) fn run(house: &TestGateway, arguments: &[&str]) -> Output {
    shuzha().arg("--data-dir").arg(house.data()).args(arguments).output().expect("it starts")
}

/// A start that must not succeed; what it said.
pub(super) fn refused(house: &TestGateway) -> String {
    let listen = ["--listen", "127.0.0.1:0", "--operations", "127.0.0.1:0", "--control", "127.0.0.1:0"];
    let output = run(house, &[&["serve"][..], &listen[..]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_start_on_an_edited_or_older_register_is_refused_by_name() {
    let mut house = TestGateway::start();
    {
        let root = house.root();
        house.member(&root, "fay", "treasury", &["finance"]);
    }
    house.end();
    let register = house.data().join("control.db");
    let good = house.data().join("good.copy");
    std::fs::copy(&register, &good).expect("copied");
    let folder = house.data().display().to_string();
    let verified = run(&house, &["register", "verify", &folder]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");

    edit(&register, "finance", "pricing");
    let told = refused(&house);
    assert!(told.contains("C1740") && told.contains("Account/fay: roles not as act"), "{told}");
    let verified = run(&house, &["register", "verify", &folder, "--json"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    assert!(text(&verified.stdout).contains("Account/fay: roles not as act"), "{verified:?}");

    restore(&house, "control.db", &good);
    house.start_again();
    {
        let root = house.root();
        house.member(&root, "gus", "treasury", &["finance"]);
    }
    house.end();
    restore(&house, "control.db", &good);
    let told = refused(&house);
    assert!(told.contains("C1740") && told.contains("it is an older copy"), "{told}");
    let verified = run(&house, &["register", "verify", &folder]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    assert!(text(&verified.stdout).contains("is in the journal at record"), "{verified:?}");

    // Whoever has nothing newer takes it over as it stands, and that is on record.
    let adopted = run(&house, &["register", "adopt", "--reason", "restored from the copy of Monday"]);
    assert!(adopted.status.success(), "{adopted:?}");
    house.start_again();
    house.end();
    let verified = run(&house, &["register", "verify", &folder]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");

    // Without its seal, or without the key of it, it is not taken either.
    let key = house.data().join("keys/register-seal.key");
    let kept = std::fs::read(&key).expect("there");
    std::fs::remove_file(&key).expect("removed");
    let told = refused(&house);
    assert!(told.contains("C1740") && told.contains("register-seal.key is missing"), "{told}");
    std::fs::write(&key, kept).expect("written");
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("set");
    let _ = std::fs::remove_file(house.data().join("keys/register-seal.key.new"));
    house.start_again();
    house.end();
}

#[test]
fn register_verify_has_the_exit_codes_of_verify() {
    let dir = tempfile::tempdir().expect("a folder");
    let verify = |arguments: &[&str]| {
        let output = shuzha().args(["register", "verify"]).args(arguments).output().expect("it starts");
        output.status.code()
    };
    let folder = dir.path().to_str().expect("UTF-8");
    assert_eq!(verify(&[folder]), Some(2), "there is no register");
    assert_eq!(verify(&["--nothing"]), Some(3), "wrong usage");
    std::fs::write(dir.path().join("control.db"), "no database").expect("written");
    assert_eq!(verify(&[folder]), Some(1), "that is none");
}
