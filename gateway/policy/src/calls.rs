//! What a gate is asked: a call, a refusal made before it, and who called.

use shuzha_core::{Code, Id, Refusal, RequestId};

use crate::context::CallContext;
use crate::gate::Gate;
use crate::open_call::OpenCall;
use crate::stages::{self, identify};
use crate::{Inbound, Payload, RateLimits, Reply, Upstream};

impl Gate {
    /// Takes one call through the ten stages. Dropping the future settles what it held.
    pub async fn serve<U: Upstream>(&self, call: &Inbound<'_>, upstream: &U) -> Reply<U::Stream> {
        let snapshot = self.snapshot();
        let mut open = OpenCall::new(self, &snapshot, call);
        match stages::walk(CallContext::received(&mut open), upstream).await {
            Ok(reply) => reply,
            Err(refusal) => {
                let limit = given_back(&open);
                open.refuse(refusal.code).await;
                refused(call.request, limit, &open, refusal)
            }
        }
    }

    /// Refuses one call whatever it asks for, before its unit is known: it is counted, and nothing is taken.
    pub fn refuse<S>(&self, call: &Inbound<'_>, code: Code) -> Reply<S> {
        let snapshot = self.snapshot();
        let mut open = OpenCall::new(self, &snapshot, call);
        open.close_without_answer(code);
        refused(call.request, open.limits, &open, code.into())
    }

    /// Which unit signed `call`, where it asks for what is its own and uses no product; and whether it did so with a test
    /// credential. A refusal is recorded as one of a call is.
    ///
    /// # Errors
    /// C1xx: it is not signed as it must be.
    pub fn unit_of(&self, call: &Inbound<'_>) -> Result<(Id, bool), Refusal> {
        let snapshot = self.snapshot();
        let mut open = OpenCall::new(self, &snapshot, call);
        let identified = identify::run(CallContext::received(&mut open));
        let caller = identified.map(|call| (call.caller.unit.name.clone(), call.caller.is_trial()));
        match &caller {
            Ok(_) => open.dismiss(),
            Err(refusal) => open.close_without_answer(refusal.code),
        }
        caller
    }
}

/// The limits as a refused call leaves them: what it held of the quota goes back.
fn given_back(open: &OpenCall<'_>) -> RateLimits {
    let held = open.holds.quota.as_ref().map_or(0, |hold| hold.token().parts());
    let mut limit = open.limits;
    if let Some(quota) = &mut limit.quota {
        quota.remaining = quota.remaining.saturating_add(held).min(quota.quota);
    }
    limit
}

/// The reply of a refusal.
fn refused<S>(request: RequestId, limit: RateLimits, open: &OpenCall<'_>, refusal: Refusal) -> Reply<S> {
    Reply {
        request,
        status: refusal.code.status(),
        receipt: None,
        fee: None,
        limit,
        replayed: false,
        sandbox: open.draft.sandbox,
        payload: Payload::Refused(refusal),
    }
}
