//! The statistics engine (统计引擎): exact aggregates over one table of persons, for the gateway only.
//!
//! `POST /v1/aggregate` takes a query and answers `{"data_version", "max_rows_per_person", "rows": [{"key", "count", "sum"}]}`. The
//! numbers are exact; the gateway adds the noise that makes them publishable and keeps the privacy budget.
//! What the engine owes the gateway is that one person moves the numbers by a bounded amount, whatever the
//! query:
//!
//! - a person has at most `max_rows_per_person` rows in the table; further rows are dropped when it is
//!   loaded, before any filter, so the bound holds for every query alike;
//! - an integer is clamped to the public bounds of its column when it is loaded;
//! - which cells an answer has follows from the query and the public [`Domain`] alone: empty cells are
//!   there, with count 0, so the shape of an answer tells nothing about anybody;
//! - keys that are not public ([`Column::Open`]) are those of the table, filtered or not, and never more than the
//!   domain says: a table with more is not loaded. The gateway lets only keys of many persons through.
//!
//! A query names the digest of the domain that its noise is drawn for, and may name the contribution bound; another than the
//! engine's is refused with 409 before any row is looked at. The engine says which domain it keeps where it describes itself.
//!
//! Integers end to end; no sum can overflow (see [`table`]).

mod domain;
mod query;
pub mod table;

use flate2::read::GzDecoder;
use http::StatusCode;
use serde::Serialize;

use crate::Error;
use crate::service::{Answer, Call, Product};

pub use domain::{Column, Domain};
pub use query::{
    CELLS_MAX, CONDITIONS_MAX, Condition, GROUPS_MAX, Measure, Op, Query, QueryFault, VALUES_MAX, Value,
};
pub use table::{Row, Table};

/// The UCI Adult table, one row per person (credits in `data/README.md`).
const ADULT: &[u8] = include_bytes!("../data/adult.csv.gz");
/// Its public metadata.
const ADULT_DOMAIN: &str = include_str!("../data/adult-domain.json");

/// The statistics engine as a service.
#[derive(Debug)]
pub struct Statistics {
    table: Table,
    /// Of the table's domain.
    digest: String,
}

/// An answer on the wire.
#[derive(Serialize)]
struct Aggregates<'a> {
    data_version: &'a str,
    max_rows_per_person: u32,
    rows: Vec<Row<'a>>,
}

impl Statistics {
    /// The engine over the built-in table.
    ///
    /// # Errors
    /// [`Error::Data`] when the table does not fit its domain.
    pub fn adult() -> Result<Self, Error> {
        let domain = Domain::parse(ADULT_DOMAIN)
            .map_err(|error| Error::Data { file: "adult-domain.json", reason: error.to_string() })?;
        let table = Table::read(GzDecoder::new(ADULT), domain)
            .map_err(|reason| Error::Data { file: "adult.csv.gz", reason })?;
        Ok(Self::over(table))
    }

    /// The engine over this table.
    #[must_use]
    pub fn over(table: Table) -> Self {
        Self { digest: table.domain().digest(), table }
    }

    /// Exact aggregates for a query about this table's domain.
    ///
    /// # Errors
    /// [`QueryFault`]; of another domain or of none, no row was looked at.
    pub fn aggregate(&self, query: &Query) -> Result<Vec<Row<'_>>, QueryFault> {
        if query.domain.as_ref().is_none_or(|domain| *domain != self.digest) {
            return Err(QueryFault::Domain);
        }
        self.table.aggregate(query)
    }

    /// The table behind the engine.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }
}

impl Product for Statistics {
    fn name(&self) -> &'static str {
        "statistics"
    }

    fn contract(&self) -> &'static str {
        "POST /v1/aggregate 2\n"
    }

    fn domains(&self) -> Vec<String> {
        vec![self.digest.clone()]
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        if call.path != "/v1/aggregate" {
            return Answer::not_found();
        }
        call.post(|query: &Query| match self.aggregate(query) {
            Ok(rows) => {
                let Domain { data_version, max_rows_per_person, .. } = self.table.domain();
                let max_rows_per_person = *max_rows_per_person;
                Answer::json(StatusCode::OK, &Aggregates { data_version, max_rows_per_person, rows })
            }
            Err(QueryFault::Domain) => Answer::refused(StatusCode::CONFLICT, "another_domain"),
            Err(fault) => Answer::invalid(&fault.to_string()),
        })
    }
}
