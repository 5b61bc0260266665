//! The ten stages of a call, in order. Each stage is one file; each hands on a proof that only it can build and
//! the next demands, so the order is the only one that compiles (DESIGN §1, law 1).

pub(crate) mod authorise;
pub(crate) mod budget;
pub(crate) mod consent;
pub(crate) mod forward;
pub(crate) mod identify;
pub(crate) mod limit;
mod plan;
pub(crate) mod price;
pub(crate) mod release;
mod sandbox;
pub(crate) mod settle;
pub(crate) mod validate;

use shuzha_core::Refusal;

use crate::env::Env;
use crate::idempotency::{Found, Kept};
use crate::{Reply, Upstream};
use identify::Identified;

/// Where admission leads.
enum Admitted<'e> {
    /// To the product service.
    Go(price::Admission<'e>),
    /// To the answer an earlier try with the same idempotency key was given.
    Again(Kept),
    /// To a plan: what the query would cost, and no further.
    Plan(limit::Slot<'e>),
    /// To the sandbox: a test credential signed.
    Trial(identify::Trial<'e>),
}

/// Walks one call through all stages.
pub(crate) async fn walk<'e, U: Upstream>(
    env: &mut Env<'e>,
    upstream: &U,
) -> Result<Reply<U::Stream>, Refusal> {
    let admission = match admit(env)? {
        Admitted::Go(admission) => admission,
        Admitted::Again(kept) => return settle::again(env, kept).await,
        Admitted::Plan(slot) => return plan::run(env, &slot).await,
        Admitted::Trial(trial) => return sandbox::walk(env, trial, upstream).await,
    };
    let fetched = forward::run(env, admission, upstream).await?;
    let released = release::run(env, fetched).await?;
    settle::run(env, released).await
}

/// Stages 1–7: nothing in here waits, so nothing in here can be overtaken.
fn admit<'e>(env: &mut Env<'e>) -> Result<Admitted<'e>, Refusal> {
    let caller = match identify::run(env)? {
        Identified::Caller(caller) => caller,
        Identified::Trial(trial) => return Ok(Admitted::Trial(trial)),
    };
    let right = authorise::run(env, caller)?;
    let ask = validate::run(env, right)?;
    // A plan takes nothing, so there is nothing that a second try must not take again.
    if !env.plans {
        match ask.begin_try(env)? {
            Found::Answered(kept) => {
                limit::pace(env, &ask)?;
                return Ok(Admitted::Again(kept));
            }
            Found::First | Found::Spent(_) | Found::AnsweredBefore(_) => {}
        }
    }
    let agreed = consent::run(env, ask)?;
    let slot = limit::run(env, agreed)?;
    if env.plans {
        return Ok(Admitted::Plan(slot));
    }
    let spend = budget::run(env, slot)?;
    price::run(env, spend).map(Admitted::Go)
}
