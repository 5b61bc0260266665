//! What whoever reviews statistics or a noised table is told of the budget that they share with everything else over the same
//! people.

use serde::{Deserialize, Serialize};
use shuzha_core::Id;
use shuzha_privacy::dp::Query;

use crate::case::parts::Name;
use crate::data::{DataSet, PersonSpace};
use crate::kinds::{Dated, Lane};
use crate::product::Product;
use crate::world::{Object as _, Scope};

/// Seconds of a year.
const YEAR: u64 = 365 * 86_400;

/// A budget that every report and every noised table over the same people is charged to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SharedBudget {
    person_space: Name,
    /// What there is for all of them together, for ever.
    cap: String,
    /// What each release of a table takes; of a report, the most that one answer may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    per_release: Option<String>,
    /// Of a table: how many releases a year has at most, by its least interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    releases_per_year_max: Option<u64>,
    /// So many releases at that cost use up what the data set may take in its life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    releases_max: Option<u64>,
}

impl SharedBudget {
    /// The budget that the answers of `product` are charged to; none where they are no statistics.
    pub(super) fn of(product: &Product, sets: &[(Id, &DataSet)], scope: &Scope<'_>) -> Option<Self> {
        let terms = sets.iter().find_map(|(_, set)| set.privacy.as_ref())?;
        let cap = PersonSpace::table(scope.world()).get(&terms.person_space)?.cap;
        let tables = product.operations.iter().filter_map(|operation| {
            let Dated::Noised { interval_min } = operation.output.dated()? else { return None };
            let query = Query::parse(operation.output.query()?, &terms.domain).ok()?;
            Some((query.charge(), 1 + (YEAR - 1) / interval_min.as_secs().max(1)))
        });
        // Its tables are views of one release.
        let table = tables.into_iter().next();
        let charged = table.is_some() || product.kind.lane() == Lane::Statistics;
        let (of_table, releases_per_year_max) = table.unzip();
        let per_release = of_table.unwrap_or(terms.per_query_max);
        let own = terms.cap.min(cap).nanos();
        Some(Self {
            person_space: Name(terms.person_space.clone()),
            cap: cap.to_string(),
            per_release: Some(per_release.to_string()),
            releases_per_year_max,
            releases_max: own.checked_div(per_release.nanos()),
        })
        .filter(|_| charged)
    }
}
