//! What finance and units do: soft-close, close, confirm, dispute, answer.

use shuzha_core::Fault;
use shuzha_core::{Code, Role, hex};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Closing, close};
use shuzha_products::case::Actor;
use shuzha_store::ledger::{BooksError, Period, PeriodState, Stand, Stated, StatementAct, Word};

use super::terms::{Instead, refused};
use super::{Finance, READERS, may_read};
use crate::{Caller, Error, act_log};

impl Finance {
    /// Soft-closes a month that is over (预结账): the first of two persons.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1602 where it is closed; C1611 before it is over; C090 where the act cannot be
    /// recorded.
    pub fn soft_close(&self, caller: &Caller, month: Month) -> Result<Period, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let now = self.0.clock.now();
        if self.0.books.period(month)?.state == PeriodState::Open && now >= month.end() {
            let name = month.to_string();
            let noted = Noted { verb: "soft-close", kind: "Period", name: &name, reason: String::new() };
            return self.act(&actor, noted, || self.0.books.soft_close(month, &actor.account, now));
        }
        Ok(self.0.books.soft_close(month, &actor.account, now)?)
    }

    /// Closes a period (结账): the second of two persons. Everything durable is gathered first; what follows is worked out
    /// from roll-ups and terms and stored whole. Trying works it out and stores nothing.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1600–C1603, C1605 where it may not be closed now; C1604 with every reason why it
    /// cannot be rated; C1606 where metering has a gap, or calls of the period came in meanwhile; C090 where the act cannot be recorded.
    pub fn close(&self, caller: &Caller, month: Month, dry_run: bool) -> Result<(Period, Closing), Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let (by, now, grace) = (&actor.account, self.0.clock.now(), self.0.grace);
        if !dry_run {
            self.0.books.may_close(month, by, now, grace)?;
            // Two accounts of one person are one.
            if let Some((soft_by, _)) = &self.0.books.period(month)?.soft
                && self.0.control.same_person(soft_by, by)?
            {
                return Err(Code::C1601.into());
            }
        }
        self.catch_up()?;
        let (closing, stand) = self.work_out(month)?;
        if dry_run {
            return Ok((self.0.books.period(month)?, closing));
        }
        let digest = format!("sha256:{}", hex::encode(&closing.digest));
        let noted = Noted { verb: "close", kind: "Period", name: &month.to_string(), reason: digest };
        let period = self.act(&actor, noted, || self.0.books.close(&closing, stand, (by, now, grace)))?;
        Ok((period, closing))
    }

    /// A close as it would be now, and what of the period it is of.
    pub(super) fn work_out(&self, month: Month) -> Result<(Closing, Stand), Error> {
        let from = self.0.books.gatherings(month)?;
        let terms = self.terms_of_month(month, &Instead::new())?.terms;
        let input = from.input(month, &terms);
        Ok((close(&input).map_err(unrated)?, from.stand))
    }

    /// Says something about a statement: its unit confirms or disputes, finance answers.
    ///
    /// # Errors
    /// C1003 where the caller sees no such statement; C1104, C1106 without the role; C1610 where its state does not allow
    /// it; C1002 for a dispute or answer without a reason.
    pub fn say(&self, caller: &Caller, number: &str, word: Word, reason: &str) -> Result<Stated, Error> {
        let stated = self.0.books.statement(number)?.ok_or(Code::C1003)?;
        let own = self.owns(caller, &stated.statement.unit)?;
        if !own && may_read(caller, &READERS).is_err() {
            return Err(Code::C1003.into());
        }
        let actor = match word {
            Word::Resolve => caller.acting(&[Role::Finance])?,
            Word::Confirm | Word::Dispute if own => caller.acting(&[Role::ApplicationUnit])?,
            Word::Confirm | Word::Dispute => return Err(Code::C1104.into()),
        };
        let act = StatementAct {
            word,
            account: actor.account.clone(),
            organisation: actor.organisation.clone(),
            at: self.0.clock.now(),
            reason: reason.to_owned(),
        };
        let (verb, name) = (word.as_str(), number.to_lowercase());
        let noted = Noted { verb, kind: "Statement", name: &name, reason: reason.to_owned() };
        self.act(&actor, noted, || self.0.books.say(number, &act))
    }

    /// Does what is recorded before it is done: nothing changes unrecorded. Where it then fails, that is recorded too, as
    /// `undone`; only a process that is killed in between leaves an act on record whose outcome the books alone tell.
    pub(super) fn act<T>(
        &self,
        actor: &Actor,
        noted: Noted<'_>,
        done: impl FnOnce() -> Result<T, BooksError>,
    ) -> Result<T, Error> {
        let Noted { verb, kind, name, .. } = noted;
        self.record(actor, noted)?;
        let done = done().map_err(|error| {
            let reason = format!("{verb}: {}", error.code());
            if self.record(actor, Noted { verb: "undone", kind, name, reason }).is_err() {
                tracing::error!(verb, kind, name, %error, "was not done, and the journal does not say so");
            }
            Error::from(error)
        })?;
        // What was paid can be spent before the answer leaves.
        self.follow_credit();
        Ok(done)
    }

    pub(super) fn record(&self, actor: &Actor, noted: Noted<'_>) -> Result<(), Error> {
        let means = (&*self.0.log, &*self.0.clock, &*self.0.rng);
        act_log::record(means, actor, noted.verb, (noted.kind, noted.name), noted.reason)
    }
}

/// What the journal says of an act: what was done, to what, why.
pub(super) struct Noted<'a> {
    pub(super) verb: &'a str,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
    pub(super) reason: String,
}

/// C1604 with every reason why a period cannot be rated.
pub(super) fn unrated(faults: Vec<shuzha_pricing::closing::CloseFault>) -> Error {
    let fault = |one: shuzha_pricing::closing::CloseFault| Fault::new("", one.to_string());
    refused(faults.into_iter().map(fault).collect())
}
