//! Re-rating (重新计费) of a closed month: one person proposes corrected prices, another approves what they come to.

use serde_json::{Value, json};
use shuzha_core::{Code, Id, Role};
use shuzha_pricing::Month;
use shuzha_pricing::closing::close;
use shuzha_pricing::rerating::{Correction, rerate};
use shuzha_store::ledger::{PeriodState, Proposal, Rerating};

use super::acts::{Noted, unrated};
use super::preview::instead;
use super::terms::Instead;
use super::{Change, Finance};
use crate::{Caller, Error};

/// Longest reason and longest list of changes, in bytes.
const REASON_BYTES_MAX: usize = 2_000;
const CHANGES_BYTES_MAX: usize = 256 << 10;

impl Finance {
    /// Proposes to correct prices of a closed month: the first of two persons. Answers what it would come to, and the
    /// proposal; none where it comes to the same.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1002 without a reason, for changes that are too long, or of anything but prices; C1600
    /// where the month is not closed; C1604 with every reason why it cannot be rated; C090 where the act cannot be recorded.
    pub fn propose_rerating(
        &self,
        caller: &Caller,
        month: Month,
        changes: &[Change],
        reason: &str,
    ) -> Result<(Vec<Correction>, Option<Rerating>), Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > REASON_BYTES_MAX {
            return Err(Error::fault(Code::C1002, "reason", "has 1 to 2000 bytes"));
        }
        let corrections = self.rerated(month, changes)?;
        if corrections.is_empty() {
            return Ok((corrections, None));
        }
        let written = write(changes);
        if written.len() > CHANGES_BYTES_MAX {
            return Err(Error::fault(Code::C1002, "changes", "are too long"));
        }
        let proposal = Proposal { month, changes: &written, reason, corrections: &corrections };
        let name = month.to_string();
        let noted =
            Noted { verb: "propose-rerating", kind: "Period", name: &name, reason: reason.to_owned() };
        let at = self.0.clock.now();
        let kept = self.act(&actor, noted, || self.books().propose(proposal, &actor.account, at))?;
        Ok((corrections, Some(kept)))
    }

    /// Approves a re-rating: the second person. What it comes to is worked out anew and must be what was proposed; it is
    /// billed with the first period that is not closed.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003 where there is none of this number; C1614 for who proposed it; C1615 where it is
    /// approved already or comes to something else by now; C1604; C090.
    pub fn approve_rerating(&self, caller: &Caller, number: u64) -> Result<Rerating, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let proposed = self.books().rerating(number)?.ok_or(Code::C1003)?;
        if self.0.control.same_person(&proposed.proposed.0, &actor.account)? {
            return Err(Code::C1614.into());
        }
        if proposed.approved.is_some() {
            return Err(Code::C1615.into());
        }
        let corrections = self.rerated(proposed.month, &read(&proposed.changes)?)?;
        let (name, at) = (proposed.month.to_string(), self.0.clock.now());
        let reason = format!("{number} sha256:{}", shuzha_core::hex::encode(&proposed.digest));
        let noted = Noted { verb: "approve-rerating", kind: "Period", name: &name, reason };
        self.act(&actor, noted, || self.books().approve(number, &corrections, (&actor.account, at)))
    }

    /// Every re-rating, the latest first.
    ///
    /// # Errors
    /// C1104, C1106 without the role, or of the books.
    pub fn reratings(&self, caller: &Caller) -> Result<Vec<Rerating>, Error> {
        self.reader(caller)?;
        Ok(self.books().reratings()?)
    }

    /// What a closed month would come to by changed prices, less what was billed for it.
    fn rerated(&self, month: Month, changes: &[Change]) -> Result<Vec<Correction>, Error> {
        if self.books().period(month)?.state != PeriodState::Closed {
            return Err(Code::C1600.into());
        }
        let changed: Instead = instead(changes, |kind| (kind == "Price").then_some("Price"))?;
        let mut terms = self.changed_terms(month, &changed)?;
        // Its revenue was shared; who signed since, or had not to sign then, keeps no price from being corrected.
        terms.splits = terms.splits.into_iter().map(|(name, split)| (name, split.whoever_signed())).collect();
        // The whole month, so that a price above a ceiling in some hour of it is found.
        let from = self.books().gatherings(month)?;
        close(&from.input(month, &terms)).map_err(unrated)?;
        rerate(month, &self.books().billed(month)?, &terms).map_err(unrated)
    }
}

fn write(changes: &[Change]) -> String {
    let one =
        |change: &Change| json!({"kind": change.kind, "name": change.name.as_str(), "spec": change.spec});
    Value::from_iter(changes.iter().map(one)).to_string()
}

fn read(text: &str) -> Result<Vec<Change>, Error> {
    let unreadable = || Error::Unreadable {
        kind: "Rerating".to_owned(),
        name: String::new(),
        what: "its changes were not written by this software".to_owned(),
    };
    let written: Value = serde_json::from_str(text).map_err(|_| unreadable())?;
    let one = |change: &Value| {
        let name = Id::new(change["name"].as_str()?).ok()?;
        Some(Change { kind: change["kind"].as_str()?.to_owned(), name, spec: change["spec"].clone() })
    };
    let changes: Option<Vec<Change>> =
        written.as_array().map(|all| all.iter().map(one).collect()).unwrap_or_default();
    changes.ok_or_else(unreadable)
}
