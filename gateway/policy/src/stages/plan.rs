//! A plan (`:plan`), beside the walk: what a query would cost, what is left for it, how accurate its answer would be, and whether it
//! would be refused.
//!
//! It goes through stages 1 to 5 like the call it plans. Then stages 6 to 8 judge it as they judge the call, up to where the request
//! would leave, and take nothing; the first refusal of theirs is told. All of it follows from the query, public metadata and the
//! unit's own spending, and never from what others asked: no data is asked, so it costs no budget and no money. It is recorded
//! (decision `planned`) because every request is: who explored what is evidence, and its nonce must not be used twice; and waited
//! for, because what a caller was told outlives the process.

use bytes::Bytes;
use serde_json::{Value, json};
use shuzha_core::{Code, NanoCharge, Refusal};
use shuzha_store::local_day;

use super::authorise::{Granted, Right};
use super::limit::Limited;
use super::{budget, forward, price};
use crate::context::CallContext;
use crate::{Payload, Reply, Upstream};

/// Tells the plan of a call that passed stages 1 to 5.
pub(super) async fn run<'e, U: Upstream>(
    call: CallContext<'_, 'e, Limited<'e>>,
    upstream: &U,
) -> Result<Reply<U::Stream>, Refusal> {
    let mut plan = described(&call)?;
    let (limited, open) = call.into_parts();
    // The context of the call that is planned, as far as it gets.
    let refused = foresee(CallContext::new(open, limited), upstream).err();
    plan["refused_with"] = refused.map_or(Value::Null, |refusal| refusal.code.as_str().into());
    open.close_planned().await?;
    Ok(Reply {
        request: open.inbound.request,
        status: 200,
        receipt: None,
        fee: None,
        limit: open.limits,
        replayed: false,
        sandbox: open.draft.sandbox,
        payload: Payload::Answer(Bytes::from(plan.to_string())),
    })
}

/// What the stages before dispatch would say, in their order.
fn foresee<'e, U: Upstream>(call: CallContext<'_, 'e, Limited<'e>>, upstream: &U) -> Result<(), Refusal> {
    let call = budget::run(call)?;
    let call = price::run(call)?;
    forward::confirm(&call, upstream)
}

/// What follows from the query and what is public; of a real call, what its unit has left.
fn described<'e>(call: &CallContext<'_, 'e, Limited<'e>>) -> Result<Value, Refusal> {
    let (query, statistics) = call.request.query().ok_or(Code::C610)?;
    let mut plan = query.plan(statistics.domain());
    plan["per_query_max"] = statistics.data_set.terms.per_query_max.to_string().into();
    // There is no budget in the sandbox, so nothing of one.
    let Right::Granted(Granted { scenario, .. }) = call.authorization.basis else { return Ok(plan) };
    let (gate, unit, scenario) = (call.gate, &call.caller.unit.name, &scenario.name);
    let caps = statistics.caps(unit, scenario);
    let debit = statistics.debit(unit, scenario, local_day(call.inbound.received), query.charge());
    let (spent, _) = gate.budgets.would(&caps, &debit);
    // That another unit was given the release is not told: its questions are its own.
    let name = call.request.release_name(&call.authorization);
    let released = name.is_some_and(|name| gate.releases.was_asked_by(&name.key, &gate.asker(unit)));
    let window = |max: NanoCharge, spent: NanoCharge| json!({"max": max.to_string(), "spent": spent.to_string(), "left": max.saturating_sub(spent).to_string()});
    // Repeating what was released costs nothing, even with nothing left.
    let charge = if released { NanoCharge::ZERO } else { query.charge() };
    plan["released_before"] = released.into();
    plan["charge_now"] = charge.to_string().into();
    plan["quota"] = window(caps.quota, spent.quota);
    plan["quota"]["reserved"] = statistics.reserved.into();
    if let Some(pace) = caps.pace {
        plan["pace"] = window(pace.max, spent.paced);
        plan["pace"]["days"] = pace.days.into();
    }
    Ok(plan)
}
