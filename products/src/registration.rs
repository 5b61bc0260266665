//! Registration certificates (登记凭证) of products.

use shuzha_core::Id;

use crate::product::Product;
use crate::world::{Mark, Marked, Object, Scope, Table};
use crate::yaml::Place;
use crate::{Window, World};

/// A certificate (Gansu-R 34, 37: 一证一码). A product may have several, one after another.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// What is certified.
    pub product: Id,
    /// The code printed on it.
    pub code: String,
    /// Its validity; the product stops at its end (REQUIREMENTS B9).
    pub window: Window,
}

impl Object for Certificate {
    const KIND: &'static str = "Certificate";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["product", "code", "window"]])?;
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        let code = spec.required("code").and_then(|place| place.text());
        let window = spec.required("window").and_then(|place| place.window());
        Some(Self { product: product?.0.clone(), code: code?.to_owned(), window: window? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.certificates
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.certificates
    }
}

impl Marked for Certificate {
    fn marks<'w>(&'w self, _: &'w Id, take: &mut dyn FnMut(Mark<'w>)) {
        take(Mark::unique("certificate", [&self.code, "", "", ""], "spec.code"));
    }
}
