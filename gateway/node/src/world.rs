//! Loads the declared world from files, and the keys that its objects name.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shuzha_core::files::{self, Links};
use shuzha_policy::KeyRing;
use shuzha_products::World;
use shuzha_products::credential::PublicKey;

/// Most bytes of all world files together: a gibibyte holds about two million grants.
const SOURCE_BYTES_MAX: u64 = 1 << 30;

/// A checked world.
#[derive(Debug)]
pub struct Loaded {
    /// Every declared object, read and checked.
    pub world: World,
}

/// Reads the files, and every `*.yaml` of the folders, in `paths`.
///
/// # Errors
/// A file that cannot be read, or all faults of the objects, one a line.
pub fn load(paths: &[PathBuf]) -> Result<Loaded> {
    let mut texts = Vec::new();
    let mut total = 0;
    for path in shuzha_files::expand(paths)? {
        let text = files::read_text(&path, Links::Follow, SOURCE_BYTES_MAX)
            .with_context(|| format!("world file {}", path.display()))?;
        total += text.len() as u64;
        if total > SOURCE_BYTES_MAX {
            bail!("the world's files have more than {SOURCE_BYTES_MAX} bytes");
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        texts.push((name, text));
    }
    from_texts(&texts)
}

/// Reads a world from texts with names.
///
/// # Errors
/// All faults of the objects, one a line.
pub fn from_texts(files: &[(String, String)]) -> Result<Loaded> {
    let world = World::parse(files).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{} faults in the world's files:\n{}", lines.len(), lines.join("\n"))
    })?;
    Ok(Loaded { world })
}

/// Largest file of a public key.
const KEY_FILE_BYTES_MAX: u64 = 4_096;

/// The public keys that the world names by path, relative to `base`. Such a path is a regular file `*.pub`, so that an object
/// reaches no database and no secret. What holds no key is told with the key ring, and only what names it is at fault. A missing
/// file is no key: its holder is refused, and a warning says so when the snapshot is compiled.
pub fn public_keys(world: &World, base: &Path) -> KeyRing {
    let mut ring = KeyRing::default();
    let issuers = world.consent_issuers.values().map(|issuer| &issuer.public_key);
    let credentials = world.credentials.values().filter_map(|credential| credential.public_key.as_ref());
    for key in issuers.chain(credentials) {
        let PublicKey::File(name) = key else { continue };
        match public_key(&base.join(name)) {
            Ok(Some(bytes)) => drop(ring.public_keys.insert(name.clone(), bytes)),
            Ok(None) => {}
            Err(reason) => drop(ring.unusable.insert(name.clone(), reason.to_owned())),
        }
    }
    ring
}

/// The bytes in a file of a public key; none where there is no such file. What it says of a file that is none does not depend
/// on what the file holds.
fn public_key(path: &Path) -> Result<Option<Vec<u8>>, &'static str> {
    const NONE: &str = "not a file of a public key: a regular file *.pub with the key in base64";
    if path.extension().is_none_or(|extension| extension != "pub") {
        return Err(NONE);
    }
    let text = match files::read_text(path, Links::Refuse, KEY_FILE_BYTES_MAX) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(NONE),
    };
    BASE64_STANDARD.decode(text.trim()).map(Some).map_err(|_| NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_read_from_a_small_regular_file_of_its_own_kind_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        let write = |name: &str, text: &str| std::fs::write(path(name), text).expect("written");
        write("good.pub", "AAAA\n");
        assert_eq!(public_key(&path("good.pub")), Ok(Some(vec![0, 0, 0])));
        assert_eq!(public_key(&path("missing.pub")), Ok(None));
        write("secret.key", "AAAA");
        write("control.db", "AAAA");
        write("words.pub", "not base64");
        write("large.pub", &"AAAA".repeat(2_000));
        std::os::unix::fs::symlink(path("good.pub"), path("link.pub")).expect("linked");
        std::fs::create_dir(path("folder.pub")).expect("made");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path("pipe.pub"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .expect("made");
        let refused =
            ["secret.key", "control.db", "words.pub", "large.pub", "link.pub", "folder.pub", "pipe.pub"];
        let told: Vec<_> = refused.iter().map(|name| public_key(&path(name)).expect_err(name)).collect();
        assert!(told.iter().all(|reason| *reason == told[0]), "{told:?}");
    }
}
