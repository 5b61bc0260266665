//! The authority over consent uses: each consent is used at most as often as the person allowed.

use std::collections::{BTreeSet, HashMap};
use std::sync::RwLock;
use std::time::Duration;

use shuzha_core::{Code, Timestamp};
use shuzha_evidence::Commitment;
use shuzha_store::CONSENT_KEPT;

use super::{Authority, Hold};
use crate::shards::Shards;

/// For how long uses are remembered after a consent's end: more than clocks may be apart.
const SKEW: Duration = Duration::from_hours(24);

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
    /// From then on it is refused by its own end, whatever was used of it.
    until: Timestamp,
}

/// A consent's own bound of uses, that of the one it narrows, and when the first ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Uses of the consent.
    pub(crate) max: u32,
    /// Uses of its parent; nothing without one.
    pub(crate) parent_max: u32,
    /// When the consent ends.
    pub(crate) expires: Timestamp,
}

/// Uses taken per consent, and the consents withdrawn. Consents are known by commitment only.
pub(crate) struct ConsentLedger {
    uses: Shards<Commitment, Uses>,
    withdrawn: RwLock<Withdrawn>,
}

/// Consents that were withdrawn, until the last of their kind must have ended.
#[derive(Default)]
struct Withdrawn {
    until: HashMap<Commitment, Timestamp>,
    by_end: BTreeSet<(Timestamp, Commitment)>,
}

impl Withdrawn {
    fn note(&mut self, consent: Commitment, at: Timestamp) {
        let until = at.plus(CONSENT_KEPT);
        if let Some(before) = self.until.insert(consent, until) {
            self.by_end.remove(&(before, consent));
        }
        self.by_end.insert((until, consent));
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some(&(until, consent)) = self.by_end.first().filter(|(until, _)| *until < now) {
            self.by_end.remove(&(until, consent));
            self.until.remove(&consent);
        }
    }
}

impl ConsentLedger {
    /// The ledger as the journal left it: uses with when the last was, and withdrawals with when they were.
    pub(crate) fn new(
        spent: impl IntoIterator<Item = (Commitment, u32, Timestamp)>,
        withdrawn: impl IntoIterator<Item = (Commitment, Timestamp)>,
    ) -> Self {
        let uses = Shards::new();
        for (consent, spent, used) in spent.into_iter().filter(|(_, spent, _)| *spent > 0) {
            let until = used.plus(CONSENT_KEPT);
            uses.with(&consent, |shard| shard.insert(consent, Uses { spent, held: 0, until }));
        }
        let mut known = Withdrawn::default();
        withdrawn.into_iter().for_each(|(consent, at)| known.note(consent, at));
        Self { uses, withdrawn: RwLock::new(known) }
    }

    /// Takes one use within `bounds` at `now`, and one of the parent's where there is one; both or neither.
    ///
    /// # Errors
    /// C408 when either was withdrawn, C407 when spent and held uses together reach the maximum of either.
    pub(crate) fn take(
        &self,
        consents: Consents,
        bounds: Bounds,
        now: Timestamp,
    ) -> Result<Hold<'_, Self>, Code> {
        if self.is_withdrawn(&consents) {
            return Err(Code::C408);
        }
        self.hold(consents.own, bounds.max, bounds.expires.plus(SKEW))?;
        if let Some(parent) = consents.parent {
            // Its end is not at hand: a consent lives no longer than that from any use of it.
            self.hold(parent, bounds.parent_max, now.plus(CONSENT_KEPT))
                .inspect_err(|_| self.give_back(consents.own))?;
        }
        Ok(Hold::new(self, consents))
    }

    fn hold(&self, consent: Commitment, max: u32, until: Timestamp) -> Result<(), Code> {
        self.uses.with(&consent, |shard| {
            let mut uses = shard.get(&consent).copied().unwrap_or_default();
            if uses.spent.saturating_add(uses.held) >= max {
                return Err(Code::C407);
            }
            uses.held += 1;
            uses.until = uses.until.max(until);
            shard.insert(consent, uses);
            Ok(())
        })
    }

    /// A call that took nothing for good leaves nothing behind.
    fn give_back(&self, consent: Commitment) {
        self.uses.with(&consent, |shard| {
            let Some(uses) = shard.get_mut(&consent) else { return };
            uses.held -= 1;
            if uses.spent == 0 && uses.held == 0 {
                shard.remove(&consent);
            }
        });
    }

    /// Forgets what was used and withdrawn of consents that have ended: of uses, of a part of all at each call.
    pub(crate) fn keep_up(&self, now: Timestamp) {
        self.withdrawn.write().unwrap_or_else(std::sync::PoisonError::into_inner).forget(now);
        self.uses.next_shard(|shard| {
            shard.retain(|_, uses| uses.held > 0 || uses.until > now);
            if shard.capacity() / 4 > shard.len() {
                shard.shrink_to_fit();
            }
        });
    }

    /// Consents of which uses are remembered.
    #[cfg(test)]
    pub(crate) fn remembered(&self) -> usize {
        self.uses.count()
    }

    /// Notes a withdrawal at `now`; effective for every check from here on.
    pub(crate) fn withdraw(&self, consent: Commitment, now: Timestamp) {
        self.withdrawn.write().unwrap_or_else(std::sync::PoisonError::into_inner).note(consent, now);
    }

    /// How often the consent was used, by uses that count for good.
    pub(crate) fn spent(&self, consent: &Commitment) -> u32 {
        self.uses.with(consent, |shard| shard.get(consent).map_or(0, |uses| uses.spent))
    }

    /// Whether the person withdrew the consent, or the one it narrows.
    pub(crate) fn is_withdrawn(&self, consents: &Consents) -> bool {
        let withdrawn = self.withdrawn.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        consents.each().any(|consent| withdrawn.until.contains_key(&consent))
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

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    /// Bounds of a consent that ends in an hour.
    fn of(max: u32, parent_max: u32) -> Bounds {
        Bounds { max, parent_max, expires: NOW.plus(Duration::from_hours(1)) }
    }

    fn round(ledger: &ConsentLedger, now: Timestamp) -> usize {
        (0..crate::shards::SHARDS).for_each(|_| ledger.keep_up(now));
        ledger.remembered()
    }

    /// Logic H7: 74 bytes for each consent ever used, or tried.
    #[test]
    fn uses_are_forgotten_once_a_consent_has_ended_and_tries_leave_nothing() {
        let ledger = ConsentLedger::new([([7; 16], 1, NOW), ([8; 16], 0, NOW)], []);
        drop(ledger.take(narrowed(1, 9), of(1, 1), NOW).expect("a use is left"));
        assert_eq!(ledger.take(alone(2), of(0, 0), NOW).err(), Some(Code::C407));
        assert_eq!(ledger.remembered(), 1, "what was used before; not what was tried");
        ledger.take(narrowed(1, 9), of(1, 2), NOW).expect("a use is left").post();
        let held = ledger.take(alone(3), of(1, 0), NOW).expect("a use is left");
        assert_eq!(round(&ledger, NOW.plus(Duration::from_hours(25)).minus(Duration::from_secs(1))), 4);
        let day_after = NOW.plus(Duration::from_hours(26));
        assert_eq!(round(&ledger, day_after), 3, "its own end is known; a call under way keeps the other");
        assert_eq!(ledger.take(narrowed(4, 9), of(1, 1), NOW).err(), Some(Code::C407), "the parent lives on");
        held.post();
        assert_eq!(round(&ledger, day_after.plus(CONSENT_KEPT)), 0);
    }

    fn alone(own: u8) -> Consents {
        Consents { own: [own; 16], parent: None }
    }

    fn narrowed(own: u8, parent: u8) -> Consents {
        Consents { own: [own; 16], parent: Some([parent; 16]) }
    }

    #[test]
    fn exactly_max_uses_are_given_to_racing_callers() {
        let ledger = ConsentLedger::new([([1; 16], 2, NOW)], []);
        let given = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        if let Ok(hold) = ledger.take(alone(1), of(10, 0), NOW) {
                            hold.post();
                            given.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert_eq!(given.into_inner(), 8);
        assert_eq!(ledger.take(alone(1), of(10, 0), NOW).err(), Some(Code::C407));
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
                            if let Ok(hold) = ledger.take(narrowed(own, 9), of(3, 10), NOW) {
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
        assert_eq!(ledger.take(alone(9), of(10, 0), NOW).err(), Some(Code::C407));
    }

    #[test]
    fn d5_a_use_that_the_parent_refuses_is_not_taken() {
        let ledger = ConsentLedger::new([([9; 16], 1, NOW)], []);
        assert_eq!(ledger.take(narrowed(1, 9), of(1, 1), NOW).err(), Some(Code::C407));
        drop(ledger.take(narrowed(1, 8), of(1, 1), NOW).expect("its own use came back"));
        ledger.withdraw([8; 16], NOW);
        assert_eq!(ledger.take(narrowed(1, 8), of(1, 1), NOW).err(), Some(Code::C408));
    }

    #[test]
    fn a_dropped_hold_gives_its_use_back_unless_it_was_dispatched() {
        let ledger = ConsentLedger::new([], []);
        drop(ledger.take(narrowed(2, 3), of(1, 1), NOW).expect("a use is left"));
        let mut hold = ledger.take(narrowed(2, 3), of(1, 1), NOW).expect("the use came back");
        hold.spend_on_drop();
        drop(hold);
        assert_eq!(ledger.take(alone(2), of(1, 0), NOW).err(), Some(Code::C407));
        assert_eq!(ledger.take(alone(3), of(1, 0), NOW).err(), Some(Code::C407));
    }

    #[test]
    fn a_withdrawn_consent_is_refused_before_its_uses_are_counted() {
        let ledger = ConsentLedger::new([], [([3; 16], NOW)]);
        assert_eq!(ledger.take(alone(3), of(1, 0), NOW).err(), Some(Code::C408));
        ledger.withdraw([4; 16], NOW);
        // Before, it was remembered for ever. No consent that was there then lives longer.
        ledger.keep_up(NOW.plus(CONSENT_KEPT));
        assert!(ledger.is_withdrawn(&alone(3)) && ledger.is_withdrawn(&narrowed(5, 4)));
        ledger.keep_up(NOW.plus(CONSENT_KEPT).plus(Duration::from_secs(1)));
        assert!(!ledger.is_withdrawn(&alone(3)) && !ledger.is_withdrawn(&alone(4)));
    }
}
