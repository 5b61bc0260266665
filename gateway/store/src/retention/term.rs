//! How long a half-year's calls are kept: from its own end, and from the end of the authorisations that they were made under.

use shuzha_core::Timestamp;
use shuzha_evidence::log::Shard;
use shuzha_pricing::Month;

use super::{Retention, RetentionError};
use crate::StoreError;

/// Months of a half-year.
const HALF_YEAR_MONTHS: u16 = 6;

/// How long records of calls are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Months after the end of their half-year.
    pub months: u16,
    /// Months after the end of every authorisation that was in force in their half-year, where the rules say so (REQUIREMENTS H8).
    pub after_authorisation: Option<u16>,
    /// By which article no less.
    pub article: String,
}

/// The end of an authorisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorisationEnd {
    /// The authorisation: kind and name.
    pub of: String,
    /// When it ended; of one that is in force, the end of its term.
    pub at: Timestamp,
}

/// The authorisations that records of calls belong to.
pub trait Authorisations: Send + Sync {
    /// Of the authorisations in force at some instant of `[from, until)`, the one that ends last.
    ///
    /// # Errors
    /// Of the register.
    fn last_end(&self, from: Timestamp, until: Timestamp) -> Result<Option<AuthorisationEnd>, StoreError>;
}

impl Retention {
    /// Until when a half-year's calls are kept for the sake of the authorisations that were in force in it, and of which one.
    pub(super) fn after_authorisation(
        &self,
        shard: Shard,
    ) -> Result<Option<(String, Timestamp)>, RetentionError> {
        let Some(months) = self.0.term.after_authorisation else { return Ok(None) };
        let until = shard.months_after(0);
        let month = |at| Month::of(at).map_err(|_| StoreError::Range("period"));
        let last = month(Timestamp::from_micros(until.micros() - 1))?;
        let first = (1..HALF_YEAR_MONTHS).fold(last, |month, _| month.previous());
        let Some(end) = self.0.authorisations.last_end(first.begin(), until)? else { return Ok(None) };
        // Whole months, as half-years are counted: from the month after the one in which it ended.
        let kept = (0..months).fold(month(end.at)?, |month, _| month.next());
        Ok(Some((end.of, kept.end())))
    }
}
