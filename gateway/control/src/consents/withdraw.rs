//! Taking consents back (撤回, 个人信息保护法 15): as easy as giving, effective at once, for good.

use std::sync::PoisonError;
use std::time::Duration;

use shuzha_core::{Code, Id};
use shuzha_privacy::consent::{self, Event, Receipt};
use shuzha_store::consents::{Holder, KeptConsent};

use super::{CONSENTS_MAX, ConsentService, claims_of};
use crate::{Caller, Error};

/// Withdrawals that are brought to the gate at a time.
const FEED_BATCH: usize = 1_000;

/// For how long after a consent's end its withdrawal is still brought to the gate: more than clocks may be apart.
const ENDED: Duration = Duration::from_hours(24);
/// Withdrawals of consents that have ended that are taken out of the feed at a start; the others wait for the next.
const ENDED_AT_ONCE: usize = 50_000;

impl ConsentService {
    /// Withdraws one of one's own consents, and those derived from it. When this returns, the gate refuses it on every call
    /// and lets no answer out that is under way. Doing it again changes nothing.
    ///
    /// # Errors
    /// C1003 where it is not one's own; C090 where it is not recorded yet, and refused all the same.
    pub fn withdraw(&self, caller: &Caller, jti: &str) -> Result<(), Error> {
        let holder = self.acting(caller)?;
        let kept = self.store.get(&holder, jti)?.ok_or(Code::C1003)?;
        self.take_back(&holder, &kept)?;
        self.feed()
    }

    /// Withdraws all of one's own consents, or all that one unit has; answers how many.
    ///
    /// # Errors
    /// As [`ConsentService::withdraw`].
    pub fn withdraw_all(&self, caller: &Caller, unit: Option<&Id>) -> Result<usize, Error> {
        let holder = self.acting(caller)?;
        let mut withdrawn = 0;
        let mut before = None;
        loop {
            let page = self.store.list(&holder, unit.map(Id::as_str), before, CONSENTS_MAX)?;
            for kept in &page {
                let live = kept.withdrawn.is_none() && self.control.now() < kept.expires;
                withdrawn += usize::from(live && self.take_back(&holder, kept)?);
            }
            before = page.last().map(|oldest| oldest.seq);
            if page.len() < CONSENTS_MAX {
                break;
            }
        }
        self.feed()?;
        Ok(withdrawn)
    }

    fn take_back(&self, holder: &Holder, kept: &KeptConsent) -> Result<bool, Error> {
        let now = self.control.now();
        let mut receipt = None;
        if kept.issuer == self.signer.issuer() {
            let taken_back = Receipt::of(&claims_of(kept)?, Event::Withdrawn, now)?;
            receipt = Some(consent::issue_receipt(&taken_back, &self.signer)?);
        }
        Ok(self.store.withdraw(holder, &kept.jti, now, receipt.as_deref())?)
    }

    /// Brings what was withdrawn to the gate, each once, and tells it that it knows everything. To be called several times a
    /// second: a gate that has heard nothing for a second closes the products that need a consent.
    ///
    /// # Errors
    /// Of the store, or [`Error::Unrecorded`]: then the gate is told nothing, and closes them.
    pub fn feed(&self) -> Result<(), Error> {
        let mut fed = self.fed.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = self.control.now().minus(ENDED);
        if *fed == 0 {
            // At a start: what is left in the feed is what may still be asked for.
            self.feed.end_withdrawals(ended, ENDED_AT_ONCE)?;
        }
        loop {
            let batch = self.feed.withdrawn_after(*fed, ended, FEED_BATCH)?;
            let more = batch.len() == FEED_BATCH;
            for one in batch {
                if !self.gate.knows_withdrawn(&one.issuer, &one.jti) {
                    self.gate.withdraw(&one.issuer, &one.jti).map_err(|_| Error::Unrecorded)?;
                }
                *fed = one.seq;
            }
            if !more {
                self.gate.heard();
                return Ok(());
            }
        }
    }
}
