//! The record of refused acts and of sign-ons that failed: who, what, which object, which code. Never an address, never a
//! name that nobody has.

use shuzha_core::{Code, Role};
use shuzha_store::register::{Account, Refused, RefusedFilter};

use super::Accounts;
use crate::{Caller, Error, Page};

/// Most refusals of one page.
const PAGE_MAX: usize = 200;
/// What a failed sign-on stands under.
const SIGN_ON: &str = "sign-on";

impl Accounts {
    /// Records that something was refused to a signed-on person: verb, kind of object, its name, and the code.
    ///
    /// # Errors
    /// Of the register.
    pub fn refused(
        &self,
        caller: &Caller,
        (verb, kind, name): (&str, &str, &str),
        code: Code,
    ) -> Result<(), Error> {
        Ok(self.control.register.note_refusal(&Refused {
            id: 0,
            at: self.control.now(),
            account: Some(caller.account.clone()),
            organisation: Some(caller.organisation.clone()),
            roles: caller.roles.clone(),
            verb: verb.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            code: code.as_str().to_owned(),
            count: 1,
        })?)
    }

    /// Records a sign-on that failed. Where nobody has the name it is counted only.
    pub(super) fn note_failure(&self, account: Option<&Account>, code: Code) {
        let refused = Refused {
            id: 0,
            at: self.control.now(),
            account: account.map(|account| account.name.clone()),
            organisation: account.map(|account| account.organisation.clone()),
            roles: Vec::new(),
            verb: SIGN_ON.to_owned(),
            kind: super::KIND.to_owned(),
            name: account.map(|account| account.name.to_string()).unwrap_or_default(),
            code: code.as_str().to_owned(),
            count: 1,
        };
        let account = refused.account.as_ref().map(|account| account.as_str());
        tracing::warn!(account, code = code.as_str(), "a sign-on failed");
        if let Err(error) = self.control.register.note_refusal(&refused) {
            tracing::error!(%error, "a failed sign-on could not be recorded");
        }
    }

    /// Refused acts and failed sign-ons, newest first: for the auditor and the authority.
    ///
    /// # Errors
    /// C1104 for others.
    pub fn refusals(&self, caller: &Caller, filter: &RefusedFilter<'_>) -> Result<Page<Refused, u64>, Error> {
        if !caller.is(Role::Auditor) && !caller.is(Role::Authority) {
            return Err(Code::C1104.into());
        }
        let limit = filter.limit.clamp(1, PAGE_MAX);
        let found = self.control.register.refusals(&RefusedFilter { limit: limit + 1, ..*filter })?;
        Ok(Page::cut(found, limit, |refused| refused.id))
    }
}
