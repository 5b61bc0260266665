//! Statistical queries under differential privacy (REQUIREMENTS E6; privacy research §1).
//!
//! A query goes through here in one order: [`Query::parse`] reads it against the public [`Domain`] and nothing else;
//! [`Query::charge`] is debited, durably, by the caller; [`Query::draw`] draws the noise before anything is
//! dispatched, so that the time an answer takes says nothing about the noise in it; [`Query::engine_request`] asks the
//! statistics engine, and names the domain by its digest; [`Query::release`] brings the exact aggregates into the domain,
//! adds the noise and says how accurate the result is.
//!
//! **Privacy unit**: one natural person. Two data sets are neighbours when one has all rows of one person more than
//! the other. The engine keeps at most [`Domain::rows_per_person_max`] rows of each, before any condition, and clamps
//! integers to public bounds; from these two follows how far one person can move an answer ([`Query::sensitivity`]).
//!
//! **Mechanisms**: counts, sums, means and histograms over public groups ([`Query::sensitivity`]); quantiles read off a noised
//! histogram; groups by keys that are not public, by a threshold (`threshold.rs`). What is done to noised numbers afterwards
//! (`answer/post.rs`) costs nothing and is named in the answer. [`Query::plan`] tells all of it beforehand.
//!
//! **Numbers**: aggregates, noise and charges are integers. The noise is drawn by an exact integer sampler on the
//! operating system's generator; OpenDP's measurement for the same scale and sensitivity is built for every
//! query too, and nothing is drawn unless its privacy map is within the charge (`docs/adr/0002-noise.md`).

mod answer;
mod domain;
mod filter;
mod map;
mod noise;
mod query;
mod request;
mod sampler;
mod threshold;

#[cfg(test)]
mod tests;

pub use self::answer::{Noised, NoisedAnswer, nearest_nonnegative};
pub use self::domain::{
    BOUND_MAX, CELLS_MAX, COLUMNS_MAX, Domain, DomainDigest, KEY_BYTES_MAX, KEYS_MAX, ROWS_MAX,
    ROWS_PER_PERSON_MAX, Terms,
};
pub use self::map::MapFault;
pub use self::noise::Noise;
pub use self::query::{GROUPS_MAX, Query};
pub use shuzha_core::Measure;
