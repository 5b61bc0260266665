//! Grants: unit × scenario × product × operations × fields × window × limits.

use std::time::Duration;

use shuzha_core::Id;
use shuzha_privacy::output::{FieldSet, LEAVES_MAX};

use super::{Agreement, Need, Scenario};
use crate::parties::ApplicationUnit;
use crate::product::{OPERATIONS_MAX, Product};
use crate::world::{Mark, Marked, Object, Scope, Table};
use crate::yaml::{Place, Section, Value};
use crate::{Window, World};

/// Largest quota.
const QUOTA_MAX: u64 = 1_000_000_000;
/// Largest rate or burst.
const RATE_CALLS_MAX: u32 = 1_000_000;
/// Longest window of a rate, in seconds.
const RATE_SECONDS_MAX: u64 = 86_400;
/// Most calls of one grant at once.
const CONCURRENCY_MAX: u32 = 10_000;
/// Calls at once where a grant says nothing.
const CONCURRENCY_DEFAULT: u32 = 32;

/// Period after which a quota starts anew, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuotaPeriod {
    /// Calendar day in Asia/Shanghai.
    Day,
    /// Calendar month in Asia/Shanghai.
    Month,
    /// The grant's whole window: never.
    Term,
}

/// Most calls in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls.
    pub max: u64,
    /// Period.
    pub per: QuotaPeriod,
}

/// Sustained rate with a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls per window.
    pub calls: u32,
    /// The window.
    pub per: Duration,
    /// Calls that may come at once.
    pub burst: u32,
}

/// One operation of a grant.
#[derive(Clone, Debug)]
pub struct GrantedOperation {
    /// The operation.
    pub operation: Id,
    /// Leaves of its output contract that may be released; empty where the kind has no contract of leaves.
    pub fields: FieldSet,
}

/// A grant (授权): what one unit may call in one scenario.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who.
    pub unit: Id,
    /// For which scenario.
    pub scenario: Id,
    /// Under which agreement.
    pub agreement: Id,
    /// Which product.
    pub product: Id,
    /// Which operations, with their fields.
    pub operations: Vec<GrantedOperation>,
    /// When.
    pub window: Window,
    /// How often altogether; `None` means no quota.
    pub quota: Option<Quota>,
    /// How fast.
    pub rate: Rate,
    /// How many calls at once.
    pub concurrency: u32,
}

impl Object for Grant {
    const KIND: &'static str = "Grant";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let who = &["unit", "scenario", "agreement", "product", "operations", "fields"];
        let spec = spec.section(&[who, &["window", "quota", "rate", "concurrency"]])?;
        let unit = spec.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let unit = unit.map(|(id, _)| id);
        let scenario = spec.required("scenario").and_then(|place| {
            let (id, found) = scope.find::<Scenario>(&place)?;
            same_unit(&place, unit, &found.unit).map(|()| (id, found))
        });
        let agreement = spec.required("agreement").and_then(|place| {
            let (id, found) = scope.find::<Agreement>(&place)?;
            if let Some((scenario, _)) = scenario.filter(|_| !found.scenarios.is_empty())
                && !found.scenarios.contains(scenario)
            {
                return place.fail(format!("is not about scenario `{scenario}`"));
            }
            same_unit(&place, unit, &found.unit).map(|()| id)
        });
        let product = spec.required("product").and_then(|place| scope.find::<Product>(&place));
        let operations = product.and_then(|(_, product)| read_operations(&spec, product));
        if let (Some((_, scenario)), Some((product, _))) = (scenario, product) {
            within_needs(&spec, scenario, product);
        }
        let window = spec.required("window").and_then(|place| place.window());
        let quota = spec.optional("quota").and_then(|place| read_quota(&place));
        let rate = spec.required("rate").and_then(|place| read_rate(&place));
        let concurrency = match spec.optional("concurrency") {
            Some(place) => place.count(1..=CONCURRENCY_MAX),
            None => Some(CONCURRENCY_DEFAULT),
        };
        Some(Self {
            unit: unit?.clone(),
            scenario: scenario?.0.clone(),
            agreement: agreement?.clone(),
            product: product?.0.clone(),
            operations: operations?,
            window: window?,
            quota,
            rate: rate?,
            concurrency: concurrency?,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.grants
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.grants
    }
}

impl Marked for Grant {
    fn marks<'w>(&'w self, _: &'w Id, take: &mut dyn FnMut(Mark<'w>)) {
        // At each instant one grant speaks for (unit, scenario, product, operation).
        for granted in &self.operations {
            let key = [&self.unit, &self.scenario, &self.product, &granted.operation].map(Id::as_str);
            let (window, clash) = (Some(self.window), "overlaps that of");
            take(Mark { of: "grant", key, window, shared_as: None, path: "spec.window", clash });
        }
    }
}

/// Whether a grant with this quota bounds nothing where the quota is the bound: whoever matches with a blinded list learns
/// an entry by each element, and nobody here sees which. Such a grant is not given; one that was given before is to be
/// given anew.
#[must_use]
pub fn unbounded(product: &Product, quota: Option<Quota>) -> bool {
    product.kind.is_blinded() && quota.is_none()
}

/// What is wrong with a grant that is [`unbounded`].
pub const NO_QUOTA: &str = "is missing: a grant of a blinded list says how many elements it is for";

fn same_unit(place: &Place<'_>, unit: Option<&Id>, other: &Id) -> Option<()> {
    match unit {
        Some(unit) if unit != other => place.fail(format!("belongs to unit `{other}`")),
        _ => Some(()),
    }
}

/// Reports what the grant gives beyond what its scenario was approved for (REQUIREMENTS C5).
fn within_needs(spec: &Section<'_>, scenario: &Scenario, product: &Id) {
    if scenario.needs.is_empty() {
        return;
    }
    let beyond = |place: &Place<'_>| place.fail::<()>("is more than the scenario was approved for");
    let needs: Vec<&Need> = scenario.needs.iter().filter(|need| need.product == *product).collect();
    if needs.is_empty() {
        if let Some(place) = spec.optional("product") {
            beyond(&place);
        }
        return;
    }
    let items = |key: &str| {
        let list = spec.optional(key).filter(|place| matches!(place.value(), Value::List(_)));
        list.and_then(|place| place.items(usize::MAX)).unwrap_or_default()
    };
    let text = |place: &Place<'_>| match place.value() {
        Value::Text(text) => text.clone(),
        _ => String::new(),
    };
    for place in items("operations") {
        if !needs.iter().any(|need| need.operations.iter().any(|one| one.as_str() == text(&place))) {
            beyond(&place);
        }
    }
    for place in items("fields") {
        if !needs.iter().any(|need| need.fields.contains(&text(&place))) {
            beyond(&place);
        }
    }
}

/// Reads `operations` and `fields`: every field must be a leaf of some granted operation, and every operation whose
/// kind has leaves must be left with some.
pub(crate) fn read_operations(spec: &Section<'_>, product: &Product) -> Option<Vec<GrantedOperation>> {
    let names = spec.required("operations").and_then(|place| place.some_items(OPERATIONS_MAX));
    let fields = spec.optional("fields");
    let items = fields.as_ref().and_then(|place| place.some_items(LEAVES_MAX));
    let pointers: Option<Vec<_>> = items.as_ref().map(|items| items.iter().map(Place::text).collect());
    let mut used = vec![false; pointers.as_ref().map_or(0, Vec::len)];
    let mut granted: Vec<GrantedOperation> = Vec::new();
    for place in names? {
        let Some(name) = place.id() else { continue };
        let Some(operation) = product.operation(name.as_str()) else {
            place.fail::<()>(format!("the product has no operation `{name}`"));
            continue;
        };
        if granted.iter().any(|other| other.operation == name) {
            place.fail::<()>("is named twice");
            continue;
        }
        let fields = match (operation.output.contract(), &pointers) {
            (None, _) => FieldSet::default(),
            // A kind whose answer is one fixed leaf: the operation itself is the field.
            (Some(contract), None) if !product.kind.fields_chosen() => contract.all(),
            (Some(_), None) => return spec.place().fail("is missing `fields`: the leaves this grant needs"),
            (Some(contract), Some(pointers)) => {
                let mut fields = FieldSet::default();
                for (pointer, used) in pointers.iter().zip(&mut used) {
                    if let Some(one) = pointer.and_then(|pointer| contract.fields([pointer]).ok()) {
                        fields.0 |= one.0;
                        *used = true;
                    }
                }
                if fields.is_empty() {
                    place.fail::<()>(format!("`fields` leaves nothing of `{name}`"));
                }
                fields
            }
        };
        granted.push(GrantedOperation { operation: operation.name.clone(), fields });
    }
    for (item, used) in items.iter().flatten().zip(used) {
        if !used {
            item.fail::<()>("is no leaf of the granted operations' output contracts");
        }
    }
    Some(granted)
}

fn read_quota(place: &Place<'_>) -> Option<Quota> {
    let section = place.section(&[&["max", "per"]])?;
    let max = section.required("max").and_then(|place| place.count(1..=QUOTA_MAX));
    let periods = &[("day", QuotaPeriod::Day), ("month", QuotaPeriod::Month), ("term", QuotaPeriod::Term)];
    let per = section.required("per").and_then(|place| place.word(periods));
    Some(Quota { max: max?, per: per? })
}

fn read_rate(place: &Place<'_>) -> Option<Rate> {
    let section = place.section(&[&["calls", "perSeconds", "burst"]])?;
    let calls = section.required("calls").and_then(|place| place.count(1..=RATE_CALLS_MAX));
    let per = section.required("perSeconds").and_then(|place| place.count(1..=RATE_SECONDS_MAX));
    let burst = match section.optional("burst") {
        Some(place) => place.count(1..=RATE_CALLS_MAX),
        None => calls,
    };
    Some(Rate { calls: calls?, per: Duration::from_secs(per?), burst: burst? })
}
