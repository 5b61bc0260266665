//! What the products are made of: person-spaces and data sets (数据集), with their privacy budgets.

mod promise;

use shuzha_core::{Id, NanoCharge};
use shuzha_privacy::budget::{PACE_DAYS_MAX, Pace};
use shuzha_privacy::dp::{Domain, Measure, Terms};

pub use promise::{BrokenPromise, Promised, Said, odds};

use crate::World;
use crate::parties::{ApplicationUnit, Organisation, OrganisationKind};
use crate::rights::Scenario;
use crate::world::{Object, Scope, Table};
use crate::yaml::Place;

/// Most quota overrides of one data set.
const OVERRIDES_MAX: usize = 10_000;

/// The people over whom several data sets speak. One hard lifetime cap is shared by every unit and product.
#[derive(Clone, Debug)]
pub struct PersonSpace {
    /// What the budget counts in.
    pub measure: Measure,
    /// Lifetime cap.
    pub cap: NanoCharge,
}

impl Object for PersonSpace {
    const KIND: &'static str = "PersonSpace";

    fn read(_: &Id, spec: &Place<'_>, _: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&["measure", "cap"]])?;
        let measures = &[("pure-eps", Measure::PureEps), ("rho", Measure::Rho)];
        let measure = spec.required("measure").and_then(|place| place.word(measures));
        let cap = spec.required("cap").and_then(|place| charge(&place));
        Some(Self { measure: measure?, cap: cap? })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.person_spaces
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.person_spaces
    }
}

/// Whether the caps of all of `data_sets` over these people together fit under their cap: then what one data set has set
/// aside, the others cannot use up.
pub fn caps_fit<'d>(
    name: &Id,
    space: &PersonSpace,
    data_sets: impl IntoIterator<Item = &'d DataSet>,
) -> bool {
    let terms = data_sets.into_iter().filter_map(|set| set.privacy.as_ref());
    let sharing = terms.filter(|terms| terms.person_space == *name);
    let sum = sharing.map(|terms| terms.cap).try_fold(NanoCharge::ZERO, NanoCharge::checked_add);
    sum.is_some_and(|sum| sum <= space.cap)
}

/// Level of a data set (GB/T 43697-2024; 数据安全法 21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sensitivity {
    /// 一般数据.
    General,
    /// 敏感个人信息 within general data (个人信息保护法 28).
    Sensitive,
    /// 重要数据.
    Important,
    /// 核心数据. No product may be made of it.
    Core,
}

const SENSITIVITIES: &[(&str, Sensitivity)] = &[
    ("general", Sensitivity::General),
    ("sensitive", Sensitivity::Sensitive),
    ("important", Sensitivity::Important),
    ("core", Sensitivity::Core),
];

/// Privacy quota of one unit in one scenario, where it differs from the default.
#[derive(Clone, Debug)]
pub struct QuotaOverride {
    /// The unit.
    pub unit: Id,
    /// The scenario.
    pub scenario: Id,
    /// The quota.
    pub max: NanoCharge,
}

/// How the budget of a data set is divided among units and scenarios.
#[derive(Clone, Debug)]
pub struct Quotas {
    /// Quota of each (unit, scenario) without an override.
    pub default: NanoCharge,
    /// Overrides.
    pub overrides: Vec<QuotaOverride>,
    /// Whether every quota is set aside: together they fit under the data set's cap, and the caps of its person-space's data
    /// sets under that space's, so that nobody can use up what is another's. Otherwise quotas may promise more than there is.
    pub reserved: bool,
    /// How fast a (unit, scenario) may spend its quota, if that is limited.
    pub pace: Option<Pace>,
}

/// On which terms statistics may be made of a data set.
#[derive(Clone, Debug)]
pub struct PrivacyTerms {
    /// Whose budget is charged too.
    pub person_space: Id,
    /// Lifetime cap of this data set.
    pub cap: NanoCharge,
    /// Version of the data; a new version asks the same question anew.
    pub data_version: Id,
    /// Most one query may cost.
    pub per_query_max: NanoCharge,
    /// Who may spend how much of it.
    pub quotas: Quotas,
    /// Public metadata (columns, keys, bounds): all that a query's charge may depend on.
    pub domain: Domain,
}

impl PrivacyTerms {
    /// The quota of `unit` in `scenario`.
    #[must_use]
    pub fn quota(&self, unit: &str, scenario: &str) -> NanoCharge {
        let of_pair =
            |quota: &&QuotaOverride| quota.unit.as_str() == unit && quota.scenario.as_str() == scenario;
        self.quotas.overrides.iter().find(of_pair).map_or(self.quotas.default, |quota| quota.max)
    }

    fn read(place: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let fields = &["personSpace", "cap", "dataVersion", "perQueryMax", "quotas", "domain"];
        let section = place.section(&[fields])?;
        let space = section.required("personSpace").and_then(|place| scope.find::<PersonSpace>(&place));
        let cap = section.required("cap").and_then(|place| {
            let cap = charge(&place)?;
            match space {
                Some((_, space)) if cap > space.cap => place.fail("must not exceed the person-space's cap"),
                _ => Some(cap),
            }
        });
        let data_version = section.required("dataVersion").and_then(|place| place.id());
        let per_query_max = section.required("perQueryMax").and_then(|place| charge(&place));
        let quotas = section.required("quotas").and_then(|place| read_quotas(&place, scope));
        let ((space_id, space), per_query_max) = (space?, per_query_max?);
        let terms = Terms { measure: space.measure, per_query_max };
        let domain = section.required("domain").and_then(|place| read_domain(&place, terms));
        let (data_version, domain) = (data_version?, domain?);
        if domain.data_version() != data_version.as_str() {
            return place.fail("dataVersion and the domain's data_version differ");
        }
        let (cap, quotas) = (cap?, quotas?);
        if quotas.reserved && !quotas.fit(cap) {
            return place
                .fail("reserved quotas must add up to no more than the cap, and their default must be 0");
        }
        Some(Self { person_space: space_id.clone(), cap, data_version, per_query_max, quotas, domain })
    }
}

fn read_domain(place: &Place<'_>, terms: Terms) -> Option<Domain> {
    match Domain::compile(&place.json(), terms) {
        Ok(domain) => Some(domain),
        Err(faults) => {
            for fault in faults {
                place.fail::<()>(fault);
            }
            None
        }
    }
}

impl Quotas {
    /// Whether what is set aside is there.
    fn fit(&self, cap: NanoCharge) -> bool {
        let mut quotas = self.overrides.iter().map(|quota| quota.max);
        let sum = quotas.try_fold(NanoCharge::ZERO, NanoCharge::checked_add);
        // Units that are not named would share what others were promised.
        self.default.is_zero() && sum.is_some_and(|sum| sum <= cap)
    }
}

fn read_pace(place: &Place<'_>) -> Option<Pace> {
    let section = place.section(&[&["max", "days"]])?;
    let max = section.required("max").and_then(|place| charge(&place));
    let days = section.required("days").and_then(|place| place.count(1..=PACE_DAYS_MAX));
    Some(Pace { max: max?, days: days? })
}

fn read_quotas(place: &Place<'_>, scope: &Scope<'_>) -> Option<Quotas> {
    let section = place.section(&[&["default", "overrides", "reserved", "pace"]])?;
    let default = section.required("default").and_then(|place| charge(&place));
    let items =
        section.optional("overrides").and_then(|place| place.items(OVERRIDES_MAX)).unwrap_or_default();
    let mut overrides: Vec<QuotaOverride> = Vec::with_capacity(items.len());
    let mut seen = std::collections::HashSet::with_capacity(items.len());
    for item in items {
        let Some(section) = item.section(&[&["unit", "scenario", "max"]]) else { continue };
        let unit = section.required("unit").and_then(|place| scope.find::<ApplicationUnit>(&place));
        let scenario = section.required("scenario").and_then(|place| scope.find::<Scenario>(&place));
        let max = section.required("max").and_then(|place| charge(&place));
        let (Some((unit, _)), Some((scenario, _)), Some(max)) = (unit, scenario, max) else { continue };
        if !seen.insert((unit, scenario)) {
            item.fail::<()>("repeats an earlier override");
        }
        overrides.push(QuotaOverride { unit: unit.clone(), scenario: scenario.clone(), max });
    }
    let reserved = match section.optional("reserved") {
        Some(place) => place.boolean()?,
        None => false,
    };
    let pace = match section.optional("pace") {
        Some(place) => Some(read_pace(&place)?),
        None => None,
    };
    Some(Quotas { default: default?, overrides, reserved, pace })
}

/// A charge or cap as quoted decimal text; more decimals than nano-units hold are refused, not rounded.
fn charge(place: &Place<'_>) -> Option<NanoCharge> {
    place.parsed()
}

/// A data set (数据集) of one provider.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// 数据提供单位.
    pub provider: Id,
    /// The department or place it came from by sharing (共享), where the provider is not its source: that source too must
    /// agree to its use (Gansu-O 12; Heilongjiang 8).
    pub shared_from: Option<Id>,
    /// The field (领域) that it belongs to, where it is said: what an authorisation by field covers.
    pub field: Option<String>,
    /// Level.
    pub sensitivity: Sensitivity,
    /// Whether it holds business secrets (商业秘密) of the enterprises that it is about: products over it ask each for its
    /// authorisation.
    pub business_secret: bool,
    /// Terms of statistics; `None` refuses every statistical query (C606).
    pub privacy: Option<PrivacyTerms>,
}

impl DataSet {
    /// Whether it is known to hold personal information: of the sensitive kind, or of people whose privacy is counted.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.sensitivity == Sensitivity::Sensitive || self.privacy.is_some()
    }
}

impl Object for DataSet {
    const KIND: &'static str = "DataSet";

    fn read(_: &Id, spec: &Place<'_>, scope: &Scope<'_>) -> Option<Self> {
        let spec = spec.section(&[&[
            "provider",
            "sharedFrom",
            "field",
            "sensitivity",
            "businessSecret",
            "privacy",
        ]])?;
        let provider = spec.required("provider").and_then(|place| {
            let (id, found) = scope.find::<Organisation>(&place)?;
            match found.kind {
                OrganisationKind::Provider | OrganisationKind::Authority => Some(id.clone()),
                _ => place.fail("must be an organisation of kind provider or authority"),
            }
        });
        let shared_from = match spec.optional("sharedFrom") {
            Some(place) => Some(scope.find::<Organisation>(&place)?.0.clone()),
            None => None,
        };
        let field = match spec.optional("field") {
            Some(place) => Some(place.text()?.to_owned()),
            None => None,
        };
        let sensitivity = spec.required("sensitivity").and_then(|place| place.word(SENSITIVITIES));
        let business_secret = match spec.optional("businessSecret") {
            Some(place) => place.boolean()?,
            None => false,
        };
        let privacy = match spec.optional("privacy") {
            Some(place) => Some(PrivacyTerms::read(&place, scope)?),
            None => None,
        };
        Some(Self {
            provider: provider?,
            shared_from,
            field,
            sensitivity: sensitivity?,
            business_secret,
            privacy,
        })
    }

    fn table(world: &World) -> &Table<Self> {
        &world.data_sets
    }

    fn table_mut(world: &mut World) -> &mut Table<Self> {
        &mut world.data_sets
    }
}
