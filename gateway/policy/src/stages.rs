//! The ten stages of a call, in order (DESIGN §1, law 1). Each stage is one file: its head says what it asks, what it takes and
//! which codes it refuses with; its state is what the call has learned when it has passed. A stage takes a [`CallContext`] in the
//! state of the stage before, so the order below is the only one that compiles.
//!
//! A trial in the sandbox is a mode of the same walk, decided once, in stage 1 (`AuthenticatedCaller`). A plan (`:plan`) is the
//! same walk up to stage 5, and then what the stages up to dispatch would say, who take nothing for it.

pub(crate) mod authorise;
pub(crate) mod budget;
pub(crate) mod consent;
pub(crate) mod forward;
pub(crate) mod identify;
pub(crate) mod limit;
mod plan;
pub(crate) mod price;
pub(crate) mod release;
pub(crate) mod settle;
#[cfg(test)]
mod tests;
pub(crate) mod validate;

use shuzha_core::Refusal;

use crate::context::{CallContext, Received};
use crate::{Reply, Upstream};
use validate::Validation;

/// Walks one call through all stages.
///
/// Stages 1 to 7 are plain functions: none of them waits, so none can be overtaken by what it has decided.
pub(crate) async fn walk<U: Upstream>(
    call: CallContext<'_, '_, Received>,
    upstream: &U,
) -> Result<Reply<U::Stream>, Refusal> {
    let call = identify::run(call)?;
    let call = authorise::run(call)?;
    let call = match validate::run(call)? {
        Validation::ToAnswer(call) => call,
        Validation::Answered(call, response) => {
            let call = limit::pace(call)?;
            return settle::again(call, response).await;
        }
    };
    let call = consent::run(call)?;
    let call = limit::run(call)?;
    if call.authorization.is_plan {
        return plan::run(call, upstream).await;
    }
    let call = budget::run(call)?;
    let call = price::run(call)?;
    let (call, answer) = forward::run(call, upstream).await?;
    let (call, body) = release::run(call, answer).await?;
    settle::run(call, body).await
}
