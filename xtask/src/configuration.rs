//! The configuration reference: every key of `config/default.toml` with what its comment says, as a page.
//!
//! The file's form: comments above one key or several; a line of a comment is wholly English or, where it ends in a
//! full stop of Chinese, wholly Chinese; behind a number, its least and most value. A key without both languages is an
//! error.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

use crate::tree::Tree;

/// What is read.
const SOURCE_FILE: &str = "config/default.toml";
/// What is written.
pub(crate) const PAGE_FILE: &str = "docs/configuration.md";

/// A comment, by language.
#[derive(Default)]
struct Comment {
    en: String,
    zh: String,
}

impl Comment {
    fn add(&mut self, line: &str) {
        let (text, space) = if line.ends_with('。') { (&mut self.zh, "") } else { (&mut self.en, " ") };
        if !text.is_empty() {
            text.push_str(space);
        }
        text.push_str(line);
    }

    fn whole(&self) -> Result<()> {
        ensure!(!self.en.is_empty() && !self.zh.is_empty(), "lacks a comment in English or in Chinese");
        ensure!(
            !self.en.contains(['。', '，', '；']),
            "has a comment of two languages in one line: {}",
            self.en
        );
        Ok(())
    }
}

/// One key: name, default, bounds.
struct Key<'t> {
    name: &'t str,
    default: &'t str,
    bounds: &'t str,
}

impl<'t> Key<'t> {
    fn read(line: &'t str) -> Option<Self> {
        let (name, rest) = line.split_once(" = ")?;
        let (default, bounds) = match rest.rsplit_once(" # ") {
            Some((default, bounds)) => (default.trim_end(), bounds),
            None => (rest, ""),
        };
        Some(Self { name, default, bounds })
    }
}

/// The page.
///
/// # Errors
/// When the file is missing or has another form than described above.
pub(crate) fn page(tree: &Tree) -> Result<String> {
    let text = tree.text(SOURCE_FILE).with_context(|| format!("{SOURCE_FILE} is missing"))?;
    let mut page = String::from(
        "# 配置 · Configuration\n\n由 `cargo xtask pages` 从 `config/default.toml` 生成，请勿手改。\n\n\
         Written by `cargo xtask pages` from `config/default.toml`; do not edit.\n",
    );
    let (head, sections) = text.split_once("\n\n").context("has no introduction")?;
    for paragraph in head.split("\n#\n") {
        let mut comment = Comment::default();
        paragraph.lines().for_each(|line| comment.add(line.trim_start_matches("# ")));
        comment.whole().with_context(|| format!("{SOURCE_FILE}: the introduction"))?;
        write!(page, "\n{}\n\n{}\n", comment.en, comment.zh).expect("a string takes all");
    }
    let (mut comment, mut keys) = (Comment::default(), Vec::new());
    for (at, line) in sections.lines().enumerate() {
        if let Some(words) = line.strip_prefix("# ") {
            if !keys.is_empty() {
                row(&mut page, &std::mem::take(&mut comment), &std::mem::take(&mut keys))?;
            }
            comment.add(words);
        } else if line.starts_with('[') {
            row(&mut page, &std::mem::take(&mut comment), &std::mem::take(&mut keys))?;
            let title = format!("\n## `{line}`\n\n| 键 Key | 默认 Default | 范围 Range | Meaning | 含义 |\n");
            page.push_str(&title);
            page.push_str("|---|---|---|---|---|\n");
        } else if !line.is_empty() {
            let number = at + 1 + head.lines().count() + 1;
            keys.push(
                Key::read(line).with_context(|| format!("{SOURCE_FILE}:{number}: `{line}` is not a key"))?,
            );
        }
    }
    row(&mut page, &comment, &keys)?;
    Ok(page)
}

/// The keys that one comment explains.
fn row(page: &mut String, comment: &Comment, keys: &[Key<'_>]) -> Result<()> {
    let Some(first) = keys.first() else { return Ok(()) };
    comment.whole().with_context(|| format!("{SOURCE_FILE}: {}", first.name))?;
    let cell = |of: fn(&Key<'_>) -> String| keys.iter().map(of).collect::<Vec<_>>().join("<br>");
    let names = cell(|key| format!("`{}`", key.name));
    let defaults = cell(|key| format!("`{}`", key.default));
    let bounds = cell(|key| key.bounds.to_owned());
    writeln!(page, "| {names} | {defaults} | {bounds} | {} | {} |", comment.en, comment.zh)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# Keys.\n# 配置项。\n#\n# They have\n# defaults.\n# 有默认值。\n\n[limits]\n# Least\n# and most.\n# 上下限。\n\
                        low = 1 # 0 – 9\nhigh = \"2s\"\n# Alone.\n# 单独。\nalone = []\n";

    fn page_of(text: &str) -> Result<String> {
        page(&Tree::of(&[(SOURCE_FILE, text)]))
    }

    #[test]
    fn keys_under_one_comment_stand_in_one_row() {
        let page = page_of(FILE).expect("a page");
        assert!(page.contains("\nThey have defaults.\n\n有默认值。\n"), "{page}");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(
            rows,
            [
                "| `low`<br>`high` | `1`<br>`\"2s\"` | 0 – 9<br> | Least and most. | 上下限。 |",
                "| `alone` | `[]` |  | Alone. | 单独。 |",
            ]
        );
    }

    #[test]
    fn a_key_without_both_languages_is_refused() {
        for (from, to, why) in [
            ("# Alone.\n", "", "alone: lacks a comment"),
            ("# 单独。\n", "", "alone: lacks a comment"),
            ("# Alone.", "# Alone. 单独。 Really.", "two languages in one line"),
            ("alone = []", "alone", "is not a key"),
        ] {
            let error = format!("{:#}", page_of(&FILE.replace(from, to)).expect_err(why));
            assert!(error.contains(why), "{error} is not {why}");
        }
    }
}
