//! The outbox's other end: acts go from the register to the journal, each exactly once.

use shuzha_core::{Clock, Code, Id, RequestId, Rng};
use shuzha_evidence::{Entry, Registered};
use shuzha_journal::Journal;
use shuzha_products::case::Actor;
pub use shuzha_store::register::digest;
use shuzha_store::register::{Act, Author, Recorded};

use crate::Error;

/// The journal did not say that the act is durable. It may be there or not; [`ActLog::recorded_after`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal did not confirm the act")]
pub struct Unrecorded;

/// Where acts are recorded for good.
pub trait ActLog: Send + Sync + 'static {
    /// Appends an act; durable on return. Answers the sequence at which it stands.
    ///
    /// # Errors
    /// [`Unrecorded`]; the act may stand there all the same.
    fn append(&self, recorded: &Recorded) -> Result<u64, Unrecorded>;

    /// Acts that stand after sequence `seq`, as (identity, sequence).
    ///
    /// # Errors
    /// [`Unrecorded`] when the log cannot be read.
    fn recorded_after(&self, seq: u64) -> Result<Vec<(RequestId, u64)>, Unrecorded>;
}

/// The call journal as the log of acts.
#[derive(Clone, Debug)]
pub struct JournalLog(pub Journal);

impl ActLog for JournalLog {
    fn append(&self, recorded: &Recorded) -> Result<u64, Unrecorded> {
        let act = &recorded.act;
        let by = act.by.as_ref();
        let entry = Entry::Registered(Registered {
            id: act.id,
            at: act.at,
            actor: by.map_or("", |by| by.account.as_str()),
            object: act.name.as_str(),
            verb: &act.verb,
            kind: &act.kind,
            organisation: by.map_or("", |by| by.organisation.as_str()),
            role: by.map_or("", |by| by.role.as_str()),
            digest: recorded.digest.unwrap_or_else(|| digest(act)),
            state: act.state.as_deref().unwrap_or_default(),
            revision: recorded.digest.map_or(0, |_| recorded.revision),
        });
        let durable = self.0.append_durable(&entry).map_err(|_| Unrecorded)?;
        durable.wait().map(|position| position.seq).map_err(|_| Unrecorded)
    }

    fn recorded_after(&self, seq: u64) -> Result<Vec<(RequestId, u64)>, Unrecorded> {
        let mut found = Vec::new();
        // What was pruned is noted in the register: nothing is pruned while an act of its outbox waits for that.
        let first = self.0.first_seq().map_err(|_| Unrecorded)?;
        for record in self.0.reader((seq + 1).max(first)).map_err(|_| Unrecorded)? {
            let record = record.map_err(|_| Unrecorded)?;
            if let Entry::Registered(act) = record.entry().map_err(|_| Unrecorded)? {
                found.push((act.id, record.position.seq));
            }
        }
        Ok(found)
    }
}

/// Records an act that changes nothing in the register, before it is done: nothing happens unrecorded.
///
/// # Errors
/// [`Unrecorded`]; C1003 for a name that cannot be one.
pub(crate) fn record(
    (log, clock, rng): (&dyn ActLog, &dyn Clock, &dyn Rng),
    actor: &Actor,
    verb: &str,
    (kind, name): (&str, &str),
    reason: String,
) -> Result<(), Error> {
    let by = Some(Author {
        account: actor.account.clone(),
        organisation: actor.organisation.clone(),
        role: actor.role,
    });
    let name = Id::new(name).map_err(|_| Code::C1003)?;
    let act = Act { by, reason, ..Act::new(clock, rng, verb, kind, name) };
    log.append(&Recorded::outside(act)).map(drop).map_err(|_| Error::Unrecorded)
}
