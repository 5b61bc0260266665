//! Statistics released before: the same canonical query on the same data is noised once, and its answer given
//! again without a further charge (privacy research §1.3, "averaging by repetition").

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use shuzha_core::{Code, NanoCharge, Refusal, Timestamp};
use shuzha_evidence::Commitment;
use shuzha_store::{AskedRelease, Dating};

use crate::shards::lock;

/// Names a release: product version, data version, canonical query without its post-processing.
pub type ReleaseKey = [u8; 32];

/// Names what only one release at a time is made of: a family of tables.
pub(crate) type FamilyKey = [u8; 32];

/// Where releases are kept. Durable: what was put is found after a crash.
pub trait ReleaseStore: Send + Sync + 'static {
    /// The release of `key`.
    ///
    /// # Errors
    /// When the store cannot be read; the message is for the log.
    fn get(&self, key: &ReleaseKey) -> Result<Option<Vec<u8>>, String>;

    /// Keeps `release` for `key` unless one is kept already; returns the answer that is kept, which is on disk then.
    ///
    /// # Errors
    /// When the store cannot be written; the message is for the log.
    fn put(&self, key: &ReleaseKey, release: &NewRelease) -> Result<Vec<u8>, String>;

    /// Up to `most` releases in the order of their keys that come after `last`, from the first where there is none.
    ///
    /// # Errors
    /// When the store cannot be read; the message is for the log.
    fn after(&self, last: Option<&ReleaseKey>, most: usize) -> Result<Vec<KeptRelease>, String>;
}

/// A release that is kept, without its answer.
pub type KeptRelease = AskedRelease;

/// A release that is to be kept.
#[derive(Clone, Debug)]
pub struct NewRelease {
    /// The noised answer, before any post-processing.
    pub answer: Bytes,
    /// What it was charged.
    pub charge: NanoCharge,
    /// Who asked: a keyed tag of the unit.
    pub asked_by: Commitment,
    /// Of a table: its family, and when it is released.
    pub dated: Option<Dating>,
}

/// Keys that are read at a time where all are looked through: calls are served in between.
const KEYS_AT_ONCE: usize = 1_000;

/// The releases of this gateway.
///
/// Whether there is one is known in memory: stage 6 waits for no disk. Each took budget of a lifetime's cap, so there is an end to
/// their number. The bytes are read where a call may wait.
pub(crate) struct Releases {
    store: Arc<dyn ReleaseStore>,
    /// What is kept. Changed by whoever has a query's place in `in_flight`, before that is given back.
    known: Arc<Mutex<Known>>,
    /// Queries being answered, and families of tables being released: two entries per call under way at most.
    in_flight: Arc<Mutex<HashSet<ReleaseKey>>>,
}

/// What is kept, without the answers.
#[derive(Default)]
struct Known {
    /// Whether the store could not be read: what is missing here may be there.
    unread: bool,
    asked_by: BTreeMap<ReleaseKey, Option<Commitment>>,
    /// When a table of the family was released last. As many as there are tables.
    latest: BTreeMap<FamilyKey, Timestamp>,
}

impl Known {
    fn add(&mut self, release: &KeptRelease) {
        self.asked_by.entry(release.query).or_insert(release.asked_by);
        if let Some((family, at)) = release.dated {
            let latest = self.latest.entry(family).or_insert(at);
            *latest = (*latest).max(at);
        }
    }
}

/// A query being answered, or its answer being kept; no longer so when dropped.
pub(crate) struct InFlight {
    in_flight: Arc<Mutex<HashSet<ReleaseKey>>>,
    key: ReleaseKey,
    family: Option<FamilyKey>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut in_flight = lock(&self.in_flight);
        for key in self.family.iter().chain([&self.key]) {
            in_flight.remove(key);
        }
    }
}

impl Releases {
    pub(crate) fn new(store: Arc<dyn ReleaseStore>) -> Self {
        let known = known(&*store).unwrap_or_else(|why| {
            tracing::error!(why, "the release store cannot be read: queries that were answered pay again");
            Known { unread: true, ..Known::default() }
        });
        Self { store, known: Arc::new(Mutex::new(known)), in_flight: Arc::default() }
    }

    /// Takes the query of `key` to answer it, and the `family` of tables that it releases; none while another call does.
    pub(crate) fn begin(&self, key: ReleaseKey, family: Option<FamilyKey>) -> Option<InFlight> {
        let mut under_way = lock(&self.in_flight);
        if family.iter().chain([&key]).any(|key| under_way.contains(key)) {
            return None;
        }
        under_way.extend(family.into_iter().chain([key]));
        drop(under_way);
        Some(InFlight { in_flight: Arc::clone(&self.in_flight), key, family })
    }

    /// When a table of the family was released last, if one was.
    ///
    /// # Errors
    /// C090 where the store could not be read: whether one was is then not known.
    pub(crate) fn latest_of(&self, family: &FamilyKey) -> Result<Option<Timestamp>, Refusal> {
        let known = lock(&self.known);
        if known.unread { Err(Code::C090.into()) } else { Ok(known.latest.get(family).copied()) }
    }

    /// Whether a release of a key that is `wanted` is kept; none while one is being answered or kept. Looks through all keys.
    pub(crate) fn any(&self, wanted: impl Fn(&ReleaseKey) -> bool) -> Option<bool> {
        if lock(&self.in_flight).iter().any(&wanted) {
            return None;
        }
        let mut last = Bound::Unbounded;
        loop {
            let keys: Vec<ReleaseKey> = {
                let known = lock(&self.known);
                known
                    .asked_by
                    .range((last, Bound::Unbounded))
                    .take(KEYS_AT_ONCE)
                    .map(|(key, _)| *key)
                    .collect()
            };
            if keys.iter().any(&wanted) {
                return Some(true);
            }
            match keys.last() {
                Some(key) if keys.len() == KEYS_AT_ONCE => last = Bound::Excluded(*key),
                _ => return Some(false),
            }
        }
    }

    /// Whether a release of `key` is kept.
    pub(crate) fn has(&self, key: &ReleaseKey) -> bool {
        lock(&self.known).asked_by.contains_key(key)
    }

    /// Whether `unit` was the first to ask for the release of `key`.
    pub(crate) fn was_asked_by(&self, key: &ReleaseKey, unit: &Commitment) -> bool {
        lock(&self.known).asked_by.get(key) == Some(&Some(*unit))
    }

    /// Forgets that a release of `key` was kept: the next to ask for it pays again, never less.
    pub(crate) fn lost(&self, key: &ReleaseKey) {
        tracing::error!("a release that was kept is gone from its store");
        lock(&self.known).asked_by.remove(key);
    }

    /// The release of `key`, read off the async threads; none where it is not there any more.
    ///
    /// # Errors
    /// C090 where the store cannot be read.
    pub(crate) async fn read(&self, key: ReleaseKey) -> Result<Option<Bytes>, Refusal> {
        let store = Arc::clone(&self.store);
        match tokio::task::spawn_blocking(move || store.get(&key)).await {
            Ok(Ok(found)) => Ok(found.map(Bytes::from)),
            Ok(Err(why)) => {
                tracing::error!(why, "the release store cannot be read");
                Err(Code::C090.into())
            }
            Err(_) => Err(Code::C093.into()),
        }
    }

    /// Keeps `release`, off the async threads, and gives back what is to be released. It is kept even if nobody waits for it any
    /// more, and the query has its `place` until then.
    pub(crate) async fn put(
        &self,
        key: ReleaseKey,
        release: NewRelease,
        place: Option<InFlight>,
    ) -> Result<Bytes, Refusal> {
        let (store, known) = (Arc::clone(&self.store), Arc::clone(&self.known));
        let kept = tokio::task::spawn_blocking(move || {
            let kept = store.put(&key, &release);
            if kept.is_ok() {
                let NewRelease { asked_by, dated, .. } = release;
                lock(&known).add(&KeptRelease { query: key, asked_by: Some(asked_by), dated });
            }
            drop(place);
            kept
        });
        let kept = kept.await;
        match kept {
            Ok(Ok(bytes)) => Ok(bytes.into()),
            Ok(Err(why)) => {
                tracing::error!(why, "the release store cannot be written");
                Err(Code::C090.into())
            }
            Err(_) => Err(Code::C093.into()),
        }
    }
}

/// Every release that is kept.
fn known(store: &dyn ReleaseStore) -> Result<Known, String> {
    let mut known = Known::default();
    loop {
        let last = known.asked_by.last_key_value().map(|(key, _)| *key);
        let more = store.after(last.as_ref(), KEYS_AT_ONCE)?;
        let whole = more.len() < KEYS_AT_ONCE;
        more.iter().for_each(|release| known.add(release));
        if whole {
            return Ok(known);
        }
    }
}

impl ReleaseStore for shuzha_store::Store {
    fn get(&self, key: &ReleaseKey) -> Result<Option<Vec<u8>>, String> {
        let found = self.release_get(key).map_err(|error| error.to_string())?;
        Ok(found.map(|release| release.answer))
    }

    fn put(&self, key: &ReleaseKey, release: &NewRelease) -> Result<Vec<u8>, String> {
        let NewRelease { answer, charge, asked_by, dated } = release;
        let kept =
            self.release_put(key, answer, *charge, asked_by, *dated).map_err(|error| error.to_string())?;
        Ok(kept.answer)
    }

    fn after(&self, last: Option<&ReleaseKey>, most: usize) -> Result<Vec<KeptRelease>, String> {
        self.releases_after(last, most).map_err(|error| error.to_string())
    }
}
