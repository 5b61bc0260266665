//! What persons do to their own account: by a session, never by a token.

use std::collections::BTreeSet;

use serde_json::json;
use shuzha_core::{Code, Id, Role, Timestamp};
use shuzha_store::register::{Account, Effect, Token};
use zeroize::Zeroizing;

use super::{Accounts, TOKEN_PREFIX, author, conflict_is, hash, password};
use crate::{Caller, Error};

/// Most API tokens of one account.
const TOKENS_MAX: usize = 50;

impl Accounts {
    /// Changes one's own password; ends every session and API token of the account, this session too.
    ///
    /// # Errors
    /// C1102 when the present one is not right, C1103 after too many failures; C1107 for the new one; C1106 by token.
    pub fn set_password(&self, caller: &Caller, present: &str, new: &str) -> Result<(), Error> {
        let account = self.own_account(caller)?;
        // By itself: whoever took a session over locks nobody out of signing on.
        let tried = format!("own {}", account.name);
        let turn = self.turns.take()?;
        self.attempt(&tried, None)?;
        let kept = self.control.register.password(&account.name)?;
        if !self.matches(kept.as_ref(), present) {
            return Err(Code::C1102.into());
        }
        self.succeeded(&tried, None)?;
        if present == new {
            return Err(Error::fault(Code::C1107, "password", "is not the present one"));
        }
        password::check(&account, new)?;
        let hashed = self.hashed(&account.name, new, false);
        drop(turn);
        let effects = vec![Effect::Password(hashed), Effect::EndSignOns(account.name.clone(), None)];
        self.accept(author(&account), "set-password", &account.name, effects).map(drop)
    }

    /// Makes an API token for oneself, shown once: none for a retry. `roles` are some of one's own.
    ///
    /// # Errors
    /// C1104 for a role one has not; C1004 where the name is taken; C1002 for its end; C1106 by token.
    pub fn create_token(
        &self,
        caller: &Caller,
        name: &Id,
        roles: &[Role],
        read_only: bool,
        until: Timestamp,
        key: Option<&str>,
    ) -> Result<Option<Zeroizing<String>>, Error> {
        let account = self.own_account(caller)?;
        if !roles.iter().all(|role| caller.is(*role)) {
            return Err(Code::C1104.into());
        }
        let now = self.control.now();
        if roles.is_empty() {
            return Err(Error::fault(Code::C1002, "roles", "at least one entry"));
        }
        if until <= now || until > now.plus(self.options.token_life_max) {
            let days = self.options.token_life_max.as_secs() / 86_400;
            return Err(Error::fault(Code::C1002, "until", format!("lies ahead, by at most {days} days")));
        }
        let roles: BTreeSet<Role> = roles.iter().copied().collect();
        let words: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
        let told = json!(["token-create", name.as_str(), words, read_only, until.micros()]);
        let asked = Self::asked(caller, key, &told)?;
        let make = |answer| {
            if self.control.register.tokens(&account.name)?.len() >= TOKENS_MAX {
                let reason = format!("an account has at most {TOKENS_MAX} tokens");
                return Err(Error::fault(Code::C1002, "name", reason));
            }
            let (text, hash) = self.secret(TOKEN_PREFIX);
            let token = Token {
                hash,
                name: name.clone(),
                account: account.name.clone(),
                roles: roles.into_iter().collect(),
                read_only,
                created: now,
                until,
            };
            let effects = vec![Effect::Token(token)];
            let made = self.accept_once(author(&account), "token-create", &account.name, effects, answer);
            made.map_err(conflict_is(Code::C1004))?;
            Ok(Some(text))
        };
        self.once(&asked, make, || Ok(None))
    }

    /// One's own API tokens.
    ///
    /// # Errors
    /// Of the register.
    pub fn tokens(&self, caller: &Caller) -> Result<Vec<Token>, Error> {
        Ok(self.control.register.tokens(&caller.account)?)
    }

    /// Ends an API token: one's own, or as administrator someone else's.
    ///
    /// # Errors
    /// C1003 where there is none; C1104 for someone else's without the role.
    pub fn remove_token(&self, caller: &Caller, whose: &Id, name: &Id) -> Result<(), Error> {
        let own = self.own_account(caller)?;
        if own.name != *whose {
            caller.acting(&[Role::Sre])?;
        }
        let effects = vec![Effect::RemoveToken(whose.clone(), name.clone())];
        let removed = self.accept(author(&own), "token-remove", whose, effects);
        removed.map(drop).map_err(conflict_is(Code::C1003))
    }

    /// Ends the API token that is given in full: whoever holds it may give it up.
    ///
    /// # Errors
    /// C1101 when it does not hold.
    pub fn give_up_token(&self, token: &str) -> Result<(), Error> {
        self.token(token)?;
        let register = &self.control.register;
        let held = register.token(&hash(token))?.ok_or(Code::C1101)?;
        let account = register.account(held.account.as_str())?.ok_or(Code::C1101)?;
        let effects = vec![Effect::RemoveToken(account.name.clone(), held.name)];
        let removed = self.accept(author(&account), "token-remove", &account.name, effects);
        removed.map(drop).map_err(conflict_is(Code::C1101))
    }

    /// The caller's own account.
    pub(super) fn own_account(&self, caller: &Caller) -> Result<Account, Error> {
        if caller.by_token {
            return Err(Code::C1106.into());
        }
        Ok(self.control.register.account(caller.account.as_str())?.ok_or(Code::C1101)?)
    }
}
