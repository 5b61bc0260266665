//! Key files: 32 random bytes, readable by their owner only, made at first start.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use shuzha_core::{OsRng, Rng};

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// Makes `dir` for its owner only, if it is not there.
pub(crate) fn private_dir(dir: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("the folder {} cannot be made", dir.display()))
}

/// The key in `path`; a fresh one, written there, where the file is missing.
pub(crate) fn load_or_create(path: &Path) -> Result<[u8; KEY_BYTES]> {
    match load(path) {
        Ok(key) => return Ok(key),
        Err(error) if path.exists() => return Err(error),
        Err(_) => {}
    }
    if let Some(dir) = path.parent() {
        private_dir(dir)?;
    }
    let key = OsRng.bytes::<KEY_BYTES>();
    write_new(path, &key)?;
    Ok(key)
}

/// Writes a new file for its owner only, and waits until it is on disk. Never replaces one.
///
/// The content is on disk before the name is: a process killed here leaves no file, or a whole one.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<()> {
    let shown = || format!("{} cannot be written", path.display());
    let beside = path.with_extension(format!("{:016x}.new", u64::from_be_bytes(OsRng.bytes())));
    let linked = write_beside(&beside, content).and_then(|()| std::fs::hard_link(&beside, path));
    let removed = std::fs::remove_file(&beside);
    linked.and(removed).with_context(shown)?;
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        File::open(dir).and_then(|dir| dir.sync_all()).with_context(shown)?;
    }
    Ok(())
}

fn write_beside(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content)?;
    file.sync_all()
}

/// The key in `path`. A file that others may read is refused: its secret may be known.
pub(crate) fn load(path: &Path) -> Result<[u8; KEY_BYTES]> {
    let shown = path.display();
    let mut file = File::open(path).with_context(|| format!("key file {shown}"))?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!(
            "key file {shown} may be read by others (mode {:o}); make it 600 and replace the key",
            mode & 0o777
        );
    }
    let mut content = Vec::with_capacity(KEY_BYTES + 1);
    (&mut file).take(KEY_BYTES as u64 + 1).read_to_end(&mut content)?;
    match content.try_into() {
        Ok(key) => Ok(key),
        Err(_) => bail!("key file {shown} does not hold exactly {KEY_BYTES} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_and_an_open_file_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("keys/one.key");
        let key = load_or_create(&path).expect("made");
        assert_eq!(load_or_create(&path).expect("read"), key);
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("changed");
        let error = load_or_create(&path).expect_err("others may read it").to_string();
        assert!(error.contains("644"), "{error}");
    }

    #[test]
    fn a_short_key_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("short.key");
        write_new(&path, b"short").expect("written");
        assert!(load_or_create(&path).is_err());
        assert_eq!(std::fs::read(&path).expect("there"), b"short");
        assert!(write_new(&path, b"other").is_err(), "a file is never replaced");
        assert_eq!(std::fs::read(&path).expect("there"), b"short");
        assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 1, "nothing is left beside it");
    }

    /// A process killed at any moment leaves what another one sees at that moment.
    #[test]
    fn a_key_is_never_seen_before_it_is_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |round: u32| dir.path().join(format!("{round}.key"));
        std::thread::scope(|threads| {
            threads.spawn(|| {
                for round in 0..ROUNDS {
                    load_or_create(&path(round)).expect("made");
                }
            });
            for round in 0..ROUNDS {
                let seen = loop {
                    match std::fs::read(path(round)) {
                        Ok(content) => break content,
                        Err(_) => std::hint::spin_loop(),
                    }
                };
                assert_eq!(seen.len(), KEY_BYTES, "key {round}");
            }
        });
    }

    const ROUNDS: u32 = 300;
}
