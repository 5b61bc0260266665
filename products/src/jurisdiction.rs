//! What differs between jurisdictions (REQUIREMENTS, jurisdiction rule packs): data, not code.

use shuzha_core::Id;

use crate::World;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;

mod years;

pub use years::{YearError, calendar, with_year};

/// The rules of the jurisdiction the gateway runs under. A world holds at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jurisdiction {
    /// Whether a product is served only on a valid certificate (Gansu-O 27–28; Heilongjiang 20(四)).
    pub certificate_required: bool,
}

impl Default for Jurisdiction {
    /// The strictest: absence is denial.
    fn default() -> Self {
        Self { certificate_required: true }
    }
}

impl Object for Jurisdiction {
    const KIND: &'static str = "Jurisdiction";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        if let Some(name) = scope.world().jurisdictions.keys().next() {
            return spec.fail(format!("the world already runs under `{name}`"));
        }
        let section = spec.section(&[&["certificateRequired"]])?;
        let certificate_required = section.required("certificateRequired").and_then(|place| place.boolean());
        Some(Self { certificate_required: certificate_required? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.jurisdictions
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.jurisdictions
    }
}
