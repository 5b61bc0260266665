//! One child process: named, timed, its output passed on as it comes and, where asked, read for test counts.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::say::{complain, say};

/// How a step ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What it was called.
    pub(crate) name: &'static str,
    /// Whether its exit status was zero.
    pub(crate) ok: bool,
    /// Wall time.
    pub(crate) took: Duration,
    /// Tests it ran, if it was a test runner.
    pub(crate) counts: Counts,
}

/// Tests that a runner reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed.
    pub(crate) failed: u64,
    /// Not run: ignored or filtered by the runner's own rules.
    pub(crate) skipped: u64,
}

impl Counts {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// Reads one line of output; only the summary lines of cargo's and nextest's runners count.
    pub(crate) fn read(self, line: &str) -> Self {
        // An indented result is one that nextest shows of a failed test; its own summary counts that test.
        if !(line.starts_with("test result:") || line.trim_start().starts_with("Summary [")) {
            return self;
        }
        let before = |word: &str| -> u64 {
            let words: Vec<&str> = line.split([' ', ',', ';', '(', ')']).filter(|w| !w.is_empty()).collect();
            let at = words.iter().position(|w| *w == word);
            at.and_then(|at| words.get(at.checked_sub(1)?)?.parse().ok()).unwrap_or(0)
        };
        self.and(Self {
            passed: before("passed"),
            failed: before("failed") + before("timed"),
            skipped: before("ignored") + before("skipped"),
        })
    }
}

/// Runs `f` and says how long it took.
#[expect(
    clippy::disallowed_methods,
    reason = "times of developer tasks, shown to a person and never compared"
)]
pub(crate) fn timed<T>(f: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = f();
    (value, start.elapsed())
}

/// Runs a program in `root` with its output passed on.
///
/// # Errors
/// When the program cannot be started or waited for; a non-zero exit is an outcome.
pub(crate) fn run(name: &'static str, root: &Path, program: &str, args: &[&str]) -> Result<Outcome> {
    run_with(name, root, program, args, &[])
}

/// Like [`run`], with variables added to the program's environment.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_with(
    name: &'static str,
    root: &Path,
    program: &str,
    args: &[&str],
    variables: &[(&str, &str)],
) -> Result<Outcome> {
    say(&format!("── {name}: {program} {}", args.join(" ")));
    let (result, took) = timed(|| pass_on(root, program, args, variables));
    let (ok, counts) = result.with_context(|| format!("running {program} for the step {name}"))?;
    Ok(Outcome { name, ok, took, counts })
}

fn pass_on(root: &Path, program: &str, args: &[&str], variables: &[(&str, &str)]) -> Result<(bool, Counts)> {
    let mut child = Command::new(program)
        .args(args)
        .current_dir(root)
        .envs(variables.iter().copied())
        // A failed test's message is its last line then, wherever this runs, and not the stack that follows it.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let out = child.stdout.take().expect("stdout was piped above");
    let err = child.stderr.take().expect("stderr was piped above");
    let reader = thread::spawn(move || copy(out, say));
    let counts = copy(err, complain);
    let counts = counts.and(reader.join().expect("the copying thread only reads and prints"));
    Ok((child.wait()?.success(), counts))
}

fn copy(from: impl Read, line_to: fn(&str)) -> Counts {
    let mut counts = Counts::default();
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        let text = String::from_utf8_lossy(&line);
        line_to(text.trim_end());
        counts = counts.read(&text);
        line.clear();
    }
    counts
}

/// Whether a program answers to `args`, quietly.
pub(crate) fn answers(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_from_summary_lines_only() {
        let lines = [
            "test result: ok. 5 passed; 1 failed; 2 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "     Summary [   0.52s] 12 tests run: 10 passed (1 slow), 2 failed, 3 skipped",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
            "this line says 99 passed, 99 failed",
        ];
        let counts = lines.iter().fold(Counts::default(), |counts, line| counts.read(line));
        assert_eq!(counts, Counts { passed: 15, failed: 3, skipped: 5 });
    }

    #[test]
    fn a_failing_child_is_an_outcome_and_a_missing_program_an_error() {
        let here = Path::new(".");
        assert!(!run("false", here, "false", &[]).expect("false starts").ok);
        assert!(run("none", here, "no-such-program-here", &[]).is_err());
    }
}
