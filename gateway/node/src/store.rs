//! The data folder: where the store, the journal and the keys of a node are.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use shuzha_core::{Code, Id, Lang, OsRng};
use shuzha_files::secret;
use shuzha_store::seal::BROKEN;
use shuzha_store::{MasterKey, SealKey, Sealable as _, Sealed, Store};

use crate::data_folder;
use crate::way_back;

/// The database, inside the data folder.
pub use crate::data_folder::STORE_FILE;
/// The key under which secrets are sealed.
pub const MASTER_KEY_FILE: &str = "keys/master.key";

/// The key of the seal of that database, see [`SealKey`].
pub const STORE_SEAL_FILE: &str = "keys/store-seal.key";

/// The store of a node and the key of what is sealed in it.
pub struct DataStore {
    /// The store.
    pub store: Store,
    pub(crate) master: Arc<MasterKey>,
}

/// Who opens the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// A node that has the journal to itself.
    Serving,
    /// A command, beside a node that may be running. It seals nothing that was not sealed before: a node of the last version
    /// would go on writing without the seal.
    Command,
}

/// Opens the store in `data_dir`, which is made if need be.
pub fn open_store(data_dir: &Path) -> Result<DataStore> {
    open_store_for(data_dir, For::Command)
}

/// The same, and says for whom.
pub fn open_store_for(data_dir: &Path, whom: For) -> Result<DataStore> {
    data_folder::check(data_dir)?;
    secret::private_dir(data_dir)?;
    secret::private_dir(&data_dir.join("keys"))?;
    let master = MasterKey::load_or_create(&data_dir.join(MASTER_KEY_FILE), &OsRng).context("master key")?;
    let store = sealed_store(data_dir, whom).context("the embedded store")?;
    Ok(DataStore { store, master: Arc::new(master) })
}

impl DataStore {
    /// Keeps a credential's secret, sealed.
    pub fn put_secret(&self, credential: &Id, algorithm: &str, secret: &[u8]) -> Result<()> {
        self.store
            .put_secret(&self.master, &OsRng, credential, algorithm, secret)
            .context("the secret is not kept")
    }

    /// Names and algorithms of the secrets kept.
    pub fn secret_names(&self) -> Result<Vec<(Id, String)>> {
        let secrets = self.store.secrets(&self.master).context("the sealed secrets")?;
        Ok(secrets.into_iter().map(|kept| (kept.credential, kept.algorithm)).collect())
    }
}

/// The key of a database's seal, and the turn at it.
pub struct SealFile {
    path: PathBuf,
    key: [u8; secret::KEY_BYTES],
    /// Whether the database was sealed with it before: then it must carry that seal.
    pub known: bool,
    /// Keeps other processes from making the same key.
    turn: File,
}

impl SealFile {
    /// The key called `name` in `data_dir`. A new one lies beside, under another name, until [`SealFile::done`]: whoever is
    /// killed between making the key and sealing goes on where they were.
    pub fn open(data_dir: &Path, name: &str) -> Result<Self> {
        let path = data_dir.join(name);
        let folder = path.parent().context("a key lies in a folder")?;
        secret::private_dir(folder)?;
        let turn = File::open(folder).with_context(|| folder.display().to_string())?;
        turn.lock().with_context(|| folder.display().to_string())?;
        let known = path.exists();
        let key = if known { secret::load(&path)? } else { secret::load_or_create(&beside(&path))? };
        Ok(Self { path, key, known, turn })
    }

    /// The key of the seal.
    pub fn key(&self) -> SealKey {
        SealKey::new(&self.key)
    }

    /// The database is sealed with this key, and must be from now on.
    pub fn done(self) -> Result<()> {
        if self.known {
            return Ok(());
        }
        let shown = || self.path.display().to_string();
        std::fs::rename(beside(&self.path), &self.path).with_context(shown)?;
        self.turn.sync_all().with_context(shown)
    }

    /// What is wrong with `file`, which is opened with this key and carries a seal or not; nothing where it may be sealed.
    pub fn fault(&self, file: &str, sealed: Option<&Sealed>, code: Code) -> Option<String> {
        let (key, title) = (self.path.display(), code.title(Lang::En));
        match sealed {
            None if self.known => Some(format!(
                "{code} {title}: {file} carries no seal, though its key {key} is there: it was replaced or edited"
            )),
            Some(sealed) if !self.known && sealed.differ.iter().any(|table| table == BROKEN) => {
                Some(format!(
                    "{code} {title}: {file} carries a seal, and its key {key} is missing: put it back from the copy"
                ))
            }
            _ => None,
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    path.with_extension("key.new")
}

/// Opens the database with the key of its seal. A database of software that sealed none is sealed as it stands, once.
fn sealed_store(data_dir: &Path, whom: For) -> Result<Store> {
    let file = SealFile::open(data_dir, STORE_SEAL_FILE)?;
    let path = data_dir.join(STORE_FILE);
    if file.known && !path.exists() {
        return Err(way_back::gone(data_dir, STORE_FILE, STORE_SEAL_FILE));
    }
    let unusable = |error| way_back::from(data_dir, STORE_FILE, error);
    if !file.known && whom == For::Command && path.exists() {
        return Store::open(&path).map_err(unusable);
    }
    let store = Store::open_sealed(&path, &file.key()).map_err(unusable)?;
    let sealed = if store.is_sealed()? { Some(store.check_seal(0).map_err(unusable)?) } else { None };
    if let Some(fault) = file.fault(STORE_FILE, sealed.as_ref(), Code::C1741) {
        bail!(fault);
    }
    if !file.known {
        store.seal()?;
    }
    file.done()?;
    Ok(store)
}

/// The database, taken as it stands and sealed anew.
pub fn resealed_store(data_dir: &Path) -> Result<Store> {
    let file = SealFile::open(data_dir, STORE_SEAL_FILE)?;
    let opened = Store::dangerous_open_resealed(&data_dir.join(STORE_FILE), &file.key());
    let store = opened.map_err(|error| way_back::from(data_dir, STORE_FILE, error))?;
    file.done()?;
    Ok(store)
}
