//! Retention (REQUIREMENTS H3; docs/adr/0012): half-years of the log are sealed (封存) and, when their time is over and two persons
//! have decided it, destroyed (销毁): the calls in journal, log and index. Hashes, checkpoints and life-cycle records stay.
//!
//! Guarantees:
//! - Nothing is destroyed before its time, by fewer than two persons, out of order, or while something still needs it ([`Hold`]).
//! - Killed anywhere, a destruction is not begun, or it is completed by [`Retention::resume`] at the next start.
//! - No record goes before what it added up to is under a signed checkpoint of the log, and kept beside the journal.
//! - What is left is checked before and after: every record that is kept against its hash, every hash up to the signed root.

mod bound;
mod decisions;
mod destroy;
mod document;
mod seal;
mod term;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use shuzha_core::calendar::Day;
use shuzha_core::{Code, Id, Timestamp};
use shuzha_evidence::log::{LogError, LogKeys, LogReader, Shard, Source};
use shuzha_evidence::policy::Policy;
use shuzha_evidence::verify::Finding;
use shuzha_evidence::{Entry, Retention as Leaf, RetentionAct};
use shuzha_journal::{Journal, JournalError};
use shuzha_pricing::Month;

use crate::ledger::PeriodState;
use crate::tiles::{Directory, Library};
use crate::{Books, Register, Store, StoreError, Traces};

pub use decisions::{Decided, Decision, Decisions};
pub use destroy::Step;
pub use term::{AuthorisationEnd, Authorisations, Term};

/// Months for which network logs are kept at least, whatever is configured: 网络安全法 21(三).
pub const LOG_MONTHS_MIN: u16 = 6;

/// Threads that check a log before it is sealed.
const THREADS: NonZeroUsize = NonZeroUsize::new(2).expect("two");

/// What retention works on.
pub struct Parts {
    /// What was decided.
    pub decisions: Decisions,
    /// The call journal.
    pub journal: Journal,
    /// The evidence log's folder.
    pub files: Arc<Directory>,
    /// The index of uses.
    pub traces: Traces,
    /// The books.
    pub books: Books,
    /// The journal's projection.
    pub store: Store,
    /// The register.
    pub register: Register,
    /// The authorisations that calls belong to.
    pub authorisations: Arc<dyn Authorisations>,
    /// What every origin of the log begins with.
    pub origin: String,
    /// The log's keys: they sign manifests and certificates.
    pub keys: Arc<dyn LogKeys>,
    /// How long calls are kept.
    pub term: Term,
}

/// Retention over its parts.
pub struct Retention(Parts);

/// What keeps a half-year from being destroyed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Its log is still written to.
    Open,
    /// Its time is not over.
    Until(Timestamp),
    /// The time after this authorisation, which was in force in it, is not over.
    Authorisation(String, Timestamp),
    /// It is not sealed.
    Unsealed,
    /// An earlier half-year is still there.
    Earlier(Shard),
    /// This follower of the journal has not read all of it.
    Unread(&'static str),
    /// A month of it, or before, is not closed in the books.
    OpenPeriod(Month),
    /// Acts of the register wait to be noted as recorded.
    Outbox,
    /// The journal still writes to a segment with records of it: the next start begins another.
    InUse,
    /// What its records add up to is not under a signed checkpoint of the log.
    Unbound,
}

/// A half-year of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HalfYear {
    /// Which.
    pub shard: Shard,
    /// Sequence of its first record.
    pub first_seq: u64,
    /// Its records under a checkpoint.
    pub size: u64,
    /// When its calls may be destroyed.
    pub free_from: Timestamp,
    /// Its sealing.
    pub sealed: Option<Decided>,
    /// Its destruction.
    pub destroyed: Option<Decided>,
    /// What keeps it from being destroyed; nothing is left to say once it is.
    pub holds: Vec<Hold>,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("日志仍在写入 its log is still written to"),
            Self::Until(at) => {
                let day = Day::of(*at);
                write!(f, "留存期至 {day} 止 its calls are kept until {day}")
            }
            Self::Authorisation(of, at) => {
                let day = Day::of(*at);
                write!(f, "自 {of} 终止起算，留存期至 {day} 止 kept until {day}, counted from the end of {of}")
            }
            Self::Unsealed => f.write_str("尚未封存 it is not sealed"),
            Self::Earlier(shard) => write!(f, "须先销毁 {shard}  {shard} goes first"),
            Self::Unread(who) => write!(f, "{who} 尚未读完 {who} has not read all of it"),
            Self::OpenPeriod(month) => write!(f, "{month} 尚未结账 the books of {month} are not closed"),
            Self::Outbox => f.write_str("登记簿有待记入日志的行为 acts of the register wait for the journal"),
            Self::InUse => {
                f.write_str("日志分段仍在写入，重启后可办 the journal still writes to its segment: restart")
            }
            Self::Unbound => f.write_str(
                "已用掉的额度与预算尚未由存证日志的签名检查点固定，稍候再办；若持续如此，重新申请销毁 what was spent is not yet under \
                 a signed checkpoint of the log: try again in a moment, and ask for the destruction again if it stays so",
            ),
        }
    }
}

impl HalfYear {
    /// Sequence of its last record; 0 where it has none.
    #[must_use]
    pub const fn last_seq(&self) -> u64 {
        (self.first_seq + self.size).saturating_sub(1)
    }

    /// Whether its calls are gone, or going.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.destroyed.as_ref().is_some_and(|decided| decided.decision.is_some())
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// A refusal, by its stable code.
    #[error("{0}")]
    Refused(Code),
    /// It is held.
    #[error("{}", Code::C1733)]
    Held(Vec<Hold>),
    /// The log does not check: nothing is sealed or destroyed that is not what it says.
    #[error("{code}: {0}", code = Code::C1736)]
    Finding(Finding),
    /// The log's files or keys.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal takes no entries.
    #[error("the journal takes no entries")]
    Unrecorded,
    /// A store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Finding> for RetentionError {
    fn from(finding: Finding) -> Self {
        Self::Finding(finding)
    }
}

impl Retention {
    /// Retention over these parts.
    #[must_use]
    pub const fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// The files of the log.
    #[must_use]
    pub fn library(&self) -> Library {
        Library::new(Arc::clone(&self.0.files))
    }

    /// Every half-year, with what may be done to it at `now`.
    ///
    /// # Errors
    /// Of the log, the journal and the stores.
    pub fn plan(&self, now: Timestamp) -> Result<Vec<HalfYear>, RetentionError> {
        let mut decided: BTreeMap<(Shard, bool), Decided> = BTreeMap::new();
        for one in self.0.decisions.all()? {
            decided.insert((one.shard, one.what == RetentionAct::Destroyed), one);
        }
        let mut years = Vec::new();
        let volumes = self.library().half_years()?;
        let latest = volumes.last().map(|(shard, ..)| *shard);
        for (shard, first_seq, size) in volumes {
            let authorisation = self.after_authorisation(shard)?;
            let own = shard.months_after(self.0.term.months);
            let mut year = HalfYear {
                shard,
                first_seq,
                size,
                free_from: authorisation.as_ref().map_or(own, |(_, until)| own.max(*until)),
                sealed: decided.remove(&(shard, false)),
                destroyed: decided.remove(&(shard, true)),
                holds: Vec::new(),
            };
            year.holds = self.holds(&year, &years, latest, now)?;
            // The later of the two terms says why.
            if let Some((of, until)) = authorisation.filter(|(_, until)| *until > own)
                && let Some(hold) = year.holds.iter_mut().find(|hold| matches!(hold, Hold::Until(_)))
            {
                *hold = Hold::Authorisation(of, until);
            }
            years.push(year);
        }
        Ok(years)
    }

    fn holds(
        &self,
        year: &HalfYear,
        earlier: &[HalfYear],
        latest: Option<Shard>,
        now: Timestamp,
    ) -> Result<Vec<Hold>, RetentionError> {
        if year.is_gone() {
            return Ok(Vec::new());
        }
        let parts = &self.0;
        let mut holds = Vec::new();
        // A follower closes a log whole before it begins the next.
        if latest == Some(year.shard) {
            holds.push(Hold::Open);
        }
        if now < year.free_from {
            holds.push(Hold::Until(year.free_from));
        }
        if year.sealed.as_ref().is_none_or(|sealed| sealed.finished.is_none()) {
            holds.push(Hold::Unsealed);
        }
        let before = earlier
            .iter()
            .find(|before| before.destroyed.as_ref().is_none_or(|destroyed| destroyed.finished.is_none()));
        holds.extend(before.map(|before| Hold::Earlier(before.shard)));
        let last = year.last_seq();
        let reached = [
            ("projection", parts.store.reached()?.seq),
            ("books", parts.books.reached()?.seq),
            ("traces", parts.traces.reached()?.seq),
        ];
        holds.extend(reached.iter().filter(|(_, seq)| *seq < last).map(|(name, _)| Hold::Unread(name)));
        // Calls of the half-year were posted in its last month at the latest, or later if they came late.
        let end = Timestamp::from_micros(year.shard.months_after(0).micros() - 1);
        let month = Month::of(end).map_err(|_| StoreError::Range("period"))?;
        let periods = parts.books.periods()?;
        let open = |state| state != PeriodState::Closed;
        let open = periods.iter().filter(|period| period.month <= month && open(period.state));
        holds.extend(open.map(|period| Hold::OpenPeriod(period.month)).next_back());
        if !parts.register.outbox()?.is_empty() {
            holds.push(Hold::Outbox);
        }
        if parts.journal.prunable_seq()? < last {
            holds.push(Hold::InUse);
        }
        // Asking for it binds what was spent.
        if year.destroyed.is_some() && !self.is_bound(last)? {
            holds.push(Hold::Unbound);
        }
        Ok(holds)
    }

    fn half_year(&self, shard: Shard, now: Timestamp) -> Result<HalfYear, RetentionError> {
        let found = self.plan(now)?.into_iter().find(|year| year.shard == shard);
        found.ok_or(RetentionError::Refused(Code::C1003))
    }

    /// Completes what was decided and not done before the process ended.
    ///
    /// # Errors
    /// As [`Retention::seal`] and [`Retention::confirm`].
    pub fn resume(&self, now: Timestamp) -> Result<(), RetentionError> {
        for decided in self.0.decisions.all()? {
            let Some(decision) = decided.decision.as_ref().filter(|_| decided.finished.is_none()) else {
                continue;
            };
            let year = self.half_year(decided.shard, now)?;
            tracing::warn!(shard = %decided.shard, what = ?decided.what, "completing what was decided before");
            match decided.what {
                RetentionAct::Sealed => self.finish_seal(&year, &decided, decision, now)?,
                RetentionAct::Destroyed => self.finish(&year, &decided, decision, now, &mut |_| Ok(()))?,
            }
        }
        Ok(())
    }

    fn reader(&self, shard: Shard) -> LogReader {
        LogReader::new(Arc::clone(&self.0.files) as Arc<dyn Source>, &shard.to_string())
    }

    /// Believes the log's own keys.
    fn policy(&self) -> Policy {
        Policy { log: self.0.keys.known().to_vec(), ..Policy::default() }
    }

    /// Appends the act's leaf, unless it stands there from before the process ended.
    fn leaf(&self, year: &HalfYear, decided: &Decided, decision: &Decision) -> Result<(), RetentionError> {
        let head = shuzha_evidence::verify::head::<shuzha_evidence::merkle::Sha256>(
            &self.reader(year.shard),
            &self.policy(),
        )?;
        let (document, object) = (document::digest(&decision.document), year.shard.to_string());
        let first = self.0.journal.first_seq()?.max(decision.from_seq + 1);
        for record in self.0.journal.reader(first)? {
            if let Entry::Retention(leaf) = record?.entry()?
                && leaf.document == document
            {
                return Ok(());
            }
        }
        let second = decided.what == RetentionAct::Destroyed;
        let leaf = Leaf {
            at: decision.by.1,
            actor: decided.asked.0.as_str(),
            object: &object,
            act: decided.what,
            last_seq: year.last_seq(),
            root: head.root,
            document,
            confirmed_by: if second { decision.by.0.as_str() } else { "" },
        };
        let durable = self.0.journal.append_durable(&Entry::Retention(leaf));
        let durable = durable.map_err(|_| RetentionError::Unrecorded)?;
        durable.wait().map(drop).map_err(|_| RetentionError::Unrecorded)
    }
}

/// What every act of retention is asked with.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who.
    pub by: &'a Id,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: &'a str,
}

impl std::fmt::Debug for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Retention")
    }
}

#[cfg(test)]
mod tests;
