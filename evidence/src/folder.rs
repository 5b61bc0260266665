//! A log's files in a folder that is only read: a node's own, or a copy of one that somebody handed over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use shuzha_core::files::{self, Links};

use crate::anchor::Anchor;
use crate::handover::Handover;
use crate::log::{LogError, Source};
use crate::note::Note;

/// Largest file that is read, in bytes: a bundle of 256 entries at the most that tlog-tiles allows.
const FILE_BYTES_MAX: u64 = 256 * (2 + 65_535);

/// Largest statement of a handover.
const NOTE_BYTES_MAX: u64 = 64 << 10;

/// Folder of what anchors answered, in a half-year's.
pub const ANCHORS: &str = "anchors";

/// A folder of files, to be read.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every anchor in `folder`, a half-year's or the empty name, with the name of its file, in order of the sizes that they saw.
    ///
    /// # Errors
    /// Of the file system; [`LogError::Damaged`] for a file that is no anchor.
    pub fn anchors(&self, folder: &str) -> Result<Vec<(String, Anchor)>, LogError> {
        let shown = format!("{folder}{ANCHORS}");
        let names = match fs::read_dir(self.root.join(&shown)) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(LogError::io("list", &shown)(error)),
        };
        let mut found = BTreeMap::new();
        for name in names {
            let name = name.map_err(LogError::io("list", &shown))?.file_name();
            let Some(name) = name.to_str().filter(|name| name.ends_with(".anchor")) else { continue };
            let path = format!("{shown}/{name}");
            let bytes = self.read(&path).map_err(LogError::io("read", &path))?.unwrap_or_default();
            let anchor = Anchor::parse(&bytes).map_err(|_| LogError::Damaged {
                path: path.clone(),
                what: "not an anchor as it was kept",
            })?;
            found.insert(path, anchor);
        }
        Ok(found.into_iter().collect())
    }
}

impl Source for Folder {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        // A copy of a log is whatever somebody put there.
        match files::read(&self.root.join(path), Links::Refuse, FILE_BYTES_MAX) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The statements by which a log's keys were handed over, in order; none where there is no such folder.
///
/// # Errors
/// Of the file system, and for a file that is no such statement, with its path.
pub fn handovers(folder: &Path) -> io::Result<Vec<Note>> {
    let mut paths = Vec::new();
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => {
            for entry in listed.map_err(|error| at(folder, &error))? {
                paths.push(entry?.path());
            }
        }
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "handover"));
    paths.sort();
    let read = |path: &PathBuf| {
        let malformed = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let note = Note::parse(&files::read(path, Links::Refuse, NOTE_BYTES_MAX)?).map_err(malformed)?;
        Handover::parse(&note).map_err(malformed)?;
        Ok(note)
    };
    paths.iter().map(|path| read(path).map_err(|error| at(path, &error))).collect()
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
