//! The reducer: what the journal's entries add up to. Pure; shared by start-up, projection and audit, so that the three
//! cannot disagree.
//!
//! An intent takes what a call holds: one use of the consent, the privacy charge. The call's record closes it:
//! - *refused*, *replayed*: it was never dispatched; the intent is voided, as if it had not been.
//! - *answered*: money, usage and settlement are posted.
//! - *failed*, or no record before the next `boot`: consent use and charge stay spent, there is no money, and the
//!   idempotency mark says what is already spent: a retry with the same key and body may run without paying it again,
//!   because nothing was released. Its intent then names no consent and no charge. A charge covers the one release that it was
//!   debited for, until it is refunded.
//!
//! A retry of an answered call whose answer is no longer at hand takes nothing; its mark counts how often it was run.
//!
//! A record without an open intent stands for itself: answered and failed ones take their consent use. None of them has a
//! privacy charge: that is debited by an intent, durably, before anything is dispatched.
//!
//! A call of the sandbox (沙箱) adds up to nothing, whatever its record says; only its nonce is remembered.

mod changes;
mod drawn;
mod marks;
mod meter;
mod state;

use shuzha_core::calendar::Day;
use shuzha_core::{MicroYuan, RequestId, Timestamp};
use shuzha_evidence::{
    Act, ActKind, Call, Commitment, Decision, Entry, Intent, Projected, Refund, Registered, Terms,
};
use shuzha_journal::{Position, RawRecord};
use shuzha_privacy::budget::{Account, Debit, Ledger, LedgerFault};

pub use changes::Changes;
pub use drawn::{DrawnKey, quarter_of};
pub use meter::{MeterKey, basis};
pub use state::{
    BEFORE, CONSENT_KEPT, Consent, CoveredCharge, DataUse, IDEMPOTENCY_WINDOW, Mark, MarkAnswer, MarkStatus,
    NONCE_WINDOW, Name, OpenIntent, ProjectionCheckpoint, RegisterHead, State, Usage, Watched,
};

use crate::StoreError;

/// The day in Asia/Shanghai that holds `at`, in days since 1970-01-01.
#[must_use]
pub const fn local_day(at: Timestamp) -> i64 {
    Day::of(at).days()
}

/// When the local `day` begins.
#[must_use]
pub const fn local_midnight(day: i64) -> Timestamp {
    Day::from_days(day).start()
}

/// One entry being applied.
struct Step<'s> {
    state: &'s mut State,
    changes: &'s mut Changes,
    position: Position,
}

impl State {
    /// Applies the entry at `position`, which must be the next one, and notes in `changes` what it touched.
    ///
    /// # Errors
    /// [`StoreError::Contradiction`] when the entry cannot follow those before it; the state is then of no more use.
    pub fn apply(
        &mut self,
        position: Position,
        entry: &Entry<'_>,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        let mut step = Step { state: self, changes, position };
        step.check_position(entry)?;
        step.changes.begin(step.state.reached);
        match entry {
            Entry::Boot(_) => step.boot(),
            Entry::Intent(intent) => step.intent(intent)?,
            Entry::Call(call) if call.sandbox => step.trial(call)?,
            Entry::Call(call) => step.call(call)?,
            Entry::Refund(refund) => step.refund(refund)?,
            Entry::Act(act) if act.kind == ActKind::ConsentWithdrawn => {
                step.withdraw(act.commitment, act.at)?
            }
            Entry::Act(act) => step.watch(act),
            Entry::Registered(act) => step.registered(act),
            Entry::Projected(projected) => step.projected(projected),
            Entry::Delivery(_)
            | Entry::Anchored(_)
            | Entry::KeysRotated(_)
            | Entry::Retention(_)
            | Entry::RefusalCount(_) => {}
        }
        self.reached = position;
        Ok(())
    }

    /// Applies records until they end.
    ///
    /// # Errors
    /// As [`State::apply`], and what reading the journal said.
    pub fn replay(
        &mut self,
        records: impl IntoIterator<Item = Result<RawRecord, shuzha_journal::JournalError>>,
        changes: &mut Changes,
    ) -> Result<(), StoreError> {
        for record in records {
            let record = record?;
            self.apply(record.position, &record.entry()?, changes)?;
        }
        Ok(())
    }
}

impl Step<'_> {
    fn contradiction(&self, what: &'static str) -> StoreError {
        StoreError::Contradiction { seq: self.position.seq, what }
    }

    fn check_position(&self, entry: &Entry<'_>) -> Result<(), StoreError> {
        let reached = self.state.reached;
        let boots = u32::from(matches!(entry, Entry::Boot(_)));
        if self.position.seq != reached.seq + 1 {
            return Err(self.contradiction("the sequence has a gap"));
        }
        if self.position.epoch != reached.epoch + boots {
            return Err(self.contradiction("an epoch begins with a boot, and only with one"));
        }
        Ok(())
    }

    /// An act on the register. One outside it, or of software that did not bind, has no revision.
    fn registered(&mut self, act: &Registered<'_>) {
        if self.state.register.map_or(0, |head| head.revision) < act.revision {
            self.state.register = Some(RegisterHead { revision: act.revision, digest: act.digest });
            self.changes.register = true;
        }
    }

    /// The process was restarted: whatever was open stays spent and will not be answered.
    fn boot(&mut self) {
        for (request, intent) in std::mem::take(&mut self.state.open) {
            self.changes.open.insert(request);
            self.spent(request, &intent);
        }
    }

    fn intent(&mut self, intent: &Intent<'_>) -> Result<(), StoreError> {
        self.state.remember(intent.received, intent.nonce, self.changes);
        let debit = self.debit_of(intent)?;
        self.take([intent.consent, intent.consent_parent], intent.received)?;
        if let Some(debit) = &debit {
            self.change_budget(&debit.account, |ledger| ledger.debit(debit))?;
        }
        self.open_mark_of(intent);
        let open = OpenIntent {
            mark: intent.idempotency,
            consent: intent.consent,
            consent_parent: intent.consent_parent,
            debit,
            release: intent.release,
            held: intent.amount,
        };
        self.changes.open.insert(intent.request);
        match self.state.open.insert(intent.request, open) {
            None => Ok(()),
            Some(_) => Err(self.contradiction("a request has two open intents")),
        }
    }

    fn call(&mut self, call: &Call<'_>) -> Result<(), StoreError> {
        if !call.terms.unit.is_empty() {
            self.state.remember(call.received, call.nonce, self.changes);
        }
        self.changes.data_uses.extend(DataUse::of(self.position.seq, call));
        let open = self.close(call.request);
        let alone = open.is_none() && !call.charge.is_zero();
        let consents = [call.consent, call.consent_parent];
        match (call.decision, open) {
            (Decision::Answered | Decision::Failed, None) if alone => {
                Err(self.contradiction("a privacy charge was never debited by an intent"))
            }
            (Decision::Refused | Decision::Replayed | Decision::Planned, None) => Ok(()),
            (Decision::Replayed, Some(intent)) => {
                self.ran_again(&intent);
                self.void(&intent)
            }
            (Decision::Refused | Decision::Planned, Some(intent)) => self.void(&intent),
            (Decision::Failed, Some(intent)) => {
                self.spent(call.request, &intent);
                Ok(())
            }
            (Decision::Failed, None) => self.take(consents, call.received),
            (Decision::Answered, open) => {
                if open.is_none() {
                    self.take(consents, call.received)?;
                }
                self.post(call, open.as_ref())
            }
        }
    }

    /// A trial: it held nothing, so there is nothing to close.
    fn trial(&mut self, call: &Call<'_>) -> Result<(), StoreError> {
        if self.state.open.contains_key(&call.request) {
            return Err(self.contradiction("a call of the sandbox has an intent"));
        }
        if !call.terms.unit.is_empty() {
            self.state.remember(call.received, call.nonce, self.changes);
        }
        Ok(())
    }

    fn close(&mut self, request: RequestId) -> Option<OpenIntent> {
        let intent = self.state.open.remove(&request)?;
        self.changes.open.insert(request);
        Some(intent)
    }

    /// What `intent` debits of a privacy budget.
    fn debit_of(&self, intent: &Intent<'_>) -> Result<Option<Debit>, StoreError> {
        if intent.charge.is_zero() {
            return Ok(None);
        }
        let Some(measure) = intent.measure else {
            return Err(self.contradiction("a privacy charge without a measure"));
        };
        let Terms { data_set, unit, scenario, .. } = intent.terms;
        let account = Account {
            space: intent.space.into(),
            data_set: data_set.into(),
            unit: unit.into(),
            scenario: scenario.into(),
        };
        Ok(Some(Debit { account, measure, day: local_day(intent.received), charge: intent.charge }))
    }

    /// Takes one use of a consent and of the one it narrows.
    fn take(&mut self, consents: [Option<Commitment>; 2], at: Timestamp) -> Result<(), StoreError> {
        for consent in consents.into_iter().flatten() {
            let mut known = self.state.consents.get(&consent).copied().unwrap_or_default();
            let Some(more) = known.uses.checked_add(1) else {
                return Err(self.contradiction("too many consent uses"));
            };
            (known.uses, known.used) = (more, known.used.max(at));
            self.state.set_consent(consent, known);
            self.changes.consents.insert(consent);
        }
        Ok(())
    }

    /// Gives back what an intent took: it was never dispatched.
    fn void(&mut self, intent: &OpenIntent) -> Result<(), StoreError> {
        for consent in intent.consent.into_iter().chain(intent.consent_parent) {
            let uses = self.state.consents.get_mut(&consent).map(|held| &mut held.uses);
            let Some(uses) = uses.filter(|uses| **uses > 0) else {
                return Err(self.contradiction("a consent use is given back that was not taken"));
            };
            *uses -= 1;
            self.changes.consents.insert(consent);
        }
        if let Some(debit) = &intent.debit {
            self.change_budget(&debit.account, |ledger| ledger.void(debit))?;
        }
        self.void_mark(intent);
        Ok(())
    }

    fn change_budget(
        &mut self,
        account: &Account,
        change: impl FnOnce(&mut Ledger) -> Result<(), LedgerFault>,
    ) -> Result<(), StoreError> {
        let seq = self.position.seq;
        change(&mut self.state.budgets).map_err(|fault| StoreError::Budget { seq, fault })?;
        self.changes.spaces.insert(Name::clone(&account.space));
        self.changes.accounts.insert(account.clone());
        Ok(())
    }

    /// Two persons have decided that a charge goes back.
    fn refund(&mut self, refund: &Refund<'_>) -> Result<(), StoreError> {
        let account = Account {
            space: refund.space.into(),
            data_set: refund.data_set.into(),
            unit: refund.unit.into(),
            scenario: refund.scenario.into(),
        };
        let (measure, day, charge) = (refund.measure, local_day(refund.at), refund.charge);
        let debit = Debit { account, measure, day, charge };
        self.change_budget(&debit.account, |ledger| ledger.refund(refund.request, &debit))?;
        self.changes.refunds.insert(refund.request);
        self.uncover(refund.request);
        Ok(())
    }

    /// Posts an answer: usage, money, settlement, mark.
    fn post(&mut self, call: &Call<'_>, open: Option<&OpenIntent>) -> Result<(), StoreError> {
        let Terms { unit, grant, product, .. } = call.terms;
        if call.amount < MicroYuan::ZERO {
            return Err(self.contradiction("a negative amount was posted"));
        }
        let key = (Name::from(grant), local_day(call.received));
        let used = self.state.usage.entry(key.clone()).or_default();
        let posted = self.state.posted.entry(unit.into()).or_default();
        let sums = used.plus(call.quantity, call.amount).zip(posted.checked_add(call.amount));
        let Some((used_now, posted_now)) = sums else {
            return Err(self.contradiction("a sum is past its range"));
        };
        (*used, *posted) = (used_now, posted_now);
        self.meter(call)?;
        self.draw(call)?;
        self.state.fold_usage(&key.0, key.1, self.changes);
        self.changes.usage.insert(key);
        self.changes.posted.insert(unit.into());
        let settled = (Name::from(grant), Name::from(product));
        if !self.state.settled.contains_key(&settled) {
            self.changes.settled.insert(settled.clone());
            self.state.settled.insert(settled, self.position);
        }
        self.answered_mark(call, open);
        Ok(())
    }

    fn meter(&mut self, call: &Call<'_>) -> Result<(), StoreError> {
        let Some(key) = MeterKey::of(call) else { return Ok(()) };
        let before = self.state.meters.get(&key).copied().unwrap_or(0);
        let more = before.checked_add(call.quantity.into());
        let more = more.ok_or_else(|| self.contradiction("a sum is past its range"))?;
        self.changes.meters.insert(key.clone());
        self.state.meters.insert(key, more);
        Ok(())
    }

    /// Counts the answers of one call.
    fn draw(&mut self, call: &Call<'_>) -> Result<(), StoreError> {
        if call.quantity == 0 {
            return Ok(());
        }
        let key = DrawnKey::of(call);
        let before = self.state.drawn.get(&key).copied().unwrap_or(0);
        let more = before.checked_add(call.quantity.into());
        let more = more.ok_or_else(|| self.contradiction("a sum is past its range"))?;
        self.state.fold_drawn(&key, self.changes);
        self.state.drawn.insert(key.clone(), more);
        self.changes.drawn.insert(key);
        Ok(())
    }

    /// What was done about abnormal use. Whoever resumes a scenario begins anew with it.
    fn watch(&mut self, act: &Act<'_>) {
        let mut watched = self.state.watched.get(act.object).copied().unwrap_or_default();
        match act.kind {
            ActKind::UseSlowed => watched.slowed = Some(act.at),
            ActKind::UseStopped => watched.stopped = Some(act.at),
            ActKind::UseResumed => watched = Watched::default(),
            _ => return,
        }
        self.state.watched.insert(act.object.into(), watched);
        self.changes.watched.insert(act.object.into());
    }

    /// From here on, the records up to that place may be given up.
    fn projected(&mut self, projected: &Projected) {
        let (seq, digest) = (projected.last_seq, projected.digest);
        self.state.checkpoint = Some(ProjectionCheckpoint { seq, digest, at: self.position });
        self.changes.checkpoint = true;
    }

    fn withdraw(&mut self, consent: Option<Commitment>, at: Timestamp) -> Result<(), StoreError> {
        let Some(consent) = consent else { return Err(self.contradiction("a withdrawal names no consent")) };
        let mut known = self.state.consents.get(&consent).copied().unwrap_or_default();
        known.withdrawn = true;
        known.used = known.used.max(at);
        self.state.set_consent(consent, known);
        self.changes.consents.insert(consent);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
