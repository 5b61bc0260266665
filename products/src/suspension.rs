//! Suspensions (暂时关闭; Gansu-O 21, Qingtian 五(五)).

use shuzha_core::{Id, Timestamp};

use crate::World;
use crate::data::DataSet;
use crate::operating::OperatingAgreement;
use crate::parties::{ApplicationUnit, Organisation, OrganisationKind};
use crate::product::Product;
use crate::rights::Scenario;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;

/// The `kind` of a target that stops everything; it has no `name`.
const EVERYTHING: &str = "Everything";

/// What is suspended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A product.
    Product(Id),
    /// An application unit.
    Unit(Id),
    /// A scenario.
    Scenario(Id),
    /// A data set, and with it every product made of it.
    DataSet(Id),
    /// An operator, and with it every product of its own.
    Operator(Id),
    /// An operating agreement, and with it every product that stands under no other.
    OperatingAgreement(Id),
    /// Everything (I1): nothing is served.
    Everything,
}

/// A suspension in force from `since` until its object is removed.
#[derive(Clone, Debug)]
pub struct Suspension {
    /// What.
    pub target: Target,
    /// From when.
    pub since: Timestamp,
    /// Why, for the record.
    pub reason: String,
    /// The operator whose products alone it reaches; all are reached where none is named.
    pub operator: Option<Id>,
    /// Whether it is one person's emergency stop that waits for confirmation.
    pub emergency: bool,
}

impl Object for Suspension {
    const KIND: &'static str = "Suspension";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["target", "since", "reason", "operator", "emergency"]])?;
        let target = spec.required("target").and_then(|place| read_target(&place, scope));
        let since = spec.required("since").and_then(|place| place.instant());
        let reason = spec.required("reason").and_then(|place| place.text());
        let operator = spec.optional("operator").map_or(Some(None), |place| place.id().map(Some));
        let emergency = spec.optional("emergency").map_or(Some(false), |place| place.boolean());
        let (operator, emergency) = (operator?, emergency?);
        Some(Self { target: target?, since: since?, reason: reason?.to_owned(), operator, emergency })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.suspensions
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.suspensions
    }
}

/// The organisation that is stopped: one that operates.
fn operator(scope: &Scope<'_>, place: &Place<'_>) -> Option<Target> {
    let name = scope.name_of::<Organisation>(place)?;
    let found = Organisation::table(scope.world()).get(&name);
    if found.is_some_and(|found| found.kind != OrganisationKind::Operator) {
        return place.fail("is no operator");
    }
    Some(Target::Operator(name))
}

/// Reads a target. In a suspension that a register put in force it is its name alone: whether the object can be read
/// does not decide whether it is stopped.
pub(crate) fn read_target(place: &Place<'_>, scope: &Scope<'_>) -> Option<Target> {
    type Find = fn(&Scope<'_>, &Place<'_>) -> Option<Target>;
    const KINDS: &[(&str, Find)] = &[
        (Product::KIND, |scope, name| scope.name_of::<Product>(name).map(Target::Product)),
        (ApplicationUnit::KIND, |scope, name| scope.name_of::<ApplicationUnit>(name).map(Target::Unit)),
        (Scenario::KIND, |scope, name| scope.name_of::<Scenario>(name).map(Target::Scenario)),
        (DataSet::KIND, |scope, name| scope.name_of::<DataSet>(name).map(Target::DataSet)),
        (Organisation::KIND, operator),
        (OperatingAgreement::KIND, |scope, name| {
            scope.name_of::<OperatingAgreement>(name).map(Target::OperatingAgreement)
        }),
    ];
    let section = place.section(&[&["kind", "name"]])?;
    if section.optional("name").is_none() && section.required("kind")?.text() == Some(EVERYTHING) {
        return Some(Target::Everything);
    }
    let find = section.required("kind").and_then(|place| place.word(KINDS));
    let name = section.required("name");
    find?(scope, &name?)
}
