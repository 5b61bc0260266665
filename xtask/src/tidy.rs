//! `cargo xtask tidy`: the rules of this repository that neither rustc nor clippy can check.
//!
//! Each rule is a function from what it reads to findings; each is shown, in its tests, to catch a planted fault.

pub(crate) mod docs;
pub(crate) mod edges;
pub(crate) mod examples;
pub(crate) mod pages;
pub(crate) mod source;

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::requirements;
use crate::say::{complain, say};
use crate::tree::Tree;

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

/// One broken rule, at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    /// A finding at a line counted from one; line 0 means the file as a whole.
    pub(crate) fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Runs every rule and prints what it found. True when there is nothing to print.
///
/// # Errors
/// When the repository, its rules or its metadata cannot be read.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let tree = Tree::read(root)?;
    let rules: Rules = read_toml(&tree, RULES_FILE)?;
    let arch: edges::Arch = read_toml(&tree, edges::ARCH_FILE)?;
    let packages = edges::packages(root)?;

    let mut findings = source::check(&tree, &rules);
    findings.extend(edges::check(&arch, &packages));
    findings.extend(pages::check(&tree));
    findings.extend(docs::check(&tree));
    findings.extend(examples::check(&tree));
    if tree.text(requirements::PAGE_FILE) != Some(requirements::page(&tree)?.as_str()) {
        let reason = "is not current: run `cargo xtask requirements`";
        findings.push(Finding::at(requirements::PAGE_FILE, 0, reason));
    }
    for finding in &findings {
        complain(&finding.to_string());
    }
    let files = tree.texts().count();
    say(&format!("tidy: {files} files, {} packages, {} findings", packages.len(), findings.len()));
    Ok(findings.is_empty())
}

fn read_toml<T: for<'de> Deserialize<'de>>(tree: &Tree, path: &str) -> Result<T> {
    let text = tree.text(path).with_context(|| format!("{path} is missing"))?;
    toml::from_str(text).with_context(|| format!("{path} does not parse"))
}
