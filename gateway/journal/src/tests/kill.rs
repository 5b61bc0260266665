//! A real process on a real file system, killed without warning: every record it had been told is durable is there.

use std::io::{BufRead, BufReader, Write, stdin};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;
use crate::read;

const ROUNDS: u64 = 5;

/// Acknowledged records after which the child is killed.
const ACKNOWLEDGED: usize = 40;

fn real_options(dir: PathBuf) -> Options {
    Options { dir, ..options() }
}

/// The child: appends to the journal in the directory named on its standard input, and prints each durable record.
#[test]
#[ignore = "a child process of the test below, which kills it"]
fn child_appends_until_it_is_killed() {
    let mut dir = String::new();
    stdin().read_line(&mut dir).expect("a directory");
    let journal = Journal::open(real_options(dir.trim_end().into()), clock()).expect("sound");
    for number in journal.durable_seq().. {
        journal.append(&entry(u64::MAX)).expect("serving");
        journal.append_durable(&entry(number)).expect("serving").wait().expect("durable");
        println!("durable {number}");
    }
}

#[test]
fn what_a_killed_process_was_promised_is_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut promised = Vec::new();
    for _ in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "--ignored", "--nocapture", "tests::kill::child_appends_until_it_is_killed"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        writeln!(child.stdin.take().expect("piped"), "{}", dir.path().display()).expect("listens");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let durable =
            |line: String| line.strip_prefix("durable ").and_then(|number| number.parse::<u64>().ok());
        promised.extend(lines.by_ref().filter_map(durable).take(ACKNOWLEDGED));
        child.kill().expect("kills");
        // The last line may have been cut off by the kill; a whole one is a promise.
        promised.extend(lines.filter_map(durable));
        child.wait().expect("ends");
    }
    let journal = Journal::open(real_options(dir.path().to_owned()), clock()).expect("recovers");
    journal.close();
    let mut found = std::collections::BTreeSet::new();
    for (index, record) in read(dir.path(), 1).expect("sound").enumerate() {
        let record = record.expect("sound");
        assert_eq!(record.position.seq, index as u64 + 1);
        found.extend(number(&record.entry().expect("known")));
    }
    assert!(promised.len() >= ACKNOWLEDGED * 5, "{} promised", promised.len());
    for number in promised {
        assert!(found.contains(&number), "{number} was promised and is lost");
    }
}
