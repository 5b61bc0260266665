//! `cargo xtask test`: everything that must hold before a change is merged, in one profile.
//!
//! Every step runs even when an earlier one failed, so that one run shows all there is to mend. The runner comes
//! last and the very last line counts tests.
//!
//! Lints and tests share one build. `cargo clippy` would check every dependency a second time, because what it makes
//! of them cannot be linked; so the lints are a build of all targets in which Clippy's driver compiles the workspace,
//! and the runner finds that build done. The driver compiles as rustc does, except that it leaves out the optimisation
//! of MIR.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::say::{complain, say};
use crate::step::{self, Counts, Outcome};
use crate::tidy;

/// How tests are run: what passes is not listed, and what failed is repeated at the end with all it printed.
const NEXTEST: [&str; 9] = [
    "nextest",
    "run",
    "--workspace",
    "--no-fail-fast",
    "--status-level=slow",
    "--final-status-level=fail",
    "--failure-output=immediate-final",
    "--show-progress=none",
    "--color=never",
];

/// All targets, benches too, built and not run.
const LINTS: [&str; 4] = ["test", "--workspace", "--all-targets", "--no-run"];

/// Makes Clippy's driver the compiler of the workspace's own crates, and every warning an error.
const WITH_LINTS: [(&str, &str); 2] = [
    ("RUSTC_WORKSPACE_WRAPPER", "clippy-driver"),
    ("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"),
];

/// Runs the steps; true when all of them passed.
///
/// # Errors
/// When a step's program cannot be started.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let cargo = |name, args: &[&str]| step::run(name, root, "cargo", args);
    let mut done = vec![cargo("format", &["fmt", "--all", "--check"])?, tidied(root)?];
    let lints = lints(root)?;
    // What a lint refused was not built: the tests then build it without lints.
    let built_with: &[_] = if lints.ok { &WITH_LINTS } else { &[] };
    done.push(lints);
    let plain = ["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"];
    let runner: &[&str] = match step::answers("cargo", &["nextest", "--version"]) {
        Some(_) => &NEXTEST,
        None => &plain,
    };
    done.push(step::run_with("tests", root, "cargo", runner, built_with)?);
    Ok(summary(&done))
}

/// # Errors
/// When cargo cannot be started.
fn lints(root: &Path) -> Result<Outcome> {
    if step::answers("clippy-driver", &["--version"]).is_none() {
        complain("clippy is not installed: rustup component add clippy");
        return Ok(Outcome { name: "lints", ok: false, took: Duration::ZERO, counts: Counts::default() });
    }
    step::run_with("lints", root, "cargo", &LINTS, &WITH_LINTS)
}

fn tidied(root: &Path) -> Result<Outcome> {
    say("── tidy");
    let (ok, took) = step::timed(|| tidy::run(root));
    Ok(Outcome { name: "tidy", ok: ok?, took, counts: Counts::default() })
}

/// Prints one line per step, then the tests. A run without a single passed test is not a pass.
fn summary(done: &[Outcome]) -> bool {
    for step in done {
        let verdict = if step.ok { "ok" } else { "FAILED" };
        say(&format!("{:<10} {verdict:<7} {:>7.1} s", step.name, step.took.as_secs_f64()));
    }
    let counts = done.iter().fold(Counts::default(), |sum, step| sum.and(step.counts));
    let steps_failed = done.iter().filter(|step| !step.ok).count();
    let ok = steps_failed == 0 && counts.failed == 0 && counts.passed > 0;
    if steps_failed > 0 {
        say(&format!("{steps_failed} of {} steps failed", done.len()));
    }
    say(&format!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped));
    ok
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(ok: bool, passed: u64, failed: u64) -> Outcome {
        let counts = Counts { passed, failed, skipped: 0 };
        Outcome { name: "planted", ok, took: Duration::ZERO, counts }
    }

    #[test]
    fn a_failed_step_a_failed_test_or_no_test_at_all_fails_the_run() {
        assert!(summary(&[step(true, 0, 0), step(true, 3, 0)]));
        assert!(!summary(&[step(false, 0, 0), step(true, 3, 0)]));
        assert!(!summary(&[step(true, 3, 1)]));
        assert!(!summary(&[step(true, 0, 0)]));
    }
}
