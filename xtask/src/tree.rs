//! The repository as the checks see it: paths relative to the root, and the text of every text file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Files above this are data, not text to check.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Folders that a walk never enters; git's own ignore rules apply where git is there.
const SKIPPED_FOLDERS: &[&str] = &["target", ".git", "node_modules", "__pycache__", "shuzha-data"];

/// The repository's root, known when xtask was compiled.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().expect("xtask is a folder of the repository").to_path_buf()
}

/// Every file of the repository. `None` is a file that is not text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads the repository: the files that git tracks or would track, or all of them where there is no git.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        for path in listed_by_git(root).map_or_else(|| walk(root), Ok)? {
            let full = root.join(&path);
            // Git still lists a file that was deleted and not yet committed.
            let Ok(meta) = fs::metadata(&full) else { continue };
            let text = if meta.len() > TEXT_BYTES_MAX {
                None
            } else {
                let bytes = fs::read(&full).with_context(|| format!("reading {path}"))?;
                String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
            };
            files.insert(path, text);
        }
        Ok(Self { files })
    }

    /// Text files, path first.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Text files whose name ends so.
    pub(crate) fn ending(&self, suffix: &str) -> impl Iterator<Item = (&str, &str)> {
        self.texts().filter(move |(path, _)| path.ends_with(suffix))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Whether there is a file, or a folder with files, of this name.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        self.files.contains_key(path)
            || self.files.range(folder.clone()..).next().is_some_and(|(first, _)| first.starts_with(&folder))
    }

    /// A tree made in memory, for planting faults.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())));
        Self { files: files.collect() }
    }
}

fn listed_by_git(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let names = String::from_utf8(output.stdout).ok()?;
    Some(names.split_terminator('\0').map(str::to_owned).collect())
}

fn walk(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let kind = entry.file_type()?;
            if kind.is_dir() && !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                folders.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                let relative = path.strip_prefix(root).expect("the walk starts at the root");
                found.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_is_seen_with_and_without_git() {
        let tree = Tree::read(&root()).expect("the repository is readable");
        assert!(tree.text("xtask/src/tree.rs").is_some_and(|text| text.starts_with("//!")));
        assert!(tree.has("xtask/src") && tree.has("xtask/src/") && !tree.has("xtask/sr"));
        assert!(walk(&root()).expect("listable").contains(&"xtask/src/tree.rs".to_owned()));
    }
}
