//! Embeds the pages of `docs/errors`, so that the gateway serves the page its refusals point at.

use std::fmt::Write as _;
use std::path::Path;

fn main() {
    let manifest = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = std::env::var("OUT_DIR").expect("cargo sets it");
    let pages = Path::new(&manifest).join("../../docs/errors");
    println!("cargo::rerun-if-changed={}", pages.display());
    let mut names: Vec<String> = std::fs::read_dir(&pages)
        .expect("docs/errors is part of the repository")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with('C') && name.ends_with(".md"))
        .collect();
    names.sort();
    let mut code = String::from("&[\n");
    for name in names {
        let path = pages.join(&name).canonicalize().expect("the page was just listed");
        let stem = name.trim_end_matches(".md");
        writeln!(code, "    ({stem:?}, include_str!({path:?})),").expect("a string takes it");
    }
    code.push(']');
    std::fs::write(Path::new(&out).join("error_pages.rs"), code).expect("OUT_DIR is writable");
}
