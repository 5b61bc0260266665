//! Which grants have paid for their package: a package is charged once per grant, however often its ranges are
//! fetched (REQUIREMENTS E9).

use std::collections::HashSet;
use std::sync::Mutex;

use shuzha_core::Id;

use crate::shards::lock;

/// The grants that paid.
pub(crate) struct Packages {
    paid: Mutex<HashSet<Id>>,
}

impl Packages {
    pub(crate) fn new(paid: impl IntoIterator<Item = Id>) -> Self {
        Self { paid: Mutex::new(paid.into_iter().collect()) }
    }

    /// Whether the grant has paid.
    pub(crate) fn is_paid(&self, grant: &str) -> bool {
        lock(&self.paid).contains(grant)
    }

    /// Claims the one charge of the grant: `true` for exactly one of several racing calls.
    pub(crate) fn claim(&self, grant: &str) -> bool {
        lock(&self.paid).insert(Id::new(grant).expect("the name of a grant"))
    }

    /// Gives a claim back whose record could not be written.
    pub(crate) fn unclaim(&self, grant: &str) {
        lock(&self.paid).remove(grant);
    }
}
