//! Who a person is here, by which rules, and the effects of which changes of accounts are made.

use serde_json::{Value, json};
use shuzha_core::Fault;
use shuzha_core::{Code, Id, Role, text};
use shuzha_store::register::{Account, Effect};

use super::requests::encode;
use super::roles::{self, decides};
use crate::Error;
use crate::error::Refusal;

/// Longest name of a person in characters.
const PERSON_CHARS_MAX: usize = 100;

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
    /// The natural person, by [`Accounts::person_of`]; none leaves it as it was.
    pub person_key: Option<[u8; 32]>,
}

impl Profile {
    /// All of it, by which a retry is known.
    pub(super) fn told(&self) -> Value {
        let roles: Vec<_> = self.roles.iter().map(|role| role.as_str()).collect();
        let person = self.person_key.map(|key| encode(&key));
        json!([self.organisation.as_str(), self.person, roles, self.disabled, person])
    }
}

/// What makes an account.
pub(super) fn new_account(account: &Account, key: Option<[u8; 32]>) -> Vec<Effect> {
    let mut effects = vec![Effect::Account { account: account.clone(), expected: None }];
    effects.extend(key.map(|key| Effect::Person(account.name.clone(), key)));
    effects
}

/// What changes one.
pub(super) fn changed_account(account: &Account, expected: u64, key: Option<[u8; 32]>) -> Vec<Effect> {
    let mut effects = vec![
        Effect::Account { account: account.clone(), expected: Some(expected) },
        Effect::EndSignOns(account.name.clone(), None),
    ];
    effects.extend(key.map(|key| Effect::Person(account.name.clone(), key)));
    if account.disabled {
        effects.push(Effect::ForgetInvitation(account.name.clone()));
    }
    effects
}

/// What takes a password away.
pub(super) fn reset_password(name: &Id) -> Vec<Effect> {
    vec![Effect::ForgetPassword(name.clone()), Effect::EndSignOns(name.clone(), None)]
}

/// What takes one-time codes away.
pub(super) fn reset_one_time(name: &Id) -> Vec<Effect> {
    vec![Effect::ForgetOneTime(name.clone()), Effect::EndSignOns(name.clone(), None)]
}

/// The account that a profile makes.
pub(super) fn checked(name: &Id, profile: &Profile) -> Result<Account, Error> {
    let account = checked_form(name, profile)?;
    roles::check(&account.roles, &[])?;
    if profile.person_key.is_none() && account.roles.iter().any(|role| decides(*role)) {
        let why = "is needed for a role that decides, keeps accounts or audits";
        return Err(Error::fault(Code::C1002, "idNumber", why));
    }
    Ok(account)
}

/// The same without the rules on persons.
pub(super) fn checked_form(name: &Id, profile: &Profile) -> Result<Account, Error> {
    let mut faults = Vec::new();
    let mut fault = |path: &str, reason: String| {
        faults.push(Fault::new(path, reason));
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
    let mut roles = profile.roles.clone();
    roles.sort_unstable();
    roles.dedup();
    if !faults.is_empty() {
        return Err(Error::Refused(Refusal { code: Code::C1002, faults, retry_after: None }));
    }
    Ok(Account {
        name: name.clone(),
        version: 0,
        organisation: profile.organisation.clone(),
        person: profile.person.trim().to_owned(),
        roles,
        disabled: profile.disabled,
    })
}
