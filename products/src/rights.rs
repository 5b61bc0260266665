//! Who may use what for which purpose: scenarios (场景), agreements (协议), grants (授权).

use shuzha_core::Id;
use shuzha_pricing::PurposeClass;

use crate::parties::ApplicationUnit;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;
use crate::{Window, World};

mod grant;

pub use grant::{Grant, GrantedOperation, Quota, QuotaPeriod, Rate};

const PURPOSES: &[(&str, PurposeClass)] = &[
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
}

impl Object for Scenario {
    const KIND: &'static str = "Scenario";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["unit", "purpose", "title", "window", "approved"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let purpose = spec.required("purpose").and_then(|place| place.word(PURPOSES));
        let title = spec.required("title").and_then(|place| place.text());
        let window = spec.required("window").and_then(|place| place.window());
        let approved = spec.required("approved").and_then(|place| place.boolean());
        Some(Self {
            unit: unit?.0.clone(),
            purpose: purpose?,
            title: title?.to_owned(),
            window: window?,
            approved: approved?,
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
}

impl Object for Agreement {
    const KIND: &'static str = "Agreement";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["unit", "window", "signed"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let window = spec.required("window").and_then(|place| place.window());
        let signed = spec.required("signed").and_then(|place| place.boolean());
        Some(Self { unit: unit?.0.clone(), window: window?, signed: signed? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.agreements
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.agreements
    }
}
