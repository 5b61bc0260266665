//! Key files: 32 random bytes, readable by their owner only, made at first start.

use std::fs::{File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shuzha_core::{OsRng, Rng};
use tempfile::{NamedTempFile, PersistError};

use crate::NewFile;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Makes `dir` for its owner only, if it is not there.
pub fn private_dir(dir: &Path) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("the folder {} cannot be made", dir.display()))
}

/// The key in `path`; a fresh one, written there, where the file is missing.
pub fn load_or_create(path: &Path) -> Result<[u8; KEY_BYTES]> {
    // Asked before it is opened: a key that another process makes in between is whole, and no error.
    if path.exists() {
        return load(path);
    }
    if let Some(dir) = path.parent() {
        private_dir(dir)?;
    }
    let key = OsRng.bytes::<KEY_BYTES>();
    match write_new(path, &key) {
        Ok(()) => Ok(key),
        // Another process was first: its key is the one in use.
        Err(_) if path.exists() => load(path),
        Err(error) => Err(error),
    }
}

/// Makes a key in `path` where the file is missing; one that is there may be of any form.
pub fn load_or_create_any(path: &Path) -> Result<()> {
    if path.exists() { Ok(()) } else { load_or_create(path).map(drop) }
}

/// Writes a new file for its owner only, and waits until it is on disk. Never replaces one.
pub fn write_new(path: &Path, content: &[u8]) -> Result<()> {
    write(path, content, |beside| beside.persist_noclobber(path))
}

/// Writes a file for its owner only, in place of one that may be there, and waits until it is on disk.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        private_dir(dir)?;
    }
    write(path, content, |beside| beside.persist(path))
}

/// Writes beside `path` and lets `put` put it there whole: whoever is killed meanwhile leaves all of it or nothing, never
/// a short key that refuses every later start.
fn write(
    path: &Path,
    content: &[u8],
    put: impl FnOnce(NamedTempFile) -> Result<File, PersistError>,
) -> Result<()> {
    let shown = || format!("{} cannot be written", path.display());
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let owner_only = Permissions::from_mode(0o600);
    let mut beside = tempfile::Builder::new().permissions(owner_only).tempfile_in(dir).with_context(shown)?;
    beside.write_all(content).with_context(shown)?;
    beside.as_file().sync_all().with_context(shown)?;
    put(beside).map_err(|refused| refused.error).with_context(shown)?;
    File::open(dir).and_then(|dir| dir.sync_all()).with_context(shown)
}

/// The key in `path`. A file that others may read is refused: its secret may be known.
pub fn load(path: &Path) -> Result<[u8; KEY_BYTES]> {
    let content = read_private(path, KEY_BYTES as u64 + 1)?;
    match content.try_into() {
        Ok(key) => Ok(key),
        Err(_) => bail!("key file {} does not hold exactly {KEY_BYTES} bytes", path.display()),
    }
}

/// The one word in `path`, of at most `bytes_max` bytes. A file that others may read is refused.
pub fn load_word(path: &Path, bytes_max: u64) -> Result<String> {
    let content = read_private(path, bytes_max + 1)?;
    let word = str::from_utf8(&content).ok().map(str::trim);
    let visible = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    match word.filter(visible).filter(|_| content.len() as u64 <= bytes_max) {
        Some(word) => Ok(word.to_owned()),
        None => bail!("{} does not hold one word", path.display()),
    }
}

/// The first bytes of a file, which only its owner may read.
pub fn read_private(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("key file {shown}"))?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!(
            "key file {shown} may be read by others (mode {:o}); make it 600 and replace the key",
            mode & 0o777
        );
    }
    let mut content = Vec::new();
    file.take(bytes_max).read_to_end(&mut content)?;
    Ok(content)
}

/// Writes the seed of an Ed25519 key to `file` and its public key beside it, `*.pub`, both in base64.
///
/// # Errors
/// A file that is there already, or of the disk.
pub fn write_pair(file: &Path, seed: &[u8; KEY_BYTES]) -> Result<PathBuf> {
    let key = ed25519_dalek::SigningKey::from_bytes(seed);
    write_new(file, BASE64_STANDARD.encode(seed).as_bytes())?;
    let public = file.with_extension("pub");
    let text = BASE64_STANDARD.encode(key.verifying_key().as_bytes());
    NewFile::open(&public)?.keep_all(text.as_bytes())?;
    Ok(public)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

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
    fn a_key_is_there_whole_or_not_at_all_and_the_first_of_two_stays() {
        const KEYS: usize = 200;
        let dir = tempfile::tempdir().expect("a folder");
        let path = |number: usize| dir.path().join(format!("{number}.key"));
        let over = AtomicBool::new(false);
        std::thread::scope(|threads| {
            // What it sees at any moment is what a kill at that moment would leave.
            let watcher = threads.spawn(|| {
                (0..KEYS).find(|number| {
                    loop {
                        match std::fs::metadata(path(*number)) {
                            Ok(file) => break file.len() != KEY_BYTES as u64,
                            Err(_) if over.load(Ordering::Relaxed) => break false,
                            Err(_) => std::hint::spin_loop(),
                        }
                    }
                })
            });
            let make = || -> Vec<_> { (0..KEYS).map(|number| load_or_create(&path(number)).ok()).collect() };
            let other = threads.spawn(make);
            let (one, other) = (make(), other.join().expect("it does not panic"));
            over.store(true, Ordering::Relaxed);
            assert_eq!(watcher.join().expect("it does not panic"), None, "a key was seen in part");
            assert!(one.iter().all(Option::is_some), "every key is made or read");
            assert_eq!(one, other);
        });
        assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), KEYS, "nothing else is left");
    }

    #[test]
    fn a_short_key_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("short.key");
        write_new(&path, b"short").expect("written");
        assert!(load_or_create(&path).is_err());
        assert_eq!(std::fs::read(&path).expect("there"), b"short");
    }
}
