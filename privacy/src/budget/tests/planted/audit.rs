//! The auditor: adds up the disk and its own notes in a way of its own, and compares with what the node believes.

use std::collections::BTreeMap;

use super::{CAP, CAPS, Debit, Entry, Node, WHO, account};
use crate::budget::Account;

/// What the journal adds up to.
#[derive(Default)]
struct Books<'n> {
    debited: BTreeMap<Account, u128>,
    intents: BTreeMap<u64, &'n Debit>,
    back: BTreeMap<u64, u32>,
    refunded: BTreeMap<&'n str, u128>,
}

impl<'n> Books<'n> {
    fn give_back(&mut self, number: u64, debit: &Debit) {
        let of = self.debited.entry(debit.account.clone()).or_default();
        *of = of.saturating_sub(u128::from(debit.charge.nanos()));
        *self.back.entry(number).or_default() += 1;
    }

    fn read(node: &'n Node) -> Result<Self, String> {
        let mut books = Self::default();
        // A void counts from when it is decided: until it is on disk it may be lost, and then the charge stays spent.
        let voids = node.buffer.iter().filter(|entry| matches!(entry, Entry::Refused(_)));
        for entry in node.disk.iter().chain(voids) {
            match entry {
                Entry::Intent(number, debit) => {
                    *books.debited.entry(debit.account.clone()).or_default() +=
                        u128::from(debit.charge.nanos());
                    books.intents.insert(*number, debit);
                }
                Entry::Refused(number) => {
                    if let Some(debit) = books.intents.get(number).copied() {
                        books.give_back(*number, debit);
                    }
                }
                Entry::Refund(number, debit) => {
                    books.give_back(*number, debit);
                    *books.refunded.entry(&debit.account.space).or_default() +=
                        u128::from(debit.charge.nanos());
                }
            }
        }
        if books.back.values().any(|times| *times > 1) {
            return Err("a charge was given back twice".to_owned());
        }
        // No seed lasts longer than the window of refunds.
        if books.refunded.values().any(|sum| *sum > u128::from(CAP / 100)) {
            return Err("refunds passed their limit".to_owned());
        }
        Ok(books)
    }
}

impl Node {
    /// Checks the chain.
    ///
    /// # Errors
    /// The first link that is broken.
    pub(super) fn check(&self) -> Result<(), String> {
        let books = Books::read(self)?;
        let mut released: BTreeMap<&Account, u128> = BTreeMap::new();
        for (account, charge) in &self.released {
            if *charge == 0 {
                return Err("an answer left for nothing".to_owned());
            }
            *released.entry(account).or_default() += charge;
        }
        for (account, released) in released {
            let debited = books.debited.get(account).copied().unwrap_or(0);
            if released > debited {
                return Err(format!("released {released}, debited {debited}"));
            }
        }
        for space in ["p", "q"] {
            let names = WHO.iter().filter(|who| who.0 == space);
            let accounts: Vec<_> = names.map(|(space, set, unit)| account(space, set, unit)).collect();
            let debited =
                accounts.iter().map(|one| books.debited.get(one).copied().unwrap_or(0)).sum::<u128>();
            let leased = u128::from(self.memory.of_space(space).nanos());
            let quotas = accounts.len() as u128 * u128::from(CAPS.quota.nanos());
            let granted = quotas.min(u128::from(CAP));
            if debited > leased || leased > granted {
                return Err(format!("{space}: debited {debited}, leased {leased}, granted {granted}"));
            }
        }
        for (account, spending) in self.memory.accounts() {
            if spending.spent > CAPS.quota {
                return Err(format!("{} of a quota of {}", spending.spent, CAPS.quota));
            }
            if self.memory.of_data_set(&account.data_set) > CAPS.data_set {
                return Err("a data set is over-spent".to_owned());
            }
        }
        Ok(())
    }
}
