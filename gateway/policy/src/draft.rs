//! The draft of a call's record (记录草稿): the stages note in it what they learned. It can be recorded at any instant, because a
//! call may end at any instant; no stage reads from it what it needs of another, that is in the call context.

use shuzha_core::{Code, MicroYuan, NanoCharge, Timestamp};
use shuzha_evidence::{Call, Commitment, Decision, Entry, Intent, Outcome, Terms};
use shuzha_pricing::Basis;

use crate::Inbound;
use crate::holds::{Consents, Holds};
use crate::nonce::NonceTag;

/// What is known of a call for its record.
#[derive(Default)]
pub(crate) struct RecordDraft<'e> {
    pub(crate) terms: Terms<'e>,
    /// Whether a test credential signed.
    pub(crate) sandbox: bool,
    pub(crate) nonce: NonceTag,
    pub(crate) idempotency: Option<Commitment>,
    pub(crate) consent: Option<Consents>,
    pub(crate) subject: Option<Commitment>,
    pub(crate) request_commitment: Option<Commitment>,
    /// Binds what opens the commitments to request and answer.
    pub(crate) openings: Option<Commitment>,
    pub(crate) charge: NanoCharge,
    /// Commitment to the key of the release that is being made.
    pub(crate) release: Option<Commitment>,
    /// The commitment to an answer that is kept, or may be, and its bytes: whether or not it is delivered.
    pub(crate) kept: Option<(Commitment, u64)>,
    pub(crate) admitted: Option<Timestamp>,
    pub(crate) sent: Option<Timestamp>,
    pub(crate) answered: Option<Timestamp>,
    /// On what basis the answer is charged or free, once it is there.
    pub(crate) basis: Basis,
}

/// How a call ended.
pub(crate) struct CallOutcome {
    pub(crate) decision: Decision,
    pub(crate) code: Option<Code>,
    pub(crate) outcome: Outcome,
    pub(crate) quantity: u32,
    pub(crate) amount: MicroYuan,
    pub(crate) response_bytes: u64,
    pub(crate) response_commitment: Option<Commitment>,
}

impl CallOutcome {
    /// One that no answer belongs to.
    pub(crate) const fn without_answer(decision: Decision, code: Option<Code>) -> Self {
        Self {
            decision,
            code,
            outcome: Outcome::None,
            quantity: 0,
            amount: MicroYuan::ZERO,
            response_bytes: 0,
            response_commitment: None,
        }
    }
}

impl RecordDraft<'_> {
    /// The intent to send the request: what is held for it.
    pub(crate) fn intent<'r>(&'r self, call: &Inbound<'_>, holds: &'r Holds<'_>) -> Entry<'r> {
        let held = holds.money.as_ref().map_or(MicroYuan::ZERO, |hold| hold.token().held());
        let debit = holds.charge.as_ref().map(|hold| hold.token());
        let held_consent = holds.consent.as_ref().map(|hold| *hold.token());
        Entry::Intent(Intent {
            request: call.request,
            received: call.received,
            terms: self.terms.clone(),
            nonce: self.nonce,
            idempotency: self.idempotency,
            request_commitment: self.request_commitment.unwrap_or_default(),
            consent: held_consent.map(|held| held.own),
            charge: debit.map_or(NanoCharge::ZERO, |debit| debit.charge),
            amount: held,
            consent_parent: held_consent.and_then(|held| held.parent),
            space: debit.map_or("", |debit| &*debit.account.space),
            measure: debit.map(|debit| debit.measure),
            release: self.release,
        })
    }

    /// The record of a call that ended so.
    pub(crate) fn record(&self, call: &Inbound<'_>, ended: &CallOutcome) -> Entry<'_> {
        let after = |at: Option<Timestamp>| {
            at.map_or(0, |at| u32::try_from(at.micros_since(call.received)).unwrap_or(0))
        };
        let bytes = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Entry::Call(Box::new(Call {
            request: call.request,
            received: call.received,
            admitted_after: after(self.admitted),
            sent_after: after(self.sent),
            answered_after: after(self.answered),
            terms: self.terms.clone(),
            nonce: self.nonce,
            idempotency: self.idempotency,
            consent: self.consent.map(|consents| consents.own),
            subject: self.subject,
            charge: self.charge,
            quantity: ended.quantity,
            amount: ended.amount,
            decision: ended.decision,
            code: ended.code,
            outcome: ended.outcome,
            request_bytes: bytes(call.body.len() as u64),
            response_bytes: bytes(ended.response_bytes),
            request_commitment: self.request_commitment,
            response_commitment: ended.response_commitment,
            sandbox: self.sandbox,
            consent_parent: self.consent.and_then(|consents| consents.parent),
            basis: if ended.outcome == Outcome::None { 0 } else { self.basis.number() },
            openings: self.openings,
        }))
    }
}
