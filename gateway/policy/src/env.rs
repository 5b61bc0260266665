//! What one call carries through the stages: facts learned, things held, and the duty to leave one record.
//!
//! Dropping an [`Env`] that was not closed — the caller hung up and its future was dropped — closes it: what was
//! dispatched stays spent, the rest is void, and the record says so.

use std::sync::Arc;

use shuzha_core::{Code, MicroYuan, NanoCharge, Refusal, Timestamp};
use shuzha_evidence::commit::{Opening, Request};
use shuzha_evidence::{Call, Commitment, Decision, Entry, Intent, Outcome, Terms};
use shuzha_journal::{Durable, Unavailable};
use shuzha_pricing::Basis;

use crate::gate::Gate;
use crate::holds::{Consents, Holds};
use crate::idempotency::{Answered, Covered, Found, InUse};
use crate::nonce::NonceTag;
use crate::snapshot::Snapshot;
use crate::{Inbound, RateLimits};

/// What was learned about the call, for its record.
#[derive(Default)]
pub(crate) struct Facts<'e> {
    pub(crate) terms: Terms<'e>,
    pub(crate) nonce: NonceTag,
    pub(crate) idempotency: Option<Commitment>,
    pub(crate) consent: Option<Consents>,
    pub(crate) subject: Option<Commitment>,
    pub(crate) request_commitment: Option<Commitment>,
    /// What opens the commitment to the answer, once the call is identified.
    pub(crate) answer_opening: Option<Opening>,
    /// Binds what opens both commitments.
    pub(crate) openings: Option<Commitment>,
    pub(crate) body_sha256: [u8; 32],
    pub(crate) charge: NanoCharge,
    /// Commitment to the key of the release that is being made.
    pub(crate) release: Option<Commitment>,
    /// The commitment to an answer that is kept, or may be, and its bytes: whether or not it is delivered.
    pub(crate) kept: Option<(Commitment, u64)>,
    pub(crate) admitted: Option<Timestamp>,
    pub(crate) sent: Option<Timestamp>,
    pub(crate) answered: Option<Timestamp>,
    pub(crate) limit: RateLimits,
    /// On what basis the answer is charged or free, once it is there.
    pub(crate) basis: Basis,
}

/// What earlier tries under the same key leave for this one to take. Each resource asks for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// There were none, or they took nothing.
    None,
    /// They released nothing: what they have spent is not taken again, money and quota are.
    Spent(Covered),
    /// One was answered and charged: nothing is taken, and nothing leaves but the answer that it was.
    Answered(Option<Answered>),
}

/// One call on its way.
pub(crate) struct Env<'e> {
    pub(crate) gate: &'e Gate,
    pub(crate) snapshot: &'e Arc<Snapshot>,
    pub(crate) call: &'e Inbound<'e>,
    pub(crate) facts: Facts<'e>,
    pub(crate) holds: Holds<'e>,
    pub(crate) earlier: Earlier,
    pub(crate) in_use: Option<InUse<'e>>,
    /// Whether a test credential signed.
    pub(crate) sandbox: bool,
    /// Whether only a plan is asked for (`:plan`).
    pub(crate) plans: bool,
    /// Whether the request may have left: the intent is where it must be.
    dispatched: bool,
    /// Whether the journal has taken the record.
    closed: bool,
}

/// How a call ended, for its record.
pub(crate) struct Ending {
    pub(crate) decision: Decision,
    pub(crate) code: Option<Code>,
    pub(crate) outcome: Outcome,
    pub(crate) quantity: u32,
    pub(crate) amount: MicroYuan,
    pub(crate) response_bytes: u64,
    pub(crate) response_commitment: Option<Commitment>,
}

impl Ending {
    fn without_answer(decision: Decision, code: Code) -> Self {
        Self {
            decision,
            code: Some(code),
            outcome: Outcome::None,
            quantity: 0,
            amount: MicroYuan::ZERO,
            response_bytes: 0,
            response_commitment: None,
        }
    }
}

impl<'e> Env<'e> {
    pub(crate) fn new(gate: &'e Gate, snapshot: &'e Arc<Snapshot>, call: &'e Inbound<'e>) -> Self {
        let terms = Terms { snapshot: snapshot.short_digest(), ..Terms::default() };
        Self {
            gate,
            snapshot,
            call,
            facts: Facts { terms, ..Facts::default() },
            holds: Holds::default(),
            earlier: Earlier::None,
            in_use: None,
            sandbox: false,
            plans: false,
            dispatched: false,
            closed: false,
        }
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.gate.clock.now()
    }

    /// The request, as far as it is committed to.
    pub(crate) fn committed_request(&self) -> Request<'_> {
        Request {
            method: self.call.method.as_str(),
            path: self.call.path,
            query: self.call.query.unwrap_or_default(),
            body_sha256: &self.facts.body_sha256,
        }
    }

    /// What was asked is no call of a product: there is nothing to record.
    pub(crate) fn dismiss(mut self) {
        self.closed = true;
    }

    /// Notes what an idempotency key was found to mean for this try.
    pub(crate) fn retry_of(&mut self, found: &Found, in_use: Option<InUse<'e>>) {
        self.in_use = in_use;
        self.earlier = match found {
            Found::First => Earlier::None,
            Found::Spent(covered) => Earlier::Spent(*covered),
            Found::Answered(_) => Earlier::Answered(None),
            Found::AnsweredBefore(answered) => Earlier::Answered(*answered),
        };
    }

    /// Whether an earlier try was answered and charged.
    pub(crate) const fn was_answered(&self) -> bool {
        matches!(self.earlier, Earlier::Answered(_))
    }

    /// Whether an earlier try has taken a use of `consent` that this one may use.
    pub(crate) fn covers_consent(&self, consent: &Commitment) -> bool {
        match &self.earlier {
            Earlier::None => false,
            Earlier::Spent(covered) => covered.consent.as_ref() == Some(consent),
            Earlier::Answered(_) => true,
        }
    }

    /// Whether an earlier try has paid for `release`, and released nothing.
    pub(crate) fn covers_release(&self, release: &Commitment) -> bool {
        matches!(&self.earlier, Earlier::Spent(covered) if covered.release.as_ref() == Some(release))
    }

    /// Whether `body` may leave: after an answer under the same key, only the same bytes may.
    ///
    /// # Errors
    /// C314 where they are others, or nobody can tell.
    pub(crate) fn check_same_answer(&self, body: &[u8]) -> Result<(), Refusal> {
        let Earlier::Answered(answered) = &self.earlier else { return Ok(()) };
        let same = answered.is_some_and(|Answered { request, received, commitment }| {
            let committer = self.gate.keys.periods.at(received);
            committer.is_some_and(|committer| {
                committer.opening(request.as_bytes()).answer(&request, body) == commitment
            })
        });
        if same { Ok(()) } else { Err(Code::C314.into()) }
    }

    /// The intent of this call.
    fn intent(&self) -> Intent<'_> {
        let held = self.holds.money.as_ref().map_or(MicroYuan::ZERO, |hold| hold.token().held());
        let debit = self.holds.charge.as_ref().map(|hold| hold.token());
        let held_consent = self.holds.consent.as_ref().map(|hold| *hold.token());
        Intent {
            request: self.call.request,
            received: self.call.received,
            terms: self.facts.terms.clone(),
            nonce: self.facts.nonce,
            idempotency: self.facts.idempotency,
            request_commitment: self.facts.request_commitment.unwrap_or_default(),
            consent: held_consent.map(|held| held.own),
            charge: debit.map_or(NanoCharge::ZERO, |debit| debit.charge),
            amount: held,
            consent_parent: held_consent.and_then(|held| held.parent),
            space: debit.map_or("", |debit| &*debit.account.space),
            measure: debit.map(|debit| debit.measure),
            release: self.facts.release,
        }
    }

    /// Appends the intent and marks consent use and ε as spent from here on. Waits for the disk only where ε is
    /// charged (debit before dispatch) and for retries. Whoever hangs up in that wait, or meets a failing disk, has sent nothing yet:
    /// everything goes back.
    pub(crate) async fn intend(&mut self) -> Result<(), Refusal> {
        let entry = Entry::Intent(self.intent());
        // A retry's intent names less than its record. If a full disk could drop the intent and keep the record, the
        // record would stand for itself and take again what an earlier try has spent.
        if self.holds.charge.is_some() || self.earlier != Earlier::None {
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
        let release = self.facts.release.filter(|_| self.holds.charge.is_some());
        let consent = self.holds.consent.as_ref().map(|hold| hold.token().own);
        if let Some(key) = &mut self.in_use {
            key.dispatched(Covered { consent, release });
        }
    }

    /// Nothing reached the product service: everything goes back (DESIGN §2, refund rules).
    pub(crate) fn not_dispatched(&mut self) {
        self.dispatched = false;
        self.holds.not_dispatched();
        if let Some(key) = &mut self.in_use {
            key.not_dispatched();
        }
    }

    fn record(&self, ending: &Ending) -> Entry<'_> {
        let facts = &self.facts;
        let after = |at: Option<Timestamp>| {
            at.map_or(0, |at| u32::try_from(at.micros_since(self.call.received)).unwrap_or(0))
        };
        let bytes = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Entry::Call(Box::new(Call {
            request: self.call.request,
            received: self.call.received,
            admitted_after: after(facts.admitted),
            sent_after: after(facts.sent),
            answered_after: after(facts.answered),
            terms: facts.terms.clone(),
            nonce: facts.nonce,
            idempotency: facts.idempotency,
            consent: facts.consent.map(|consents| consents.own),
            subject: facts.subject,
            charge: facts.charge,
            quantity: ending.quantity,
            amount: ending.amount,
            decision: ending.decision,
            code: ending.code,
            outcome: ending.outcome,
            request_bytes: bytes(self.call.body.len() as u64),
            response_bytes: bytes(ending.response_bytes),
            request_commitment: facts.request_commitment,
            response_commitment: ending.response_commitment,
            sandbox: self.sandbox,
            consent_parent: facts.consent.and_then(|consents| consents.parent),
            basis: if ending.outcome == Outcome::None { 0 } else { facts.basis.number() },
            openings: facts.openings,
        }))
    }

    /// Hands the record of an answer to the journal; the answer may leave when the future is done. From here on the
    /// record may reach the disk even if nobody waits for it any more, so money and quota are spent and the
    /// idempotency key is answered, unless [`Env::not_recorded`] is told otherwise.
    pub(crate) fn close(&mut self, ending: &Ending) -> Result<Durable, Refusal> {
        let durable = self.gate.journal.append_durable(&self.record(ending)).map_err(unavailable)?;
        self.closed = true;
        self.gate.metrics.ended(self.sandbox, ending.decision, ending.code);
        self.holds.recorded(ending.amount);
        if let Some(key) = &mut self.in_use {
            let (request, received) = (self.call.request, self.call.received);
            let commitment = ending.response_commitment;
            key.recorded(commitment.map(|commitment| Answered { request, received, commitment }));
        }
        Ok(durable)
    }

    /// Records that the call was only planned, durably: who explored what is evidence.
    pub(crate) async fn close_planned(&mut self) -> Result<(), Refusal> {
        let ending = Ending {
            decision: Decision::Planned,
            code: None,
            outcome: Outcome::None,
            quantity: 0,
            amount: MicroYuan::ZERO,
            response_bytes: 0,
            response_commitment: None,
        };
        let durable = self.gate.journal.append_durable(&self.record(&ending)).map_err(unavailable)?;
        self.closed = true;
        durable.await.map_err(unavailable)?;
        self.gate.metrics.ended(self.sandbox, Decision::Planned, None);
        Ok(())
    }

    /// The record of the answer is not on disk and nothing leaves: the call is still to be closed, and free.
    pub(crate) fn not_recorded(&mut self) {
        self.closed = false;
        self.holds.not_recorded();
        if let Some(key) = &mut self.in_use {
            key.not_recorded();
        }
    }

    /// Records a refusal or failure, and waits until it is on disk: what a caller was told outlives the process. A journal that
    /// does not take it changes nothing about the refusal, and one that is refused for the journal's sake does not wait for it.
    pub(crate) async fn refuse(&mut self, code: Code) {
        if code.stage() == 0 {
            return self.close_without_answer(code);
        }
        let Some(ending) = self.end_without_answer(code) else { return };
        let recorded = match self.gate.journal.append_durable(&self.record(&ending)) {
            Ok(durable) => durable.await.is_ok(),
            Err(_) => false,
        };
        if !recorded {
            self.gate.metrics.unrecorded();
        }
    }

    /// Records a refusal or failure that nobody waits for.
    pub(crate) fn close_without_answer(&mut self, code: Code) {
        let Some(ending) = self.end_without_answer(code) else { return };
        if self.gate.journal.append(&self.record(&ending)).is_err() {
            self.gate.metrics.unrecorded();
        }
    }

    /// Closes the call, and says what is to be recorded of its end, where that is not only counted.
    fn end_without_answer(&mut self, code: Code) -> Option<Ending> {
        if self.closed {
            return None;
        }
        self.closed = true;
        let decision = if self.dispatched { Decision::Failed } else { Decision::Refused };
        let terms = &self.facts.terms;
        if !self.dispatched && !self.gate.records_refusal(terms.unit, terms.credential, code) {
            self.gate.metrics.counted(decision, code);
            self.gate.count_refusal(code);
            return None;
        }
        self.gate.metrics.ended(self.sandbox, decision, Some(code));
        if !self.sandbox && !self.facts.terms.unit.is_empty() {
            self.gate.saw_refusal(self.facts.terms.unit, code);
        }
        let mut ending = Ending::without_answer(decision, code);
        if let Some((commitment, bytes)) = self.facts.kept {
            // Answered and not delivered: the release is kept, and whoever asks the same is given it.
            (ending.response_commitment, ending.response_bytes) = (Some(commitment), bytes);
        }
        Some(ending)
    }
}

impl Drop for Env<'_> {
    fn drop(&mut self) {
        self.close_without_answer(Code::C807);
    }
}

/// The journal's state as the caller sees it.
pub(crate) fn unavailable(why: Unavailable) -> Refusal {
    match why {
        Unavailable::Busy => Refusal::retry(Code::C092, std::time::Duration::from_secs(1)),
        _ => Refusal::retry(Code::C090, std::time::Duration::from_secs(5)),
    }
}
