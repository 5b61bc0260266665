//! Loads the declared world from files, and the keys that its objects name.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use shuzha_policy::KeyRing;
use shuzha_products::World;
use shuzha_products::credential::PublicKey;

/// Most bytes of all world files together: a gibibyte holds about two million grants.
const SOURCE_BYTES_MAX: u64 = 1 << 30;

/// A checked world.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) world: World,
}

/// Reads the files, and every `*.yaml` of the folders, in `paths`.
///
/// # Errors
/// A file that cannot be read, or all faults of the objects, one a line.
pub(crate) fn load(paths: &[PathBuf]) -> Result<Loaded> {
    let mut files = Vec::new();
    let mut total = 0;
    for path in expand(paths)? {
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("world file {}", path.display()))?;
        total += text.len() as u64;
        if total > SOURCE_BYTES_MAX {
            bail!("the world's files have more than {SOURCE_BYTES_MAX} bytes");
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, text));
    }
    from_texts(&files)
}

/// Reads a world from texts with names.
///
/// # Errors
/// All faults of the objects, one a line.
pub(crate) fn from_texts(files: &[(String, String)]) -> Result<Loaded> {
    let world = World::parse(files).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{} faults in the world's files:\n{}", lines.len(), lines.join("\n"))
    })?;
    Ok(Loaded { world })
}

/// Files in order; a folder stands for its `*.yaml` files in order of name.
pub(crate) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let shown = || format!("world folder {}", path.display());
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).with_context(shown)? {
            let file = entry.with_context(shown)?.path();
            if file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
                inside.push(file);
            }
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

/// The public keys that the world names by path, relative to `base`. A missing file is no key: its holder is
/// refused, and a warning says so when the snapshot is compiled.
///
/// # Errors
/// A file that is there and holds no key.
pub(crate) fn public_keys(world: &World, base: &Path) -> Result<KeyRing> {
    let mut ring = KeyRing::default();
    let issuers = world.consent_issuers.values().map(|issuer| &issuer.public_key);
    let credentials = world.credentials.values().filter_map(|credential| credential.public_key.as_ref());
    for key in issuers.chain(credentials) {
        let PublicKey::File(name) = key else { continue };
        let path = base.join(name);
        if !path.exists() {
            continue;
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("key file {}", path.display()))?;
        let Ok(bytes) = BASE64_STANDARD.decode(text.trim()) else {
            bail!("{} is not base64", path.display())
        };
        ring.public_keys.insert(name.clone(), bytes);
    }
    Ok(ring)
}
