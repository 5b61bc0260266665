//! The authority over consent uses: each consent is used at most as often as the person allowed.

use std::collections::HashSet;
use std::sync::RwLock;

use shuzha_core::Code;
use shuzha_evidence::Commitment;

use super::{Authority, Hold, Shards};

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

    /// Takes one of `max` uses.
    ///
    /// # Errors
    /// C408 when the consent was withdrawn, C407 when spent and held uses together reach `max`.
    pub(crate) fn take(&self, consent: Commitment, max: u32) -> Result<Hold<'_, Self>, Code> {
        if self.is_withdrawn(&consent) {
            return Err(Code::C408);
        }
        self.uses.with(&consent, |shard| {
            let uses = shard.entry(consent).or_default();
            if uses.spent.saturating_add(uses.held) >= max {
                return Err(Code::C407);
            }
            uses.held += 1;
            Ok(())
        })?;
        Ok(Hold::new(self, consent))
    }

    /// Notes a withdrawal; effective for every check from here on.
    pub(crate) fn withdraw(&self, consent: Commitment) {
        self.withdrawn.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(consent);
    }

    /// Whether the person withdrew the consent.
    pub(crate) fn is_withdrawn(&self, consent: &Commitment) -> bool {
        self.withdrawn.read().unwrap_or_else(std::sync::PoisonError::into_inner).contains(consent)
    }
}

impl Authority for ConsentLedger {
    type Token = Commitment;

    fn post(&self, consent: &Commitment) {
        self.uses.with(consent, |shard| {
            let uses = shard.entry(*consent).or_default();
            uses.held -= 1;
            uses.spent = uses.spent.saturating_add(1);
        });
    }

    fn void(&self, consent: &Commitment) {
        self.uses.with(consent, |shard| shard.entry(*consent).or_default().held -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_max_uses_are_given_to_racing_callers() {
        let ledger = ConsentLedger::new([([1; 16], 2)], []);
        let given = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        if let Ok(hold) = ledger.take([1; 16], 10) {
                            hold.post();
                            given.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert_eq!(given.into_inner(), 8);
        assert_eq!(ledger.take([1; 16], 10).err(), Some(Code::C407));
    }

    #[test]
    fn a_dropped_hold_gives_its_use_back_unless_it_was_dispatched() {
        let ledger = ConsentLedger::new([], []);
        drop(ledger.take([2; 16], 1).expect("a use is left"));
        let mut hold = ledger.take([2; 16], 1).expect("the use came back");
        hold.spend_on_drop();
        drop(hold);
        assert_eq!(ledger.take([2; 16], 1).err(), Some(Code::C407));
    }

    #[test]
    fn a_withdrawn_consent_is_refused_before_its_uses_are_counted() {
        let ledger = ConsentLedger::new([], [[3; 16]]);
        assert_eq!(ledger.take([3; 16], 1).err(), Some(Code::C408));
    }
}
