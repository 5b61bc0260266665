//! `shuzha demo --once --json`: the object it prints, and what its exit code says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program of the product services, built beside the one under test.
pub(crate) const SERVICES: &str = "shuzha-upstreams";

/// Fields of every call, as the documentation lists them.
const FIELDS: [&str; 14] = [
    "unit",
    "product",
    "kind",
    "operation",
    "scenario",
    "status",
    "outcome",
    "code",
    "fee_micro_yuan",
    "privacy_charge_nano",
    "latency_us",
    "receipt",
    "expected",
    "ok",
];

/// Makes sure that the product services' program is there: a run of this package alone does not build it.
pub(crate) fn build_services() {
    let shuzha = Path::new(env!("CARGO_BIN_EXE_shuzha"));
    if shuzha.with_file_name(SERVICES).exists() {
        return;
    }
    let folder = shuzha.parent().expect("a program is in a folder");
    let target = folder.parent().expect("profiles are folders of the target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "-p", SERVICES, "--target-dir"]).arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.status().expect("cargo starts");
    assert!(built.success(), "{SERVICES} cannot be built");
}

fn demo(program: &Path) -> Output {
    let data = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program);
    command.args(["demo", "--once", "--json", "--data-dir"]).arg(data.path());
    command.output().expect("it starts")
}

fn object(done: &Output) -> Value {
    serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("not one object: {error}: {done:?}"))
}

#[test]
fn every_kind_is_answered_and_every_stage_refuses() {
    build_services();
    let done = demo(Path::new(env!("CARGO_BIN_EXE_shuzha")));
    assert!(done.status.success(), "{done:?}");
    let shown = object(&done);
    let story = shown["story"].as_array().expect("a list of steps");
    assert!(story.len() >= 40, "{} steps", story.len());
    assert!(story.iter().all(|step| step["ok"] == true), "{story:#?}");
    let calls = shown["calls"].as_array().expect("a list of calls");
    assert!(calls.len() >= 20, "{} calls", calls.len());
    let (mut kinds, mut stages) = (BTreeSet::new(), BTreeSet::new());
    let (mut answered, mut fees) = (0, 0);
    for call in calls {
        for field in FIELDS {
            assert!(call.get(field).is_some(), "{field} is missing in {call}");
        }
        assert_eq!(call["ok"], true, "{call}");
        match call["code"].as_str() {
            Some(code) => stages.extend(code.strip_prefix('C').and_then(|digits| digits.chars().next())),
            None => {
                kinds.extend(call["kind"].as_str());
                answered += 1;
                assert!(call["receipt"].is_string(), "{call}");
                // A replay shows the fee of the call it repeats and is not charged.
                let charged = call["outcome"] != "replayed";
                fees += if charged { call["fee_micro_yuan"].as_i64().expect("a number") } else { 0 };
            }
        }
    }
    assert_eq!(kinds, BTreeSet::from(["interface", "model", "package", "report", "verification"]));
    // 0 is the journal's own code: stage 10 refuses when it cannot record.
    assert_eq!(stages, ('0'..='9').collect(), "every stage refuses once");
    let summary = &shown["summary"];
    assert_eq!(summary["calls"], calls.len());
    assert_eq!(summary["answered"], answered);
    assert_eq!(summary["refused"], calls.len() - answered);
    assert_eq!(summary["fee_micro_yuan"], fees);
    assert_eq!(summary["ok"], true);
}

/// The program in a folder of its own, with `services` in the place of the product services. Links, because a program
/// that was just written may still be open for writing in a process that another test is starting.
fn beside(folder: &Path, services: Option<&Path>) -> PathBuf {
    let program = folder.join("shuzha");
    std::fs::hard_link(env!("CARGO_BIN_EXE_shuzha"), &program).expect("the same file system");
    if let Some(services) = services {
        std::os::unix::fs::symlink(services, folder.join(SERVICES)).expect("linked");
    }
    program
}

/// A folder on the file system of the programs.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

#[test]
fn without_the_product_services_it_fails_and_says_what_to_do() {
    let folder = folder();
    let done = demo(&beside(folder.path(), None));
    assert_eq!(done.status.code(), Some(1));
    let errors = crate::home::text(&done.stderr);
    assert!(errors.contains("shuzha-upstreams is missing: `cargo build"), "{errors}");
}

#[test]
fn with_product_services_that_answer_nothing_it_shows_what_is_not_as_expected_and_fails() {
    let deaf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/demo/deaf-services.sh");
    let folder = folder();
    let done = demo(&beside(folder.path(), Some(&deaf)));
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let shown = object(&done);
    assert_eq!(shown["summary"]["ok"], false);
    let calls = shown["calls"].as_array().expect("a list of calls");
    let wrong: Vec<_> = calls.iter().filter(|call| call["ok"] == false).collect();
    assert!(wrong.iter().any(|call| call["code"] == "C801" && call["expected"] == "consistent"), "{shown}");
    assert!(
        calls.iter().any(|call| call["ok"] == true && call["code"] == "C101"),
        "refusals do not need a service"
    );
}
