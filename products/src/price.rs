//! Acts, ceilings and prices (政府指导价; 发改价格〔2025〕65号) as they are declared.

use shuzha_core::{Id, MicroYuan};

use crate::kinds::Outcome;
use crate::parties::{Organisation, yuan};
use crate::product::Product;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;
use crate::{Window, World};

/// The act behind a ceiling or a price, with its number (文号; REQUIREMENTS F5).
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

    fn read(spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
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

/// The most that may be charged for one call (上限收费标准).
#[derive(Clone, Debug)]
pub struct Ceiling {
    /// The act that fixes it.
    pub act: Id,
    /// Of which product.
    pub product: Id,
    /// The most per call.
    pub per_call_max: MicroYuan,
    /// When it is in force.
    pub window: Window,
}

impl Object for Ceiling {
    const KIND: &'static str = "Ceiling";

    fn read(spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["act", "product", "perCallMax", "window"]])?;
        let act = spec.required("act").and_then(|place| scope.find::<PriceAct>(&place));
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        let per_call_max = spec.required("perCallMax").and_then(|place| yuan(&place));
        let window = spec.required("window").and_then(|place| {
            let window = place.window()?;
            match act {
                Some((name, act)) if !act.window.covers(window) => {
                    place.fail(format!("reaches outside the act `{name}`"))
                }
                _ => Some(window),
            }
        });
        Some(Self {
            act: act?.0.clone(),
            product: product?.0.clone(),
            per_call_max: per_call_max?,
            window: window?,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.ceilings
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.ceilings
    }
}

const CHARGED: &[(&str, Outcome)] = &[
    ("consistent", Outcome::Consistent),
    ("inconsistent", Outcome::Inconsistent),
    ("no_record", Outcome::NoRecord),
    ("answer", Outcome::Answer),
    ("package", Outcome::Package),
];

/// The operator's price per call.
#[derive(Clone, Debug)]
pub struct Price {
    /// The act it rests on.
    pub act: Id,
    /// Of which product.
    pub product: Id,
    /// Price of one call, or of one package.
    pub per_call: MicroYuan,
    /// Outcomes that are charged; others are free.
    pub charged: Vec<Outcome>,
    /// When it is in force.
    pub window: Window,
}

impl Object for Price {
    const KIND: &'static str = "Price";

    fn read(spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["act", "product", "perCall", "charged", "window"]])?;
        let act = spec.required("act").and_then(|place| scope.find::<PriceAct>(&place));
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        let per_call = spec.required("perCall").and_then(|place| yuan(&place));
        let charged = spec.required("charged").and_then(|place| read_charged(&place));
        let window = spec.required("window").and_then(|place| place.window());
        Some(Self {
            act: act?.0.clone(),
            product: product?.0.clone(),
            per_call: per_call?,
            charged: charged?,
            window: window?,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.prices
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.prices
    }
}

fn read_charged(place: &Place<'_>) -> Option<Vec<Outcome>> {
    let mut charged = Vec::new();
    for item in place.some_items(CHARGED.len())? {
        let Some(outcome) = item.word(CHARGED) else { continue };
        if charged.contains(&outcome) {
            item.fail::<()>("is named twice");
        }
        charged.push(outcome);
    }
    Some(charged)
}
