//! Stage 6 of 10, budget: what does the query cost in privacy, and is that left?
//!
//! The charge comes from the query and public metadata alone, never from data. A query that was answered before,
//! on the same version of the data, has a release: the same bytes again, no further charge. A retry is covered by the charge of
//! an earlier try for the one release that it was charged for; one of an answered query is given its release, and never noise
//! that nobody has paid for (C314).

use shuzha_core::{Code, Refusal};
use shuzha_store::{local_day, local_midnight};

use super::limit::Slot;
use crate::env::Env;
use crate::releases::{InFlight, ReleaseKey};

/// Proof that the privacy charge is debited, or that none is due.
pub(crate) struct Spend<'e> {
    slot: Slot<'e>,
    release: Option<ReleaseKey>,
    /// While it is held, nobody else asks the same and pays for it.
    in_flight: Option<InFlight>,
}

impl<'e> Spend<'e> {
    /// The slot.
    pub(crate) fn slot(&self) -> &Slot<'e> {
        &self.slot
    }
    /// What the same canonical query was answered with before, if it was.
    pub(crate) fn take_release(&mut self) -> Option<ReleaseKey> {
        self.release.take()
    }
    /// The place of the query, for whoever keeps its release.
    pub(crate) fn take_in_flight(&mut self) -> Option<InFlight> {
        self.in_flight.take()
    }
}

/// Debits the charge of a report's query.
pub(crate) fn run<'e>(env: &mut Env<'e>, slot: Slot<'e>) -> Result<Spend<'e>, Refusal> {
    let right = slot.agreed().ask().right();
    let Some((query, statistics)) = slot.agreed().ask().query() else {
        return Ok(Spend { slot, release: None, in_flight: None });
    };
    env.facts.terms.data_set = statistics.data_set.name.as_str();
    let key = statistics.release_key(right.product(), query);
    let gate = env.gate;
    let named = gate.release_commitment(&key);
    // First a place, then the look: an answer kept in between is found.
    let in_flight = gate.releases.begin(key);
    if gate.releases.has(&key) {
        gate.metrics.privacy_debit("replayed");
        return Ok(Spend { slot, release: Some(key), in_flight: None });
    }
    if env.was_answered() {
        return Err(Code::C314.into());
    }
    let in_flight = in_flight.ok_or_else(|| Refusal::retry(Code::C609, super::forward::DRAW_SLOT))?;
    let charge = query.charge();
    if charge.is_zero() {
        return Err(Code::C606.into());
    }
    env.facts.release = Some(named);
    if !env.covers_release(&named) {
        let (unit, scenario) = (&right.unit().name, &right.scenario().name);
        let day = local_day(env.call.received);
        let debit = statistics.debit(unit, scenario, day, charge);
        let held = gate.budgets.debit(&statistics.caps(unit, scenario), debit);
        gate.metrics.privacy_debit(if held.is_ok() { "committed" } else { "refused" });
        env.holds.charge = Some(held.map_err(|(code, until)| refused(env, code, until))?);
        env.facts.charge = charge;
    }
    Ok(Spend { slot, release: None, in_flight: Some(in_flight) })
}

/// A refusal, with the time to wait where waiting helps.
fn refused(env: &Env<'_>, code: Code, until: Option<i64>) -> Refusal {
    match until {
        None => code.into(),
        Some(day) => {
            let micros = local_midnight(day).micros_since(env.now());
            let wait = std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0));
            Refusal::retry(code, wait)
        }
    }
}
