//! Payments that one person books: money that came in, and prepayments drawn for statements.

use shuzha_core::{Code, Fen, Id, Role};
use shuzha_pricing::ledger::{Account, Chart, Template, Transaction};
use shuzha_pricing::{Month, Overflow};
use shuzha_store::ledger::{Booked, Posting};

use super::Finance;
use super::acts::Noted;
use crate::{Caller, Error};

/// What a payment is that one person books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payment {
    /// A unit pays ahead.
    Prepay,
    /// A prepaid balance pays a statement.
    Draw,
    /// A unit pays a statement.
    Pay,
}

impl Payment {
    /// The payment of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "prepay" => Self::Prepay,
            "draw" => Self::Draw,
            "pay" => Self::Pay,
            _ => return None,
        })
    }

    const fn template(self) -> Template {
        match self {
            Self::Prepay => Template::Prepay,
            Self::Draw => Template::Draw,
            Self::Pay => Template::Pay,
        }
    }
}

/// Debit and credit of a payment of one unit or party.
fn accounts(template: Template, of: &Id) -> Result<(Account, Account), Error> {
    let (bank, one) = (Account::new(Chart::Bank, &[]), |chart| Account::new(chart, &[of]));
    Ok(match template {
        Template::Prepay => (bank, one(Chart::Prepaid)),
        Template::Draw => (one(Chart::Prepaid), one(Chart::Receivable)),
        Template::Pay => (bank, one(Chart::Receivable)),
        Template::PayOut => (one(Chart::SharePayable), bank),
        Template::Refund => (one(Chart::Prepaid), bank),
        _ => return Err(Code::C1608.into()),
    })
}

/// A payment with its key, in the month of now.
pub(super) struct Drafted {
    pub(super) transaction: Transaction,
    /// Whether the very same is posted and stands.
    pub(super) posted: bool,
}

impl Finance {
    /// Books a payment, once for its key.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1602 where the period is closed; C1607 where the key names another payment; C1608
    /// for an amount of nothing or less; C1617 for more than is due; C1618 for more than was prepaid; C1619 where the bank's
    /// reference is booked; C1620 where there is no such unit.
    pub fn pay(
        &self,
        caller: &Caller,
        payment: Payment,
        (key, of, amount, reason): (&str, &Id, Fen, &str),
    ) -> Result<Transaction, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let template = payment.template();
        let Drafted { transaction, posted } = self.drafted(template, (key, of, amount, reason))?;
        if posted {
            return Ok(transaction);
        }
        let reference = (payment != Payment::Draw).then_some(key.trim());
        let booked = Booked { transaction: &transaction, reference };
        // Refused before it is on record; judged again in the step that posts it.
        self.0.books.bookable(booked)?;
        let noted = Noted {
            verb: template.as_str(),
            kind: "Payment",
            name: of.as_str(),
            reason: transaction.key.clone(),
        };
        self.act(&actor, noted, || self.0.books.book(booked, self.0.clock.now()))?;
        Ok(transaction)
    }

    /// The transaction of a payment. The key of one that was taken back is numbered on, so that the reference can be booked
    /// again as it should have been.
    pub(super) fn drafted(
        &self,
        template: Template,
        (reference, of, amount, reason): (&str, &Id, Fen, &str),
    ) -> Result<Drafted, Error> {
        if amount <= Fen::ZERO {
            return Err(Error::fault(Code::C1608, "amount", "is nothing or less"));
        }
        let kind = if template == Template::PayOut { "Organisation" } else { "ApplicationUnit" };
        if self.0.control.register().get(kind, of.as_str())?.is_none() {
            return Err(Error::fault(Code::C1620, "of", format!("is no {kind} of the register")));
        }
        let month = Month::of(self.0.clock.now()).map_err(|_| Code::C1602)?;
        let (name, reference) = (template.as_str(), reference.trim());
        let drafted = |key: String, period| {
            let of = accounts(template, of)?;
            Transaction::simple((template, key, period), reason.to_owned(), of, amount).map_err(too_much)
        };
        let mut key = format!("{name}/{of}/{reference}");
        let mut time = 1_u64;
        while let Some(before) = self.0.books.transaction(&key)? {
            if !self.0.books.taken_back(&key)? {
                let transaction = drafted(key, before.period)?;
                return if transaction == before {
                    Ok(Drafted { transaction, posted: true })
                } else {
                    Err(Code::C1607.into())
                };
            }
            time += 1;
            key = format!("{name}.{time}/{of}/{reference}");
        }
        let transaction = drafted(key, month)?;
        transaction.check().map_err(|why| Error::fault(Code::C1608, "", why.to_string()))?;
        Ok(Drafted { transaction, posted: false })
    }

    /// The transaction of a proposed posting, as it would be posted now.
    pub(super) fn posting(
        &self,
        posting: &Posting,
        (key, reason): (&str, &str),
    ) -> Result<Transaction, Error> {
        let (template, (of, amount)) = match posting {
            Posting::PayOut(of, amount) => (Template::PayOut, (of, *amount)),
            Posting::Refund(of, amount) => (Template::Refund, (of, *amount)),
            Posting::Reverse => return self.reversal(key, reason),
        };
        let drafted = self.drafted(template, (key, of, amount, reason))?;
        if drafted.posted { Err(Code::C1619.into()) } else { Ok(drafted.transaction) }
    }

    /// The mirror of a payment (红冲), posted in the period that is open.
    fn reversal(&self, key: &str, reason: &str) -> Result<Transaction, Error> {
        let wrong = self.0.books.transaction(key)?.ok_or(Code::C1003)?;
        let payment = matches!(
            wrong.template,
            Template::Prepay | Template::Draw | Template::Pay | Template::PayOut | Template::Refund
        );
        if !payment || wrong.corrects.is_some() {
            return Err(Code::C1621.into());
        }
        let month = Month::of(self.0.clock.now()).map_err(|_| Code::C1602)?;
        let back = wrong.mirrored(month, reason.to_owned());
        back.check().map_err(|why| Error::fault(Code::C1608, "", why.to_string()))?;
        Ok(back)
    }
}

fn too_much(_: Overflow) -> Error {
    Code::C1604.into()
}
