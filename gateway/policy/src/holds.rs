//! Scarce things taken by a call: consent uses, privacy budget, quota, money, a place among concurrent calls.
//!
//! One mechanism for all (DESIGN §4): an authority grants, a holder spends, the journal proves. A [`Hold`] is
//! posted or voided exactly once; there is no third outcome, because dropping it is one of the two.

pub(crate) mod budget;
pub(crate) mod consent;
pub(crate) mod drawn;
pub(crate) mod grant;
pub(crate) mod purse;

pub(crate) use budget::BudgetLedger;
pub(crate) use consent::{Bounds as ConsentBounds, ConsentLedger, Consents};
pub(crate) use drawn::DrawnLedger;
pub(crate) use grant::GrantLedger;
pub(crate) use purse::{CountKey, Ordered, PurseLedger};

use shuzha_core::MicroYuan;

use crate::snapshot::ConcurrencyPermit;

/// An authority over something scarce, in memory, rebuilt from the journal's projection at start.
pub(crate) trait Authority {
    /// Names what was taken.
    type Token;

    /// What was held is spent.
    fn post(&self, token: &Self::Token);

    /// What was held is given back.
    fn void(&self, token: &Self::Token);
}

/// Something held. Dropping it voids it, unless it was told that what it holds is spent by now.
pub(crate) struct Hold<'e, A: Authority> {
    authority: &'e A,
    token: A::Token,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Void,
    Post,
}

impl<'e, A: Authority> Hold<'e, A> {
    /// Only an authority makes holds, after it has noted the token as held.
    fn new(authority: &'e A, token: A::Token) -> Self {
        Self { authority, token, fate: Fate::Void }
    }

    /// From here on the thing counts as spent whatever happens: the request is on its way (no refund oracle).
    pub(crate) fn spend_on_drop(&mut self) {
        self.fate = Fate::Post;
    }

    /// Nothing was sent after all: dropping gives the thing back.
    pub(crate) fn void_on_drop(&mut self) {
        self.fate = Fate::Void;
    }

    /// Spends it now.
    #[cfg(test)]
    pub(crate) fn post(mut self) {
        self.fate = Fate::Post;
    }

    /// What is held.
    pub(crate) fn token(&self) -> &A::Token {
        &self.token
    }
}

impl<A: Authority> Drop for Hold<'_, A> {
    fn drop(&mut self) {
        match self.fate {
            Fate::Void => self.authority.void(&self.token),
            Fate::Post => self.authority.post(&self.token),
        }
    }
}

/// Everything one call holds.
#[derive(Default)]
pub(crate) struct Holds<'e> {
    /// One use of a consent.
    pub(crate) consent: Option<Hold<'e, ConsentLedger>>,
    /// A privacy charge.
    pub(crate) charge: Option<Hold<'e, BudgetLedger>>,
    /// One call of the grant's quota, and its place among the concurrent calls.
    pub(crate) quota: Option<Hold<'e, GrantLedger>>,
    /// Answers of an operation of which only so many may be had.
    pub(crate) drawn: Option<Hold<'e, DrawnLedger>>,
    /// A permit among the operation's calls at once.
    pub(crate) permit: Option<ConcurrencyPermit<'e>>,
    /// The most the call may cost.
    pub(crate) money: Option<Hold<'e, PurseLedger>>,
}

impl Holds<'_> {
    /// The intent is in the journal and the request is about to leave: ε and consent use are spent from here on.
    pub(crate) fn dispatching(&mut self) {
        if let Some(hold) = &mut self.consent {
            hold.spend_on_drop();
        }
        if let Some(hold) = &mut self.charge {
            hold.spend_on_drop();
        }
    }

    /// The record of an answer at `amount` is with the journal: money and quota are spent.
    pub(crate) fn recorded(&mut self, amount: MicroYuan) {
        if let Some(hold) = &mut self.money {
            hold.spend_amount_on_drop(amount);
        }
        if let Some(hold) = &mut self.quota {
            hold.spend_on_drop();
        }
        if let Some(hold) = &mut self.drawn {
            hold.spend_on_drop();
        }
    }

    /// The record did not reach the disk: nobody pays for an answer that does not leave.
    pub(crate) fn not_recorded(&mut self) {
        if let Some(hold) = &mut self.money {
            hold.void_on_drop();
        }
        if let Some(hold) = &mut self.quota {
            hold.void_on_drop();
        }
        if let Some(hold) = &mut self.drawn {
            hold.void_on_drop();
        }
    }

    /// Nothing reached the product service: everything goes back.
    pub(crate) fn not_dispatched(&mut self) {
        if let Some(hold) = &mut self.consent {
            hold.void_on_drop();
        }
        if let Some(hold) = &mut self.charge {
            hold.void_on_drop();
        }
    }
}
