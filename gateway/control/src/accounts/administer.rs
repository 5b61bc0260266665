//! Administering accounts: by the role `sre`, and never one's own.

use serde_json::{Value, json};
use shuzha_core::{Code, Id, Role, text};
use shuzha_products::case::Fault;
use shuzha_store::register::{Account, Author, Effect, Link};
use zeroize::Zeroizing;

use super::{Accounts, author, conflict_is, hash, password};
use crate::error::Refusal;
use crate::{Caller, Error, Page};

/// Longest name of a person in characters.
const PERSON_CHARS_MAX: usize = 100;

/// Longest name of an identity provider or of an identity there.
const LINK_BYTES_MAX: usize = 255;

/// Most accounts of one page.
const PAGE_MAX: usize = 200;

/// Who a person is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The organisation they act for.
    pub organisation: Id,
    /// The person's name.
    pub person: String,
    /// What they may act as.
    pub roles: Vec<Role>,
    /// Whether signing on is closed to them.
    pub disabled: bool,
}

/// An account that was just made; its password is shown once.
pub struct NewAccount {
    /// The account.
    pub account: Account,
    /// Its first password, to be changed at the first sign-on; none for a retry, because it was shown before.
    pub password: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAccount").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Profile {
    /// All of it, by which a retry is known.
    fn told(&self) -> Value {
        let roles: Vec<_> = self.roles.iter().map(|role| role.as_str()).collect();
        json!([self.organisation.as_str(), self.person, roles, self.disabled])
    }
}

impl Accounts {
    /// Makes the token by which the first administrator makes their account, to be printed where only the operator of the
    /// machine reads it. A new one takes the place of the last. None once there is an account.
    ///
    /// # Errors
    /// Of the register.
    pub fn first_token(&self) -> Result<Option<Zeroizing<String>>, Error> {
        if self.control.register.account_count()? > 0 {
            return Ok(None);
        }
        let (text, hash) = self.secret("");
        let until = self.control.now().plus(self.options.first_token_life);
        self.control.register.put_first_token(&hash, until)?;
        Ok(Some(text))
    }

    /// Makes the first account, with the role `sre`. `source` is the caller's address, for the lock-out.
    ///
    /// # Errors
    /// C1102 when the token is not the one that holds; C1103 after too many tries; C1107, C1002 for what was chosen.
    pub fn create_first(
        &self,
        token: &str,
        name: &Id,
        organisation: &Id,
        person: &str,
        chosen: &str,
        source: &str,
    ) -> Result<Account, Error> {
        let source = format!("from {source}");
        self.unlocked(&[&source])?;
        let hash = hash(token);
        let holds = self.control.register.first_token(&hash)?.is_some_and(|until| self.control.now() < until);
        if !holds || self.control.register.account_count()? > 0 {
            self.failed(&[&source])?;
            return Err(Code::C1102.into());
        }
        let profile = Profile {
            organisation: organisation.clone(),
            person: person.to_owned(),
            roles: vec![Role::Sre],
            disabled: false,
        };
        let mut account = checked(name, profile)?;
        password::check(&account, chosen)?;
        let effects = vec![
            Effect::FirstToken(hash),
            Effect::Account { account: account.clone(), expected: None },
            Effect::Password(self.hashed(name, chosen, false)),
        ];
        let made = self.accept(author(&account), "create-first", name, effects);
        account.version = made.map_err(conflict_is(Code::C1102))?;
        Ok(account)
    }

    /// Makes an account.
    ///
    /// # Errors
    /// C1104 without the role; C1004 where the name is taken; C1002 with every fault.
    pub fn create(
        &self,
        caller: &Caller,
        name: &Id,
        profile: Profile,
        key: Option<&str>,
    ) -> Result<NewAccount, Error> {
        let by = self.administrator(caller)?;
        let asked = Self::asked(caller, key, &json!(["create", name.as_str(), profile.told()]))?;
        let mut account = checked(name, profile)?;
        let make = |answer| {
            let password = self.temporary_password();
            let effects = vec![
                Effect::Account { account: account.clone(), expected: None },
                Effect::Password(self.hashed(name, &password, true)),
            ];
            let made = self.accept_once(by, "create", name, effects, answer);
            account.version = made.map_err(conflict_is(Code::C1004))?;
            Ok(NewAccount { account, password: Some(password) })
        };
        self.once(&asked, make, || Ok(NewAccount { account: self.get(caller, name)?, password: None }))
    }

    /// Changes someone else's account. Accounts are never removed, because their acts stay: they are disabled.
    ///
    /// # Errors
    /// C1104 without the role; C1105 for one's own; C1003, C1005, C1006; C1002 with every fault.
    pub fn change(
        &self,
        caller: &Caller,
        name: &Id,
        expected: Option<u64>,
        profile: Profile,
        key: Option<&str>,
    ) -> Result<Account, Error> {
        let by = self.administrator(caller)?;
        if by.account == *name {
            return Err(Code::C1105.into());
        }
        let asked = Self::asked(caller, key, &json!(["change", name.as_str(), expected, profile.told()]))?;
        let change = |answer| {
            let before = self.control.register.account(name.as_str())?.ok_or(Code::C1003)?;
            let expected = expected.ok_or(Code::C1006)?;
            if expected != before.version {
                return Err(Code::C1005.into());
            }
            let mut account = checked(name, profile)?;
            let effects = vec![Effect::Account { account: account.clone(), expected: Some(expected) }];
            account.version = self.accept_once(by, "change", name, effects, answer)?;
            Ok(account)
        };
        self.once(&asked, change, || self.get(caller, name))
    }

    /// Gives someone else a new password, to be changed at their next sign-on; ends their sessions. None for a retry, because it
    /// was shown before.
    ///
    /// # Errors
    /// C1104 without the role; C1105 for one's own; C1003.
    pub fn reset_password(
        &self,
        caller: &Caller,
        name: &Id,
        key: Option<&str>,
    ) -> Result<Option<Zeroizing<String>>, Error> {
        let by = self.administrator(caller)?;
        if by.account == *name {
            return Err(Code::C1105.into());
        }
        self.control.register.account(name.as_str())?.ok_or(Code::C1003)?;
        let asked = Self::asked(caller, key, &json!(["reset-password", name.as_str()]))?;
        let reset = |answer| {
            let password = self.temporary_password();
            let effects = vec![Effect::Password(self.hashed(name, &password, true))];
            self.accept_once(by, "reset-password", name, effects, answer)?;
            Ok(Some(password))
        };
        self.once(&asked, reset, || Ok(None))
    }

    /// Lets the identity `subject` of `issuer` sign on as an account, which is never made by signing on.
    ///
    /// # Errors
    /// C1104 without the role; C1105 for one's own; C1003; C1004 where the identity is linked already; C1002.
    pub fn link(&self, caller: &Caller, name: &Id, issuer: &str, subject: &str) -> Result<(), Error> {
        self.linking(caller, name, issuer, subject, "link", Effect::Link, Code::C1004)
    }

    /// Ends such a link.
    ///
    /// # Errors
    /// As [`Accounts::link`]; C1003 where there is no such link.
    pub fn unlink(&self, caller: &Caller, name: &Id, issuer: &str, subject: &str) -> Result<(), Error> {
        self.linking(caller, name, issuer, subject, "unlink", Effect::Unlink, Code::C1003)
    }

    #[expect(clippy::too_many_arguments, reason = "the two callers above differ in the last three")]
    fn linking(
        &self,
        caller: &Caller,
        name: &Id,
        issuer: &str,
        subject: &str,
        verb: &str,
        effect: fn(Link) -> Effect,
        otherwise: Code,
    ) -> Result<(), Error> {
        let by = self.administrator(caller)?;
        if by.account == *name {
            return Err(Code::C1105.into());
        }
        self.control.register.account(name.as_str())?.ok_or(Code::C1003)?;
        for (path, text) in [("issuer", issuer), ("subject", subject)] {
            if text.is_empty() || text.len() > LINK_BYTES_MAX {
                return Err(Error::fault(Code::C1002, path, format!("has 1 to {LINK_BYTES_MAX} bytes")));
            }
        }
        let link = Link { issuer: issuer.to_owned(), subject: subject.to_owned(), account: name.clone() };
        self.accept(by, verb, name, vec![effect(link)]).map(drop).map_err(conflict_is(otherwise))
    }

    /// One account: one's own, or any for administrators, auditors and the authority.
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

    fn administrator(&self, caller: &Caller) -> Result<Author, Error> {
        let actor = caller.acting(&[Role::Sre])?;
        Ok(Author { account: actor.account, organisation: actor.organisation, role: actor.role })
    }
}

fn sees_all(caller: &Caller) -> bool {
    [Role::Sre, Role::Auditor, Role::Authority].iter().any(|role| caller.is(*role))
}

/// The account that a profile makes.
fn checked(name: &Id, profile: Profile) -> Result<Account, Error> {
    let mut faults = Vec::new();
    let mut fault = |path: &str, reason: String| {
        faults.push(Fault { path: path.to_owned(), reason });
    };
    let characters = profile.person.trim().chars().count();
    if characters == 0 || characters > PERSON_CHARS_MAX {
        fault("person", format!("has 1 to {PERSON_CHARS_MAX} characters"));
    }
    match text::check(&profile.person) {
        Ok(()) if profile.person.contains(char::is_control) => {
            fault("person", "holds a control character".to_owned());
        }
        Ok(()) => {}
        Err(error) => fault("person", error.to_string()),
    }
    if profile.roles.is_empty() {
        fault("roles", "at least one entry".to_owned());
    }
    let mut roles = profile.roles;
    roles.sort_unstable();
    roles.dedup();
    // Whoever keeps the accounts could otherwise also make every decision.
    if roles.contains(&Role::Sre) && roles.len() > 1 {
        fault("roles", "`sre` administers accounts and goes with no other role".to_owned());
    }
    if !faults.is_empty() {
        return Err(Error::Refused(Refusal { code: Code::C1002, faults, retry_after: None }));
    }
    Ok(Account {
        name: name.clone(),
        version: 0,
        organisation: profile.organisation,
        person: profile.person.trim().to_owned(),
        roles,
        disabled: profile.disabled,
    })
}
