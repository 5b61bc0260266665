//! What only the whole world can show: marks that meet, prices above their ceilings.

use std::collections::HashMap;

use shuzha_core::{Fault, Id, Timestamp};
use shuzha_pricing::{Ceiling, Price, PriceBook, PriceFault};

use super::marks::Mark;
use super::object::{Declared, OBJECT_KINDS};
use super::{Object, World};
use crate::WorldError;
use crate::data::{DataSet, caps_fit};
use crate::rights::{self, Grant};
use crate::yaml::Faults;

/// A fault of one object of several: which, where, what.
pub(super) type Found = (&'static str, Id, &'static str, String);

/// Reports every fault of the world as a whole, and sets up its price book.
pub(super) fn whole(world: &mut World, declared: &Declared, faults: &Faults) {
    let found = match price_book(world) {
        Ok(book) => {
            world.price_book = book;
            Vec::new()
        }
        Err(found) => found,
    };
    let unbounded = if declared.accepted { Vec::new() } else { unbounded_grants(world) };
    let of_several = clashes(world).into_iter().chain(found).chain(broken_reservations(world));
    for (kind, id, path, reason) in of_several.chain(unbounded) {
        let origin = declared.origin(&(kind, id.clone()));
        let (file, line) = origin.map_or(("?", 0), |origin| (&*origin.file, origin.line));
        faults.push(WorldError::new(file, format!("{kind}/{id}"), Fault::new(path, reason).at_line(line)));
    }
}

/// What a data set's quotas set aside is there: the caps of all data sets over its people fit under their one cap.
fn broken_reservations(world: &World) -> Vec<Found> {
    let reserving = world.data_sets.iter().filter_map(|(id, set)| {
        let terms = set.privacy.as_ref().filter(|terms| terms.quotas.reserved)?;
        world.overpromises(&terms.person_space).then_some(id)
    });
    let reason = "the caps of the data sets over these people add up to more than the person-space's";
    let found = |id: &Id| (DataSet::KIND, id.clone(), "spec.privacy.quotas.reserved", reason.to_owned());
    reserving.map(found).collect()
}

/// Grants of blinded lists that are declared without a quota.
fn unbounded_grants(world: &World) -> Vec<Found> {
    let unbounded = world.grants.iter().filter(|(_, grant)| {
        world.products.get(&grant.product).is_some_and(|product| rights::unbounded(product, grant.quota))
    });
    let found = |id: &Id| (Grant::KIND, id.clone(), "spec.quota", rights::NO_QUOTA.to_owned());
    unbounded.map(|(id, _)| found(id)).collect()
}

/// Marks of different objects that meet.
fn clashes(world: &World) -> Vec<Found> {
    let mut found = Vec::new();
    for kind in OBJECT_KINDS {
        let Some(marks) = kind.marks else { continue };
        let mut groups: HashMap<_, Vec<(&Id, Mark<'_>)>> = HashMap::new();
        marks(world, &mut |id, mark| groups.entry((mark.of, mark.key)).or_default().push((id, mark)));
        for mut group in groups.into_values() {
            let from = |mark: &Mark<'_>| mark.window.map(|window| window.from());
            group.sort_by_key(|(id, mark)| (from(mark), mark.shared_as, *id));
            for pair in group.windows(2) {
                let [(first, one), (second, other)] = pair else { continue };
                if first != second && meet(one, other) {
                    let reason = format!("{} `{first}`", other.clash);
                    found.push((kind.name, (*second).clone(), other.path, reason));
                }
            }
        }
    }
    found
}

/// Whether two marks of one thing cannot both stand.
fn meet(one: &Mark<'_>, other: &Mark<'_>) -> bool {
    let together = one.shared_as.is_some() && one.shared_as == other.shared_as;
    let apart = one.window.zip(other.window).is_some_and(|(one, other)| !one.overlaps(other));
    !together && !apart
}

impl World {
    /// Whether a data set over these people reserves its quotas, and the caps of all over them do not fit under their one.
    #[must_use]
    pub fn overpromises(&self, space: &Id) -> bool {
        let over_them = self.data_sets.values().filter_map(|set| set.privacy.as_ref());
        let reserves =
            over_them.filter(|terms| terms.person_space == *space).any(|terms| terms.quotas.reserved);
        let found = self.person_spaces.get(space);
        reserves && found.is_some_and(|found| !caps_fit(space, found, self.data_sets.values()))
    }

    /// What is wrong with the prices and ceilings of this world, beside each of them alone; each fault names its object.
    #[must_use]
    pub fn price_faults(&self) -> Vec<String> {
        let found = price_book(self).err().unwrap_or_default();
        found.into_iter().map(|(kind, id, path, reason)| format!("{kind}/{id} {path}: {reason}")).collect()
    }

    /// Why a price of this world may not be published: a price is published only where a ceiling covers all of its window,
    /// and none in force in it is below it. Two ceilings one after the other need two prices: the act behind each is part
    /// of the price.
    #[must_use]
    pub fn publication_faults(&self, price: &Id) -> Vec<String> {
        let Some(price) = self.prices.get(price) else { return Vec::new() };
        let of_it = |ceiling: &&Ceiling| ceiling.product == price.product;
        let ceilings: Vec<&Ceiling> = self.ceilings.values().filter(of_it).collect();
        let covers = |ceiling: &&Ceiling| {
            let (own, most) = (&price.effective, &ceiling.effective);
            let to_the_end = |end: Timestamp| own.until().is_some_and(|until| until <= end);
            most.from() <= own.from() && most.until().is_none_or(to_the_end)
        };
        let fault = |path: &str, reason: &str| format!("{}/{} {path}: {reason}", Price::KIND, price.id);
        let mut faults = Vec::new();
        // What is wrong at its beginning is among the faults of the prices together.
        let (later, first): (Vec<&Ceiling>, Vec<&Ceiling>) =
            ceilings.into_iter().partition(|ceiling| !ceiling.effective.holds(price.effective.from()));
        if !first.is_empty() && !first.iter().any(covers) {
            faults.push(fault("spec.window", "no ceiling covers the whole window"));
        }
        let above = |ceiling: &&&Ceiling| ceiling.effective.overlaps(&price.effective) && price.over(ceiling);
        let above = later.iter().filter(above);
        faults.extend(above.map(|ceiling| fault("spec", &format!("above the ceiling {}", ceiling.id))));
        faults
    }
}

/// A price begins under a ceiling in force (REQUIREMENTS F2). A ceiling that is lowered or ends later stops the price at
/// that instant, at the gate.
fn price_book(world: &World) -> Result<PriceBook, Vec<Found>> {
    let mut by_product: HashMap<&Id, Vec<&Ceiling>> = HashMap::new();
    for ceiling in world.ceilings.values() {
        by_product.entry(&ceiling.product).or_default().push(ceiling);
    }
    let mut found = Vec::new();
    for (id, price) in &world.prices {
        let ceilings = by_product.get(&price.product).map(Vec::as_slice).unwrap_or_default();
        if !ceilings.iter().any(|ceiling| ceiling.effective.holds(price.effective.from())) {
            let reason = "no ceiling is in force when it begins".to_owned();
            found.push((Price::KIND, id.clone(), "spec.window", reason));
        }
    }
    let (prices, ceilings) = (world.prices.values().cloned(), world.ceilings.values().cloned());
    match PriceBook::build(prices.collect(), ceilings.collect()) {
        Ok(book) if found.is_empty() => Ok(book),
        Ok(_) => Err(found),
        Err(faults) => {
            found.extend(faults.iter().map(|fault| located(world, fault)));
            Err(found)
        }
    }
}

/// A fault of the price book, at the object it is about.
fn located(world: &World, fault: &PriceFault) -> Found {
    let (kind, id, path) = match fault {
        PriceFault::AboveCeiling(id, _) => (Price::KIND, id, "spec"),
        PriceFault::Trial(id) => (Price::KIND, id, "spec.trial"),
        PriceFault::Preference(id) => (Price::KIND, id, "spec.providerParts"),
        PriceFault::Purposes(id) => (Price::KIND, id, "spec.purposes"),
        PriceFault::Overlap(_, id) => (Price::KIND, id, "spec.window"),
        PriceFault::CeilingOverlap(_, id) => (Ceiling::KIND, id, "spec.window"),
        PriceFault::Duplicate(id) | PriceFault::Act(id) | PriceFault::Amount(id) => {
            let kind = if world.prices.contains_key(id) { Price::KIND } else { Ceiling::KIND };
            (kind, id, "spec")
        }
    };
    (kind, id.clone(), path, fault.to_string())
}
