//! Rules about text: module docs, file length, left-over words, lint escapes, floats where money is counted.

use super::{Finding, RULES_FILE, Rules};
use crate::tree::Tree;

/// Words that mean unfinished work. Spelt in halves so that this file passes its own rule.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("db", "g!"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
];

/// Lint escapes that do not go stale loudly.
const ESCAPES: &[&str] = &[concat!("#[al", "low("), concat!("#![al", "low(")];

/// Types that cannot count money.
const FLOATS: &[&str] = &["f32", "f64"];

/// Every rule of this file over every text file.
pub(crate) fn check(tree: &Tree, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        if path != RULES_FILE {
            findings.extend(forbidden(path, text, &rules.forbidden));
        }
    }
    for (path, text) in tree.ending(".rs") {
        if !text.starts_with("//!") {
            findings.push(Finding::at(path, 1, "starts without a `//!` line that says what the file is"));
        }
        findings.extend(words(path, text));
        if rules.integer_only.iter().any(|folder| path.starts_with(folder)) {
            findings.extend(floats(path, text));
        }
    }
    findings.extend(lengths(tree, rules));
    findings
}

fn forbidden(path: &str, text: &str, list: &[String]) -> Vec<Finding> {
    let hits = |line: &str| list.iter().find(|word| line.contains(word.as_str())).cloned();
    numbered(text)
        .filter_map(|(number, line)| Some((number, hits(line)?)))
        .map(|(number, word)| {
            Finding::at(path, number, format!("holds `{word}`, which {RULES_FILE} forbids"))
        })
        .collect()
}

fn words(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in numbered(text) {
        if let Some(word) = UNFINISHED.iter().find(|word| has_word(line, word)) {
            findings.push(Finding::at(path, number, format!("holds `{word}`: finish it or open an issue")));
        }
        if let Some(escape) = ESCAPES.iter().find(|escape| line.contains(**escape)) {
            let advice = "use `#[expect(lint, reason = \"…\")]`, which tells when it is no longer needed";
            findings.push(Finding::at(path, number, format!("holds `{escape}…)]`: {advice}")));
        }
    }
    findings
}

fn floats(path: &str, text: &str) -> Vec<Finding> {
    numbered(text)
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter_map(|(number, line)| Some((number, FLOATS.iter().find(|float| has_word(line, float))?)))
        .map(|(number, float)| Finding::at(path, number, format!("`{float}` where money is counted")))
        .collect()
}

fn lengths(tree: &Tree, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.ending(".rs") {
        let lines = text.lines().count();
        let own = rules.long.iter().find(|long| long.path == path);
        let limit = own.map_or(rules.lines_max, |long| long.lines);
        if lines > limit {
            let message = format!("{lines} lines, limit {limit}: split it by what it knows");
            findings.push(Finding::at(path, 0, message));
        }
    }
    for long in &rules.long {
        let lines = tree.text(&long.path).map(|text| text.lines().count());
        let stale = match lines {
            None => "is gone",
            Some(lines) if lines <= rules.lines_max => "needs no exception any more",
            Some(_) if long.reason.trim().is_empty() => "has an exception without a reason",
            Some(_) => continue,
        };
        findings.push(Finding::at(RULES_FILE, 0, format!("{} {stale}", long.path)));
    }
    findings
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// Whether `word` stands in `line` on its own, not as a part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Long;

    fn rules() -> Rules {
        Rules {
            lines_max: 3,
            forbidden: vec!["/of/one/machine/".to_owned()],
            integer_only: vec!["pricing/src/".to_owned()],
            long: Vec::new(),
            ..Rules::default()
        }
    }

    fn found(files: &[(&str, &str)], rules: &Rules) -> Vec<String> {
        check(&Tree::of(files), rules).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_clean_file_has_no_findings() {
        let clean = "//! What it is.\n// The f64 in a comment counts nothing.\nlet method = \"TODOS\";";
        assert_eq!(found(&[("pricing/src/a.rs", clean)], &rules()), [""; 0]);
    }

    #[test]
    fn each_planted_fault_is_found_at_its_line() {
        let cases = [
            ("a.rs", "fn f() {}".to_owned(), "a.rs:1: starts without"),
            ("a.rs", format!("//! x\n// {}: later", UNFINISHED[0]), "a.rs:2: holds"),
            ("a.rs", format!("//! x\n{}(x)", UNFINISHED[3]), "a.rs:2: holds"),
            ("a.rs", format!("//! x\n{}dead_code)]", ESCAPES[0]), "a.rs:2: holds"),
            ("a.md", "see\n/of/one/machine/x".to_owned(), "a.md:2: holds `/of/one/machine/`"),
            ("pricing/src/a.rs", "//! x\nfn rate(x: f64) {}".to_owned(), "pricing/src/a.rs:2: `f64`"),
            ("a.rs", "//! x\n\n\n\n".to_owned(), "a.rs: 4 lines"),
        ];
        for (path, text, expected) in cases {
            let findings = found(&[(path, &text)], &rules());
            assert_eq!(findings.len(), 1, "{path}: {findings:?}");
            assert!(findings[0].starts_with(expected), "{} is not {expected}", findings[0]);
        }
    }

    #[test]
    fn tests_count_as_length_and_floats_elsewhere_are_fine() {
        let tested = "//! x\n\n#[cfg(test)]\nmod tests {}\n";
        for path in ["a.rs", "b/tests.rs", "b/tests/it/a.rs", "b/benches/a.rs"] {
            assert_eq!(found(&[(path, tested)], &rules()).len(), 1, "{path}");
        }
        assert_eq!(found(&[("dp.rs", "//! x\nf64")], &rules()), [""; 0]);
    }

    #[test]
    fn exceptions_hold_their_own_limit_and_go_stale_loudly() {
        let with = |lines, reason: &str| {
            let mut rules = rules();
            rules.long.push(Long { path: "a.rs".to_owned(), lines, reason: reason.to_owned() });
            rules
        };
        let long = "//! x\n\n\n\n\n";
        assert_eq!(found(&[("a.rs", long)], &with(5, "a table")), [""; 0]);
        assert!(found(&[("a.rs", long)], &with(4, "a table"))[0].contains("limit 4"));
        assert!(found(&[("a.rs", long)], &with(5, " "))[0].contains("without a reason"));
        assert!(found(&[("a.rs", "//! x")], &with(5, "a table"))[0].contains("any more"));
        assert!(found(&[], &with(5, "a table"))[0].contains("is gone"));
    }
}
