//! What the journal says, read by a party that trusts neither gateway nor clients, and the laws it must satisfy.

use std::collections::BTreeMap;
use std::path::PathBuf;

use shuzha_core::{MicroYuan, NanoCharge};
use shuzha_evidence::{Commitment, Decision, Entry};
use shuzha_store::{Changes, State};

use crate::answers::Answer;

/// A call's record, as far as its caller can know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Posted {
    pub(crate) decision: Decision,
    pub(crate) position: String,
    pub(crate) amount: MicroYuan,
    pub(crate) charge: NanoCharge,
    pub(crate) idempotency: Option<Commitment>,
}

/// The most that may be spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) uses_per_consent: u32,
    pub(crate) privacy_cap: NanoCharge,
    pub(crate) quota: (&'static str, u64),
    pub(crate) credit: (&'static str, MicroYuan),
}

/// The journal read so far.
pub(crate) struct Books {
    dir: PathBuf,
    /// Everything added up, by the reducer that the gateway starts from.
    pub(crate) state: State,
    calls: BTreeMap<String, Vec<Posted>>,
    answered_uses: BTreeMap<Commitment, u32>,
    answered_charge: NanoCharge,
    answered_amount: BTreeMap<String, MicroYuan>,
    /// Of each idempotency key: answers that were charged, and their sum.
    keys: BTreeMap<Commitment, (u32, MicroYuan)>,
}

impl Books {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            state: State::default(),
            calls: BTreeMap::new(),
            answered_uses: BTreeMap::new(),
            answered_charge: NanoCharge::ZERO,
            answered_amount: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// Checks the whole journal and reads what is new in it.
    pub(crate) fn read_on(&mut self) {
        shuzha_journal::verify(&self.dir).expect("the journal is whole");
        let records = shuzha_journal::read(&self.dir, self.state.reached.seq + 1).expect("it can be read");
        for record in records {
            let record = record.expect("it is whole");
            let entry = record.entry().expect("an entry");
            self.state
                .apply(record.position, &entry, &mut Changes::default())
                .expect("entries do not contradict");
            let Entry::Call(call) = entry else { continue };
            let posted = Posted {
                decision: call.decision,
                position: record.position.to_string(),
                amount: call.amount,
                charge: call.charge,
                idempotency: call.idempotency,
            };
            self.calls.entry(call.request.to_string()).or_default().push(posted);
            if call.decision != Decision::Answered {
                continue;
            }
            if let Some(consent) = call.consent {
                *self.answered_uses.entry(consent).or_default() += 1;
            }
            self.answered_charge = self.answered_charge.checked_add(call.charge).expect("small sums");
            let sum = self.answered_amount.entry(call.terms.unit.to_owned()).or_default();
            *sum = sum.checked_add(call.amount).expect("small sums");
            if let Some(key) = call.idempotency {
                let (times, sum) = self.keys.entry(key).or_default();
                *times += 1;
                *sum = sum.checked_add(call.amount).expect("small sums");
            }
        }
    }

    /// The one record of an answer that a client received. It must say what the client was told.
    pub(crate) fn record_of(&self, answer: &Answer) -> &Posted {
        let records = self.calls.get(&answer.request).map_or(&[][..], Vec::as_slice);
        let [record] = records else { panic!("{answer:?} has {} records", records.len()) };
        assert_eq!(Some(&record.position), answer.receipt.as_ref(), "{answer:?}");
        let decision = if answer.replayed { Decision::Replayed } else { Decision::Answered };
        assert_eq!(record.decision, decision, "{answer:?}");
        assert_eq!(Some(record.amount), answer.fee, "{answer:?}");
        assert_eq!(record.charge, answer.charge(), "{answer:?}");
        record
    }

    /// How often the key of an answered call was charged, and how much in all.
    pub(crate) fn charged_under_key_of(&self, answer: &Answer) -> (u32, MicroYuan) {
        let key = self.record_of(answer).idempotency.expect("the call had a key");
        self.keys.get(&key).copied().unwrap_or_default()
    }

    /// Calls of `grant` that count against its quota.
    pub(crate) fn quota_used(&self, grant: &str) -> u64 {
        let days = self.state.usage.iter().filter(|((used, _), _)| **used == *grant);
        days.map(|(_, usage)| usage.calls).sum()
    }

    /// What was spent of the one privacy budget.
    pub(crate) fn privacy_spent(&self) -> NanoCharge {
        self.state.budgets.of_data_set("census")
    }

    pub(crate) fn posted(&self, unit: &str) -> MicroYuan {
        self.state.posted.get(unit).copied().unwrap_or_default()
    }

    /// Nothing was spent beyond its limit, and every sum is the sum of its answers.
    pub(crate) fn check(&self, limits: &Limits) {
        for (consent, uses) in &self.answered_uses {
            let debited = self.state.consents.get(consent).map_or(0, |consent| consent.uses);
            assert!(*uses <= debited, "a consent was used {uses} times and debited {debited} times");
        }
        for consent in self.state.consents.values() {
            assert!(consent.uses <= limits.uses_per_consent, "a consent was debited {} times", consent.uses);
        }
        let spent = self.privacy_spent();
        assert!(self.answered_charge <= spent, "released {} of {spent} debited", self.answered_charge);
        assert!(spent <= limits.privacy_cap, "{spent} of the privacy budget");
        let used = self.quota_used(limits.quota.0);
        assert!(used <= limits.quota.1, "the quota was used {used} times");
        let (unit, credit) = limits.credit;
        assert!(self.posted(unit) <= credit, "{unit} was charged {}", self.posted(unit));
        for (unit, sum) in &self.answered_amount {
            assert_eq!(self.posted(unit), *sum, "{unit}: posted is the sum of the answers");
        }
        for (times, sum) in self.keys.values() {
            assert!(*times <= 1, "a call with an idempotency key was charged {times} times, {sum} in all");
        }
    }
}
