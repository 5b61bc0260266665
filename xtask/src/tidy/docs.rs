//! Rules about documents: what they name exists, what they link exists, every page is linked, README's commands.

use std::collections::BTreeSet;

use super::Finding;
use crate::tree::Tree;

/// The commands that README shows, and no others.
const COMMANDS: [&str; 2] = ["./run demo", "./run test"];

/// Pages that readers reach without a link: the front pages of the repository.
const FRONT_PAGES: &[&str] = &["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];

/// Every rule of this file.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut linked: BTreeSet<String> = FRONT_PAGES.iter().map(|page| (*page).to_owned()).collect();
    for (path, text) in tree.ending(".md") {
        findings.extend(named_paths(tree, path, text));
        if path.starts_with("docs/") {
            findings.extend(mixed_lines(path, text));
        }
        for (line, target) in links(text) {
            let target = resolve(path, &target);
            if tree.has(&target) {
                linked.insert(target);
            } else {
                findings.push(Finding::at(path, line, format!("links {target}, which does not exist")));
            }
        }
    }
    for (path, _) in tree.ending(".md") {
        if path.starts_with("docs/") && !linked.contains(path) {
            findings.push(Finding::at(path, 0, "is linked from no other document"));
        }
    }
    findings.extend(commands(tree));
    findings.extend(threads(tree));
    findings.extend(glossary(tree));
    findings
}

/// Lines of prose in which English follows a Chinese sentence: languages stand in blocks of their own.
fn mixed_lines(path: &str, text: &str) -> Vec<Finding> {
    let english = |after: &str| {
        let mut letters = after.trim_start().chars();
        letters.next().is_some_and(|first| first.is_ascii_uppercase())
            && letters.next().is_some_and(|second| second.is_ascii_lowercase() || second == ' ')
    };
    prose(text)
        .filter(|(_, line)| !line.starts_with('|') && line.split('。').skip(1).any(english))
        .map(|(at, _)| {
            Finding::at(path, at, "has English behind Chinese in one line: give each its own paragraph")
        })
        .collect()
}

/// Where the words are.
const GLOSSARY: &str = "docs/glossary.md";

/// Every term of the glossary has its cells filled, and stands there once.
fn glossary(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (at, line) in tree.text(GLOSSARY).unwrap_or_default().lines().enumerate() {
        let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix('|')) else { continue };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if cells[0] == "term" {
            continue;
        }
        if cells.contains(&"") {
            findings.push(Finding::at(GLOSSARY, at + 1, format!("says too little of `{}`", cells[0])));
        }
        for term in cells[0].split(", ").filter(|term| !seen.insert(*term)) {
            findings.push(Finding::at(GLOSSARY, at + 1, format!("has `{term}` twice")));
        }
    }
    findings
}

/// What names a thread where it starts.
const NAMES_A_THREAD: [&str; 3] = ["thread::Builder::new().name(\"", "Worker::start(\"", "spawn(\"journal-"];

/// Every thread of the gateway stands in ARCHITECTURE.
fn threads(tree: &Tree) -> Vec<Finding> {
    let page = tree.text("ARCHITECTURE.md").unwrap_or_default();
    let mut findings = Vec::new();
    for (path, text) in
        tree.ending(".rs").filter(|(path, _)| path.contains("/src/") && !path.contains("/tests"))
    {
        for (at, line) in text.lines().enumerate() {
            let start =
                NAMES_A_THREAD.iter().find_map(|start| Some(line.find(start)? + start.find('"')? + 1));
            let Some(name) = start.and_then(|start| line[start..].split('"').next()) else { continue };
            if path.starts_with("gateway/") && !page.contains(&format!("`{name}`")) {
                let message = format!("starts the thread `{name}`, which ARCHITECTURE.md does not name");
                findings.push(Finding::at(path, at + 1, message));
            }
        }
    }
    findings
}

/// Paths in backticks that start at a folder of the repository.
fn named_paths(tree: &Tree, path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, prose) in prose(text) {
        for quoted in prose.split('`').skip(1).step_by(2) {
            for named in expand(quoted) {
                if looks_like_a_path(tree, &named) && !tree.has(&named) {
                    findings.push(Finding::at(path, line, format!("names `{named}`, which does not exist")));
                }
            }
        }
    }
    findings
}

fn looks_like_a_path(tree: &Tree, named: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let Some((first, rest)) = named.split_once('/') else { return false };
    !first.is_empty() && !rest.contains("//") && named.chars().all(plain) && tree.has(&format!("{first}/"))
}

/// `a/{b,c}.rs` stands for two paths.
fn expand(quoted: &str) -> Vec<String> {
    let braced = quoted.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?)));
    match braced {
        Some((head, (list, tail))) => list.split(',').map(|part| format!("{head}{part}{tail}")).collect(),
        None => vec![quoted.to_owned()],
    }
}

/// Targets of links to files of this repository, without their anchors.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    for (line, prose) in prose(text) {
        for after in prose.split("](").skip(1) {
            let Some((target, _)) = after.split_once(')') else { continue };
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains(':') {
                targets.push((line, target.to_owned()));
            }
        }
    }
    targets
}

/// Where a link in `page` leads, from the root.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Lines outside fenced blocks, numbered from one.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fence && !fenced).then_some((index + 1, line))
    })
}

/// README shows the two commands, each once, and no third.
fn commands(tree: &Tree) -> Vec<Finding> {
    let text = tree.text("README.md").unwrap_or_default();
    let mut shown: Vec<&str> = text.lines().map(command).filter(|line| line.starts_with("./run")).collect();
    shown.sort_unstable();
    if shown == COMMANDS {
        return Vec::new();
    }
    vec![Finding::at("README.md", 0, format!("shows the commands {shown:?}, not exactly {COMMANDS:?}"))]
}

/// A line of shell without its comment.
fn command(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str =
        "# x\n```sh\n./run demo   # try it\n./run test\n```\n[a](docs/a.md) and `gateway/{a,b}.rs`\n";
    const RIGHT: [(&str, &str); 4] = [
        ("README.md", README),
        ("docs/a.md", "up [r](../README.md#x)"),
        ("gateway/a.rs", ""),
        ("gateway/b.rs", ""),
    ];

    fn found(change: (&str, &str)) -> Vec<String> {
        let mut files = RIGHT.to_vec();
        files.retain(|(path, _)| *path != change.0);
        files.push(change);
        check(&Tree::of(&files)).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn right_documents_pass() {
        assert_eq!(
            found(("docs/a.md", "`GET /v1/x`, `application/json`, [w](https://example.org/x)")),
            [""; 0]
        );
        assert_eq!(found(("docs/a.md", "```\n`gateway/none.rs`\n```")), [""; 0]);
    }

    #[test]
    fn each_planted_fault_is_found() {
        let plants = [
            (("docs/a.md", "x\n`gateway/none.rs`"), "docs/a.md:2: names `gateway/none.rs`"),
            (("docs/a.md", "`gateway/{a,c}.rs`"), "docs/a.md:1: names `gateway/c.rs`"),
            (("docs/a.md", "[x](b.md)"), "docs/a.md:1: links docs/b.md"),
            (("docs/a.md", "一句。 A sentence."), "docs/a.md:1: has English behind Chinese"),
            (("docs/b.md", "alone"), "docs/b.md: is linked from no other"),
        ];
        for (change, expected) in plants {
            let findings = found(change);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].starts_with(expected), "{findings:?}");
        }
    }

    #[test]
    fn a_thread_that_architecture_does_not_name_is_found() {
        let starts = "//! x\nthread::Builder::new().name(\"meter\".into())\nWorker::start(\"mending\", x)";
        let found = |page: &str| {
            let files = [("ARCHITECTURE.md", page), ("gateway/a/src/x.rs", starts)];
            threads(&Tree::of(&files)).iter().map(Finding::to_string).collect::<Vec<_>>()
        };
        assert_eq!(found("`meter` and `mending`"), [""; 0]);
        let missing =
            "gateway/a/src/x.rs:3: starts the thread `mending`, which ARCHITECTURE.md does not name";
        assert_eq!(found("`meter`"), [missing]);
    }

    #[test]
    fn a_term_without_a_meaning_or_with_two_is_found() {
        let page = "| term | 中文 | meaning |\n|---|---|---|\n| grant | 授权 | a right |\n| stage | 阶段 | |\n| hold, grant | 预占 | x |\n";
        let findings = glossary(&Tree::of(&[(GLOSSARY, page)]));
        let shown: Vec<_> = findings.iter().map(Finding::to_string).collect();
        assert_eq!(
            shown,
            ["docs/glossary.md:4: says too little of `stage`", "docs/glossary.md:5: has `grant` twice"]
        );
    }

    #[test]
    fn a_third_command_or_a_missing_one_is_found() {
        for readme in [format!("{README}\n./run bench"), README.replace("./run test\n", "")] {
            assert!(found(("README.md", &readme))[0].starts_with("README.md: shows the commands"));
        }
    }
}
