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
use shuzha_journal::Journal;
use shuzha_proxy::Handle;
use shuzha_store::{
    Register, RegisterHead, Sealable as _, Sealed, State, Store, StoreError, given_back, projection_digest,
};

use super::beside::Rest;
use crate::control::REGISTER_FILE;
use crate::store::{STORE_FILE, SealFile};
use crate::way_back;

/// Rows up to which a table is compared with its seal before anything is served: about a second's work for all of them.
pub const ROWS_AT_ONCE: u64 = 200_000;
/// Most findings that one line names.
const NAMED_MAX: usize = 5;
/// The key of the register's seal.
pub const REGISTER_SEAL_FILE: &str = "keys/register-seal.key";

/// A register that was compared, and what is left to compare.
pub struct Compared {
    pub(crate) register: Register,
    pub(crate) left: bool,
}

/// Opens the register in `data_dir` and compares it with its seal and with `head`, how far the journal has it.
///
/// # Errors
/// Of the register, as [`Unopened::Away`]; what differs, by name, as [`Unopened::Edited`].
pub fn register(data_dir: &Path, head: Option<RegisterHead>) -> Result<Compared, Unopened> {
    let file = SealFile::open(data_dir, REGISTER_SEAL_FILE).map_err(Unopened::Edited)?;
    let path = data_dir.join(REGISTER_FILE);
    if file.known && !path.exists() {
        return Err(Unopened::Away(way_back::gone(data_dir, REGISTER_FILE, REGISTER_SEAL_FILE)));
    }
    let register = match Register::open_sealed(&path, &file.key()) {
        Ok(register) => register,
        Err(error @ StoreError::Edited(_)) => return Err(Unopened::Edited(edited(&error.to_string()))),
        Err(error) => return Err(Unopened::Away(way_back::from(data_dir, REGISTER_FILE, error))),
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
pub enum Unopened {
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
pub fn store(data_dir: &Path, store: &Store) -> Result<bool> {
    let found =
        store.check_seal(ROWS_AT_ONCE).map_err(|error| way_back::from(data_dir, STORE_FILE, error))?;
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

/// Bytes up to which what the log was told of the projection is compared before anything is served.
const PROJECTION_AT_ONCE: usize = 16 << 20;

/// Compares `state`, which is to be served by, with the projection that the log was last told of: nothing of what was spent by
/// then may be given back. A large one is left.
///
/// # Errors
/// C1744 with the tables.
pub fn bound(store: &Store, journal: &Journal, state: &State) -> Result<Option<Rest>> {
    let Some(told) = state.checkpoint else { return Ok(None) };
    let kept = journal.projection(told.seq).context("the call journal")?;
    let Some(bytes) = kept.filter(|bytes| projection_digest(bytes) == told.digest) else {
        // It is needed only where the store is lost; the next destruction needs one, and makes it.
        tracing::error!(
            file = format!("journal/{:020}.projection", told.seq),
            "is not what the log was told: put it back from a backup"
        );
        return Ok(None);
    };
    let compare = move |bytes: &[u8], now: &State| -> Result<()> {
        let before = Store::of_projection(bytes)?.load_state()?;
        let less = given_back(&before, now);
        if less.is_empty() || now.reached.seq < before.reached.seq {
            return Ok(());
        }
        let tables: Vec<&str> = less.iter().map(|one| one.table).collect();
        let code = Code::C1744;
        bail!(
            "{code} {} {}: record {}: {}; `shuzha journal rebuild` builds it anew",
            code.title(Lang::Zh),
            code.title(Lang::En),
            told.seq,
            tables.join(", ")
        )
    };
    if bytes.len() > PROJECTION_AT_ONCE {
        let store = store.clone();
        return Ok(Some(Box::new(move || compare(&bytes, &store.load_state()?))));
    }
    compare(&bytes, state).map(|()| None)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shuzha_core::clock::ManualClock;
    use shuzha_core::{Id, RequestId};
    use shuzha_evidence::{Call, Decision, Entry, Projected, Terms};
    use shuzha_journal::Options;
    use shuzha_store::{Changes, dangerous_edit};

    use super::*;

    /// Before, nobody noticed: pruned months stood in the store alone.
    #[test]
    fn a_projection_with_less_than_the_log_was_told_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let options = Options {
            free_bytes_min: 0,
            ..Options::new(dir.path().join("journal"), Id::new("gate-1").expect("an id"), "1")
        };
        let journal =
            Journal::open(options, Arc::new(ManualClock::at(shuzha_core::Timestamp::from_micros(0))));
        let journal = journal.expect("opens");
        let path = dir.path().join("shuzha.db");
        let store = Store::open(&path).expect("opens");
        let project = || {
            let mut state = store.load_state().expect("loads");
            let mut changes = Changes::default();
            let rest = journal.reader(state.reached.seq + 1).expect("reads");
            state.replay(rest, &mut changes).expect("sound");
            store.project(&state, &mut changes).expect("stores");
            store.load_state().expect("loads")
        };
        let terms = Terms { unit: "bank", product: "p", grant: "g", ..Terms::default() };
        let at = shuzha_core::Timestamp::from_micros(1);
        let call = Call {
            terms,
            decision: Decision::Answered,
            consent: Some([7; 16]),
            quantity: 1,
            ..Call::of(RequestId::from_bytes([1; 16]), at)
        };
        let append =
            |entry: Entry<'_>| journal.append_durable(&entry).expect("taken").wait().expect("durable");
        append(Entry::Call(Box::new(call)));
        assert!(bound(&store, &journal, &project()).expect("never told").is_none());
        let (reached, bytes) = store.canonical_projection().expect("reads");
        journal.keep_projection(reached.seq, &bytes).expect("kept");
        let told = Projected { at, last_seq: reached.seq, digest: projection_digest(&bytes) };
        append(Entry::Projected(told));
        let state = project();
        assert!(state.checkpoint.is_some_and(|told| told.seq == reached.seq));
        assert!(bound(&store, &journal, &state).expect("as it was").is_none());
        for (sql, table) in [
            ("UPDATE consents SET uses = 0", "consents"),
            ("DELETE FROM usage", "usage"),
            ("DELETE FROM settled", "settled"),
        ] {
            dangerous_edit(&path, sql).expect("edited");
            let error = bound(&store, &journal, &store.load_state().expect("loads")).err().expect(table);
            let error = format!("{error:#}");
            assert!(error.contains("C1744") && error.contains(table) && error.contains("rebuild"), "{error}");
        }
        // What was kept comes back.
        store.put_projection(&bytes).expect("put back");
        assert!(bound(&store, &journal, &project()).expect("as it was").is_none());
    }
}
