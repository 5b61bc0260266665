//! Rules about dependencies: layers of our crates, and who may name which outside crate.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::Deserialize;

use super::Finding;
use super::circles::Circle;
use crate::workspace::{Dependency, Package};

/// Where the layers are written down.
pub(crate) const ARCH_FILE: &str = "xtask/arch.toml";

/// Where outside crates are banned.
pub(crate) const DENY_FILE: &str = "deny.toml";

/// What `xtask/arch.toml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arch {
    #[serde(default)]
    for_tests: Vec<String>,
    layers: BTreeMap<String, u8>,
    #[serde(default)]
    same_layer: Vec<SameLayer>,
    #[serde(default)]
    gate: Vec<Gate>,
    #[serde(default)]
    pub(crate) circle: Vec<Circle>,
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

impl Arch {
    /// The layer of a crate of ours.
    pub(crate) fn layer(&self, name: &str) -> Option<u8> {
        self.layers.get(name).copied()
    }
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
        for Dependency { name, kind } in &package.dependencies {
            if arch.for_tests.contains(name) {
                if kind.as_deref() != Some("dev") && !arch.for_tests.contains(&package.name) {
                    find(format!("{} is built of {name}, which is for tests alone", package.name));
                }
                continue;
            }
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

/// What `deny.toml` bans, as far as it is read here.
#[derive(Deserialize)]
struct Deny {
    bans: Bans,
}

#[derive(Deserialize)]
struct Bans {
    #[serde(default)]
    deny: Vec<Ban>,
}

/// A crate that only its wrappers may name; without wrappers, nobody may, and then it is rightly nowhere.
#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    #[serde(default)]
    wrappers: Vec<String>,
}

/// Every crate that `arch.toml` or `deny.toml` names exists: ours in the workspace, others in the lock file.
///
/// # Errors
/// When `deny.toml` does not parse.
pub(crate) fn names(
    arch: &Arch,
    packages: &[Package],
    lock: &str,
    deny: &str,
) -> anyhow::Result<Vec<Finding>> {
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let locked: BTreeSet<&str> = names.collect();
    let there = |pattern: &str| match pattern.strip_suffix('*') {
        Some(prefix) => locked.range(prefix..).next().is_some_and(|name| name.starts_with(prefix)),
        None => locked.contains(pattern),
    };
    let of_ours =
        arch.layers.keys().chain(&arch.for_tests).chain(arch.gate.iter().flat_map(|gate| &gate.only));
    let of_ours = of_ours.chain(arch.same_layer.iter().flat_map(|edge| [&edge.from, &edge.to]));
    let gated = arch.gate.iter().flat_map(|gate| &gate.crates);
    let missing: BTreeSet<&String> = of_ours
        .filter(|name| !ours.contains(name.as_str()))
        .chain(gated.filter(|name| !there(name)))
        .collect();
    let deny: Deny = toml::from_str(deny).context("deny.toml does not parse")?;
    let bans = deny.bans.deny.iter().filter(|ban| !ban.wrappers.is_empty());
    let banned = bans.flat_map(|ban| ban.wrappers.iter().chain([&ban.name])).filter(|name| !there(name));
    let banned: BTreeSet<&String> = banned.collect();
    let finding =
        |path, name: &String| Finding::at(path, 0, format!("names the crate {name}, which does not exist"));
    let of_arch = missing.into_iter().map(|name| finding(ARCH_FILE, name));
    Ok(of_arch.chain(banned.into_iter().map(|name| finding(DENY_FILE, name))).collect())
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
        for_tests = ["kit"]
        [layers]
        kit = 9
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
        found_of(edges, None)
    }

    fn found_of(edges: &[(&str, &str)], kind: Option<&str>) -> Vec<String> {
        let arch = toml::from_str(ARCH).expect("the arch above parses");
        let package = |(from, to): &(&str, &str)| Package {
            name: (*from).to_owned(),
            description: None,
            dependencies: vec![Dependency { name: (*to).to_owned(), kind: kind.map(str::to_owned) }],
        };
        let packages: Vec<Package> = edges.iter().map(package).collect();
        check(&arch, &packages).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn edges_that_go_down_and_the_gate_keeper_pass() {
        let fine =
            [("top", "mid"), ("mid", "low"), ("side", "mid"), ("top", "web"), ("top", "db-x"), ("low", "x")];
        assert_eq!(found(&fine), [""; 0]);
        assert_eq!(found_of(&[("low", "kit"), ("kit", "top")], Some("dev")), [""; 0]);
    }

    #[test]
    fn each_planted_edge_is_found() {
        let planted = [
            (("low", "mid"), "low (layer 0) depends on mid (layer 1)"),
            (("mid", "side"), "mid (layer 1) depends on side (layer 1)"),
            (("mid", "web"), "mid names web, which only top may"),
            (("low", "db-lite"), "low names db-lite"),
            (("new", "low"), "new has no layer"),
            (("top", "kit"), "top is built of kit, which is for tests alone"),
        ];
        for (edge, expected) in planted {
            let findings = found(&[edge]);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].contains(expected), "{findings:?}");
        }
    }

    #[test]
    fn a_crate_that_does_not_exist_is_found_wherever_it_is_named() {
        let arch: Arch = toml::from_str(ARCH).expect("the arch above parses");
        let package =
            |name: &str| Package { name: name.to_owned(), description: None, dependencies: Vec::new() };
        let packages = ["low", "mid", "side", "top", "kit"].map(package);
        let lock = "name = \"db-x\"\nname = \"mid\"\nname = \"top\"\nname = \"web\"\n";
        let deny = "[bans]\ndeny = [{ crate = 'web', wrappers = ['top'] }, { crate = 'never' }]\n";
        let found = |packages: &[Package], lock: &str, deny: &str| -> Vec<String> {
            let findings = names(&arch, packages, lock, deny).expect("deny.toml parses");
            findings.iter().map(Finding::to_string).collect()
        };
        assert_eq!(found(&packages, lock, deny), [""; 0]);
        let gone = |file, name| vec![format!("{file}: names the crate {name}, which does not exist")];
        assert_eq!(found(&packages[1..], lock, deny), gone(ARCH_FILE, "low"));
        assert_eq!(found(&packages, &lock.replace("db-x", "dbx"), deny), gone(ARCH_FILE, "db-*"));
        assert_eq!(found(&packages, lock, &deny.replace("'top'", "'old'")), gone(DENY_FILE, "old"));
    }
}
