//! What a figure was measured on: without it, a figure says nothing.

use std::fs;
use std::process::Command;

/// Lines that describe machine, kernel, code and compiler.
pub(crate) fn describe() -> Vec<String> {
    vec![
        format!("machine   {}", processor()),
        format!("memory    {}", field("/proc/meminfo", "MemTotal").unwrap_or_else(unknown)),
        format!("kernel    {}", read("/proc/sys/kernel/osrelease").unwrap_or_else(unknown)),
        format!("load      {}", read("/proc/loadavg").unwrap_or_else(unknown)),
        format!("commit    {}", commit()),
        format!("compiler  {}", output("rustc", &["--version"]).unwrap_or_else(unknown)),
    ]
}

fn processor() -> String {
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(unknown);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores for this process")
}

/// The commit, and whether files differ from it.
fn commit() -> String {
    let Some(commit) = output("git", &["rev-parse", "--short=12", "HEAD"]) else { return unknown() };
    match output("git", &["status", "--porcelain", "--untracked-files=no"]) {
        Some(changes) if changes.is_empty() => commit,
        _ => format!("{commit} with changes"),
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn read(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path)?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn output(program: &str, args: &[&str]) -> Option<String> {
    // Asked in the sources' folder: the commit is theirs, wherever this program is started.
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
