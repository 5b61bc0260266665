//! Examples in documentation: they are run where there are some, and costs nothing where there are none.
//!
//! For each crate whose examples may be run, rustdoc reads all of its source once more, and cargo builds all that it depends on.
//! So a library without an example says `doctest = false`, and one that has an example must not.

use super::Finding;
use crate::tree::Tree;

/// What a library says that has no examples to run.
const OFF: &str = "[lib]\ndoctest = false\n";

/// Compares each library's manifest with its documentation.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let libraries =
        tree.ending("/src/lib.rs").map(|(path, _)| path.trim_end_matches("src/lib.rs").to_owned());
    let mut findings = Vec::new();
    for folder in libraries.collect::<Vec<_>>() {
        let manifest = format!("{folder}Cargo.toml");
        let off = tree.text(&manifest).is_some_and(|text| text.contains(OFF));
        let example = tree
            .ending(".rs")
            .filter(|(path, _)| path.starts_with(&format!("{folder}src/")))
            .find_map(|(path, text)| example_in(text).map(|line| (path.to_owned(), line)));
        match example {
            Some((path, line)) if off => {
                findings.push(Finding::at(
                    &path,
                    line,
                    format!("is an example that {manifest} keeps from being run"),
                ));
            }
            None if !off => {
                let reason = "has no example in its documentation: say `[lib] doctest = false`";
                findings.push(Finding::at(&manifest, 0, reason));
            }
            _ => {}
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
    const EXAMPLE: &str = "//! A crate.\n//!\n//! ```\n//! assert!(true);\n//! ```\n";

    fn found(manifest: &str, lib: &str, other: &str) -> Vec<Finding> {
        check(&Tree::of(&[("a/Cargo.toml", manifest), ("a/src/lib.rs", lib), ("a/src/b.rs", other)]))
    }

    #[test]
    fn an_example_is_run_and_a_crate_without_one_says_so() {
        let on = "[package]\nname = \"a\"\n";
        let off = format!("{on}\n{OFF}");
        assert_eq!(found(&off, LIB, "//! Nothing.\n"), []);
        assert_eq!(found(on, LIB, EXAMPLE), []);
        assert_eq!(found(on, EXAMPLE, ""), []);
        assert_eq!(found(on, LIB, "//! Nothing.\n").len(), 1, "rustdoc would look for examples in vain");
        assert_eq!(
            found(&off, LIB, EXAMPLE),
            [Finding::at("a/src/b.rs", 3, "is an example that a/Cargo.toml keeps from being run")]
        );
        assert_eq!(found(&off, LIB, "/// ```rust,no_run\n/// x();\n/// ```\n").len(), 1);
        assert_eq!(found(&off, LIB, "/// ```json\n/// {}\n/// ```\n"), []);
    }
}
