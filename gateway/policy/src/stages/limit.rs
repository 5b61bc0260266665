//! Stage 5 of 10, limit: is the call within what its grant allows, and does the use look abnormal?
//!
//! Asks: whether the scenario is slowed or stopped for abnormal use (`gateway/policy/src/abuse.rs`), rate, calls at once, quota, what
//! may be drawn of the operation at all. A trial asks the sandbox's own limits of its unit.
//! Takes: a concurrency permit of the operation, one call of the grant, answers of an operation of which only so many may be had. A
//! retry of an answered call is not counted again, but keeps to the rate.
//! Refuses: C501 C502 C503 C504 C505.

use shuzha_core::Refusal;

use super::authorise::{Authorization, Granted, Right};
use super::consent::{Consented, ConsentedRequest};
use super::identify::AuthenticatedCaller;
use super::validate::{Validated, ValidatedRequest};
use crate::context::CallContext;
use crate::holds::drawn::Draw;
use crate::sandbox::Sandbox;

/// The state of a call within the limits of its grant.
pub(crate) struct Limited<'e> {
    pub(crate) caller: AuthenticatedCaller<'e>,
    pub(crate) authorization: Authorization<'e>,
    pub(crate) request: ValidatedRequest<'e>,
    pub(crate) consent: ConsentedRequest,
    _passed: (),
}

/// The state of a call that asks for the answer of an earlier try, at the pace of its grant.
pub(crate) struct Paced(());

/// The part of this stage that every answer passes, one that is given again too: whether the scenario is stopped, and the rate.
pub(crate) fn pace<'c, 'e>(
    mut call: CallContext<'c, 'e, Validated<'e>>,
) -> Result<CallContext<'c, 'e, Paced>, Refusal> {
    let gate = call.gate;
    let (known, open) = call.split();
    // What a trial is given again was made up, and cost nobody anything.
    if let Right::Granted(Granted { scenario, grant, .. }) = known.authorization.basis {
        gate.admit_use(&scenario.name)?;
        gate.grants.pace(grant.state(&gate.grants), grant.limits(), &mut open.limits)?;
    }
    Ok(call.advance(|_| Paced(())))
}

/// Takes one call of the grant.
pub(crate) fn run<'c, 'e>(
    mut call: CallContext<'c, 'e, Consented<'e>>,
) -> Result<CallContext<'c, 'e, Limited<'e>>, Refusal> {
    match call.authorization.basis {
        Right::Granted(granted) => take(&mut call, granted)?,
        Right::Sandbox(_) => take_trial(&mut call)?,
    }
    Ok(call.advance(|Consented { caller, authorization, request, consent }| Limited {
        caller,
        authorization,
        request,
        consent,
        _passed: (),
    }))
}

/// Takes what a real call needs.
fn take<'e>(
    call: &mut CallContext<'_, 'e, Consented<'e>>,
    Granted { scenario, grant, .. }: Granted<'e>,
) -> Result<(), Refusal> {
    let (gate, received) = (call.gate, call.inbound.received);
    let (known, open) = call.split();
    gate.admit_use(&scenario.name)?;
    open.holds.permit = Some(known.authorization.operation.enter()?);
    let parts = known.request.parts;
    let state = grant.state(&gate.grants);
    let hold = gate.grants.take(state, grant.limits(), parts, received, &mut open.limits)?;
    if !known.request.replay.was_answered() {
        open.holds.quota = Some(hold);
        draw(call)?;
    } else if let Some(quota) = &mut open.limits.quota {
        quota.remaining += u64::from(parts);
    }
    Ok(())
}

/// Takes the answers of an operation of which a unit, or all of them together, may have only so many.
fn draw<'e>(call: &mut CallContext<'_, 'e, Consented<'e>>) -> Result<(), Refusal> {
    let Authorization { product, operation, .. } = call.authorization;
    let Some(most) = operation.answers_max() else { return Ok(()) };
    let unit = &call.caller.unit.name;
    let draw = Draw {
        operation: (&product.name, &operation.name),
        unit,
        version: product.version,
        answers: call.request.parts.into(),
        at: call.inbound.received,
    };
    let (hold, reached) = call.gate.drawn.take(&draw, most)?;
    if reached {
        call.gate.saw_share(unit);
    }
    call.open.holds.drawn = Some(hold);
    Ok(())
}

/// Takes one trial of the unit's in the sandbox.
fn take_trial<'e>(call: &mut CallContext<'_, 'e, Consented<'e>>) -> Result<(), Refusal> {
    let (units, received) = (&call.gate.sandbox.units, call.inbound.received);
    let (known, open) = call.split();
    let state = units.state(&known.caller.unit.name);
    let hold = units.take(&state, Sandbox::limits(), 1, received, &mut open.limits)?;
    if !known.request.replay.was_answered() {
        open.holds.quota = Some(hold);
    }
    Ok(())
}
