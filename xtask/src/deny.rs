//! `cargo xtask deny`: licences, banned crates and sources of every dependency, by the rules in `deny.toml`.

use std::path::Path;

use anyhow::Result;

use crate::say::say;
use crate::step;

/// The version whose rules `deny.toml` is written in.
const VERSION: &str = "0.20.2";

/// Installs cargo-deny when it is absent and runs its checks.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let present = step::answers("cargo-deny", &["--version"]).is_some_and(|answer| answer.contains(VERSION));
    if !present {
        let install = ["install", "--locked", "cargo-deny", "--version", VERSION];
        if !step::run("install", root, "cargo", &install)?.ok {
            return Ok(false);
        }
    }
    // A wrapper may depend on a banned crate by a feature that is off, and the trees under each duplicate fill pages.
    let quiet = ["--hide-inclusion-graph", "-A", "unused-wrapper"];
    let args = [&["deny", "--locked", "check"], &quiet[..], &["licenses", "bans", "sources"]].concat();
    let outcome = step::run("deny", root, "cargo", &args)?;
    say("advisories are not checked here: that needs a copy of the advisory database");
    Ok(outcome.ok)
}
