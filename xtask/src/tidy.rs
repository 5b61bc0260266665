//! `cargo xtask tidy`: the rules of this repository that neither rustc nor clippy can check.
//!
//! Each rule is a function from what it reads to findings; each is shown, in its tests, to catch a planted fault.

pub(crate) mod circles;
pub(crate) mod docs;
pub(crate) mod edges;
pub(crate) mod examples;
pub(crate) mod names;
pub(crate) mod sentences;
pub(crate) mod shapes;
pub(crate) mod source;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

pub(crate) use crate::finding::Finding;
use crate::say::{complain, say};
use crate::tree::Tree;
use crate::{generated, workspace};

/// Where the exceptions are kept.
pub(crate) const RULES_FILE: &str = "xtask/tidy.toml";

/// What `xtask/tidy.toml` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    /// Lines that a source file may have before its tests.
    pub(crate) lines_max: usize,
    /// Text that no file may hold.
    pub(crate) forbidden: Vec<String>,
    /// Folders without floating-point types.
    pub(crate) integer_only: Vec<String>,
    /// Longer files, each with its reason.
    #[serde(default)]
    pub(crate) long: Vec<Long>,
    /// Files and folders that answer documents and put none together by hand.
    #[serde(default)]
    pub(crate) documents_answered: Vec<String>,
    /// Files and folders that read documents and take none apart by hand.
    #[serde(default)]
    pub(crate) documents_read: Vec<String>,
    /// Public type names that several files declare, and how many.
    #[serde(default)]
    pub(crate) public_names: BTreeMap<String, usize>,
}

/// A file that may be longer than the rest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Long {
    /// Path from the root.
    pub(crate) path: String,
    /// Its own limit, in lines before the tests.
    pub(crate) lines: usize,
    /// Why it is not split.
    pub(crate) reason: String,
}

/// Runs every rule and prints what it found. True when there is nothing to print.
///
/// # Errors
/// When the repository, its rules or its metadata cannot be read.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let tree = Tree::read(root)?;
    let rules: Rules = read_toml(&tree, RULES_FILE)?;
    let arch: edges::Arch = read_toml(&tree, edges::ARCH_FILE)?;
    let packages = workspace::packages(root)?;

    let mut findings = source::check(&tree, &rules);
    findings.extend(edges::check(&arch, &packages));
    let [lock, deny] = ["Cargo.lock", edges::DENY_FILE].map(|path| tree.text(path).unwrap_or_default());
    findings.extend(edges::names(&arch, &packages, lock, deny)?);
    findings.extend(circles::check(&tree, &arch.circle));
    findings.extend(names::check(&tree, &rules.public_names));
    findings.extend(shapes::check(&tree, &rules.documents_answered, &rules.documents_read));
    findings.extend(sentences::check(&tree));
    findings.extend(docs::check(&tree));
    findings.extend(examples::check(&tree));
    findings.extend(generated::check(&tree, &generated::files(&tree, &arch, &packages)?));
    for finding in &findings {
        complain(&finding.to_string());
    }
    let files = tree.texts().count();
    say(&format!("tidy: {files} files, {} packages, {} findings", packages.len(), findings.len()));
    Ok(findings.is_empty())
}

/// Writes every generated file that is not current.
///
/// # Errors
/// When what they are generated from cannot be read, or a file cannot be written.
pub(crate) fn write_pages(root: &Path) -> Result<bool> {
    let tree = Tree::read(root)?;
    let arch: edges::Arch = read_toml(&tree, edges::ARCH_FILE)?;
    let files = generated::files(&tree, &arch, &workspace::packages(root)?)?;
    generated::write(root, &tree, &files)?;
    Ok(true)
}

fn read_toml<T: for<'de> Deserialize<'de>>(tree: &Tree, path: &str) -> Result<T> {
    let text = tree.text(path).with_context(|| format!("{path} is missing"))?;
    toml::from_str(text).with_context(|| format!("{path} does not parse"))
}
