//! The authority over consent uses: each consent is used at most as often as the person allowed.

use std::collections::HashSet;
use std::sync::RwLock;

use shuzha_core::Code;
use shuzha_evidence::Commitment;

use super::{Authority, Hold, Shards};

/// A consent and, where it narrows another, that one: each use of the first is a use of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Consents {
    /// The consent presented.
    pub(crate) own: Commitment,
    /// The one it was derived from.
    pub(crate) parent: Option<Commitment>,
}

impl Consents {
    fn each(&self) -> impl Iterator<Item = Commitment> {
        std::iter::once(self.own).chain(self.parent)
    }
}

/// How often one consent was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Uses {
    spent: u32,
    held: u32,
}

/// Uses taken per consent, and the consents withdrawn. Consents are known by commitment only.
pub(crate) struct ConsentLedger {
    uses: Shards<Commitment, Uses>,
    withdrawn: RwLock<HashSet<Commitment>>,
}

impl ConsentLedger {
    /// The ledger as the journal left it.
    pub(crate) fn new(
        spent: impl IntoIterator<Item = (Commitment, u32)>,
        withdrawn: impl IntoIterator<Item = Commitment>,
    ) -> Self {
        let uses = Shards::new();
        for (consent, spent) in spent {
            uses.with(&consent, |shard| shard.insert(consent, Uses { spent, held: 0 }));
        }
        Self { uses, withdrawn: RwLock::new(withdrawn.into_iter().collect()) }
    }

    /// Takes one of `max` uses, and one of `parent_max` of the parent's where there is one; both or neither.
    ///
    /// # Errors
    /// C408 when either was withdrawn, C407 when spent and held uses together reach the maximum of either.
    pub(crate) fn take(&self, consents: Consents, max: u32, parent_max: u32) -> Result<Hold<'_, Self>, Code> {
        if self.is_withdrawn(&consents) {
            return Err(Code::C408);
        }
        self.hold(consents.own, max)?;
        if let Some(parent) = consents.parent {
            self.hold(parent, parent_max).inspect_err(|_| self.give_back(consents.own))?;
        }
        Ok(Hold::new(self, consents))
    }

    fn hold(&self, consent: Commitment, max: u32) -> Result<(), Code> {
        self.uses.with(&consent, |shard| {
            let uses = shard.entry(consent).or_default();
            if uses.spent.saturating_add(uses.held) >= max {
                return Err(Code::C407);
            }
            uses.held += 1;
            Ok(())
        })
    }

    fn give_back(&self, consent: Commitment) {
        self.uses.with(&consent, |shard| shard.entry(consent).or_default().held -= 1);
    }

    /// Notes a withdrawal; effective for every check from here on.
    pub(crate) fn withdraw(&self, consent: Commitment) {
        self.withdrawn.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(consent);
    }

    /// How often the consent was used, by uses that count for good.
    pub(crate) fn spent(&self, consent: &Commitment) -> u32 {
        self.uses.with(consent, |shard| shard.get(consent).map_or(0, |uses| uses.spent))
    }

    /// Whether the person withdrew the consent, or the one it narrows.
    pub(crate) fn is_withdrawn(&self, consents: &Consents) -> bool {
        let withdrawn = self.withdrawn.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        consents.each().any(|consent| withdrawn.contains(&consent))
    }
}

impl Authority for ConsentLedger {
    type Token = Consents;

    fn post(&self, consents: &Consents) {
        for consent in consents.each() {
            self.uses.with(&consent, |shard| {
                let uses = shard.entry(consent).or_default();
                uses.held -= 1;
                uses.spent = uses.spent.saturating_add(1);
            });
        }
    }

    fn void(&self, consents: &Consents) {
        consents.each().for_each(|consent| self.give_back(consent));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn alone(own: u8) -> Consents {
        Consents { own: [own; 16], parent: None }
    }

    fn narrowed(own: u8, parent: u8) -> Consents {
        Consents { own: [own; 16], parent: Some([parent; 16]) }
    }

    #[test]
    fn exactly_max_uses_are_given_to_racing_callers() {
        let ledger = ConsentLedger::new([([1; 16], 2)], []);
        let given = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        if let Ok(hold) = ledger.take(alone(1), 10, 0) {
                            hold.post();
                            given.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert_eq!(given.into_inner(), 8);
        assert_eq!(ledger.take(alone(1), 10, 0).err(), Some(Code::C407));
    }

    /// D5: five narrower consents to three uses each, of a consent to ten, are ten uses.
    #[test]
    fn d5_narrower_consents_share_their_parents_uses() {
        let ledger = ConsentLedger::new([], []);
        let given = [const { AtomicU32::new(0) }; 5];
        std::thread::scope(|scope| {
            let ledger = &ledger;
            for (own, given) in (1..).zip(&given) {
                for _ in 0..2 {
                    scope.spawn(move || {
                        for _ in 0..50 {
                            if let Ok(hold) = ledger.take(narrowed(own, 9), 3, 10) {
                                hold.post();
                                given.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    });
                }
            }
        });
        let given = given.map(AtomicU32::into_inner);
        assert!(given.iter().all(|given| *given <= 3), "{given:?}");
        assert_eq!(given.iter().sum::<u32>(), 10, "{given:?}");
        assert_eq!(ledger.take(alone(9), 10, 0).err(), Some(Code::C407));
    }

    #[test]
    fn d5_a_use_that_the_parent_refuses_is_not_taken() {
        let ledger = ConsentLedger::new([([9; 16], 1)], []);
        assert_eq!(ledger.take(narrowed(1, 9), 1, 1).err(), Some(Code::C407));
        drop(ledger.take(narrowed(1, 8), 1, 1).expect("its own use came back"));
        ledger.withdraw([8; 16]);
        assert_eq!(ledger.take(narrowed(1, 8), 1, 1).err(), Some(Code::C408));
    }

    #[test]
    fn a_dropped_hold_gives_its_use_back_unless_it_was_dispatched() {
        let ledger = ConsentLedger::new([], []);
        drop(ledger.take(narrowed(2, 3), 1, 1).expect("a use is left"));
        let mut hold = ledger.take(narrowed(2, 3), 1, 1).expect("the use came back");
        hold.spend_on_drop();
        drop(hold);
        assert_eq!(ledger.take(alone(2), 1, 0).err(), Some(Code::C407));
        assert_eq!(ledger.take(alone(3), 1, 0).err(), Some(Code::C407));
    }

    #[test]
    fn a_withdrawn_consent_is_refused_before_its_uses_are_counted() {
        let ledger = ConsentLedger::new([], [[3; 16]]);
        assert_eq!(ledger.take(alone(3), 1, 0).err(), Some(Code::C408));
    }
}
