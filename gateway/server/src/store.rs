//! The data folder: where the store, the journal and the keys of a node are.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use shuzha_core::{Id, OsRng};
use shuzha_store::{MasterKey, Store};

use crate::secret_file;

/// The database, inside the data folder.
pub(crate) const STORE_FILE: &str = "shuzha.db";
/// The key under which secrets are sealed.
pub(crate) const MASTER_KEY_FILE: &str = "keys/master.key";

/// The store of a node and the key of what is sealed in it.
pub(crate) struct DataStore {
    pub(crate) store: Store,
    pub(crate) master: Arc<MasterKey>,
}

/// Opens the store in `data_dir`, which is made if need be.
pub(crate) fn open_store(data_dir: &Path) -> Result<DataStore> {
    secret_file::private_dir(data_dir)?;
    secret_file::private_dir(&data_dir.join("keys"))?;
    let master = MasterKey::load_or_create(&data_dir.join(MASTER_KEY_FILE), &OsRng).context("master key")?;
    let store = Store::open(&data_dir.join(STORE_FILE)).context("the embedded store")?;
    Ok(DataStore { store, master: Arc::new(master) })
}

impl DataStore {
    /// Keeps a credential's secret, sealed.
    pub(crate) fn put_secret(&self, credential: &Id, algorithm: &str, secret: &[u8]) -> Result<()> {
        self.store
            .put_secret(&self.master, &OsRng, credential, algorithm, secret)
            .context("the secret is not kept")
    }

    /// Names and algorithms of the secrets kept.
    pub(crate) fn secret_names(&self) -> Result<Vec<(Id, String)>> {
        let secrets = self.store.secrets(&self.master).context("the sealed secrets")?;
        Ok(secrets.into_iter().map(|kept| (kept.credential, kept.algorithm)).collect())
    }
}
