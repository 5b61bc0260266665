//! Acts, ceilings and prices (政府指导价; 发改价格〔2025〕65号): how they are declared. What they mean is in
//! `shuzha_pricing`.

mod tariff;

use shuzha_core::{Id, MicroYuan, PurposeClass};
use shuzha_pricing::price::WHOLE;
use shuzha_pricing::{Billable, Ceiling, Effective, Outcome, Price, Purposes};

use crate::parties::Organisation;
use crate::product::{Product, TELLS_APART};
use crate::rights::Scenario;
use crate::world::{Object, Scope, Table};
use crate::yaml::{Place, Section};
use crate::{Window, World};
pub(crate) use tariff::CONDITIONS_MAX;
use tariff::TARIFF_FIELDS;

/// The act behind ceilings or prices, with its number (文号; REQUIREMENTS F5).
#[derive(Clone, Debug)]
pub struct PriceAct {
    /// 文号.
    pub number: String,
    /// Who issued it.
    pub issuer: Id,
    /// When it is in force.
    pub window: Window,
}

impl Object for PriceAct {
    const KIND: &'static str = "PriceAct";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["number", "issuer", "window"]])?;
        let number = spec.required("number").and_then(|place| place.text());
        let issuer = spec.required("issuer").and_then(|place| scope.find::<Organisation>(&place));
        let window = spec.required("window").and_then(|place| place.window());
        Some(Self { number: number?.to_owned(), issuer: issuer?.0.clone(), window: window? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.price_acts
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.price_acts
    }
}

impl Object for Ceiling {
    const KIND: &'static str = "Ceiling";

    fn read(id: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["act", "product", "perCallMax", "annualMax", "window"]])?;
        let act = read_act(&spec, scope);
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        let per_call_max = spec.required("perCallMax").and_then(|place| yuan(&place));
        let annual_max = spec.optional("annualMax").and_then(|place| yuan(&place));
        let (act, effective) = act?;
        let (product, per_call_max) = (product?.0.clone(), per_call_max?);
        Some(Self { id: id.clone(), act: act.number.clone(), product, per_call_max, annual_max, effective })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.ceilings
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.ceilings
    }
}

impl Object for Price {
    const KIND: &'static str = "Price";

    fn read(id: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let for_what = &["act", "product", "operation", "scenario", "purposes", "charged", "window"];
        let spec = spec.section(&[for_what, &["trial", "providerParts"], TARIFF_FIELDS])?;
        let act = read_act(&spec, scope);
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        let operation = spec.optional("operation").and_then(|place| {
            let (name, (_, product)) = (place.id()?, product?);
            match product.operation(name.as_str()) {
                Some(operation) => Some(operation.name.clone()),
                None => place.fail(format!("the product has no operation `{name}`")),
            }
        });
        let scenario = spec.optional("scenario").and_then(|place| scope.find::<Scenario>(&place));
        let purposes = spec.optional("purposes").map(|place| read_purposes(&place));
        let tariff = tariff::read(&spec);
        let charged = spec.required("charged").and_then(|place| read_charged(&place));
        let trial = spec.optional("trial").and_then(|place| place.boolean());
        let free_use = tariff::free_use(&spec, trial.unwrap_or(false));
        let provider_parts = spec.optional("providerParts").and_then(|place| place.count(0..=WHOLE));
        let (act, effective) = act?;
        let (product, priced) = product?;
        let price = Self {
            id: id.clone(),
            act: act.number.clone(),
            product: product.clone(),
            operation,
            scenario: scenario.map(|(name, _)| name.clone()),
            purposes: purposes.map_or(Some(Purposes::default()), |read| read)?,
            tariff: tariff?,
            trial: trial.unwrap_or(false),
            provider_parts,
            effective,
            billable: charged?,
            free_use: free_use?,
        };
        // The record and the invoice would show what the answer hides.
        if priced.tells_apart(&price) && !scope.is_accepted() {
            return spec.required("charged")?.fail(TELLS_APART);
        }
        Some(price)
    }

    fn table(world: &World) -> &Table<Self> {
        &world.prices
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.prices
    }
}

fn read_purposes(place: &Place<'_>) -> Option<Purposes> {
    let words = PurposeClass::ALL.map(|purpose| (purpose.as_str(), purpose));
    let items = place.some_items(words.len())?;
    let purposes: Vec<_> = items.iter().filter_map(|item| item.word(&words)).collect();
    (purposes.len() == items.len()).then(|| Purposes::of(&purposes))
}

/// A sum in yuan as quoted decimal text, not negative.
pub(crate) fn yuan(place: &Place<'_>) -> Option<MicroYuan> {
    let sum: MicroYuan = place.parsed()?;
    if sum < MicroYuan::ZERO { place.fail("must not be negative") } else { Some(sum) }
}

/// Reads `act` and `window`: what rests on an act is in force only while the act is.
fn read_act<'w>(spec: &Section<'_>, scope: &Scope<'w>) -> Option<(&'w PriceAct, Effective)> {
    let act = spec.required("act").and_then(|place| scope.find::<PriceAct>(&place));
    let place = spec.required("window");
    let window = place.as_ref().and_then(Place::window);
    let ((name, act), window) = (act?, window?);
    if !act.window.covers(window) {
        return place?.fail(format!("reaches outside the window of the act `{name}`"));
    }
    let effective = Effective::new(window.from(), Some(window.until())).expect("a window is never empty");
    Some((act, effective))
}

fn read_charged(place: &Place<'_>) -> Option<Billable> {
    let words = Outcome::ALL.map(|outcome| (outcome.as_str(), outcome));
    let mut charged = Vec::new();
    for item in place.some_items(words.len())? {
        let Some(outcome) = item.word(&words) else { continue };
        if charged.contains(&outcome) {
            item.fail::<()>("is named twice");
        }
        charged.push(outcome);
    }
    Some(Billable::of(&charged))
}
