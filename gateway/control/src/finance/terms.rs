//! By what terms a period is rated: from the register, prices and tax rates by their own dates, providers as they were in the period.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shuzha_core::Fault;
use shuzha_core::{Code, Id};
use shuzha_pricing::closing::Terms;
use shuzha_pricing::permitted::PermittedRevenue;
use shuzha_pricing::split::{Base, Contributions, Split};
use shuzha_pricing::vat::VatRates;
use shuzha_pricing::{Month, Outcome, PriceBook, RecordedPrice};
use shuzha_products::World;
use shuzha_products::case::CaseKind;
use shuzha_products::kinds::Lane;
use shuzha_products::product::Product;

use super::Finance;
use crate::error::Refusal;
use crate::force::json;
use crate::{Error, Kind};

/// Kinds that terms are made of.
const KINDS: [&str; 6] = ["Price", "Ceiling", "TaxRate", "PermittedRevenue", "Product", "DataSet"];

/// What a declared object would be instead: kind, name, spec.
pub(super) type Instead = BTreeMap<(&'static str, Id), Value>;

/// Who signed each agreement.
type Signed = BTreeMap<Id, BTreeSet<Id>>;

/// Terms, and the permitted revenues beside them.
pub(super) struct Read {
    pub(super) terms: Terms,
    /// What can come of a call of each product.
    outcomes: BTreeMap<Id, Vec<Outcome>>,
    pub(super) permitted: Vec<PermittedRevenue>,
}

impl Finance {
    /// The terms of a month by the register, with some objects as they would be `instead`.
    ///
    /// # Errors
    /// As [`Self::present_terms`].
    pub(super) fn terms_of_month(&self, month: Month, instead: &Instead) -> Result<Read, Error> {
        let mut read = self.terms(instead)?;
        self.as_provided(&mut read.terms, month, instead)?;
        Ok(read)
    }

    /// The terms by the register as it stands.
    ///
    /// # Errors
    /// C1604 with every fault: prices and ceilings that contradict each other, splits that are no whole, tax rates that
    /// overlap; or of the register.
    pub(super) fn present_terms(&self) -> Result<Read, Error> {
        self.terms(&Instead::new())
    }

    fn terms(&self, instead: &Instead) -> Result<Read, Error> {
        let control = &self.0.control;
        let mut specs: BTreeMap<(&'static str, Id), Value> = BTreeMap::new();
        control.force().each(|held| {
            if KINDS.contains(&held.kind) {
                specs.insert((held.kind, held.name), held.spec);
            }
        })?;
        let agreed = instead.iter().filter(|((kind, _), _)| *kind == "Agreement");
        let (mut splits, mut signed) = self.splits()?;
        for ((_, name), spec) in agreed {
            // What is tried is as if its parties had signed it.
            let parties = spec.get("parties").and_then(Value::as_array).into_iter().flatten();
            let parties = parties.filter_map(|party| Id::new(party.as_str()?).ok()).collect();
            signed.insert(name.clone(), parties);
            splits.insert(name.clone(), spec.clone());
        }
        let declared = instead.iter().filter(|((kind, _), _)| KINDS.contains(kind));
        specs.extend(declared.map(|(key, spec)| (key.clone(), spec.clone())));
        let names: Vec<(&'static str, Id)> = specs.keys().cloned().collect();
        let force = control.force();
        let (world, _) = force.fetching(|fetch| {
            World::read_objects(&names, &mut |kind, name| {
                specs.get(&(kind, name.clone())).cloned().or_else(|| fetch(kind, name))
            })
        })?;
        let mut read = read(&world.map_err(refused)?, &splits)?;
        let splits = std::mem::take(&mut read.terms.splits);
        let by_whom = |name: &Id| signed.get(name).cloned().unwrap_or_default();
        read.terms.splits =
            splits.into_iter().map(|(name, split)| (name.clone(), split.signed_by(by_whom(&name)))).collect();
        Ok(read)
    }

    /// The terms with some objects as they would be, laid over calls that were recorded by the terms of the register.
    ///
    /// # Errors
    /// As [`Self::present_terms`].
    pub(super) fn changed_terms(&self, month: Month, instead: &Instead) -> Result<Terms, Error> {
        let Read { mut terms, outcomes, .. } = self.terms_of_month(month, instead)?;
        let mut prices = instead.keys().filter(|(kind, _)| *kind == "Price").map(|(_, name)| name).peekable();
        if prices.peek().is_none() {
            return Ok(terms);
        }
        let now = self.present_terms()?.terms.book;
        for name in prices {
            let mut products = terms.operators.keys();
            let price = products.find_map(|product| now.find(product.as_str(), name.as_str()));
            if let Some(price) = price {
                let outcomes = outcomes.get(&price.product).cloned().unwrap_or_default();
                terms.recorded.insert(name.clone(), RecordedPrice { price: price.clone(), outcomes });
            }
        }
        Ok(terms)
    }

    /// The spec of every agreement that was ever in force, and who signed it.
    fn splits(&self) -> Result<(BTreeMap<Id, Value>, Signed), Error> {
        const UNSIGNED: [&str; 3] = ["draft", "signing", "returned"];
        let (mut found, mut signed) = (BTreeMap::new(), Signed::new());
        self.0.control.register().each(|object| {
            let Some(state) = &object.state else { return Ok(()) };
            if object.kind == "Agreement" && !UNSIGNED.contains(&state.name.as_str()) {
                let state = json(&object, &state.json)?;
                let parties = state.get("signed").and_then(Value::as_object).into_iter().flatten();
                signed.insert(
                    object.name.clone(),
                    parties.filter_map(|(name, _)| Id::new(name).ok()).collect(),
                );
                found.insert(object.name.clone(), json(&object, &object.spec)?);
            }
            Ok::<_, Error>(())
        })?;
        Ok((found, signed))
    }

    /// The kind of an object that may be given instead.
    pub(super) fn kind_instead(kind: &str) -> Option<&'static str> {
        let known = Kind::find(kind)?.name();
        (known == "Agreement" || KINDS.contains(&known)).then_some(known)
    }
}

/// The terms that copies of the register's objects state, by kind and name: for whoever checks bills without a register.
///
/// # Errors
/// C1604 with every fault, as a close would have it.
pub fn terms_of(specs: &BTreeMap<(&'static str, Id), Value>) -> Result<Terms, Error> {
    let named = |kind: &'static str| specs.iter().filter(move |((known, _), _)| *known == kind);
    let agreements = named("Agreement").map(|((_, name), spec)| (name.clone(), spec.clone())).collect();
    let names: Vec<(&'static str, Id)> =
        specs.keys().filter(|(kind, _)| KINDS.contains(kind)).cloned().collect();
    let world = World::read_objects(&names, &mut |kind, name| {
        let spec = specs.get(&(kind, name.clone()))?;
        let Some(case) = CaseKind::find(kind) else { return Some(spec.clone()) };
        let held = case.in_force(name, spec, &Value::Null).unwrap_or_default();
        let held = held.into_iter().find(|held| held.kind == kind && held.name == *name);
        // A file may state a case as what it put in force.
        Some(held.map_or_else(|| spec.clone(), |held| held.spec))
    });
    read(&world.map_err(refused)?, &agreements).map(|read| read.terms)
}

fn read(world: &World, agreements: &BTreeMap<Id, Value>) -> Result<Read, Error> {
    let mut faults = Vec::new();
    let mut fault = |path: String, reason: String| faults.push(Fault::new(path, reason));
    // A product whose prices contradict each other is not rated: its lines are then named one by one.
    let (prices, ceilings) = (world.prices.values().cloned(), world.ceilings.values().cloned());
    let (book, wrong) = PriceBook::sound(prices.collect(), ceilings.collect());
    for one in wrong {
        fault("prices".to_owned(), one.to_string());
    }
    let vat = VatRates::new(world.tax_rates.values().cloned().collect()).unwrap_or_else(|error| {
        fault("tax-rates".to_owned(), error.to_string());
        VatRates::default()
    });
    let mut splits = BTreeMap::new();
    for (name, spec) in agreements {
        match split(spec) {
            Some(Ok(split)) => drop(splits.insert(name.clone(), split)),
            Some(Err(error)) => fault(format!("agreements/{name}"), error),
            None => {}
        }
    }
    let permitted: Vec<_> = world.permitted_revenues.values().cloned().collect();
    for one in shuzha_pricing::permitted::check(&permitted).err().unwrap_or_default() {
        fault("permitted-revenues".to_owned(), one.to_string());
    }
    let mut sources: BTreeMap<Id, Contributions> = BTreeMap::new();
    for (name, product) in &world.products {
        let from = sources.entry(name.clone()).or_default();
        for set in product.data_sets.iter().filter_map(|set| world.data_sets.get(set)) {
            *from.entry(set.provider.clone()).or_default() += 1;
        }
    }
    let operators = world.products.iter().map(|(name, product)| (name.clone(), product.operator.clone()));
    let operators = operators.collect();
    let possible = |(name, product): (&Id, &Product)| {
        let outcomes = match product.kind.lane() {
            Lane::Package => vec![Outcome::Package],
            _ => product.kind.classes().to_vec(),
        };
        (name.clone(), outcomes)
    };
    let outcomes = world.products.iter().map(possible).collect();
    if faults.is_empty() {
        let terms = Terms { book, vat, splits, sources, operators, ..Terms::default() };
        Ok(Read { terms, outcomes, permitted })
    } else {
        Err(refused(faults))
    }
}

/// The split of an agreement's spec, as its parties signed it.
fn split(spec: &Value) -> Option<Result<Split, String>> {
    let shares = spec.get("split")?.as_array()?;
    let mut fixed = Vec::new();
    for share in shares {
        let party = Id::new(share.get("party")?.as_str()?).ok()?;
        fixed.push((party, u32::try_from(share.get("parts")?.as_u64()?).ok()?));
    }
    let pool = spec.get("byContribution").and_then(Value::as_u64).unwrap_or(0);
    let base = match spec.get("splitBase").and_then(Value::as_str) {
        Some("net") => Base::Net,
        _ => Base::Gross,
    };
    let pool = u32::try_from(pool).unwrap_or(u32::MAX);
    let split = Split::new(base, fixed, pool).map_err(|error| error.to_string());
    Some(split.map(|split| split.by_fields(fields(spec).unwrap_or_default())))
}

/// The fields that each party provides, by product, where the agreement counts those.
fn fields(spec: &Value) -> Option<BTreeMap<Id, Contributions>> {
    let mut found: BTreeMap<Id, Contributions> = BTreeMap::new();
    for one in spec.get("contributedFields")?.as_array()? {
        let name = |key: &str| Id::new(one.get(key)?.as_str()?).ok();
        let (product, party) = (name("product")?, name("party")?);
        found.entry(product).or_default().insert(party, one.get("fields")?.as_u64()?);
    }
    Some(found)
}

pub(super) fn refused(faults: Vec<Fault>) -> Error {
    Error::Refused(Refusal { code: Code::C1604, faults, retry_after: None })
}
