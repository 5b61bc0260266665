//! What only the whole world can show: duplicates, overlaps, prices above their ceilings.

use std::collections::HashMap;
use std::hash::Hash;

use shuzha_core::{Id, NanoCharge};
use shuzha_pricing::{Ceiling, Price, PriceBook, PriceFault};

use super::object::Declared;
use super::{Object, World};
use crate::credential::ConsentIssuer;
use crate::data::DataSet;
use crate::parties::Organisation;
use crate::registration::Certificate;
use crate::rights::Grant;
use crate::upstream::Upstream;
use crate::yaml::Faults;
use crate::{Window, WorldError};

/// Reports every fault of the world as a whole, and sets up its price book.
pub(super) fn whole(world: &mut World, declared: &Declared, faults: &Faults) {
    let report = Report { declared, faults };
    let codes = world.organisations.iter().map(|(id, one)| (id, one.uscc.as_str()));
    report.unique::<Organisation>(codes, "spec.uscc");
    let codes = world.certificates.iter().map(|(id, one)| (id, one.code.as_str()));
    report.unique::<Certificate>(codes, "spec.code");
    let kids = world.consent_issuers.iter().map(|(id, one)| (id, one.kid.as_str()));
    report.unique::<ConsentIssuer>(kids, "spec.kid");
    // At each instant one grant speaks for (unit, scenario, product, operation).
    let grants = world.grants.iter().flat_map(|(id, grant)| {
        let key = move |operation| (&grant.unit, &grant.scenario, &grant.product, operation);
        grant.operations.iter().map(move |one| (id, key(&one.operation), grant.window))
    });
    report.disjoint::<Grant, _>(grants);
    synthetic_services(world, &report);
    reserved_budgets(world, &report);
    prices(world, &report);
}

/// What a data set's quotas set aside is there: the caps of all data sets over its people fit under their one cap.
fn reserved_budgets(world: &World, report: &Report<'_>) {
    let terms = || world.data_sets.iter().filter_map(|(id, set)| Some((id, set.privacy.as_ref()?)));
    for (id, reserving) in terms().filter(|(_, terms)| terms.quotas.reserved) {
        let sharing = terms().filter(|(_, terms)| terms.person_space == reserving.person_space);
        let sum = sharing.fold(Some(NanoCharge::ZERO), |sum, (_, terms)| sum?.checked_add(terms.cap));
        let space = world.person_spaces.get(&reserving.person_space).map(|space| space.cap);
        if sum.is_none() || sum > space {
            let reason = "the caps of the data sets over these people add up to more than the person-space's";
            report.fault::<DataSet>(id, "spec.privacy.quotas.reserved", reason.to_owned());
        }
    }
}

/// No instance stands for a synthetic service and for a real one: a trial would reach real data (REQUIREMENTS K1).
fn synthetic_services(world: &World, report: &Report<'_>) {
    let of = |synthetic| world.upstreams.iter().filter(move |(_, one)| one.synthetic == synthetic);
    for (id, service) in of(true) {
        let shares = |real: &Upstream| real.endpoints.iter().any(|one| service.endpoints.contains(one));
        if let Some((real, _)) = of(false).find(|(_, real)| shares(real)) {
            let reason = format!("shares an instance with `{real}`, which is not synthetic");
            report.fault::<Upstream>(id, "spec.endpoints", reason);
        }
    }
}

/// A price is published only under a ceiling in force for all of its window (REQUIREMENTS F2). Two ceilings one after
/// the other need two prices: the act behind each is part of the price.
fn prices(world: &mut World, report: &Report<'_>) {
    let mut by_product: HashMap<&Id, Vec<&Ceiling>> = HashMap::new();
    for ceiling in world.ceilings.values() {
        by_product.entry(&ceiling.product).or_default().push(ceiling);
    }
    for (id, price) in &world.prices {
        let ceilings = by_product.get(&price.product).map(Vec::as_slice).unwrap_or_default();
        let (from, until) = (price.effective.from(), price.effective.until());
        let covers = |ceiling: &Ceiling| {
            ceiling.effective.from() <= from
                && ceiling.effective.until().is_none_or(|end| until.is_some_and(|until| until <= end))
        };
        if !ceilings.iter().any(|ceiling| covers(ceiling)) {
            report.fault::<Price>(id, "spec.window", "no ceiling covers the whole window".to_owned());
        }
    }
    match PriceBook::build(
        world.prices.values().cloned().collect(),
        world.ceilings.values().cloned().collect(),
    ) {
        Ok(book) => world.price_book = book,
        Err(faults) => faults.iter().for_each(|fault| report.price(world, fault)),
    }
}

struct Report<'r> {
    declared: &'r Declared,
    faults: &'r Faults,
}

impl Report<'_> {
    fn fault<T: Object>(&self, id: &Id, path: &str, reason: String) {
        let origin = self.declared.origin::<T>(id);
        let (file, line) = origin.map_or(("?", 0), |origin| (&*origin.file, origin.line));
        let (file, object, path) = (file.to_owned(), format!("{}/{id}", T::KIND), path.to_owned());
        self.faults.push(WorldError { file, line, object, path, reason });
    }

    /// A fault of the price book, at the object it is about.
    fn price(&self, world: &World, fault: &PriceFault) {
        let reason = fault.to_string();
        match fault {
            PriceFault::AboveCeiling(id, _) => self.fault::<Price>(id, "spec.perCall", reason),
            PriceFault::Overlap(_, id) => self.fault::<Price>(id, "spec.window", reason),
            PriceFault::CeilingOverlap(_, id) => self.fault::<Ceiling>(id, "spec.window", reason),
            PriceFault::Duplicate(id) | PriceFault::Act(id) | PriceFault::Amount(id) => {
                if world.prices.contains_key(id) {
                    self.fault::<Price>(id, "spec", reason);
                } else {
                    self.fault::<Ceiling>(id, "spec", reason);
                }
            }
        }
    }

    /// No two objects share `value`.
    fn unique<'w, T: Object>(&self, values: impl Iterator<Item = (&'w Id, &'w str)>, path: &str) {
        let mut seen: HashMap<&str, &Id> = HashMap::new();
        for (id, value) in values {
            if let Some(first) = seen.insert(value, id) {
                self.fault::<T>(id, path, format!("is the same as that of `{first}`"));
            }
        }
    }

    /// No two windows of the same key overlap.
    fn disjoint<'w, T: Object, K: Eq + Hash>(&self, windows: impl Iterator<Item = (&'w Id, K, Window)>) {
        let mut by_key: HashMap<K, Vec<(Window, &Id)>> = HashMap::new();
        for (id, key, window) in windows {
            by_key.entry(key).or_default().push((window, id));
        }
        for mut group in by_key.into_values() {
            group.sort_by_key(|(window, id)| (window.from(), *id));
            for pair in group.windows(2) {
                let [(first, first_id), (second, second_id)] = pair else { continue };
                if first.overlaps(*second) {
                    self.fault::<T>(second_id, "spec.window", format!("overlaps that of `{first_id}`"));
                }
            }
        }
    }
}
