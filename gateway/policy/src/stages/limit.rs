//! Stage 5 of 10, limit: rate, calls at once, quota, what may be drawn of an operation at all (C505); and whether the use looks abnormal ([`crate::abuse`]).

use shuzha_core::Refusal;

use super::consent::Agreed;
use super::validate::Ask;
use crate::env::Env;
use crate::holds::drawn::Draw;

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

/// Takes the answers of an operation of which a unit, or all of them together, may have only so many.
fn draw<'e>(env: &mut Env<'e>, ask: &Ask<'e>) -> Result<(), Refusal> {
    let (right, gate) = (ask.right(), env.gate);
    let Some(most) = right.operation().answers_max() else { return Ok(()) };
    let (product, unit) = (right.product(), &right.unit().name);
    let draw = Draw {
        operation: (&product.name, &right.operation().name),
        unit,
        version: product.version,
        answers: ask.parts().into(),
        at: env.call.received,
    };
    let (hold, reached) = gate.drawn.take(&draw, most)?;
    if reached {
        gate.saw_share(unit);
    }
    env.holds.drawn = Some(hold);
    Ok(())
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
        draw(env, agreed.ask())?;
    } else if let Some(quota) = &mut env.facts.limit.quota {
        quota.remaining += u64::from(parts);
    }
    Ok(Slot { agreed })
}
