//! How many objects of a kind one organisation may have, so that nobody fills the register for all.

use std::collections::BTreeMap;

use shuzha_core::{Code, Role};
use shuzha_products::case::Actor;

use super::Ready;
use crate::{Control, Error};

/// How many objects of one kind an organisation has at most. The authority is not bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// For kinds that are not named.
    pub each: u64,
    /// For kinds that are.
    pub kinds: BTreeMap<String, u64>,
}

impl Default for Quotas {
    fn default() -> Self {
        let kinds = [("Credential", 1_000), ("Upstream", 200), ("Product", 1_000), ("Grant", 1_000_000)];
        let kinds = kinds.into_iter().map(|(kind, most)| (kind.to_owned(), most)).collect();
        Self { each: 10_000, kinds }
    }
}

impl Quotas {
    fn of(&self, kind: &str) -> u64 {
        self.kinds.get(kind).copied().unwrap_or(self.each)
    }
}

impl Control {
    /// Sets how many objects organisations may have.
    pub fn set_quotas(&self, quotas: Quotas) {
        *self.quotas.write().expect("nothing panics while it holds the quotas") = quotas;
    }

    /// Whether the organisation that a new object belongs to may have one more.
    ///
    /// # Errors
    /// C1118 where it has as many as it may.
    pub(super) fn check_quota(&self, actor: &Actor, ready: &Ready) -> Result<(), Error> {
        let Some(to) = ready.to.as_ref().filter(|_| ready.before.is_none()) else { return Ok(()) };
        if actor.role == Role::Authority {
            return Ok(());
        }
        let kind = ready.kind.name();
        let most = self.quotas.read().expect("nothing panics while it holds the quotas").of(kind);
        let owner = to.owner.as_ref().unwrap_or(&actor.organisation);
        if self.register.count_of_owner(kind, owner, most)? < most {
            return Ok(());
        }
        Err(Error::fault(
            Code::C1118,
            "",
            format!("{owner} has {most} objects of kind {kind}, the most there may be"),
        ))
    }
}
