//! What finance and units do: soft-close, close, confirm, dispute, answer, post payments.

use shuzha_core::{Code, Fen, Id, Role, hex};
use shuzha_pricing::closing::{Closing, close};
use shuzha_pricing::ledger::{Account, Chart, Template, Transaction};
use shuzha_pricing::{Month, Overflow};
use shuzha_products::case::{Actor, Fault};
use shuzha_store::ledger::{BooksError, Period, PeriodState, Stand, Stated, StatementAct, Word};

use super::terms::{Instead, refused};
use super::{Finance, READERS, may_read};
use crate::{Caller, Error, act_log};

/// What a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// A unit pays ahead.
    Prepay,
    /// A prepaid balance pays a statement.
    Draw,
    /// A unit pays a statement.
    Pay,
    /// A party is paid its share.
    PayOut,
}

impl Payment {
    /// The payment of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match Template::from_name(name)? {
            Template::Prepay => Self::Prepay,
            Template::Draw => Self::Draw,
            Template::Pay => Self::Pay,
            Template::PayOut => Self::PayOut,
            _ => return None,
        })
    }

    fn accounts(self, of: &Id) -> (Template, Account, Account) {
        let (bank, one) = (Account::new(Chart::Bank, &[]), |chart| Account::new(chart, &[of]));
        match self {
            Self::Prepay => (Template::Prepay, bank, one(Chart::Prepaid)),
            Self::Draw => (Template::Draw, one(Chart::Prepaid), one(Chart::Receivable)),
            Self::Pay => (Template::Pay, bank, one(Chart::Receivable)),
            Self::PayOut => (Template::PayOut, one(Chart::SharePayable), bank),
        }
    }
}

impl Finance {
    /// Soft-closes a month that is over (软结): the first of two persons.
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
        let terms = self.terms(&Instead::new())?.terms;
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

    /// Posts a payment, once for its key.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1607 where the key names another transaction; C1608 for an amount of nothing or
    /// less; C1602 where the period is closed.
    pub fn pay(
        &self,
        caller: &Caller,
        payment: Payment,
        (key, of, amount, reason): (&str, &Id, Fen, &str),
    ) -> Result<Transaction, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        if amount <= Fen::ZERO {
            return Err(Error::fault(Code::C1608, "amount", "is nothing or less"));
        }
        let now = self.0.clock.now();
        let month = Month::of(now).map_err(|_| Code::C1602)?;
        let (template, debit, credit) = payment.accounts(of);
        let key = format!("{}/{of}/{key}", template.as_str());
        if let Some(before) = self.0.books.transaction(&key)? {
            let same = Transaction::simple(
                (template, key, before.period),
                reason.to_owned(),
                (debit, credit),
                amount,
            );
            return if same.map_err(too_much)? == before { Ok(before) } else { Err(Code::C1607.into()) };
        }
        let transaction =
            Transaction::simple((template, key, month), reason.to_owned(), (debit, credit), amount);
        let transaction = transaction.map_err(too_much)?;
        transaction.check().map_err(|why| Error::fault(Code::C1608, "", why.to_string()))?;
        let (verb, reason) = (template.as_str(), transaction.key.clone());
        let noted = Noted { verb, kind: "Payment", name: of.as_str(), reason };
        self.act(&actor, noted, || self.0.books.post(std::slice::from_ref(&transaction), now))?;
        Ok(transaction)
    }

    /// Takes a transaction back by its mirror (红冲), posted in the period that is open.
    ///
    /// # Errors
    /// C1003 where there is none of this key; C1104, C1106 without the role; C1607 where it was taken back for another
    /// reason.
    pub fn reverse(&self, caller: &Caller, key: &str, reason: &str) -> Result<Transaction, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let wrong = self.0.books.transaction(key)?.ok_or(Code::C1003)?;
        let now = self.0.clock.now();
        let month = Month::of(now).map_err(|_| Code::C1602)?;
        let back = wrong.mirrored(month, reason.to_owned());
        if let Some(before) = self.0.books.transaction(&back.key)? {
            return if before.reason == reason { Ok(before) } else { Err(Code::C1607.into()) };
        }
        back.check().map_err(|why| Error::fault(Code::C1608, "", why.to_string()))?;
        let noted = Noted { verb: "reverse", kind: "Payment", name: "ledger", reason: key.to_owned() };
        self.act(&actor, noted, || self.0.books.post(std::slice::from_ref(&back), now))?;
        Ok(back)
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
        done().map_err(|error| {
            let reason = format!("{verb}: {}", error.code());
            if self.record(actor, Noted { verb: "undone", kind, name, reason }).is_err() {
                tracing::error!(verb, kind, name, %error, "was not done, and the journal does not say so");
            }
            error.into()
        })
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
    let fault =
        |one: shuzha_pricing::closing::CloseFault| Fault { path: String::new(), reason: one.to_string() };
    refused(faults.into_iter().map(fault).collect())
}

fn too_much(_: Overflow) -> Error {
    Code::C1604.into()
}
