//! Abnormal use (异常使用), noticed call by call and acted on at once: slowed down, then stopped (REQUIREMENTS E7, I3).
//!
//! The tests are `shuzha_privacy::abuse`'s; here stands who is watched. What is done stands in `watching`: every signal is an act in the
//! journal, a count and a line of the log. A stop is this gate's own and in force before the next call; it ends through the usual
//! way of suspensions: whoever is responsible declares a suspension of the scenario, and later takes it back.
//!
//! Slow and stopped scenarios are in the journal's projection and survive a restart. What the tests have summed up does
//! not: whether an answer was a hit may stand nowhere (law 5). A restart therefore gives a guesser one more test's length.

mod models;

use std::collections::{BTreeMap, HashMap};
use std::hash::RandomState;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};

use shuzha_core::{Id, Timestamp};
use shuzha_privacy::abuse::{Refusals, Signal, Watch};
use shuzha_store::Watched;

use crate::shards::{SHARDS, Shards};
use models::Models;

/// Most scenarios watched at once. Of more, those that called longest ago are forgotten.
const WATCHES_MAX: usize = 65_536;
/// Most units whose refusals are counted at once.
pub(crate) const UNITS_MAX: usize = 65_536;

/// Everyone who is watched.
pub(crate) struct Abuse {
    scenarios: Shards<Id, Watch>,
    pub(crate) units: Shards<Id, Refusals>,
    pub(crate) models: Models,
    /// Scenarios stopped by this gate. Read by every call, written by few: the count spares most calls the lock.
    stops: RwLock<BTreeMap<Id, Timestamp>>,
    stopped: AtomicUsize,
    /// When an alarm was last recorded, and how many of its kind have come since.
    pub(crate) alarmed: Mutex<HashMap<(Signal, Id), (Timestamp, u64)>>,
    /// Keyed afresh in each process: what it hashes cannot be looked up in another.
    pub(crate) hasher: RandomState,
}

impl Abuse {
    /// As the journal left it.
    pub(crate) fn new(watched: impl IntoIterator<Item = (Id, Watched)>) -> Self {
        let abuse = Self {
            scenarios: Shards::new(),
            units: Shards::new(),
            models: Models::default(),
            stops: RwLock::default(),
            stopped: AtomicUsize::new(0),
            alarmed: Mutex::default(),
            hasher: RandomState::new(),
        };
        for (scenario, Watched { slowed, stopped }) in watched {
            if let Some(at) = stopped {
                abuse.stop(&scenario, at);
            }
            if let Some(at) = slowed {
                abuse.with_watch(&scenario, |watch| watch.resume_slow(at));
            }
        }
        abuse
    }

    /// Scenarios stopped by this gate.
    pub(crate) fn stopped(&self) -> usize {
        self.stopped.load(Ordering::Acquire)
    }

    pub(crate) fn with_watch<R>(&self, scenario: &Id, act: impl FnOnce(&mut Watch) -> R) -> R {
        self.scenarios.with(scenario, |shard| {
            if !shard.contains_key(scenario) {
                make_room(shard, WATCHES_MAX / SHARDS, |watch| watch.latest());
            }
            act(shard.entry(scenario.clone()).or_default())
        })
    }

    pub(crate) fn stop(&self, scenario: &Id, at: Timestamp) {
        let mut stops = self.stops.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        stops.insert(scenario.clone(), at);
        self.stopped.store(stops.len(), Ordering::Release);
    }

    pub(crate) fn is_stopped(&self, scenario: &Id) -> bool {
        self.stopped() > 0
            && self.stops.read().unwrap_or_else(std::sync::PoisonError::into_inner).contains_key(scenario)
    }

    /// The scenarios stopped by this gate, and since when.
    pub(crate) fn stops(&self) -> Vec<(Id, Timestamp)> {
        let stops = self.stops.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        stops.iter().map(|(scenario, at)| (scenario.clone(), *at)).collect()
    }

    /// Ends the stop of a scenario.
    pub(crate) fn lift(&self, scenario: &Id) {
        let mut stops = self.stops.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        stops.remove(scenario);
        self.with_watch(scenario, Watch::clear);
        self.models.forget(scenario);
        self.stopped.store(stops.len(), Ordering::Release);
    }
}

/// Forgets the entry that was touched longest ago, where a shard is full.
pub(crate) fn make_room<V>(shard: &mut HashMap<Id, V>, most: usize, latest: impl Fn(&V) -> Timestamp) {
    if shard.len() < most {
        return;
    }
    let oldest = shard.iter().min_by_key(|(_, value)| latest(value)).map(|(name, _)| name.clone());
    if let Some(oldest) = oldest {
        shard.remove(&oldest);
    }
}
