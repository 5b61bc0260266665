//! The one way out of this program.

/// Prints one line of result.
#[expect(clippy::print_stdout, reason = "a command-line program's output")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
