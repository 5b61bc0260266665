//! Files of a backup: copied for their owner only, listed with their digests.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use ring::digest::{Context as Digest, SHA256};
use serde::{Deserialize, Serialize};
use shuzha_core::hex;

/// How often the evidence log is looked at for a moment between two of its checkpoints.
const TRIES: usize = 100;
/// Bytes read at once.
const READ_BYTES: usize = 1 << 20;
/// Names that belong to a process and not to the data.
const LOCK: &str = "LOCK";

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

impl Listed {
    /// The file at `path` below `root`, as it stands.
    pub(super) fn of(root: &Path, path: &Path) -> Result<Self> {
        let shown = || root.join(path).display().to_string();
        let mut file = File::open(root.join(path)).with_context(shown)?;
        let (mut digest, mut bytes, mut buffer) = (Digest::new(&SHA256), 0, vec![0; READ_BYTES]);
        loop {
            let read = file.read(&mut buffer).with_context(shown)?;
            if read == 0 {
                break;
            }
            digest.update(&buffer[..read]);
            bytes += read as u64;
        }
        let path = path.to_str().with_context(shown)?.to_owned();
        Ok(Self { path, bytes, sha256: hex::encode(digest.finish().as_ref()) })
    }
}

/// Makes the folder, for its owner only; one that holds something is refused.
pub(super) fn new_folder(folder: &Path) -> Result<()> {
    if folder.exists() && fs::read_dir(folder).with_context(|| folder.display().to_string())?.next().is_some()
    {
        bail!("{} 不是空目录 is not an empty folder", folder.display());
    }
    super::private(folder)
}

/// Every regular file below `folder`, by its path from there, in order; none where there is no folder. Locks are left out.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    fn walk(root: &Path, below: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
        for entry in fs::read_dir(root.join(below)).with_context(|| root.join(below).display().to_string())? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => walk(root, &path, found)?,
                Ok(kind) if kind.is_file() && entry.file_name() != LOCK => found.push(path),
                _ => {}
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    if folder.is_dir() {
        walk(folder, Path::new(""), &mut found)?;
    }
    found.sort();
    Ok(found)
}

/// Copies a file, in place of one that may be there, for its owner only; what was made read-only stays so.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    let shown = || from.display().to_string();
    if let Some(parent) = to.parent() {
        super::private(parent)?;
    }
    let _ = fs::remove_file(to);
    fs::copy(from, to).with_context(shown)?;
    let mode = fs::metadata(from).with_context(shown)?.permissions().mode() & 0o600;
    fs::set_permissions(to, Permissions::from_mode(mode)).with_context(shown)
}

/// Copies a folder of files that are written beside us, as it stood at one moment: until nothing has changed while it was
/// looked through.
pub(super) fn copy_settled(from: &Path, to: &Path) -> Result<()> {
    super::private(to)?;
    let mut copied: BTreeMap<PathBuf, (u64, SystemTime, u64)> = BTreeMap::new();
    for _ in 0..TRIES {
        let mut now = BTreeMap::new();
        let mut moved = false;
        for path in listed(from)? {
            match stamp(&from.join(&path)) {
                Some(stamp) => now.insert(path, stamp),
                None => {
                    moved = true;
                    continue;
                }
            };
        }
        for (path, stamp) in &now {
            if copied.get(path) == Some(stamp) {
                continue;
            }
            moved = true;
            if let Err(error) = copy(&from.join(path), &to.join(path)) {
                // A part of a tile that has grown has another name by now.
                if from.join(path).exists() {
                    return Err(error);
                }
            }
        }
        for gone in copied.keys().filter(|path| !now.contains_key(*path)) {
            moved = true;
            let _ = fs::remove_file(to.join(gone));
        }
        if !moved {
            return Ok(());
        }
        copied = now;
    }
    bail!("{} 一直在变 changes all the time: try again when there are fewer calls", from.display())
}

/// What changes with a file: its length and time, and the file itself where another takes its place within one tick of the clock.
fn stamp(path: &Path) -> Option<(u64, SystemTime, u64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.len(), found.modified().ok()?, found.ino()))
}

/// Makes everything in the folder's file system durable.
pub(super) fn settle(folder: &Path) -> Result<()> {
    let shown = || folder.display().to_string();
    let file = File::open(folder).with_context(shown)?;
    rustix::fs::syncfs(&file).with_context(shown)
}

/// Whether `path`, which need not be there yet, lies in `folder`; links are followed as far as there is something.
pub(super) fn lies_in(path: &Path, folder: &Path) -> Result<bool> {
    Ok(resolved(path)?.starts_with(resolved(folder)?))
}

fn resolved(path: &Path) -> Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let there = path.ancestors().find(|part| part.exists()).unwrap_or(&path).to_path_buf();
    let rest = path.strip_prefix(&there).unwrap_or(Path::new("")).to_path_buf();
    Ok(there.canonicalize().with_context(|| there.display().to_string())?.join(rest))
}
