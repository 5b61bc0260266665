//! Who may use what for which purpose: scenarios (场景), agreements (协议), grants (授权).

use shuzha_core::Id;
use shuzha_pricing::PurposeClass;
use shuzha_privacy::abuse::Volume;
use shuzha_privacy::output::LEAVES_MAX;

use crate::parties::ApplicationUnit;
use crate::price::CONDITIONS_MAX;
use crate::product::OPERATIONS_MAX;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;
use crate::{Window, World};

mod grant;

pub(crate) use grant::read_operations;
pub use grant::{Grant, GrantedOperation, NO_QUOTA, Quota, QuotaPeriod, Rate, unbounded};

pub(crate) const PURPOSES: &[(&str, PurposeClass)] = &[
    ("public-governance", PurposeClass::PublicGovernance),
    ("public-welfare", PurposeClass::PublicWelfare),
    ("industry", PurposeClass::Industry),
    ("sector", PurposeClass::Sector),
];

/// One approved use by one unit (一场景一授权一申请; Yantai 16).
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Whose.
    pub unit: Id,
    /// Class of purpose (Yantai 20, Gansu-O 29). Decides free or paid; never taken from a request (REQUIREMENTS F1).
    pub purpose: PurposeClass,
    /// What it is, in one sentence for the register.
    pub title: String,
    /// Term.
    pub window: Window,
    /// Whether the authority approved it.
    pub approved: bool,
    /// Under what conditions it may be used free of charge.
    pub free_use: Vec<String>,
    /// How much a day it was approved for; what its declaration leaves open is none.
    pub volume: Volume,
    /// All that it was approved for; empty where the declaration leaves that to its grants.
    pub needs: Vec<Need>,
}

/// One product that a scenario needs, with no more of it than needed (最小必要). The names are checked where the scenario
/// is applied for, and by each grant: products are read after scenarios.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The product.
    pub product: Id,
    /// Its operations.
    pub operations: Vec<Id>,
    /// Leaves of their output contracts, as JSON pointers.
    pub fields: Vec<String>,
}

impl Need {
    fn read(place: &Place<'_>) -> Option<Self> {
        let section = place.section(&[NEED_FIELDS])?;
        let product = section.required("product").and_then(|place| place.id());
        let operations = section.required("operations").and_then(|place| place.some_items(OPERATIONS_MAX));
        let fields = section.optional("fields").and_then(|place| place.items(LEAVES_MAX)).unwrap_or_default();
        Some(Self {
            product: product?,
            operations: operations?.iter().filter_map(Place::id).collect(),
            fields: fields.iter().filter_map(|place| place.text().map(str::to_owned)).collect(),
        })
    }
}

/// Fields of one need; a case's are the same.
pub(crate) const NEED_FIELDS: &[&str] = &["product", "operations", "fields"];
/// Largest volume of a day.
const VOLUME_MAX: u64 = 1_000_000_000;

/// Reads the volume that a scenario applies for, or was approved for.
pub(crate) fn read_volume(place: &Place<'_>) -> Option<Volume> {
    let section = place.section(&[&["callsPerDay", "subjectsPerDay"]])?;
    let calls = section.required("callsPerDay").and_then(|place| place.count(1..=VOLUME_MAX));
    let subjects = section.optional("subjectsPerDay").map(|place| place.count(1..=VOLUME_MAX));
    Some(Volume {
        calls_per_day: Some(calls?),
        subjects_per_day: subjects.map_or(Some(None), |most| most.map(Some))?,
    })
}

/// Most products of one scenario.
pub(crate) const NEEDS_MAX: usize = 64;

impl Object for Scenario {
    const KIND: &'static str = "Scenario";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[
            &["unit", "purpose", "title", "window", "approved", "needs"],
            &["freeUse", "volume"],
        ])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let purpose = spec.required("purpose").and_then(|place| place.word(PURPOSES));
        let title = spec.required("title").and_then(|place| place.text());
        let window = spec.required("window").and_then(|place| place.window());
        let approved = spec.required("approved").and_then(|place| place.boolean());
        let needs = spec.optional("needs").and_then(|place| place.some_items(NEEDS_MAX)).unwrap_or_default();
        let volume = spec.optional("volume").map_or(Some(Volume::default()), |place| read_volume(&place));
        let free_use =
            spec.optional("freeUse").and_then(|place| place.items(CONDITIONS_MAX)).unwrap_or_default();
        Some(Self {
            unit: unit?.0.clone(),
            purpose: purpose?,
            title: title?.to_owned(),
            window: window?,
            approved: approved?,
            free_use: free_use.iter().filter_map(|place| place.text().map(str::to_owned)).collect(),
            volume: volume?,
            needs: needs.iter().filter_map(Need::read).collect(),
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.scenarios
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.scenarios
    }
}

/// An agreement (授权使用协议) with one unit.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// With whom.
    pub unit: Id,
    /// Term.
    pub window: Window,
    /// Whether all parties signed.
    pub signed: bool,
    /// The scenarios it is about; empty where the declaration does not say.
    pub scenarios: Vec<Id>,
}

/// Most scenarios of one agreement.
pub(crate) const SCENARIOS_MAX: usize = 256;

impl Object for Agreement {
    const KIND: &'static str = "Agreement";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["unit", "window", "signed", "scenarios"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let window = spec.required("window").and_then(|place| place.window());
        let signed = spec.required("signed").and_then(|place| place.boolean());
        let scenarios = spec.optional("scenarios").and_then(|place| place.some_items(SCENARIOS_MAX));
        let scenarios = scenarios.unwrap_or_default().iter().filter_map(Place::id).collect();
        Some(Self { unit: unit?.0.clone(), window: window?, signed: signed?, scenarios })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.agreements
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.agreements
    }
}
