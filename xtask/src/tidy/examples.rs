//! Examples in documentation stand in ordinary tests, so that no run builds rustdoc's programs.
//!
//! For each crate whose examples may be run, rustdoc reads all of its source once more and links a program for each of
//! them. So every library says `doctest = false`, and an example that rustdoc would run belongs into a test.

use super::Finding;
use crate::tree::Tree;

/// What every library's manifest says.
const OFF: &str = "[lib]\ndoctest = false\n";

/// Looks at each library's manifest and at its documentation.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, _) in tree.ending("/src/lib.rs") {
        let folder = path.trim_end_matches("src/lib.rs");
        let manifest = format!("{folder}Cargo.toml");
        if !tree.text(&manifest).is_some_and(|text| text.contains(OFF)) {
            findings.push(Finding::at(&manifest, 0, "has a library: say `[lib] doctest = false`"));
        }
    }
    for (path, text) in tree.ending(".rs").filter(|(path, _)| path.contains("src/")) {
        if let Some(line) = example_in(text) {
            let reason = "is an example that nothing runs: make it a test, or name its language";
            findings.push(Finding::at(path, line, reason));
        }
    }
    findings
}

/// The line of the first example that rustdoc would run: a fence that names no other language and is not told apart.
fn example_in(text: &str) -> Option<usize> {
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let comment = line.strip_prefix("//!").or_else(|| line.strip_prefix("///"));
        let Some(word) = comment.and_then(|comment| comment.trim_start().strip_prefix("```")) else {
            continue;
        };
        if inside {
            inside = false;
            continue;
        }
        inside = true;
        let runs = |word: &str| matches!(word, "" | "rust" | "no_run" | "should_panic" | "compile_fail");
        if word.split(',').map(str::trim).all(runs) {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "//! A crate.\n//!\n//! ```text\n//! a drawing\n//! ```\n";

    fn found(manifest: &str, lib: &str, other: &str) -> Vec<Finding> {
        check(&Tree::of(&[("a/Cargo.toml", manifest), ("a/src/lib.rs", lib), ("a/src/b.rs", other)]))
    }

    #[test]
    fn a_library_runs_no_examples_and_has_none_to_run() {
        let on = "[package]\nname = \"a\"\n";
        let off = format!("{on}\n{OFF}");
        assert_eq!(found(&off, LIB, "/// ```json\n/// {}\n/// ```\n"), []);
        assert_eq!(found(on, LIB, "//! Nothing.\n").len(), 1, "rustdoc would look for examples in vain");
        let reason = "is an example that nothing runs: make it a test, or name its language";
        for example in ["//! ```\n//! assert!(true);\n//! ```\n", "/// ```rust,no_run\n/// x();\n/// ```\n"] {
            assert_eq!(found(&off, LIB, example), [Finding::at("a/src/b.rs", 1, reason)]);
        }
    }
}
