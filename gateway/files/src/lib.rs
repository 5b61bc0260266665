//! What the programs of this project write for a person: lines on the terminal, new files where the person says, and files
//! of secrets for their owner only.

mod new_file;
pub mod secret;
pub mod terminal;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
pub use new_file::NewFile;

/// Files in order; a folder stands for its `*.yaml` files in order of name.
///
/// # Errors
/// A folder that cannot be read.
pub fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.append(&mut declared_in(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// The `*.yaml` files of a folder in order of name.
fn declared_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let shown = || format!("world folder {}", folder.display());
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(shown)? {
        let file = entry.with_context(shown)?.path();
        if file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            inside.push(file);
        }
    }
    inside.sort();
    Ok(inside)
}

/// `text` as it stands between tags and in attributes of HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
