//! Stage 2 of 10, authorise: may this unit do this, for this scenario, now?
//!
//! 一场景一授权一申请: a product certified, reviewed as it is (出域审查) and live, a scenario approved for this very unit, an agreement in force,
//! a grant for (unit, scenario, product, operation) and its fields, nothing of it suspended. Absence is denial.

use shuzha_core::{Code, Refusal, Timestamp};
use shuzha_privacy::output::FieldSet;

use super::identify::Caller;
use crate::env::Env;
use crate::signature::single;
use crate::snapshot::{Grant, Operation, Product, Scenario, Snapshot, Unit};

/// Proof that the unit may call the operation for the scenario now.
pub(crate) struct Right<'e> {
    caller: Caller<'e>,
    product: &'e Product,
    operation: &'e Operation,
    scenario: &'e Scenario,
    grant: &'e Grant,
    fields: FieldSet,
}

impl<'e> Right<'e> {
    /// The application unit.
    pub(crate) fn unit(&self) -> &'e Unit {
        self.caller.unit()
    }
    /// The product.
    pub(crate) fn product(&self) -> &'e Product {
        self.product
    }
    /// The operation.
    pub(crate) fn operation(&self) -> &'e Operation {
        self.operation
    }
    /// The scenario.
    pub(crate) fn scenario(&self) -> &'e Scenario {
        self.scenario
    }
    /// The grant.
    pub(crate) fn grant(&self) -> &'e Grant {
        self.grant
    }
    /// The fields the grant covers.
    pub(crate) fn fields(&self) -> FieldSet {
        self.fields
    }
}

/// Authorises the call.
pub(crate) fn run<'e>(env: &mut Env<'e>, caller: Caller<'e>) -> Result<Right<'e>, Refusal> {
    let now = env.call.received;
    let snapshot: &'e Snapshot = env.snapshot;
    let unit = caller.unit();
    let (product, operation) = route(env)?;
    if snapshot.rules.certificate_required && !product.certificates.iter().any(|w| w.contains(now)) {
        return Err(Code::C202.into());
    }
    if snapshot.rules.exit_review_required && !product.reviewed {
        return Err(Code::C209.into());
    }
    let named = single(env.call.headers, "x-scenario")?.ok_or(Code::C203)?;
    let scenario = snapshot.scenarios.get(named).ok_or(Code::C204)?;
    // Another unit's scenario reads like one that does not exist.
    if scenario.unit != unit.name || !scenario.approved || !scenario.window.contains(now) {
        return Err(Code::C204.into());
    }
    env.facts.terms.scenario = scenario.name.as_str();
    env.facts.terms.purpose = Some(scenario.purpose);
    let grant = find_grant(snapshot, unit, scenario, product, operation, now)?;
    env.facts.terms.grant = grant.name.as_str();
    let agreement = snapshot.agreement(grant).ok_or(Code::C205)?;
    env.facts.terms.agreement = agreement.name.as_str();
    if !agreement.signed || !agreement.window.contains(now) {
        return Err(Code::C205.into());
    }
    let fields = grant.fields(operation);
    let right = Right { caller, product, operation, scenario, grant, fields };
    right.check_suspension(snapshot, now)?;
    if env.gate.is_use_stopped(&scenario.name) {
        return Err(Refusal::at(Code::C208, "abnormal use"));
    }
    Ok(right)
}

/// What stands behind an operation's name where only its plan is asked for.
const PLAN: &str = ":plan";

/// The product and operation that the request names; and whether only the plan of it is wanted, which only statistics
/// have.
pub(super) fn route<'e>(env: &mut Env<'e>) -> Result<(&'e Product, &'e Operation), Refusal> {
    let path = env.call.path.strip_suffix(PLAN);
    env.plans = path.is_some();
    let (product, operation) = env.snapshot.route(path.unwrap_or(env.call.path)).ok_or(Code::C201)?;
    env.facts.terms.product = product.name.as_str();
    env.facts.terms.version = product.version;
    env.facts.terms.operation = operation.name.as_str();
    if operation.method != *env.call.method {
        return Err(Code::C201.into());
    }
    if env.plans && !operation.statistical() {
        return Err(Code::C610.into());
    }
    Ok((product, operation))
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

impl Right<'_> {
    /// Refuses when anything the call stands on is suspended. Asked here, and again before release with the
    /// snapshot of that moment.
    pub(crate) fn check_suspension(&self, snapshot: &Snapshot, now: Timestamp) -> Result<(), Refusal> {
        match snapshot.suspensions.stop(&self.unit().name, self.product, Some(self.scenario), now) {
            Some(told) => Err(Refusal::at(Code::C208, told)),
            None => Ok(()),
        }
    }

    /// Whether everything that the right was made of still stands in `latest`: the credential of this name, the scenario, the
    /// product's certificate and exit review, the grant and its agreement. Everything is looked up by name, because a
    /// snapshot that was compiled anew numbers names anew.
    pub(crate) fn stands_in(&self, latest: &Snapshot, credential: &str, now: Timestamp) -> bool {
        let standing = || {
            let unit = latest.unit_by(credential, false, now).filter(|unit| unit.name == self.unit().name)?;
            let scenario = latest.scenarios.get(&self.scenario.name)?;
            let open = scenario.unit == unit.name && scenario.approved && scenario.window.contains(now);
            let product = latest.products.get(&self.product.name)?;
            let certified = !latest.rules.certificate_required
                || product.certificates.iter().any(|window| window.contains(now));
            // A review of another version says nothing about this answer, which was passed as it was.
            let reviewed = !latest.rules.exit_review_required
                || product.reviewed
                || product.version != self.product.version;
            let operation = product.operations.iter().find(|one| one.name == self.operation.name)?;
            let grants = latest.grants_of(unit, scenario, product);
            let grant = grants.iter().find(|grant| grant.name == self.grant.name)?;
            let agreement = latest.agreement(grant)?;
            let agreed = agreement.signed && agreement.window.contains(now);
            let granted = grant.covers(operation) && grant.window().contains(now);
            Some(open && certified && reviewed && agreed && granted)
        };
        standing() == Some(true)
    }
}
