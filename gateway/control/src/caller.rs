//! Who calls: a signed-on person, with what this sign-on lets them act as.

use shuzha_core::{Code, Id, Role};
use shuzha_products::case::Actor;

use crate::Error;

/// A signed-on person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: Id,
    /// The organisation the person acts for.
    pub organisation: Id,
    /// What they may act as: the account's roles, or fewer by an API token.
    pub roles: Vec<Role>,
    /// Roles of the account that this token leaves out; to tell C1106 from C1104.
    pub withheld: Vec<Role>,
    /// Whether they may only read.
    pub read_only: bool,
    /// Whether an API token stands for them: it may not change what they sign on with.
    pub by_token: bool,
}

impl Caller {
    /// The caller, acting in the first of their roles that is in `allowed`.
    ///
    /// # Errors
    /// C1106 when only the token's scope is missing, C1104 otherwise.
    pub fn acting(&self, allowed: &[Role]) -> Result<Actor, Error> {
        let role = self.roles.iter().copied().find(|role| allowed.contains(role));
        match role {
            Some(_) if self.read_only => Err(Code::C1106.into()),
            Some(role) => {
                Ok(Actor { account: self.account.clone(), organisation: self.organisation.clone(), role })
            }
            None if self.withheld.iter().any(|role| allowed.contains(role)) => Err(Code::C1106.into()),
            None => Err(Code::C1104.into()),
        }
    }

    /// Whether they act as `role`.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}
