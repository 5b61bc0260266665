//! Stage 6 of 10, budget: what does the query cost in privacy, and is that left?
//!
//! The charge comes from the query and public metadata alone, never from data. A query that was answered before,
//! on the same version of the data, has a release: the same bytes again, no further charge.

use shuzha_core::{Code, Refusal};

use super::limit::Slot;
use crate::env::{Env, Takes};
use crate::holds::budget::QuotaKey;

/// Proof that the privacy charge is debited, or that none is due.
pub(crate) struct Spend<'e> {
    slot: Slot<'e>,
    release: Option<bytes::Bytes>,
}

impl<'e> Spend<'e> {
    /// The slot.
    pub(crate) fn slot(&self) -> &Slot<'e> {
        &self.slot
    }
    /// The answer released before for the same canonical query, if any.
    pub(crate) fn take_release(&mut self) -> Option<bytes::Bytes> {
        self.release.take()
    }
}

/// Debits the charge of a report's query.
pub(crate) fn run<'e>(env: &mut Env<'e>, slot: Slot<'e>) -> Result<Spend<'e>, Refusal> {
    let right = slot.agreed().ask().right();
    let Some((query, statistics)) = slot.agreed().ask().query() else {
        return Ok(Spend { slot, release: None });
    };
    env.facts.terms.data_set = statistics.data_set.name.as_str();
    let key = statistics.release_key(right.product(), query);
    if let Some(release) = env.gate.releases.get(&key) {
        env.gate.metrics.privacy_debit("replayed");
        return Ok(Spend { slot, release: Some(release) });
    }
    let charge = query.charge();
    if charge.is_zero() {
        return Err(Code::C606.into());
    }
    if env.takes == Takes::All {
        let quota = QuotaKey {
            unit: right.unit().name.clone(),
            scenario: right.scenario().name.clone(),
            data_set: statistics.data_set.name.clone(),
        };
        let debit = env.gate.budgets.debit(&statistics.space, &statistics.data_set, quota, charge);
        env.gate.metrics.privacy_debit(if debit.is_ok() { "committed" } else { "refused" });
        env.holds.charge = Some(debit?);
        env.facts.charge = charge;
    }
    Ok(Spend { slot, release: None })
}
