//! Evidence (存证) for those who supervise: traces from a call back and from data forward (REQUIREMENTS H4), half-years of the log,
//! their proofs, their sealing and destruction (H1, H3).
//!
//! The auditor and the authority see all. A provider sees what was done with its data, without what it was sold for; a unit sees
//! its own calls. What is not theirs to see is answered like what is not there.

mod authorisations;
mod catalogue;
mod log;
mod retention;
mod trace;

use std::sync::Arc;

use serde_json::Value;
use shuzha_core::{Clock, Code, Id, Rng, Role};
use shuzha_evidence::log::LogError;
use shuzha_store::register::Filter;
use shuzha_store::tiles::Library;
use shuzha_store::traces::{Of, Page, Query, QueryError};
use shuzha_store::{Retention, Traces};

use crate::finance::may_read;
use crate::force::json;
use crate::{ActLog, Caller, Control, Error};

pub use catalogue::Products;
pub use log::{Checkpoints, LeafOf, Tree};
pub use trace::{Step, Trace};

/// What evidence is made of.
pub struct Parts {
    /// What is declared and decided.
    pub control: Arc<Control>,
    /// The index of uses.
    pub traces: Traces,
    /// Half-years of the evidence log, and what becomes of them.
    pub retention: Retention,
    /// Where acts are recorded for good.
    pub log: Arc<dyn ActLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, fit for secrets.
    pub rng: Arc<dyn Rng>,
}

/// The use cases of evidence.
pub struct Evidence {
    parts: Parts,
    library: Library,
}

/// Roles that see every use.
const SUPERVISORS: [Role; 2] = [Role::Auditor, Role::Authority];
/// Roles that see uses that concern them.
const CONCERNED: [Role; 4] = [Role::Auditor, Role::Authority, Role::Provider, Role::ApplicationUnit];

/// Most units of one organisation whose calls are listed together.
const UNITS_MAX: usize = 1_000;

/// How much of a use a caller sees.
enum Sight {
    /// All of it.
    Whole,
    /// What was done with data of this provider.
    OfProvider(Id),
    /// Calls of these units, whole.
    OfUnits(Vec<Id>),
}

impl Evidence {
    /// Evidence over these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let library = parts.retention.library();
        Self { parts, library }
    }

    /// Uses in order of time, as far as the caller may see them. `provider` and `units` of the query are set here.
    ///
    /// # Errors
    /// C1104, C1106 without a role that sees any; C1731 where the question is too wide; of the index.
    pub fn uses(&self, caller: &Caller, query: &Query<'_>) -> Result<Page, Error> {
        let sight = if self.accounts_for(caller, query.of)? { Sight::Whole } else { self.sight(caller)? };
        let mut query = *query;
        match &sight {
            Sight::Whole => query.provider = None,
            Sight::OfProvider(provider) => query.provider = Some(provider),
            Sight::OfUnits(own) => {
                query.provider = None;
                // Asked for others, it sees none.
                query.units = match query.units {
                    Some(asked) if asked.iter().all(|unit| own.contains(unit)) => Some(asked),
                    Some(_) => Some(&[]),
                    None => Some(own.as_slice()),
                };
            }
        }
        let mut page = match self.parts.traces.uses(&query) {
            Ok(page) => page,
            Err(QueryError::TooWide) => return Err(Code::C1731.into()),
            Err(QueryError::Store(error)) => return Err(error.into()),
        };
        if let Sight::OfProvider(_) = sight {
            page.uses.iter_mut().for_each(|one| one.price.clear());
        }
        Ok(page)
    }

    /// Whether the caller answers for what these uses earned: finance for all, an operator for those of its products.
    fn accounts_for(&self, caller: &Caller, of: Of<'_>) -> Result<bool, Error> {
        let Of::Product(product) = of else { return Ok(caller.is(Role::Finance)) };
        if !caller.is(Role::Operator) {
            return Ok(caller.is(Role::Finance));
        }
        let Some(object) = self.parts.control.register().get("Product", product)? else { return Ok(false) };
        let spec = json(&object, &object.spec)?;
        Ok(spec.get("operator").and_then(Value::as_str) == Some(caller.organisation.as_str()))
    }

    fn sight(&self, caller: &Caller) -> Result<Sight, Error> {
        may_read(caller, &CONCERNED)?;
        Ok(if may_read(caller, &SUPERVISORS).is_ok() {
            Sight::Whole
        } else if caller.is(Role::Provider) {
            Sight::OfProvider(caller.organisation.clone())
        } else {
            Sight::OfUnits(self.units_of(&caller.organisation)?)
        })
    }

    fn units_of(&self, organisation: &Id) -> Result<Vec<Id>, Error> {
        let filter = Filter {
            kind: "ApplicationUnit",
            owner: Some(organisation),
            limit: UNITS_MAX,
            ..Filter::default()
        };
        let found = self.parts.control.register().list(&filter)?;
        Ok(found.into_iter().map(|object| object.name).collect())
    }
}

/// What a fault of the log is to whoever asked.
fn fault(error: &LogError) -> Error {
    tracing::error!(%error, "the evidence log cannot be read");
    Code::C1703.into()
}

impl std::fmt::Debug for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Evidence")
    }
}
