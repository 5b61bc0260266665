//! Binding what was spent (docs/adr/0027): before records are given up, the projection is kept beside the journal, a record tells the
//! log its digest, and a signed checkpoint of the log covers that record.

use shuzha_core::Timestamp;
use shuzha_evidence::{Entry, Projected};

use super::{Retention, RetentionError};
use crate::projection_digest;

impl Retention {
    /// Tells the log what the projection adds up to, unless it was told of one with record `last` in it.
    ///
    /// # Errors
    /// Of the journal and the stores.
    pub(super) fn bind(&self, last: u64, at: Timestamp) -> Result<(), RetentionError> {
        if self.told(last)?.is_some() {
            return Ok(());
        }
        let (reached, bytes) = self.0.store.canonical_projection()?;
        // First the file: what the record names is there.
        self.0.journal.keep_projection(reached.seq, &bytes)?;
        let projected = Projected { at, last_seq: reached.seq, digest: projection_digest(&bytes) };
        let durable = self.0.journal.append_durable(&Entry::Projected(projected));
        let durable = durable.map_err(|_| RetentionError::Unrecorded)?;
        durable.wait().map(drop).map_err(|_| RetentionError::Unrecorded)
    }

    /// Whether records up to `last` may be given up.
    ///
    /// # Errors
    /// Of the log, the journal and the stores.
    pub(super) fn is_bound(&self, last: u64) -> Result<bool, RetentionError> {
        let Some(told) = self.told(last)? else { return Ok(false) };
        let under = |(_, first, size): &(_, u64, u64)| (*first..first.saturating_add(*size)).contains(&told);
        Ok(self.library().half_years()?.iter().any(under))
    }

    /// Where the record stands by which the log was told of a projection with record `last` in it that is still kept.
    fn told(&self, last: u64) -> Result<Option<u64>, RetentionError> {
        let Some(found) = self.0.store.projection_checkpoint()?.filter(|found| found.seq >= last) else {
            return Ok(None);
        };
        let kept = self.0.journal.projection(found.seq)?;
        let same = kept.is_some_and(|bytes| projection_digest(&bytes) == found.digest);
        Ok(same.then_some(found.at.seq))
    }
}
