//! What is promised to the people behind statistics, for anyone: caps in odds, and the raises of them (ADR 0033).

use serde_json::Value;
use shuzha_core::{Id, Measure, NanoCharge, Timestamp};
use shuzha_products::case::privacy_raise::{self, raised};
use shuzha_products::data::odds;
use shuzha_store::register::{ActFilter, Filter, Object};

use super::PAGE_MAX;
use crate::force::json;
use crate::writing::state_of;
use crate::{Control, Error, Page};

/// The kind whose caps are the promise.
const SPACE: &str = "PersonSpace";
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
    /// The reason that was given with its latest declaration; empty where none was.
    pub reason: String,
    /// Raises of its cap, or of a data set over the people, that are publicised or count.
    pub raises: Vec<PublicRaise>,
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
        let (measure, cap) = (text("measure"), text("cap"));
        let charge: NanoCharge = cap.parse().unwrap_or_default();
        let counts = if measure == "rho" { Measure::Rho } else { Measure::PureEps };
        let acts = self.register.acts(&ActFilter {
            kind: Some(SPACE),
            name: Some(object.name.as_str()),
            limit: 1,
            ..ActFilter::default()
        })?;
        let reason = acts.into_iter().next().map(|recorded| recorded.act.reason).unwrap_or_default();
        Ok(PublicBudget {
            name: object.name.clone(),
            measure,
            odds: odds(counts, charge),
            above_ceiling: charge > self.rules().jurisdiction.privacy.space_year_max,
            cap: charge.to_string(),
            reason,
            raises: self.public_raises(&object.name)?,
        })
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
