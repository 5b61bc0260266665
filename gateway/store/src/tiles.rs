//! The evidence log in a folder: its files, the thread that follows the journal, and where a request's entry stands.
//!
//! **Guarantee:** what a checkpoint states is on disk before the checkpoint is. Everything else is a projection of the
//! journal: lost or damaged, it is made again. What someone who can write here can do is in `docs/trust.md`.

mod follower;
mod library;
mod lookup;

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use shuzha_evidence::folder::Folder;
use shuzha_evidence::log::{Files, LogError, Source};

pub use follower::{CHECKPOINT_INTERVAL, Follower, FollowerHandle, IDLE_INTERVAL, Options};
pub use library::{Found, Library, LogFile};
pub(crate) use lookup::NAME as LOOKUP;

/// Name of the file that the writing process holds locked.
const LOCK: &str = "LOCK";

/// What is being written is named so beside its place. No address of a log begins with a dot.
const UNFINISHED: &str = ".unfinished";

/// Threads that sync files. Syncs that wait together share one commit of the file system.
const SYNC_THREADS: usize = 8;

/// A folder of files. Shared by its one writer and any number of readers.
#[derive(Debug)]
pub struct Directory {
    folder: Folder,
    unsynced: Mutex<Unsynced>,
}

/// The right to write a log. It ends when this is dropped: readers of the same process may outlive it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the folder at `root`, which is made for its owner only where it is missing.
    ///
    /// # Errors
    /// [`LogError::Locked`] when another process has it; of the file system.
    pub fn take(root: &Path) -> Result<Self, LogError> {
        let shown = root.display().to_string();
        private_folders(root).map_err(LogError::io("create", &shown))?;
        let mut options = OpenOptions::new();
        let open = options.write(true).create(true).truncate(false).mode(0o600).open(root.join(LOCK));
        let file = open.map_err(LogError::io("open", LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LogError::Locked(root.to_owned())),
            Err(TryLockError::Error(error)) => Err(LogError::io("lock", LOCK)(error)),
        }
    }
}

/// What the next sync has to make durable. Owned by the writer; taken whole at a sync.
#[derive(Debug, Default)]
struct Unsynced {
    files: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
}

impl Directory {
    /// The folder at `root`. Only whoever has its [`Lock`] writes tiles and checkpoints.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { folder: Folder::new(root), unsynced: Mutex::default() }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.root()
    }

    /// The same, to be read only.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Writes the file whole beside its place; `before` is done to it there before it takes it.
    fn put(
        &self,
        path: &str,
        bytes: &[u8],
        before: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<PathBuf> {
        let to = self.root().join(path);
        let folder = parent(&to);
        let beside = folder.join(format!("{UNFINISHED}-{}", to.file_name().unwrap_or_default().display()));
        let create = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside);
        let mut file = match create() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                private_folders(folder)?;
                // A new folder is an entry of the one above, up to the root.
                let above = folder.ancestors().skip(1).take_while(|above| above.starts_with(self.root()));
                self.unsynced().folders.extend(above.map(Path::to_owned));
                create()?
            }
            opened => opened?,
        };
        io::Write::write_all(&mut file, bytes)?;
        before(&file)?;
        fs::rename(&beside, &to)?;
        Ok(to)
    }

    fn unsynced(&self) -> std::sync::MutexGuard<'_, Unsynced> {
        self.unsynced.lock().expect("nothing panics while it holds this")
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn private_folders(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn sync_path(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        // Partial tiles that became full were taken away: nothing of them need last.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Source for Directory {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.folder.read(path)
    }
}

impl Files for Directory {
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.put(path, bytes, |_| Ok(()))?;
        let mut unsynced = self.unsynced();
        unsynced.folders.insert(parent(&path).to_owned());
        unsynced.files.insert(path);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let Unsynced { files, folders } = std::mem::take(&mut *self.unsynced());
        let files: Vec<PathBuf> = files.into_iter().collect();
        let sync_all = |paths: &[PathBuf]| paths.iter().try_for_each(|path| sync_path(path));
        std::thread::scope(|threads| {
            let share = files.len().div_ceil(SYNC_THREADS).max(1);
            let running: Vec<_> =
                files.chunks(share).map(|paths| threads.spawn(move || sync_all(paths))).collect();
            let mut ended = running.into_iter().map(|thread| thread.join());
            ended.try_for_each(|done| done.unwrap_or_else(|_| Err(io::Error::other("a sync panicked"))))
        })?;
        folders.iter().try_for_each(|folder| sync_path(folder))
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let to = self.put(path, bytes, File::sync_all)?;
        sync_path(parent(&to))
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.root().join(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

impl Directory {
    /// Whether there is such a file.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        self.root().join(path).exists()
    }

    /// Removes a file; nothing where there is none. Durable on return.
    pub(crate) fn remove_file(&self, path: &str) -> io::Result<()> {
        let path = self.root().join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        sync_path(parent(&path))
    }

    /// As [`Files::remove_folder`], durable on return.
    pub(crate) fn remove_folder_for_good(&self, path: &str) -> io::Result<()> {
        self.remove_folder(path)?;
        sync_path(parent(&self.root().join(path)))
    }
}

#[cfg(test)]
mod tests;
