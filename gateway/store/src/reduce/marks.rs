//! What becomes of idempotency marks: each says what the attempts under its key have spent, and on what.

use shuzha_core::{MicroYuan, RequestId};
use shuzha_evidence::commit::HalfYear;
use shuzha_evidence::{Call, Commitment, Intent};

use super::{CoveredCharge, Mark, MarkAnswer, MarkStatus, OpenIntent, Step};

impl Step<'_> {
    /// Opens the mark of the key that `intent` names. One that was answered stays so: the call is only run again, and takes
    /// nothing.
    pub(super) fn open_mark_of(&mut self, intent: &Intent<'_>) {
        let Some(key) = intent.idempotency else { return };
        let before = self.state.marks.get(&key).filter(|before| *before.unit == *intent.terms.unit);
        let takes_nothing =
            intent.consent.is_none() && intent.charge.is_zero() && intent.amount == MicroYuan::ZERO;
        if takes_nothing && before.is_some_and(|mark| matches!(mark.status, MarkStatus::Answered { .. })) {
            return;
        }
        // Commitments of two half-years cannot be compared; the gate has compared the requests.
        let same = before.filter(|before| {
            before.status == MarkStatus::Spent
                && (before.request == Some(intent.request_commitment)
                    || HalfYear::of(before.at) != HalfYear::of(intent.received))
        });
        let opened = Mark {
            unit: intent.terms.unit.into(),
            request: Some(intent.request_commitment),
            covered_consent: same.and_then(|mark| mark.covered_consent),
            covered_charge: same.and_then(|mark| mark.covered_charge),
            status: MarkStatus::Open,
            answer: None,
            reruns: 0,
            at: intent.received,
        };
        self.state.set_mark(key, Some(opened), self.changes);
    }

    /// Closes the mark of a call that was never dispatched. An earlier attempt under its key stays spent.
    pub(super) fn void_mark(&mut self, intent: &OpenIntent) {
        let Some((key, mut mark)) = self.open_mark(intent) else { return };
        let earlier = mark.covered_consent.is_some() || mark.covered_charge.is_some();
        mark.status = MarkStatus::Spent;
        self.state.set_mark(key, earlier.then_some(mark), self.changes);
    }

    /// Leaves what an intent took spent; its mark says so.
    pub(super) fn spent(&mut self, request: RequestId, intent: &OpenIntent) {
        let Some((key, mut mark)) = self.open_mark(intent) else { return self.ran_again(intent) };
        mark.covered_consent = intent.consent.or(mark.covered_consent);
        if let Some(debit) = &intent.debit {
            let (release, charge) = (intent.release, debit.charge);
            mark.covered_charge = Some(CoveredCharge { request, release, charge });
        }
        mark.status = MarkStatus::Spent;
        self.state.set_mark(key, Some(mark), self.changes);
    }

    /// Counts that an answered call was sent again.
    pub(super) fn ran_again(&mut self, intent: &OpenIntent) {
        let Some(key) = intent.mark else { return };
        let Some(mark) = self.state.marks.get_mut(&key) else { return };
        if matches!(mark.status, MarkStatus::Answered { .. }) {
            mark.reruns = mark.reruns.saturating_add(1);
            self.changes.marks.insert(key);
        }
    }

    fn open_mark(&self, intent: &OpenIntent) -> Option<(Commitment, Mark)> {
        let key = intent.mark?;
        let mark = self.state.marks.get(&key).filter(|mark| mark.status == MarkStatus::Open)?;
        Some((key, mark.clone()))
    }

    /// What was given back covers no retry any more: the next one is a new call, and pays.
    pub(super) fn uncover(&mut self, request: RequestId) {
        let covers = |mark: &Mark| mark.covered_charge.is_some_and(|covered| covered.request == request);
        let marks = self.state.marks.iter().filter(|(_, mark)| covers(mark));
        for (key, mark) in marks.map(|(key, mark)| (*key, mark.clone())).collect::<Vec<_>>() {
            // Nothing is left of one that covers no consent either.
            let closed = mark.status == MarkStatus::Spent && mark.covered_consent.is_none();
            let mark = (!closed).then_some(Mark { covered_charge: None, ..mark });
            self.state.set_mark(key, mark, self.changes);
        }
    }

    /// Sets the mark of an answered call.
    pub(super) fn answered_mark(&mut self, call: &Call<'_>, open: Option<&OpenIntent>) {
        let Some(key) = call.idempotency else { return };
        let opened = open.and_then(|intent| self.open_mark(intent)).map(|(_, mark)| mark);
        let answer = call.response_commitment;
        let answered = Mark {
            unit: call.terms.unit.into(),
            covered_consent: opened.as_ref().and_then(|mark| mark.covered_consent),
            covered_charge: opened.as_ref().and_then(|mark| mark.covered_charge),
            request: call.request_commitment.or(opened.and_then(|mark| mark.request)),
            status: MarkStatus::Answered { amount: call.amount, position: self.position },
            answer: answer.map(|commitment| MarkAnswer { request: call.request, commitment }),
            reruns: 0,
            at: call.received,
        };
        self.state.set_mark(key, Some(answered), self.changes);
    }
}
