//! Listings (挂牌) of products at a data exchange (数据交易机构).

use shuzha_core::Id;

use crate::parties::{Organisation, OrganisationKind};
use crate::product::Product;
use crate::world::{Mark, Marked, Object, Scope, Table};
use crate::yaml::Place;
use crate::{Window, World};

/// Longest listing number in characters.
const NUMBER_CHARS_MAX: usize = 64;

/// A product's listing at an exchange (Heilongjiang 24; Gansu-O 28; Qingdao 39). An object of its own and no field of
/// the product: the exchange gives it, it comes and goes without the product becoming another one that must be
/// reviewed again, and a product may be listed at several exchanges, or anew after a listing has ended.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What is listed.
    pub product: Id,
    /// The exchange.
    pub exchange: Id,
    /// The exchange's number (挂牌编号); the exchange gives each once.
    pub number: String,
    /// From the day of listing until it ends.
    pub window: Window,
}

impl Object for Listing {
    const KIND: &'static str = "Listing";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["product", "exchange", "number", "window"]])?;
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        let exchange = spec.required("exchange").and_then(|place| {
            let (id, found) = scope.find::<Organisation>(&place)?;
            match found.kind {
                OrganisationKind::Exchange => Some(id.clone()),
                _ => place.fail("must be an organisation of kind exchange"),
            }
        });
        let number = spec.required("number").and_then(|place| {
            let text = place.text()?;
            if text.trim() == text && text.chars().count() <= NUMBER_CHARS_MAX {
                Some(text.to_owned())
            } else {
                place.fail(format!("has at most {NUMBER_CHARS_MAX} characters and no space around it"))
            }
        });
        let window = spec.required("window").and_then(|place| place.window());
        Some(Self { product: product?.0.clone(), exchange: exchange?, number: number?, window: window? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.listings
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.listings
    }
}

impl Marked for Listing {
    fn marks<'w>(&'w self, _: &'w Id, take: &mut dyn FnMut(Mark<'w>)) {
        // The exchange gives a number once, to one product.
        take(Mark::unique("listing", [self.exchange.as_str(), &self.number, "", ""], "spec.number"));
    }
}
