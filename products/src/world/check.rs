//! What only the whole world can show: duplicates, overlaps, prices above their ceilings.

use std::collections::HashMap;
use std::hash::Hash;

use shuzha_core::Id;

use super::{Object, Origins, World};
use crate::parties::Organisation;
use crate::price::{Ceiling, Price};
use crate::registration::Certificate;
use crate::rights::Grant;
use crate::yaml::Faults;
use crate::{Window, WorldError};

/// Reports every fault of the world as a whole.
pub(super) fn whole(world: &World, origins: &Origins, faults: &Faults) {
    let report = Report { origins, faults };
    let codes = world.organisations.iter().map(|(id, one)| (id, one.uscc.as_str()));
    report.unique::<Organisation>(codes, "spec.uscc");
    let codes = world.certificates.iter().map(|(id, one)| (id, one.code.as_str()));
    report.unique::<Certificate>(codes, "spec.code");
    let kids = world.consent_issuers.iter().map(|(id, one)| (id, one.kid.as_str()));
    report.unique::<crate::credential::ConsentIssuer>(kids, "spec.kid");

    let prices = world.prices.iter().map(|(id, price)| (id, &price.product, price.window));
    report.disjoint::<Price, _>(prices, "spec.window");
    let ceilings = world.ceilings.iter().map(|(id, ceiling)| (id, &ceiling.product, ceiling.window));
    report.disjoint::<Ceiling, _>(ceilings, "spec.window");
    let grants = world.grants.iter().flat_map(|(id, grant)| {
        let key = move |operation| (&grant.unit, &grant.scenario, &grant.product, operation);
        grant.operations.iter().map(move |one| (id, key(&one.operation), grant.window))
    });
    report.disjoint::<Grant, _>(grants, "spec.window");
    under_ceilings(world, &report);
}

/// A price is published only under a ceiling that covers all of its window (REQUIREMENTS F2). Two ceilings one after
/// the other need two prices: the act behind each is part of the price.
fn under_ceilings(world: &World, report: &Report<'_>) {
    let mut by_product: HashMap<&Id, Vec<&Ceiling>> = HashMap::new();
    for ceiling in world.ceilings.values() {
        by_product.entry(&ceiling.product).or_default().push(ceiling);
    }
    for (id, price) in &world.prices {
        let ceilings = by_product.get(&price.product).map(Vec::as_slice).unwrap_or_default();
        match ceilings.iter().find(|ceiling| ceiling.window.covers(price.window)) {
            None => report.fault::<Price>(id, "spec.window", "no ceiling covers the whole window".to_owned()),
            Some(ceiling) if price.per_call > ceiling.per_call_max => {
                let reason = format!("{} yuan is above the ceiling of {}", price.per_call, ceiling.per_call_max);
                report.fault::<Price>(id, "spec.perCall", reason);
            }
            Some(_) => {}
        }
    }
}

struct Report<'r> {
    origins: &'r Origins,
    faults: &'r Faults,
}

impl Report<'_> {
    fn fault<T: Object>(&self, id: &Id, path: &str, reason: String) {
        let origin = self.origins.get(&(T::KIND, id.clone()));
        let (file, line) = origin.map_or(("?", 0), |origin| (origin.file.as_str(), origin.line));
        self.faults.push(WorldError {
            file: file.to_owned(),
            line,
            object: format!("{}/{id}", T::KIND),
            path: path.to_owned(),
            reason,
        });
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

    /// No two windows of the same key overlap: at each instant there is one answer.
    fn disjoint<'w, T: Object, K: Eq + Hash>(
        &self,
        windows: impl Iterator<Item = (&'w Id, K, Window)>,
        path: &str,
    ) {
        let mut by_key: HashMap<K, Vec<(Window, &Id)>> = HashMap::new();
        for (id, key, window) in windows {
            by_key.entry(key).or_default().push((window, id));
        }
        for mut group in by_key.into_values() {
            group.sort_by_key(|(window, id)| (window.from(), *id));
            for pair in group.windows(2) {
                let [(first, first_id), (second, second_id)] = pair else { continue };
                if first.overlaps(*second) {
                    self.fault::<T>(second_id, path, format!("overlaps that of `{first_id}`"));
                }
            }
        }
    }
}
