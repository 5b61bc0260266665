//! `cargo xtask bench`: the load tests, in release mode with the peers they compare against.

use std::path::Path;

use anyhow::Result;

use crate::step;

/// Builds what is measured and runs `shuzha-load` with the given arguments.
///
/// # Errors
/// When cargo cannot be started.
pub(crate) fn run(root: &Path, args: &[String]) -> Result<bool> {
    let gateway = ["build", "--release", "-p", "shuzha", "-p", "shuzha-upstreams"];
    if !step::run("build", root, "cargo", &gateway)?.ok {
        return Ok(false);
    }
    let load = ["run", "--release", "-p", "shuzha-load", "--features", "peers", "--bin", "shuzha-load", "--"];
    let args: Vec<&str> = load.into_iter().chain(args.iter().map(String::as_str)).collect();
    Ok(step::run("bench", root, "cargo", &args)?.ok)
}
