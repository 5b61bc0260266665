//! Opening files that others may have made: whatever stands at a path neither hangs nor deceives whoever reads it.
//!
//! A FIFO blocks at open and a device never ends; a sparse file says that it holds a terabyte. All of that is known before the
//! first byte is read: files are opened without waiting, must be regular, and are measured first.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Whether a symbolic link at the path is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Yes: somebody named this path, and may mean what it points at.
    Follow,
    /// No: the file lies in a folder that somebody else filled.
    Refuse,
}

fn flags(links: Links) -> i32 {
    let waits = OFlags::NONBLOCK | OFlags::NOCTTY;
    let all = if links == Links::Refuse { waits | OFlags::NOFOLLOW } else { waits };
    i32::try_from(all.bits()).expect("the flags of open are few")
}

/// Opens the regular file at `path` for reading.
///
/// # Errors
/// Of the file system; [`io::ErrorKind::InvalidInput`] for a FIFO, device, socket or folder, and for a symbolic link that is not
/// to be followed.
pub fn open(path: &Path, links: Links) -> io::Result<File> {
    checked(OpenOptions::new().read(true).custom_flags(flags(links)).open(path), path)
}

/// Opens the regular file at `path` in a node's own folder for reading and writing.
///
/// # Errors
/// As [`open`].
pub fn open_own(path: &Path) -> io::Result<File> {
    checked(OpenOptions::new().read(true).write(true).custom_flags(flags(Links::Refuse)).open(path), path)
}

fn checked(opened: io::Result<File>, path: &Path) -> io::Result<File> {
    let wrong = |what: &str| {
        Err(io::Error::new(io::ErrorKind::InvalidInput, format!("is {what}, not a regular file")))
    };
    match opened {
        Ok(file) => {
            let kind = file.metadata()?.file_type();
            if kind.is_file() { Ok(file) } else { wrong(named(kind)) }
        }
        // A link that must not be followed, and a socket, are refused by the system in words that tell nobody what it is.
        Err(error) => match std::fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() && error.kind() != io::ErrorKind::NotFound => {
                wrong(named(found.file_type()))
            }
            _ => Err(error),
        },
    }
}

fn named(kind: std::fs::FileType) -> &'static str {
    if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// The whole of the regular file at `path`, which may have at most `bytes_max` bytes.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::FileTooLarge`] before anything is read of a larger one.
pub fn read(path: &Path, links: Links, bytes_max: u64) -> io::Result<Vec<u8>> {
    let file = open(path, links)?;
    let length = file.metadata()?.len();
    let too_large =
        || io::Error::new(io::ErrorKind::FileTooLarge, format!("has more than {bytes_max} bytes"));
    if length > bytes_max {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // It may grow while it is read, and files of the system say that they are empty.
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max { Err(too_large()) } else { Ok(bytes) }
}

/// The same as text.
///
/// # Errors
/// As [`read`]; [`io::ErrorKind::InvalidData`] for what is not UTF-8.
pub fn read_text(path: &Path, links: Links, bytes_max: u64) -> io::Result<String> {
    let bytes = read(path, links, bytes_max)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    fn kind(result: io::Result<File>) -> Option<io::ErrorKind> {
        result.err().map(|error| error.kind())
    }

    #[test]
    fn only_a_regular_file_is_opened_and_nothing_is_waited_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("plain"), b"abc").expect("written");
        mknodat(CWD, path("fifo"), FileType::Fifo, Mode::from(0o600), 0).expect("a FIFO");
        let _socket = UnixListener::bind(path("socket")).expect("a socket");
        for (to, link) in
            [("plain", "to-plain"), ("fifo", "to-fifo"), ("/dev/zero", "to-zero"), ("none", "to-none")]
        {
            symlink(to, path(link)).expect("a link");
        }
        assert_eq!(read(&path("plain"), Links::Refuse, 3).expect("read"), b"abc");
        assert_eq!(read(&path("to-plain"), Links::Follow, 3).expect("read"), b"abc");
        for name in ["fifo", "socket", "to-plain", "to-fifo", "to-zero", "."] {
            assert_eq!(kind(open(&path(name), Links::Refuse)), Some(io::ErrorKind::InvalidInput), "{name}");
        }
        for name in ["fifo", "socket", "to-fifo", "to-zero", "."] {
            assert_eq!(kind(open(&path(name), Links::Follow)), Some(io::ErrorKind::InvalidInput), "{name}");
        }
        assert_eq!(kind(open(&path("none"), Links::Refuse)), Some(io::ErrorKind::NotFound));
        assert_eq!(kind(open_own(&path("to-plain"))), Some(io::ErrorKind::InvalidInput));
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_by_its_size() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("sparse");
        File::create(&path).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
        let error = read(&path, Links::Refuse, 1 << 20).expect_err("too large");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
    }
}
