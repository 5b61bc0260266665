//! `cargo xtask drill`: the tests at the sizes that were promised, which take too long for every change.
//!
//! `./run test` runs the same tests bounded. One drill runs after the other, in an optimised build; the report is written anew
//! after each, so that a run which is cut short has told what it found.

mod report;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::say::say;
use crate::step::{self, Counts};
use report::{Done, Report};
use table::{DRILLS, Drill};

/// Makes tests run at their full size.
const FULL: &str = "SHUZHA_FULL";
/// What follows this in a line of a test's output is kept as what was measured. The runner's own words may stand before it.
const FIGURE: &str = "figure: ";
/// How the tests are built: optimised, without the link-time optimisation that each of their programs would wait for.
const PROFILE: &str = "drill";
/// Where reports go unless a folder is given.
const FOLDER: &str = "target/drill";

struct Wanted {
    folder: PathBuf,
    profile: String,
    drills: Vec<&'static Drill>,
}

/// Runs the drills that are named, or all of them; true when all passed.
///
/// # Errors
/// For arguments that name no drill; when cargo cannot be started or the report cannot be written.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<bool> {
    if args.iter().any(|arg| arg == "--list") {
        for drill in DRILLS {
            say(&format!("{:<22} {}: {}", drill.name, drill.what, drill.figure));
        }
        return Ok(true);
    }
    let wanted = read(root, args)?;
    std::fs::create_dir_all(&wanted.folder).with_context(|| wanted.folder.display().to_string())?;
    let mut report = Report::new(root, &wanted.profile);
    let count = wanted.drills.len();
    for (at, drill) in wanted.drills.iter().enumerate() {
        say(&format!("[{}/{count}] {}: {} ({})", at + 1, drill.name, drill.what, drill.figure));
        let done = carry_out(root, &wanted, drill)?;
        let verdict = if done.ok { "ok" } else { "FAILED" };
        say(&format!("[{}/{count}] {} {verdict}, {:.0} s", at + 1, drill.name, done.took.as_secs_f64()));
        done.figures.iter().for_each(|figure| say(&format!("    {figure}")));
        report.done.push(done);
        report.write(&wanted.folder)?;
    }
    say(&format!("report: {}", wanted.folder.join(report::FILE).display()));
    Ok(report.done.iter().all(|done| done.ok))
}

fn read(root: &Path, args: &[String]) -> Result<Wanted> {
    let mut wanted = Wanted { folder: root.join(FOLDER), profile: PROFILE.to_owned(), drills: Vec::new() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--folder" => wanted.folder = root.join(args.next().context("--folder FOLDER")?),
            "--profile" => wanted.profile.clone_from(args.next().context("--profile NAME")?),
            name => match DRILLS.iter().find(|drill| drill.name == name) {
                Some(drill) => wanted.drills.push(drill),
                None => bail!("there is no drill `{name}`; `cargo xtask drill --list` names them"),
            },
        }
    }
    if wanted.drills.is_empty() {
        wanted.drills = DRILLS.iter().collect();
    }
    Ok(wanted)
}

/// What a drill's tests measured.
fn figures(told: &str) -> Vec<String> {
    told.lines().filter_map(|line| Some(line.split_once(FIGURE)?.1.to_owned())).collect()
}

/// Runs one drill with its output in a file of the report's folder.
fn carry_out(root: &Path, wanted: &Wanted, drill: &'static Drill) -> Result<Done> {
    let log = wanted.folder.join(format!("{}.log", drill.name));
    let file = std::fs::File::create(&log).with_context(|| log.display().to_string())?;
    let mut command = Command::new("cargo");
    command
        .args(drill.arguments(&wanted.profile))
        .current_dir(root)
        .env(FULL, "1")
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file);
    let (status, took) = step::timed(|| command.status());
    let status = status.context("cargo cannot be started")?;
    let told = std::fs::read(&log).with_context(|| log.display().to_string())?;
    let told = String::from_utf8_lossy(&told);
    let counts = told.lines().fold(Counts::default(), Counts::read);
    let figures = figures(&told);
    // A name that no test has would pass by running nothing.
    let ok = status.success() && counts.failed == 0 && counts.passed >= drill.tests.len() as u64;
    Ok(Done { drill, ok, took, figures })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_behind_the_runners_words() {
        let told = "running 2 tests\ntest grids ... figure: 0 alarms\nfigure: 3 calls\nok\n";
        assert_eq!(figures(told), ["0 alarms", "3 calls"]);
    }

    #[test]
    fn a_drill_that_nobody_knows_is_refused_before_anything_runs() {
        let args = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let wanted = read(Path::new("/there"), &args(&["grids", "--folder", "kept"])).expect("known");
        assert_eq!((wanted.drills.len(), wanted.folder.as_path()), (1, Path::new("/there/kept")));
        assert_eq!(read(Path::new("/there"), &[]).expect("all").drills.len(), DRILLS.len());
        for wrong in [&["no-such-drill"][..], &["--folder"], &["--profile"]] {
            assert!(read(Path::new("/there"), &args(wrong)).is_err(), "{wrong:?}");
        }
    }
}
