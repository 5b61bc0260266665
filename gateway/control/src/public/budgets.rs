//! What is promised to the people behind statistics, for anyone: caps in odds, and the raises of them (ADR 0033).

use serde_json::Value;
use shuzha_core::{Id, Measure, NanoCharge, Timestamp};
use shuzha_products::case::Reasons;
use shuzha_products::case::privacy_raise::{self, raised};
use shuzha_products::data::odds;
use shuzha_store::register::{ActFilter, Filter, Object};

use super::PAGE_MAX;
use crate::force::json;
use crate::writing::state_of;
use crate::{Control, Error, Page};

/// The kind whose caps are the promise.
const SPACE: &str = "PersonSpace";
/// The kind whose queries are charged to it.
const DATA_SET: &str = "DataSet";
/// Where a data set says how much one query may take.
const PER_QUERY: &str = "/privacy/perQueryMax";
/// Most raises of one person-space that are shown, the latest.
const RAISES_MAX: usize = 50;

/// The promise to the people of one person-space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicBudget {
    /// The person-space.
    pub name: Id,
    /// What it counts in: `pure-eps` or `rho`.
    pub measure: String,
    /// Its lifetime cap.
    pub cap: String,
    /// What the cap means: e^ε to one.
    pub odds: String,
    /// Whether the cap is above the ceiling of the rules.
    pub above_ceiling: bool,
    /// Why its cap is above the ceiling: the reason of the act that put it there; empty where it is not above.
    pub reason: String,
    /// Data sets over the people of which one query may take more than the ceiling of the rules.
    pub queries: Vec<PublicQuery>,
    /// Raises of its cap, or of a data set over the people, that are publicised or count.
    pub raises: Vec<PublicRaise>,
}

/// A data set of which one query may take more than the ceiling of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicQuery {
    /// The data set.
    pub data_set: Id,
    /// The most that one query may take.
    pub per_query_max: String,
    /// What that means: e^ε to one.
    pub odds: String,
    /// Why: the reason of the act that put it above the ceiling.
    pub reason: String,
}

/// A raise, publicised or counting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicRaise {
    /// The case.
    pub case: Id,
    /// `publicity` or `in-force`.
    pub state: String,
    /// The data set whose own cap it is; none where it is the person-space's.
    pub data_set: Option<Id>,
    /// Up to where the cap may be declared.
    pub cap: String,
    /// What the cap meant when it was applied for, and would mean: e^ε to one.
    pub odds: (String, String),
    /// Why.
    pub cause: String,
    /// When it was written last.
    pub at: Timestamp,
}

impl Control {
    /// Person-spaces with their caps and raises, in order of name.
    ///
    /// # Errors
    /// Of the register.
    pub fn public_budgets(&self, after: Option<&Id>, limit: usize) -> Result<Page<PublicBudget, Id>, Error> {
        let limit = limit.clamp(1, PAGE_MAX);
        let filter = Filter { kind: SPACE, after, limit: limit + 1, ..Filter::default() };
        let page = Page::cut(self.register.list(&filter)?, limit, |object| object.name.clone());
        let items = page.items.iter().map(|object| self.budget(object)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    fn budget(&self, object: &Object) -> Result<PublicBudget, Error> {
        let spec = json(object, &object.spec)?;
        let text = |field: &str| spec.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let measure = text("measure");
        let charge = charge(&spec, "/cap").unwrap_or_default();
        let counts = if measure == "rho" { Measure::Rho } else { Measure::PureEps };
        let ceilings = self.rules().jurisdiction.privacy;
        let reason = self.reason_above(SPACE, &object.name, "/cap", ceilings.space_year_max)?;
        Ok(PublicBudget {
            name: object.name.clone(),
            measure,
            odds: odds(counts, charge),
            above_ceiling: charge > ceilings.space_year_max,
            queries: self.costly(&object.name, counts, ceilings.per_query_max)?,
            cap: charge.to_string(),
            reason,
            raises: self.public_raises(&object.name)?,
        })
    }

    /// Data sets over a person-space of which one query may take more than `ceiling`.
    fn costly(&self, space: &Id, measure: Measure, ceiling: NanoCharge) -> Result<Vec<PublicQuery>, Error> {
        let mut found = Vec::new();
        for data_set in self.register.referrers_of(DATA_SET, SPACE, space.as_str())? {
            let Some(object) = self.register.get(DATA_SET, data_set.as_str())? else { continue };
            let charge = charge(&json(&object, &object.spec)?, PER_QUERY);
            let Some(charge) = charge.filter(|charge| *charge > ceiling) else { continue };
            let reason = self.reason_above(DATA_SET, &data_set, PER_QUERY, ceiling)?;
            let (per_query_max, odds) = (charge.to_string(), odds(measure, charge));
            found.push(PublicQuery { data_set, per_query_max, odds, reason });
        }
        found.sort_by(|one, other| one.data_set.cmp(&other.data_set));
        Ok(found)
    }

    /// The reason of the act that put a figure above its ceiling, or further above it; empty where it is not above, and where that
    /// was before reasons were asked for.
    fn reason_above(
        &self,
        kind: &'static str,
        name: &Id,
        figure: &str,
        ceiling: NanoCharge,
    ) -> Result<String, Error> {
        let (mut lifted, mut before) = (None, None);
        for object in self.register.history(kind, name.as_str())? {
            let now = charge(&json(&object, &object.spec)?, figure);
            if now.is_none_or(|now| now <= ceiling) {
                lifted = None;
            } else if before < now {
                lifted = Some(object.version);
            }
            before = now;
        }
        let Some(version) = lifted else { return Ok(String::new()) };
        let acts = self.register.acts(&ActFilter {
            before: Some(version + 1),
            kind: Some(kind),
            name: Some(name.as_str()),
            limit: 1,
            ..ActFilter::default()
        })?;
        let act = acts.into_iter().next().filter(|recorded| recorded.revision == version);
        Ok(act.map(|recorded| recorded.act.reason).unwrap_or_default())
    }

    fn public_raises(&self, space: &Id) -> Result<Vec<PublicRaise>, Error> {
        let cases = self.register.referrers_of(privacy_raise::KIND, SPACE, space.as_str())?;
        let mut raises = Vec::new();
        for case in cases {
            let Some(object) = self.register.get(privacy_raise::KIND, case.as_str())? else { continue };
            let state_name = object.state.as_ref().map(|state| state.name.clone()).unwrap_or_default();
            if !privacy_raise::PUBLIC_STATES.contains(&state_name.as_str()) {
                continue;
            }
            let (spec, state) = (json(&object, &object.spec)?, state_of(&object)?);
            let Some(what) = raised(&spec) else { continue };
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            raises.push(PublicRaise {
                case,
                state: state_name,
                data_set: what.data_set,
                cap: what.cap.to_string(),
                odds: (text(&state["oddsNow"]), text(&state["oddsThen"])),
                cause: text(&spec["cause"]),
                at: object.updated,
            });
        }
        raises.sort_by_key(|raise| std::cmp::Reverse(raise.at));
        raises.truncate(RAISES_MAX);
        Ok(raises)
    }
}

impl Reasons for Control {
    fn above(&self, kind: &'static str, name: &Id, figure: &str, ceiling: NanoCharge) -> String {
        self.reason_above(kind, name, figure, ceiling).unwrap_or_else(|error| {
            // A review shows its figures all the same.
            tracing::warn!(%error, kind, %name, "why a figure is above its ceiling cannot be read");
            String::new()
        })
    }
}

/// The figure at a place of a declaration.
fn charge(spec: &Value, pointer: &str) -> Option<NanoCharge> {
    spec.pointer(pointer)?.as_str()?.parse().ok()
}
