//! Rules about refusal codes: each has its page in `docs/errors/`, each page its code, and the index is current.

use shuzha_core::Code;

use super::Finding;
use crate::codes;
use crate::tree::Tree;

/// Where the pages are.
const FOLDER: &str = "docs/errors/";

/// Headings and facts that a page must hold, in this order.
const PARTS: &[&str] = &["## 原因 · Cause", "## 怎么办 · What to do", "## 扣费与消耗 · Charged or spent"];

/// Pairs codes and pages.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for &code in Code::ALL {
        let path = format!("{FOLDER}{code}.md");
        match tree.text(&path) {
            None => findings.push(Finding::at(&path, 0, "is missing: every code has a page")),
            Some(text) => findings.extend(page(code, &path, text)),
        }
    }
    for (path, _) in tree.ending(".md") {
        let Some(name) = path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".md")) else {
            continue;
        };
        if name != "README" && name.parse::<Code>().is_err() {
            findings.push(Finding::at(path, 0, "explains a code that does not exist"));
        }
    }
    if tree.text(codes::INDEX_FILE) != Some(codes::index().as_str()) {
        findings.push(Finding::at(codes::INDEX_FILE, 0, "is not current: run `cargo xtask codes`"));
    }
    findings
}

fn page(code: Code, path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let title = codes::title(code);
    if text.lines().next() != Some(title.as_str()) {
        findings.push(Finding::at(path, 1, format!("its first line must be `{title}`")));
    }
    let facts = codes::facts(code);
    if !text.contains(&facts) {
        findings.push(Finding::at(path, 3, format!("must state `{facts}`")));
    }
    let places: Vec<Option<usize>> = PARTS.iter().map(|part| text.find(part)).collect();
    if places.contains(&None) || !places.is_sorted() {
        findings.push(Finding::at(path, 0, format!("must hold, in order, {}", PARTS.join(", "))));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree in which everything is right, as file name and text.
    fn right() -> Vec<(String, String)> {
        let pages = Code::ALL.iter().map(|&code| {
            let text = format!("{}\n\n{}\n\n{}\n", codes::title(code), codes::facts(code), PARTS.join("\n"));
            (format!("{FOLDER}{code}.md"), text)
        });
        pages.chain([(codes::INDEX_FILE.to_owned(), codes::index())]).collect()
    }

    fn found(files: &[(String, String)]) -> Vec<String> {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        check(&Tree::of(&files)).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_full_set_passes() {
        assert_eq!(found(&right()), [""; 0]);
    }

    #[test]
    fn each_planted_fault_is_found() {
        type Plant = fn(&mut Vec<(String, String)>);
        let faults: [(Plant, &str); 6] = [
            (|files| drop(files.remove(0)), "docs/errors/C001.md: is missing"),
            (|files| files.push((format!("{FOLDER}C999.md"), String::new())), "C999.md: explains a code"),
            (|files| files[0].1.insert(0, 'x'), "C001.md:1: its first line"),
            (|files| files[0].1 = files[0].1.replace("400", "401"), "C001.md:3: must state"),
            (|files| files[0].1 = files[0].1.replace(PARTS[1], ""), "C001.md: must hold, in order"),
            (|files| files.last_mut().expect("not empty").1.push('x'), "README.md: is not current"),
        ];
        for (plant, expected) in faults {
            let mut files = right();
            plant(&mut files);
            let findings = found(&files);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].contains(expected), "{findings:?}");
        }
    }
}
