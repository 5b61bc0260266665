//! The report of a run: on which machine, of which code, when, how long, and what was found.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::table::Drill;
use crate::step;

/// The report's name in its folder.
pub(super) const FILE: &str = "report.md";

/// One drill that was carried out.
pub(super) struct Done {
    pub(super) drill: &'static Drill,
    pub(super) ok: bool,
    pub(super) took: Duration,
    pub(super) figures: Vec<String>,
}

/// A run so far.
pub(super) struct Report {
    head: Vec<(&'static str, String)>,
    pub(super) done: Vec<Done>,
}

impl Report {
    /// Of the code in `root`, from now on.
    pub(super) fn new(root: &Path, profile: &str) -> Self {
        let git = |args: &[&str]| {
            let output = Command::new("git").args(args).current_dir(root).output().ok()?;
            output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let commit = git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
        let changed = git(&["status", "--porcelain"]).is_none_or(|lines| !lines.is_empty());
        let told = |program: &str, args: &[&str]| {
            step::answers(program, args).map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned())
        };
        let head = vec![
            ("commit", if changed { format!("{commit}, with changes") } else { commit }),
            ("began", told("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"])),
            ("machine", machine()),
            ("kernel", told("uname", &["-sr"])),
            ("compiler", told("rustc", &["--version"])),
            ("profile", profile.to_owned()),
        ];
        Self { head, done: Vec::new() }
    }

    /// Writes the report anew: whole, or as it was.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let (file, new) = (folder.join(FILE), folder.join(format!("{FILE}.new")));
        std::fs::write(&new, self.text()).with_context(|| new.display().to_string())?;
        std::fs::rename(&new, &file).with_context(|| file.display().to_string())
    }

    fn text(&self) -> String {
        let mut text = String::from("# Drill\n\n");
        for (name, value) in &self.head {
            writeln!(text, "- {name}: {value}").expect("a string takes text");
        }
        text.push_str("\n| drill | what | promised | measured | seconds | |\n|---|---|---|---|---:|---|\n");
        for done in &self.done {
            let Drill { name, what, figure, .. } = done.drill;
            let measured = done.figures.join("; ").replace('|', "/");
            let (took, verdict) = (done.took.as_secs_f64(), if done.ok { "ok" } else { "FAILED" });
            writeln!(text, "| {name} | {what} | {figure} | {measured} | {took:.0} | {verdict} |")
                .expect("a string takes text");
        }
        text
    }
}

/// Processor and how many of it there are, where the system tells.
fn machine() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name.trim());
    let count = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{count} × {model}")
}

#[cfg(test)]
mod tests {
    use super::super::table::DRILLS;
    use super::*;

    #[test]
    fn a_report_says_what_failed_and_what_was_measured() {
        let mut report = Report::new(Path::new("."), "release");
        let figures = vec!["3 of 5 | more".to_owned()];
        report.done.push(Done { drill: &DRILLS[0], ok: false, took: Duration::from_secs(61), figures });
        let text = report.text();
        assert!(text.contains("- commit: ") && text.contains("- machine: "), "{text}");
        assert!(text.contains("| 3 of 5 / more | 61 | FAILED |"), "{text}");
    }
}
