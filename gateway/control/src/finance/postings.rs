//! Money out and reversals: one person proposes, another natural person approves.

use shuzha_core::{Code, Fen, Id, Role};
use shuzha_pricing::ledger::Transaction;
use shuzha_store::ledger::{Booked, Posting, PostingProposal};

use super::Finance;
use super::acts::Noted;
use crate::{Caller, Error};

/// What is asked to be posted by two persons.
#[derive(Clone, Debug)]
pub struct PostingRequest {
    /// What it is.
    pub posting: Posting,
    /// The bank's reference; for a reversal, the key of the transaction to be taken back.
    pub key: String,
    /// Why.
    pub reason: String,
}

impl PostingRequest {
    /// The posting of this name: `of` whom `amount` is paid, neither for a reversal.
    #[must_use]
    pub fn posting(name: &str, paid: Option<(Id, Fen)>) -> Option<Posting> {
        match (name, paid) {
            ("pay-out", Some((of, amount))) => Some(Posting::PayOut(of, amount)),
            ("refund", Some((of, amount))) => Some(Posting::Refund(of, amount)),
            ("reverse", None) => Some(Posting::Reverse),
            _ => None,
        }
    }
}

/// The reference that a posting is booked by at the bank; a reversal has none of its own.
fn reference<'a>(posting: &Posting, key: &'a str) -> Option<&'a str> {
    (*posting != Posting::Reverse).then_some(key)
}

impl Finance {
    /// Proposes to pay money out, or to take a payment back (红冲): the first of two persons. What could not be posted now
    /// is refused now.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003 where there is no transaction to be taken back; C1602 where the period is
    /// closed; C1607 where it was taken back; C1608 for an amount of nothing or less; C1617 for more than is due; C1618 for
    /// more than was prepaid and is left; C1619 where the bank's reference is booked; C1620 where there is no such party;
    /// C1621 for what is no payment; C090 where the act cannot be recorded.
    pub fn propose_posting(&self, caller: &Caller, asked: &PostingRequest) -> Result<PostingProposal, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let (posting, key, reason) = (&asked.posting, asked.key.trim(), asked.reason.as_str());
        let transaction = self.posting(posting, (key, reason))?;
        self.books().bookable(Booked { transaction: &transaction, reference: reference(posting, key) })?;
        let at = self.0.clock.now();
        let noted = Noted {
            verb: "propose-posting",
            kind: "Payment",
            name: name_of(posting),
            reason: transaction.key,
        };
        self.act(&actor, noted, || self.books().propose_posting((posting, key, reason), (&actor.account, at)))
    }

    /// Approves a proposed posting: the second person. It is judged anew and posted, or nothing is.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003 where there is none of this number; C1614 for who proposed it; C1622 where it is
    /// decided; otherwise as [`Self::propose_posting`].
    pub fn approve_posting(
        &self,
        caller: &Caller,
        number: u64,
    ) -> Result<(PostingProposal, Transaction), Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let proposed = self.undecided(number)?;
        if self.0.control.same_person(&proposed.proposed.0, &actor.account)? {
            return Err(Code::C1614.into());
        }
        let PostingProposal { posting, key, reason, .. } = &proposed;
        let transaction = self.posting(posting, (key, reason))?;
        let booked = Booked { transaction: &transaction, reference: reference(posting, key) };
        self.books().bookable(booked)?;
        let at = self.0.clock.now();
        let said = format!("{number} {}", transaction.key);
        let noted = Noted { verb: "approve-posting", kind: "Payment", name: name_of(posting), reason: said };
        let decided =
            self.act(&actor, noted, || self.books().approve_posting(number, booked, (&actor.account, at)))?;
        Ok((decided, transaction))
    }

    /// Declines a proposed posting, or withdraws one's own: nothing is posted.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003 where there is none of this number; C1622 where it is decided; C090.
    pub fn decline_posting(&self, caller: &Caller, number: u64) -> Result<PostingProposal, Error> {
        let actor = caller.acting(&[Role::Finance])?;
        let proposed = self.undecided(number)?;
        let at = self.0.clock.now();
        let name = name_of(&proposed.posting);
        let noted = Noted { verb: "decline-posting", kind: "Payment", name, reason: number.to_string() };
        self.act(&actor, noted, || self.books().decline_posting(number, (&actor.account, at)))
    }

    /// Every proposed posting, the latest first.
    ///
    /// # Errors
    /// C1104, C1106 without the role, or of the books.
    pub fn posting_proposals(&self, caller: &Caller) -> Result<Vec<PostingProposal>, Error> {
        self.reader(caller)?;
        Ok(self.books().posting_proposals()?)
    }

    fn undecided(&self, number: u64) -> Result<PostingProposal, Error> {
        let found = self.books().posting_proposal(number)?.ok_or(Code::C1003)?;
        if found.decision.is_some() { Err(Code::C1622.into()) } else { Ok(found) }
    }
}

/// Whom the act is about.
fn name_of(posting: &Posting) -> &str {
    posting.paid().map_or("ledger", |(of, _)| of.as_str())
}
