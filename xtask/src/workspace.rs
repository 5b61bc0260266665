//! The workspace as cargo describes it: its packages and what their manifests name.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::step;

/// One workspace package and the packages that its manifest names, of every kind.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// One sentence from its manifest.
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// What it names: normal, for tests, for its build script.
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependencies.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    /// The package that is named.
    pub(crate) name: String,
    /// `dev` or `build`; absent for what the crate itself is built of.
    #[serde(default)]
    pub(crate) kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Asks cargo for the workspace's packages.
///
/// # Errors
/// When `cargo metadata` fails or answers in another shape.
pub(crate) fn packages(root: &Path) -> Result<Vec<Package>> {
    let manifest = root.join("Cargo.toml");
    let manifest = manifest.to_str().context("the repository's path is not UTF-8")?;
    let args = ["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path", manifest];
    let json = step::answers("cargo", &args).context("cargo metadata failed")?;
    let metadata: Metadata = serde_json::from_str(&json).context("cargo metadata changed its shape")?;
    Ok(metadata.packages)
}
