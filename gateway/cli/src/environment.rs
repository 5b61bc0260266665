//! What the environment says to the commands that call a control plane.

use std::env;
use std::path::PathBuf;

/// Names the file with the API token.
pub(crate) const TOKEN_FILE: &str = "SHUZHA_API_TOKEN_FILE";

/// Where the API token is kept: `SHUZHA_API_TOKEN_FILE`, or `shuzha/token` in the person's configuration folder. None for
/// who has no home.
pub(crate) fn token_file() -> Option<PathBuf> {
    let set = |name| env::vars_os().find(|(known, _)| known == name).map(|(_, value)| value);
    let path = |name| set(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    path(TOKEN_FILE).or_else(|| {
        let folder = path("XDG_CONFIG_HOME").or_else(|| path("HOME").map(|home| home.join(".config")))?;
        Some(folder.join("shuzha/token"))
    })
}
