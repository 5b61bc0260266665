//! Who provided what products are made of, as the register stood when a period ended.
//!
//! Shares and contributions of a period do not follow from what is declared by the time of its close: a data set that is added, or
//! goes to another provider, in the days of grace takes nothing of the month that is over.

use std::collections::BTreeMap;

use serde_json::Value;
use shuzha_core::{Id, Timestamp};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Quality, Terms};
use shuzha_pricing::split::Contributions;
use shuzha_store::register::Object;

use super::Finance;
use super::terms::Instead;
use crate::Error;
use crate::force::{json, waits};

/// Specs by name.
type Specs = BTreeMap<Id, Value>;

impl Finance {
    /// Puts into `terms` whose data each product was made of when `month` ended, who operated it, and what tickets of the month
    /// say of the data; with some objects as they would be `instead`.
    ///
    /// # Errors
    /// Of the register.
    pub(super) fn as_provided(
        &self,
        terms: &mut Terms,
        month: Month,
        instead: &Instead,
    ) -> Result<(), Error> {
        let register = self.0.control.register();
        let of = |kind: &str| -> Result<Specs, Error> {
            let mut specs = standing(register.versions(kind)?, month.end())?;
            let instead = instead.iter().filter(|((one, _), _)| *one == kind);
            specs.extend(instead.map(|((_, name), spec)| (name.clone(), spec.clone())));
            Ok(specs)
        };
        let (products, sets) = (of("Product")?, of("DataSet")?);
        let provider = |set: &str| sets.get(set).and_then(|spec| id(spec, "provider"));
        for (name, product) in &products {
            let mut sources = Contributions::new();
            for set in product.get("dataSets").and_then(Value::as_array).into_iter().flatten() {
                if let Some(provider) = set.as_str().and_then(provider) {
                    *sources.entry(provider).or_default() += 1;
                }
            }
            terms.sources.insert(name.clone(), sources);
            if let Some(operator) = id(product, "operator") {
                terms.operators.insert(name.clone(), operator);
            }
        }
        for ticket in latest(register.versions("Ticket")?) {
            if !(month.begin()..month.end()).contains(&ticket.created) {
                continue;
            }
            let spec = json(&ticket, &ticket.spec)?;
            let found =
                id(&spec, "product").zip(spec.get("dataSet").and_then(Value::as_str).and_then(provider));
            let Some(of) = found else { continue };
            let quality: &mut Quality = terms.quality.entry(of).or_default();
            quality.tickets += 1;
            quality.faults += u64::from(found_wrong(&ticket)?);
        }
        Ok(())
    }
}

/// Whether the provider said last that its data were wrong.
fn found_wrong(ticket: &Object) -> Result<bool, Error> {
    let Some(state) = &ticket.state else { return Ok(false) };
    let state = json(ticket, &state.json)?;
    let last = state.get("answers").and_then(Value::as_array).and_then(|answers| answers.last());
    let verdict = last.and_then(|last| last.get("verdict")).and_then(Value::as_str);
    Ok(matches!(verdict, Some("corrected" | "will-correct")))
}

fn id(spec: &Value, key: &str) -> Option<Id> {
    Id::new(spec.get(key)?.as_str()?).ok()
}

/// What stood before `at`: of each object the last version that was in force then. Where none of then is kept, the first that
/// is: no earlier one is known, and what is newer than the calls of a period is in none of them.
fn standing(versions: Vec<Object>, at: Timestamp) -> Result<Specs, Error> {
    let mut found: BTreeMap<Id, Object> = BTreeMap::new();
    for one in versions.into_iter().filter(|one| !waits(one.state.as_ref())) {
        if one.updated < at || !found.contains_key(&one.name) {
            found.insert(one.name.clone(), one);
        }
    }
    found.into_values().map(|one| Ok((one.name.clone(), json(&one, &one.spec)?))).collect()
}

/// The last version of each object.
fn latest(versions: Vec<Object>) -> impl Iterator<Item = Object> {
    let found: BTreeMap<Id, Object> = versions.into_iter().map(|one| (one.name.clone(), one)).collect();
    found.into_values()
}
