//! `cargo xtask pages`: every file that is written from something else, in one list.
//!
//! What is written by hand are the tables: `gateway/core/codes.toml`, `config/default.toml`, `docs/requirements.tsv`,
//! `docs/coverage.tsv`,
//! `xtask/arch.toml` and the manifests. `tidy` compares this list with what is in the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::finding::Finding;
use crate::say::say;
use crate::tidy::edges::Arch;
use crate::tree::Tree;
use crate::workspace::Package;
use crate::{codes, configuration, coverage, crates, requirements};

/// Folders in which every Markdown file is a generated one.
const FOLDERS: [&str; 2] = [codes::FOLDER, requirements::FOLDER];

/// Path and text of every generated file.
///
/// # Errors
/// When a table is missing or malformed.
pub(crate) fn files(tree: &Tree, arch: &Arch, packages: &[Package]) -> Result<BTreeMap<String, String>> {
    let mut files = codes::Table::read(tree)?.files();
    files.extend(requirements::files(tree)?);
    files.insert(coverage::PAGE_FILE.to_owned(), coverage::page(tree)?);
    files.insert(configuration::PAGE_FILE.to_owned(), configuration::page(tree)?);
    files.insert(crates::PAGE_FILE.to_owned(), crates::page(arch, packages));
    Ok(files)
}

/// Files that differ from what they are generated from, and files of [`FOLDERS`] that nothing generates.
pub(crate) fn check(tree: &Tree, files: &BTreeMap<String, String>) -> Vec<Finding> {
    let stale = files
        .iter()
        .filter(|(path, text)| tree.text(path) != Some(text))
        .map(|(path, _)| Finding::at(path, 0, "is not current: run `cargo xtask pages`"));
    let left = left_over(tree, files)
        .map(|path| Finding::at(path, 0, "is generated from nothing any more: run `cargo xtask pages`"));
    stale.chain(left).collect()
}

fn left_over<'t>(tree: &'t Tree, files: &'t BTreeMap<String, String>) -> impl Iterator<Item = &'t str> {
    let of_a_folder = |path: &str| FOLDERS.iter().any(|folder| path.starts_with(folder));
    tree.ending(".md")
        .map(|(path, _)| path)
        .filter(move |path| of_a_folder(path) && !files.contains_key(*path))
}

/// Writes what [`check`] would find.
///
/// # Errors
/// When a file cannot be written or removed.
pub(crate) fn write(root: &Path, tree: &Tree, files: &BTreeMap<String, String>) -> Result<()> {
    for path in left_over(tree, files) {
        fs::remove_file(root.join(path)).with_context(|| format!("removing {path}"))?;
        say(&format!("{path}: removed"));
    }
    for (path, text) in files.iter().filter(|(path, text)| tree.text(path) != Some(text)) {
        let full = root.join(path);
        let folder = full.parent().expect("a file is in a folder");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&full, text))
            .with_context(|| format!("writing {path}"))?;
        say(&format!("{path}: written"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_stale_missing_or_of_nothing_is_found() {
        let files = BTreeMap::from([
            ("docs/errors/C001.md".to_owned(), "one".to_owned()),
            ("docs/a.md".to_owned(), "two".to_owned()),
        ]);
        let found = |there: &[(&str, &str)]| -> Vec<String> {
            check(&Tree::of(there), &files).iter().map(Finding::to_string).collect()
        };
        let right = [("docs/errors/C001.md", "one"), ("docs/a.md", "two"), ("docs/b.md", "by hand")];
        assert_eq!(found(&right), [""; 0]);
        let wrong = [("docs/errors/C001.md", "one?"), ("docs/errors/C999.md", "")];
        let findings = found(&wrong);
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert!(findings[0].starts_with("docs/a.md: is not current"), "{findings:?}");
        assert!(findings[1].starts_with("docs/errors/C001.md: is not current"), "{findings:?}");
        assert!(findings[2].starts_with("docs/errors/C999.md: is generated from nothing"), "{findings:?}");
    }
}
