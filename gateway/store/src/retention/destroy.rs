//! Destruction (销毁): asked for by one person, decided by another, done step by step so that it can be completed after a kill, and
//! checked at its end.

use std::collections::BTreeMap;
use std::io;

use serde_json::json;
use shuzha_core::calendar::local_text;
use shuzha_core::{Code, Timestamp, hex};
use shuzha_evidence::log::{DESTROYED as CERTIFICATE, Files as _, LogError, Shard};
use shuzha_evidence::merkle::{Sha256, Sm3};
use shuzha_evidence::verify::{KEPT_BYTES_MAX, check_pruned, for_each_entry, head, kept_path, push_kept};
use shuzha_evidence::{Entry, RetentionAct};

use super::document::{self, DESTROYED};
use super::{Asked, Decided, Decision, HalfYear, Hold, Retention, RetentionError};
use crate::tiles::LOOKUP;

/// How far a destruction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The decision is noted.
    Decided,
    /// Its leaf stands in the journal.
    Recorded,
    /// Life-cycle records stand apart.
    Kept,
    /// The certificate stands in the log's folder: from here on the calls count as gone.
    Certified,
    /// The entries are gone from the log.
    Log,
    /// The uses are gone from the index.
    Index,
    /// The records are gone from the journal.
    Journal,
    /// All of that was looked at.
    Checked,
}

/// Is told of each step, and may stop the destruction there: for tests that kill it.
pub(super) type Watch<'w> = &'w mut dyn FnMut(Step) -> Result<(), RetentionError>;

/// Whether an entry is of calls, counted or recorded. All others — acts on the register, suspensions, keys, starts — are of the life-cycle and stay.
fn is_call(entry: &[u8]) -> bool {
    // What this software cannot read stays.
    matches!(
        Entry::decode(entry),
        Ok(Entry::Intent(_) | Entry::Call(_) | Entry::Delivery(_) | Entry::RefusalCount(_))
    )
}

impl Retention {
    /// Asks for a destruction: the first of two persons. Asked again, it stays as it was.
    ///
    /// # Errors
    /// C1003 where there is no such half-year; [`RetentionError::Held`] with everything that holds it; of the stores.
    pub fn ask(&self, shard: Shard, asked: Asked<'_>) -> Result<HalfYear, RetentionError> {
        let year = self.half_year(shard, asked.at)?;
        if year.is_gone() {
            return Err(RetentionError::Refused(Code::C1735));
        }
        if year.holds.iter().any(|hold| *hold != Hold::Unbound) {
            return Err(RetentionError::Held(year.holds));
        }
        self.bind(year.last_seq(), asked.at)?;
        let destroyed = RetentionAct::Destroyed;
        self.0.decisions.ask(shard, destroyed, (asked.by, asked.at, asked.reason))?;
        self.half_year(shard, asked.at)
    }

    /// Takes back what was asked for and not decided.
    ///
    /// # Errors
    /// C1735 where nothing is waiting; of the stores.
    pub fn withdraw(&self, shard: Shard, now: Timestamp) -> Result<HalfYear, RetentionError> {
        if !self.0.decisions.withdraw(shard, RetentionAct::Destroyed)? {
            return Err(RetentionError::Refused(Code::C1735));
        }
        self.half_year(shard, now)
    }

    /// Decides a destruction and carries it out: the second of two persons.
    ///
    /// # Errors
    /// C1003, C1735 where none was asked for; C1734 by whoever asked; [`RetentionError::Held`]; [`RetentionError::Finding`] where the
    /// log does not check; of files, keys, journal and stores. After the decision, what is left to do is done at the next start.
    pub fn confirm(&self, shard: Shard, asked: Asked<'_>) -> Result<HalfYear, RetentionError> {
        self.confirm_watched(shard, asked, &mut |_| Ok(()))
    }

    pub(super) fn confirm_watched(
        &self,
        shard: Shard,
        asked: Asked<'_>,
        watch: Watch<'_>,
    ) -> Result<HalfYear, RetentionError> {
        let year = self.half_year(shard, asked.at)?;
        let Some(waiting) = year.destroyed.clone().filter(|decided| decided.decision.is_none()) else {
            return Err(RetentionError::Refused(Code::C1735));
        };
        if waiting.asked.0 == *asked.by {
            return Err(RetentionError::Refused(Code::C1734));
        }
        if !year.holds.is_empty() {
            return Err(RetentionError::Held(year.holds));
        }
        // Nothing is decided about a log whose hashes do not lead to its signed roots.
        self.check_left(&year)?;
        let document = self.certificate(&year, &waiting, asked)?;
        let from_seq = self.0.journal.durable_seq();
        let decision = Decision { by: (asked.by.clone(), asked.at), document, from_seq };
        if !self.0.decisions.decide(shard, RetentionAct::Destroyed, &decision)? {
            return Err(RetentionError::Refused(Code::C1735));
        }
        watch(Step::Decided)?;
        self.finish(&year, &waiting, &decision, asked.at, watch)?;
        self.half_year(shard, asked.at)
    }

    /// Everything behind the decision; each step may have been done before.
    pub(super) fn finish(
        &self,
        year: &HalfYear,
        decided: &Decided,
        decision: &Decision,
        now: Timestamp,
        watch: Watch<'_>,
    ) -> Result<(), RetentionError> {
        let (files, shard) = (&self.0.files, year.shard);
        self.leaf(year, decided, decision)?;
        watch(Step::Recorded)?;
        let certificate = format!("{shard}/{CERTIFICATE}");
        if self.reader(shard).destroyed()?.is_none() {
            self.keep(year)?;
            // Before anything goes: what stays is whole.
            self.check_left(year)?;
            watch(Step::Kept)?;
            let written = files.replace(&certificate, decision.document.as_bytes());
            written.map_err(LogError::io("write", &certificate))?;
        }
        watch(Step::Certified)?;
        let entries = format!("{shard}/tile/entries");
        files.remove_folder_for_good(&entries).map_err(LogError::io("remove", &entries))?;
        let lookup = format!("{shard}/{LOOKUP}");
        files.remove_file(&lookup).map_err(LogError::io("remove", &lookup))?;
        watch(Step::Log)?;
        self.0.traces.forget(year.last_seq())?;
        watch(Step::Index)?;
        // Decided by software that bound nothing: it is bound now, and completed at the next start.
        self.bind(year.last_seq(), now)?;
        if !self.is_bound(year.last_seq())? {
            return Err(RetentionError::Held(vec![Hold::Unbound]));
        }
        self.0.journal.prune(year.last_seq())?;
        watch(Step::Journal)?;
        self.check_gone(year)?;
        self.check_left(year)?;
        watch(Step::Checked)?;
        Ok(self.0.decisions.finish(shard, RetentionAct::Destroyed, now)?)
    }

    /// Copies life-cycle records out of the bundles.
    fn keep(&self, year: &HalfYear) -> Result<(), RetentionError> {
        let (mut number, mut file, mut fault) = (0, Vec::new(), None);
        let write = |number: u32, file: &mut Vec<u8>| {
            let path = format!("{}/{}", year.shard, kept_path(number));
            let written = self.0.files.replace(&path, file).map_err(LogError::io("write", &path));
            file.clear();
            written
        };
        for_each_entry(&self.reader(year.shard), year.size, 0..year.size, |index, entry| {
            if fault.is_some() || is_call(entry) {
                return;
            }
            push_kept(&mut file, index, entry);
            if file.len() >= KEPT_BYTES_MAX {
                fault = write(number, &mut file).err();
                number += 1;
            }
        })?;
        match fault {
            Some(fault) => Err(fault.into()),
            // An empty file says that nothing follows.
            None => Ok(write(number, &mut file)?),
        }
    }

    /// Every hash of both trees up to the signed roots, and every record that is kept.
    fn check_left(&self, year: &HalfYear) -> Result<(), RetentionError> {
        let (reader, policy) = (self.reader(year.shard), self.policy());
        let kept = reader.kept()?;
        let files = || kept.iter().map(Vec::as_slice);
        check_pruned::<Sha256>(&reader, &head::<Sha256>(&reader, &policy)?, files())?;
        check_pruned::<Sm3>(&reader, &head::<Sm3>(&reader, &policy)?, files())?;
        Ok(())
    }

    /// Nothing of the calls is where it was.
    fn check_gone(&self, year: &HalfYear) -> Result<(), RetentionError> {
        let folder = self.0.files.root().join(year.shard.to_string());
        let there = [folder.join("tile/entries"), folder.join(LOOKUP)].into_iter().find(|path| path.exists());
        if let Some(path) = there {
            let source = io::Error::other("still there");
            return Err(LogError::io("destroy", &path.display().to_string())(source).into());
        }
        if self.0.journal.first_seq()? <= year.last_seq() || self.0.traces.holds(year.last_seq())? {
            let source = io::Error::other("still there");
            return Err(LogError::io("destroy", "records of journal or index")(source).into());
        }
        Ok(())
    }

    fn certificate(
        &self,
        year: &HalfYear,
        waiting: &Decided,
        asked: Asked<'_>,
    ) -> Result<String, RetentionError> {
        let (reader, policy) = (self.reader(year.shard), self.policy());
        let heads = (head::<Sha256>(&reader, &policy)?, head::<Sm3>(&reader, &policy)?);
        let (mut gone, mut kept): (BTreeMap<&str, u64>, BTreeMap<&str, u64>) = Default::default();
        for_each_entry(&reader, year.size, 0..year.size, |_, entry| {
            let kind = Entry::decode(entry).map_or("unknown", |entry| entry.kind_name());
            let counts = if is_call(entry) { &mut gone } else { &mut kept };
            *counts.entry(kind).or_default() += 1;
        })?;
        let sealed = year.sealed.as_ref().and_then(|sealed| sealed.decision.as_ref());
        let content = json!({
            "what": "destroyed", "log": heads.0.origin, "halfYear": year.shard.to_string(),
            "firstSequence": year.first_seq, "lastSequence": year.last_seq(), "entries": year.size,
            "destroyed": gone, "kept": kept,
            "rootSha256": hex::encode(&heads.0.root), "rootSm3": hex::encode(&heads.1.root),
            "sealing": sealed.map(|sealed| hex::encode(&document::digest(&sealed.document))),
            "askedBy": waiting.asked.0.as_str(), "askedAt": local_text(waiting.asked.1), "reason": waiting.reason,
            "confirmedBy": asked.by.as_str(), "confirmedAt": local_text(asked.at),
            "keptUntil": local_text(year.free_from), "months": self.0.term.months, "article": self.0.term.article,
        });
        document::signed(&self.0, year, DESTROYED, &content)
    }
}
