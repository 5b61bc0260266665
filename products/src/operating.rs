//! Operating agreements (授权运营协议; Yantai 13, Gansu-O 19–20, Heilongjiang 13–14, Qingtian 二(五)): what an operator may operate, and
//! the one function that says whether a product stands under one.
//!
//! The same function is asked by the gate for every call and by the control plane before something of a product is accepted:
//! [`Demand::permits`]. Absence is denial.

use std::collections::BTreeSet;

use shuzha_core::{Id, Timestamp};

use crate::data::DataSet;
use crate::parties::Organisation;
use crate::rights::Scenario;
use crate::world::{Object, Scope, Table};
use crate::yaml::{Place, Section};
use crate::{Window, World};

/// Most names of one extent.
pub(crate) const EXTENT_MAX: usize = 1_000;
/// 授权模式.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 整体授权.
    Whole,
    /// 分领域授权.
    Field,
    /// 依场景授权.
    Scenario,
}

/// The words for 授权模式.
pub(crate) const MODES: &[(&str, Mode)] =
    &[("whole", Mode::Whole), ("field", Mode::Field), ("scenario", Mode::Scenario)];
/// Fields of a spec that say what an agreement is about.
pub(crate) const EXTENT_FIELDS: &[&str] = &["mode", "providers", "fields", "scenario", "dataSets"];

/// What an operating agreement is about, by its mode (授权模式; Gansu-O 11, Heilongjiang 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// 整体授权: every data set of these providers, those included that they declare later.
    Whole(BTreeSet<Id>),
    /// 分领域授权: every data set of these fields.
    Field(BTreeSet<String>),
    /// 依场景授权: these data sets, for this one scenario.
    Scenario {
        /// The scenario.
        scenario: Id,
        /// The data sets.
        data_sets: BTreeSet<Id>,
    },
}

impl Extent {
    /// The mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        match self {
            Self::Whole(_) => Mode::Whole,
            Self::Field(_) => Mode::Field,
            Self::Scenario { .. } => Mode::Scenario,
        }
    }

    /// Whether the data set is within it.
    #[must_use]
    pub fn holds(&self, name: &Id, set: &DataSet) -> bool {
        match self {
            Self::Whole(providers) => providers.contains(&set.provider),
            Self::Field(fields) => set.field.as_ref().is_some_and(|field| fields.contains(field)),
            Self::Scenario { data_sets, .. } => data_sets.contains(name),
        }
    }

    /// The scenario that it is bound to.
    #[must_use]
    pub const fn scenario(&self) -> Option<&Id> {
        match self {
            Self::Scenario { scenario, .. } => Some(scenario),
            Self::Whole(_) | Self::Field(_) => None,
        }
    }

    /// Whether an agreement about `other` with the same operator is another application for the same authorisation (重新申请;
    /// Qingtian 二(五)): scenarios are authorised one by one, whatever is wider counts by the operator.
    #[must_use]
    pub fn renews(&self, other: &Self) -> bool {
        match (self.scenario(), other.scenario()) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }

    /// Reads mode and extent. In what a register put in force, names are names alone: whether an object can be read does not
    /// decide what an agreement is about.
    pub(crate) fn read(section: &Section<'_>, scope: &Scope<'_>) -> Option<Self> {
        let mode = section.required("mode").and_then(|place| place.word(MODES))?;
        let own: &[&str] = match mode {
            Mode::Whole => &["providers"],
            Mode::Field => &["fields"],
            Mode::Scenario => &["scenario", "dataSets"],
        };
        for other in EXTENT_FIELDS[1..].iter().filter(|field| !own.contains(field)) {
            section.forbid(other, "does not belong to this mode");
        }
        match mode {
            Mode::Whole => {
                let items = section.required("providers")?.some_items(EXTENT_MAX)?;
                each(&items, |item| scope.name_of::<Organisation>(item)).map(Self::Whole)
            }
            Mode::Field => {
                let items = section.required("fields")?.some_items(EXTENT_MAX)?;
                each(&items, |item| item.text().map(str::to_owned)).map(Self::Field)
            }
            Mode::Scenario => {
                let scenario =
                    section.required("scenario").and_then(|place| scope.name_of::<Scenario>(&place));
                let items = section.required("dataSets").and_then(|place| place.some_items(EXTENT_MAX));
                let data_sets = each(&items?, |item| scope.name_of::<DataSet>(item));
                Some(Self::Scenario { scenario: scenario?, data_sets: data_sets? })
            }
        }
    }
}

/// Every item, named once.
fn each<T: Ord>(items: &[Place<'_>], read: impl Fn(&Place<'_>) -> Option<T>) -> Option<BTreeSet<T>> {
    let mut all = BTreeSet::new();
    for item in items {
        if !all.insert(read(item)?) {
            return item.fail("is named twice");
        }
    }
    Some(all)
}

/// An operating agreement (授权运营协议), signed by whoever signs it.
#[derive(Clone, Debug)]
pub struct OperatingAgreement {
    /// The authority, or the implementing body (实施机构), that authorises.
    pub authoriser: Id,
    /// Whom.
    pub operator: Id,
    /// To operate what.
    pub extent: Extent,
    /// Term.
    pub window: Window,
    /// Whether it is signed and was not ended before its term.
    pub in_force: bool,
    /// The agreement that it amends (协议变更), which ends by it.
    pub amends: Option<Id>,
}

/// Fields of the declared object beside its extent; the last may be absent.
const FIELDS: &[&str] = &["authoriser", "operator", "window", "inForce", "amends"];

impl Object for OperatingAgreement {
    const KIND: &'static str = "OperatingAgreement";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[FIELDS, EXTENT_FIELDS])?;
        let name = |field| spec.required(field).and_then(|place| scope.name_of::<Organisation>(&place));
        let (authoriser, operator) = (name("authoriser"), name("operator"));
        let window = spec.required("window").and_then(|place| place.window());
        let in_force = spec.required("inForce").and_then(|place| place.boolean());
        let amends = spec.optional("amends").map_or(Some(None), |place| place.id().map(Some));
        let extent = Extent::read(&spec, scope);
        Some(Self {
            authoriser: authoriser?,
            operator: operator?,
            extent: extent?,
            window: window?,
            in_force: in_force?,
            amends: amends?,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.operating_agreements
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.operating_agreements
    }
}

/// What one agreement says for one data set of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The agreement.
    pub agreement: Id,
    /// When.
    pub window: Window,
    /// The one scenario that it is for; any where none is named.
    pub scenario: Option<Id>,
}

impl Cover {
    fn holds(&self, scenario: Option<&Id>, at: Timestamp) -> bool {
        let bound = self.scenario.as_ref().zip(scenario);
        self.window.contains(at) && bound.is_none_or(|(own, asked)| own == asked)
    }
}

/// What stands behind a product (产品所依据的授权): for each of its data sets, the operating agreements of its operator that
/// cover it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorised {
    /// Whether the operator ever had an agreement.
    known: bool,
    /// By data set. A product of no data set needs an agreement all the same, whatever it is about.
    sets: Vec<Vec<Cover>>,
}

impl Authorised {
    /// What stands behind a product of `operator` over `sets`; a data set that is not there is covered by nothing.
    pub fn of<'w>(
        operator: &Id,
        sets: impl Iterator<Item = (&'w Id, Option<&'w DataSet>)>,
        agreements: impl Iterator<Item = (&'w Id, &'w OperatingAgreement)>,
    ) -> Self {
        let own: Vec<_> = agreements.filter(|(_, agreement)| agreement.operator == *operator).collect();
        let cover = |(name, agreement): &(&Id, &OperatingAgreement)| Cover {
            agreement: (*name).clone(),
            window: agreement.window,
            scenario: agreement.extent.scenario().cloned(),
        };
        let in_force = || own.iter().filter(|(_, agreement)| agreement.in_force);
        let mut sets: Vec<Vec<Cover>> = sets
            .map(|(name, set)| {
                let holds =
                    |agreement: &OperatingAgreement| set.is_some_and(|set| agreement.extent.holds(name, set));
                in_force().filter(|(_, agreement)| holds(agreement)).map(cover).collect()
            })
            .collect();
        if sets.is_empty() {
            sets.push(in_force().map(cover).collect());
        }
        Self { known: !own.is_empty(), sets }
    }

    /// Whether every data set is covered at `at`, for `scenario`; for some scenario where none is named.
    #[must_use]
    pub fn covers(&self, scenario: Option<&Id>, at: Timestamp) -> bool {
        !self.sets.is_empty()
            && self.sets.iter().all(|covers| covers.iter().any(|cover| cover.holds(scenario, at)))
    }

    /// The first agreement without which a data set is not covered, among those that `stopped` says are stopped.
    pub fn fails_without<'s>(
        &'s self,
        scenario: Option<&Id>,
        at: Timestamp,
        stopped: impl Fn(&Id) -> bool,
    ) -> Option<&'s Id> {
        self.sets.iter().find_map(|covers| {
            let mut standing = covers.iter().filter(|cover| cover.holds(scenario, at)).peekable();
            let first = standing.peek().map(|cover| &cover.agreement)?;
            standing.all(|cover| stopped(&cover.agreement)).then_some(first)
        })
    }
}

/// Whether a jurisdiction demands an operating agreement, and from when it does of whoever operated before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Whether it does.
    pub required: bool,
    /// From when an operator that never had one needs it (过渡期); at once where nothing is said.
    pub binds_from: Option<Timestamp>,
}

impl Demand {
    /// Whether a product may be operated at `at`: for `scenario`, or for some scenario where none is named.
    #[must_use]
    pub fn permits(self, authorised: &Authorised, scenario: Option<&Id>, at: Timestamp) -> bool {
        !self.required || authorised.covers(scenario, at) || self.passes_over(authorised, at)
    }

    /// Whether only the time of transition lets the product be operated at `at`.
    #[must_use]
    pub fn passes_over(self, authorised: &Authorised, at: Timestamp) -> bool {
        self.required && !authorised.known && self.binds_from.is_some_and(|binds| at < binds)
    }
}

#[cfg(test)]
mod tests;
