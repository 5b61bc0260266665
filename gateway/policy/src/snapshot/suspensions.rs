//! What is suspended (暂时关闭): a unit, a product, a scenario, a data set, or everything.

use std::collections::HashMap;

use shuzha_core::{Id, Timestamp};
use shuzha_products::suspension::{Suspension, Target};

use super::{Product, Scenario};

/// Something that is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stopped<'s> {
    /// What kind of thing, as the journal names it.
    pub(crate) kind: &'static str,
    /// Its name; empty of everything.
    pub(crate) name: &'s str,
}

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

    /// What is suspended from when, by kind and name.
    fn all(&self) -> impl Iterator<Item = (Stopped<'_>, Timestamp)> {
        fn of<'s>(
            kind: &'static str,
            map: &'s HashMap<Id, Timestamp>,
        ) -> impl Iterator<Item = (Stopped<'s>, Timestamp)> {
            map.iter().map(move |(name, since)| (Stopped { kind, name: name.as_str() }, *since))
        }
        let everything = self.everything.map(|since| (Stopped { kind: "everything", name: "" }, since));
        everything
            .into_iter()
            .chain(of("unit", &self.units))
            .chain(of("product", &self.products))
            .chain(of("scenario", &self.scenarios))
            .chain(of("data-set", &self.data_sets))
    }

    /// What is suspended here and was not, or not from then, in `before`; in order.
    pub(crate) fn beyond<'s>(&'s self, before: &Self) -> Vec<(Stopped<'s>, Timestamp)> {
        let known: HashMap<_, _> = before.all().collect();
        let mut new: Vec<_> =
            self.all().filter(|(stopped, since)| known.get(stopped) != Some(since)).collect();
        new.sort_unstable();
        new
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
