//! H2: what a process says when a call panics, as its operator finds it. The child is this test's own program, so that its
//! output is a process's, whole.

use std::process::Command;

use tracing::Level;

use super::*;

/// A person who does not exist.
const PERSON: (&str, &str) = ("690113200205284265", "杜秀红");

/// Panics with the person in hand, in the ways in which programs do, each on a thread of its own as calls are.
fn panic_in_calls() {
    type Bug = fn(&str);
    let bugs: [Bug; 5] = [
        |body| panic!("cannot handle {body}"),
        |body| body.parse::<u64>().map(drop).map_err(|_| body.to_owned()).expect("a good body"),
        |body| drop(std::hint::black_box(&body[..body.len() - 1]).to_owned()),
        |body| assert_eq!(body, "", "a body"),
        // In another package, as a library's own bug would be.
        |body| drop(bytes::Bytes::from(body.to_owned()).split_to(body.len() + 1)),
    ];
    for bug in bugs {
        let body = format!("{}{}", PERSON.0, PERSON.1);
        let call =
            std::thread::Builder::new().name("call".into()).spawn(move || bug(&body)).expect("a thread");
        assert!(call.join().is_err(), "it panicked");
    }
    let literal = std::thread::Builder::new().name("call".into()).spawn(|| panic!("words of the program"));
    assert!(literal.expect("a thread").join().is_err());
}

#[test]
#[ignore = "the child of another test"]
fn child_that_logs() {
    start(Level::TRACE, LogFormat::Json);
    panic_in_calls();
}

#[test]
#[ignore = "the child of another test"]
fn child_that_does_not() {
    panic_in_calls();
}

/// All that the child wrote.
fn said_by(child: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let name = format!("logging::tests::{child}");
    let done =
        Command::new(program).args(["--exact", &name, "--ignored", "--nocapture"]).output().expect("it runs");
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8(said).expect("UTF-8");
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
    said
}

#[test]
fn h2_a_panic_in_a_call_says_where_and_not_about_whom() {
    let said = said_by("child_that_logs");
    let lines: Vec<serde_json::Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let panics: Vec<_> =
        lines.iter().filter(|line| line["message"] == "a bug: a thread has panicked").collect();
    assert_eq!(panics.len(), 6, "{said}");
    for panic in &panics {
        let place = panic["place"].as_str().expect("a place");
        assert!(!place.starts_with('/'), "no folder of the machine it was built on: {place}");
        assert!(place.contains(".rs:") && panic["thread"] == "call" && panic["level"] == "ERROR", "{panic}");
    }
    assert_eq!(panics[5]["what"], "words of the program");
    assert!(!said.contains(PERSON.0) && !said.contains(PERSON.1), "{said}");
    // The test can fail: without the log's own words for a panic, the person is in each of them.
    let leaked = said_by("child_that_does_not");
    assert!(leaked.matches(PERSON.0).count() >= 4 && leaked.contains(PERSON.1), "{leaked}");
}

#[test]
fn h2_where_a_panic_was_names_no_folder_of_the_machine_it_was_built_on() {
    for (file, said) in [
        (
            "/builds/a b/.cargo/registry/src/index.crates.io-1949/bytes-1.10.1/src/bytes.rs",
            "bytes-1.10.1/src/bytes.rs",
        ),
        ("/builds/a/.cargo/git/checkouts/pingora-5f/0ab1/pingora-core/src/lib.rs", "pingora-core/src/lib.rs"),
        ("/rustc/0123456789abcdef/library/core/src/option.rs", "library/core/src/option.rs"),
        (
            "/builds/a/.rustup/toolchains/x/lib/rustlib/src/rust/library/std/src/sync.rs",
            "library/std/src/sync.rs",
        ),
        ("gateway/policy/src/gate.rs", "gateway/policy/src/gate.rs"),
        ("/builds/a/shuzha/gateway/policy/src/gate.rs", "gate.rs"),
        ("/builds/a/target/build/out/made.rs", "made.rs"),
        (r"C:\Users\a\made.rs", "made.rs"),
        ("/registry/src/", ""),
        ("", ""),
    ] {
        assert_eq!(source(file), said, "{file}");
    }
}
