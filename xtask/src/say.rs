//! The two ways out of this program: findings and results to standard output, complaints to standard error.

/// Prints one line of result.
#[expect(clippy::print_stdout, reason = "a command-line program's output")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Prints one line of complaint.
#[expect(clippy::print_stderr, reason = "a command-line program's errors")]
pub(crate) fn complain(line: &str) {
    eprintln!("{line}");
}
