//! Statistics released before: the same canonical query on the same data is noised once, and its answer given
//! again without a further charge (privacy research §1.3, "averaging by repetition").

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use shuzha_core::{Code, NanoCharge, Refusal};

use crate::holds::lock;

/// Names a release: product version, data version, canonical query.
pub type ReleaseKey = [u8; 32];

/// Where releases are kept. Durable: what was put is found after a crash.
pub trait ReleaseStore: Send + Sync + 'static {
    /// The release of `key`.
    ///
    /// # Errors
    /// When the store cannot be read; the message is for the log.
    fn get(&self, key: &ReleaseKey) -> Result<Option<Vec<u8>>, String>;

    /// Keeps `answer` for `key` unless one is kept already; returns the one that is kept, which is on disk then.
    ///
    /// # Errors
    /// When the store cannot be written; the message is for the log.
    fn put(&self, key: &ReleaseKey, answer: &[u8], charge: NanoCharge) -> Result<Vec<u8>, String>;
}

/// The releases of this gateway.
pub(crate) struct Releases {
    store: Arc<dyn ReleaseStore>,
    /// Queries being answered: one entry per call under way at most.
    in_flight: Mutex<HashSet<ReleaseKey>>,
}

/// A query being answered; no longer so when dropped.
pub(crate) struct InFlight<'e> {
    releases: &'e Releases,
    key: ReleaseKey,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        lock(&self.releases.in_flight).remove(&self.key);
    }
}

impl Releases {
    pub(crate) fn new(store: Arc<dyn ReleaseStore>) -> Self {
        Self { store, in_flight: Mutex::default() }
    }

    /// Takes the query of `key` to answer it; none while another call does.
    pub(crate) fn begin(&self, key: ReleaseKey) -> Option<InFlight<'_>> {
        lock(&self.in_flight).insert(key).then(|| InFlight { releases: self, key })
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

    /// Keeps `answer`, off the async threads, and gives back what is to be released.
    pub(crate) async fn put(
        &self,
        key: ReleaseKey,
        answer: Bytes,
        charge: NanoCharge,
    ) -> Result<Bytes, Refusal> {
        let store = Arc::clone(&self.store);
        let kept = tokio::task::spawn_blocking(move || store.put(&key, &answer, charge)).await;
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

    fn put(&self, key: &ReleaseKey, answer: &[u8], charge: NanoCharge) -> Result<Vec<u8>, String> {
        self.release_put(key, answer, charge).map(|kept| kept.answer).map_err(|error| error.to_string())
    }
}
