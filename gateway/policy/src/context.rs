//! The call context (调用上下文): what one call carries through the stages.
//!
//! `S` is the state that the call has reached, a type of the stage's own file that nothing else can build. A stage takes the
//! context in the state of the stage before and hands it on in its own, so no other order compiles. The state holds all that was
//! learned up to there, each part by its stage: `call.caller`, `call.authorization`, `call.request`, `call.consent`.

use std::ops::Deref;

use shuzha_core::Timestamp;

use crate::Inbound;
use crate::gate::Gate;
use crate::open_call::OpenCall;
use crate::snapshot::Snapshot;

/// One call in the state `S`.
pub(crate) struct CallContext<'c, 'e, S> {
    pub(crate) gate: &'e Gate,
    /// What the call is decided by; only `release` looks at the latest again.
    pub(crate) snapshot: &'e Snapshot,
    pub(crate) inbound: &'e Inbound<'e>,
    /// What the call leaves behind, whatever becomes of it.
    pub(crate) open: &'c mut OpenCall<'e>,
    state: S,
}

/// The state in which a call arrives: nothing is known of it.
pub(crate) struct Received(());

impl<'c, 'e> CallContext<'c, 'e, Received> {
    /// The context in which stage 1 begins.
    pub(crate) fn received(open: &'c mut OpenCall<'e>) -> Self {
        Self::new(open, Received(()))
    }
}

impl<'c, 'e, S> CallContext<'c, 'e, S> {
    /// The context of a call in a state that it has reached.
    pub(crate) fn new(open: &'c mut OpenCall<'e>, state: S) -> Self {
        let (gate, snapshot, inbound) = (open.gate, open.snapshot, open.inbound);
        Self { gate, snapshot, inbound, open, state }
    }

    /// What is left behind, and the state.
    pub(crate) fn into_parts(self) -> (S, &'c mut OpenCall<'e>) {
        (self.state, self.open)
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.gate.clock.now()
    }

    /// The context in the state that `stage` makes of this one.
    pub(crate) fn advance<T>(self, stage: impl FnOnce(S) -> T) -> CallContext<'c, 'e, T> {
        CallContext::new(self.open, stage(self.state))
    }

    /// What was learned beside what is left behind, for whoever writes the one while reading the other.
    pub(crate) fn split(&mut self) -> (&mut S, &mut OpenCall<'e>) {
        (&mut self.state, self.open)
    }
}

impl<S> Deref for CallContext<'_, '_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}
