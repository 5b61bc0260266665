//! What finance goes by beside prices: permitted revenues (最高准许收入) and tax rates (税率). What they mean is in
//! `shuzha_pricing`.

use shuzha_core::Id;
use shuzha_pricing::Effective;
use shuzha_pricing::permitted::PermittedRevenue;
use shuzha_pricing::vat::{RATE_WHOLE, VatRate};

use crate::World;
use crate::parties::{Organisation, OrganisationKind};
use crate::price::{PriceAct, yuan};
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;

fn effective(place: &Place<'_>) -> Option<Effective> {
    let window = place.window()?;
    Some(Effective::new(window.from(), Some(window.until())).expect("a window is never empty"))
}

impl Object for PermittedRevenue {
    const KIND: &'static str = "PermittedRevenue";

    fn read(id: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["act", "operator", "amount", "carried", "window"]])?;
        let act = spec.required("act").and_then(|place| scope.find::<PriceAct>(&place));
        let operator = spec.required("operator").and_then(|place| {
            let (name, found) = scope.find::<Organisation>(&place)?;
            match found.kind {
                OrganisationKind::Operator => Some(name.clone()),
                _ => place.fail("must be an organisation of kind operator"),
            }
        });
        let amount = spec.required("amount").and_then(|place| yuan(&place));
        let carried = spec.optional("carried").map(|place| yuan(&place));
        let cycle = spec.required("window").and_then(|place| effective(&place));
        Some(Self {
            id: id.clone(),
            act: act?.1.number.clone(),
            operator: operator?,
            amount: amount?,
            carried: carried.map_or(Some(shuzha_core::MicroYuan::ZERO), |read| read)?,
            cycle: cycle?,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.permitted_revenues
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.permitted_revenues
    }
}

impl Object for VatRate {
    const KIND: &'static str = "TaxRate";

    fn read(_: &Id, spec: &Place<'_>, _: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["parts", "source", "window"]])?;
        let parts = spec.required("parts").and_then(|place| place.count(0..=RATE_WHOLE));
        let source = spec.required("source").and_then(|place| place.text());
        let effective = spec.required("window").and_then(|place| effective(&place));
        Some(Self { parts: parts?, source: source?.to_owned(), effective: effective? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.tax_rates
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.tax_rates
    }
}
