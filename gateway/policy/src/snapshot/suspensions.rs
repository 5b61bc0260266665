//! What is suspended (暂时关闭): a unit, a product, a scenario, a data set, or everything.

use std::collections::HashMap;

use shuzha_core::{Id, Timestamp};
use shuzha_products::suspension::{Suspension, Target};

use super::{Product, Scenario};

/// Suspensions by target, each with the instant it began.
#[derive(Default)]
pub(crate) struct Suspensions {
    everything: Option<Timestamp>,
    units: HashMap<Id, Timestamp>,
    products: HashMap<Id, Timestamp>,
    scenarios: HashMap<Id, Timestamp>,
    data_sets: HashMap<Id, Timestamp>,
}

impl Suspensions {
    pub(crate) fn new<'w>(suspensions: impl IntoIterator<Item = &'w Suspension>) -> Self {
        let mut all = Self::default();
        for suspension in suspensions {
            let since = suspension.since;
            let note = |map: &mut HashMap<Id, Timestamp>, name: &Id| {
                map.entry(name.clone()).and_modify(|at| *at = since.min(*at)).or_insert(since);
            };
            match &suspension.target {
                Target::Everything => {
                    all.everything = Some(all.everything.map_or(since, |at| at.min(since)));
                }
                Target::Unit(name) => note(&mut all.units, name),
                Target::Product(name) => note(&mut all.products, name),
                Target::Scenario(name) => note(&mut all.scenarios, name),
                Target::DataSet(name) => note(&mut all.data_sets, name),
            }
        }
        all
    }

    /// Whether anything that a call stands on is suspended. A call of the sandbox may name no scenario.
    pub(crate) fn stop(
        &self,
        unit: &Id,
        product: &Product,
        scenario: Option<&Scenario>,
        now: Timestamp,
    ) -> bool {
        self.everything(now)
            || begun(&self.units, unit, now)
            || begun(&self.products, &product.name, now)
            || scenario.is_some_and(|scenario| begun(&self.scenarios, &scenario.name, now))
            || product.data_sets.iter().any(|name| begun(&self.data_sets, name, now))
    }

    /// Whether the scenario itself is suspended.
    pub(crate) fn of_scenario(&self, scenario: &Id, now: Timestamp) -> bool {
        begun(&self.scenarios, scenario, now)
    }

    fn everything(&self, now: Timestamp) -> bool {
        self.everything.is_some_and(|since| now >= since)
    }
}

fn begun(map: &HashMap<Id, Timestamp>, name: &Id, now: Timestamp) -> bool {
    !map.is_empty() && map.get(name).is_some_and(|since| now >= *since)
}
