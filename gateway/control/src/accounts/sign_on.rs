//! Signing on: passwords, linked identities, sessions and API tokens; and the lock-out after failures.

use std::time::Duration;

use shuzha_core::{Code, Id, Role, Timestamp};
use shuzha_store::register::{Account, Lockout, Session};
use zeroize::Zeroizing;

use super::{Accounts, TOKEN_PREFIX, hash};
use crate::error::Refusal;
use crate::{Caller, Error};

/// Failures in a row after which a name is locked, and after which an address is.
const FAILURES_MAX: (u32, u32) = (5, 20);
/// The first lock-out; each further failure doubles it.
const LOCK_FIRST: Duration = Duration::from_secs(30);
/// The longest lock-out: whoever fails on purpose can keep others out no longer than this at a time.
const LOCK_MAX: Duration = Duration::from_secs(15 * 60);
/// After how long without one failures are forgotten.
const FAILURES_KEPT: Duration = Duration::from_secs(24 * 3_600);
/// Most sessions of one account; the oldest makes room.
const SESSIONS_MAX: usize = 10;
/// How often a session's use is written down: not at every request.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// A session that was just begun.
pub struct Started {
    /// What the browser keeps; shown once.
    pub session: Zeroizing<String>,
    /// Who signed on.
    pub account: Account,
    /// When it ends at the latest.
    pub until: Timestamp,
    /// Whether the password must be changed before anything else.
    pub must_change_password: bool,
}

impl std::fmt::Debug for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Started").field("account", &self.account.name).finish_non_exhaustive()
    }
}

/// A signed-on person and their sign-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOn {
    /// Who.
    pub caller: Caller,
    /// The person's name.
    pub person: String,
    /// When it ends at the latest.
    pub until: Timestamp,
    /// Whether the password must be changed before anything else; until then they act in no role.
    pub must_change_password: bool,
}

impl Accounts {
    /// Signs on by name and password, and by a one-time or recovery code where the account uses them. `source` is the
    /// caller's address.
    ///
    /// # Errors
    /// C1102 when any of it is not right, with the fault `code` where only that is missing; C1103 after too many failures.
    pub fn sign_in(
        &self,
        name: &str,
        password: &str,
        code: Option<&str>,
        source: &str,
    ) -> Result<Started, Error> {
        let (by_name, by_source) = (format!("name {name}"), format!("from {source}"));
        let tried = [by_name.as_str(), by_source.as_str()];
        self.unlocked(&tried)?;
        let register = &self.control.register;
        let account = if Id::check(name).is_ok() { register.account(name)? } else { None };
        let kept = match &account {
            Some(account) => register.password(&account.name)?,
            None => None,
        };
        let right = self.matches(kept.as_ref(), password);
        let (Some(account), Some(kept), true) = (account, kept, right) else {
            self.failed(&tried)?;
            return Err(Code::C1102.into());
        };
        if account.disabled {
            self.failed(&tried)?;
            return Err(Code::C1102.into());
        }
        if register.uses_one_time(&account.name)? {
            let Some(code) = code else { return Err(Error::fault(Code::C1102, "code", "is needed")) };
            if !self.takes_code(&account.name, code)? {
                self.failed(&tried)?;
                return Err(Code::C1102.into());
            }
        }
        // Not the address: one right password must not buy an attacker further guesses at others.
        register.clear_lockout(&by_name)?;
        self.begin(account, kept.temporary, false)
    }

    /// Signs on the account that an identity elsewhere is linked to. The caller has verified that identity.
    ///
    /// # Errors
    /// C1102 where nothing is linked to it, or the account is disabled.
    pub fn sign_in_linked(&self, issuer: &str, subject: &str) -> Result<Started, Error> {
        let register = &self.control.register;
        let linked = register.linked(issuer, subject)?.ok_or(Code::C1102)?;
        let account = register.account(linked.as_str())?.filter(|account| !account.disabled);
        self.begin(account.ok_or(Code::C1102)?, false, true)
    }

    fn begin(&self, account: Account, must_change_password: bool, linked: bool) -> Result<Started, Error> {
        let now = self.control.now();
        let until = now.plus(self.options.session_life);
        let (text, hash) = self.secret("");
        let session = Session { hash, account: account.name.clone(), created: now, seen: now, until, linked };
        self.control.register.begin_session(&session, SESSIONS_MAX)?;
        Ok(Started { session: text, account, until, must_change_password })
    }

    /// Who a session stands for.
    ///
    /// # Errors
    /// C1101 when it does not hold, or not any more.
    pub fn session(&self, session: &str) -> Result<SignedOn, Error> {
        let register = &self.control.register;
        let now = self.control.now();
        let held = register.session(&hash(session))?.ok_or(Code::C1101)?;
        if now >= held.until || now >= held.seen.plus(self.options.session_idle) {
            register.end_session(&held.hash)?;
            return Err(Code::C1101.into());
        }
        if now >= held.seen.plus(TOUCH_EVERY) {
            register.touch_session(&held.hash, now)?;
        }
        let account = register.account(held.account.as_str())?.filter(|account| !account.disabled);
        let account = account.ok_or(Code::C1101)?;
        let temporary = register.password(&account.name)?.is_some_and(|kept| kept.temporary);
        let must_change = temporary && !held.linked;
        let roles = if must_change { Vec::new() } else { account.roles.clone() };
        let caller = caller(&account, roles, false, false);
        Ok(SignedOn { caller, person: account.person, until: held.until, must_change_password: must_change })
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Of the register.
    pub fn sign_out(&self, session: &str) -> Result<(), Error> {
        self.control.register.end_session(&hash(session))?;
        Ok(())
    }

    /// Who an API token stands for.
    ///
    /// # Errors
    /// C1101 when it does not hold, or not any more.
    pub fn token(&self, token: &str) -> Result<SignedOn, Error> {
        let register = &self.control.register;
        if !token.starts_with(TOKEN_PREFIX) {
            return Err(Code::C1101.into());
        }
        let held = register.token(&hash(token))?.ok_or(Code::C1101)?;
        if self.control.now() >= held.until {
            return Err(Code::C1101.into());
        }
        let account = register.account(held.account.as_str())?.filter(|account| !account.disabled);
        let account = account.ok_or(Code::C1101)?;
        // A role that the account has lost since is lost to its tokens too.
        let roles = account.roles.iter().copied().filter(|role| held.roles.contains(role)).collect();
        let caller = caller(&account, roles, held.read_only, true);
        Ok(SignedOn { caller, person: account.person, until: held.until, must_change_password: false })
    }

    /// Forgets sessions and tokens that have ended.
    ///
    /// # Errors
    /// Of the register.
    pub fn tidy(&self) -> Result<(), Error> {
        let now = self.control.now();
        Ok(self.control.register.forget_ended(now, now.minus(self.options.session_idle))?)
    }

    /// Whether none of what is tried with is locked.
    pub(super) fn unlocked(&self, tried: &[&str]) -> Result<(), Error> {
        let now = self.control.now();
        for what in tried {
            let lockout = self.control.register.lockout(what)?;
            if now < lockout.until {
                let micros = u64::try_from(lockout.until.micros_since(now)).unwrap_or(0);
                let retry_after = Some(Duration::from_micros(micros));
                return Err(Error::Refused(Refusal { code: Code::C1103, faults: Vec::new(), retry_after }));
            }
        }
        Ok(())
    }

    /// Notes a failure of everything that was tried with: the name first, then the address.
    pub(super) fn failed(&self, tried: &[&str]) -> Result<(), Error> {
        let now = self.control.now();
        for what in tried {
            let before = self.control.register.lockout(what)?;
            let fresh = now < before.last.plus(FAILURES_KEPT);
            let failures = if fresh { before.failures.saturating_add(1) } else { 1 };
            let allowed = if what.starts_with("name ") { FAILURES_MAX.0 } else { FAILURES_MAX.1 };
            let until = now.plus(locked_for(failures, allowed));
            self.control.register.put_lockout(what, Lockout { failures, until, last: now })?;
        }
        Ok(())
    }
}

/// For how long `failures` in a row lock what may fail `allowed` times.
fn locked_for(failures: u32, allowed: u32) -> Duration {
    match failures.checked_sub(allowed) {
        None => Duration::ZERO,
        Some(beyond) => LOCK_FIRST.saturating_mul(1 << beyond.min(16)).min(LOCK_MAX),
    }
}

fn caller(account: &Account, roles: Vec<Role>, read_only: bool, by_token: bool) -> Caller {
    let withheld = account.roles.iter().copied().filter(|role| !roles.contains(role)).collect();
    Caller {
        account: account.name.clone(),
        organisation: account.organisation.clone(),
        roles,
        withheld,
        read_only,
        by_token,
    }
}
