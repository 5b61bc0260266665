//! Rules about dependencies: layers of our crates, and who may name which outside crate.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Finding;
use crate::step;

/// Where the layers are written down.
pub(crate) const ARCH_FILE: &str = "xtask/arch.toml";

/// What `xtask/arch.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arch {
    layers: BTreeMap<String, u8>,
    #[serde(default)]
    same_layer: Vec<SameLayer>,
    #[serde(default)]
    gate: Vec<Gate>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SameLayer {
    from: String,
    to: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gate {
    crates: Vec<String>,
    only: Vec<String>,
    reason: String,
}

/// One workspace package and the packages that its manifest names, of every kind.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
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

/// Every edge of the workspace against the layers and gates.
pub(crate) fn check(arch: &Arch, packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |message: String| findings.push(Finding::at(ARCH_FILE, 0, message));
    for package in packages {
        let Some(layer) = arch.layers.get(&package.name) else {
            find(format!("{} has no layer", package.name));
            continue;
        };
        for Dependency { name } in &package.dependencies {
            let Some(below) = arch.layers.get(name) else {
                if let Some(gate) = broken_gate(arch, &package.name, name) {
                    let only = gate.only.join(", ");
                    find(format!("{} names {name}, which only {only} may: {}", package.name, gate.reason));
                }
                continue;
            };
            let excepted = arch.same_layer.iter().any(|edge| edge.from == package.name && edge.to == *name);
            if below > layer || (below == layer && !excepted) {
                let edge = format!("{} (layer {layer}) depends on {name} (layer {below})", package.name);
                find(format!("{edge}: arrows go down only"));
            }
        }
    }
    for SameLayer { from, to, reason } in &arch.same_layer {
        if arch.layers.get(from) != arch.layers.get(to) || reason.trim().is_empty() {
            find(format!("the exception {from} → {to} is not of one layer or has no reason"));
        }
    }
    findings
}

fn broken_gate<'a>(arch: &'a Arch, from: &str, to: &str) -> Option<&'a Gate> {
    let matches = |pattern: &String| match pattern.strip_suffix('*') {
        Some(prefix) => to.starts_with(prefix),
        None => to == pattern,
    };
    let gate = arch.gate.iter().find(|gate| gate.crates.iter().any(matches))?;
    (!gate.only.iter().any(|only| only == from)).then_some(gate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCH: &str = r#"
        [layers]
        low = 0
        mid = 1
        side = 1
        top = 2
        [[same_layer]]
        from = "side"
        to = "mid"
        reason = "told why"
        [[gate]]
        crates = ["web", "db-*"]
        only = ["top"]
        reason = "edge"
    "#;

    fn found(edges: &[(&str, &str)]) -> Vec<String> {
        let arch = toml::from_str(ARCH).expect("the arch above parses");
        let package = |(from, to): &(&str, &str)| Package {
            name: (*from).to_owned(),
            dependencies: vec![Dependency { name: (*to).to_owned() }],
        };
        let packages: Vec<Package> = edges.iter().map(package).collect();
        check(&arch, &packages).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn edges_that_go_down_and_the_gate_keeper_pass() {
        let fine =
            [("top", "mid"), ("mid", "low"), ("side", "mid"), ("top", "web"), ("top", "db-x"), ("low", "x")];
        assert_eq!(found(&fine), [""; 0]);
    }

    #[test]
    fn each_planted_edge_is_found() {
        let planted = [
            (("low", "mid"), "low (layer 0) depends on mid (layer 1)"),
            (("mid", "side"), "mid (layer 1) depends on side (layer 1)"),
            (("mid", "web"), "mid names web, which only top may"),
            (("low", "db-lite"), "low names db-lite"),
            (("new", "low"), "new has no layer"),
        ];
        for (edge, expected) in planted {
            let findings = found(&[edge]);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].contains(expected), "{findings:?}");
        }
    }
}
