//! Signing on: passwords, linked identities, sessions and API tokens; and what failures lead to.

use std::time::Duration;

use shuzha_core::{Code, Id, Role, Timestamp};
use shuzha_store::register::{Account, AttemptRules, Session};
use zeroize::Zeroizing;

use super::{Accounts, TOKEN_PREFIX, hash};
use crate::error::Refusal;
use crate::{Caller, Error};

/// How failures are counted: a name and the place it is tried from are locked together, so that a stranger elsewhere locks
/// nobody out; an address alone only slows down names that have never signed on from it, so that an office behind one
/// address goes on working.
pub(super) const ATTEMPTS: AttemptRules = AttemptRules {
    pair_max: 5,
    lock_first: 30_000_000,
    lock_max: 15 * 60_000_000,
    pair_decay: 30 * 60_000_000,
    address_max: 100,
    address_decay: 1_000_000,
    known: 90 * 86_400_000_000,
};
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
    /// Whether a one-time code must be enrolled before anything else.
    pub must_enrol: bool,
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
    /// Whether a one-time code must be enrolled before anything else; until then they act in no role.
    pub must_enrol: bool,
}

/// How somebody came to be signed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Password {
        temporary: bool,
    },
    /// An identity elsewhere, which vouches in its own way.
    Link,
}

impl Accounts {
    /// Signs on by name and password, and by a one-time or recovery code where the account uses them. `source` is where the
    /// caller comes from.
    ///
    /// # Errors
    /// C1102 when any of it is not right or missing, whatever it is; C1103 after too many failures; C092 while too many
    /// others sign on.
    pub fn sign_in(
        &self,
        name: &str,
        password: &str,
        code: Option<&str>,
        source: &str,
    ) -> Result<Started, Error> {
        let (pair, address) = (format!("pair {name} from {source}"), format!("from {source}"));
        let register = &self.control.register;
        let account = if Id::check(name).is_ok() { register.account(name)? } else { None };
        let turn = self.turns.take()?;
        // Counted before it is compared: of any number at once, each counts.
        self.attempt(&pair, Some(&address)).inspect_err(|error| {
            self.note_failure(account.as_ref(), error.code());
        })?;
        let (mut kept, mut epoch) = (None, None);
        if let Some(account) = &account {
            epoch = register.epoch(&account.name)?;
            kept = register.password(&account.name)?;
        }
        let right = self.matches(kept.as_ref(), password);
        drop(turn);
        let proved = match (&account, &kept, epoch) {
            (Some(account), Some(kept), Some(epoch)) if right && !account.disabled => {
                // A right password without its code counts like a wrong one, and is answered like one.
                let asked = register.uses_one_time(&account.name)?;
                let coded = !asked || self.takes_code(&account.name, code.unwrap_or_default())?;
                coded.then_some((kept.temporary, epoch))
            }
            _ => None,
        };
        let (Some((temporary, epoch)), Some(account)) = (proved, account.clone()) else {
            self.note_failure(account.as_ref(), Code::C1102);
            return Err(Code::C1102.into());
        };
        register.succeeded(&pair, Some(&address), &ATTEMPTS, self.control.now())?;
        self.begin(account, By::Password { temporary }, epoch)
    }

    /// Signs on the account that an identity elsewhere is linked to. The caller has verified that identity.
    ///
    /// # Errors
    /// C1102 where nothing is linked to it, or the account is disabled.
    pub fn sign_in_linked(&self, issuer: &str, subject: &str) -> Result<Started, Error> {
        let register = &self.control.register;
        let Some(linked) = register.linked(issuer, subject)? else {
            self.note_failure(None, Code::C1102);
            return Err(Code::C1102.into());
        };
        let (epoch, account) = (register.epoch(&linked)?, register.account(linked.as_str())?);
        match (account, epoch) {
            (Some(account), Some(epoch)) if !account.disabled => self.begin(account, By::Link, epoch),
            (account, _) => {
                self.note_failure(account.as_ref(), Code::C1102);
                Err(Code::C1102.into())
            }
        }
    }

    /// Begins a session, unless the account's sign-ons were ended since it was at `epoch`.
    pub(super) fn begin(&self, account: Account, by: By, epoch: i64) -> Result<Started, Error> {
        let now = self.control.now();
        let until = now.plus(self.options.session_life);
        let (text, hash) = self.secret("");
        let linked = by == By::Link;
        let session = Session { hash, account: account.name.clone(), created: now, seen: now, until, linked };
        if !self.control.register.begin_session(&session, SESSIONS_MAX, epoch)? {
            return Err(Code::C1102.into());
        }
        let must_change_password = by == By::Password { temporary: true };
        let must_enrol = !linked && self.must_enrol(&account)?;
        Ok(Started { session: text, account, until, must_change_password, must_enrol })
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
        let must_enrol = !held.linked && self.must_enrol(&account)?;
        let roles = if must_change || must_enrol { Vec::new() } else { account.roles.clone() };
        let caller = caller(&account, roles, false, false);
        let (person, until) = (account.person, held.until);
        Ok(SignedOn { caller, person, until, must_change_password: must_change, must_enrol })
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
        let must_enrol = self.must_enrol(&account)?;
        // A role that the account has lost since is lost to its tokens too.
        let holds = |role: &Role| !must_enrol && held.roles.contains(role);
        let roles = account.roles.iter().copied().filter(holds).collect();
        let caller = caller(&account, roles, held.read_only, true);
        let (person, until) = (account.person, held.until);
        Ok(SignedOn { caller, person, until, must_change_password: false, must_enrol })
    }

    /// Whether a role of the account demands one-time codes and it uses none.
    pub(super) fn must_enrol(&self, account: &Account) -> Result<bool, Error> {
        let demanded = account.roles.iter().any(|role| self.options.one_time_roles.contains(role));
        Ok(demanded && !self.control.register.uses_one_time(&account.name)?)
    }

    /// Forgets sessions and tokens that have ended, and what was tried longest ago.
    ///
    /// # Errors
    /// Of the register.
    pub fn tidy(&self) -> Result<(), Error> {
        let now = self.control.now();
        self.control.register.forget_attempts()?;
        Ok(self.control.register.forget_ended(now, now.minus(self.options.session_idle))?)
    }

    /// Counts an attempt, or refuses it.
    ///
    /// # Errors
    /// C1103 with the time to wait.
    pub(super) fn attempt(&self, pair: &str, address: Option<&str>) -> Result<(), Error> {
        let now = self.control.now();
        let Some(until) = self.control.register.attempt(pair, address, &ATTEMPTS, now)? else {
            return Ok(());
        };
        let micros = u64::try_from(until.micros_since(now)).unwrap_or(0);
        let retry_after = Some(Duration::from_micros(micros));
        Err(Error::Refused(Refusal { code: Code::C1103, faults: Vec::new(), retry_after }))
    }

    /// Takes back what a right attempt counted.
    pub(super) fn succeeded(&self, pair: &str, address: Option<&str>) -> Result<(), Error> {
        Ok(self.control.register.succeeded(pair, address, &ATTEMPTS, self.control.now())?)
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
