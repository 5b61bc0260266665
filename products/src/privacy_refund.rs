//! Privacy charges given back by two persons' decision (`docs/adr/0006-budgets.md`).

use shuzha_core::{Id, RequestId};

use crate::World;
use crate::data::DataSet;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;

/// The charge of one failed call, to be given back.
#[derive(Clone, Debug)]
pub struct PrivacyRefund {
    /// The unit that the charge is said to have been made to; none in a world that an older version kept.
    pub unit: Option<Id>,
    /// Whose budget was charged.
    pub data_set: Id,
    /// The call.
    pub request: RequestId,
}

impl Object for PrivacyRefund {
    const KIND: &'static str = "PrivacyRefund";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["unit", "dataSet", "request"]])?;
        let unit = spec.optional("unit").and_then(|place| place.parsed::<Id>());
        let data_set = spec.required("dataSet").and_then(|place| scope.find::<DataSet>(&place));
        let request = spec.required("request").and_then(|place| place.parsed::<RequestId>());
        Some(Self { unit, data_set: data_set?.0.clone(), request: request? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.privacy_refunds
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.privacy_refunds
    }
}
