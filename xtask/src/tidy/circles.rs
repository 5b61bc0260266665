//! No circle of files inside a crate: who names `crate::a` knows `a`, and `a` does not know them back.
//!
//! An arrow goes from a file to the file of the longest module path that a `crate::…` path in it begins with. A file
//! and the files of its own submodules are one thing that is spread over several files, so arrows between those are
//! left out. Circles from before the rule are listed in `xtask/arch.toml`, and the list may only shrink.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Finding;
use super::edges::ARCH_FILE;
use crate::tree::Tree;

/// Files that know each other, and may until somebody parts them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Circle {
    /// Their paths from the root.
    files: BTreeSet<String>,
}

/// Arrows between the files of one crate.
type Arrows<'t> = BTreeMap<&'t str, BTreeSet<&'t str>>;

/// Compares the circles of the tree with those that are listed.
pub(crate) fn check(tree: &Tree, listed: &[Circle]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for circle in circles(tree) {
        let fits = |known: &&Circle| circle.iter().all(|file| known.files.contains(*file));
        if listed.iter().any(|known| fits(&known)) {
            seen.extend(circle);
        } else {
            let files = circle.into_iter().collect::<Vec<_>>();
            let message = format!("is in a circle of files that know each other: {}", files.join(", "));
            findings.push(Finding::at(files[0], 0, message));
        }
    }
    for file in listed.iter().flat_map(|circle| &circle.files).filter(|file| !seen.contains(file.as_str())) {
        let message = format!("lists {file} under [[circle]], which is in none any more: remove it");
        findings.push(Finding::at(ARCH_FILE, 0, message));
    }
    findings
}

/// Every circle, as its files.
pub(crate) fn circles(tree: &Tree) -> Vec<BTreeSet<&str>> {
    let roots = tree.texts().filter_map(|(path, _)| {
        path.strip_suffix("src/lib.rs")
            .or_else(|| path.strip_suffix("src/main.rs"))
            .map(|folder| format!("{folder}src/"))
    });
    let roots: BTreeSet<String> = roots.collect();
    roots.iter().flat_map(|root| strong(&arrows(tree, root))).collect()
}

fn arrows<'t>(tree: &'t Tree, root: &str) -> Arrows<'t> {
    let files: BTreeMap<String, (&str, &str)> = tree
        .ending(".rs")
        .filter_map(|(path, text)| Some((module(path.strip_prefix(root)?)?, (path, text))))
        .collect();
    let mut arrows = Arrows::new();
    for (from, (path, text)) in &files {
        for named in paths(text) {
            let mut named = named.as_str();
            while !files.contains_key(named) {
                named = named.rsplit_once("::").map_or("", |(parent, _)| parent);
                if named.is_empty() {
                    break;
                }
            }
            let inside = |a: &str, b: &str| {
                a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            if let Some((to, _)) = files.get(named)
                && !named.is_empty()
                && !inside(from, named)
                && !inside(named, from)
            {
                arrows.entry(*path).or_default().insert(*to);
            }
        }
    }
    arrows
}

/// `a/b.rs` is `a::b`; roots, programs and tests are nobody's module.
fn module(path: &str) -> Option<String> {
    let name = path.strip_suffix(".rs")?;
    let apart = ["lib", "main", "tests"].contains(&name) || path.starts_with("bin/");
    (!apart && !path.contains("/tests/") && !path.ends_with("/tests.rs")).then(|| name.replace('/', "::"))
}

/// Module paths after `crate::` in the code of a file, before its tests; a braced list is taken apart.
fn paths(text: &str) -> Vec<String> {
    let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    let code: Vec<&str> = code.map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join(" ");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let free =
            code[..at].chars().next_back().is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == '$'));
        if free {
            expand(&code[at + "crate::".len()..], "", &mut found);
        }
    }
    found
}

/// Reads `a::{b, c::D}` into `a::b` and `a::c::D`; returns what follows.
fn expand<'c>(mut rest: &'c str, before: &str, found: &mut Vec<String>) -> &'c str {
    let mut path = before.to_owned();
    loop {
        let word = rest.len() - rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').len();
        if !path.is_empty() && word > 0 {
            path.push_str("::");
        }
        path.push_str(&rest[..word]);
        rest = &rest[word..];
        match rest.strip_prefix("::") {
            Some(next) => rest = next,
            None => break,
        }
    }
    let Some(mut list) = rest.strip_prefix('{') else {
        found.push(path);
        return rest;
    };
    loop {
        list = expand(list.trim_start(), &path, found).trim_start();
        // What is not a comma (the end, `as name`, `*`) ends this item.
        match list.find([',', '}']) {
            Some(at) if list[at..].starts_with(',') => list = list[at + 1..].trim_start(),
            Some(at) => return &list[at + 1..],
            None => return "",
        }
    }
}

/// Sets of more than one file that each reach all others of the set.
fn strong<'t>(arrows: &Arrows<'t>) -> Vec<BTreeSet<&'t str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|from| (*from, reached(arrows, from))).collect();
    let mut found: Vec<BTreeSet<&str>> = Vec::new();
    for (from, to) in &reach {
        let back = |to: &&&'t str| reach.get(**to).is_some_and(|reached| reached.contains(from));
        let circle: BTreeSet<&str> = to.iter().filter(back).copied().collect();
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

fn reached<'t>(arrows: &Arrows<'t>, from: &str) -> BTreeSet<&'t str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&'t str> = arrows.get(from).into_iter().flatten().copied().collect();
    while let Some(next) = open.pop() {
        if seen.insert(next) {
            open.extend(arrows.get(next).into_iter().flatten());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)], listed: &str) -> Vec<String> {
        #[derive(Deserialize)]
        struct Listed {
            #[serde(default)]
            circle: Vec<Circle>,
        }
        let listed: Listed = toml::from_str(listed).expect("it parses");
        let mut all = vec![("x/src/lib.rs", "//! x")];
        all.extend(files);
        check(&Tree::of(&all), &listed.circle).iter().map(Finding::to_string).collect()
    }

    const CIRCLE: [(&str, &str); 3] = [
        ("x/src/a.rs", "use crate::{b::{B, inner::C}, z};"),
        ("x/src/b.rs", "fn f() -> crate::c::D {}"),
        ("x/src/c.rs", "use crate::a;"),
    ];

    #[test]
    fn a_circle_is_found_wherever_its_paths_stand() {
        let findings = found(&CIRCLE, "");
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].ends_with("x/src/a.rs, x/src/b.rs, x/src/c.rs"), "{findings:?}");
    }

    #[test]
    fn comments_tests_and_a_modules_own_files_make_no_circle() {
        let tested = "//! [`crate::a`]\nuse std::crate_a::x;\n#[cfg(test)]\nmod tests { use crate::a; }\n";
        let mut files = CIRCLE;
        files[2].1 = tested;
        assert_eq!(found(&files, ""), [""; 0]);
        let own = [("x/src/a.rs", "use crate::a::b::B;"), ("x/src/a/b.rs", "use crate::a::A;")];
        assert_eq!(found(&own, ""), [""; 0]);
    }

    #[test]
    fn a_listed_circle_passes_and_may_only_shrink() {
        let listed = "[[circle]]\nfiles = ['x/src/a.rs', 'x/src/b.rs', 'x/src/c.rs']\n";
        assert_eq!(found(&CIRCLE, listed), [""; 0]);
        let grown =
            listed.replace("]\n", ", 'x/src/d.rs']\n").replace("[[circle], 'x/src/d.rs']", "[[circle]]");
        assert!(found(&CIRCLE, &grown)[0].contains("x/src/d.rs under [[circle]]"));
        let mut parted = CIRCLE;
        parted[2].1 = "";
        assert_eq!(found(&parted, listed).len(), 3);
        assert_eq!(found(&CIRCLE, &listed.replace(", 'x/src/c.rs'", "")).len(), 3);
    }
}
