//! Modes and kinds of what lies in a data folder, looked at before anything in it is used.
//!
//! What others may write is refused: who knows what they wrote. What others may read and should not is closed, and the log says
//! so; keys that others could read are refused where they are read, since they may be known.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use shuzha_core::{Code, Lang};

/// The journal, inside the data folder.
pub const JOURNAL_DIR: &str = "journal";
/// The projection of the journal, releases, and sealed secrets.
pub const STORE_FILE: &str = "shuzha.db";
/// The register.
pub const REGISTER_FILE: &str = "control.db";
/// The books.
pub(crate) const BOOKS_FILE: &str = "finance.db";
/// What persons allowed.
pub(crate) const CONSENTS_FILE: &str = "consents.db";
/// What was decided about half-years.
pub(crate) const DECISIONS_FILE: &str = "retention.db";
/// The index of uses.
pub(crate) const TRACES_FILE: &str = "traces.db";
/// Every database of a node.
pub(crate) const DATABASES: [&str; 6] =
    [STORE_FILE, REGISTER_FILE, BOOKS_FILE, CONSENTS_FILE, DECISIONS_FILE, TRACES_FILE];

/// Mode bits by which others than the owner may write.
const WRITE: u32 = 0o022;
/// Mode bits of others than the owner.
const OTHERS: u32 = 0o077;

/// What a path must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
}

impl Kind {
    const fn mode(self) -> u32 {
        match self {
            Self::Folder => 0o700,
            Self::File => 0o600,
        }
    }
}

/// Checks the data folder `dir`, where there is one: itself, its databases, `keys/`, the journal and the evidence log.
///
/// # Errors
/// C1742 with the path and what to do, at the first that is a link, of another kind, or open for others to write.
pub(crate) fn check(dir: &Path) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    // The folder itself may be named by a link; what it leads to counts.
    look(dir, Kind::Folder, std::fs::metadata(dir), true)?;
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        match name.to_str().unwrap_or_default() {
            "keys" | "journal" | "evidence" => {
                look(&path, Kind::Folder, path.symlink_metadata(), true)?;
                if name != "evidence" {
                    inside(&path)?;
                }
            }
            name if name == "world.kept" || is_database(name) => {
                look(&path, Kind::File, path.symlink_metadata(), true)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A database, or what SQLite keeps beside one.
fn is_database(name: &str) -> bool {
    [".db", ".db-wal", ".db-shm", ".db-journal"].iter().any(|end| name.ends_with(end))
}

/// Files in a folder of the node's own: no links, and nothing that others may write. Their folder keeps others from reading.
fn inside(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        match path.symlink_metadata() {
            // A name that was there a moment ago, such as a segment that was pruned.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Ok(found) if found.is_dir() => look(&path, Kind::Folder, Ok(found), false)?,
            found => look(&path, Kind::File, found, false)?,
        }
    }
    Ok(())
}

fn refused(path: &Path, what: &str, todo: &str) -> anyhow::Error {
    let code = Code::C1742;
    anyhow::anyhow!(
        "{code} {} {}: {} {what}: {todo}",
        code.title(Lang::Zh),
        code.title(Lang::En),
        path.display()
    )
}

fn look(path: &Path, kind: Kind, found: std::io::Result<std::fs::Metadata>, tighten: bool) -> Result<()> {
    let found = found.with_context(|| path.display().to_string())?;
    let right = match kind {
        Kind::Folder => found.is_dir(),
        Kind::File => found.is_file(),
    };
    if !right {
        let wanted = if kind == Kind::Folder { "a folder" } else { "a regular file" };
        bail!(refused(path, &format!("is not {wanted}"), "put the folder or file itself there, and no link"));
    }
    let mode = found.permissions().mode();
    if mode & WRITE != 0 {
        let what = format!("may be written by others (mode {:o})", mode & 0o7777);
        bail!(refused(
            path,
            &what,
            &format!("compare it with a copy, then chmod {:o} {}", kind.mode(), path.display())
        ));
    }
    if tighten && mode & OTHERS != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(kind.mode())).map_err(|error| {
            refused(path, &format!("may be read by others ({error})"), &format!("chmod {:o}", kind.mode()))
        })?;
        tracing::warn!(path = %path.display(), mode = format!("{:o}", kind.mode()), "others could read it: closed to them");
    }
    Ok(())
}

/// Checks the private key of a listener's certificate: a regular file, which a link may lead to, that only its owner may write
/// and nobody outside its group may read.
///
/// # Errors
/// C1742 with the path and what to do.
pub(crate) fn check_tls_key(path: &Path) -> Result<()> {
    let found = std::fs::metadata(path).with_context(|| format!("the TLS key {}", path.display()))?;
    if !found.is_file() {
        bail!(refused(path, "is not a regular file", "put the key there"));
    }
    let mode = found.permissions().mode();
    if mode & 0o027 != 0 {
        let what = format!("may be read or written by others (mode {:o})", mode & 0o7777);
        bail!(refused(path, &what, &format!("replace the key, and chmod 600 {}", path.display())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn set(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
    }

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["keys", "journal", "evidence"] {
            std::fs::create_dir(dir.path().join(name)).expect("made");
            set(&dir.path().join(name), 0o700);
        }
        for name in
            ["control.db", "shuzha.db", "shuzha.db-wal", "world.kept", "keys/master.key", "journal/1.journal"]
        {
            std::fs::write(dir.path().join(name), b"x").expect("written");
            set(&dir.path().join(name), 0o600);
        }
        dir
    }

    #[test]
    fn what_others_may_write_is_refused_by_name_with_what_to_do() {
        for name in [
            "",
            "keys",
            "journal",
            "evidence",
            "control.db",
            "shuzha.db",
            "shuzha.db-wal",
            "world.kept",
            "keys/master.key",
            "journal/1.journal",
        ] {
            for bit in [0o020, 0o002] {
                let dir = folder();
                let path = if name.is_empty() { dir.path().to_owned() } else { dir.path().join(name) };
                let mode = std::fs::metadata(&path).expect("there").permissions().mode();
                set(&path, mode | bit);
                let error = check(dir.path()).expect_err(name).to_string();
                assert!(
                    error.contains("C1742") && error.contains("chmod") && error.contains(name),
                    "{error}"
                );
            }
        }
        check(folder().path()).expect("in order");
    }

    #[test]
    fn links_and_files_of_another_kind_are_refused() {
        for name in [
            "keys",
            "journal",
            "evidence",
            "control.db",
            "world.kept",
            "keys/master.key",
            "journal/1.journal",
        ] {
            let (dir, elsewhere) = (folder(), folder());
            let path = dir.path().join(name);
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }
                .expect("removed");
            symlink(elsewhere.path().join(name), &path).expect("a link");
            let error = check(dir.path()).expect_err(name).to_string();
            assert!(error.contains("C1742") && error.contains(name), "{error}");
        }
    }

    #[test]
    fn what_others_may_read_is_closed_to_them() {
        let dir = folder();
        for (name, mode) in [("", 0o755), ("keys", 0o755), ("journal", 0o711), ("control.db", 0o644)] {
            set(&dir.path().join(name), mode);
        }
        check(dir.path()).expect("tightened");
        for (name, mode) in [("", 0o700), ("keys", 0o700), ("journal", 0o700), ("control.db", 0o600)] {
            let found = std::fs::metadata(dir.path().join(name)).expect("there").permissions().mode();
            assert_eq!(found & 0o777, mode, "{name}");
        }
    }

    #[test]
    fn a_tls_key_that_anybody_may_read_or_write_is_refused() {
        let dir = folder();
        let key = dir.path().join("keys/master.key");
        for (mode, good) in [
            (0o600, true),
            (0o400, true),
            (0o640, true),
            (0o644, false),
            (0o660, false),
            (0o666, false),
            (0o604, false),
        ] {
            set(&key, mode);
            assert_eq!(check_tls_key(&key).is_ok(), good, "{mode:o}");
        }
        let link = dir.path().join("link.pem");
        symlink(&key, &link).expect("a link");
        assert!(check_tls_key(&link).is_err(), "what it leads to counts");
        set(&key, 0o600);
        assert!(check_tls_key(&link).is_ok() && check_tls_key(dir.path()).is_err());
    }
}
