//! What the journal adds up to, counted by the auditor alone.

use std::collections::{BTreeMap, BTreeSet};

use shuzha_core::{Code, Id, RequestId};
use shuzha_evidence::{Call, Commitment, Decision, Entry, Intent, Refund};
use shuzha_journal::Journal;

use super::MIDNIGHT;
use crate::gateway::{TestGateway, read};

/// Most ε over the ward's people, over one data set, and per unit and data set, in nano-units (`world.yaml`).
const WARD_MAX: u64 = 500_000_000;
const DATA_SET_MAX: u64 = 400_000_000;
/// Most micro-yuan per unit.
const MONEY_MAX: [(&str, i64); 3] = [("probe", 2_000_000), ("startup", 600_000), ("study", 1_100_000_000)];
/// The product whose price rises at midnight, and its fees before and after.
const DEARER: (&str, i64, i64) = ("ward-report-a", 10_000_000, 11_000_000);
/// Most calls of the grant with a quota, on one day.
const QUOTA: (&str, u64) = ("probe-person", 4);

/// What the records add up to.
#[derive(Default)]
pub(super) struct Books {
    pub(super) uses: BTreeMap<Commitment, u32>,
    pub(super) epsilon: BTreeMap<String, u64>,
    /// Of it, by calls that ended and keep it.
    kept: BTreeMap<String, u64>,
    money: BTreeMap<String, i64>,
    /// Calls by grant and day.
    calls: BTreeMap<(String, bool), u64>,
    pub(super) closed: BTreeMap<RequestId, (Decision, i64)>,
    charged_keys: BTreeMap<Commitment, u32>,
    packages: u32,
    /// Charges that stand, by product and charge and then by release.
    pub(super) paid: BTreeMap<(String, u64), BTreeMap<Commitment, i64>>,
    /// The release that each call was charged for.
    charged_for: BTreeMap<RequestId, ((String, u64), Commitment)>,
    refunded: BTreeSet<RequestId>,
}

impl Books {
    /// Reads the journal record by record.
    pub(super) fn read(journal: &Journal) -> Result<Self, String> {
        let mut books = Self::default();
        let mut open = BTreeMap::new();
        let mut intended = BTreeSet::new();
        for record in read(journal) {
            match record.entry().map_err(|error| error.to_string())? {
                Entry::Intent(intent) => {
                    if !intended.insert(intent.request) {
                        return Err("a call has two intents".to_owned());
                    }
                    let debit = Debit::of_intent(&intent);
                    books.debit(&debit);
                    if let Some(release) = intent.release.filter(|_| debit.charge > 0) {
                        let query = (intent.terms.product.to_owned(), debit.charge);
                        *books.paid.entry(query.clone()).or_default().entry(release).or_default() += 1;
                        books.charged_for.insert(intent.request, (query, release));
                    }
                    open.insert(intent.request, debit);
                }
                Entry::Call(call) => books.close(&call, open.remove(&call.request))?,
                Entry::Refund(refund) => books.refund(&refund)?,
                _ => {}
            }
        }
        Ok(books)
    }

    /// What was given back is spent no more, and pays for no release.
    fn refund(&mut self, refund: &Refund<'_>) -> Result<(), String> {
        if !self.refunded.insert(refund.request) {
            return Err("privacy was given back twice".to_owned());
        }
        let charge = refund.charge.nanos();
        let spent = self.epsilon.entry(refund.data_set.to_owned()).or_default();
        *spent = spent.checked_sub(charge).ok_or("privacy was given back that was not spent")?;
        // A call that was cut off by the end of its process is in no sum of those that ended.
        let kept = self.kept.entry(refund.data_set.to_owned()).or_default();
        *kept = kept.saturating_sub(charge);
        self.unpaid(refund.request);
        Ok(())
    }

    /// The charge of `request` does not stand.
    fn unpaid(&mut self, request: RequestId) {
        let Some((query, release)) = self.charged_for.get(&request) else { return };
        let charges = self.paid.get_mut(query).and_then(|releases| releases.get_mut(release));
        *charges.expect("it was charged") -= 1;
    }

    fn debit(&mut self, debit: &Debit) {
        for consent in debit.consents.iter().flatten() {
            *self.uses.entry(*consent).or_default() += 1;
        }
        *self.epsilon.entry(debit.data_set.clone()).or_default() += debit.charge;
    }

    fn close(&mut self, call: &Call<'_>, open: Option<Debit>) -> Result<(), String> {
        if self.closed.insert(call.request, (call.decision, call.amount.micros())).is_some() {
            return Err("a call has two records".to_owned());
        }
        match (call.decision, open) {
            (Decision::Refused | Decision::Replayed, Some(debit)) => {
                for consent in debit.consents.iter().flatten() {
                    *self.uses.entry(*consent).or_default() -= 1;
                }
                *self.epsilon.entry(debit.data_set).or_default() -= debit.charge;
                self.unpaid(call.request);
            }
            (Decision::Answered | Decision::Failed, None) if !call.charge.is_zero() => {
                return Err("privacy was spent that no intent debited".to_owned());
            }
            (Decision::Answered | Decision::Failed, None) => self.debit(&Debit::of_call(call)),
            (Decision::Answered | Decision::Failed, Some(debit)) => {
                *self.kept.entry(debit.data_set).or_default() += debit.charge;
            }
            (Decision::Refused | Decision::Replayed | Decision::Planned, None) => {}
            (Decision::Planned, Some(_)) => return Err("a plan held something".to_owned()),
        }
        let refused_early = call.code.is_some_and(|code: Code| code.stage() < 8 && code.stage() > 0);
        // A retry whose service answers otherwise is refused by the code of stage 3, after it was sent.
        if refused_early && call.decision == Decision::Failed && call.code != Some(Code::C314) {
            return Err("a call that was refused before dispatch is recorded as failed".to_owned());
        }
        if call.decision == Decision::Answered {
            let amount = call.amount.micros();
            *self.money.entry(call.terms.unit.to_owned()).or_default() += amount;
            let day = call.received < MIDNIGHT;
            *self.calls.entry((call.terms.grant.to_owned(), day)).or_default() += 1;
            let price = if day { DEARER.1 } else { DEARER.2 };
            if call.terms.product == DEARER.0 && ![0, price].contains(&amount) {
                return Err(format!("money: {amount} was taken where the price is {price}"));
            }
            self.packages += u32::from(call.terms.product == "enterprise-list" && amount > 0);
            if let Some(key) = call.idempotency.filter(|_| amount > 0) {
                *self.charged_keys.entry(key).or_default() += 1;
            }
        } else if call.amount.micros() != 0 {
            return Err("money was taken for a call that was not answered".to_owned());
        }
        Ok(())
    }

    pub(super) fn check_caps(&self) -> Result<(), String> {
        if self.charged_keys.values().any(|charged| *charged > 1) {
            return Err("an idempotency key was charged twice".to_owned());
        }
        if self.packages > 1 {
            return Err("a package was charged twice: money".to_owned());
        }
        let epsilon: u64 = self.epsilon.values().sum();
        if epsilon > WARD_MAX || self.epsilon.values().any(|spent| *spent > DATA_SET_MAX) {
            return Err(format!("the privacy budget is over-spent: {:?}", self.epsilon));
        }
        for (unit, most) in MONEY_MAX {
            let spent = self.money.get(unit).copied().unwrap_or(0);
            if spent > most {
                return Err(format!("money of {unit}: {spent} of {most}"));
            }
        }
        let mut quotas = self.calls.iter().filter(|((grant, _), _)| grant == QUOTA.0);
        match quotas.find(|(_, calls)| **calls > QUOTA.1) {
            Some((_, calls)) => Err(format!("{calls} calls against a quota of {}", QUOTA.1)),
            None => Ok(()),
        }
    }

    /// A gate that serves never believes in more money or privacy than the journal leaves: released ≤ debited ≤ leased.
    pub(super) fn check_living(&self, house: &TestGateway) -> Result<(), String> {
        for (set, kept) in self.kept.iter().filter(|(set, _)| !set.is_empty()) {
            let memory = house.gate.privacy_spent(&Id::new(set).expect("a name")).nanos();
            if memory < *kept {
                return Err(format!(
                    "privacy of {set}: {kept} is debited, and the gate has noticed {memory}"
                ));
            }
        }
        for (unit, journal) in &self.money {
            let memory = house.gate.charged(&Id::new(unit).expect("a name")).micros();
            if memory < *journal {
                return Err(format!(
                    "money of {unit}: {journal} is charged, and the gate has noticed {memory}"
                ));
            }
        }
        // Every call has ended, however: nothing of a unit's credit is held.
        for (unit, _) in MONEY_MAX {
            let held = house.gate.held(&Id::new(unit).expect("a name")).micros();
            if held != 0 {
                return Err(format!("money of {unit}: {held} is held by no call"));
            }
        }
        Ok(())
    }

    /// What the gate goes on with is what the journal says.
    pub(super) fn check_memory(&self, house: &TestGateway) -> Result<(), String> {
        let id = |name: &str| Id::new(name).expect("a name");
        for (unit, _) in MONEY_MAX {
            let (memory, journal) =
                (house.gate.charged(&id(unit)).micros(), self.money.get(unit).copied().unwrap_or(0));
            if memory != journal {
                return Err(format!("{unit} was charged {journal}, and the gate believes {memory}"));
            }
        }
        for set in ["ward-a", "ward-b"] {
            let spent = self.epsilon.get(set).copied().unwrap_or(0);
            let memory = house.gate.privacy_spent(&id(set)).nanos();
            if memory != spent {
                return Err(format!("{set} spent {spent}, and the gate believes {memory}"));
            }
        }
        Ok(())
    }
}

/// What one call took of consent and budget.
struct Debit {
    consents: [Option<Commitment>; 2],
    data_set: String,
    charge: u64,
}

impl Debit {
    fn of_intent(intent: &Intent<'_>) -> Self {
        Self {
            consents: [intent.consent, intent.consent_parent],
            data_set: intent.terms.data_set.to_owned(),
            charge: intent.charge.nanos(),
        }
    }

    fn of_call(call: &Call<'_>) -> Self {
        Self {
            consents: [call.consent, call.consent_parent],
            data_set: call.terms.data_set.to_owned(),
            charge: call.charge.nanos(),
        }
    }
}
