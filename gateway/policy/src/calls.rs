//! What a gate is asked: a call, a refusal made before it, and who called.

use shuzha_core::{Code, Id, Refusal, RequestId};

use crate::env::Env;
use crate::gate::Gate;
use crate::{Inbound, Payload, Reply, Upstream, stages};

impl Gate {
    /// Takes one call through the ten stages. Dropping the future settles what it held.
    pub async fn serve<U: Upstream>(&self, call: &Inbound<'_>, upstream: &U) -> Reply<U::Stream> {
        let snapshot = self.snapshot();
        let mut env = Env::new(self, &snapshot, call);
        match stages::walk(&mut env, upstream).await {
            Ok(reply) => reply,
            Err(refusal) => {
                env.refuse(refusal.code).await;
                refused(call.request, env.facts.limit, env.sandbox, refusal)
            }
        }
    }

    /// Refuses one call whatever it asks for, before its unit is known: it is counted, and nothing is taken.
    pub fn refuse<S>(&self, call: &Inbound<'_>, code: Code) -> Reply<S> {
        let snapshot = self.snapshot();
        let mut env = Env::new(self, &snapshot, call);
        env.close_without_answer(code);
        refused(call.request, env.facts.limit, env.sandbox, code.into())
    }

    /// Which unit signed `call`, where it asks for what is its own and uses no product; and whether it did so with a test
    /// credential. A refusal is recorded as one of a call is.
    ///
    /// # Errors
    /// C1xx: it is not signed as it must be.
    pub fn unit_of(&self, call: &Inbound<'_>) -> Result<(Id, bool), Refusal> {
        let snapshot = self.snapshot();
        let mut env = Env::new(self, &snapshot, call);
        match stages::identify::run(&mut env) {
            Ok(identified) => {
                let unit = identified.unit().name.clone();
                let trial = matches!(identified, stages::identify::Identified::Trial(_));
                env.dismiss();
                Ok((unit, trial))
            }
            Err(refusal) => {
                env.close_without_answer(refusal.code);
                Err(refusal)
            }
        }
    }
}

/// The reply of a refusal.
fn refused<S>(request: RequestId, limit: crate::RateLimits, sandbox: bool, refusal: Refusal) -> Reply<S> {
    Reply {
        request,
        status: refusal.code.status(),
        receipt: None,
        fee: None,
        limit,
        replayed: false,
        sandbox,
        payload: Payload::Refused(refusal),
    }
}
