//! Statistics released before: the same canonical query on the same data is noised once, and its answer given
//! again without a further charge (privacy research §1.3, "averaging by repetition").

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use shuzha_core::{Code, NanoCharge, Refusal};
use shuzha_evidence::Commitment;

use crate::holds::lock;

/// Names a release: product version, data version, canonical query without its post-processing.
pub type ReleaseKey = [u8; 32];

/// Where releases are kept. Durable: what was put is found after a crash.
pub trait ReleaseStore: Send + Sync + 'static {
    /// The release of `key`.
    ///
    /// # Errors
    /// When the store cannot be read; the message is for the log.
    fn get(&self, key: &ReleaseKey) -> Result<Option<Vec<u8>>, String>;

    /// Who was the first to ask for the release of `key`, where there is one and it is known.
    ///
    /// # Errors
    /// When the store cannot be read; the message is for the log.
    fn asked_by(&self, key: &ReleaseKey) -> Result<Option<Commitment>, String>;

    /// Keeps `release` for `key` unless one is kept already; returns the answer that is kept, which is on disk then.
    ///
    /// # Errors
    /// When the store cannot be written; the message is for the log.
    fn put(&self, key: &ReleaseKey, release: &NewRelease) -> Result<Vec<u8>, String>;

    /// Up to `most` keys of releases, in order, that come after `last`; from the first where there is none.
    ///
    /// # Errors
    /// When the store cannot be read; the message is for the log.
    fn after(&self, last: Option<&ReleaseKey>, most: usize) -> Result<Vec<ReleaseKey>, String>;
}

/// A release that is to be kept.
#[derive(Clone, Debug)]
pub struct NewRelease {
    /// The noised answer, before any post-processing.
    pub answer: Bytes,
    /// What it was charged.
    pub charge: NanoCharge,
    /// Who asked: a keyed tag of the unit.
    pub asked_by: Commitment,
}

/// Keys that are read at a time where all are looked through: calls are served in between.
const KEYS_AT_ONCE: usize = 1_000;

/// The releases of this gateway.
pub(crate) struct Releases {
    store: Arc<dyn ReleaseStore>,
    /// Queries being answered: one entry per call under way at most.
    in_flight: Arc<Mutex<HashSet<ReleaseKey>>>,
}

/// A query being answered, or its answer being kept; no longer so when dropped.
pub(crate) struct InFlight {
    in_flight: Arc<Mutex<HashSet<ReleaseKey>>>,
    key: ReleaseKey,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        lock(&self.in_flight).remove(&self.key);
    }
}

impl Releases {
    pub(crate) fn new(store: Arc<dyn ReleaseStore>) -> Self {
        Self { store, in_flight: Arc::default() }
    }

    /// Takes the query of `key` to answer it; none while another call does.
    pub(crate) fn begin(&self, key: ReleaseKey) -> Option<InFlight> {
        let in_flight = Arc::clone(&self.in_flight);
        lock(&self.in_flight).insert(key).then(|| InFlight { in_flight, key })
    }

    /// Whether a release of a key that is `wanted` is kept; none while one is being answered or kept. Looks through all keys.
    ///
    /// # Errors
    /// C090 when the store cannot be read.
    pub(crate) fn any(&self, wanted: impl Fn(&ReleaseKey) -> bool) -> Result<Option<bool>, Refusal> {
        if lock(&self.in_flight).iter().any(&wanted) {
            return Ok(None);
        }
        let mut last = None;
        loop {
            let keys = self.store.after(last.as_ref(), KEYS_AT_ONCE).map_err(|why| {
                tracing::error!(why, "the release store cannot be read");
                Refusal::from(Code::C090)
            })?;
            if keys.iter().any(&wanted) {
                return Ok(Some(true));
            }
            match keys.last() {
                Some(key) if keys.len() == KEYS_AT_ONCE => last = Some(*key),
                _ => return Ok(Some(false)),
            }
        }
    }

    /// The release of `key`. A store that cannot be read has none: the query then pays again, never less.
    pub(crate) fn get(&self, key: &ReleaseKey) -> Option<Bytes> {
        match self.store.get(key) {
            Ok(found) => found.map(Bytes::from),
            Err(why) => {
                tracing::error!(why, "the release store cannot be read");
                None
            }
        }
    }

    /// Whether `unit` was the first to ask for the release of `key`.
    pub(crate) fn was_asked_by(&self, key: &ReleaseKey, unit: &Commitment) -> bool {
        self.store.asked_by(key).unwrap_or_else(|why| {
            tracing::error!(why, "the release store cannot be read");
            None
        }) == Some(*unit)
    }

    /// Keeps `release`, off the async threads, and gives back what is to be released. It is kept even if nobody waits for it any
    /// more, and the query has its `place` until then.
    pub(crate) async fn put(
        &self,
        key: ReleaseKey,
        release: NewRelease,
        place: Option<InFlight>,
    ) -> Result<Bytes, Refusal> {
        let store = Arc::clone(&self.store);
        let kept = tokio::task::spawn_blocking(move || {
            let kept = store.put(&key, &release);
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

impl ReleaseStore for shuzha_store::Store {
    fn get(&self, key: &ReleaseKey) -> Result<Option<Vec<u8>>, String> {
        let found = self.release_get(key).map_err(|error| error.to_string())?;
        Ok(found.map(|release| release.answer))
    }

    fn asked_by(&self, key: &ReleaseKey) -> Result<Option<Commitment>, String> {
        self.release_asked_by(key).map_err(|error| error.to_string())
    }

    fn put(&self, key: &ReleaseKey, release: &NewRelease) -> Result<Vec<u8>, String> {
        let NewRelease { answer, charge, asked_by } = release;
        let kept = self.release_put(key, answer, *charge, asked_by).map_err(|error| error.to_string())?;
        Ok(kept.answer)
    }

    fn after(&self, last: Option<&ReleaseKey>, most: usize) -> Result<Vec<ReleaseKey>, String> {
        self.releases_after(last, most).map_err(|error| error.to_string())
    }
}
