//! What only ever grows, compared between a projection that the log was told of and a later one: whoever serves by less gives back
//! what was spent.

use std::collections::BTreeMap;

use shuzha_core::NanoCharge;
use shuzha_evidence::Commitment;
use shuzha_privacy::budget::Account;

use super::Difference;
use crate::reduce::{CONSENT_KEPT, Consent, Name, State, Usage};

/// Tables by which `now` has less than `before`, which it must have grown out of. Uses and charges of calls that were under way
/// may have been voided since; a consent that has ended is forgotten. Charges are not compared once more was refunded: only a
/// replay tells how much (`shuzha journal verify`).
#[must_use]
pub fn given_back(before: &State, now: &State) -> Vec<Difference> {
    let (uses, charges) = held(before);
    let ended = now.latest.minus(CONSENT_KEPT);
    let less_consent = |key: &Commitment, known: &Consent| match now.consents.get(key) {
        None => known.used >= ended,
        Some(now) => {
            let settled = known.uses.saturating_sub(uses.get(key).copied().unwrap_or(0));
            now.uses < settled || (known.withdrawn && !now.withdrawn)
        }
    };
    let spent = |account: &Account| now.budgets.of_account(account).nanos();
    let same_refunds = now.budgets.refunds().len() == before.budgets.refunds().len();
    let less_charge = |account: &Account, was: NanoCharge| {
        spent(account) < was.nanos().saturating_sub(charges.get(account).copied().unwrap_or(0))
    };
    let (was_used, is_used) = (by_grant(before), by_grant(now));
    let less_use = |name: &Name, was: &Usage| {
        is_used
            .get(name)
            .is_none_or(|is| is.calls < was.calls || is.quantity < was.quantity || is.amount < was.amount)
    };
    let refunds = now.budgets.refunds();
    let counts = [
        ("consents", before.consents.iter().filter(|(key, known)| less_consent(key, known)).count()),
        (
            "privacy_accounts",
            before
                .budgets
                .accounts()
                .iter()
                .filter(|(account, was)| same_refunds && less_charge(account, was.spent))
                .count(),
        ),
        ("privacy_refunds", before.budgets.refunds().difference(refunds).count()),
        ("usage", was_used.iter().filter(|(name, was)| less_use(name, was)).count()),
        ("posted", less(&before.posted, &now.posted)),
        ("meters", less(&before.meters, &now.meters)),
        ("drawn", less(&before.drawn_sums(), &now.drawn_sums())),
        ("settled", before.settled.iter().filter(|(key, at)| now.settled.get(*key) != Some(at)).count()),
    ];
    let wrong = counts.into_iter().filter(|(_, rows)| *rows > 0);
    wrong.map(|(table, rows)| Difference { table, rows }).collect()
}

/// Uses and charges that calls under way hold.
fn held(state: &State) -> (BTreeMap<Commitment, u32>, BTreeMap<&Account, u64>) {
    let (mut uses, mut charges) = (BTreeMap::new(), BTreeMap::new());
    for intent in state.open.values() {
        for consent in intent.consent.iter().chain(&intent.consent_parent) {
            *uses.entry(*consent).or_default() += 1;
        }
        if let Some(debit) = &intent.debit {
            *charges.entry(&debit.account).or_default() += debit.charge.nanos();
        }
    }
    (uses, charges)
}

fn by_grant(state: &State) -> BTreeMap<&Name, Usage> {
    let mut sums: BTreeMap<&Name, Usage> = BTreeMap::new();
    for ((grant, _), used) in &state.usage {
        let sum = sums.entry(grant).or_default();
        sum.calls = sum.calls.saturating_add(used.calls);
        sum.quantity = sum.quantity.saturating_add(used.quantity);
        sum.amount = sum.amount.checked_add(used.amount).unwrap_or(sum.amount);
    }
    sums
}

fn less<K: Ord, V: PartialOrd>(before: &BTreeMap<K, V>, now: &BTreeMap<K, V>) -> usize {
    before.iter().filter(|(key, was)| now.get(*key).is_none_or(|is| is < *was)).count()
}
