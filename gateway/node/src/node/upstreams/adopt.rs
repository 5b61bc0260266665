//! Keys of services that were declared when a declaration named its key file: they go on with the key they have.
//!
//! Any file of the data folder could be named. Taken over is only what can be a service's own key: a file in `keys/` that
//! the node uses for nothing else and that services of one operator alone name. Anybody else's service gets a key of its
//! own, and its operator learns of it by what the log says.

use std::path::Path;

use anyhow::Result;
use shuzha_core::Id;
use shuzha_files::secret;
use shuzha_products::World;

/// Copies the key in the file `before`, of the data folder, to `path`, where it may be the service's own.
///
/// # Errors
/// When the copy cannot be written.
pub(super) fn key(name: &Id, before: &str, world: &World, data_dir: &Path, path: &Path) -> Result<()> {
    if let Err(reason) = may_be_taken(name, before, world, data_dir) {
        tracing::error!(upstream = %name, file = before, reason, "a new key is made for the product service");
        return Ok(());
    }
    let source = data_dir.join(before);
    if !source.exists() {
        return Ok(());
    }
    let key = secret::load(&source)?;
    if let Some(dir) = path.parent() {
        secret::private_dir(dir)?;
    }
    tracing::warn!(upstream = %name, file = before, "its key is kept under the service's own name from now on");
    secret::write_new(path, &key)
}

/// Whether the file can be the service's own key.
fn may_be_taken(name: &Id, before: &str, world: &World, data_dir: &Path) -> Result<(), &'static str> {
    let Some(file) = before.strip_prefix("keys/").filter(|file| !file.contains('/')) else {
        return Err("it is not in the folder of keys");
    };
    let stem = file.strip_suffix(".key").ok_or("it is no file of a key")?;
    if OWN.iter().any(|own| stem == *own || stem.starts_with(&format!("{own}-"))) {
        return Err("it is a key of the node itself");
    }
    let is_link = |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file());
    if is_link(&data_dir.join(before)) {
        return Err("it is no plain file");
    }
    let own = &world.upstreams[name].operator;
    let same_file = world.upstreams.values().filter(|other| other.key_file_before.as_deref() == Some(before));
    if same_file.into_iter().any(|other| other.operator != *own) {
        return Err("services of several operators name it");
    }
    Ok(())
}

/// First words of the keys that the node has for itself.
const OWN: &[&str] =
    &["master", "commit", "pseudonym", "watermark", "consent", "log", "period", "witness", "anchor"];

#[cfg(test)]
mod tests;
