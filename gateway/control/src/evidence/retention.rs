//! What becomes of half-years (REQUIREMENTS H3): read by those who supervise and who run the nodes, sealed by one of them, destroyed by
//! two persons of whom the second is the authority's.

use shuzha_core::Fault;
use shuzha_core::{Code, Id, Role};
use shuzha_evidence::log::Shard;
use shuzha_products::case::Actor;
use shuzha_store::retention::{Asked, HalfYear, RetentionError};

use super::{Evidence, fault};
use crate::error::Refusal;
use crate::finance::may_read;
use crate::{Caller, Error, act_log};

/// Who sees half-years.
pub(super) const READERS: [Role; 3] = [Role::Auditor, Role::Authority, Role::Sre];
/// Who seals, and asks for a destruction.
const KEEPERS: [Role; 2] = [Role::Authority, Role::Sre];
/// Who decides a destruction.
const DECIDERS: [Role; 1] = [Role::Authority];

/// The kind of a half-year in acts.
const KIND: &str = "HalfYear";

impl Evidence {
    /// Every half-year, and what keeps it from being destroyed.
    ///
    /// # Errors
    /// C1104, C1106 without a role that sees them; of log, journal and stores.
    pub fn half_years(&self, caller: &Caller) -> Result<Vec<HalfYear>, Error> {
        may_read(caller, &READERS)?;
        // What was recorded and not noted yet would hold.
        self.parts.control.flush()?;
        self.parts.retention.plan(self.parts.clock.now()).map_err(refused)
    }

    /// One half-year.
    ///
    /// # Errors
    /// As [`Evidence::half_years`]; C1003 where there is none.
    pub fn half_year(&self, caller: &Caller, shard: Shard) -> Result<HalfYear, Error> {
        let found = self.half_years(caller)?.into_iter().find(|year| year.shard == shard);
        found.ok_or_else(|| Code::C1003.into())
    }

    /// Seals a half-year (封存).
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003; C1733 while it is written to; C1736 where it does not check; C090 where the act cannot be
    /// recorded; of files and stores.
    pub fn seal(&self, caller: &Caller, shard: Shard, reason: &str) -> Result<HalfYear, Error> {
        self.act(caller, &KEEPERS, ("seal", shard, reason), |asked| self.parts.retention.seal(shard, asked))
    }

    /// Asks for a destruction (销毁): the first of two persons.
    ///
    /// # Errors
    /// As [`Evidence::seal`]; C1733 with everything that holds it; C1735 where it is done.
    pub fn ask_destruction(&self, caller: &Caller, shard: Shard, reason: &str) -> Result<HalfYear, Error> {
        self.act(caller, &KEEPERS, ("destroy", shard, reason), |asked| self.parts.retention.ask(shard, asked))
    }

    /// Decides a destruction and carries it out: the second of two persons.
    ///
    /// # Errors
    /// As [`Evidence::ask_destruction`]; C1734 by whoever asked for it.
    pub fn confirm_destruction(
        &self,
        caller: &Caller,
        shard: Shard,
        reason: &str,
    ) -> Result<HalfYear, Error> {
        caller.acting(&DECIDERS)?;
        let waiting = self.half_year(caller, shard)?.destroyed.filter(|decided| decided.decision.is_none());
        if let Some(waiting) = waiting
            && self.parts.control.same_person(&waiting.asked.0, &caller.account)?
        {
            return Err(Code::C1734.into());
        }
        let confirm = |asked: Asked<'_>| self.parts.retention.confirm(shard, asked);
        self.act(caller, &DECIDERS, ("confirm", shard, reason), confirm)
    }

    /// Takes back what was asked for and not decided.
    ///
    /// # Errors
    /// As [`Evidence::seal`]; C1735 where nothing waits.
    pub fn withdraw_destruction(
        &self,
        caller: &Caller,
        shard: Shard,
        reason: &str,
    ) -> Result<HalfYear, Error> {
        let withdraw = |asked: Asked<'_>| self.parts.retention.withdraw(shard, asked.at);
        self.act(caller, &KEEPERS, ("withdraw", shard, reason), withdraw)
    }

    /// Records the act and does it.
    fn act(
        &self,
        caller: &Caller,
        roles: &[Role],
        (verb, shard, reason): (&str, Shard, &str),
        does: impl FnOnce(Asked<'_>) -> Result<HalfYear, RetentionError>,
    ) -> Result<HalfYear, Error> {
        let actor: Actor = caller.acting(roles)?;
        self.half_year(caller, shard)?;
        let means = (&*self.parts.log, &*self.parts.clock, &*self.parts.rng);
        act_log::record(means, &actor, verb, (KIND, &shard.to_string()), reason.to_owned())?;
        let by: &Id = &actor.account;
        does(Asked { by, at: self.parts.clock.now(), reason }).map_err(refused)
    }
}

fn refused(error: RetentionError) -> Error {
    let faults = |code, reasons: Vec<String>| {
        let faults = reasons.into_iter().map(|reason| Fault::new("", reason)).collect();
        Error::Refused(Refusal { code, faults, retry_after: None })
    };
    match error {
        RetentionError::Refused(code) => code.into(),
        RetentionError::Held(holds) => faults(Code::C1733, holds.iter().map(ToString::to_string).collect()),
        RetentionError::Finding(finding) => {
            tracing::error!(%finding, "a half-year of the evidence log does not check");
            faults(Code::C1736, vec![finding.to_string()])
        }
        RetentionError::Log(error) => fault(&error),
        RetentionError::Journal(error) => shuzha_store::StoreError::from(error).into(),
        RetentionError::Unrecorded => Error::Unrecorded,
        RetentionError::Store(error) => error.into(),
    }
}
