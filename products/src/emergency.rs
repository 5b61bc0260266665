//! Emergency plans (应急预案; Qingtian 五(二)5, Yantai 27).

use shuzha_core::Id;

use crate::World;
use crate::parties::ApplicationUnit;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;

/// A plan on file (一授权一预案).
#[derive(Clone, Debug)]
pub struct EmergencyPlan {
    /// Whose.
    pub unit: Id,
    /// What it is called.
    pub title: String,
}

impl Object for EmergencyPlan {
    const KIND: &'static str = "EmergencyPlan";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["unit", "title"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let title = spec.required("title").and_then(|place| place.text());
        Some(Self { unit: unit?.0.clone(), title: title?.to_owned() })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.emergency_plans
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.emergency_plans
    }
}
