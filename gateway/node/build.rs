//! Embeds the pages of `docs/errors`, so that the gateway serves the page its refusals point at.

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    embed("../../docs/errors", "error_pages.rs", |name| name.starts_with('C') && name.ends_with(".md"));
}

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by environment variables")]
fn from_cargo(name: &str) -> String {
    std::env::var(name).expect("cargo sets it")
}

/// Writes `out`, a slice of (name without ending, text) of the files in `folder` that `takes` wants.
fn embed(folder: &str, out: &str, takes: fn(&str) -> bool) {
    let manifest = from_cargo("CARGO_MANIFEST_DIR");
    let folder = Path::new(&manifest).join(folder);
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder is part of the repository")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| takes(name))
        .collect();
    names.sort();
    let mut code = String::from("&[\n");
    for name in names {
        let path = folder.join(&name).canonicalize().expect("the file was just listed");
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
        writeln!(code, "    ({stem:?}, include_str!({path:?})),").expect("a string takes it");
    }
    code.push(']');
    let target = from_cargo("OUT_DIR");
    std::fs::write(Path::new(&target).join(out), code).expect("OUT_DIR is writable");
}
