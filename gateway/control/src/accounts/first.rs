//! The founder: the first administrator, by a token that only the owner of the machine can read.

use shuzha_core::{Code, Id, Role};
use shuzha_store::register::{Account, Effect};
use zeroize::Zeroizing;

use super::profile::{Profile, checked};
use super::{Accounts, author, conflict_is, hash, password};
use crate::Error;

/// Who the founder is, and what they chose.
#[derive(Clone, Copy)]
pub struct First<'a> {
    /// The token that the first start left.
    pub token: &'a str,
    /// The account's name.
    pub name: &'a Id,
    /// The organisation they act for.
    pub organisation: &'a Id,
    /// Their name.
    pub person: &'a str,
    /// The number in their papers; it is not kept.
    pub id_number: &'a str,
    /// Their password.
    pub password: &'a str,
}

impl std::fmt::Debug for First<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("First").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Accounts {
    /// Makes the token by which the first administrator makes their account, to be left where only the owner of the machine
    /// reads it. A new one takes the place of the last. None once there is an account.
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

    /// Makes the first account, with the role `sre`. `source` is where the caller comes from, for counting failures.
    ///
    /// # Errors
    /// C1102 when the token is not the one that holds; C1103 after too many tries; C1107, C1002 for what was chosen; C092.
    pub fn create_first(&self, first: &First<'_>, source: &str) -> Result<Account, Error> {
        let pair = format!("first from {source}");
        self.attempt(&pair, None)?;
        let hash = hash(first.token);
        let holds = self.control.register.first_token(&hash)?.is_some_and(|until| self.control.now() < until);
        if !holds || self.control.register.account_count()? > 0 {
            self.note_failure(None, Code::C1102);
            return Err(Code::C1102.into());
        }
        self.succeeded(&pair, None)?;
        let key = self.person_of(first.id_number)?;
        let profile = Profile {
            organisation: first.organisation.clone(),
            person: first.person.to_owned(),
            roles: vec![Role::Sre],
            disabled: false,
            person_key: Some(key),
        };
        let mut account = checked(first.name, &profile)?;
        password::check(&account, first.password)?;
        let turn = self.turns.take()?;
        let hashed = self.hashed(first.name, first.password, false);
        drop(turn);
        let effects = vec![
            Effect::FirstToken(hash),
            Effect::Account { account: account.clone(), expected: None },
            Effect::Person(first.name.clone(), key),
            Effect::Password(hashed),
        ];
        let made = self.accept(author(&account), "create-first", first.name, effects);
        account.version = made.map_err(conflict_is(Code::C1102))?;
        Ok(account)
    }
}
