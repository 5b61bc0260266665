//! Privacy charges given back by hand. Nothing refunds itself once a request was sent (no refund oracle); two persons may
//! decide it in the control plane, for a cause that the data cannot have influenced: a product service that was down.
//!
//! A refund is a record of its own. It gives back the whole charge of one failed call, once; all refunds of a person-space
//! within some weeks stay under one hundredth of its cap.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use shuzha_core::{Code, Id, NanoCharge, Refusal, RequestId};
use shuzha_evidence::{Commitment, Decision, Entry, Refund};
use shuzha_privacy::budget::{Account, Debit, refund_fits};
use shuzha_store::local_day;

use crate::open_call::unavailable;
use crate::shards::lock;
use crate::{Gate, RefundOutcome};

/// The kind of objects that are refunds.
pub const REFUND: &str = "PrivacyRefund";

/// When to come again where the same query is being answered.
const RETRY: Duration = Duration::from_secs(1);

/// A refund that is in force.
struct Asked {
    case: Id,
    /// The unit that the charge is said to have been made to, where the case says so.
    unit: Option<Id>,
    data_set: Id,
    request: RequestId,
}

/// What the journal says of the charge of one call.
struct Charge {
    debit: Debit,
    ended: Ended,
    /// Its idempotency key.
    mark: Option<Commitment>,
    /// The release that it was charged for; none in records of software that did not say.
    release: Option<Commitment>,
}

/// How a call that was charged ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// It is under way.
    NotYet,
    /// It was answered, or an answer was made that is kept, or may be, or a later call under its idempotency key was answered.
    Answered,
    /// It ended without an answer, or was cut off by the end of its process.
    Failed,
}

/// What the journal says of some calls.
#[derive(Default)]
struct Found {
    charges: BTreeMap<RequestId, Charge>,
    /// Cases by which charges were given back.
    refunded_by: BTreeMap<RequestId, String>,
}

impl Gate {
    /// Gives the charge of the failed call `request` over `data_set` back, as was decided in the case `object`; done before,
    /// it does nothing. Blocks: it reads the whole journal and waits for the disk.
    ///
    /// # Errors
    /// C1550 when the journal holds no such charge of a failed call, or something was released for it, C1551 when the limit of
    /// refunds would be passed, C309 or C609 while the call is tried again or the same query answered, C090 when the journal
    /// cannot be read or written. Nothing is given back then.
    pub fn refund(&self, data_set: &Id, request: RequestId, object: &Id) -> Result<(), Refusal> {
        if self.budgets.is_refunded(&request) {
            return Ok(());
        }
        let mut found = self.charges_of(&BTreeSet::from([request]), &|| false)?;
        let asked = Asked { case: object.clone(), unit: None, data_set: data_set.clone(), request };
        self.give_back(&asked, &mut found)
    }

    fn give_back(&self, asked: &Asked, found: &mut Found) -> Result<(), Refusal> {
        let (request, object) = (asked.request, &asked.case);
        let _one_at_a_time = lock(&self.refunding);
        if self.budgets.is_refunded(&request) {
            // A record that was pruned no longer tells by which case.
            let mine = found.refunded_by.get(&request).is_none_or(|by| by == object.as_str());
            return if mine { Ok(()) } else { Err(Code::C1550.into()) };
        }
        let charge = found.charges.remove(&request);
        if charge.as_ref().is_some_and(|charge| charge.ended == Ended::NotYet) {
            return Err(Code::C091.into());
        }
        let charge = charge.filter(|charge| {
            let account = &charge.debit.account;
            charge.ended == Ended::Failed
                && *account.data_set == *asked.data_set.as_str()
                && asked.unit.as_ref().is_none_or(|unit| *account.unit == *unit.as_str())
        });
        // What nobody can look for cannot be shown to be unreleased.
        let Some(Charge { debit, mark, release: Some(release), .. }) = charge else {
            return Err(Code::C1550.into());
        };
        let (account, now) = (&debit.account, self.clock.now());
        let refund = Debit { day: local_day(now), ..debit.clone() };
        let cap = self.snapshot().cap_of(&account.space).ok_or(Code::C1550)?;
        if !refund_fits(cap, self.budgets.refunded(&account.space, refund.day), refund.charge) {
            return Err(Code::C1551.into());
        }
        // From here to the record no retry is under way, and none begins that this charge would cover.
        let mark = mark.map(|key| self.idempotency.hold(&account.unit, key)).transpose()?.flatten();
        match self.releases.any(|key| self.release_commitment(key) == release) {
            None => return Err(Refusal::retry(Code::C609, RETRY)),
            Some(true) => return Err(Code::C1550.into()),
            Some(false) => {}
        }
        let entry = Entry::Refund(Refund {
            request,
            at: now,
            unit: &account.unit,
            scenario: &account.scenario,
            data_set: &account.data_set,
            charge: refund.charge,
            object: object.as_str(),
            space: &account.space,
            measure: refund.measure,
        });
        // First the record: memory must never believe in more budget than the journal leaves.
        self.journal.append_durable(&entry).and_then(|durable| durable.wait()).map_err(unavailable)?;
        self.budgets.refund(request, &refund);
        if let Some(mark) = mark {
            mark.refunded(release);
        }
        found.refunded_by.insert(request, object.to_string());
        Ok(())
    }

    /// Makes every refund that the world in force declares and that was not settled yet, in one reading of the journal for all
    /// of them, until `stopping` says so. What became of each is kept in [`Gate::refunds_settled`] until its case says so and
    /// it leaves the world: meanwhile nothing is read again on its account. Answers whether some are left because the journal
    /// could not be read or written, or their calls are under way. Blocks for as long as that reading takes; no lock that a
    /// change of what is in force needs is held.
    pub fn make_refunds(&self, stopping: &dyn Fn() -> bool) -> bool {
        let declared = self.refunds_declared();
        if declared.is_empty() {
            return false;
        }
        let requests = declared.iter().map(|asked| asked.request).collect();
        let Ok(mut found) = self.charges_of(&requests, stopping) else { return true };
        let mut left = false;
        for asked in declared {
            if stopping() {
                return true;
            }
            let outcome = match self.give_back(&asked, &mut found) {
                Ok(()) => Ok(()),
                Err(Refusal { code: code @ (Code::C1550 | Code::C1551), .. }) => Err(code),
                Err(refusal) => {
                    tracing::warn!(case = %asked.case, code = %refusal.code, "a privacy charge is not given back yet");
                    left = true;
                    continue;
                }
            };
            if let Err(code) = outcome {
                tracing::error!(case = %asked.case, %code, "a privacy charge is not given back");
            }
            lock(&self.refunds_settled).insert(asked.case, outcome);
        }
        left
    }

    /// Refunds in force that are not settled yet. Those that left the world are forgotten here.
    fn refunds_declared(&self) -> Vec<Asked> {
        let snapshot = self.snapshot();
        let mut settled = lock(&self.refunds_settled);
        let declared = snapshot.objects().filter(|source| source.kind == REFUND).filter_map(|source| {
            let spec: Value = serde_json::from_str(&source.spec).unwrap_or_default();
            let word = |field: &str| spec[field].as_str().unwrap_or_default();
            let (data_set, request) = (word("dataSet").parse(), word("request").parse());
            let (case, unit) = (source.name.clone(), word("unit").parse().ok());
            Some(Asked { case, unit, data_set: data_set.ok()?, request: request.ok()? })
        });
        let declared: Vec<_> = declared.collect();
        settled.retain(|case, _| declared.iter().any(|asked| asked.case == *case));
        declared.into_iter().filter(|asked| !settled.contains_key(&asked.case)).collect()
    }

    /// What became of refunds that are still in force, by case: for whoever writes it down.
    #[must_use]
    pub fn refunds_settled(&self) -> BTreeMap<Id, RefundOutcome> {
        lock(&self.refunds_settled).clone()
    }

    /// What the journal says of the charges of these calls, in one reading; less where `stopping` says so.
    fn charges_of(
        &self,
        requests: &BTreeSet<RequestId>,
        stopping: &dyn Fn() -> bool,
    ) -> Result<Found, Refusal> {
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "the journal cannot be read");
            Refusal::from(Code::C090)
        };
        let mut open: BTreeMap<RequestId, Charge> = BTreeMap::new();
        let mut found = Found::default();
        // The charge of a call whose record was pruned is past giving back: a refund is due within days.
        let first = self.journal.first_seq().map_err(|error| unreadable(&error))?;
        for record in self.journal.reader(first).map_err(|error| unreadable(&error))? {
            if stopping() {
                return Err(Code::C091.into());
            }
            let record = record.map_err(|error| unreadable(&error))?;
            match record.entry().map_err(|error| unreadable(&error))? {
                Entry::Intent(intent) if requests.contains(&intent.request) => {
                    let Some(measure) = intent.measure else { continue };
                    let account = Account {
                        space: intent.space.into(),
                        data_set: intent.terms.data_set.into(),
                        unit: intent.terms.unit.into(),
                        scenario: intent.terms.scenario.into(),
                    };
                    let (day, charge) = (local_day(intent.received), intent.charge);
                    let debit = Debit { account, measure, day, charge };
                    let (mark, release) = (intent.idempotency, intent.release);
                    let charge = Charge { debit, ended: Ended::NotYet, mark, release };
                    open.insert(intent.request, charge);
                }
                Entry::Call(call) => {
                    if let Some(charge) = open.remove(&call.request) {
                        let failed = call.decision == Decision::Failed && call.response_commitment.is_none();
                        let ended = if failed { Ended::Failed } else { Ended::Answered };
                        found.charges.insert(call.request, Charge { ended, ..charge });
                    } else if let Some(key) = call.idempotency.filter(|_| call.decision == Decision::Answered)
                    {
                        let same = |charge: &&mut Charge| charge.mark == Some(key);
                        found.charges.values_mut().filter(same).for_each(|one| one.ended = Ended::Answered);
                    }
                }
                // A call that was under way when its process ended was not answered.
                Entry::Boot(_) => {
                    let cut = std::mem::take(&mut open).into_iter();
                    let cut =
                        cut.map(|(request, charge)| (request, Charge { ended: Ended::Failed, ..charge }));
                    found.charges.extend(cut);
                }
                Entry::Refund(refund) if requests.contains(&refund.request) => {
                    found.refunded_by.insert(refund.request, refund.object.to_owned());
                }
                _ => {}
            }
        }
        found.charges.extend(open);
        Ok(found)
    }
}

impl crate::Snapshot {
    /// The cap of a person-space over which there are statistics.
    fn cap_of(&self, space: &str) -> Option<NanoCharge> {
        let statistics = self.products.iter().filter_map(|(_, product)| product.statistics.as_ref());
        let mut spaces = statistics.map(|statistics| &statistics.space);
        spaces.find(|known| known.name.as_str() == space).map(|space| space.cap)
    }
}
