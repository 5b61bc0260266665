//! The databases beside the register: the books, what persons allowed, what was decided about half-years. Each carries a seal
//! with a key of its own, is compared with it before anything is served, and is whole in its file after a clean end.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use shuzha_core::{Code, Lang};
use shuzha_store::retention::Decisions;
use shuzha_store::{Books, ConsentStore, Sealable, StoreError};

use super::integrity::ROWS_AT_ONCE;
use crate::data_folder::{BOOKS_FILE, CONSENTS_FILE, DECISIONS_FILE};
use crate::store::SealFile;
use crate::way_back;

/// A database beside the register, inside the data folder, and the key of its seal.
pub struct SealedFile {
    /// The database, in the data folder.
    pub file: &'static str,
    /// The key that seals it, in the data folder.
    pub key: &'static str,
}

const BOOKS: SealedFile = SealedFile { file: BOOKS_FILE, key: "keys/finance-seal.key" };
const CONSENTS: SealedFile = SealedFile { file: CONSENTS_FILE, key: "keys/consents-seal.key" };
const DECISIONS: SealedFile = SealedFile { file: DECISIONS_FILE, key: "keys/retention-seal.key" };
/// All of them.
pub const SEALED: [&SealedFile; 3] = [&BOOKS, &CONSENTS, &DECISIONS];

/// A comparison that is too long for a start.
pub type Rest = Box<dyn FnOnce() -> Result<()> + Send>;

/// The databases, open and compared.
pub struct Beside {
    pub(crate) books: Books,
    pub(crate) consents: ConsentStore,
    pub(crate) decisions: Decisions,
    /// Comparisons of large tables, for a thread of their own.
    pub left: Vec<Rest>,
}

impl Beside {
    /// Opens and compares them; those of software that sealed none are sealed as they stand, once.
    ///
    /// # Errors
    /// What differs, by file and table (C1743); of the files.
    pub fn open(data_dir: &Path) -> Result<Self> {
        let mut left = Vec::new();
        Ok(Self {
            books: opened(data_dir, &BOOKS, &mut left)?,
            consents: opened(data_dir, &CONSENTS, &mut left)?,
            decisions: opened(data_dir, &DECISIONS, &mut left)?,
            left,
        })
    }

    /// Brings everything into the files themselves.
    pub fn checkpoint(&self) {
        let done = [self.books.checkpoint(), self.consents.checkpoint(), self.decisions.checkpoint()];
        for (file, done) in SEALED.iter().zip(done) {
            told(file.file, done);
        }
    }
}

/// Says where a write-ahead log could not be brought into its file: nothing is lost by it.
pub fn told(file: &str, done: Result<(), StoreError>) {
    if let Err(error) = done {
        tracing::warn!(file, %error, "the write-ahead log stays beside its database");
    }
}

/// Takes them over as they stand and seals them anew: for whoever adopts a register that was restored from a copy.
///
/// # Errors
/// Of the files.
pub fn adopt(data_dir: &Path) -> Result<()> {
    adopted::<Books>(data_dir, &BOOKS)?;
    adopted::<ConsentStore>(data_dir, &CONSENTS)?;
    adopted::<Decisions>(data_dir, &DECISIONS)
}

fn adopted<T: Sealable>(data_dir: &Path, of: &SealedFile) -> Result<()> {
    let file = SealFile::open(data_dir, of.key)?;
    T::dangerous_open_resealed(&data_dir.join(of.file), &file.key()).context(of.file)?;
    file.done()
}

fn opened<T: Sealable + Clone>(data_dir: &Path, of: &SealedFile, left: &mut Vec<Rest>) -> Result<T> {
    let file = SealFile::open(data_dir, of.key)?;
    let path = data_dir.join(of.file);
    if file.known && !path.exists() {
        bail!(edited(&format!("{} is gone, though its key {} is there", of.file, of.key)));
    }
    let store = match T::open_sealed(&path, &file.key()) {
        Ok(store) => store,
        Err(StoreError::Edited(tables)) => bail!(edited(&format!("{}: tables: {tables}", of.file))),
        Err(error) => return Err(way_back::from(data_dir, of.file, error)),
    };
    let checked = || store.check_seal(ROWS_AT_ONCE).map_err(|error| way_back::from(data_dir, of.file, error));
    let sealed = if store.is_sealed()? { Some(checked()?) } else { None };
    if let Some(fault) = file.fault(of.file, sealed.as_ref(), Code::C1743) {
        bail!(fault);
    }
    let found = sealed.unwrap_or_default();
    if !found.differ.is_empty() {
        bail!(edited(&format!("{}: tables: {}", of.file, found.differ.join(", "))));
    }
    if !file.known {
        store.seal().context(of.file)?;
    }
    file.done()?;
    if !found.left.is_empty() {
        let (store, name) = (store.clone(), of.file);
        left.push(Box::new(move || {
            let found = store.check_seal(u64::MAX).context(name)?;
            if found.differ.is_empty() {
                return Ok(());
            }
            bail!(edited(&format!("{name}: tables: {}", found.differ.join(", "))))
        }));
    }
    Ok(store)
}

fn edited(what: &str) -> String {
    let code = Code::C1743;
    format!(
        "{code} {} {}: {what}: restore a backup by `shuzha restore`, or take it over as it stands by `shuzha register adopt --reason …`",
        code.title(Lang::Zh),
        code.title(Lang::En)
    )
}
