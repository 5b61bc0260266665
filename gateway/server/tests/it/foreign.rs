//! Files that somebody else put there: none makes a tool wait, take its memory, or call good what it could not read.

use std::fs::File;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Output;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use shuzha_core::{OsRng, Rng as _};
use shuzha_evidence::commit::Opening;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, shuzha, text};
use crate::node::Node;
use crate::receipts::receipt;

const SEGMENT: &str = "00000000000000000001.journal";

/// A data folder with nothing but a journal of one segment, which `put` makes.
fn journal(put: impl FnOnce(&Path)) -> Output {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("journal")).expect("made");
    put(&dir.path().join("journal").join(SEGMENT));
    shuzha().arg("--data-dir").arg(dir.path()).args(["journal", "verify"]).output().expect("it starts")
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::from(0o600), 0).expect("a FIFO");
}

#[test]
fn journal_verify_calls_nothing_whole_that_it_cannot_read() {
    let random = journal(|path| {
        let noise: Vec<u8> = (0..32_768).flat_map(|_| OsRng.bytes::<32>()).collect();
        std::fs::write(path, noise).expect("written");
    });
    assert_eq!(random.status.code(), Some(2), "{random:?}");
    assert!(text(&random.stderr).contains("nothing readable"), "{random:?}");
    for bytes in [1_u64 << 30, 1 << 40] {
        let sparse =
            journal(|path| File::create(path).and_then(|file| file.set_len(bytes)).expect("a sparse file"));
        assert_eq!(sparse.status.code(), Some(2), "{bytes}: {sparse:?}");
    }
    let zero: fn(&Path) = |path| symlink("/dev/zero", path).expect("a link");
    let folder: fn(&Path) = |path| std::fs::create_dir(path).expect("a folder");
    for put in [zero, fifo, folder] {
        let refused = journal(put);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(text(&refused.stderr).contains("not a regular file"), "{refused:?}");
    }
}

/// A journal that is another one's, whole in itself, is none of the log beside it; nor is one that was cut short.
#[test]
fn journal_verify_compares_with_the_log_beside_it() {
    let (home, other) = (Home::new(), Home::new());
    for home in [&home, &other] {
        let node = Node::start(home);
        let caller = Caller::new(node.data);
        caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1));
        node.drain();
    }
    let verify = || home.run(&["journal", "verify", "--json"]);
    let agrees = |output: &Output| {
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        shown["published"]["agrees"].as_bool()
    };
    let good = verify();
    assert_eq!((good.status.code(), agrees(&good)), (Some(0), Some(true)), "{good:?}");
    // Without the store, which would tell as well.
    std::fs::remove_file(home.data().join("shuzha.db")).expect("removed");
    let journal = home.data().join("journal");
    std::fs::remove_dir_all(&journal).expect("removed");
    std::fs::create_dir(&journal).expect("made");
    for entry in std::fs::read_dir(other.data().join("journal")).expect("lists") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), journal.join(entry.file_name())).expect("copied");
    }
    let replaced = verify();
    assert_eq!((replaced.status.code(), agrees(&replaced)), (Some(1), Some(false)), "{replaced:?}");
    let told = home.run(&["journal", "verify"]);
    assert!(text(&told.stdout).contains("The journal differs from log"), "{told:?}");
}

#[test]
fn verify_waits_for_no_fifo_and_a_damaged_checkpoint_is_bad_everywhere() {
    let home = Home::new();
    let node = Node::start(&home);
    let caller = Caller::new(node.data);
    let bank = home.credential("bank-1");
    let answer = caller.call(&bank, &Ask::company("bank-scenario", COMPANY.1));
    let mut shown = receipt(&caller, &bank, &format!("/v1/receipts/{}", answer.request));
    node.drain();
    let keys = home.file("log.keys", text(&home.run(&["keys", "log"]).stdout));
    let keys = keys.to_str().expect("UTF-8");
    let good = home.file("good.proof", &shown.to_string());
    let verify = |arguments: &[&str]| {
        shuzha().arg("verify").args(arguments).args(["--keys", keys]).output().expect("it starts")
    };
    assert_eq!(verify(&["receipt", good.to_str().expect("UTF-8")]).status.code(), Some(0));

    // F14: whoever alters the keys in a receipt is found out, and the gateway is not convicted.
    let enclosed = shown.enclosed.clone().expect("the entry");
    let body = home.file("request.json", &Ask::company("bank-scenario", COMPANY.1).body.to_string());
    for at in 0..32 {
        let mut altered = enclosed.clone();
        let key = if at < 16 { &mut altered.request } else { &mut altered.answer };
        let mut bytes = *key.as_bytes();
        bytes[at % 16] ^= 1;
        *key = Opening::from_bytes(bytes);
        shown.enclosed = Some(altered);
        let file = home.file("altered.proof", &shown.to_string());
        let file = file.to_str().expect("UTF-8");
        let said = verify(&["receipt", file]);
        assert_eq!(said.status.code(), Some(1), "{at}: {said:?}");
        assert!(text(&said.stderr).contains("keys in the receipt"), "{said:?}");
        let path = "/v1/products/company-check/verify";
        let said = verify(&["open", file, "--path", path, "--body", body.to_str().expect("UTF-8")]);
        assert!(
            said.status.code() == Some(1) && text(&said.stderr).contains("keys in the receipt"),
            "{said:?}"
        );
    }

    let pipe = home.data().join("a.fifo");
    fifo(&pipe);
    assert_eq!(verify(&["receipt", pipe.to_str().expect("UTF-8")]).status.code(), Some(2));
    let evidence = home.data().join("evidence");
    let folder = evidence.to_str().expect("UTF-8").to_owned();
    let shard = std::fs::read_dir(&evidence).expect("there").flatten().map(|entry| entry.path());
    let shard = shard.into_iter().find(|path| path.join("checkpoint").exists()).expect("a half-year");
    let checkpoint = shard.join("checkpoint");
    let kept = std::fs::read(&checkpoint).expect("there");
    std::fs::write(&checkpoint, "no note\n").expect("written");
    for arguments in [vec!["range", &folder], vec!["suspension", &folder], vec!["keys", &folder]] {
        let said = verify(&arguments);
        assert_eq!(said.status.code(), Some(1), "{arguments:?}: {said:?}");
    }
    std::fs::remove_file(&checkpoint).expect("removed");
    fifo(&checkpoint);
    assert_eq!(verify(&["range", &folder]).status.code(), Some(2), "it neither hangs nor is good");
    std::fs::remove_file(&checkpoint).expect("removed");
    std::fs::write(&checkpoint, kept).expect("written");
    assert_eq!(verify(&["range", &folder]).status.code(), Some(0));
}

#[test]
fn journal_inspect_says_what_it_leaves_out() {
    let home = Home::new();
    let node = Node::start(&home);
    let caller = Caller::new(node.data);
    for _ in 0..4 {
        caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1));
    }
    node.drain();
    let inspect = |arguments: &[&str]| {
        let output = home.run(&[&["journal", "inspect"], arguments].concat());
        assert!(output.status.success(), "{output:?}");
        (text(&output.stdout).lines().count(), text(&output.stderr).to_owned())
    };
    // A boot, the four secrets that were made, and four calls.
    assert_eq!(inspect(&[]), (13, String::new()), "all of it, and nothing to say");
    let (lines, said) = inspect(&["--from", "3", "--limit", "2"]);
    assert!(lines == 2 && said.contains("2 records before and 9 behind"), "{lines} {said}");
    let (lines, said) = inspect(&["--tail", "3"]);
    assert!(lines == 3 && said.contains("10 records before and 0 behind"), "{lines} {said}");
    assert_eq!(inspect(&["--limit", "0"]).0, 13);
}

#[test]
fn a_data_folder_that_others_may_write_is_refused_with_what_to_do() {
    let home = Home::new();
    std::fs::set_permissions(home.data(), std::fs::Permissions::from_mode(0o777)).expect("set");
    let mut node = Node::spawn(&home, &[]);
    let (status, log) = node.ended();
    assert_eq!(status.code(), Some(1), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("C1742") && line.contains("chmod 700")), "{log:#?}");
    std::fs::set_permissions(home.data(), std::fs::Permissions::from_mode(0o755)).expect("set");
    let node = Node::start(&home);
    let mode = std::fs::metadata(home.data()).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "what others could read is closed to them");
    let operators = Caller::new(node.operations);
    let status = operators.get("/status");
    let warned = status.json()["warnings"].to_string();
    assert!(warned.contains("no witness and no anchor"), "{warned}");
    node.drain();
}

#[test]
fn a_start_on_an_edited_projection_is_refused() {
    let (home, other) = (Home::new(), Home::new());
    for home in [&home, &other] {
        let node = Node::start(home);
        let caller = Caller::new(node.data);
        caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1));
        node.drain();
    }
    let store = home.data().join("shuzha.db");
    let good = std::fs::read(&store).expect("there");
    std::fs::copy(other.data().join("shuzha.db"), &store).expect("copied");
    let mut node = Node::spawn(&home, &[]);
    let (status, log) = node.ended();
    assert_eq!(status.code(), Some(1), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("C1741") && line.contains("journal rebuild")), "{log:#?}");
    std::fs::write(&store, good).expect("written");
    let rebuilt = home.run(&["journal", "rebuild"]);
    assert!(rebuilt.status.success(), "{rebuilt:?}");
    let verified = home.run(&["journal", "verify"]);
    assert!(verified.status.success(), "{verified:?}");
    Node::start(&home).drain();
}
