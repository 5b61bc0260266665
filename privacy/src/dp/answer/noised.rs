//! The noised cells of a release that is kept, for whoever makes a fixed table of them (ADR 0031).
//!
//! Every view of a table is made of these cells: functions of noised numbers alone, hence free of charge, and the same
//! numbers whichever view is asked for first (Dwork and Roth 2014, proposition 2.1).

use serde::Deserialize;
use serde_json::Value;

use super::{Cell, post, violation};
use crate::dp::noise::Scale;
use crate::dp::{Domain, Query};
use crate::output::Violation;

/// What is read of a release that is kept.
#[derive(Deserialize)]
struct Kept {
    data_version: String,
    key_columns: Vec<String>,
    cells: Vec<Cell>,
    noise: Value,
    privacy: Value,
}

/// The noised counts of a release.
#[derive(Debug)]
pub struct Noised {
    /// Which state of the data they are of.
    pub data_version: String,
    /// The columns of each key, in the order of its parts.
    pub key_columns: Vec<String>,
    /// Keys with their noised counts.
    pub cells: Vec<(Vec<String>, i128)>,
    /// What the release says of its noise, each number by itself.
    pub noise: Value,
    /// What the release says of its charge.
    pub privacy: Value,
    scale: Scale,
}

impl Noised {
    /// The sum of the noise of `cells` cells is at most this with probability 95 %.
    #[must_use]
    pub fn accuracy_of_sums_95_up(&self, cells: usize) -> u128 {
        match cells {
            1 => self.scale.accuracy_95_up(),
            cells => self.scale.accuracy_of_sums_95_up(cells),
        }
    }
}

impl Query {
    /// The noised counts of `kept`, a release of this query.
    ///
    /// # Errors
    /// [`Violation`] where it is none, or its query does not count.
    pub fn noised(&self, kept: &[u8], domain: &Domain) -> Result<Noised, Violation> {
        let no_release = || violation("", "not a release of this query");
        let kept: Kept = serde_json::from_slice(kept).map_err(|_| no_release())?;
        let scales = self.scales(domain).map_err(|_| no_release())?;
        let count = |cell: Cell| cell.count.map(|count| (cell.key, count));
        let cells: Option<Vec<_>> = kept.cells.into_iter().map(count).collect();
        Ok(Noised {
            data_version: kept.data_version,
            key_columns: kept.key_columns,
            cells: cells.ok_or_else(no_release)?,
            noise: kept.noise,
            privacy: kept.privacy,
            scale: scales.count.ok_or_else(no_release)?,
        })
    }
}

/// The non-negative whole numbers nearest to `values` that have their sum, or none where that is negative.
pub fn nearest_nonnegative(values: &mut [i128]) {
    let total = values.iter().sum();
    post::project(values, total);
}
