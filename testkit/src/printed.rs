//! What a benchmark says: on which machine, of which commit, built and configured how; and beside each number its aim.

use std::ops::RangeInclusive;
use std::process::Command;

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let done = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    let text = String::from_utf8(done.stdout).ok().filter(|_| done.status.success())?;
    Some(text.trim().to_owned())
}

/// Machine, commit, build, and the configuration in words.
#[expect(clippy::print_stdout, reason = "a benchmark prints")]
pub fn heading(configuration: &str) {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown");
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let changed = output("git", &["status", "--porcelain"]).is_none_or(|changes| !changes.is_empty());
    println!("machine        {}, {cores} cores, load {load}", model.trim_start_matches([' ', '\t', ':']));
    println!("commit         {commit}{}", if changed { " with changes" } else { "" });
    println!("built          {}", if cfg!(debug_assertions) { "with debug assertions" } else { "optimised" });
    println!("configuration  {configuration}");
}

/// A number beside its aim: within which it should be, where anything is asked of it.
#[expect(clippy::print_stdout, reason = "a benchmark prints")]
pub fn number(what: &str, value: f64, unit: &str, aim: Option<RangeInclusive<f64>>) {
    let told = aim.map_or_else(String::new, |aim| {
        let (sign, bound) = if aim.end().is_infinite() { ('≥', aim.start()) } else { ('≤', aim.end()) };
        let met = if aim.contains(&value) { "met" } else { "missed" };
        format!("aim {sign} {bound} {unit}: {met}")
    });
    println!("{what:<56} {value:>12.3} {unit:<12} {told}");
}
