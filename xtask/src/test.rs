//! `cargo xtask test`: everything that must hold before a change is merged, in one profile.
//!
//! Every step runs even when an earlier one failed, so that one run shows all there is to mend. The runner comes
//! last and the very last line counts tests.

use std::path::Path;

use anyhow::Result;

use crate::say::say;
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

/// Runs the steps; true when all of them passed.
///
/// # Errors
/// When a step's program cannot be started.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let cargo = |name, args: &[&str]| step::run(name, root, "cargo", args);
    let mut done = vec![
        cargo("format", &["fmt", "--all", "--check"])?,
        tidied(root)?,
        cargo("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?,
        cargo("doc tests", &["test", "--workspace", "--doc", "--no-fail-fast"])?,
    ];
    done.push(match step::answers("cargo", &["nextest", "--version"]) {
        Some(_) => cargo("tests", &NEXTEST)?,
        None => cargo("tests", &["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])?,
    });
    Ok(summary(&done))
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
    use std::time::Duration;

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
