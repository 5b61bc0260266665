//! Privacy charges given back by hand. Nothing refunds itself once a request was sent (no refund oracle); two persons may
//! decide it in the control plane, for a cause that the data cannot have influenced: a product service that was down.
//!
//! A refund is a record of its own. It gives back the whole charge of one failed call, once; all refunds of a person-space
//! within some weeks stay under one hundredth of its cap.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shuzha_core::{Code, Id, NanoCharge, Refusal, RequestId};
use shuzha_evidence::{Decision, Entry, Refund};
use shuzha_privacy::budget::{Account, Debit, refund_fits};
use shuzha_store::local_day;

use crate::Gate;
use crate::env::unavailable;
use crate::holds::lock;

/// The kind of objects that are refunds.
pub const REFUND: &str = "PrivacyRefund";

/// What the journal says of the charge of one call.
struct Charge {
    debit: Debit,
    /// Whether the call ended without an answer, or was cut off by the end of its process.
    failed: bool,
}

impl Gate {
    /// Gives the charge of the failed call `request` over `data_set` back, as was decided in the case `object`; done before,
    /// it does nothing. Blocks: it reads the whole journal and waits for the disk.
    ///
    /// # Errors
    /// C1550 when the journal holds no such charge of a failed call, C1551 when the limit of refunds would be passed, C090 when
    /// the journal cannot be read or written. Nothing is given back then.
    pub fn refund(&self, data_set: &Id, request: RequestId, object: &Id) -> Result<(), Refusal> {
        if self.budgets.is_refunded(&request) {
            return Ok(());
        }
        let mut charges = self.charges_of(&BTreeSet::from([request]), &|| false)?;
        self.give_back(data_set, request, object, charges.remove(&request))
    }

    fn give_back(
        &self,
        data_set: &Id,
        request: RequestId,
        object: &Id,
        charge: Option<Charge>,
    ) -> Result<(), Refusal> {
        let _one_at_a_time = lock(&self.refunding);
        if self.budgets.is_refunded(&request) {
            return Ok(());
        }
        let charge = charge.filter(|charge| charge.failed);
        let charge = charge.filter(|charge| *charge.debit.account.data_set == *data_set.as_str());
        let Some(Charge { debit, .. }) = charge else { return Err(Code::C1550.into()) };
        let (account, now) = (&debit.account, self.clock.now());
        let refund = Debit { day: local_day(now), ..debit.clone() };
        let cap = self.snapshot().cap_of(&account.space).ok_or(Code::C1550)?;
        if !refund_fits(cap, self.budgets.refunded(&account.space, refund.day), refund.charge) {
            return Err(Code::C1551.into());
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
        Ok(())
    }

    /// Makes every refund that the world in force declares and the journal does not hold yet, in one reading of the journal
    /// for all of them, until `stopping` says so. One that cannot be made is logged with its code and refused for good: as long
    /// as this process runs, nothing is read again on its account. Answers whether some are left because the journal could not
    /// be read or written. Blocks for as long as that reading takes; no lock that a change of what is in force needs is held.
    pub fn make_refunds(&self, stopping: &dyn Fn() -> bool) -> bool {
        let declared = self.refunds_declared();
        if declared.is_empty() {
            return false;
        }
        let requests = declared.iter().map(|(_, request, _)| *request).collect();
        let Ok(mut charges) = self.charges_of(&requests, stopping) else { return true };
        let mut left = false;
        for (data_set, request, object) in declared {
            if stopping() {
                return true;
            }
            let Err(refusal) = self.give_back(&data_set, request, &object, charges.remove(&request)) else {
                continue;
            };
            tracing::error!(case = %object, code = %refusal.code, "a privacy charge is not given back");
            match refusal.code {
                code @ (Code::C1550 | Code::C1551) => drop(lock(&self.refunds_refused).insert(object, code)),
                _ => left = true,
            }
        }
        left
    }

    /// Refunds in force that were neither made nor refused for good: data set, request, case.
    fn refunds_declared(&self) -> Vec<(Id, RequestId, Id)> {
        let snapshot = self.snapshot();
        let refused = lock(&self.refunds_refused);
        let declared = snapshot.objects().filter(|source| source.kind == REFUND).filter_map(|source| {
            let spec: Value = serde_json::from_str(&source.spec).unwrap_or_default();
            let word = |field: &str| spec[field].as_str().unwrap_or_default();
            let (data_set, request) = (word("dataSet").parse::<Id>(), word("request").parse::<RequestId>());
            Some((data_set.ok()?, request.ok()?, source.name.clone()))
        });
        declared
            .filter(|(_, request, object)| {
                !self.budgets.is_refunded(request) && !refused.contains_key(object)
            })
            .collect()
    }

    /// Refunds that were refused for good since this process began, by case.
    #[must_use]
    pub fn refunds_refused(&self) -> BTreeMap<Id, Code> {
        lock(&self.refunds_refused).clone()
    }

    /// What the journal says of the charges of these calls, in one reading; less where `stopping` says so.
    fn charges_of(
        &self,
        requests: &BTreeSet<RequestId>,
        stopping: &dyn Fn() -> bool,
    ) -> Result<BTreeMap<RequestId, Charge>, Refusal> {
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "the journal cannot be read");
            Refusal::from(Code::C090)
        };
        let mut open: BTreeMap<RequestId, Charge> = BTreeMap::new();
        let mut closed = BTreeMap::new();
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
                    open.insert(intent.request, Charge { debit, failed: false });
                }
                Entry::Call(call) => {
                    if let Some(charge) = open.remove(&call.request) {
                        let failed = call.decision == Decision::Failed;
                        closed.insert(call.request, Charge { failed, ..charge });
                    }
                }
                // A call that was under way when its process ended was not answered.
                Entry::Boot(_) => {
                    let ended = std::mem::take(&mut open).into_iter();
                    closed
                        .extend(ended.map(|(request, charge)| (request, Charge { failed: true, ..charge })));
                }
                _ => {}
            }
        }
        Ok(closed)
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
