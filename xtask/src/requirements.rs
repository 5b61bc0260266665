//! `cargo xtask requirements`: requirement → tests → page, written to `docs/requirements.md`.
//!
//! A test shows a requirement by its name: `b2_acceptance_takes_three_working_days` shows B2. Tidy compares the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::say::say;
use crate::tree::Tree;

/// The requirements: id, wording, source, page; tab-separated.
pub(crate) const LIST_FILE: &str = "docs/requirements.tsv";
/// What is written.
pub(crate) const PAGE_FILE: &str = "docs/requirements.md";

/// One line of [`LIST_FILE`].
struct Requirement<'t> {
    id: &'t str,
    wording: &'t str,
    source: &'t str,
    page: Option<&'t str>,
}

impl<'t> Requirement<'t> {
    fn read(line: &'t str) -> Option<Self> {
        let mut cells = line.split('\t');
        let (id, wording, source) = (cells.next()?, cells.next()?, cells.next()?);
        let page = cells.next().filter(|page| !page.is_empty());
        cells.next().is_none().then_some(Self { id, wording, source, page })
    }
}

fn read(text: &str) -> Result<Vec<Requirement<'_>>> {
    let mut lines = text.lines();
    if lines.next() != Some("id\trequirement\tsource\tpage") {
        bail!("{LIST_FILE}: its first line must name the columns id, requirement, source, page");
    }
    lines
        .map(|text| {
            Requirement::read(text).with_context(|| format!("{LIST_FILE}: `{text}` has not four cells"))
        })
        .collect()
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

/// The page for this tree.
///
/// # Errors
/// When the list of requirements is missing or malformed.
pub(crate) fn page(tree: &Tree) -> Result<String> {
    let text = tree.text(LIST_FILE).with_context(|| format!("{LIST_FILE} is missing"))?;
    let requirements = read(text)?;
    let mut tests: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
    for (path, text) in tree.ending(".rs").filter(|(path, _)| !path.starts_with("xtask/")) {
        for (id, name) in tests_of(text) {
            tests.entry(id).or_default().push((name, path));
        }
    }
    let mut page = String::from(
        "# 要求与测试 · Requirements and their tests\n\n\
         由 `cargo xtask requirements` 从 `requirements.tsv` 与测试名生成，请勿手改。\n\
         Written by `cargo xtask requirements` from `requirements.tsv` and the names of tests; do not edit.\n\n\
         | 编号 Id | 要求 Requirement | 依据 Source | 测试 Tests | 页 Page |\n|---|---|---|---|---|\n",
    );
    for Requirement { id, wording, source, page: about } in requirements {
        let shown: Vec<String> =
            tests.get(id).into_iter().flatten().map(|(name, path)| format!("[{name}](../{path})")).collect();
        let shown = if shown.is_empty() { "—".to_owned() } else { shown.join("<br>") };
        let about = about.map_or_else(|| "—".to_owned(), |about| format!("[{about}](../{about})"));
        writeln!(page, "| {id} | {wording} | {source} | {shown} | {about} |").expect("a string takes all");
    }
    Ok(page)
}

/// Writes the page.
///
/// # Errors
/// When the list cannot be read or the page not written.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let page = page(&Tree::read(root)?)?;
    let without = page.lines().filter(|line| line.contains(" | — | ")).count();
    fs::write(root.join(PAGE_FILE), page).with_context(|| format!("writing {PAGE_FILE}"))?;
    say(&format!("{PAGE_FILE}: written; {without} requirements without a test or a page"));
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "id\trequirement\tsource\tpage\nB2\tclocks\tGansu-R 26\t\nB3\tkinds\tGansu-R 24\tREADME.md\n";

    #[test]
    fn a_requirement_finds_its_tests_and_its_page() {
        let source = "#[test]\nfn b2_three_days() {}\nfn b3_no_test() {}\n#[tokio::test]\nasync fn b2_ten() {}\n\
                      #[test]\nfn b22_other() {}\n#[test]\nfn plain() {}\n";
        let tree = Tree::of(&[(LIST_FILE, LIST), ("a/b.rs", source)]);
        let page = page(&tree).expect("a page");
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| B")).collect();
        assert_eq!(
            rows,
            [
                "| B2 | clocks | Gansu-R 26 | [b2_three_days](../a/b.rs)<br>[b2_ten](../a/b.rs) | — |",
                "| B3 | kinds | Gansu-R 24 | — | [README.md](../README.md) |",
            ]
        );
    }

    #[test]
    fn a_list_with_other_columns_is_refused() {
        assert!(page(&Tree::of(&[(LIST_FILE, "id\tsource\n")])).is_err());
        assert!(page(&Tree::of(&[(LIST_FILE, "id\trequirement\tsource\tpage\nA1\tonly two\n")])).is_err());
    }
}
