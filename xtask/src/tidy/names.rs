//! One public type name, one meaning: no name is declared by two files of the gateway's crates.
//!
//! Names from before the rule are listed with their number in `xtask/tidy.toml`, and the list may only shrink.

use std::collections::BTreeMap;

use super::{Finding, RULES_FILE};
use crate::tree::Tree;

/// What declares a type.
const WORDS: [&str; 5] = ["struct", "enum", "trait", "type", "union"];

/// Folders whose names nobody else sees; and the documents of the control API, each of which has the name of what it shows.
const APART: [&str; 5] = ["xtask/", "fuzz/", "load-tests/", "testkit/", "gateway/schema/"];

/// Compares names that several files declare with those that are listed.
pub(crate) fn check(tree: &Tree, listed: &BTreeMap<String, usize>) -> Vec<Finding> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, text) in tree.ending(".rs").filter(|(path, _)| is_ours(path)) {
        for name in declared(text) {
            places.entry(name).or_default().push(path);
        }
    }
    let mut findings = Vec::new();
    for (name, places) in places.iter().filter(|(_, places)| places.len() > 1) {
        let permitted = listed.get(*name).copied().unwrap_or(1);
        if places.len() > permitted {
            let message =
                format!("declares `{name}`, which is another type elsewhere: {}", places.join(", "));
            findings.push(Finding::at(places[0], 0, message));
        }
    }
    for (name, permitted) in listed {
        let now = places.get(name.as_str()).map_or(0, Vec::len);
        if now < *permitted {
            let instead = if now > 1 { format!("write {now}") } else { "remove it".to_owned() };
            let message = format!("lists `{name}` as declared {permitted} times, and it is {now}: {instead}");
            findings.push(Finding::at(RULES_FILE, 0, message));
        }
    }
    findings
}

fn is_ours(path: &str) -> bool {
    let is_test = path.contains("/tests/") || path.contains("/benches/") || path.ends_with("/tests.rs");
    !is_test && !APART.iter().any(|folder| path.starts_with(folder))
}

/// Types that a file declares as `pub`, outside of inner modules and before its tests.
fn declared(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| *line != "#[cfg(test)]").filter_map(|line| {
        let (word, rest) = line.strip_prefix("pub ")?.split_once(' ')?;
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        WORDS.contains(&word).then_some(&rest[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)], listed: &[(&str, usize)]) -> Vec<String> {
        let listed = listed.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        check(&Tree::of(files), &listed).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_name_of_two_meanings_is_found_and_the_list_may_only_shrink() {
        let files = [
            ("a/src/x.rs", "//! x\npub struct Kind<'a>(&'a str);\npub(crate) struct Own;\n"),
            ("a/src/y.rs", "//! y\npub enum Kind {}\npub struct Own;\n"),
            ("a/tests/z.rs", "//! z\npub type Kind = u8;\n"),
            ("xtask/src/z.rs", "//! z\npub trait Kind {}\n"),
        ];
        assert_eq!(
            found(&files, &[]),
            ["a/src/x.rs: declares `Kind`, which is another type elsewhere: a/src/x.rs, a/src/y.rs"]
        );
        assert_eq!(found(&files, &[("Kind", 2)]), [""; 0]);
        assert!(found(&files, &[("Kind", 3)])[0].ends_with("it is 2: write 2"));
        assert!(found(&files, &[("Kind", 2), ("Own", 2)])[0].ends_with("it is 1: remove it"));
    }
}
