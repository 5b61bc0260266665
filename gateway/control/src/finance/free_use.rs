//! Under what conditions the free lines of a statement are free (REQUIREMENTS F6).

use std::collections::BTreeMap;

use serde_json::Value;
use shuzha_core::{Id, Timestamp};
use shuzha_pricing::Basis;
use shuzha_pricing::closing::RatedLine;
use shuzha_pricing::statement_page::FreeGround;

use super::Finance;
use crate::Error;

impl Finance {
    /// Under what conditions lines are free, each scenario and price once, as the register stood then: what a statement says of a
    /// closed period does not change with the register.
    pub(super) fn free_use(&self, lines: &[RatedLine], at: Timestamp) -> Result<Vec<FreeGround>, Error> {
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
        let mut found = Vec::new();
        for ((kind, name), ground) in grounds {
            let spec = self.spec(kind, name, at)?;
            let texts = |value: &Value| {
                let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
            };
            let said = spec["free"]["ground"].as_str().map(str::to_owned);
            let conditions =
                texts(if kind == "Price" { &spec["free"]["conditions"] } else { &spec["freeUse"] });
            found.push(FreeGround { kind, name: name.clone(), ground: said.unwrap_or(ground), conditions });
        }
        Ok(found)
    }
}
