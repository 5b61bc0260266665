//! Stage 2 of 10, authorise: may this unit do this, for this scenario, now?
//!
//! Asks: 一场景一授权一申请: a product certified, reviewed as it is (出域审查) and live, a scenario approved for this very unit, an operating
//! agreement that covers the product's data for it where one is demanded, a service agreement in force, a grant for (unit, scenario,
//! product, operation) and its fields, nothing of it suspended. Absence is denial.
//! A trial asks for a product with a sandbox and nothing suspended; a scenario that it names is the unit's own, approved or not.
//! Takes: nothing.
//! Refuses: C201 C202 C203 C204 C205 C206 C207 C208 C209 C210 C211; C610 for the plan of what has none; C009 for a header that repeats.

use shuzha_core::{Code, Id, Refusal, Timestamp};
use shuzha_privacy::output::FieldSet;

use super::identify::{AuthenticatedCaller, CallMode, Identified, RealCaller, TrialCaller};
use crate::context::CallContext;
use crate::gate::Gate;
use crate::signature::single;
use crate::snapshot::{Agreement, Grant, Operation, Product, Scenario, Snapshot, Unit};

/// The state of a call that may be made.
pub(crate) struct Authorized<'e> {
    pub(crate) caller: AuthenticatedCaller<'e>,
    pub(crate) authorization: Authorization<'e>,
}

/// Proof that the unit may call the operation now: for the scenario that it is granted for, or in the sandbox.
#[derive(Clone, Copy)]
pub(crate) struct Authorization<'e> {
    pub(crate) product: &'e Product,
    pub(crate) operation: &'e Operation,
    /// Whether only the plan of the call is asked for (`:plan`).
    pub(crate) is_plan: bool,
    /// The fields that it covers.
    pub(crate) fields: FieldSet,
    pub(crate) basis: Right<'e>,
}

/// By what a call may be made.
#[derive(Clone, Copy)]
pub(crate) enum Right<'e> {
    /// By a grant.
    Granted(Granted<'e>),
    /// By the sandbox of the product: nothing real is reached from here.
    Sandbox(Offer<'e>),
}

/// A grant in force, and what it stands on.
#[derive(Clone, Copy)]
pub(crate) struct Granted<'e> {
    pub(crate) scenario: &'e Scenario,
    pub(crate) grant: &'e Grant,
    pub(crate) agreement: &'e Agreement,
    _signed: RealCaller,
}

/// What a trial is made of.
#[derive(Clone, Copy)]
pub(crate) struct Offer<'e> {
    pub(crate) scenario: Option<&'e Scenario>,
    pub(crate) source: Source<'e>,
    _signed: TrialCaller,
}

/// Where a trial's answer comes from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'e> {
    /// The product's synthetic service; that it is one was checked when the world was read.
    Service(&'e Id),
    /// The declared example.
    Example(&'e [u8]),
}

/// Authorises the call.
pub(crate) fn run<'c, 'e>(
    mut call: CallContext<'c, 'e, Identified<'e>>,
) -> Result<CallContext<'c, 'e, Authorized<'e>>, Refusal> {
    let (product, operation, is_plan) = route(&mut call)?;
    let (basis, fields) = match call.caller.mode {
        CallMode::Real(signed) => {
            let granted = grant(&mut call, product, operation, signed)?;
            (Right::Granted(granted), granted.grant.fields(operation))
        }
        CallMode::Trial(signed) => {
            let offer = offer(&mut call, product, operation, signed)?;
            (Right::Sandbox(offer), operation.all_fields())
        }
    };
    let authorization = Authorization { product, operation, is_plan, fields, basis };
    authorization.check_suspension(&call.caller, call.snapshot, authorization.decided_at(&call))?;
    if let Right::Granted(granted) = basis
        && call.gate.is_use_stopped(&granted.scenario.name)
    {
        return Err(Refusal::at(Code::C208, "abnormal use"));
    }
    Ok(call.advance(|Identified { caller }| Authorized { caller, authorization }))
}

/// What stands behind an operation's name where only its plan is asked for.
const PLAN: &str = ":plan";

/// The product and operation that the request names; and whether only the plan of it is wanted, which only statistics have.
fn route<'e>(
    call: &mut CallContext<'_, 'e, Identified<'e>>,
) -> Result<(&'e Product, &'e Operation, bool), Refusal> {
    let path = call.inbound.path.strip_suffix(PLAN);
    let is_plan = path.is_some();
    let (product, operation) = call.snapshot.route(path.unwrap_or(call.inbound.path)).ok_or(Code::C201)?;
    let terms = &mut call.open.draft.terms;
    terms.product = product.name.as_str();
    terms.version = product.version;
    terms.operation = operation.name.as_str();
    if operation.method != *call.inbound.method {
        return Err(Code::C201.into());
    }
    if is_plan && !operation.statistical() {
        return Err(Code::C610.into());
    }
    Ok((product, operation, is_plan))
}

/// What a real call stands on, each of it in force when the call was received.
fn grant<'e>(
    call: &mut CallContext<'_, 'e, Identified<'e>>,
    product: &'e Product,
    operation: &'e Operation,
    signed: RealCaller,
) -> Result<Granted<'e>, Refusal> {
    let (snapshot, unit, now) = (call.snapshot, call.caller.unit, call.inbound.received);
    if snapshot.rules.certificate_required && !product.certificates.iter().any(|w| w.contains(now)) {
        return Err(Code::C202.into());
    }
    if snapshot.rules.exit_review_required && !product.reviewed {
        return Err(Code::C209.into());
    }
    let named = single(call.inbound.headers, "x-scenario")?.ok_or(Code::C203)?;
    let scenario = snapshot.scenarios.get(named).ok_or(Code::C204)?;
    // Another unit's scenario reads like one that does not exist.
    if scenario.unit != unit.name || !scenario.approved || !scenario.window.contains(now) {
        return Err(Code::C204.into());
    }
    let terms = &mut call.open.draft.terms;
    terms.scenario = scenario.name.as_str();
    terms.purpose = Some(scenario.purpose);
    if !snapshot.rules.operating.permits(&product.authorised, Some(&scenario.name), now) {
        return Err(Code::C211.into());
    }
    let grant = find_grant(snapshot, unit, scenario, product, operation, now)?;
    terms.grant = grant.name.as_str();
    let agreement = snapshot.agreement(grant).ok_or(Code::C205)?;
    terms.agreement = agreement.name.as_str();
    if !agreement.signed || !agreement.window.contains(now) {
        return Err(Code::C205.into());
    }
    Ok(Granted { scenario, grant, agreement, _signed: signed })
}

/// The grant for the operation: an active one if there is any.
fn find_grant<'e>(
    snapshot: &'e Snapshot,
    unit: &Unit,
    scenario: &Scenario,
    product: &Product,
    operation: &Operation,
    now: Timestamp,
) -> Result<&'e Grant, Refusal> {
    let mut outside_window = false;
    for grant in snapshot.grants_of(unit, scenario, product) {
        if grant.covers(operation) {
            if grant.window().contains(now) {
                return Ok(grant);
            }
            outside_window = true;
        }
    }
    Err(if outside_window { Code::C207.into() } else { Code::C206.into() })
}

/// What a trial is made of: any product of the catalogue that has a sandbox.
fn offer<'e>(
    call: &mut CallContext<'_, 'e, Identified<'e>>,
    product: &'e Product,
    operation: &'e Operation,
    signed: TrialCaller,
) -> Result<Offer<'e>, Refusal> {
    let source = match (&product.sandbox, operation.example()) {
        (Some(service), _) => Source::Service(service),
        (None, Some(example)) => Source::Example(example),
        (None, None) => return Err(Code::C210.into()),
    };
    let snapshot = call.snapshot;
    let scenario = match single(call.inbound.headers, "x-scenario")? {
        Some(named) => {
            let unit = &call.caller.unit.name;
            let own = snapshot.scenarios.get(named).filter(|scenario| scenario.unit == *unit);
            Some(&**own.ok_or(Code::C204)?)
        }
        None => None,
    };
    if let Some(scenario) = scenario {
        call.open.draft.terms.scenario = scenario.name.as_str();
        call.open.draft.terms.purpose = Some(scenario.purpose);
    }
    Ok(Offer { scenario, source, _signed: signed })
}

impl<'e> Authorization<'e> {
    /// The scenario; a trial may name none.
    pub(crate) const fn scenario(&self) -> Option<&'e Scenario> {
        match self.basis {
            Right::Granted(granted) => Some(granted.scenario),
            Right::Sandbox(offer) => offer.scenario,
        }
    }

    /// The instant that suspensions are asked for: a real call is decided by that of its receipt.
    fn decided_at<S>(&self, call: &CallContext<'_, '_, S>) -> Timestamp {
        match self.basis {
            Right::Granted(_) => call.inbound.received,
            Right::Sandbox(_) => call.now(),
        }
    }

    /// Refuses when anything that the call stands on is suspended in `snapshot`; of a trial, when its credential is taken back too.
    fn check_suspension(
        &self,
        caller: &AuthenticatedCaller<'_>,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let unit = &caller.unit.name;
        if let Some(told) = snapshot.suspensions.stop(unit, self.product, self.scenario(), now) {
            return Err(Refusal::at(Code::C208, told));
        }
        let stands = || snapshot.unit_by(caller.credential, true, now).is_some_and(|one| one.name == *unit);
        match self.basis {
            Right::Sandbox(_) if !stands() => Err(Code::C208.into()),
            _ => Ok(()),
        }
    }

    /// Whether everything that the authorization was made of still stands at this moment, and nothing of it is suspended.
    pub(crate) fn still_stands(&self, caller: &AuthenticatedCaller<'_>, gate: &Gate, now: Timestamp) -> bool {
        let latest = gate.snapshot();
        let granted = match self.basis {
            Right::Sandbox(_) => true,
            Right::Granted(granted) => {
                !gate.is_use_stopped(&granted.scenario.name)
                    && self.is_granted_in(&granted, caller, &latest, now)
            }
        };
        granted && self.check_suspension(caller, &latest, now).is_ok()
    }

    /// Whether the credential, the scenario, the product's certificate, exit review and operating agreement, the grant and its
    /// agreement stand in `latest`. Everything is looked up by name, because a snapshot that was compiled anew numbers names anew.
    fn is_granted_in(
        &self,
        granted: &Granted<'_>,
        caller: &AuthenticatedCaller<'_>,
        latest: &Snapshot,
        now: Timestamp,
    ) -> bool {
        let standing = || {
            let unit = latest.unit_by(caller.credential, false, now);
            let unit = unit.filter(|unit| unit.name == caller.unit.name)?;
            let scenario = latest.scenarios.get(&granted.scenario.name)?;
            let open = scenario.unit == unit.name && scenario.approved && scenario.window.contains(now);
            let product = latest.products.get(&self.product.name)?;
            let certified = !latest.rules.certificate_required
                || product.certificates.iter().any(|window| window.contains(now));
            // A review of another version says nothing about this answer, which was passed as it was.
            let reviewed = !latest.rules.exit_review_required
                || product.reviewed
                || product.version != self.product.version;
            let demand = latest.rules.operating;
            let operated = demand.permits(&product.authorised, Some(&scenario.name), now);
            let operation = product.operations.iter().find(|one| one.name == self.operation.name)?;
            let grants = latest.grants_of(unit, scenario, product);
            let grant = grants.iter().find(|grant| grant.name == granted.grant.name)?;
            let agreement = latest.agreement(grant)?;
            let agreed = agreement.signed && agreement.window.contains(now);
            let granted = grant.covers(operation) && grant.window().contains(now);
            Some(open && certified && reviewed && operated && agreed && granted)
        };
        standing() == Some(true)
    }
}
