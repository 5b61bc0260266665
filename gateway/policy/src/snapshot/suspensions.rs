//! What is suspended (暂时关闭): a unit, a product, a scenario, a data set, an operator, an operating agreement, or everything. An operator's stop of a unit or scenario
//! reaches that operator's products alone.

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

/// From when something is suspended, and what its caller is told.
struct Stop {
    since: Timestamp,
    /// The suspension's name and class; nobody's name.
    told: Box<str>,
    /// What the journal calls it, where that is not its name.
    noted: Box<str>,
}

/// Suspensions of one kind of target, by name.
#[derive(Default)]
struct Stops(HashMap<Id, Stop>);

impl Stops {
    /// Of two suspensions of one thing, the earlier one counts.
    fn note(&mut self, target: &Id, stop: Stop) {
        match self.0.get_mut(target) {
            Some(known) if known.since <= stop.since => {}
            Some(known) => *known = stop,
            None => drop(self.0.insert(target.clone(), stop)),
        }
    }

    fn begun(&self, name: &Id, now: Timestamp) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(name).filter(|stop| now >= stop.since).map(|stop| &*stop.told)
    }

    fn all(&self, kind: &'static str) -> impl Iterator<Item = (Stopped<'_>, Timestamp)> {
        self.0.iter().map(move |(name, stop)| {
            let name = if stop.noted.is_empty() { name.as_str() } else { &*stop.noted };
            (Stopped { kind, name }, stop.since)
        })
    }
}

/// Suspensions by target, each with the instant it began.
#[derive(Default)]
pub(crate) struct Suspensions {
    everything: Option<Stop>,
    units: Stops,
    products: Stops,
    scenarios: Stops,
    data_sets: Stops,
    operators: Stops,
    /// Operating agreements. What stands under another one too goes on.
    agreements: Stops,
    /// Of units and scenarios, for one operator's products, by operator.
    units_at: HashMap<Id, Stops>,
    scenarios_at: HashMap<Id, Stops>,
}

impl Suspensions {
    pub(crate) fn new<'w>(suspensions: impl IntoIterator<Item = (&'w Id, &'w Suspension)>) -> Self {
        let mut all = Self::default();
        for (name, suspension) in suspensions {
            let class = if suspension.emergency { "emergency" } else { "decided" };
            let told = format!("suspensions/{name}, {class}").into();
            let mut stop = Stop { since: suspension.since, told, noted: Box::default() };
            let of = suspension.operator.as_ref();
            if let (Some(operator), Target::Unit(name) | Target::Scenario(name)) = (of, &suspension.target) {
                stop.noted = format!("{name}@{operator}").into();
            }
            match (&suspension.target, of) {
                (Target::Everything, _) => {
                    if all.everything.as_ref().is_none_or(|known| stop.since < known.since) {
                        all.everything = Some(stop);
                    }
                }
                (Target::Unit(name), Some(operator)) => {
                    all.units_at.entry(operator.clone()).or_default().note(name, stop);
                }
                (Target::Scenario(name), Some(operator)) => {
                    all.scenarios_at.entry(operator.clone()).or_default().note(name, stop);
                }
                (Target::Unit(name), None) => all.units.note(name, stop),
                (Target::Scenario(name), None) => all.scenarios.note(name, stop),
                (Target::Product(name), _) => all.products.note(name, stop),
                (Target::DataSet(name), _) => all.data_sets.note(name, stop),
                (Target::Operator(name), _) => all.operators.note(name, stop),
                (Target::OperatingAgreement(name), _) => all.agreements.note(name, stop),
            }
        }
        all
    }

    /// What is suspended from when, by kind and name.
    fn all(&self) -> impl Iterator<Item = (Stopped<'_>, Timestamp)> {
        let everything =
            self.everything.as_ref().map(|stop| (Stopped { kind: "everything", name: "" }, stop.since));
        everything
            .into_iter()
            .chain(self.units.all("unit"))
            .chain(self.products.all("product"))
            .chain(self.scenarios.all("scenario"))
            .chain(self.data_sets.all("data-set"))
            .chain(self.operators.all("operator"))
            .chain(self.agreements.all("operating-agreement"))
            .chain(self.units_at.values().flat_map(|stops| stops.all("unit-at-operator")))
            .chain(self.scenarios_at.values().flat_map(|stops| stops.all("scenario-at-operator")))
    }

    /// What is suspended here and was not, or not from then, in `before`; in order.
    pub(crate) fn beyond<'s>(&'s self, before: &Self) -> Vec<(Stopped<'s>, Timestamp)> {
        let known: HashMap<_, _> = before.all().collect();
        let mut new: Vec<_> =
            self.all().filter(|(stopped, since)| known.get(stopped) != Some(since)).collect();
        new.sort_unstable();
        new
    }

    /// Which suspension reaches a call, where anything that it stands on is suspended. A call of the sandbox may name no
    /// scenario.
    pub(crate) fn stop(
        &self,
        unit: &Id,
        product: &Product,
        scenario: Option<&Scenario>,
        now: Timestamp,
    ) -> Option<&str> {
        let everything = self.everything.as_ref().filter(|stop| now >= stop.since).map(|stop| &*stop.told);
        everything
            .or_else(|| self.units.begun(unit, now))
            .or_else(|| self.products.begun(&product.name, now))
            .or_else(|| self.scenarios.begun(&scenario?.name, now))
            .or_else(|| product.data_sets.iter().find_map(|name| self.data_sets.begun(name, now)))
            .or_else(|| self.operators.begun(&product.operator, now))
            .or_else(|| self.of_agreements(product, scenario, now))
            .or_else(|| self.units_at.get(&product.operator)?.begun(unit, now))
            .or_else(|| self.scenarios_at.get(&product.operator)?.begun(&scenario?.name, now))
    }

    /// Which suspension of an operating agreement leaves data of the product without one.
    fn of_agreements(&self, product: &Product, scenario: Option<&Scenario>, now: Timestamp) -> Option<&str> {
        if self.agreements.0.is_empty() {
            return None;
        }
        let stopped = |name: &Id| self.agreements.begun(name, now).is_some();
        let scenario = scenario.map(|scenario| &scenario.name);
        self.agreements.begun(product.authorised.fails_without(scenario, now, stopped)?, now)
    }

    /// Whether the scenario itself is suspended.
    pub(crate) fn of_scenario(&self, scenario: &Id, now: Timestamp) -> bool {
        self.scenarios.begun(scenario, now).is_some()
    }
}
