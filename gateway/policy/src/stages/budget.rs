//! Stage 6 of 10, budget: what does the query cost in privacy, and is that left?
//!
//! The charge comes from the query and public metadata alone, never from data. A query that was answered before,
//! on the same version of the data, has a release: the same bytes again, no further charge. A table is asked here when it may be
//! released anew: a noised one a while after the version before (C611), one whose small groups are hidden never (C612), one that
//! does not say which keys its groups have not at all (C613). A retry is covered by the charge of
//! an earlier try for the one release that it was charged for; one of an answered query is given its release, and never noise
//! that nobody has paid for (C314).

use shuzha_core::{Code, Refusal};
use shuzha_products::kinds::Dated;
use shuzha_store::{local_day, local_midnight};

use super::limit::Slot;
use crate::env::Env;
use crate::releases::{FamilyKey, InFlight, ReleaseKey};
use crate::snapshot::ReleaseName;

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
    let dated = right.operation().dated();
    if dated == Some(Dated::Undeclared) {
        return Err(Code::C613.into());
    }
    let query = slot.agreed().ask().query();
    let Some(ReleaseName { key, family }) = slot.agreed().ask().release_name() else {
        return Ok(Spend { slot, release: None, in_flight: None });
    };
    if let Some((_, statistics)) = query {
        env.facts.terms.data_set = statistics.data_set.name.as_str();
    }
    let gate = env.gate;
    // First a place, then the look: an answer kept in between is found.
    let in_flight = gate.releases.begin(key, family);
    if gate.releases.has(&key) {
        if query.is_some() {
            gate.metrics.privacy_debit("replayed");
        }
        return Ok(Spend { slot, release: Some(key), in_flight: None });
    }
    if env.was_answered() {
        return Err(Code::C314.into());
    }
    let in_flight = in_flight.ok_or_else(|| Refusal::retry(Code::C609, super::forward::DRAW_SLOT))?;
    if let (Some(dated), Some(family)) = (dated, family) {
        check_date(env, dated, &family)?;
    }
    let Some((query, statistics)) = query else {
        return Ok(Spend { slot, release: None, in_flight: Some(in_flight) });
    };
    let named = gate.release_commitment(&key);
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

/// Whether a table of the family may be released anew.
fn check_date(env: &Env<'_>, dated: Dated<'_>, family: &FamilyKey) -> Result<(), Refusal> {
    let Some(latest) = env.gate.releases.latest_of(family)? else { return Ok(()) };
    match dated {
        Dated::Noised { interval_min } => {
            let wait = latest.plus(interval_min).micros_since(env.now());
            match u64::try_from(wait) {
                Ok(wait) if wait > 0 => {
                    Err(Refusal::retry(Code::C611, std::time::Duration::from_micros(wait)))
                }
                _ => Ok(()),
            }
        }
        Dated::Once { .. } => Err(Code::C612.into()),
        Dated::Undeclared => Err(Code::C613.into()),
    }
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
