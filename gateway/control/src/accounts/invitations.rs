//! Invitations: one-time links by which persons set their own passwords. An administrator never learns a password, and
//! where a second person confirmed, the link is no use without the code that this person hands over.

use shuzha_core::{Code, Id, Timestamp};
use shuzha_store::register::{Account, Effect, Invitation, OneTimeSecret};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::one_time::{Enrolment, SECRET_BYTES, enrolment, folded, matching_step};
use super::sign_on::{By, Started};
use super::{Accounts, author, conflict_is, hash, password};
use crate::Error;

/// Wrong codes after which an invitation is dead.
const FAILURES_MAX: u32 = 5;
/// Bytes of the code that the confirming person hands over: 50 bits and more, read out in two groups.
const CODE_BYTES: usize = 10;

/// An invitation on its way to a person.
#[derive(Clone, Copy)]
pub struct Letter<'a> {
    /// The account.
    pub account: &'a Id,
    /// The person's name.
    pub person: &'a str,
    /// Their organisation.
    pub organisation: &'a Id,
    /// What opens the invitation: a secret.
    pub token: &'a str,
    /// Until when it holds.
    pub until: Timestamp,
    /// Whether the person needs a code beside it, from whoever confirmed.
    pub needs_code: bool,
}

impl std::fmt::Debug for Letter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("account", &self.account).finish_non_exhaustive()
    }
}

/// An invitation could not be sent on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the invitation could not be delivered")]
pub struct Undelivered;

/// How invitations reach persons. May take some time; nothing waits for it but the request.
pub trait Deliver: Send + Sync + 'static {
    /// Sends an invitation on its way, in place of an earlier one of the account.
    ///
    /// # Errors
    /// [`Undelivered`]; then nobody is invited.
    fn deliver(&self, letter: &Letter<'_>) -> Result<(), Undelivered>;

    /// The account's invitation is of no use any more.
    fn recall(&self, account: &Id);
}

/// An invitation that was opened.
#[derive(Debug)]
pub struct Opened {
    /// Whose.
    pub account: Account,
    /// Until when it holds.
    pub until: Timestamp,
    /// What the person sets a device up with, where a role demands one-time codes.
    pub enrolment: Option<Enrolment>,
}

/// An invitation that was accepted; the person is signed on.
pub struct Accepted {
    /// The sign-on.
    pub started: Started,
    /// Recovery codes, each good once, where a device was set up; shown once.
    pub recovery_codes: Vec<Zeroizing<String>>,
}

impl std::fmt::Debug for Accepted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accepted").field("started", &self.started).finish_non_exhaustive()
    }
}

/// An invitation that was made, with what is told of it to whom.
pub(super) struct Issued {
    pub(super) invitation: Invitation,
    /// For the second person's eyes alone.
    pub(super) code: Option<Zeroizing<String>>,
}

impl Accounts {
    /// Makes an invitation for an account and sends it on its way, before the act that makes it good: no act waits for a
    /// delivery, and what was sent for nothing opens nothing.
    ///
    /// # Errors
    /// C1115 where it could not be sent.
    pub(super) fn invite(&self, account: &Account, with_code: bool) -> Result<Issued, Error> {
        let (token, hash_of_token) = self.secret("");
        let until = self.control.now().plus(self.options.invitation_life);
        let code = with_code.then(|| {
            let text = Zeroizing::new(super::one_time::base32(&self.control.random::<CODE_BYTES>()));
            Zeroizing::new(format!("{}-{}-{}-{}", &text[..4], &text[4..8], &text[8..12], &text[12..]))
        });
        let letter = Letter {
            account: &account.name,
            person: &account.person,
            organisation: &account.organisation,
            token: &token,
            until,
            needs_code: with_code,
        };
        let deliver = self.deliver.as_ref().ok_or(Code::C1115)?;
        deliver.deliver(&letter).map_err(|error| {
            tracing::error!(%error, account = account.name.as_str(), "nobody was invited");
            Error::from(Code::C1115)
        })?;
        let code_hash = code.as_ref().map(|code| hash(&folded(code)));
        let account = account.name.clone();
        let invitation = Invitation { account, hash: hash_of_token, code_hash, until, failures: 0 };
        Ok(Issued { invitation, code })
    }

    /// What was sent is of no use.
    pub(super) fn recall(&self, account: &Id) {
        if let Some(deliver) = &self.deliver {
            deliver.recall(account);
        }
    }

    /// Opens an invitation: says whose it is, and what a device is set up with where one is needed.
    ///
    /// # Errors
    /// C1113 when link or code are not right, or not any more.
    pub fn open_invitation(&self, token: &str, code: Option<&str>) -> Result<Opened, Error> {
        let (invitation, account) = self.held(token, code)?;
        let enrolment = match self.fresh_secret(&invitation, &account)? {
            Some(secret) => Some(enrolment(&account.name, secret.expose())),
            None => None,
        };
        Ok(Opened { account, until: invitation.until, enrolment })
    }

    /// Accepts an invitation: the person's own password, and the first code of their device where one is needed. Ends every
    /// earlier sign-on of the account, and signs on.
    ///
    /// # Errors
    /// C1113 when link or code are not right, or not any more; C1107 for the password; C1002 without a one-time code where
    /// one is needed, C1102 for a wrong one; C092.
    pub fn accept_invitation(
        &self,
        token: &str,
        code: Option<&str>,
        chosen: &str,
        one_time: Option<&str>,
    ) -> Result<Accepted, Error> {
        let (invitation, account) = self.held(token, code)?;
        password::check(&account, chosen)?;
        let name = &account.name;
        let mut effects = vec![Effect::TakeInvitation(invitation.hash)];
        let (mut recovery_codes, mut step) = (Vec::new(), None);
        if let Some(secret) = self.fresh_secret(&invitation, &account)? {
            let text = one_time.ok_or_else(|| Error::fault(Code::C1002, "oneTimeCode", "is missing"))?;
            // Guesses count as those at the other code do.
            if !self.control.register.try_invitation(&invitation.hash, FAILURES_MAX)? {
                return Err(Code::C1113.into());
            }
            step = matching_step(secret.expose(), text, self.control.now());
            if step.is_none() {
                return Err(Code::C1102.into());
            }
            let sealed = OneTimeSecret::seal(&self.master, &*self.control.rng, name, secret.expose())?;
            let (codes, hashes) = self.recovery_codes();
            recovery_codes = codes;
            effects.push(Effect::OneTime(sealed));
            effects.push(Effect::ConfirmOneTime(name.clone()));
            effects.push(Effect::RecoveryCodes(name.clone(), hashes));
        }
        let turn = self.turns.take()?;
        effects.push(Effect::Password(self.hashed(name, chosen, false)));
        drop(turn);
        effects.push(Effect::EndSignOns(name.clone(), None));
        let accepted = self.accept(author(&account), "accept-invitation", name, effects);
        accepted.map_err(conflict_is(Code::C1113))?;
        if let Some(step) = step {
            self.control.register.take_step(name, step)?;
        }
        self.recall(name);
        let epoch = self.control.register.epoch(name)?.ok_or(Code::C1113)?;
        let started = self.begin(account, By::Password { temporary: false }, epoch)?;
        Ok(Accepted { started, recovery_codes })
    }

    /// The invitation that a link and a code open, and its account.
    fn held(&self, token: &str, code: Option<&str>) -> Result<(Invitation, Account), Error> {
        let register = &self.control.register;
        let not = || Error::from(Code::C1113);
        let found = register.invitation(&hash(token))?;
        let invitation = found.filter(|found| self.control.now() < found.until).ok_or_else(|| {
            self.note_failure(None, Code::C1113);
            not()
        })?;
        let account = register.account(invitation.account.as_str())?;
        let account = account.filter(|account| !account.disabled).ok_or_else(not)?;
        if let Some(expected) = &invitation.code_hash {
            // Counted before it is compared.
            let tried = register.try_invitation(&invitation.hash, FAILURES_MAX)?;
            let given = hash(&folded(code.unwrap_or_default()));
            if !tried || !bool::from(given.ct_eq(expected)) {
                self.note_failure(Some(&account), Code::C1113);
                return Err(not());
            }
            register.right_code(&invitation.hash)?;
        } else if invitation.failures >= FAILURES_MAX {
            return Err(not());
        }
        Ok((invitation, account))
    }

    /// The secret that a device is set up with, where a role demands one and none is in use; the same for each opening.
    fn fresh_secret(
        &self,
        invitation: &Invitation,
        account: &Account,
    ) -> Result<Option<shuzha_store::Secret>, Error> {
        if !self.must_enrol(account)? {
            return Ok(None);
        }
        let fresh = Zeroizing::new(self.control.random::<SECRET_BYTES>());
        let (master, rng) = (&*self.master, &*self.control.rng);
        Ok(Some(self.control.register.invitation_secret(master, rng, invitation, &*fresh)?))
    }
}
