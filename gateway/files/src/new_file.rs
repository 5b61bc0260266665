//! Files that commands write where a person says.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;

/// A file that gets its name when it is whole: until then it is not there, and whatever had the name stays.
///
/// A symbolic link of that name is replaced and not followed: in a folder that others may write, it could lead to a file
/// of ours. A device, a pipe and a folder are refused.
pub struct NewFile {
    beside: NamedTempFile,
    to: PathBuf,
}

impl NewFile {
    /// Begins a file that is to be at `to`, for its owner only.
    pub fn private(to: &Path) -> Result<Self> {
        Self::begin(to, 0o600)
    }

    /// The same, readable as the process's mask permits.
    pub fn open(to: &Path) -> Result<Self> {
        Self::begin(to, 0o666)
    }

    fn begin(to: &Path, mode: u32) -> Result<Self> {
        let shown = || format!("cannot write {}", to.display());
        match to.symlink_metadata() {
            Ok(there) if !there.is_file() && !there.is_symlink() => {
                bail!("{}: {} is no regular file", shown(), to.display())
            }
            _ => {}
        }
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let permissions = Permissions::from_mode(mode);
        let beside = tempfile::Builder::new().permissions(permissions).tempfile_in(folder);
        Ok(Self { beside: beside.with_context(shown)?, to: to.to_owned() })
    }

    /// Where it is until it has its name.
    pub fn path(&self) -> &Path {
        self.beside.path()
    }

    /// Gives it its name, once it is on disk.
    pub fn keep(self) -> Result<()> {
        let shown = || format!("cannot write {}", self.to.display());
        self.beside.as_file().sync_all().with_context(shown)?;
        self.beside.persist(&self.to).map_err(|refused| refused.error).with_context(shown)?;
        Ok(())
    }

    /// Writes all of it and gives it its name.
    pub fn keep_all(mut self, content: &[u8]) -> Result<()> {
        self.write_all(content).with_context(|| format!("cannot write {}", self.to.display()))?;
        self.keep()
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.beside.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.beside.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_or_not_at_all_and_no_link_is_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let (victim, link) = (dir.path().join("victim"), dir.path().join("link"));
        std::fs::write(&victim, "precious").expect("written");
        std::os::unix::fs::symlink(&victim, &link).expect("a link");
        let mut begun = NewFile::private(&link).expect("begun");
        begun.write_all(b"half").expect("written");
        drop(begun);
        assert!(link.is_symlink(), "what was not kept changes nothing");
        NewFile::private(&link).expect("begun").keep_all(b"whole").expect("kept");
        assert!(!link.is_symlink());
        assert_eq!(std::fs::read(&link).expect("there"), b"whole");
        assert_eq!(std::fs::read(&victim).expect("there"), b"precious");
        let mode = std::fs::metadata(&link).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(NewFile::open(dir.path()).is_err(), "a folder");
        assert!(NewFile::open(Path::new("/dev/null")).is_err(), "a device");
        assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 2, "nothing is left beside");
    }
}
