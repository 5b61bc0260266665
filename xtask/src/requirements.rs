//! Requirement → tests → page: `docs/requirements.md` and a page for each letter.
//!
//! A test shows a requirement by its name: `b2_acceptance_takes_three_working_days` shows B2.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};

use crate::tree::Tree;

/// The letters and their requirements: id, wording, source, page; tab-separated.
const LIST_FILE: &str = "docs/requirements.tsv";
/// The page that lists the letters.
const INDEX_FILE: &str = "docs/requirements.md";
/// Where the page of each letter is.
pub(crate) const FOLDER: &str = "docs/requirements/";

/// What every page says first.
const WRITTEN: &str = "由 `cargo xtask pages` 从 `docs/requirements.tsv` 与测试名生成，请勿手改。\n\n\
                       Written by `cargo xtask pages` from `docs/requirements.tsv` and the names of tests; do not edit.\n\n";

/// One line of [`LIST_FILE`]: a letter with its title, or a requirement under it.
struct Line<'t> {
    id: &'t str,
    zh: &'t str,
    en: &'t str,
    source: &'t str,
    page: Option<&'t str>,
}

impl<'t> Line<'t> {
    fn read(line: &'t str) -> Option<Self> {
        let mut cells = line.split('\t');
        let (id, wording, source) = (cells.next()?, cells.next()?, cells.next()?);
        let page = cells.next().filter(|page| !page.is_empty());
        let (zh, en) = wording.split_once(" · ")?;
        cells.next().is_none().then_some(Self { id, zh, en, source, page })
    }

    fn is_letter(&self) -> bool {
        self.id.len() == 1
    }
}

fn read(text: &str) -> Result<Vec<Line<'_>>> {
    let mut lines = text.lines();
    if lines.next() != Some("id\trequirement\tsource\tpage") {
        bail!("{LIST_FILE}: its first line must name the columns id, requirement, source, page");
    }
    let lines: Result<Vec<_>> = lines
        .map(|text| {
            let shape = "four cells, the second in Chinese and English";
            Line::read(text).with_context(|| format!("{LIST_FILE}: `{text}` has not {shape}"))
        })
        .collect();
    let lines = lines?;
    let mut letter = None;
    for line in &lines {
        if line.is_letter() {
            letter = Some(line.id);
        } else if letter != line.id.get(..1) {
            bail!("{LIST_FILE}: {} does not stand under its letter", line.id);
        }
    }
    Ok(lines)
}

/// The requirement that a function's name shows: `b2_…` is B2.
fn shown_by(name: &str) -> Option<String> {
    let id = name.split('_').next()?;
    let (group, number) = id.split_at_checked(1)?;
    let known = group.bytes().all(|b| b.is_ascii_lowercase()) && !number.is_empty();
    (known && number.bytes().all(|b| b.is_ascii_digit()) && name.len() > id.len()).then(|| id.to_uppercase())
}

/// Names of test functions of a source file, by the requirement they show.
fn tests_of(text: &str) -> impl Iterator<Item = (String, &str)> {
    let mut marked = false;
    text.lines().filter_map(move |line| {
        let line = line.trim_start();
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
            return None;
        }
        let name = line.trim_start_matches("async ").strip_prefix("fn ")?.split(['(', '<']).next()?;
        std::mem::take(&mut marked).then(|| shown_by(name).map(|id| (id, name)))?
    })
}

/// Requirements that are in the list and have a test.
pub(crate) fn shown(tree: &Tree) -> BTreeSet<String> {
    let listed: BTreeSet<&str> = tree
        .text(LIST_FILE)
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.split('\t').next())
        .collect();
    let sources = tree.ending(".rs").filter(|(path, _)| !path.starts_with("xtask/"));
    sources
        .flat_map(|(_, text)| tests_of(text))
        .map(|(id, _)| id)
        .filter(|id| listed.contains(id.as_str()))
        .collect()
}

/// Path and text of every page.
///
/// # Errors
/// When the list of requirements is missing or malformed.
pub(crate) fn files(tree: &Tree) -> Result<BTreeMap<String, String>> {
    let text = tree.text(LIST_FILE).with_context(|| format!("{LIST_FILE} is missing"))?;
    let lines = read(text)?;
    let mut tests: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
    for (path, text) in tree.ending(".rs").filter(|(path, _)| !path.starts_with("xtask/")) {
        for (id, name) in tests_of(text) {
            tests.entry(id).or_default().push((name, path));
        }
    }
    let mut files = BTreeMap::new();
    let mut index = format!(
        "# 要求与测试 · Requirements and their tests\n\n{WRITTEN}| 编号 Id | 内容 | Subject | 要求 Requirements | 有测试 With tests |\n\
         |---|---|---|---|---|\n"
    );
    for letter in lines.iter().filter(|line| line.is_letter()) {
        let Line { id, zh, en, .. } = letter;
        let own: Vec<_> = lines.iter().filter(|line| !line.is_letter() && line.id.starts_with(*id)).collect();
        let shown = own.iter().filter(|line| tests.contains_key(line.id)).count();
        let name = format!("{}.md", id.to_lowercase());
        writeln!(index, "| [{id}](requirements/{name}) | {zh} | {en} | {} | {shown} |", own.len())?;
        let mut page = format!(
            "# {id} {zh} · {en}\n\n{WRITTEN}| 编号 Id | 要求 | Requirement | 依据 Source | 测试 Tests | 页 Page |\n\
             |---|---|---|---|---|---|\n"
        );
        for Line { id, zh, en, source, page: about } in own {
            let shown = tests.get(*id).into_iter().flatten();
            let shown: Vec<_> = shown.map(|(name, path)| format!("[{name}](../../{path})")).collect();
            let shown = if shown.is_empty() { "—".to_owned() } else { shown.join("<br>") };
            let about = about.map_or_else(|| "—".to_owned(), |about| format!("[{about}](../../{about})"));
            writeln!(page, "| {id} | {zh} | {en} | {source} | {shown} | {about} |")?;
        }
        files.insert(format!("{FOLDER}{name}"), page);
    }
    files.insert(INDEX_FILE.to_owned(), index);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "id\trequirement\tsource\tpage\nB\t登记 · Registration\t\t\nB2\t时限 · clocks\tGansu-R 26\t\n\
                        B3\t种类 · kinds\tGansu-R 24\tREADME.md\n";

    #[test]
    fn a_requirement_finds_its_tests_and_its_page() {
        let source = "#[test]\nfn b2_three_days() {}\nfn b3_no_test() {}\n#[tokio::test]\nasync fn b2_ten() {}\n\
                      #[test]\nfn b22_other() {}\n#[test]\nfn plain() {}\n";
        let tree = Tree::of(&[(LIST_FILE, LIST), ("a/b.rs", source)]);
        let files = files(&tree).expect("pages");
        let rows: Vec<_> =
            files["docs/requirements/b.md"].lines().filter(|line| line.starts_with("| B")).collect();
        assert_eq!(
            rows,
            [
                "| B2 | 时限 | clocks | Gansu-R 26 | [b2_three_days](../../a/b.rs)<br>[b2_ten](../../a/b.rs) | — |",
                "| B3 | 种类 | kinds | Gansu-R 24 | — | [README.md](../../README.md) |",
            ]
        );
        assert!(files[INDEX_FILE].ends_with("| [B](requirements/b.md) | 登记 | Registration | 2 | 1 |\n"));
    }

    #[test]
    fn a_list_in_another_form_is_refused() {
        for list in ["id\tsource\n".to_owned(), LIST.replace(" · ", "·"), LIST.replace("B\t", "C\t")] {
            assert!(files(&Tree::of(&[(LIST_FILE, &list)])).is_err(), "{list}");
        }
    }
}
