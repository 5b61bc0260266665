//! Beside stage 6: what a query would cost, what is left for it, and how accurate its answer would be.
//!
//! It goes through stages 1 to 5 like the call it plans, and ends there. All of it follows from the query, public metadata
//! and the unit's own spending, and never from what others asked: no data is asked, so it costs no budget and no money. It is recorded (decision `planned`)
//! because every request is: who explored what is evidence, and its nonce must not be used twice; and waited for,
//! because what a caller was told outlives the process.

use bytes::Bytes;
use serde_json::{Value, json};
use shuzha_core::{Code, NanoCharge, Refusal};
use shuzha_privacy::dp::Query;
use shuzha_store::local_day;

use super::limit::Slot;
use crate::env::Env;
use crate::snapshot::Statistics;
use crate::{Payload, Reply};

/// Tells the plan of a call that passed stages 1 to 5.
pub(super) async fn run<'e, S>(env: &mut Env<'e>, slot: &Slot<'e>) -> Result<Reply<S>, Refusal> {
    let ask = slot.agreed().ask();
    let right = ask.right();
    let (query, statistics) = ask.query().ok_or(Code::C610)?;
    env.facts.terms.data_set = statistics.data_set.name.as_str();
    let (unit, scenario) = (&right.unit().name, &right.scenario().name);
    let caps = statistics.caps(unit, scenario);
    let debit = statistics.debit(unit, scenario, local_day(env.call.received), query.charge());
    let (spent, fits) = env.gate.budgets.would(&caps, &debit);
    // That another unit was given the release is not told: its questions are its own.
    let name = ask.release_name();
    let released = name.is_some_and(|name| env.gate.releases.was_asked_by(&name.key, &env.gate.asker(unit)));
    let window = |max: NanoCharge, spent: NanoCharge| json!({"max": max.to_string(), "spent": spent.to_string(), "left": max.saturating_sub(spent).to_string()});
    let mut plan = described(query, statistics);
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
    plan["refused_with"] = match fits {
        Err(code) if !released => code.as_str().into(),
        _ => Value::Null,
    };
    reply(env, &plan).await
}

/// Tells the plan of a trial: there is no budget in the sandbox, so nothing of one.
pub(super) async fn trial<S>(
    env: &mut Env<'_>,
    query: &Query,
    statistics: &Statistics,
) -> Result<Reply<S>, Refusal> {
    reply(env, &described(query, statistics)).await
}

fn described(query: &Query, statistics: &Statistics) -> Value {
    let mut plan = query.plan(statistics.domain());
    plan["per_query_max"] = statistics.data_set.terms.per_query_max.to_string().into();
    plan
}

async fn reply<S>(env: &mut Env<'_>, plan: &Value) -> Result<Reply<S>, Refusal> {
    env.close_planned().await?;
    Ok(Reply {
        request: env.call.request,
        status: 200,
        receipt: None,
        fee: None,
        limit: env.facts.limit,
        replayed: false,
        sandbox: env.sandbox,
        payload: Payload::Answer(Bytes::from(plan.to_string())),
    })
}
