//! Stage 5 of 10, limit: rate, calls at once, quota; and whether the use looks abnormal ([`crate::abuse`]).

use shuzha_core::Refusal;

use super::consent::Agreed;
use super::validate::Ask;
use crate::env::Env;

/// Proof that the call is within its grant's limits.
pub(crate) struct Slot<'e> {
    agreed: Agreed<'e>,
}

impl<'e> Slot<'e> {
    /// What was agreed.
    pub(crate) fn agreed(&self) -> &Agreed<'e> {
        &self.agreed
    }
}

/// The part of this stage that every answer passes, one that is given again too: whether the scenario is stopped, and the
/// rate.
pub(crate) fn pace(env: &mut Env<'_>, ask: &Ask<'_>) -> Result<(), Refusal> {
    let grant = ask.right().grant();
    env.gate.admit_use(&ask.right().scenario().name)?;
    let state = grant.state(&env.gate.grants);
    env.gate.grants.pace(state, grant.limits(), &mut env.facts.limit)
}

/// Takes one call of the grant. A retry of an answered call is not counted again, but keeps to the rate.
pub(crate) fn run<'e>(env: &mut Env<'e>, agreed: Agreed<'e>) -> Result<Slot<'e>, Refusal> {
    let grant = agreed.ask().right().grant();
    env.gate.admit_use(&agreed.ask().right().scenario().name)?;
    env.holds.place = Some(agreed.ask().right().operation().enter()?);
    let state = grant.state(&env.gate.grants);
    let parts = agreed.ask().parts();
    let hold = env.gate.grants.take(state, grant.limits(), parts, env.call.received, &mut env.facts.limit)?;
    if !env.was_answered() {
        env.holds.quota = Some(hold);
    } else if let Some(quota) = &mut env.facts.limit.quota {
        quota.remaining += u64::from(parts);
    }
    Ok(Slot { agreed })
}
