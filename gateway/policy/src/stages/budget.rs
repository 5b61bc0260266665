//! Stage 6 of 10, budget: what does the query cost in privacy, and is that left?
//!
//! Asks: the charge, which comes from the query and public metadata alone, never from data; whether the same query was answered
//! before on the same version of the data: then it has a release, the same bytes again at no further charge. A table is asked here
//! when it may be released anew: a noised one a while after the version before (C611), one whose small groups are hidden never
//! (C612), one that does not say which keys its groups have not at all (C613). A retry is covered by the charge of an earlier try for
//! the one release that it was charged for; one of an answered query is given its release, and never noise that nobody has paid for
//! (C314). In the sandbox there is no budget.
//! Takes: the charge, at every level at once, and the query's place, so that nobody else asks the same and pays for it. A plan is
//! judged alike and takes nothing.
//! Refuses: C601 C602 C603 C604 C606 C607 C608 C609 C611 C612 C613, and C605 in stage 3, which reads the query, C610 in stage 2; C314;
//! C090.

use std::time::Duration;

use shuzha_core::{Code, NanoCharge, Refusal};
use shuzha_products::kinds::Dated;
use shuzha_store::{local_day, local_midnight};

use super::authorise::{Authorization, Granted, Right};
use super::consent::ConsentedRequest;
use super::identify::AuthenticatedCaller;
use super::limit::Limited;
use super::validate::ValidatedRequest;
use crate::context::CallContext;
use crate::releases::{FamilyKey, InFlight, ReleaseKey};
use crate::snapshot::ReleaseName;

/// The state of a call whose privacy charge is debited, or that none is due for.
pub(crate) struct Budgeted<'e> {
    pub(crate) caller: AuthenticatedCaller<'e>,
    pub(crate) authorization: Authorization<'e>,
    pub(crate) request: ValidatedRequest<'e>,
    pub(crate) consent: ConsentedRequest,
    pub(crate) privacy: PrivacyReservation,
}

/// What a call has of the privacy budget and of releases.
pub(crate) struct PrivacyReservation {
    /// The names under which the answer is released and kept, where it is.
    pub(crate) name: Option<ReleaseName>,
    /// What the same canonical query was answered with before, if it was.
    pub(crate) release: Option<ReleaseKey>,
    /// While it is held, nobody else asks the same and pays for it.
    pub(crate) in_flight: Option<InFlight>,
    _judged: (),
}

impl PrivacyReservation {
    const fn none(name: Option<ReleaseName>) -> Self {
        Self { name, release: None, in_flight: None, _judged: () }
    }

    fn released(name: ReleaseName) -> Self {
        Self { release: Some(name.key), ..Self::none(Some(name)) }
    }
}

/// Debits the charge of a report's query.
pub(crate) fn run<'c, 'e>(
    mut call: CallContext<'c, 'e, Limited<'e>>,
) -> Result<CallContext<'c, 'e, Budgeted<'e>>, Refusal> {
    let privacy = match call.authorization.basis {
        Right::Granted(granted) => reserve(&mut call, granted)?,
        Right::Sandbox(_) => PrivacyReservation::none(None),
    };
    Ok(call.advance(|Limited { caller, authorization, request, consent, .. }| Budgeted {
        caller,
        authorization,
        request,
        consent,
        privacy,
    }))
}

/// What is taken of the budget for a real call.
fn reserve<'e>(
    call: &mut CallContext<'_, 'e, Limited<'e>>,
    granted: Granted<'e>,
) -> Result<PrivacyReservation, Refusal> {
    let authorization = call.authorization;
    if authorization.operation.dated() == Some(Dated::Undeclared) {
        return Err(Code::C613.into());
    }
    let Some(name) = call.request.release_name(&authorization) else {
        return Ok(PrivacyReservation::none(None));
    };
    let statistics = call.request.query().map(|(_, statistics)| statistics);
    if let Some(statistics) = statistics {
        call.open.draft.terms.data_set = statistics.data_set.name.as_str();
    }
    if authorization.is_plan {
        return foresee(call, granted, name);
    }
    let gate = call.gate;
    // First a place, then the look: an answer kept in between is found.
    let in_flight = gate.releases.begin(name.key, name.family);
    if gate.releases.has(&name.key) {
        if statistics.is_some() {
            gate.metrics.privacy_debit("replayed");
        }
        return Ok(PrivacyReservation::released(name));
    }
    if call.request.replay.was_answered() {
        return Err(Code::C314.into());
    }
    let in_flight = in_flight.ok_or_else(|| Refusal::retry(Code::C609, super::forward::DRAW_SLOT))?;
    check_date(call, name.family)?;
    let reservation =
        PrivacyReservation { in_flight: Some(in_flight), ..PrivacyReservation::none(Some(name)) };
    let (Some(charge), Some(statistics)) = (charge(call)?, statistics) else { return Ok(reservation) };
    let named = gate.release_commitment(&name.key);
    call.open.draft.release = Some(named);
    if !call.request.replay.covers_release(&named) {
        let (unit, scenario) = (&call.caller.unit.name, &granted.scenario.name);
        let debit = statistics.debit(unit, scenario, local_day(call.inbound.received), charge);
        let held = gate.budgets.debit(&statistics.caps(unit, scenario), debit);
        gate.metrics.privacy_debit(if held.is_ok() { "committed" } else { "refused" });
        call.open.holds.charge = Some(held.map_err(|(code, until)| refused(call, code, until))?);
        call.open.draft.charge = charge;
    }
    Ok(reservation)
}

/// What the call of a plan would meet. That another unit was given the release of its query is not told: its questions are its own.
fn foresee<'e>(
    call: &CallContext<'_, 'e, Limited<'e>>,
    granted: Granted<'e>,
    name: ReleaseName,
) -> Result<PrivacyReservation, Refusal> {
    let (releases, unit) = (&call.gate.releases, &call.caller.unit.name);
    if releases.was_asked_by(&name.key, &call.gate.asker(unit)) {
        return Ok(PrivacyReservation::released(name));
    }
    // A table that is there is everybody's.
    if !releases.has(&name.key) {
        check_date(call, name.family)?;
    }
    if let (Some(charge), Some((_, statistics))) = (charge(call)?, call.request.query()) {
        let scenario = &granted.scenario.name;
        let debit = statistics.debit(unit, scenario, local_day(call.inbound.received), charge);
        call.gate.budgets.would(&statistics.caps(unit, scenario), &debit).1?;
    }
    Ok(PrivacyReservation::none(Some(name)))
}

/// What the query costs; none where nothing is asked of a budget.
fn charge(call: &CallContext<'_, '_, Limited<'_>>) -> Result<Option<NanoCharge>, Refusal> {
    match call.request.query().map(|(query, _)| query.charge()) {
        Some(charge) if charge.is_zero() => Err(Code::C606.into()),
        charge => Ok(charge),
    }
}

/// Whether a table of the family may be released anew.
fn check_date(call: &CallContext<'_, '_, Limited<'_>>, family: Option<FamilyKey>) -> Result<(), Refusal> {
    let (Some(dated), Some(family)) = (call.authorization.operation.dated(), family) else { return Ok(()) };
    let Some(latest) = call.gate.releases.latest_of(&family)? else { return Ok(()) };
    match dated {
        Dated::Noised { interval_min } => {
            let wait = latest.plus(interval_min).micros_since(call.now());
            match u64::try_from(wait) {
                Ok(wait) if wait > 0 => Err(Refusal::retry(Code::C611, Duration::from_micros(wait))),
                _ => Ok(()),
            }
        }
        Dated::Once { .. } => Err(Code::C612.into()),
        Dated::Undeclared => Err(Code::C613.into()),
    }
}

/// A refusal, with the time to wait where waiting helps.
fn refused<S>(call: &CallContext<'_, '_, S>, code: Code, until: Option<i64>) -> Refusal {
    match until {
        None => code.into(),
        Some(day) => {
            let micros = local_midnight(day).micros_since(call.now());
            let wait = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
            Refusal::retry(code, wait)
        }
    }
}
