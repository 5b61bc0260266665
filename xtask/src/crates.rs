//! `docs/crates.md`: the crates, what each is for, and the arrows between them, from the manifests and the layers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::tidy::edges::Arch;
use crate::workspace::Package;

/// What is written.
pub(crate) const PAGE_FILE: &str = "docs/crates.md";

/// Crates that a crate is built of, by name.
type Edges<'p> = BTreeMap<&'p str, BTreeSet<&'p str>>;

/// The page.
pub(crate) fn page(arch: &Arch, packages: &[Package]) -> String {
    let own: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let edges: Edges<'_> = packages
        .iter()
        .map(|package| {
            let built_of = package.dependencies.iter().filter(|dependency| dependency.kind.is_none());
            let named = built_of.map(|dependency| dependency.name.as_str()).filter(|name| own.contains(name));
            (package.name.as_str(), named.collect())
        })
        .collect();
    let mut layers: BTreeMap<u8, Vec<&Package>> = BTreeMap::new();
    for package in packages {
        layers.entry(arch.layer(&package.name).unwrap_or(u8::MAX)).or_default().push(package);
    }
    let mut page = String::from(
        "# Crates\n\nWritten by `cargo xtask pages` from the manifests and `xtask/arch.toml`; do not edit. What each crate may not know is in \
         [ARCHITECTURE.md](../ARCHITECTURE.md).\n\nAn arrow goes from a crate to one that it is built of; arrows that follow from others are left \
         out.\n\n```mermaid\ngraph TD\n",
    );
    let mut put = |line: std::fmt::Arguments<'_>| writeln!(page, "{line}").expect("a string takes all");
    for (layer, packages) in layers.iter().rev() {
        put(format_args!("    subgraph layer{layer} [layer {layer}]"));
        for package in packages {
            put(format_args!("        {}", package.name));
        }
        put(format_args!("    end"));
    }
    for (from, to) in &edges {
        for to in to.iter().filter(|to| !follows(&edges, from, to)) {
            put(format_args!("    {from} --> {to}"));
        }
    }
    put(format_args!("```\n\n| layer | crate | what it is | is built of |\n|---|---|---|---|"));
    for (layer, packages) in &layers {
        for package in packages {
            let built_of = edges[package.name.as_str()].iter().copied().collect::<Vec<_>>().join(", ");
            let what = package.description.as_deref().unwrap_or_default();
            put(format_args!("| {layer} | `{}` | {what} | {built_of} |", package.name));
        }
    }
    page
}

/// Whether `to` is reached from `from` by way of another crate.
fn follows(edges: &Edges<'_>, from: &str, to: &str) -> bool {
    fn reaches(edges: &Edges<'_>, from: &str, to: &str) -> bool {
        edges
            .get(from)
            .is_some_and(|next| next.contains(to) || next.iter().any(|next| reaches(edges, next, to)))
    }
    edges[from].iter().any(|next| *next != to && reaches(edges, next, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    #[test]
    fn arrows_that_follow_from_others_are_left_out() {
        let package = |name: &str, on: &[&str]| Package {
            name: name.to_owned(),
            description: Some(format!("The {name}")),
            dependencies: on.iter().map(|on| Dependency { name: (*on).to_owned(), kind: None }).collect(),
        };
        let packages =
            [package("top", &["low", "mid", "outside"]), package("mid", &["low"]), package("low", &[])];
        let arch: Arch = toml::from_str("[layers]\nlow = 0\nmid = 1\ntop = 2\n").expect("it parses");
        let page = page(&arch, &packages);
        assert!(page.contains("    mid --> low\n    top --> mid\n```"), "{page}");
        assert!(page.ends_with("| 2 | `top` | The top | low, mid |\n"), "{page}");
    }
}
