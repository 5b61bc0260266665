//! One description per document: what is answered is a type of `gateway/schema`, and a client reads it by that type.
//!
//! Where `xtask/tidy.toml` says so, no document is put together by `json!`, and none is taken apart by `value["field"]`.

use super::Finding;
use crate::tree::Tree;

/// Checks the files below `put_together` and below `taken_apart`, each before its tests.
pub(crate) fn check(tree: &Tree, put_together: &[String], taken_apart: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.ending(".rs").filter(|(path, _)| !path.ends_with("/tests.rs")) {
        let below = |folders: &[String]| folders.iter().any(|folder| path.starts_with(folder.as_str()));
        let (composes, indexes) = (below(put_together), below(taken_apart));
        let lines = text.lines().take_while(|line| *line != "#[cfg(test)]").zip(1..);
        for (line, number) in lines.filter(|(line, _)| !line.trim_start().starts_with("//")) {
            if composes && line.contains("json!") {
                let message = "puts a document together by `json!`: answer a type of `gateway/schema`";
                findings.push(Finding::at(path, number, message));
            }
            if indexes && indexes_by_text(line) {
                let message =
                    "takes a document apart by `[\"field\"]`: read it as a type of `gateway/schema`";
                findings.push(Finding::at(path, number, message));
            }
        }
    }
    findings
}

/// Whether something is indexed by a text, which no array literal is: that begins behind a blank or a bracket.
fn indexes_by_text(line: &str) -> bool {
    let indexed = |c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']' | '?');
    line.match_indices("[\"").any(|(at, _)| line[..at].ends_with(indexed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_without_a_type_are_found() {
        let files = [
            ("a/routes/x.rs", "//! json! is told of\nlet body = json!({});\n#[cfg(test)]\njson!(1)\n"),
            (
                "a/cli/x.rs",
                "let x = body[\"a\"];\nlet y = of(&[\"a\"], [\"b\"])?[\"c\"];\nlet z = [\"a\"];\nx[at]\n",
            ),
            ("b/x.rs", "json!(body[\"a\"])\n"),
        ];
        let folders = |folder: &str| vec![folder.to_owned()];
        let found = check(&Tree::of(&files), &folders("a/routes"), &folders("a/cli"));
        let places: Vec<_> =
            found.iter().map(|one| one.to_string().chars().take(15).collect::<String>()).collect();
        assert_eq!(places, ["a/cli/x.rs:1: t", "a/cli/x.rs:2: t", "a/routes/x.rs:2"]);
    }
}
