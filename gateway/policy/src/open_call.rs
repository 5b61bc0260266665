//! A call that is not closed yet: the draft of its record, what it holds, and the duty to leave one record.
//!
//! Dropping an [`OpenCall`] — the caller hung up and its future was dropped — closes it: what was dispatched stays spent, the rest
//! is void, and the record says so.

use std::time::Duration;

use shuzha_core::{Code, Refusal};
use shuzha_evidence::{Decision, Terms};
use shuzha_journal::{Durable, Unavailable};

use crate::draft::{CallOutcome, RecordDraft};
use crate::gate::Gate;
use crate::holds::Holds;
use crate::idempotency::{Answered, Covered, InUse};
use crate::snapshot::Snapshot;
use crate::{Inbound, RateLimits};

/// One call from its receipt until it is closed.
pub(crate) struct OpenCall<'e> {
    pub(crate) gate: &'e Gate,
    pub(crate) snapshot: &'e Snapshot,
    pub(crate) inbound: &'e Inbound<'e>,
    pub(crate) draft: RecordDraft<'e>,
    pub(crate) holds: Holds<'e>,
    /// The idempotency key that this try uses.
    pub(crate) key: Option<InUse<'e>>,
    /// The caller's limits, for its reply.
    pub(crate) limits: RateLimits,
    /// Whether the request may have left: the intent is where it must be.
    dispatched: bool,
    /// Whether the journal has taken the record.
    closed: bool,
}

impl<'e> OpenCall<'e> {
    pub(crate) fn new(gate: &'e Gate, snapshot: &'e Snapshot, inbound: &'e Inbound<'e>) -> Self {
        let terms = Terms { snapshot: snapshot.short_digest(), ..Terms::default() };
        Self {
            gate,
            snapshot,
            inbound,
            draft: RecordDraft { terms, ..RecordDraft::default() },
            holds: Holds::default(),
            key: None,
            limits: RateLimits::default(),
            dispatched: false,
            closed: false,
        }
    }

    /// What was asked is no call of a product: there is nothing to record.
    pub(crate) fn dismiss(mut self) {
        self.closed = true;
    }

    /// Appends the intent and marks consent use and ε as spent from here on. Waits for the disk only where ε is charged (debit
    /// before dispatch) and for retries. Whoever hangs up in that wait, or meets a failing disk, has sent nothing yet: everything
    /// goes back.
    pub(crate) async fn intend(&mut self, is_retry: bool) -> Result<(), Refusal> {
        let entry = self.draft.intent(self.inbound, &self.holds);
        // A retry's intent names less than its record. If a full disk could drop the intent and keep the record, the
        // record would stand for itself and take again what an earlier try has spent.
        if self.holds.charge.is_some() || is_retry {
            let durable = self.gate.journal.append_durable(&entry).map_err(unavailable)?;
            durable.await.map_err(unavailable)?;
        } else {
            self.gate.journal.append(&entry).map_err(unavailable)?;
        }
        self.dispatching();
        Ok(())
    }

    /// The request may leave from here on. Only a call that holds nothing comes here without its intent.
    pub(crate) fn dispatching(&mut self) {
        self.dispatched = true;
        self.holds.dispatching();
        let release = self.draft.release.filter(|_| self.holds.charge.is_some());
        let consent = self.holds.consent.as_ref().map(|hold| hold.token().own);
        if let Some(key) = &mut self.key {
            key.dispatched(Covered { consent, release });
        }
    }

    /// Nothing reached the product service: everything goes back (DESIGN §2, refund rules).
    pub(crate) fn not_dispatched(&mut self) {
        self.dispatched = false;
        self.holds.not_dispatched();
        if let Some(key) = &mut self.key {
            key.not_dispatched();
        }
    }

    /// Hands the record of an answer to the journal; the answer may leave when the future is done. From here on the
    /// record may reach the disk even if nobody waits for it any more, so money and quota are spent and the
    /// idempotency key is answered, unless [`OpenCall::not_recorded`] is told otherwise.
    pub(crate) fn close(&mut self, ended: &CallOutcome) -> Result<Durable, Refusal> {
        let record = self.draft.record(self.inbound, ended);
        let durable = self.gate.journal.append_durable(&record).map_err(unavailable)?;
        self.closed = true;
        self.gate.metrics.ended(self.draft.sandbox, ended.decision, ended.code);
        self.holds.recorded(ended.amount);
        if let Some(key) = &mut self.key {
            let (request, received) = (self.inbound.request, self.inbound.received);
            let commitment = ended.response_commitment;
            key.recorded(commitment.map(|commitment| Answered { request, received, commitment }));
        }
        Ok(durable)
    }

    /// Records that the call was only planned, durably: who explored what is evidence.
    pub(crate) async fn close_planned(&mut self) -> Result<(), Refusal> {
        let planned = CallOutcome::without_answer(Decision::Planned, None);
        let record = self.draft.record(self.inbound, &planned);
        let durable = self.gate.journal.append_durable(&record).map_err(unavailable)?;
        self.closed = true;
        durable.await.map_err(unavailable)?;
        self.gate.metrics.ended(self.draft.sandbox, Decision::Planned, None);
        Ok(())
    }

    /// The record of the answer is not on disk and nothing leaves: the call is still to be closed, and free.
    pub(crate) fn not_recorded(&mut self) {
        self.closed = false;
        self.holds.not_recorded();
        if let Some(key) = &mut self.key {
            key.not_recorded();
        }
    }

    /// Records a refusal or failure, and waits until it is on disk: what a caller was told outlives the process. A journal that
    /// does not take it changes nothing about the refusal, and one that is refused for the journal's sake does not wait for it.
    pub(crate) async fn refuse(&mut self, code: Code) {
        if code.stage() == 0 {
            return self.close_without_answer(code);
        }
        let Some(ended) = self.end_without_answer(code) else { return };
        let recorded = match self.gate.journal.append_durable(&self.draft.record(self.inbound, &ended)) {
            Ok(durable) => durable.await.is_ok(),
            Err(_) => false,
        };
        if !recorded {
            self.gate.metrics.unrecorded();
        }
    }

    /// Records a refusal or failure that nobody waits for.
    pub(crate) fn close_without_answer(&mut self, code: Code) {
        let Some(ended) = self.end_without_answer(code) else { return };
        if self.gate.journal.append(&self.draft.record(self.inbound, &ended)).is_err() {
            self.gate.metrics.unrecorded();
        }
    }

    /// Closes the call, and says what is to be recorded of its end, where that is not only counted.
    fn end_without_answer(&mut self, code: Code) -> Option<CallOutcome> {
        if self.closed {
            return None;
        }
        self.closed = true;
        let decision = if self.dispatched { Decision::Failed } else { Decision::Refused };
        let terms = &self.draft.terms;
        if !self.dispatched && !self.gate.records_refusal(terms.unit, terms.credential, code) {
            self.gate.metrics.counted(decision, code);
            self.gate.count_refusal(code);
            return None;
        }
        self.gate.metrics.ended(self.draft.sandbox, decision, Some(code));
        if !self.draft.sandbox && !terms.unit.is_empty() {
            self.gate.saw_refusal(terms.unit, code);
        }
        let mut ended = CallOutcome::without_answer(decision, Some(code));
        if let Some((commitment, bytes)) = self.draft.kept {
            // Answered and not delivered: the release is kept, and whoever asks the same is given it.
            (ended.response_commitment, ended.response_bytes) = (Some(commitment), bytes);
        }
        Some(ended)
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.close_without_answer(Code::C807);
    }
}

/// The journal's state as the caller sees it.
pub(crate) fn unavailable(why: Unavailable) -> Refusal {
    match why {
        Unavailable::Busy => Refusal::retry(Code::C092, Duration::from_secs(1)),
        _ => Refusal::retry(Code::C090, Duration::from_secs(5)),
    }
}
