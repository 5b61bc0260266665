//! Under what conditions the free lines of a statement are free (REQUIREMENTS F6).

use std::collections::BTreeMap;

use serde_json::Value;
use shuzha_core::Id;
use shuzha_pricing::Basis;
use shuzha_pricing::closing::RatedLine;

use super::Finance;
use crate::Error;

/// What free use stands on, as the register records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeLines {
    /// `Scenario`, where its purpose is free, or `Price`.
    pub kind: &'static str,
    /// Its name.
    pub name: Id,
    /// The class of purpose, or what the price names as its ground.
    pub ground: String,
    /// The conditions; none where none are on record.
    pub conditions: Vec<String>,
}

impl Finance {
    /// Under what conditions lines are free, each scenario and price once.
    pub(super) fn free_use(&self, lines: &[RatedLine]) -> Result<Vec<FreeLines>, Error> {
        let mut grounds: BTreeMap<(&'static str, &Id), String> = BTreeMap::new();
        for RatedLine { line, .. } in lines {
            match line.basis {
                Basis::FreePurpose => {
                    grounds.insert(("Scenario", &line.scenario), line.purpose.as_str().to_owned());
                }
                Basis::FreePrice => drop(grounds.insert(("Price", &line.price), String::new())),
                Basis::FreeProvider => drop(grounds.insert(("Price", &line.price), "provider".to_owned())),
                _ => {}
            }
        }
        let force = self.0.control.force();
        let mut found = Vec::new();
        for ((kind, name), ground) in grounds {
            let spec = force.spec(kind, name)?.unwrap_or_default();
            let texts = |value: &Value| {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
            };
            let said = spec["free"]["ground"].as_str().map(str::to_owned);
            let conditions =
                texts(if kind == "Price" { &spec["free"]["conditions"] } else { &spec["freeUse"] });
            found.push(FreeLines { kind, name: name.clone(), ground: said.unwrap_or(ground), conditions });
        }
        Ok(found)
    }
}
