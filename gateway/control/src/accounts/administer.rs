//! Administering accounts: asked for by the role `sre`, and never one's own. What needs a second person is said in
//! [`super::requests`]; what the second person does is in [`super::decide`].

use serde_json::json;
use shuzha_core::{Code, Id, Role, Timestamp};
use shuzha_store::register::{Account, AccountRequest, Author, Effect, Link};

use super::profile::{
    Profile, changed_account, checked, checked_form, new_account, reset_one_time, reset_password,
};
use super::requests::{Handled, Kept, Wanted, is_simple};
use super::roles;
use super::{Accounts, conflict_is};
use crate::{Caller, Error, Page};

/// Longest name of an identity provider or of an identity there.
const LINK_BYTES_MAX: usize = 255;
/// Most accounts of one page.
const PAGE_MAX: usize = 200;

/// An account as it stands after an administrator's act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The account.
    pub account: Account,
    /// Until when the invitation holds that was sent to the person; none for a retry, and where none was sent.
    pub invited_until: Option<Timestamp>,
}

impl Accounts {
    /// Makes an account and invites the person, or asks a second person for it.
    ///
    /// # Errors
    /// C1104 without the role; C1004 where the name is taken; C1002 with every fault; C1114 for roles that one person may
    /// not hold; C1115 where nobody could be invited; C1116 where too many requests wait.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a profile is made for one request, and nobody keeps it"
    )]
    pub fn create(
        &self,
        caller: &Caller,
        name: &Id,
        profile: Profile,
        key: Option<&str>,
    ) -> Result<Handled<Made>, Error> {
        let by = self.administrator(caller)?;
        let asked = Self::asked(caller, key, &json!(["create", name.as_str(), profile.told()]))?;
        let make = |answer| {
            let account = self.checked_new(name, &profile)?;
            let first = self.is_first_authority(&by, &account)?;
            if !first && !is_simple(&by.organisation, &[&account]) {
                let wanted = Wanted::Create { profile: Kept::of(&profile) };
                return self.propose(by, name, &wanted, answer).map(Handled::Waits);
            }
            let issued = self.invite(&account, false)?;
            let mut effects = new_account(&account, profile.person_key);
            let until = issued.invitation.until;
            effects.push(Effect::Invite(issued.invitation));
            let mut writer = self.control.writer()?;
            // In the turn of the act: of two at once one is the first.
            let holds = !first || self.is_first_authority(&by, &account)?;
            let verb = if first { "create-first-authority" } else { "create" };
            let made = if holds {
                self.accept_in(&mut writer, by, verb, name, effects, answer)
            } else {
                Err(Code::C1111.into())
            };
            let version = made.map_err(conflict_is(Code::C1004)).inspect_err(|_| self.recall(name))?;
            Ok(Handled::Done(Made { account: Account { version, ..account }, invited_until: Some(until) }))
        };
        self.once(&asked, make, || self.again(caller, name, "create"))
    }

    /// Changes someone else's account, or asks a second person for it. Accounts are never removed, because their acts stay:
    /// they are closed. A change of roles, organisation or person, and a closing, end every sign-on.
    ///
    /// # Errors
    /// C1104 without the role; C1105 for one's own; C1003, C1005, C1006; C1002 with every fault; C1114, C1116; C1117 for
    /// closing the last open account of the authority.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a profile is made for one request, and nobody keeps it"
    )]
    pub fn change(
        &self,
        caller: &Caller,
        name: &Id,
        expected: Option<u64>,
        profile: Profile,
        key: Option<&str>,
    ) -> Result<Handled<Made>, Error> {
        let by = self.administrator_of_another(caller, name)?;
        let asked = Self::asked(caller, key, &json!(["change", name.as_str(), expected, profile.told()]))?;
        let change = |answer| {
            let before = self.control.register.account(name.as_str())?.ok_or(Code::C1003)?;
            let expected = expected.ok_or(Code::C1006)?;
            if expected != before.version {
                return Err(Code::C1005.into());
            }
            let account = self.checked_change(&before, &profile)?;
            // Another person is more than a closing.
            let kept = self.control.register.person_key(name)?;
            let only_closes = account.disabled
                && profile.person_key.is_none_or(|key| Some(key) == kept)
                && Account { disabled: true, ..before.clone() } == account;
            if !only_closes && !is_simple(&by.organisation, &[&before, &account]) {
                let wanted = Wanted::Change { profile: Kept::of(&profile), expected };
                return self.propose(by, name, &wanted, answer).map(Handled::Waits);
            }
            let mut writer = self.control.writer()?;
            self.leaves_an_authority(&before, &account)?;
            let effects = changed_account(&account, expected, profile.person_key);
            let version = self.accept_in(&mut writer, by, "change", name, effects, answer)?;
            Ok(Handled::Done(Made { account: Account { version, ..account }, invited_until: None }))
        };
        self.once(&asked, change, || self.again(caller, name, "change"))
    }

    /// Takes someone's password away, ends their sign-ons and invites them to set another; or asks a second person for it.
    ///
    /// # Errors
    /// C1104 without the role; C1105 for one's own; C1003; C1115, C1116.
    pub fn reset_password(
        &self,
        caller: &Caller,
        name: &Id,
        key: Option<&str>,
    ) -> Result<Handled<Made>, Error> {
        let by = self.administrator_of_another(caller, name)?;
        let account = self.control.register.account(name.as_str())?.ok_or(Code::C1003)?;
        let asked = Self::asked(caller, key, &json!(["reset-password", name.as_str()]))?;
        let reset = |answer| {
            if !is_simple(&by.organisation, &[&account]) {
                return self.propose(by, name, &Wanted::ResetPassword, answer).map(Handled::Waits);
            }
            let issued = self.invite(&account, false)?;
            let invited_until = Some(issued.invitation.until);
            let mut effects = reset_password(name);
            effects.push(Effect::Invite(issued.invitation));
            let done = self.accept_once(by, "reset-password", name, effects, answer);
            done.inspect_err(|_| self.recall(name))?;
            Ok(Handled::Done(Made { account: account.clone(), invited_until }))
        };
        self.once(&asked, reset, || self.again(caller, name, "reset-password"))
    }

    /// Takes the one-time codes of someone out of use whose device is lost, and ends their sign-ons; or asks a second
    /// person for it.
    ///
    /// # Errors
    /// C1104 without the role; C1105 for one's own; C1003; C1007 where none are in use; C1116.
    pub fn reset_one_time(&self, caller: &Caller, name: &Id) -> Result<Handled<Made>, Error> {
        let by = self.administrator_of_another(caller, name)?;
        let account = self.control.register.account(name.as_str())?.ok_or(Code::C1003)?;
        if !self.control.register.uses_one_time(name)? {
            return Err(Code::C1007.into());
        }
        if !is_simple(&by.organisation, &[&account]) {
            return self.propose(by, name, &Wanted::RemoveOneTimeCode, None).map(Handled::Waits);
        }
        self.accept(by, "one-time-remove", name, reset_one_time(name))?;
        Ok(Handled::Done(Made { account, invited_until: None }))
    }

    /// Asks a second person to let the identity `subject` of `issuer` sign on as an account, which is never made by signing
    /// on.
    ///
    /// # Errors
    /// C1104 without the role; C1105 for one's own; C1003; C1004 where the identity is linked already; C1002; C1116.
    pub fn link(
        &self,
        caller: &Caller,
        name: &Id,
        issuer: &str,
        subject: &str,
    ) -> Result<AccountRequest, Error> {
        let by = self.linking(caller, name, issuer, subject)?;
        if self.control.register.linked(issuer, subject)?.is_some() {
            return Err(Code::C1004.into());
        }
        let wanted = Wanted::Link { issuer: issuer.to_owned(), subject: subject.to_owned() };
        self.propose(by, name, &wanted, None)
    }

    /// Ends such a link, and the account's sign-ons.
    ///
    /// # Errors
    /// C1104 without the role; C1105 for one's own; C1003 where there is no such link; C1002.
    pub fn unlink(&self, caller: &Caller, name: &Id, issuer: &str, subject: &str) -> Result<(), Error> {
        let by = self.linking(caller, name, issuer, subject)?;
        let link = Link { issuer: issuer.to_owned(), subject: subject.to_owned(), account: name.clone() };
        let effects = vec![Effect::Unlink(link), Effect::EndSignOns(name.clone(), None)];
        self.accept(by, "unlink", name, effects).map(drop).map_err(conflict_is(Code::C1003))
    }

    fn linking(&self, caller: &Caller, name: &Id, issuer: &str, subject: &str) -> Result<Author, Error> {
        let by = self.administrator_of_another(caller, name)?;
        self.control.register.account(name.as_str())?.ok_or(Code::C1003)?;
        for (path, text) in [("issuer", issuer), ("subject", subject)] {
            if text.is_empty() || text.len() > LINK_BYTES_MAX {
                return Err(Error::fault(Code::C1002, path, format!("has 1 to {LINK_BYTES_MAX} bytes")));
            }
        }
        Ok(by)
    }

    /// One account: one's own, or any for administrators, auditors, the authority and the registrar.
    ///
    /// # Errors
    /// C1003 when there is none, or none that the caller may see.
    pub fn get(&self, caller: &Caller, name: &Id) -> Result<Account, Error> {
        if caller.account != *name && !sees_all(caller) {
            return Err(Code::C1003.into());
        }
        Ok(self.control.register.account(name.as_str())?.ok_or(Code::C1003)?)
    }

    /// Accounts in order of name.
    ///
    /// # Errors
    /// C1104 without a role that sees them.
    pub fn list(
        &self,
        caller: &Caller,
        organisation: Option<&Id>,
        after: Option<&Id>,
        limit: usize,
    ) -> Result<Page<Account, Id>, Error> {
        if !sees_all(caller) {
            return Err(Code::C1104.into());
        }
        let limit = limit.clamp(1, PAGE_MAX);
        let found = self.control.register.accounts(organisation, after, limit + 1)?;
        Ok(Page::cut(found, limit, |account| account.name.clone()))
    }

    /// Keeps a request for a second person, as an act.
    fn propose(
        &self,
        by: Author,
        account: &Id,
        wanted: &Wanted,
        answer: Option<shuzha_store::register::Answer>,
    ) -> Result<AccountRequest, Error> {
        let mut writer = self.control.writer()?;
        let (request, effect) = self.control.requested(&by, account, wanted)?;
        let verb = format!("request-{}", wanted.verb());
        self.accept_in(&mut writer, by, &verb, account, vec![effect], answer)?;
        Ok(request)
    }

    /// What a retry is answered with: the request that waits, or the account as it stands.
    fn again(&self, caller: &Caller, name: &Id, verb: &str) -> Result<Handled<Made>, Error> {
        let waiting =
            self.control.register.account_requests(Some(self.control.now()), None, usize::MAX >> 1)?;
        let mine = |request: &AccountRequest| {
            request.account == *name && request.by == caller.account && request.verb == verb
        };
        match waiting.into_iter().find(mine) {
            Some(request) => Ok(Handled::Waits(request)),
            None => {
                let account = self.control.register.account(name.as_str())?.ok_or(Code::C1003)?;
                Ok(Handled::Done(Made { account, invited_until: None }))
            }
        }
    }

    /// An account that does not exist yet, by every rule.
    pub(super) fn checked_new(&self, name: &Id, profile: &Profile) -> Result<Account, Error> {
        if self.control.register.account(name.as_str())?.is_some() {
            return Err(Code::C1004.into());
        }
        let account = checked(name, profile)?;
        self.fits_person(&account, profile.person_key)?;
        Ok(account)
    }

    /// An account as a change leaves it, by every rule. What only closes is always in order.
    pub(super) fn checked_change(&self, before: &Account, profile: &Profile) -> Result<Account, Error> {
        let mut account = checked_form(&before.name, profile)?;
        account.version = before.version;
        if account.disabled {
            return Ok(account);
        }
        let kept = self.control.register.person_key(&before.name)?;
        let (key, person) = (
            profile.person_key.or(kept),
            Profile { person_key: profile.person_key.or(kept), ..profile.clone() },
        );
        checked(&before.name, &person)?;
        self.fits_person(&account, key)?;
        Ok(account)
    }

    /// Whether the person may hold these roles beside what they hold already.
    fn fits_person(&self, account: &Account, key: Option<[u8; 32]>) -> Result<(), Error> {
        let others = match key {
            Some(key) => self.control.register.accounts_of_person(&key)?,
            None => Vec::new(),
        };
        let others: Vec<_> = others.into_iter().filter(|other| other.name != account.name).collect();
        roles::check(&account.roles, &others)
    }

    /// Whether this is the first account with the role `authority` that there ever was, for another organisation than the
    /// administrator's: nobody else is there to ask.
    fn is_first_authority(&self, by: &Author, account: &Account) -> Result<bool, Error> {
        let first = account.roles.contains(&Role::Authority) && account.organisation != by.organisation;
        Ok(first && !self.control.register.role_elsewhere(Role::Authority.as_str(), None)?)
    }

    /// Refuses to leave the register without anybody of the authority.
    pub(super) fn leaves_an_authority(&self, before: &Account, after: &Account) -> Result<(), Error> {
        let held = |account: &Account| !account.disabled && account.roles.contains(&Role::Authority);
        let last = held(before) && !held(after);
        if last && self.control.register.open_with_role(Role::Authority.as_str())? <= 1 {
            return Err(Code::C1117.into());
        }
        Ok(())
    }

    fn administrator(&self, caller: &Caller) -> Result<Author, Error> {
        let actor = caller.acting(&[Role::Sre])?;
        Ok(Author { account: actor.account, organisation: actor.organisation, role: actor.role })
    }

    /// Nobody administers an account of their own, under whatever name.
    fn administrator_of_another(&self, caller: &Caller, name: &Id) -> Result<Author, Error> {
        let by = self.administrator(caller)?;
        if self.control.same_person(&by.account, name)? { Err(Code::C1105.into()) } else { Ok(by) }
    }
}

fn sees_all(caller: &Caller) -> bool {
    [Role::Sre, Role::Auditor, Role::Authority, Role::Registrar].iter().any(|role| caller.is(*role))
}
