//! What a node that serves from world files promised to people (ADR 0033). A register remembers every version; a file is written
//! over and forgets, so what it said of person-spaces and data sets is remembered beside the data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use shuzha_core::files::{self, Links};
use shuzha_files::secret;
use shuzha_products::World;
use shuzha_products::data::{Promised, Said};

/// The file in the data folder.
pub(crate) const PROMISES_FILE: &str = "promises.json";
/// Largest such file. A version of an object is a few kilobytes.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Kinds whose declarations others rely on.
const KINDS: [&str; 2] = ["PersonSpace", "DataSet"];

/// Everything that was declared, by kind and name, in its order.
type Told = BTreeMap<String, Vec<Value>>;

/// What is to be remembered once a world is put in force.
pub(crate) struct Promises {
    file: PathBuf,
    told: Told,
    is_new: bool,
}

impl Promises {
    /// Holds `world` against what was promised before.
    ///
    /// # Errors
    /// The promises that it would break; a file that cannot be read.
    pub(crate) fn check(world: &World, data_dir: &Path) -> Result<Self> {
        let file = data_dir.join(PROMISES_FILE);
        let mut told = if file.exists() { read(&file)? } else { Told::new() };
        let (mut broken, mut is_new) = (Vec::new(), false);
        for ((kind, name), spec) in world.specs.iter().filter(|((kind, _), _)| KINDS.contains(kind)) {
            let spec: Value = serde_json::from_str(spec).context("a spec of the world")?;
            let past = told.entry(format!("{kind}/{name}")).or_default();
            let promised = Promised::by(past.iter().map(Said::Declared));
            if let Err(fault) = promised.check(&spec) {
                broken.push(format!("{kind}/{name} {}: {} {}", fault.code, fault.path, fault.reason));
            } else if past.last() != Some(&spec) {
                past.push(spec);
                is_new = true;
            }
        }
        if !broken.is_empty() {
            bail!(
                "the world breaks what was promised to people (docs/guide-statistics.md):\n{}",
                broken.join("\n")
            );
        }
        Ok(Self { file, told, is_new })
    }

    /// Remembers.
    ///
    /// # Errors
    /// Of the disk.
    pub(crate) fn keep(self) -> Result<()> {
        if !self.is_new {
            return Ok(());
        }
        let text = serde_json::to_vec(&self.told).context("what was promised")?;
        if text.len() as u64 > FILE_BYTES_MAX {
            bail!("{} has more than {FILE_BYTES_MAX} bytes", self.file.display());
        }
        secret::replace(&self.file, &text)
    }
}

fn read(file: &Path) -> Result<Told> {
    let text = files::read_text(file, Links::Refuse, FILE_BYTES_MAX)?;
    serde_json::from_str(&text).with_context(|| format!("{} is damaged: restore it", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(cap: &str) -> World {
        let text = format!(
            "apiVersion: shuzha/v1\nkind: PersonSpace\nmetadata: {{name: people}}\nspec: {{measure: pure-eps, cap: \"{cap}\"}}\n"
        );
        World::parse(&[("people.yaml".to_owned(), text)]).expect("a world")
    }

    /// Issue 14, section 2: a cap in a file is written over like any text; it only falls all the same.
    #[test]
    fn e6_a_world_of_files_lifts_no_cap_over_restarts() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |cap: &str| Promises::check(&world(cap), folder.path()).and_then(Promises::keep);
        put("6.0").expect("the first");
        put("6.0").expect("the same");
        put("5.0").expect("it falls");
        for higher in ["6.0", "5.000000001", "9000"] {
            let told = put(higher).expect_err("higher").to_string();
            assert!(told.contains("PersonSpace/people") && told.contains("5.0"), "{told}");
        }
        // A space that was left out meanwhile begins nothing anew.
        let nothing = World::parse::<String, String>(&[]).expect("nothing");
        Promises::check(&nothing, folder.path()).and_then(Promises::keep).expect("nothing is promised");
        assert!(put("6.0").is_err());
        // What is refused is not remembered, and what cannot be read is not taken for nothing.
        put("4.0").expect("it falls");
        std::fs::write(folder.path().join(PROMISES_FILE), "{").expect("written");
        assert!(put("4.0").is_err());
    }
}
