//! What makes somebody powerful is asked for by one person and decided by another, of another organisation. This file is
//! the one place that says who asks, what needs a second person, and who that may be.
//!
//! | change | asks | decides |
//! |---|---|---|
//! | account, change or reset of anybody with a deciding role | `sre` | `authority` or `registrar` of another organisation |
//! | the same of other organisations' accounts | `sre` | the same |
//! | identity link; which person a data subject is | `sre` | the same |
//! | account, change or reset without deciding roles in one's own organisation | `sre` | nobody |
//! | closing an account, ending a link or a token: what takes away | `sre` | nobody |
//! | the first account with the role `authority`, of another organisation | the founder | nobody: nobody else is there |
//!
//! Where no account with the role `authority` or `registrar` was ever made outside the organisation that asks, another
//! natural person of the same organisation decides.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use shuzha_core::{Code, Id, Role, Timestamp};
use shuzha_products::case::Actor;
use shuzha_store::register::{Account, AccountRequest, Author, Effect, RequestDecision, RequestState};

use super::profile::Profile;
use super::roles::decides;
use crate::{Caller, Control, Error, Page};

/// How long a request waits for its second person.
const REQUEST_LIFE: Duration = Duration::from_secs(7 * 86_400);
/// Most requests of one account that wait.
const OPEN_MAX: u64 = 200;
/// Most requests of one page.
const PAGE_MAX: usize = 200;
/// Who decides.
const SECOND: [Role; 2] = [Role::Authority, Role::Registrar];

/// What is asked for, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub(crate) enum Wanted {
    Create { profile: Kept },
    Change { profile: Kept, expected: u64 },
    ResetPassword,
    RemoveOneTimeCode,
    Link { issuer: String, subject: String },
    Bind { holder: String },
}

/// A profile as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kept {
    organisation: String,
    person: String,
    roles: Vec<String>,
    disabled: bool,
    person_key: Option<String>,
}

impl Kept {
    pub(super) fn of(profile: &Profile) -> Self {
        Self {
            organisation: profile.organisation.to_string(),
            person: profile.person.clone(),
            roles: profile.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            disabled: profile.disabled,
            person_key: profile.person_key.map(|key| encode(&key)),
        }
    }

    pub(super) fn profile(&self) -> Option<Profile> {
        let roles: Option<Vec<Role>> = self.roles.iter().map(|role| role.parse().ok()).collect();
        let person_key = match &self.person_key {
            Some(text) => Some(decode(text)?),
            None => None,
        };
        Some(Profile {
            organisation: Id::new(&self.organisation).ok()?,
            person: self.person.clone(),
            roles: roles?,
            disabled: self.disabled,
            person_key,
        })
    }
}

pub(crate) fn encode(bytes: &[u8; 32]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

impl Wanted {
    pub(crate) const fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Change { .. } => "change",
            Self::ResetPassword => "reset-password",
            Self::RemoveOneTimeCode => "remove-one-time-code",
            Self::Link { .. } => "link",
            Self::Bind { .. } => "bind",
        }
    }

    /// What a request asks for.
    pub(crate) fn read(request: &AccountRequest) -> Result<Self, Error> {
        serde_json::from_str(&request.wanted).map_err(|error| unreadable(request, error))
    }
}

pub(crate) fn unreadable(request: &AccountRequest, error: impl std::fmt::Display) -> Error {
    let (kind, name) = ("AccountRequest".to_owned(), request.name.to_string());
    Error::Unreadable { kind, name, what: error.to_string() }
}

/// What came of a change that may need a second person.
#[derive(Debug)]
pub enum Handled<T> {
    /// It was done.
    Done(T),
    /// It waits for a second person.
    Waits(AccountRequest),
}

/// Whether an administrator of `organisation` needs nobody else for a change between these.
pub(super) fn is_simple(organisation: &Id, accounts: &[&Account]) -> bool {
    accounts.iter().all(|account| {
        account.organisation == *organisation && !account.roles.iter().any(|role| decides(*role))
    })
}

impl Control {
    /// A request for `wanted`, with the effect that keeps it.
    ///
    /// # Errors
    /// C1116 where too many wait.
    pub(crate) fn requested(
        &self,
        by: &Author,
        account: &Id,
        wanted: &Wanted,
    ) -> Result<(AccountRequest, Effect), Error> {
        let now = self.now();
        if self.register.open_requests(&by.account, now)? >= OPEN_MAX {
            return Err(Code::C1116.into());
        }
        let name: String = shuzha_core::hex::encode(&self.random::<8>());
        let request = AccountRequest {
            name: Id::new(&format!("ar-{name}")).expect("letters and digits are a name"),
            verb: wanted.verb().to_owned(),
            account: account.clone(),
            wanted: serde_json::to_string(wanted).expect("named fields"),
            reason: String::new(),
            by: by.account.clone(),
            by_organisation: by.organisation.clone(),
            created: now,
            expires: now.plus(REQUEST_LIFE),
            state: RequestState::Open,
            decided: None,
        };
        Ok((request.clone(), Effect::Request(request)))
    }

    /// The request of this name, while it can be decided, and the second person who may decide it. `concerns` is the person
    /// behind the account that the request would make, where it tells one.
    ///
    /// # Errors
    /// C1104, C1106 without the role; C1003; C1112 where it is decided or over; C1111 for a second person of the same
    /// organisation, C1105 for the same person and for whom it concerns.
    pub(crate) fn decidable(
        &self,
        caller: &Caller,
        request: &AccountRequest,
        concerns: Option<[u8; 32]>,
    ) -> Result<Actor, Error> {
        let actor = caller.acting(&SECOND)?;
        if request.state != RequestState::Open || self.now() >= request.expires {
            return Err(Code::C1112.into());
        }
        let own = self.register.person_key(&caller.account)?;
        let oneself = own.is_some() && own == concerns;
        if oneself
            || self.same_person(&caller.account, &request.by)?
            || self.same_person(&caller.account, &request.account)?
        {
            return Err(Code::C1105.into());
        }
        if caller.organisation == request.by_organisation
            && self.somebody_elsewhere(&request.by_organisation)?
        {
            return Err(Code::C1111.into());
        }
        Ok(actor)
    }

    /// Whether somebody outside `organisation` could ever decide.
    fn somebody_elsewhere(&self, organisation: &Id) -> Result<bool, Error> {
        for role in SECOND {
            if self.register.role_elsewhere(role.as_str(), Some(organisation))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The effect that decides a request.
    pub(crate) fn decided(request: &AccountRequest, state: RequestState, actor: &Actor) -> Effect {
        let (by, organisation) = (actor.account.clone(), actor.organisation.clone());
        Effect::Decide(RequestDecision { name: request.name.clone(), state, by, organisation })
    }

    /// Whether two accounts are one natural person, as far as is known.
    pub(crate) fn same_person(&self, a: &Id, b: &Id) -> Result<bool, Error> {
        if a == b {
            return Ok(true);
        }
        let key = self.register.person_key(a)?;
        Ok(key.is_some() && key == self.register.person_key(b)?)
    }

    /// Requests about accounts, in order of name; only those that wait, where asked for.
    ///
    /// # Errors
    /// C1104 without a role that asks, decides or audits.
    pub fn account_requests(
        &self,
        caller: &Caller,
        open: bool,
        after: Option<&Id>,
        limit: usize,
    ) -> Result<Page<AccountRequest, Id>, Error> {
        sees(caller)?;
        let limit = limit.clamp(1, PAGE_MAX);
        let found = self.register.account_requests(open.then(|| self.now()), after, limit + 1)?;
        Ok(Page::cut(found, limit, |request| request.name.clone()))
    }

    /// One request about an account.
    ///
    /// # Errors
    /// C1104 as [`Control::account_requests`]; C1003.
    pub fn account_request(&self, caller: &Caller, name: &Id) -> Result<AccountRequest, Error> {
        sees(caller)?;
        Ok(self.register.account_request(name.as_str())?.ok_or(Code::C1003)?)
    }

    /// When this is looked at, for telling whether a request is over.
    #[must_use]
    pub fn looked_at(&self) -> Timestamp {
        self.now()
    }
}

fn sees(caller: &Caller) -> Result<(), Error> {
    let roles = [Role::Sre, Role::Authority, Role::Registrar, Role::Auditor];
    if roles.iter().any(|role| caller.is(*role)) { Ok(()) } else { Err(Code::C1104.into()) }
}
