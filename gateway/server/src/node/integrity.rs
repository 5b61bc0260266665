//! What is compared before a node serves: the register and the projection with their seals, and the register with the
//! journal. Nothing that another program wrote is put in force.
//!
//! The cost is bounded: tables of up to [`ROWS_AT_ONCE`] rows are compared before anything is served, larger ones by a thread
//! of its own right afterwards, and the node stops when that finds a difference. What `register verify` does besides, the
//! walk over every act and version, is done here only to name what differs.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result, bail};
use shuzha_core::{Code, Lang};
use shuzha_proxy::Handle;
use shuzha_store::{Register, RegisterHead, Sealed, Store, StoreError};

use super::beside::Rest;
use crate::control::REGISTER_FILE;
use crate::store::SealFile;

/// Rows up to which a table is compared with its seal before anything is served: about a second's work for all of them.
pub(super) const ROWS_AT_ONCE: u64 = 200_000;
/// Most findings that one line names.
const NAMED_MAX: usize = 5;
/// The key of the register's seal.
pub(crate) const REGISTER_SEAL_FILE: &str = "keys/register-seal.key";

/// A register that was compared, and what is left to compare.
pub(crate) struct Compared {
    pub(crate) register: Register,
    pub(crate) left: bool,
}

/// Opens the register in `data_dir` and compares it with its seal and with `head`, how far the journal has it.
///
/// # Errors
/// Of the register, as [`Unopened::Away`]; what differs, by name, as [`Unopened::Edited`].
pub(crate) fn register(data_dir: &Path, head: Option<RegisterHead>) -> Result<Compared, Unopened> {
    let file = SealFile::open(data_dir, REGISTER_SEAL_FILE).map_err(Unopened::Edited)?;
    let register = match Register::open_sealed(&data_dir.join(REGISTER_FILE), &file.key()) {
        Ok(register) => register,
        Err(error @ StoreError::Edited(_)) => return Err(Unopened::Edited(edited(&error.to_string()))),
        Err(error) => return Err(Unopened::Away(anyhow::Error::from(error).context("the register"))),
    };
    let left = compare(&register, &file, head).map_err(Unopened::Edited)?;
    if !file.known {
        register.seal().context("the register").map_err(Unopened::Edited)?;
    }
    file.done().map_err(Unopened::Edited)?;
    Ok(Compared { register, left })
}

/// Why there is no register to start from.
#[derive(Debug)]
pub(crate) enum Unopened {
    /// It cannot be read: what was last in force is served, with nobody to change it.
    Away(anyhow::Error),
    /// It is not what acts made it: nothing is served by it.
    Edited(anyhow::Error),
}

/// Compares; says whether large tables are left.
fn compare(register: &Register, file: &SealFile, head: Option<RegisterHead>) -> Result<bool> {
    let sealed = if register.is_sealed()? { Some(register.check_seal(ROWS_AT_ONCE)?) } else { None };
    if let Some(fault) = file.fault(REGISTER_FILE, sealed.as_ref(), Code::C1740) {
        bail!(fault);
    }
    let found = sealed.unwrap_or_default();
    if !found.differ.is_empty() {
        return Err(named(register, &found));
    }
    at_head(register, head)?;
    Ok(!found.left.is_empty())
}

/// The register has the last act that the journal has, and none that says it is in the journal beyond.
fn at_head(register: &Register, head: Option<RegisterHead>) -> Result<()> {
    if let Some(head) = head {
        let here = register.act(head.revision)?.and_then(|act| act.digest);
        let revision = register.revision()?;
        if here.is_none() && revision < head.revision {
            return Err(edited(&format!(
                "the journal has act {} of the register, and {REGISTER_FILE} ends at act {revision}: it is an older copy, or \
                 another register",
                head.revision
            )));
        }
        if here != Some(head.digest) {
            return Err(edited(&format!("act {} is another than the journal says", head.revision)));
        }
    }
    if let Some((revision, seq)) = register.journalled_after(head.map_or(0, |head| head.revision))? {
        return Err(edited(&format!(
            "act {revision} says that it is record {seq} of the journal, and the journal has no such act"
        )));
    }
    Ok(())
}

/// What differs, by name where the acts bind it and by table where only the seal does.
fn named(register: &Register, found: &Sealed) -> anyhow::Error {
    let walked = register.walk::<StoreError>(None);
    let mut names: Vec<String> = match walked {
        Ok(walked) => walked.findings.iter().map(ToString::to_string).collect(),
        Err(error) => vec![error.to_string()],
    };
    let more = names.len().saturating_sub(NAMED_MAX);
    names.truncate(NAMED_MAX);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.push(format!("tables: {}", found.differ.join(", ")));
    edited(&names.join("; "))
}

fn edited(what: &str) -> anyhow::Error {
    let code = Code::C1740;
    anyhow::anyhow!("{code} {} {}: {what}", code.title(Lang::Zh), code.title(Lang::En))
}

/// Compares the store with its seal; says whether large tables are left.
///
/// # Errors
/// What differs, by table.
pub(crate) fn store(store: &Store) -> Result<bool> {
    let found = store.check_seal(ROWS_AT_ONCE).context("the embedded store")?;
    if !found.differ.is_empty() {
        return Err(projection(&found));
    }
    Ok(!found.left.is_empty())
}

fn projection(found: &Sealed) -> anyhow::Error {
    let code = Code::C1741;
    anyhow::anyhow!(
        "{code} {} {}: tables: {}; `shuzha journal verify` compares with the journal, `shuzha journal rebuild` builds anew",
        code.title(Lang::Zh),
        code.title(Lang::En),
        found.differ.join(", ")
    )
}

/// What the thread that compares the large tables found.
pub(crate) type Found = Arc<OnceLock<anyhow::Error>>;

/// Compares in a thread of its own what was left, and stops the node where something differs.
///
/// # Errors
/// When there is no thread to be had.
pub(crate) fn rest(
    stores: (Option<Store>, Option<Register>),
    beside: Vec<Rest>,
    handle: Handle,
) -> Result<Found> {
    let found = Found::default();
    let tell = Arc::clone(&found);
    if stores.0.is_none() && stores.1.is_none() && beside.is_empty() {
        return Ok(found);
    }
    let compare = move || -> Result<()> {
        if let Some(store) = stores.0 {
            let sealed = store.check_seal(u64::MAX)?;
            if !sealed.differ.is_empty() {
                return Err(projection(&sealed));
            }
        }
        if let Some(register) = stores.1 {
            let sealed = register.check_seal(u64::MAX)?;
            if !sealed.differ.is_empty() {
                return Err(named(&register, &sealed));
            }
        }
        beside.into_iter().try_for_each(|compare| compare())
    };
    let run = move || match compare() {
        Ok(()) => tracing::info!("large tables agree with their seals"),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the node stops");
            let _ = tell.set(error);
            handle.stop();
        }
    };
    std::thread::Builder::new().name("seals".into()).spawn(run)?;
    Ok(found)
}
