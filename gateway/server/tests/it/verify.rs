//! `shuzha journal verify|inspect`, and what a node does with files that do not belong together.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde_json::Value;

use crate::caller::{Ask, Caller};
use crate::home::{COMPANY, Home, text};
use crate::node::Node;

/// A node that answered `calls` and ended in order.
fn answered(calls: usize) -> Home {
    let home = Home::new();
    serve(&home, calls);
    home
}

fn serve(home: &Home, calls: usize) {
    let node = Node::start(home);
    let caller = Caller::new(node.data);
    for _ in 0..calls {
        let answer = caller.call(&home.credential("bank-1"), &Ask::company("bank-scenario", COMPANY.1));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let (status, log) = node.drain();
    assert!(status.success(), "{log:#?}");
}

#[test]
fn a_sound_journal_is_told_in_words_and_in_json() {
    let home = answered(3);
    let said = home.run(&["journal", "verify"]);
    assert!(said.status.success(), "{said:?}");
    let said = text(&said.stdout);
    // A boot, the four secrets that were made, and for each call its intent and its record.
    assert!(said.contains("The journal is whole.") && said.contains("records 1.1 to 1.11"), "{said}");
    assert!(said.contains("The store agrees with the journal up to record 1.11."), "{said}");

    let told = home.run(&["journal", "verify", "--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).expect("one object");
    assert_eq!(
        (&told["whole"], &told["records"], &told["kinds"]["call"]),
        (&true.into(), &11.into(), &3.into())
    );
    assert_eq!(told["projection"]["agrees"], true);
    assert_eq!(told["projection"]["reached"], "1.11");

    let lines = home.run(&["journal", "inspect", "--from", "6", "--limit", "2"]);
    let lines: Vec<Value> = text(&lines.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["kind"], &lines[1]["kind"]), (&"intent".into(), &"call".into()));
    assert_eq!((&lines[1]["position"], &lines[1]["amount_micro_yuan"]), (&"1.7".into(), &300_000.into()));
}

#[test]
fn a_flipped_byte_is_named_by_file_and_offset_and_nothing_starts_on_it() {
    let home = answered(3);
    let segment = home.journal().join("00000000000000000001.journal");
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&segment).expect("the first segment");
    // In the payload of the boot record, the first frame after a header of 64 bytes.
    let mut byte = [0];
    file.read_exact_at(&mut byte, 64 + 24 + 3).expect("there");
    file.write_all_at(&[byte[0] ^ 1], 64 + 24 + 3).expect("written");
    let damaged = std::fs::read(&segment).expect("there");

    let said = home.run(&["journal", "verify"]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let errors = text(&said.stderr);
    assert!(errors.contains("00000000000000000001.journal is damaged at offset 64"), "{errors}");
    let told = home.run(&["journal", "verify", "--json"]);
    assert_eq!(told.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&told.stdout).expect("one object");
    assert_eq!(told["whole"], false);
    assert!(told["error"].as_str().is_some_and(|error| error.contains("offset 64")), "{told}");

    let mut node = Node::spawn(&home, &[]);
    let (status, log) = node.ended();
    assert_eq!(status.code(), Some(1), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("damaged at offset 64")), "{log:#?}");
    assert_eq!(std::fs::read(&segment).expect("there"), damaged, "nothing is mended silently");
}

/// Puts the files of `from` whose names begin with `name` in the place of those of `to`.
fn replace(from: &Path, to: &Path, name: &str) {
    let inside = |folder: &Path| {
        let entries =
            std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        entries
            .filter(|path| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name)))
            .collect::<Vec<_>>()
    };
    for path in inside(to) {
        std::fs::remove_file(path).expect("removed");
    }
    let found = inside(from);
    assert!(!found.is_empty(), "{name} is in {}", from.display());
    for path in found {
        std::fs::copy(&path, to.join(path.file_name().expect("a file"))).expect("copied");
    }
}

#[test]
fn a_store_that_is_not_what_the_journal_adds_up_to_is_told() {
    let (home, other) = (answered(3), answered(3));
    replace(&other.data(), &home.data(), "shuzha.db");
    let said = home.run(&["journal", "verify"]);
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    let lines = text(&said.stdout);
    assert!(lines.contains("The journal is whole.") && lines.contains("The store differs"), "{lines}");
    assert!(lines.contains("nonce_batches"), "it names the tables: {lines}");
    let told = home.run(&["journal", "verify", "--json"]);
    assert_eq!(told.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&told.stdout).expect("one object");
    assert_eq!((&told["whole"], &told["projection"]["agrees"]), (&true.into(), &false.into()));
    assert!(told["projection"]["differences"]["nonce_batches"].as_u64() > Some(0), "{told}");
}

#[test]
fn a_journal_older_than_the_store_is_refused_again_and_again() {
    let home = answered(2);
    let older = tempfile::tempdir().expect("a folder");
    replace(&home.journal(), older.path(), "0000");
    serve(&home, 4);
    replace(older.path(), &home.journal(), "0000");
    // Ten times, because every try begins a new epoch in the journal and so comes closer to the store's position.
    for attempt in 0..10 {
        let mut node = Node::spawn(&home, &[]);
        let (status, log) = node.ended();
        assert_eq!(status.code(), Some(1), "attempt {attempt}: {log:#?}");
        let told = if attempt == 0 { "the store has counted records up to 18" } else { "not serving" };
        assert!(log.iter().any(|line| line.contains(told)), "attempt {attempt}: {log:#?}");
    }
}
